//! No six lines of code occur twice, except where a list gives the reason.
//!
//! Lines are compared without indentation, spaces and comments. Imports, signatures of functions in
//! Rust, and lines with neither a letter nor a digit, do not count.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    finding::Finding,
    lexer, report,
    tree::{File, Tree},
};
use crate::{paths::root, shell::Shell};

/// This many lines in a row make a finding.
const FEWEST: usize = 6;

/// Two files that may share code, and why. The same file twice: within it.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "benches/src/groups.rs",
        "fuzz/src/group.rs",
        "each lists every event of a group, so that a new one is not ignored by mistake",
    ),
    (
        "crates/call/src/lib.rs",
        "crates/call/src/lib.rs",
        "its modules and what they export, each under the same features",
    ),
    (
        "crates/crypto/src/backend/aws_lc.rs",
        "crates/crypto/src/backend/ring.rs",
        "two libraries whose types have the same names; their failures and limits differ",
    ),
    (
        "crates/crypto/src/error.rs",
        "crates/kernel/src/tag.rs",
        "the kernel depends on no other crate, and is optional, so crypto cannot export its errors",
    ),
    (
        "crates/group/src/machine/receive.rs",
        "crates/group/src/message/mod.rs",
        "each names every type of message, so that a new one is not forgotten",
    ),
    (
        "crates/group/src/machine/receive.rs",
        "crates/group/tests/vectors/refused.rs",
        "each names every type of message, so that a new one is not forgotten",
    ),
    (
        "crates/group/src/output.rs",
        "crates/group/src/output.rs",
        "a change of keys whole, and its parts for a thread each",
    ),
    (
        "crates/group/tests/life/main.rs",
        "crates/group/tests/model/main.rs",
        "the lints that tests are free of, which each program has to name",
    ),
    (
        "crates/group/tests/threats/clocks.rs",
        "fuzz/src/group.rs",
        "each fills in every field of a group's configuration",
    ),
    (
        "crates/group/tests/vectors/refused.rs",
        "crates/taint/tests/browser_modules/group.rs",
        "each names every type of message, so that a new one is not forgotten",
    ),
    (
        "crates/profiles/tests/jitsi_vectors.rs",
        "crates/profiles/tests/livekit_vectors.rs",
        "one test of two formats, whose senders and receivers have types of their own",
    ),
    (
        "examples/bot/src/message.rs",
        "examples/call/src/message.rs",
        "two programs that speak one protocol; each is copied without the other",
    ),
    (
        "wasm/core/src/error_code.rs",
        "wasm/profiles/src/error_code.rs",
        "two modules that load without each other and have their own lists of errors",
    ),
];

pub(crate) fn step(shell: &Shell) -> Result<()> {
    report::finish(shell, "duplicates", &find(&Tree::read(&root())?, REASONS))
}

struct Line {
    number: usize,
    text: String,
}

fn find(tree: &Tree, reasons: &[(&str, &str, &str)]) -> Vec<Finding> {
    let files: Vec<(&File, Vec<Line>)> =
        tree.of(&["rs", "js", "mjs", "ts", "py"]).map(|file| (file, significant(file))).collect();
    let mut places: BTreeMap<Vec<&str>, Vec<(usize, usize)>> = BTreeMap::new();
    for (file, (_, lines)) in files.iter().enumerate() {
        for (at, window) in lines.windows(FEWEST).enumerate() {
            let texts = window.iter().map(|line| line.text.as_str()).collect();
            places.entry(texts).or_default().push((file, at));
        }
    }
    // Windows that follow each other in both places belong together.
    let mut pairs: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    for same in places.values() {
        for (index, &(a, at)) in same.iter().enumerate() {
            for &(b, also_at) in &same[index + 1..] {
                if a != b || also_at >= at + FEWEST {
                    pairs.entry((a, b)).or_default().push((at, also_at));
                }
            }
        }
    }
    let mut findings = Vec::new();
    let mut used = vec![false; reasons.len()];
    for ((a, b), mut starts) in pairs {
        let [(a, a_lines), (b, b_lines)] = [&files[a], &files[b]];
        let reason = reasons.iter().position(|(one, other, _)| {
            [*one, *other] == [a.path.as_str(), &b.path] || [*other, *one] == [a.path.as_str(), &b.path]
        });
        if let Some(reason) = reason {
            used[reason] = true;
            continue;
        }
        starts.sort_unstable();
        for &(at, also_at) in &starts {
            let is_begun = at > 0 && also_at > 0 && starts.contains(&(at - 1, also_at - 1));
            if is_begun {
                continue;
            }
            let more = (0..).take_while(|more| starts.contains(&(at + more, also_at + more))).count();
            let [from, to] = [at, at + more + FEWEST - 2].map(|at| a_lines[at].number);
            let [also_from, also_to] =
                [also_at, also_at + more + FEWEST - 2].map(|at| b_lines[at].number);
            let what = format!("lines to {to} are also in {}:{also_from}-{also_to}", b.path);
            findings.push(Finding::new(&a.path, from, what));
        }
    }
    for ((one, other, _), used) in reasons.iter().zip(used) {
        if !used {
            findings.push(Finding::new(
                one,
                1,
                format!("shares no code with {other}: remove the reason"),
            ));
        }
    }
    findings.sort();
    findings
}

fn significant(file: &File) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut is_importing = false;
    let mut is_signing = false;
    for line in lexer::lines(file) {
        let text: String = line.code.chars().filter(|char| !char.is_whitespace()).collect();
        let code = line.code.trim_start();
        let begins = ["use ", "pub use ", "import ", "from ", "export {", "mod "];
        let begins = begins.iter().any(|begin| code.starts_with(begin));
        is_importing |= begins && !text.contains("import(");
        let is_import = is_importing;
        if is_importing && ends_import(file, &text) {
            is_importing = false;
        }
        // Implementations of a trait repeat its signatures.
        is_signing |= file.extension() == "rs" && format!(" {code}").contains(" fn ");
        let is_signature = is_signing;
        // An array's type has a semicolon inside.
        is_signing &= !line.bare.contains('{') && !line.bare.trim_end().ends_with(';');
        if !is_import && !is_signature && text.contains(char::is_alphanumeric) {
            lines.push(Line { number: line.number, text });
        }
    }
    lines
}

/// Imports without a semicolon are over with the name of the module.
fn ends_import(file: &File, text: &str) -> bool {
    match file.extension() {
        "rs" => text.ends_with(';'),
        "py" => !text.ends_with('('),
        _ => text.ends_with([';', '\'', '"', '}']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX: &str = "let a = 1;\nlet b = 2;\nlet c = 3;\nlet d = 4;\nlet e = 5;\nlet f = 6;\n";

    #[test]
    fn six_lines_that_occur_again_are_found() {
        let again = SIX.replace('\n', " // x\n\n    ").replace('=', " =  ");
        let five = SIX.replace("let f = 6;\n", "let g = 7;\n");
        let other = format!("use a;\nfn x() {{\n{again}\nlet z = 0;\n}}\n");
        let tree = Tree::of_texts(&[("a.rs", SIX), ("b.rs", &other), ("c.rs", &five)]);
        let found: Vec<String> = find(&tree, &[]).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a.rs:1: lines to 6 are also in b.rs:3-13"]);
        assert_eq!(find(&tree, &[("b.rs", "a.rs", "for a test")]), []);
        assert_eq!(find(&tree, &[("a.rs", "b.rs", "too"), ("a.rs", "c.rs", "no")]).len(), 1);
    }

    #[test]
    fn code_that_occurs_twice_in_one_file_is_found_once() {
        let twice = format!("{SIX}{SIX}let y = 1;\n");
        let tree = Tree::of_texts(&[("a.rs", &twice)]);
        let found: Vec<String> = find(&tree, &[]).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a.rs:1: lines to 6 are also in a.rs:7-12"]);
    }

    #[test]
    fn imports_signatures_and_closing_braces_do_not_count() {
        let imports = "fn a(\n    b: [u8; 4],\n    c: u8,\n    d: u8,\n    e: u8,\n) -> D\n    where E: F,\n    G: H,\n{\n}\nuse a::{\n    b,\n    c,\n    d,\n    e,\n    f,\n};\n}\n}\n}\n";
        let tree = Tree::of_texts(&[("a.rs", imports), ("b.rs", imports)]);
        assert_eq!(find(&tree, &[]), []);
    }
}
