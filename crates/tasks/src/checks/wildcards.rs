//! A match over an enum of ours names each variant, so that a later one cannot be forgotten.
//!
//! Two lints of clippy's hold that where they are on. This check holds that they are on everywhere,
//! and that each exception is on the list below: it has to be about another project's enum.

use anyhow::Result;

use super::{finding::Finding, lexer, report, tree::Tree};
use crate::{paths::root, shell::Shell};

const LINTS: [&str; 2] = ["wildcard_enum_match_arm", "match_wildcard_for_single_variants"];

/// Where the lints may be off, and why. A folder's tests may skip what they are not about.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/call/tests/", "tests pick the events that they are about"),
    ("crates/credentials/src/x509.rs", "errors of rustls-webpki: an unknown one is a failure"),
    ("crates/group/tests/", "tests pick the events that they are about"),
    ("crates/taint/src/float.rs", "operators of wasmparser: an unknown one is an error"),
    ("crates/taint/src/machine.rs", "operators of wasmparser: the rest is arithmetic"),
    ("crates/taint/src/module.rs", "sections of wasmparser: only some are run"),
    ("crates/taint/src/numeric.rs", "operators of wasmparser: an unknown one is an error"),
    ("crates/taint/src/simd.rs", "operators of wasmparser: an unknown one is an error"),
    ("examples/call/src/peer.rs", "events of str0m, which has many more"),
    ("fuzz/examples/make_seeds.rs", "values of serde_json"),
];

pub(crate) fn step(shell: &Shell) -> Result<()> {
    report::finish(shell, "wildcards", &find(&Tree::read(&root())?, ALLOWED))
}

fn find(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = vec![false; allowed.len()];
    for file in tree.of(&["rs"]) {
        for line in lexer::lines(file) {
            let Some(lint) = LINTS.iter().find(|lint| line.bare.contains(**lint)) else { continue };
            match allowed.iter().position(|(place, _)| file.path.starts_with(place)) {
                Some(at) => used[at] = true,
                None => findings.push(Finding::new(&file.path, line.number, format!("{lint} is off"))),
            }
        }
    }
    for ((place, _), used) in allowed.iter().zip(used) {
        if !used {
            findings.push(Finding::new(place, 1, "its place on the list of exceptions is not needed"));
        }
    }
    for file in tree.of(&["toml"]) {
        let has = |wanted: &str| {
            let spaceless = |line: &str| line.replace(' ', "") == wanted.replace(' ', "");
            file.text.lines().any(spaceless)
        };
        if file.path == "Cargo.toml" {
            for lint in LINTS.iter().filter(|lint| !has(&format!("{lint} = \"warn\""))) {
                findings.push(Finding::new(&file.path, 1, format!("{lint} is not on")));
            }
        } else if file.path.ends_with("/Cargo.toml") && !file.text.contains("[lints]\nworkspace = true")
        {
            findings.push(Finding::new(&file.path, 1, "the workspace's lints are not on"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lint_that_is_off_and_an_exception_that_is_not_needed_are_found() {
        let off = "#[expect(clippy::wildcard_enum_match_arm, reason = \"no\")]\n";
        let on = "wildcard_enum_match_arm = \"warn\"\nmatch_wildcard_for_single_variants = \"warn\"\n";
        let tree = Tree::of_texts(&[
            ("Cargo.toml", on),
            ("a/Cargo.toml", "[lints]\nworkspace = true\n"),
            ("a/src/a.rs", off),
            ("a/src/b.rs", off),
            ("a/src/c.rs", "// wildcard_enum_match_arm"),
            ("b/Cargo.toml", "[package]\n"),
        ]);
        let found = find(&tree, &[("a/src/b.rs", "theirs"), ("a/src/d.rs", "theirs")]);
        let paths: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(paths, ["a/src/a.rs", "a/src/d.rs", "b/Cargo.toml"]);
    }
}
