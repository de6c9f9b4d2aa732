//! Crates depend on each other exactly as ARCHITECTURE.md draws it, and every arrow points down.
//!
//! The drawing is the first block there that has arrows. A line `call ─► media, (group)` says that
//! `call` links `media`, and `group` with a feature. What only tests link is not drawn.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::{finding::Finding, report, tree::Tree};
use crate::{
    metadata::{self, Package},
    paths::root,
    shell::Shell,
};

const DRAWING: &str = "ARCHITECTURE.md";
const ARROW: &str = "─►";

pub(crate) fn step(shell: &Shell) -> Result<()> {
    let tree = Tree::read(&root())?;
    let text = &tree.get(DRAWING).context("there is no ARCHITECTURE.md")?.text;
    report::finish(shell, "layers", &find(text, &metadata::packages(shell)?))
}

/// What a crate is called in the drawing: its folder, without `crates/`.
fn short(folder: &str) -> &str {
    folder.strip_prefix("crates/").unwrap_or(folder)
}

fn find(text: &str, packages: &[Package]) -> Vec<Finding> {
    let drawn = drawn(text);
    let folders: BTreeMap<&str, &str> =
        packages.iter().map(|package| (package.name.as_str(), short(&package.folder))).collect();
    let mut findings = Vec::new();
    let mut say = |line: usize, what: String| findings.push(Finding::new(DRAWING, line, what));
    for package in packages {
        let name = short(&package.folder);
        let ours = package.dependencies.iter().filter_map(|dependency| {
            let folder = folders.get(dependency.name.as_str())?;
            let spelled =
                if dependency.is_optional { format!("({folder})") } else { (*folder).to_owned() };
            Some(spelled)
        });
        let linked: BTreeSet<String> = ours.collect();
        let Some((_, row)) = drawn.iter().find(|(drawn, _)| drawn == name) else {
            say(1, format!("{name} is not drawn"));
            continue;
        };
        for missing in linked.iter().filter(|link| !row.to.contains(*link)) {
            say(row.line, format!("{name} {ARROW} {missing} is not drawn"));
        }
        for wrong in row.to.iter().filter(|link| !linked.contains(*link)) {
            say(row.line, format!("{name} {ARROW} {wrong} is drawn, and not in the manifest"));
        }
    }
    for (at, (name, row)) in drawn.iter().enumerate() {
        if !folders.values().any(|folder| folder == name) {
            say(row.line, format!("{name} is drawn, and there is no such crate"));
        }
        for to in &row.to {
            let to = to.trim_matches(['(', ')']);
            if drawn[..at].iter().any(|(above, _)| above == to) {
                say(row.line, format!("{name} {ARROW} {to} points up"));
            }
        }
    }
    findings
}

struct Row {
    line: usize,
    to: Vec<String>,
}

/// The lines of the first fenced block that has arrows, from top to bottom.
fn drawn(text: &str) -> Vec<(String, Row)> {
    let mut rows = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
            if !is_fenced && !rows.is_empty() {
                break;
            }
        } else if is_fenced && let Some((from, to)) = line.split_once(ARROW) {
            let Some(name) = from.split_whitespace().last() else { continue };
            let to = to.split([',', ' ']).filter(|to| !to.is_empty() && *to != "–");
            let to = to.map(str::to_owned).collect();
            rows.push((name.to_owned(), Row { line: index + 1, to }));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    fn package(folder: &str, links: &[(&str, bool)]) -> Package {
        let dependency = |(name, is_optional): &(&str, bool)| Dependency {
            name: (*name).to_owned(),
            is_optional: *is_optional,
        };
        Package {
            name: folder.replace("crates/", "ours-"),
            folder: folder.to_owned(),
            is_published: true,
            features: vec![],
            defaults: vec![],
            has_description: true,
            has_repository: true,
            has_documentation: true,
            dependencies: links.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn arrows_that_are_missing_wrong_or_point_up_are_found() {
        let packages = [
            package("crates/a", &[("ours-b", false), ("ours-c", true), ("serde", false)]),
            package("crates/b", &[]),
            package("crates/c", &[("ours-b", false)]),
            package("d", &[]),
        ];
        let found = |drawing: &str| -> Vec<String> {
            let text = format!("# T\n```text\nno drawing\n```\n```text\n{drawing}\n```\n");
            find(&text, &packages).into_iter().map(|finding| finding.what).collect()
        };
        assert_eq!(found("top    d ─► –\n       a ─► b, (c)\n       c ─► b\nbottom b ─► –"), [""; 0]);
        assert_eq!(
            found("e ─► –\nb ─► a\na ─► b, c\nc ─► b"),
            [
                "a ─► (c) is not drawn",
                "a ─► c is drawn, and not in the manifest",
                "b ─► a is drawn, and not in the manifest",
                "d is not drawn",
                "e is drawn, and there is no such crate",
                "a ─► b points up",
                "c ─► b points up",
            ]
        );
    }
}
