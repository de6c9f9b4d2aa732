//! A bot in a call of the example server that speaks LiveKit's or Jitsi's frame encryption: records
//! it, or plays into it.

#![allow(clippy::std_instead_of_core, reason = "a program, not a no_std library")]

mod cipher;
mod connection;
mod frame;
mod ivf;
mod message;
mod opus;
mod participant;
mod play;
mod record;
mod server;
mod vp8;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cipher::{Format, Key};
use crate::participant::Participant;
use crate::play::{CAMERA, MICROPHONE, Tape};

const USAGE: &str = "\
usage: sealframe-bot record [options] DIRECTORY
       sealframe-bot play [options] FILE.ivf [FILE.opus]

  --server HOST:PORT  the example server; default 127.0.0.1:8080
  --room NAME         default test
  --name NAME         name of the bot; default bot
  --format FORMAT     livekit, livekit-hkdf or jitsi; default livekit
  --index N           index of the key; default 0
  --seconds N         duration; default an hour

The environment variable SEALFRAME_KEY is the key: a passphrase for livekit, otherwise bytes in hexadecimal.";

#[derive(Debug)]
struct Args {
    server: String,
    room: String,
    name: String,
    format: Format,
    index: u8,
    seconds: u64,
    command: String,
    files: Vec<PathBuf>,
}

impl Args {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut args = Self {
            server: "127.0.0.1:8080".to_owned(),
            room: "test".to_owned(),
            name: "bot".to_owned(),
            format: Format::LiveKit,
            index: 0,
            seconds: 3600,
            command: given.next().unwrap_or_default(),
            files: Vec::new(),
        };
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--server" => args.server = value()?,
                "--room" => args.room = value()?,
                "--name" => args.name = value()?,
                "--format" => args.format = value()?.parse()?,
                "--index" => args.index = value()?.parse()?,
                "--seconds" => args.seconds = value()?.parse()?,
                _ if word.starts_with('-') => return Err(format!("unknown option {word}").into()),
                _ => args.files.push(word.into()),
            }
        }
        Ok(args)
    }
}

fn main() -> ExitCode {
    match Args::parse(env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sealframe-bot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    str0m::crypto::from_feature_flags().install_process_default();
    let join = |tracks| Participant::join(&args.server, &args.room, &args.name, tracks);
    let key = || Key::read(args.format, args.index, &env::var("SEALFRAME_KEY")?);
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let tape = |track, frames| Tape::new(track, frames).ok_or("the file has no frames");
    match (args.command.as_str(), &args.files[..]) {
        ("record", [directory]) => record::record(join(&[])?, &key()?, directory, end),
        ("play", [video]) => {
            let tapes = vec![tape(CAMERA, ivf::read(video)?)?];
            play::play(join(&[CAMERA])?, &key()?, tapes, end)
        }
        ("play", [video, sound]) => {
            let tapes = vec![tape(CAMERA, ivf::read(video)?)?, tape(MICROPHONE, opus::read(sound)?)?];
            play::play(join(&[CAMERA, MICROPHONE])?, &key()?, tapes, end)
        }
        _ => Err(USAGE.into()),
    }
}
