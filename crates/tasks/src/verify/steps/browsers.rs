//! Steps that open real browsers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::rust;
use crate::{
    paths::{root, target_dir},
    shell::Shell,
    tools,
};

/// What tests in browsers need, installed.
struct Stage {
    node: PathBuf,
    chromium: PathBuf,
    firefox: PathBuf,
}

impl Stage {
    fn set_up(shell: &Shell) -> Result<Self> {
        let stage = Self {
            node: tools::node(shell)?,
            chromium: tools::chromium(shell)?,
            firefox: tools::firefox(shell)?,
        };
        tools::npm_ci(shell, &call_tests())?;
        Ok(stage)
    }

    /// Node.js on a file of tests, told where everything is; with a pattern, on some of its tests.
    fn test(&self, file: &Path, pattern: Option<&str>) -> Command {
        let mut node = Command::new(&self.node);
        node.args(["--test", "--test-reporter=tap"]);
        if let Some(pattern) = pattern {
            node.args(["--test-name-pattern", pattern]);
        }
        node.arg(file);
        node.env("SEALFRAME_SFU", rust::program("sealframe-sfu"));
        node.env("SEALFRAME_BOT", rust::program("sealframe-bot"));
        node.env("SEALFRAME_CHROMIUM", &self.chromium).env("SEALFRAME_FIREFOX", &self.firefox);
        node.env("SEALFRAME_SCREENSHOT", target_dir().join("call.png"));
        node
    }

    fn run_all(&self, shell: &Shell, folder: &Path, files: &[&str]) -> Result<()> {
        files.iter().try_for_each(|file| shell.run(&mut self.test(&folder.join(file), None)))
    }
}

fn call_tests() -> PathBuf {
    root().join("examples/call/test")
}

pub(super) fn published(shell: &Shell) -> Result<()> {
    let stage = Stage::set_up(shell)?;
    let tests = root().join("wasm/test");
    tools::npm_ci(shell, &tests)?;
    stage.run_all(shell, &tests, &["published.test.mjs", "lifetimes.test.mjs"])
}

/// What connections do once they are protected.
pub(super) fn connections(shell: &Shell) -> Result<()> {
    let stage = Stage::set_up(shell)?;
    let tests = root().join("wasm/test");
    stage.run_all(shell, &tests, &["connection.test.mjs", "negotiated.test.mjs"])
}

pub(super) fn calls(shell: &Shell) -> Result<()> {
    Stage::set_up(shell)?.run_all(shell, &call_tests(), &["call.test.mjs"])
}

/// Calls through breaks of minutes.
pub(super) fn lives(shell: &Shell) -> Result<()> {
    Stage::set_up(shell)?.run_all(shell, &call_tests(), &["life.test.mjs"])
}

/// Two tabs of Chromium.
pub(super) fn one_call(shell: &Shell) -> Result<()> {
    let stage = Stage::set_up(shell)?;
    let pattern = Some("two tabs see and hear each other");
    shell.run(&mut stage.test(&call_tests().join("call.test.mjs"), pattern))
}

pub(super) fn leaks(shell: &Shell) -> Result<()> {
    Stage::set_up(shell)?.run_all(shell, &call_tests(), &["leak.test.mjs"])
}

pub(super) fn server(shell: &Shell) -> Result<()> {
    Stage::set_up(shell)?.run_all(shell, &call_tests(), &["load.test.mjs", "server.test.mjs"])
}

pub(super) fn peers(shell: &Shell) -> Result<()> {
    let tests = root().join("wasm/test/peers");
    tools::npm_ci(shell, &tests)?;
    tools::find_or_install(shell, &["ffmpeg"], &["ffmpeg"])?;
    Stage::set_up(shell)?.run_all(shell, &tests, &["units.test.mjs", "peers.test.mjs"])
}

/// LiveKit's native client and what it needs, from PyPI.
const LIVEKIT: &[&str] = &[
    "livekit==1.2.1",
    "aiofiles==25.1.0",
    "numpy==2.4.6",
    "protobuf==7.36.2",
    "types-protobuf==7.35.1.20260906",
];

pub(super) fn bots(shell: &Shell) -> Result<()> {
    let stage = Stage::set_up(shell)?;
    let python = tools::python(shell, "python-livekit", LIVEKIT)?;
    tools::find_or_install(shell, &["ffmpeg"], &["ffmpeg"])?;
    let tests = root().join("examples/bot/test");
    tools::npm_ci(shell, &tests)?;
    for file in ["native.test.mjs", "record.test.mjs"] {
        let mut test = stage.test(&tests.join(file), None);
        shell.run(test.env("SEALFRAME_LIVEKIT_PYTHON", &python))?;
    }
    Ok(())
}
