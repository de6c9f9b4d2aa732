//! Steps that compile Rust.

use core::iter;
use std::{env, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    paths::{root, target_dir},
    shell::Shell,
    tools, wasm_package,
};

/// `rust-version` of the workspace.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Tests that take longest, left out of `--quick`: simulated calls, every length of a payload, and
/// tests that look for secrets in memory.
const SLOW: &[&str] = &["simulation", "every_frame", "in_place", "wiped", "constant"];

/// One selection for all, so that dependencies are compiled once.
const EVERYTHING: [&str; 3] = ["test", "--locked", "--workspace"];

pub(super) fn build(shell: &Shell) -> Result<()> {
    let targets = ["--bins", "--tests"];
    shell.run(shell.cargo().args(["build", "--locked", "--workspace"]).args(targets))
}

pub(super) fn tests(shell: &Shell) -> Result<()> {
    let mut test = shell.cargo();
    test.args(EVERYTHING);
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // The test of constant time runs under it.
        tools::find_or_install(shell, &["valgrind"], &["valgrind"])?;
        test.env("SEALFRAME_REQUIRE_VALGRIND", "1");
    }
    shell.run(&mut test)
}

pub(super) fn quick_tests(shell: &Shell) -> Result<()> {
    let mut test = shell.cargo();
    test.args(EVERYTHING).args(["--lib", "--bins", "--tests", "--"]);
    for name in SLOW {
        test.args(["--skip", name]);
    }
    shell.run(&mut test)
}

pub(super) fn lints(shell: &Shell) -> Result<()> {
    tools::rustup(shell, "component", &["clippy"], None)?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    shell.run(shell.cargo().args(clippy))
}

pub(super) fn documentation(shell: &Shell) -> Result<()> {
    let doc = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    shell.run(shell.cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
}

/// A feature that needs another without saying so does not compile alone.
pub(super) fn features(shell: &Shell) -> Result<()> {
    tools::rustup(shell, "component", &["clippy"], None)?;
    let metadata = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    let metadata = shell.output(shell.cargo().args(metadata))?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let mut checked = 0;
    for package in packages {
        // `publish = false` is an empty list of registries there.
        if package["publish"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let name = package["name"].as_str().context("a package has a name")?;
        let features = package["features"].as_object().context("and features")?;
        let alone = features.keys().filter(|feature| *feature != "default");
        for feature in iter::once("").chain(alone.map(String::as_str)) {
            let mut clippy = shell.cargo();
            clippy.args(["clippy", "--quiet", "--locked", "-p", name, "--no-default-features"]);
            clippy.args(["--features", feature, "--", "-D", "warnings"]);
            shell.run(&mut clippy)?;
            checked += 1;
        }
    }
    shell.say(&format!("{checked} selections of features compile and lint clean"));
    ensure!(checked > 20, "the features of our crates were not found");
    Ok(())
}

/// One build for two questions: does the oldest Rust compile it, and does all hold without ring?
pub(super) fn oldest(shell: &Shell) -> Result<()> {
    tools::toolchain(shell, OLDEST)?;
    let features = ["--features", "sealframe/serde,sealframe/kernel,sealframe/external-aead"];
    let libraries = [
        "-p",
        "sealframe",
        "-p",
        "sealframe-codec",
        "-p",
        "sealframe-credentials",
        "-p",
        "sealframe-group",
        "-p",
        "sealframe-profiles",
    ];
    let units = ["test", "--locked", "--lib"];
    shell.run(shell.cargo_of(OLDEST).args(units).args(features).args(libraries))?;
    let portable = ["test", "--locked", "--no-default-features", "--features", "ctr-hmac"];
    let crates = ["-p", "sealframe-crypto", "-p", "sealframe-media", "-p", "sealframe"];
    shell.run(shell.cargo_of(OLDEST).args(portable).args(crates))
}

pub(super) fn bare_metal(shell: &Shell) -> Result<()> {
    const TARGET: &str = "thumbv7em-none-eabihf";
    tools::rustup(shell, "target", &[TARGET], None)?;
    // Default features and all: ring steps aside by itself where there is no operating system.
    let crates = ["-p", "sealframe", "-p", "sealframe-profiles"];
    shell.run(shell.cargo().args(["build", "--locked", "--target", TARGET]).args(crates))
}

/// Needs no C compiler for AArch64: the target brings its own C library, Rust its own linker.
pub(super) fn aarch64(shell: &Shell) -> Result<()> {
    const TARGET: &str = "aarch64-unknown-linux-musl";
    tools::rustup(shell, "target", &[TARGET], None)?;
    let qemu = tools::find_or_install(shell, &["qemu-aarch64", "qemu-aarch64-static"], &["qemu-user"])?;
    let mut test = shell.cargo();
    test.args(["test", "--locked", "-p", "sealframe-kernel", "--target", TARGET]);
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld");
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER", qemu);
    shell.run(&mut test)
}

/// With vectors, without which the kernel is not there, and with relaxed ones.
pub(super) fn wasi(shell: &Shell) -> Result<()> {
    const TARGET: &str = "wasm32-wasip1";
    tools::rustup(shell, "target", &[TARGET], None)?;
    let runner = root().join("crates/kernel/tests/wasi.mjs");
    let runner = format!("{} --no-warnings {}", tools::node(shell)?.display(), runner.display());
    let of_crypto =
        ["-p", "sealframe-crypto", "--no-default-features", "--features", "ctr-hmac,kernel,portable"];
    let public = ["--test", "gcm_vectors", "--test", "backends_agree"];
    for tests in [&["-p", "sealframe-kernel"][..], &[&of_crypto[..], &public].concat()] {
        for features in wasm_package::WITH_VECTORS {
            let mut test = shell.cargo();
            test.args(["test", "--locked", "--target", TARGET]).args(tests);
            let flags = format!("-Ctarget-feature={features}");
            test.env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", flags);
            test.env("CARGO_TARGET_WASM32_WASIP1_RUNNER", &runner);
            shell.run(&mut test)?;
        }
    }
    Ok(())
}

/// With the rest of the Rust tests it takes what modules there are.
pub(super) fn taint(shell: &Shell) -> Result<()> {
    let mut test = shell.cargo();
    test.args(EVERYTHING).args(["--test", "browser_modules", "--", "--nocapture"]);
    shell.run(test.env("SEALFRAME_REQUIRE_MODULES", "1"))
}

/// Small tests of what is unsafe or counts bits; skipped by name where there is no nightly toolchain,
/// which alone has Miri.
pub(super) fn miri(shell: &Shell) -> Result<()> {
    const NIGHTLY: &str = "nightly";
    /// Miri detects what the code is compiled for; it knows no VAES and no AVX-512.
    const AES_NI: &str = "-Ctarget-feature=+avx,+aes,+pclmulqdq";
    if !tools::has_toolchain(NIGHTLY) {
        shell.say("SKIPPED: no nightly toolchain (`rustup toolchain install nightly`)");
        return Ok(());
    }
    tools::rustup(shell, "component", &["miri", "rust-src"], Some(NIGHTLY))?;
    let media = ["-p", "sealframe-media", "--no-default-features", "--features", "portable", "--lib"];
    for (tests, flags) in [
        (&["-p", "sealframe-kernel", "--test", "small"][..], AES_NI),
        (&[&media[..], &["replay", "--", "--skip", "every_jump"]].concat(), ""),
        (&["-p", "sealframe-group", "--lib", "updates"], ""),
    ] {
        let mut test = shell.cargo_of(NIGHTLY);
        test.args(["miri", "test", "--locked"]).args(tests);
        test.env("MIRIFLAGS", "-Zmiri-disable-isolation").env("PROPTEST_CASES", "2");
        if cfg!(target_arch = "x86_64") {
            test.env("RUSTFLAGS", flags);
        }
        shell.run(&mut test)?;
    }
    Ok(())
}

/// How a Rust program that others run is called.
pub(in crate::verify) fn program(name: &str) -> PathBuf {
    target_dir().join("debug").join(name).with_extension(env::consts::EXE_EXTENSION)
}
