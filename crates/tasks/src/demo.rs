//! `cargo demo`: a call in two browser tabs.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{tools, wasm_package};

/// Starts the example server and opens a call in two tabs: in windows where there is a display, headless
/// otherwise. `args` go to the driver: `--seconds N` ends the call by itself.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let stage = Stage::set_up()?;
    let screenshot = wasm_package::target_dir().join("demo.png");
    let mut server = Server::start(&stage.server)?;
    tools::say(&format!("calling through {} - Ctrl-C stops", server.url));
    let mut driver = stage.node(&stage.tests.join("demo.mjs"), &[]);
    driver.arg(&server.url).args(args).env("SEALFRAME_SCREENSHOT", &screenshot);
    let called = tools::run(&mut driver);
    server.stop();
    called?;
    tools::say(&format!("the call looked like this: {}", screenshot.display()));
    Ok(())
}

/// Everything that a call in browsers needs, built and installed.
pub(crate) struct Stage {
    server: PathBuf,
    bot: PathBuf,
    node: PathBuf,
    chromium: PathBuf,
    /// The folder of the browser tests.
    pub(crate) tests: PathBuf,
}

impl Stage {
    pub(crate) fn set_up() -> Result<Self> {
        let node = tools::node()?;
        let chromium = tools::chromium()?;
        let tests = crate::root().join("examples/call/test");
        tools::npm_ci(&tests)?;
        wasm_package::build()?;
        tools::say("building the example server and its bot (the first time takes minutes)");
        // Together, because each alone would choose other features of what they share, and build it all again.
        let build =
            ["build", "--locked", "-p", "sealframe-example-call", "-p", "sealframe-example-bot"];
        tools::run(tools::cargo().args(build))?;
        let programs = wasm_package::target_dir().join("debug");
        let (server, bot) = (programs.join("sealframe-sfu"), programs.join("sealframe-bot"));
        Ok(Self { server, bot, node, chromium, tests })
    }

    /// Node.js on a script that needs browsers, told where everything is.
    pub(crate) fn node(&self, script: &Path, options: &[&str]) -> Command {
        let mut node = Command::new(&self.node);
        node.args(options).arg(script);
        node.env("SEALFRAME_SFU", &self.server).env("SEALFRAME_BOT", &self.bot);
        node.env("SEALFRAME_CHROMIUM", &self.chromium);
        node
    }
}

struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["--http", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = process.stdout.take().context("no output of the server")?;
        for line in BufReader::new(stdout).lines() {
            if let Some(url) = line?.strip_prefix("listening on ") {
                let url = url.to_owned();
                return Ok(Self { process, url });
            }
        }
        bail!("the server ended before it listened")
    }

    fn stop(&mut self) {
        // It may have ended by itself, at the same Ctrl-C.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
