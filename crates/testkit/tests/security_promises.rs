//! SECURITY.md names tests: they exist.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

/// Every Rust and JavaScript test under `folder`, as one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "node_modules" && name != "target" {
            sources(&path, text);
        } else if name.ends_with(".rs") || name.ends_with(".test.mjs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_named_test_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut text = String::new();
    for folder in ["crates", "examples", "fuzz", "wasm"] {
        sources(&root.join(folder), &mut text);
    }
    let security = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let mut named = 0;
    let rows = security.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |"));
    for row in rows {
        let Some(tests) = row.trim_end_matches(" |").rsplit(" | ").next() else { continue };
        for test in tests.split(", ") {
            let there = if let Some(title) = test.strip_prefix('"') {
                text.contains(&format!("test('{}'", title.trim_end_matches('"')))
            } else if let Some(function) = test.strip_prefix('`') {
                text.contains(&format!("fn {}(", function.trim_end_matches('`')))
            } else {
                continue;
            };
            assert!(there, "{test} is named in SECURITY.md and does not exist");
            named += 1;
        }
    }
    assert!(named >= 90, "only {named} tests named");
    println!("{named} tests named in SECURITY.md exist");
}
