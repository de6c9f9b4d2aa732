//! `cargo verify`: every check and every test.

use std::{env, path::Path, process::Command};

use anyhow::Result;

use crate::{demo, tools, wasm_package};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("formatting and lints", lints),
    ("building without an operating system (thumbv7em-none-eabihf)", no_std),
    ("Rust tests: vectors, properties, fuzz seeds, documentation examples", rust_tests),
    ("Rust tests without ring", portable_tests),
    ("the kernel on AArch64, emulated by QEMU", aarch64_tests),
    ("the kernel in WebAssembly, run by Node.js", wasm_kernel_tests),
    ("documentation", documentation),
    ("test vectors made again by their Python scripts", vectors),
    ("WebAssembly package, tested in Node.js", wasm_tests),
    ("no secret decides a branch or an address in its modules", wasm_taint_tests),
    (
        "the npm package as Node.js, TypeScript, Vite, webpack, esbuild and browsers take it, and how long things live in it",
        published_tests,
    ),
    ("an encrypted call in real browsers through the example server", browser_tests),
    ("calls between our workers and those of LiveKit and Jitsi, in Chromium", peer_tests),
    (
        "the bot in calls with LiveKit's native client, and with browsers that have LiveKit's and Jitsi's workers",
        bot_tests,
    ),
];

pub(crate) fn run() -> Result<()> {
    for (number, (what, step)) in STEPS.iter().enumerate() {
        tools::say(&format!("[{}/{}] {what}", number + 1, STEPS.len()));
        step()?;
    }
    tools::say("everything passed");
    Ok(())
}

fn lints() -> Result<()> {
    tools::rustup("component", &["rustfmt", "clippy"])?;
    tools::run(tools::cargo().args(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    tools::run(tools::cargo().args(clippy))
}

fn no_std() -> Result<()> {
    const BARE_METAL: &str = "thumbv7em-none-eabihf";
    tools::rustup("target", &[BARE_METAL])?;
    // Default features and all: ring steps aside by itself where there is no operating system.
    let crates = ["-p", "sealframe", "-p", "sealframe-profiles"];
    tools::run(tools::cargo().args(["build", "--locked", "--target", BARE_METAL]).args(crates))
}

fn rust_tests() -> Result<()> {
    let mut test = tools::cargo();
    test.args(["test", "--locked", "--workspace"]);
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // The test of constant time runs under it.
        tools::find_or_install(&["valgrind"], &["valgrind"])?;
        test.env("SEALFRAME_REQUIRE_VALGRIND", "1");
    }
    tools::run(&mut test)
}

fn portable_tests() -> Result<()> {
    let crates = ["-p", "sealframe-crypto", "-p", "sealframe-media", "-p", "sealframe"];
    let portable = ["test", "--locked", "--no-default-features", "--features", "ctr-hmac"];
    tools::run(tools::cargo().args(portable).args(crates))
}

/// Needs no C compiler for AArch64: the target brings its own C library, Rust its own linker.
fn aarch64_tests() -> Result<()> {
    const AARCH64: &str = "aarch64-unknown-linux-musl";
    tools::rustup("target", &[AARCH64])?;
    let qemu = tools::find_or_install(&["qemu-aarch64", "qemu-aarch64-static"], &["qemu-user"])?;
    let mut test = tools::cargo();
    test.args(["test", "--locked", "-p", "sealframe-kernel", "--target", AARCH64]);
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld");
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER", qemu);
    tools::run(&mut test)
}

/// With vectors, without which the kernel is not there, and with relaxed ones.
fn wasm_kernel_tests() -> Result<()> {
    const WASI: &str = "wasm32-wasip1";
    tools::rustup("target", &[WASI])?;
    let runner = crate::root().join("crates/kernel/tests/wasi.mjs");
    let runner = format!("{} --no-warnings {}", tools::node()?.display(), runner.display());
    let of_crypto =
        ["-p", "sealframe-crypto", "--no-default-features", "--features", "ctr-hmac,kernel,portable"];
    let public = ["--test", "gcm_vectors", "--test", "backends_agree"];
    for tests in [&["-p", "sealframe-kernel"][..], &[&of_crypto[..], &public].concat()] {
        for (_, features) in wasm_package::WITH_VECTORS {
            let mut test = tools::cargo();
            test.args(["test", "--locked", "--target", WASI]).args(tests);
            let flags = format!("-Ctarget-feature={features}");
            test.env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", flags);
            test.env("CARGO_TARGET_WASM32_WASIP1_RUNNER", &runner);
            tools::run(&mut test)?;
        }
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let doc = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    tools::run(tools::cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The scripts need Python and packages; a private environment under `target` has them.
fn vectors() -> Result<()> {
    // ML-KEM in `cryptography` encapsulates with randomness of its own, in `kyber-py` with any.
    const PACKAGES: [&str; 2] = ["cryptography==48.0.0", "kyber-py==1.2.0"];
    let inside = tools::python("python", &PACKAGES)?;
    let folder = crate::root().join("crates/testkit/vectors");
    for (script, made, checked) in [
        ("keys/make_keys.py", "keys/keys.json", Some("rfc9605/test-vectors.json")),
        ("group/make_group.py", "group/group.json", Some("group/group.json")),
        // Holds itself against others' answers.
        ("group/make_checks.py", "group/checks.json", None),
    ] {
        let python = || Command::new(&inside);
        let checked = checked.map(|file| folder.join(file));
        tools::run(python().arg(folder.join(script)).arg("--check").args(checked))?;
        let output = python().arg(folder.join(script)).output()?;
        anyhow::ensure!(output.status.success(), "{script} ended with {}", output.status);
        let kept = std::fs::read(folder.join(made))?;
        anyhow::ensure!(output.stdout == kept, "{script} no longer makes {made}");
        eprintln!("{script} makes {made}, byte for byte");
    }
    Ok(())
}

fn wasm_tests() -> Result<()> {
    wasm_package::build()?;
    let tests = crate::root().join("wasm/test/package.test.mjs");
    for module in ["sealframe_wasm_relaxed.wasm", "sealframe_wasm_simd.wasm", "sealframe_wasm_bg.wasm"]
    {
        let mut node = Command::new(tools::node()?);
        tools::run(node.arg("--test").arg(&tests).env("SEALFRAME_MODULE", module))?;
    }
    let folder = crate::root().join("wasm/test");
    let others =
        ["keys.test.mjs", "profiles.test.mjs", "stand-ins.test.mjs"].map(|name| folder.join(name));
    tools::run(Command::new(tools::node()?).arg("--test").args(others))
}

/// With the rest of the Rust tests it takes what modules there are.
fn wasm_taint_tests() -> Result<()> {
    wasm_package::build()?;
    let test =
        ["test", "--locked", "-p", "sealframe-taint", "--test", "browser_modules", "--", "--nocapture"];
    tools::run(tools::cargo().args(test).env("SEALFRAME_REQUIRE_MODULES", "1"))
}

fn published_tests() -> Result<()> {
    let stage = demo::Stage::set_up()?;
    let tests = crate::root().join("wasm/test");
    tools::npm_ci(&tests)?;
    let firefox = tools::firefox()?;
    for of in ["published.test.mjs", "lifetimes.test.mjs"] {
        let mut node = stage.node(&tests.join(of), &["--test"]);
        tools::run(node.env("SEALFRAME_FIREFOX", &firefox))?;
    }
    Ok(())
}

fn browser_tests() -> Result<()> {
    let stage = demo::Stage::set_up()?;
    let firefox = tools::firefox()?;
    let screenshot = wasm_package::target_dir().join("call.png");
    // One after the other: two pairs of browsers at once are too much for a small machine.
    for tests in ["server.test.mjs", "call.test.mjs", "leak.test.mjs"] {
        let mut test = stage.node(&stage.tests.join(tests), &["--test"]);
        test.env("SEALFRAME_FIREFOX", &firefox).env("SEALFRAME_SCREENSHOT", &screenshot);
        tools::run(&mut test)?;
    }
    report(&screenshot);
    Ok(())
}

fn peer_tests() -> Result<()> {
    let tests = crate::root().join("wasm/test/peers");
    tools::npm_ci(&tests)?;
    let stage = demo::Stage::set_up()?;
    tools::run(&mut stage.node(&tests.join("peers.test.mjs"), &["--test"]))
}

/// LiveKit's native client and what it needs, from PyPI.
const LIVEKIT: &[&str] = &[
    "livekit==1.2.1",
    "aiofiles==25.1.0",
    "numpy==2.4.6",
    "protobuf==7.36.2",
    "types-protobuf==7.35.1.20260906",
];

fn bot_tests() -> Result<()> {
    let stage = demo::Stage::set_up()?;
    let python = tools::python("python-livekit", LIVEKIT)?;
    tools::find_or_install(&["ffmpeg"], &["ffmpeg"])?;
    let tests = crate::root().join("examples/bot/test");
    tools::npm_ci(&tests)?;
    for of in ["native.test.mjs", "record.test.mjs"] {
        let mut node = stage.node(&tests.join(of), &["--test"]);
        tools::run(node.env("SEALFRAME_LIVEKIT_PYTHON", &python))?;
    }
    Ok(())
}

fn report(screenshot: &Path) {
    if env::var_os("CI").is_none() {
        tools::say(&format!("the call looked like this: {}", screenshot.display()));
    }
}
