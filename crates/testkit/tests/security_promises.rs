//! Checks that the tests named in SECURITY.md exist.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

/// Appends every Rust and JavaScript test under `folder` to `text`.
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
        for (quote, name) in quoted(tests) {
            let there = match quote {
                '"' => text.contains(&format!("test('{name}'")),
                _ => text.contains(&format!("fn {name}(")),
            };
            // The cells also name files and types.
            let is_test = quote == '"'
                || name.chars().all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c));
            assert!(there || !is_test, "{name} is named in SECURITY.md and does not exist");
            named += usize::from(there);
        }
    }
    assert!(named >= 90, "only {named} tests named");
    println!("{named} tests named in SECURITY.md exist");
}

/// The quoted texts of a cell, each with its quotation mark.
fn quoted(cell: &str) -> Vec<(char, &str)> {
    let mut found = Vec::new();
    let mut rest = cell;
    while let Some(at) = rest.find(['"', '`']) {
        let quote = if rest[at..].starts_with('"') { '"' } else { '`' };
        let Some((name, behind)) = rest[at + 1..].split_once(quote) else { break };
        found.push((quote, name));
        rest = behind;
    }
    found
}
