//! Builds `wasm/pkg`: the npm package, and what a browser loads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::tools;

/// Compiles the module of frames without vectors, with them and with relaxed ones, other systems' formats with vectors, and key
/// management; writes their JavaScript bindings, lays our own scripts beside them in `wasm/build`, and bundles them into
/// `wasm/pkg`.
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
    let scripts = bind(&CORE, &CORE.compile("wasm", "wasm", COMPACT_HASHES)?, &parts)?;
    for (name, features) in WITH_VECTORS {
        let bindings = target_dir().join("wasm-bindings");
        let flags = format!("-Ctarget-feature={features} {COMPACT_HASHES}");
        let module = CORE.compile(name, "wasm-simd", &flags)?;
        ensure!(scripts == bind(&CORE, &module, &bindings)?, "the modules need different bindings");
        fs::copy(
            bindings.join(format!("{}_bg.wasm", CORE.name)),
            parts.join(format!("sealframe_{}.wasm", name.replace('-', "_"))),
        )?;
    }
    let (folder_name, features) = WITH_VECTORS[0];
    for profiles in &PROFILES {
        let module =
            profiles.compile(folder_name, "wasm-simd", &format!("-Ctarget-feature={features}"))?;
        bind(profiles, &module, &parts)?;
    }

    let flags = format!("{COMPACT_HASHES} --cfg=aes_backend_soft=\"compact\"");
    bind(&GROUP, &GROUP.compile("wasm-group", "wasm-small", &flags)?, &parts)?;

    for script in fs::read_dir(folder.join("js"))? {
        let script = script?;
        fs::copy(script.path(), parts.join(script.file_name()))?;
    }
    tools::npm_ci(&folder)?;
    tools::run(Command::new(node).arg(folder.join("bundle.mjs")))
}

const TARGET: &str = "wasm32-unknown-unknown";
/// Keys are derived now and then: their hashes need not be fast, and looping takes 4 kB less by gzip than `sha2`'s unrolled code.
const COMPACT_HASHES: &str = r#"--cfg=sha2_backend_soft="compact""#;
/// By folder: what else the processor is asked for.
pub(crate) const WITH_VECTORS: [(&str, &str); 2] =
    [("wasm-simd", "+simd128"), ("wasm-relaxed", "+simd128,+relaxed-simd")];

/// A crate that browsers load.
struct Module {
    package: &'static str,
    features: &'static str,
    /// Of its files.
    name: &'static str,
}

/// Frames: small, and fast.
const CORE: Module = Module { package: "sealframe-wasm", features: "", name: "sealframe_wasm" };
/// Keys: small.
const GROUP: Module = Module { package: "sealframe-wasm-group", features: "", name: "sealframe_group" };
/// Modules of their own: who does not speak to other systems does not load them, and who stands in for one loads one.
const PROFILES: [Module; 3] = [
    Module {
        package: "sealframe-wasm-profiles",
        features: "dave,jitsi,livekit",
        name: "sealframe_profiles",
    },
    Module { package: "sealframe-wasm-profiles", features: "jitsi", name: "sealframe_jitsi" },
    Module { package: "sealframe-wasm-profiles", features: "livekit", name: "sealframe_livekit" },
];

impl Module {
    /// Compiles it in a profile, with these flags, in a folder of its own: no flags are changed under what has been compiled.
    fn compile(&self, folder: &str, profile: &str, flags: &str) -> Result<PathBuf> {
        let folder = target_dir().join(folder);
        let mut cargo = tools::cargo();
        cargo.args(["build", "--locked", "-p", self.package, "--profile", profile, "--target", TARGET]);
        cargo.args(["--no-default-features", "--features", self.features]);
        cargo.arg("--target-dir").arg(&folder);
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        tools::run(&mut cargo)?;
        Ok(folder
            .join(TARGET)
            .join(profile)
            .join(self.package.replace('-', "_"))
            .with_extension("wasm"))
    }
}

/// Writes a module and its bindings into a folder; returns the bindings.
fn bind(of: &Module, module: &Path, folder: &Path) -> Result<String> {
    let made = Bindgen::new()
        .input_path(module)
        .out_name(of.name)
        .web(true)?
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder);
    made.with_context(|| format!("cannot make bindings of {}", module.display()))?;
    Ok(fs::read_to_string(folder.join(of.name).with_extension("js"))?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    let root = crate::root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
