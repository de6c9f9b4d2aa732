//! The promise to servers: what links this crate cannot hold a key.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

#[test]
fn depends_on_nothing() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "sealframe-wire", "-e", "normal,build"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert_eq!(tree.lines().count(), 1, "{tree}");
}

#[test]
fn the_example_server_links_nothing_else_of_ours() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "sealframe-example-call", "-e", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let ours = tree.lines().filter_map(|line| line.split(' ').next());
    let mut ours: Vec<&str> = ours.filter(|name| name.starts_with("sealframe")).collect();
    ours.sort_unstable();
    ours.dedup();
    assert_eq!(ours, ["sealframe-example-call", "sealframe-wire"]);
}
