//! The promise to servers: what links this crate cannot hold a key.
//!
//! Manifests are asked, not the resolved tree: that one is complete only where every crate of every
//! platform has been fetched, and a machine that builds this crate alone has not.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

#[test]
fn depends_on_nothing() {
    assert_eq!(linked_by(&manifests(), "sealframe-wire"), BTreeSet::new());
}

#[test]
fn the_example_server_links_nothing_else_of_ours() {
    let manifests = manifests();
    let mut ours = BTreeSet::new();
    let mut unseen = vec!["sealframe-example-call".to_owned()];
    while let Some(name) = unseen.pop() {
        // Foreign packages do not depend on ours, which are on no registry.
        let linked = linked_by(&manifests, &name);
        unseen.extend(linked.into_iter().filter(|name| manifests.contains_key(name)));
        ours.insert(name);
    }
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    assert_eq!(ours, ["sealframe-example-call", "sealframe-wire"]);
}

/// SFrame and the formats of other services stand side by side on the same two crates: neither
/// knows the other's errors, policies or keys.
#[test]
fn sframe_and_other_formats_do_not_link_each_other() {
    let manifests = manifests();
    let media = linked_by(&manifests, "sealframe-media");
    let profiles = linked_by(&manifests, "sealframe-profiles");
    assert!(!media.contains("sealframe-profiles"));
    assert!(!profiles.contains("sealframe-media"));
    for below in ["sealframe-crypto", "sealframe-wire"] {
        assert!(media.contains(below) && profiles.contains(below), "{below}");
    }
}

/// By name: the packages of this workspace, as their manifests describe them. Nothing is resolved
/// or fetched for it.
fn manifests() -> BTreeMap<String, Value> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = told["packages"].as_array_mut().map(core::mem::take).unwrap();
    packages.into_iter().map(|package| (text(&package["name"]), package)).collect()
}

/// The packages that a package links, with all features on all platforms: everything except its
/// tests' dependencies.
fn linked_by(manifests: &BTreeMap<String, Value>, name: &str) -> BTreeSet<String> {
    let dependencies = manifests[name]["dependencies"].as_array().unwrap();
    let linked = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    linked.map(|dependency| text(&dependency["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
