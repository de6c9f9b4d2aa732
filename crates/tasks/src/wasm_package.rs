//! Builds `wasm/pkg`: the npm package, and what a browser loads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;

/// Compiles the module of frames without vectors, with them and with relaxed ones, and that of key management; writes
/// their JavaScript bindings, lays our own scripts beside them in `wasm/build`, and bundles them into `wasm/pkg`.
///
/// The bindings are made by wasm-bindgen as a library, so its two halves have one version by `Cargo.lock`
/// and no separate tool has to be installed. esbuild comes from npm.
pub(crate) fn build() -> Result<()> {
    tools::rustup("target", &[TARGET])?;
    let node = tools::node()?;
    tools::say("building the WebAssembly package in wasm/pkg");
    let folder = crate::root().join("wasm");
    let parts = folder.join("build");
    if parts.exists() {
        fs::remove_dir_all(&parts)?;
    }
    let scripts = bind(&compile(FRAMES, "wasm", "wasm", COMPACT_HASHES)?, FRAMES.name, &parts)?;
    for (name, features) in WITH_VECTORS {
        let bindings = target_dir().join("wasm-bindings");
        let flags = format!("-Ctarget-feature={features} {COMPACT_HASHES}");
        let module = compile(FRAMES, name, "wasm-simd", &flags)?;
        let same = bind(&module, FRAMES.name, &bindings)?;
        ensure!(scripts == same, "the modules need different bindings");
        fs::copy(
            bindings.join("sealframe_wasm_bg.wasm"),
            parts.join(format!("sealframe_{}.wasm", name.replace('-', "_"))),
        )?;
    }

    let flags = format!("{COMPACT_HASHES} --cfg=aes_backend_soft=\"compact\"");
    bind(&compile(GROUP, "wasm-group", "wasm-small", &flags)?, GROUP.name, &parts)?;

    for script in fs::read_dir(folder.join("js"))? {
        let script = script?;
        fs::copy(script.path(), parts.join(script.file_name()))?;
    }
    tools::npm_ci(&folder)?;
    tools::run(Command::new(node).arg(folder.join("bundle.mjs")))
}

const TARGET: &str = "wasm32-unknown-unknown";
/// Frames: small, and fast.
const FRAMES: Module =
    Module { package: "sealframe-wasm", file: "sealframe_wasm.wasm", name: "sealframe_wasm" };
/// Keys: small.
const GROUP: Module = Module {
    package: "sealframe-wasm-group",
    file: "sealframe_group_wasm.wasm",
    name: "sealframe_group",
};
/// Keys are derived now and then: their hashes need not be fast.
const COMPACT_HASHES: &str = "--cfg=sha2_backend_soft=\"compact\"";
/// By folder: what else the processor is asked for.
pub(crate) const WITH_VECTORS: [(&str, &str); 2] =
    [("wasm-simd", "+simd128"), ("wasm-relaxed", "+simd128,+relaxed-simd")];

/// A crate that becomes a module.
#[derive(Clone, Copy)]
struct Module {
    package: &'static str,
    file: &'static str,
    /// Of its bindings.
    name: &'static str,
}

/// Compiles a module in a profile, with these flags, in a folder of its own: no flags are changed under what has been
/// compiled.
fn compile(module: Module, folder: &str, profile: &str, flags: &str) -> Result<PathBuf> {
    let folder = target_dir().join(folder);
    let mut cargo = tools::cargo();
    cargo.args(["build", "--locked", "-p", module.package, "--profile", profile, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&folder);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
    tools::run(&mut cargo)?;
    Ok(folder.join(TARGET).join(profile).join(module.file))
}

/// Writes a module and its bindings into a folder; returns the bindings.
fn bind(module: &Path, name: &str, folder: &Path) -> Result<String> {
    let made = Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder);
    made.with_context(|| format!("cannot make bindings of {}", module.display()))?;
    Ok(fs::read_to_string(folder.join(format!("{name}.js")))?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    let root = crate::root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
