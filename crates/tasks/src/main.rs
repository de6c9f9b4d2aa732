//! The project's commands.
//!
//! `cargo demo` runs an encrypted call in two browser tabs; `cargo verify` runs every check and
//! every test, or those that are asked for; `cargo wasm` makes the npm package in `wasm/pkg`. All
//! install what is missing and say so.

mod checks;
mod demo;
mod metadata;
mod paths;
mod shell;
mod tools;
mod verify;
mod wasm_package;
mod words;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

use crate::shell::Shell;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.split_first() {
        Some((command, rest)) if command == "demo" => demo::run(rest),
        Some((command, rest)) if command == "verify" => verify::run(rest),
        Some((command, [])) if command == "wasm" => wasm_package::build(&Shell::terminal()),
        _ => bail!("usage: cargo demo [--seconds N] | cargo verify [--help] | cargo wasm"),
    }
}
