//! A conference server that forwards sealed media and holds no key, with the page that seals it.
//!
//! ```text
//! sealframe-sfu [--http 127.0.0.1:8080] [--udp 127.0.0.1:0] [--record DIR] [--package DIR]
//! ```

#![allow(clippy::std_instead_of_core, reason = "a program, not a no_std library")]

mod av1;
mod connections;
mod dependency;
mod files;
mod h264;
mod http;
mod keyframes;
mod layer;
mod limits;
mod log;
mod message;
mod meter;
#[cfg(test)]
mod noise;
mod outbox;
mod peer;
mod recorder;
mod room;
mod sequence;
mod sfu;
mod tap;
mod vp8;
mod vp9;

use std::env;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use crate::http::Site;
use crate::limits::{BACKLOG, COMMANDS, FILE_THREADS, SYSTEM_BUFFER, Timeouts};
use crate::recorder::Recorder;
use crate::sfu::Sfu;

const USAGE: &str = "\
usage: sealframe-sfu [options]

  --http ADDRESS:PORT  pages and signalling; default 127.0.0.1:8080, port 0 for any
  --udp ADDRESS:PORT   media; default 127.0.0.1:0. Firefox needs an address other than loopback
  --record DIR         also write every RTP packet received into DIR
  --package DIR        the browser package, served at /sealframe/; default wasm/pkg
  --hurry N            divide all timeouts by N, for tests; default 1

Browsers give camera and transforms only to secure pages: leave --http on loopback, or put TLS
in front of it.";

#[derive(Debug)]
struct Args {
    http: SocketAddr,
    udp: SocketAddr,
    record: Option<PathBuf>,
    package: PathBuf,
    hurry: NonZeroU32,
}

impl Args {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut args = Self {
            http: "127.0.0.1:8080".parse()?,
            udp: "127.0.0.1:0".parse()?,
            record: None,
            package: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wasm/pkg"),
            hurry: NonZeroU32::MIN,
        };
        while let Some(option) = given.next() {
            let mut value = || given.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--http" => args.http = value()?.parse()?,
                "--udp" => args.udp = value()?.parse()?,
                "--record" => args.record = Some(value()?.into()),
                "--package" => args.package = value()?.into(),
                "--hurry" => args.hurry = value()?.parse()?,
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        if args.udp.ip().is_unspecified() {
            return Err("--udp needs the address that browsers can send to, not 0.0.0.0 or ::".into());
        }
        Ok(args)
    }
}

fn main() -> ExitCode {
    if env::args().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Args::parse(env::args().skip(1)) {
        Ok(args) => match run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        Err(error) => fail(&format!("{error}\n\n{USAGE}")),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("sealframe-sfu: {why}");
    ExitCode::FAILURE
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    str0m::crypto::from_feature_flags().install_process_default();
    // A panic ends one connection. Repeated panics do not fill the log.
    panic::set_hook(Box::new(|info| log::say(format_args!("{info}"))));
    if !args.package.join("index.js").is_file() {
        eprintln!("no browser package in {}: build it first", args.package.display());
    }
    let recorder = args.record.map(Recorder::create).transpose()?;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let timeouts = Timeouts::USUAL.divided_by(args.hurry.get());
    let sfu = Sfu::new(UdpSocket::bind(args.udp)?, inbox, recorder, timeouts)?;
    let (is_running, ended) = oneshot::channel::<()>();
    thread::Builder::new().name("sfu".to_owned()).spawn(move || {
        let _is_running = is_running;
        sfu.run();
    })?;

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let site = Site::new(&page, &args.package, commands, timeouts);
    runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(FILE_THREADS)
        .build()?
        .block_on(serve(args.http, site, ended))
}

async fn serve(
    address: SocketAddr,
    site: Site,
    media_ended: oneshot::Receiver<()>,
) -> Result<(), Box<dyn Error>> {
    let listener = listen(address)?;
    println!("listening on http://{}/", listener.local_addr()?);
    tokio::select! {
        never = http::serve(listener, site) => match never {},
        // A server without its media loop would look like a slow one.
        _ = media_ended => Err("the media loop has ended".into()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// A listener whose connections have small buffers.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does, on systems where it is harmless.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SYSTEM_BUFFER)?;
    socket.set_recv_buffer_size(SYSTEM_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
