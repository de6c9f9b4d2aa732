//! Builds `wasm/pkg`: the npm package, and what a browser loads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;

/// Compiles the crate without vectors, with them and with relaxed ones, writes its JavaScript bindings, lays our own
/// scripts beside them in `wasm/build`, and bundles them into `wasm/pkg`.
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
    let scripts = bind(&compile("wasm", "wasm", SMALL_SHA2)?, &parts)?;
    for (name, features) in WITH_VECTORS {
        let bindings = target_dir().join("wasm-bindings");
        let module = compile(name, "wasm-simd", &format!("-Ctarget-feature={features}"))?;
        ensure!(scripts == bind(&module, &bindings)?, "the modules need different bindings");
        fs::copy(
            bindings.join(MODULE),
            parts.join(format!("sealframe_{}.wasm", name.replace('-', "_"))),
        )?;
    }

    for script in fs::read_dir(folder.join("js"))? {
        let script = script?;
        fs::copy(script.path(), parts.join(script.file_name()))?;
    }
    tools::npm_ci(&folder)?;
    tools::run(Command::new(node).arg(folder.join("bundle.mjs")))
}

const TARGET: &str = "wasm32-unknown-unknown";
const MODULE: &str = "sealframe_wasm_bg.wasm";
/// Loops where `sha2` would unroll them without vectors: 4 kB less to load by gzip. Keys are hashed, no frame is.
const SMALL_SHA2: &str = r#"--cfg=sha2_backend_soft="compact""#;
/// By folder: what else the processor is asked for.
pub(crate) const WITH_VECTORS: [(&str, &str); 2] =
    [("wasm-simd", "+simd128"), ("wasm-relaxed", "+simd128,+relaxed-simd")];

/// Compiles the module in a profile, with these flags, in a folder of its own: no flags are changed under what has been
/// compiled.
fn compile(folder: &str, profile: &str, flags: &str) -> Result<PathBuf> {
    let folder = target_dir().join(folder);
    let mut cargo = tools::cargo();
    cargo.args(["build", "--locked", "-p", "sealframe-wasm", "--profile", profile, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&folder);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
    tools::run(&mut cargo)?;
    Ok(folder.join(TARGET).join(profile).join("sealframe_wasm.wasm"))
}

/// Writes a module and its bindings into a folder; returns the bindings.
fn bind(module: &Path, folder: &Path) -> Result<String> {
    let made = Bindgen::new()
        .input_path(module)
        .web(true)?
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder);
    made.with_context(|| format!("cannot make bindings of {}", module.display()))?;
    Ok(fs::read_to_string(folder.join("sealframe_wasm.js"))?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    let root = crate::root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
