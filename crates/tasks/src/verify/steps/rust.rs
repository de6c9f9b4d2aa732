//! Steps that compile Rust.

use core::iter;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail, ensure};

use crate::{
    metadata,
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
    let mut checked = 0;
    for package in metadata::packages(shell)?.iter().filter(|package| package.is_published) {
        for feature in iter::once("").chain(package.features.iter().map(String::as_str)) {
            let mut clippy = shell.cargo();
            clippy.args([
                "clippy",
                "--quiet",
                "--locked",
                "-p",
                &package.name,
                "--no-default-features",
            ]);
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

/// Makes the fuzz seeds again and compares.
pub(super) fn seeds(shell: &Shell) -> Result<()> {
    let made = target_dir().join("verify/seeds");
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    let example = ["run", "--locked", "-p", "sealframe-fuzz", "--example", "make_seeds", "--"];
    shell.run(shell.cargo().args(example).arg(&made))?;
    let (kept, made) = (inputs(&root().join("fuzz/seeds"))?, inputs(&made)?);
    if let Some(name) = changed_seed(&kept, &made) {
        bail!("make_seeds no longer makes fuzz/seeds/{name}: run it, and see what changed");
    }
    shell.say(&format!("{} fuzz seeds are as make_seeds makes them", made.len()));
    Ok(())
}

/// Inputs of every target, by `target/name`.
type Inputs = BTreeMap<String, Vec<u8>>;

fn inputs(folder: &Path) -> Result<Inputs> {
    let mut inputs = Inputs::new();
    for target in fs::read_dir(folder)? {
        let target = target?;
        for input in fs::read_dir(target.path())? {
            let input = input?;
            let [target, name] = [target.file_name(), input.file_name()];
            let name = format!("{}/{}", target.to_string_lossy(), name.to_string_lossy());
            inputs.insert(name, fs::read(input.path())?);
        }
    }
    Ok(inputs)
}

/// A seed that is kept and not made, made and not kept, or other than it was.
fn changed_seed<'a>(kept: &'a Inputs, made: &'a Inputs) -> Option<&'a str> {
    // Inputs that once failed are made by nobody.
    let is_made = |name: &str| !name.contains("/found-");
    let names = kept.keys().filter(|name| is_made(name)).chain(made.keys());
    names.map(String::as_str).find(|name| kept.get(*name) != made.get(*name))
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

/// Small tests of what is unsafe or counts bits; skipped by name without a nightly toolchain, which
/// alone has Miri.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_that_changed_vanished_or_is_new_is_found() {
        let of = |inputs: &[(&str, u8)]| -> Inputs {
            inputs.iter().map(|(name, byte)| ((*name).to_owned(), vec![*byte])).collect()
        };
        let kept = of(&[("a/one", 1), ("a/found-two", 2)]);
        for (made, expected) in [
            (of(&[("a/one", 1)]), None),
            (of(&[("a/one", 2)]), Some("a/one")),
            (of(&[]), Some("a/one")),
            (of(&[("a/one", 1), ("b/new", 3)]), Some("b/new")),
        ] {
            assert_eq!(changed_seed(&kept, &made), expected);
        }
    }
}
