//! Links in documents lead somewhere: to a file, a folder, or a heading.
//!
//! What registries show (the README of a published package) links to its own files or to addresses:
//! there, nothing else of the repository is at hand. Addresses are not asked, except those of the
//! repository itself, which have to name a file or a folder of it.
//!
//! In ARCHITECTURE.md's tables, what a row names in backticks also has to occur in a file that the
//! row links to, so that a walk through the code follows a function to its new place.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{
    finding::Finding,
    report,
    tree::{File, Tree, join},
};
use crate::{paths::root, shell::Shell};

/// Its walks name functions.
const WALKS: &str = "ARCHITECTURE.md";
const REPOSITORY: &str = "https://github.com/sealframe/sealframe";

pub(crate) fn step(shell: &Shell) -> Result<()> {
    report::finish(shell, "links", &find(&Tree::read(&root())?))
}

fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.of(&["md"]) {
        for (line, target) in links(&file.text) {
            if let Some(what) = fault(tree, file, &target) {
                findings.push(Finding::new(&file.path, line, format!("{target}: {what}")));
            }
        }
    }
    findings.extend(tree.get(WALKS).into_iter().flat_map(|file| lost(tree, file)));
    findings
}

/// Names in a row of a table that no file linked there has.
fn lost(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, row) in prose(&file.text).filter(|(_, line)| line.starts_with('|')) {
        let linked: Vec<&File> = links(row)
            .iter()
            .filter_map(|(_, target)| tree.get(&join(file.folder(), target)?))
            .collect();
        if linked.is_empty() {
            continue;
        }
        for name in row.split('`').skip(1).step_by(2) {
            let name = name.rsplit("::").next().unwrap_or(name);
            let is_name = name.chars().all(|char| char.is_alphanumeric() || char == '_');
            let is_there = |file: &&File| words(&file.text).any(|word| word == name);
            if is_name && !linked.iter().any(is_there) {
                let what = format!("{name}: is in none of the files that this row links to");
                findings.push(Finding::new(&file.path, index + 1, what));
            }
        }
    }
    findings
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_')
}

fn fault(tree: &Tree, file: &File, target: &str) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if let Some(behind) = path.strip_prefix(REPOSITORY) {
        let behind = behind.strip_prefix("/blob/main/").or_else(|| behind.strip_prefix("/tree/main/"));
        behind?.trim_end_matches('/').to_owned()
    } else if target.contains("://") || target.starts_with("mailto:") || target.contains("::") {
        // Names of Rust items are rustdoc's to follow.
        return None;
    } else if path.is_empty() {
        file.path.clone()
    } else {
        let Some(path) = join(file.folder(), path) else { return Some("leads out of the project") };
        let package = package_of(tree, file);
        if package.is_some_and(|package| !path.starts_with(&format!("{package}/"))) {
            return Some("is not in the package, whose page on the registry shows this document");
        }
        path
    };
    if !tree.has(&path) && !is_binary(&path) {
        return Some("there is no such file");
    }
    let is_missing = |file: &File| !anchor.is_empty() && !anchors(&file.text).contains(anchor);
    match tree.get(&path) {
        Some(file) if file.extension() == "md" && is_missing(file) => Some("there is no such heading"),
        Some(_) | None => None,
    }
}

/// The tree holds no files that are not text.
fn is_binary(path: &str) -> bool {
    root().join(path).exists()
}

/// The folder of a published package, if this is its README.
fn package_of<'a>(tree: &Tree, file: &'a File) -> Option<&'a str> {
    if !file.path.ends_with("/README.md") {
        return None;
    }
    let folder = file.folder();
    let is_private = |name: &str, mark: &str| {
        tree.get(&format!("{folder}/{name}")).map(|manifest| manifest.text.contains(mark))
    };
    let is_crate = is_private("Cargo.toml", "publish = false") == Some(false);
    let is_npm = is_private("package.json", "\"private\": true") == Some(false);
    (is_crate || is_npm).then_some(folder)
}

/// Line and target of each link outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (index, line) in prose(text) {
        let line = without_code(line);
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split([')', ' ']).next().unwrap_or_default();
            links.push((index + 1, target.to_owned()));
        }
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            links.push((index + 1, target.trim().to_owned()));
        }
    }
    links
}

/// The lines outside of fences.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

/// Without what stands in backticks; a link's text keeps its brackets.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("")
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().to_lowercase().replace(' ', "-");
        let kept = kept.chars().filter(|char| char.is_alphanumeric() || ['-', '_'].contains(char));
        let anchor: String = kept.collect();
        let mut unique = anchor.clone();
        let mut number = 0;
        while !anchors.insert(unique) {
            number += 1;
            unique = format!("{anchor}-{number}");
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = "[a](b.md) [a](c.md) `[no](d)`\n[a](#one-two) [a](b.md#no-such)\n```\n[no](d)\n```\n\
                    # One, two!\n[e]: ../f.md\n[a](https://example.org) [a](sub) [a](../../g)\n";
        let own = format!("[a]({REPOSITORY}/blob/main/x/b.md) [a]({REPOSITORY}/tree/main/no)\n");
        let tree =
            Tree::of_texts(&[("x/a.md", text), ("x/b.md", "# B"), ("x/c.md2", &own), ("x/sub/d", "")]);
        let found: Vec<(usize, String)> =
            find(&tree).into_iter().map(|finding| (finding.line, finding.what)).collect();
        let expected = [
            (1, "c.md: there is no such file"),
            (2, "b.md#no-such: there is no such heading"),
            (7, "../f.md: there is no such file"),
            (8, "../../g: leads out of the project"),
        ];
        assert_eq!(found, expected.map(|(line, what)| (line, what.to_owned())));
        let tree = Tree::of_texts(&[("x/a.md", &own), ("x/b.md", "# B")]);
        assert_eq!(find(&tree).len(), 1);
    }

    #[test]
    fn a_walk_that_names_what_is_no_longer_there_is_found() {
        let row = |name: &str| format!("| `A::{name}` | [`a.rs`](a.rs), `crates/x` |\n");
        let text = format!("{}{}| `b` | no link |\n", row("seal"), row("sea"));
        let tree = Tree::of_texts(&[(WALKS, &text), ("a.rs", "fn seal() {}")]);
        let found: Vec<String> = find(&tree).iter().map(ToString::to_string).collect();
        let what = "ARCHITECTURE.md:2: sea: is in none of the files that this row links to";
        assert_eq!(found, [what]);
    }

    #[test]
    fn a_published_readme_links_into_its_package_or_to_addresses() {
        let text = "[a](../README.md) [a](src/lib.rs) [a](https://example.org)\n";
        let tree = Tree::of_texts(&[
            ("README.md", ""),
            ("a/Cargo.toml", "[package]\n"),
            ("a/README.md", text),
            ("a/src/lib.rs", ""),
            ("b/Cargo.toml", "publish = false\n"),
            ("b/README.md", "[a](../README.md)\n"),
        ]);
        let found: Vec<String> = find(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["a/README.md"]);
    }
}
