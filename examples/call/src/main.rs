//! A conference server that forwards sealed media and holds no key, with the page that seals it.
//!
//! ```text
//! sealframe-sfu [--http 127.0.0.1:8080] [--udp 127.0.0.1:0] [--record DIR] [--package DIR]
//! ```

#![allow(clippy::std_instead_of_core, reason = "a program, not a no_std library")]

mod av1;
mod dependency;
mod h264;
mod http;
mod keyframes;
mod layer;
mod message;
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
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;

use tokio::net::TcpListener;

use crate::http::Site;
use crate::recorder::Recorder;
use crate::sfu::Sfu;

const USAGE: &str = "\
usage: sealframe-sfu [options]

  --http ADDRESS:PORT  pages and signalling; default 127.0.0.1:8080, port 0 for any
  --udp ADDRESS:PORT   media; default 127.0.0.1:0. Firefox needs an address other than loopback
  --record DIR         also write every RTP packet received into DIR
  --package DIR        the browser package, served at /sealframe/; default wasm/pkg

Browsers give camera and transforms only to secure pages: leave --http on loopback, or put TLS
in front of it.";

/// Commands waiting for the media loop.
const COMMANDS: usize = 1024;

#[derive(Debug)]
struct Args {
    http: SocketAddr,
    udp: SocketAddr,
    record: Option<PathBuf>,
    package: PathBuf,
}

impl Args {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut args = Self {
            http: "127.0.0.1:8080".parse()?,
            udp: "127.0.0.1:0".parse()?,
            record: None,
            package: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wasm/pkg"),
        };
        while let Some(option) = given.next() {
            let mut value = || given.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--http" => args.http = value()?.parse()?,
                "--udp" => args.udp = value()?.parse()?,
                "--record" => args.record = Some(value()?.into()),
                "--package" => args.package = value()?.into(),
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        if args.udp.ip().is_unspecified() {
            return Err("--udp needs the address that browsers shall send to".into());
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

#[tokio::main(flavor = "current_thread")]
async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    str0m::crypto::from_feature_flags().install_process_default();
    if !args.package.join("index.js").is_file() {
        eprintln!("no browser package in {}: build it first", args.package.display());
    }
    let recorder = args.record.map(Recorder::create).transpose()?;
    let (commands, inbox) = sync_channel(COMMANDS);
    let sfu = Sfu::new(UdpSocket::bind(args.udp)?, inbox, recorder)?;
    thread::Builder::new().name("sfu".to_owned()).spawn(move || sfu.run())?;

    let listener = TcpListener::bind(args.http).await?;
    let site = Site {
        page: Path::new(env!("CARGO_MANIFEST_DIR")).join("page").into(),
        package: args.package.into(),
        commands,
    };
    println!("listening on http://{}/", listener.local_addr()?);
    tokio::select! {
        served = http::serve(listener, site) => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
