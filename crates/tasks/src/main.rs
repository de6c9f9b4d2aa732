//! The project's two commands.
//!
//! `cargo demo` runs an encrypted call in two browser tabs through the example server; `cargo verify`
//! runs every check and every test; `cargo wasm` makes the npm package in `wasm/pkg`. All install what is missing and say
//! so.

mod demo;
mod tools;
mod verify;
mod wasm_package;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};

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
        Some((command, [])) if command == "verify" => verify::run(),
        Some((command, [])) if command == "wasm" => wasm_package::build(),
        _ => bail!("usage: cargo demo [--seconds N] | cargo verify | cargo wasm"),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
