//! The list of modules, and the imports that they all need from a browser.

use core::cell::Cell;
use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    path::{Path, PathBuf},
};

use sealframe_taint::{Host, Machine};

/// The modules of our own frames.
pub(crate) const FRAMES: [&str; 3] =
    ["sealframe_wasm_relaxed.wasm", "sealframe_wasm_simd.wasm", "sealframe_wasm_bg.wasm"];
/// The module of the key management.
pub(crate) const GROUP: [&str; 1] = ["sealframe_group_bg.wasm"];
/// The modules of Jitsi's frames: that of all formats, and the one inside `jitsi-worker.js`.
pub(crate) const JITSI: [&str; 2] = [PROFILES, "sealframe_jitsi_bg.wasm"];
/// The modules of LiveKit's frames: the same, and the one inside `livekit-worker.js`.
pub(crate) const LIVEKIT: [&str; 2] = [PROFILES, "sealframe_livekit_bg.wasm"];
/// The module of DAVE's frames.
pub(crate) const DAVE: [&str; 1] = [PROFILES];
const PROFILES: &str = "sealframe_profiles_bg.wasm";

/// The start of every WebAssembly module, in base64.
const BEGINNING: &str = "AGFzbQEAAAA";

/// The output of `cargo wasm` in a folder of `wasm`: files with this ending, by name. `cargo
/// verify` builds it first, and requires it.
pub(crate) fn files(folder: &str, ending: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wasm").join(folder);
    let Ok(entries) = fs::read_dir(&folder) else {
        assert!(env::var_os("SEALFRAME_REQUIRE_MODULES").is_none(), "no {}", folder.display());
        println!("{} has not been built: run `cargo wasm`", folder.display());
        return BTreeMap::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let paths = paths.filter(|path| name(path).ends_with(ending));
    paths.map(|path| (name(&path), fs::read(path).unwrap())).collect()
}

/// Runs `test` on each of these modules that was built.
pub(crate) fn for_each(names: &[&str], test: impl Fn(&str, &[u8])) {
    let built = files("build", ".wasm");
    for &name in names {
        match built.get(name) {
            Some(bytes) => test(name, bytes),
            None => assert!(built.is_empty(), "{name} has not been built"),
        }
    }
}

#[test]
fn every_module_of_the_package_is_followed() {
    let followed: Vec<&str> = [&FRAMES[..], &GROUP, &JITSI, &LIVEKIT, &DAVE].concat();
    let built = files("build", ".wasm");
    let shipped = files("pkg", ".wasm");
    for name in built.keys().chain(shipped.keys()) {
        assert!(followed.contains(&name.as_str()), "no test follows {name}");
    }
    for (name, bytes) in &shipped {
        assert_eq!(built.get(name), Some(bytes), "{name} differs from the module that was followed");
    }
    // Modules inside scripts.
    let built: BTreeMap<&String, String> =
        built.iter().map(|(name, bytes)| (name, base64(bytes))).collect();
    let mut inside = Vec::new();
    for (script, text) in files("pkg", ".js") {
        let text = String::from_utf8(text).unwrap();
        for (at, _) in text.match_indices(BEGINNING) {
            let of = built.iter().find(|(_, module)| text[at..].starts_with(module.as_str()));
            let (name, _) =
                of.ok_or_else(|| format!("no test follows the module inside {script}")).unwrap();
            inside.push((script.clone(), *name));
        }
    }
    for module in ["sealframe_jitsi_bg.wasm", "sealframe_livekit_bg.wasm"] {
        let is_found = inside.iter().any(|(_, name)| *name == module);
        assert!(inside.is_empty() || is_found, "{module} is in no script: {inside:?}");
    }
    println!("{} modules, and inside of scripts {inside:?}", shipped.len());
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, at| {
            number << 8 | usize::from(three.get(at).copied().unwrap_or_default())
        });
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[number >> (18 - 6 * place) & 63]));
        }
    }
    // The padding of the last four characters does not matter.
    text
}

/// Lengths of frames: all short ones, and some that fill batches of blocks with a remainder.
pub(crate) fn lengths() -> impl Iterator<Item = usize> {
    (1..=200).chain([255, 256, 257, 480, 512, 1023, 1024, 1025, 1200, 4096])
}

/// Random bytes, all of them secret.
pub(crate) fn hosts(seed: u64) -> HashMap<String, Host> {
    hosts_with(seed, |_| true)
}

/// Random bytes; whether they are secret depends on their number.
pub(crate) fn hosts_with(seed: u64, is_secret: fn(usize) -> bool) -> HashMap<String, Host> {
    let drawn = Cell::new(seed);
    let random: Host = Box::new(move |memory, arguments| {
        let len = usize::try_from(arguments[1]).unwrap();
        let bytes: Vec<u8> = (0..len)
            .map(|_| {
                drawn.set(drawn.get().wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1));
                drawn.get().to_be_bytes()[0]
            })
            .collect();
        memory.write(arguments[0], &bytes, is_secret(len)).unwrap();
        Vec::new()
    });
    let nothing: Host = Box::new(|_, _| Vec::new());
    // A string for JavaScript, whose content does not matter here.
    let string: Host = Box::new(|_, _| vec![1]);
    HashMap::from([
        ("__wbg_getRandomValues_".into(), random),
        ("__wbindgen_init_externref_table".into(), nothing),
        ("__wbindgen_generic_".into(), string),
    ])
}

/// Copies bytes into a module's memory, as bindings do with arguments: their address and length.
pub(crate) fn give(machine: &mut Machine<'_>, bytes: &[u8], is_secret: bool) -> [u64; 2] {
    let len = bytes.len() as u64;
    let at = machine.call("__wbindgen_malloc", &[len, 1]).unwrap()[0];
    machine.door().write(at, bytes, is_secret).unwrap();
    [at, len]
}
