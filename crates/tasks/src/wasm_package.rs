//! Builds `wasm/pkg`: the folder that a browser loads.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;

/// Compiles the crate, writes its JavaScript bindings, and lays our own scripts beside them.
///
/// The bindings are made by wasm-bindgen as a library, so its two halves have one version by `Cargo.lock`
/// and no separate tool has to be installed.
pub(crate) fn build() -> Result<PathBuf> {
    tools::rustup("target", &["wasm32-unknown-unknown"])?;
    tools::say("building the WebAssembly package in wasm/pkg");
    let profile = ["--profile", "wasm", "--target", "wasm32-unknown-unknown"];
    tools::run(tools::cargo().args(["build", "--locked", "-p", "sealframe-wasm"]).args(profile))?;

    let folder = crate::root().join("wasm");
    let package = folder.join("pkg");
    let module = target_dir().join("wasm32-unknown-unknown/wasm/sealframe_wasm.wasm");
    Bindgen::new()
        .input_path(&module)
        .web(true)?
        .generate(&package)
        .with_context(|| format!("cannot make bindings of {}", module.display()))?;
    for script in fs::read_dir(folder.join("js"))? {
        let script = script?;
        fs::copy(script.path(), package.join(script.file_name()))?;
    }
    Ok(package)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    let root = crate::root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
