//! No two files import each other, not even through a third: each can be read after what it uses.
//!
//! Rust modules of one crate, and JavaScript or TypeScript modules. What is imported through a
//! re-export counts as imported from the file that defines it, and a re-export is not an import: a
//! crate's front page may show all of its parts, and define what they share.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{
    finding::Finding,
    lexer,
    modules::{self, Import},
    report,
    tree::{File, Tree, join},
};
use crate::{paths::root, shell::Shell};

pub(crate) fn step(shell: &Shell) -> Result<()> {
    report::finish(shell, "circles", &find(&Tree::read(&root())?))
}

fn find(tree: &Tree) -> Vec<Finding> {
    let mut imports = Vec::new();
    for file in &tree.files {
        if is_root(tree, file) {
            imports.extend(modules::imports(tree, file));
        }
    }
    for file in tree.of(&["js", "mjs", "ts", "mts"]) {
        imports.extend(scripts(tree, file));
    }
    circles(&imports)
}

/// Whether a crate begins with this file: a library, a program, or a test of several files.
fn is_root(tree: &Tree, file: &File) -> bool {
    let Some((folder, name)) = file.path.rsplit_once('/') else { return false };
    let has_library = tree.get(&format!("{folder}/lib.rs")).is_some();
    match name {
        "lib.rs" => folder.ends_with("src"),
        "main.rs" => !has_library,
        _ => false,
    }
}

/// The static imports of a script.
fn scripts(tree: &Tree, file: &File) -> Vec<Import> {
    let mut imports = Vec::new();
    for line in lexer::lines(file) {
        let code = line.code.trim();
        for keyword in ["from ", "import "] {
            let Some(behind) = code.split(keyword).nth(1) else { continue };
            let Some(quote) = behind.chars().next().filter(|char| ['\'', '"'].contains(char)) else {
                continue;
            };
            let Some(target) = behind.split(quote).nth(1).filter(|target| target.starts_with('.'))
            else {
                continue;
            };
            let Some(path) = join(file.folder(), target) else { continue };
            let typed = path.replace(".mjs", ".mts").replace(".js", ".ts");
            if let Some(to) = tree.get(&path).or_else(|| tree.get(&typed)) {
                let [from, to] = [&file.path, &to.path].map(Clone::clone);
                imports.push(Import { from, to, line: line.number });
            }
        }
    }
    imports
}

/// For each set of files that all reach each other, the shortest way round.
fn circles(imports: &[Import]) -> Vec<Finding> {
    let mut next: BTreeMap<&str, Vec<&Import>> = BTreeMap::new();
    for import in imports {
        next.entry(&import.from).or_default().push(import);
    }
    let mut in_a_circle = BTreeSet::new();
    let mut findings = Vec::new();
    for start in next.keys() {
        if in_a_circle.contains(start) {
            continue;
        }
        let Some(way) = way_round(&next, start) else { continue };
        in_a_circle.extend(way.iter().map(|import| import.from.as_str()));
        let stops: Vec<String> =
            way.iter().map(|import| format!("{} (line {})", import.to, import.line)).collect();
        let what = format!("imports itself through {}", stops.join(" → "));
        findings.push(Finding::new(start, way[0].line, what));
    }
    findings
}

/// The shortest way from a file back to it.
fn way_round<'a>(next: &BTreeMap<&str, Vec<&'a Import>>, start: &str) -> Option<Vec<&'a Import>> {
    let mut ways: Vec<Vec<&Import>> = vec![vec![]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let at = way.last().map_or(start, |import: &&Import| import.to.as_str());
            for import in next.get(at).into_iter().flatten() {
                let mut way = way.clone();
                way.push(*import);
                if import.to == start {
                    return Some(way);
                }
                if seen.insert(import.to.as_str()) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[(&str, &str)]) -> Vec<String> {
        find(&Tree::of_texts(texts)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rust_files_that_import_each_other_are_found() {
        let texts = [
            ("a/src/lib.rs", "mod b;\nmod c;\nmod d;\n"),
            ("a/src/b.rs", "use crate::c::{Deep, deeper};\npub(in crate::c) struct B;"),
            ("a/src/c.rs", "pub struct Deep;\nfn go() { crate::d::go::<u8>(); }\n"),
            ("a/src/d.rs", "use super::{\n    b::B as Other,\n};\npub fn go<T>() {}\n"),
        ];
        assert_eq!(
            found(&texts),
            ["a/src/b.rs:1: imports itself through a/src/c.rs (line 1) → a/src/d.rs (line 2) → \
              a/src/b.rs (line 2)"]
        );
    }

    #[test]
    fn a_parent_that_uses_a_child_which_uses_it_is_found() {
        let texts = [
            ("a/src/main.rs", "mod b;\nfn helps() {}\nfn main() { b::run(); }\n"),
            ("a/src/b/mod.rs", "pub fn run() { super::helps(); }\n"),
        ];
        assert_eq!(found(&texts).len(), 1);
    }

    #[test]
    fn a_front_page_tests_and_declarations_make_no_circle() {
        let texts = [
            (
                "a/src/lib.rs",
                "mod b;\npub mod c;\npub use b::B;\npub use crate::c::*;\npub use e::E;\n",
            ),
            (
                "a/src/b.rs",
                "use super::E;\npub struct B;\n#[cfg(test)]\nmod tests { use crate::c::C; }\n",
            ),
            ("a/src/c.rs", "use crate::B;\npub struct C(B);\nmod inner { use super::C; }\n"),
        ];
        assert_eq!(found(&texts), [""; 0]);
    }

    #[test]
    fn a_module_in_another_folder_is_not_its_parent() {
        let parent = "mod b;\n#[path = \"../common/c.rs\"]\nmod c;\nfn main() { b::run(); }\n";
        let child = "use crate::c::C;\npub fn run() {}\n";
        let common = "pub struct C;\n";
        let texts = [("a/tests/x/main.rs", parent), ("a/tests/x/b.rs", child)];
        assert_eq!(found(&texts).len(), 1, "the reader takes C for the parent's");
        assert_eq!(found(&[&texts[..], &[("a/tests/common/c.rs", common)]].concat()), [""; 0]);
    }

    #[test]
    fn scripts_that_import_each_other_are_found() {
        let texts = [
            ("w/a.ts", "import {\n  b,\n} from './x/b.js'\n"),
            ("w/x/b.ts", "export { a } from '../a.js' // no: from './c.js'\n"),
            ("w/x/c.ts", "import './b.js'\n"),
        ];
        assert_eq!(
            found(&texts),
            ["w/a.ts:3: imports itself through w/x/b.ts (line 3) → w/a.ts (line 1)"]
        );
    }
}
