//! Builds `wasm/pkg`: the npm package, and what a browser loads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    paths::{root, target_dir},
    shell::Shell,
    tools, words,
};

const TARGET: &str = "wasm32-unknown-unknown";
/// Keys are derived now and then: their hashes need not be fast, and looping takes 4 kB less by
/// gzip than `sha2`'s unrolled code.
const COMPACT_HASHES: &str = r#"--cfg=sha2_backend_soft="compact""#;
const COMPACT_AES: &str = r#"--cfg=aes_backend_soft="compact""#;
/// Without vectors, ciphers have few functions that gain by being inlined: so small frames take a
/// sixth less time, and the module 3 kB less by gzip.
const SPARING: &str = "-Cllvm-args=-inline-threshold=20";
const SIMD: &str = "+simd128";
const RELAXED_SIMD: &str = "+simd128,+relaxed-simd";
/// The processor features that the kernel is compiled and tested with.
pub(crate) const WITH_VECTORS: [&str; 2] = [SIMD, RELAXED_SIMD];

/// A file that browsers load, and how it is compiled.
struct Module {
    package: &'static str,
    features: &'static str,
    /// Modules of one profile are compiled one after the other: they share its folder.
    profile: &'static str,
    processor: &'static str,
    flags: &'static [&'static str],
    /// Of its files.
    name: &'static str,
    /// Whether its JavaScript bindings are kept; modules of one package share theirs.
    keeps_bindings: bool,
}

impl Module {
    const fn of(package: &'static str, name: &'static str, profile: &'static str) -> Self {
        Self { package, features: "", profile, processor: "", flags: &[], name, keeps_bindings: true }
    }
}

const CORE: Module = Module {
    flags: &[COMPACT_HASHES, SPARING],
    ..Module::of("sealframe-wasm-core", "sealframe_wasm", "wasm")
};
const CORE_WITH_VECTORS: Module =
    Module { profile: "wasm-simd", flags: &[COMPACT_HASHES], keeps_bindings: false, ..CORE };
const PROFILES: Module = Module {
    processor: SIMD,
    ..Module::of("sealframe-wasm-profiles", "sealframe_profiles", "wasm-simd")
};

/// Frames without vectors, with them and with relaxed ones; keys; other systems' formats, together
/// and, for the drop-in workers, each alone.
const MODULES: [Module; 7] = [
    CORE,
    Module { processor: SIMD, name: "sealframe_wasm_simd", ..CORE_WITH_VECTORS },
    Module { processor: RELAXED_SIMD, name: "sealframe_wasm_relaxed", ..CORE_WITH_VECTORS },
    Module {
        flags: &[COMPACT_HASHES, COMPACT_AES],
        ..Module::of("sealframe-wasm-group", "sealframe_group", "wasm-small")
    },
    Module { features: "dave,jitsi,livekit", ..PROFILES },
    Module { features: "jitsi", name: "sealframe_jitsi", ..PROFILES },
    Module { features: "livekit", name: "sealframe_livekit", ..PROFILES },
];

/// Compiles the modules, writes their JavaScript bindings into `wasm/build`, and bundles them with
/// our own scripts into `wasm/pkg`.
///
/// The bindings are made by wasm-bindgen as a library, so its two halves have one version by
/// `Cargo.lock` and no separate tool has to be installed. esbuild comes from npm.
pub(crate) fn build(shell: &Shell) -> Result<()> {
    tools::rustup(shell, "target", &[TARGET], None)?;
    let node = tools::node(shell)?;
    shell.say("building the WebAssembly package in wasm/pkg");
    let folder = root().join("wasm");
    let parts = folder.join("build");
    let compiled = compile_all(shell)?;

    if parts.exists() {
        fs::remove_dir_all(&parts)?;
    }
    fs::create_dir_all(&parts)?;
    for (module, file) in MODULES.iter().zip(compiled) {
        bind(module, &file, &parts)?;
    }
    tools::npm_ci(shell, &folder)?;
    shell.run(Command::new(node).arg(folder.join("bundle.mjs")))
}

/// Compiles the profiles side by side, since the last step of each module uses one core.
fn compile_all(shell: &Shell) -> Result<Vec<PathBuf>> {
    let mut profiles: Vec<&str> = MODULES.iter().map(|module| module.profile).collect();
    profiles.dedup();
    profiles.sort_unstable();
    profiles.dedup();
    thread::scope(|scope| {
        let running: Vec<_> = profiles
            .iter()
            .map(|profile| {
                scope.spawn(move || {
                    MODULES
                        .iter()
                        .filter(|module| module.profile == *profile)
                        .try_for_each(|module| module.compile(shell))
                })
            })
            .collect();
        running
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a compiling thread panicked"))?)
    })?;
    Ok(MODULES.iter().map(Module::file).collect())
}

impl Module {
    /// Compiles it and keeps the file under its own name, since the next module of the same package
    /// replaces cargo's.
    fn compile(&self, shell: &Shell) -> Result<()> {
        let folder = target_dir().join("wasm");
        let mut cargo = shell.cargo();
        cargo.args(["build", "--locked", "-p", self.package, "--profile", self.profile]);
        cargo.args(["--target", TARGET, "--no-default-features", "--features", self.features]);
        cargo.arg("--target-dir").arg(&folder);
        let mut flags = self.flags.join(" ");
        if !self.processor.is_empty() {
            flags = format!("-Ctarget-feature={} {flags}", self.processor);
        }
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags.trim());
        shell.run(&mut cargo)?;
        let made = folder.join(TARGET).join(self.profile).join(self.package.replace('-', "_"));
        fs::create_dir_all(folder.join("modules"))?;
        fs::copy(made.with_extension("wasm"), self.file())?;
        Ok(())
    }

    fn file(&self) -> PathBuf {
        target_dir().join("wasm/modules").join(self.name).with_extension("wasm")
    }
}

/// Drops the section in which a compiler tells other tools what it has used: no engine reads it.
fn drop_features(file: &Path) -> Result<()> {
    let mut module = walrus::Module::from_file(file)?;
    module.customs.remove_raw("target_features");
    module.emit_wasm_file(file)
}

/// Writes a module and its bindings into a folder.
fn bind(module: &Module, file: &Path, folder: &Path) -> Result<()> {
    let bindings_name = if module.keeps_bindings { module.name } else { CORE.name };
    let place = if module.keeps_bindings { folder.to_path_buf() } else { folder.join("other") };
    let mut parsed = walrus::Module::from_file(file)?;
    words::drop(&mut parsed).with_context(|| format!("{} keeps its words", file.display()))?;
    let made = Bindgen::new()
        .input_bytes(bindings_name, parsed.emit_wasm())
        .out_name(bindings_name)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&place);
    made.with_context(|| format!("cannot make bindings of {}", file.display()))?;
    drop_features(&place.join(format!("{bindings_name}_bg.wasm")))?;
    // It describes what the bindings alone call.
    fs::remove_file(place.join(format!("{bindings_name}_bg.wasm.d.ts")))?;
    if module.keeps_bindings {
        return Ok(());
    }
    let script = |folder: &Path| fs::read(folder.join(bindings_name).with_extension("js"));
    ensure!(script(&place)? == script(folder)?, "{} needs other bindings", module.name);
    fs::copy(
        place.join(format!("{bindings_name}_bg.wasm")),
        folder.join(module.name).with_extension("wasm"),
    )?;
    fs::remove_dir_all(place)?;
    Ok(())
}
