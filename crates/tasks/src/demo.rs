//! `cargo demo`: a call in two browser tabs.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    paths::{root, target_dir},
    shell::Shell,
    tools, wasm_package,
};

/// Starts the example server and opens a call in two tabs: in windows where there is a display,
/// headless otherwise. `args` go to the driver: `--seconds N` ends the call by itself.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let shell = &Shell::terminal();
    let node = tools::node(shell)?;
    let tests = root().join("examples/call/test");
    let chromium = thread::scope(|scope| {
        // Compilers, downloads: none of them waits for the others.
        let server = scope.spawn(|| {
            shell.say("building the example server (the first time takes minutes)");
            let build = ["build", "--quiet", "--locked", "-p", "sealframe-example-call"];
            shell.run(shell.cargo().args(build))
        });
        let browser = scope.spawn(|| {
            tools::npm_ci(shell, &tests)?;
            tools::chromium(shell)
        });
        let package = wasm_package::build(shell);
        let panicked = |_| anyhow!("a thread panicked");
        let chromium = browser.join().map_err(panicked)??;
        server.join().map_err(panicked)??;
        package.map(|()| chromium)
    })?;

    let screenshot = target_dir().join("demo.png");
    let mut server = Server::start(&target_dir().join("debug/sealframe-sfu"))?;
    shell.say(&format!("calling through {} - Ctrl-C stops", server.url));
    let mut driver = Command::new(node);
    driver.arg(tests.join("demo.mjs")).arg(&server.url).args(args);
    driver.env("SEALFRAME_SCREENSHOT", &screenshot).env("SEALFRAME_CHROMIUM", chromium);
    let called = shell.run(&mut driver);
    server.stop();
    called?;
    shell.say(&format!("the call looked like this: {}", screenshot.display()));
    Ok(())
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
