//! No comment is wider than 100 columns. rustfmt does not wrap comments, nor does anything else.

use anyhow::Result;

use super::{finding::Finding, lexer, report, tree::Tree};
use crate::{paths::root, shell::Shell};

const WIDEST: usize = 100;

pub(crate) fn step(shell: &Shell) -> Result<()> {
    report::finish(shell, "comments", &find(&Tree::read(&root())?))
}

fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for line in lexer::lines(file) {
            if line.width > WIDEST && !line.comment.trim().is_empty() && can_wrap(&line.comment) {
                let what = format!("a comment reaches column {}", line.width);
                findings.push(Finding::new(&file.path, line.number, what));
            }
        }
    }
    findings
}

/// A table's row and a single long word, such as an address, stay on their line.
fn can_wrap(comment: &str) -> bool {
    let text = comment.trim_start_matches(['/', '!', '*', '#', ' ']).trim_end();
    let is_link = text.starts_with('[') && text.contains("]: ");
    !text.starts_with('|') && !is_link && text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_comments_are_found_and_what_cannot_wrap_is_not() {
        let word = "word ".repeat(20);
        let long = "w".repeat(110);
        let rust = format!(
            "/// {word}\n// {long}\n/// | {word} |\n/// [a]: {long}\nlet a = \"{word}{word}\";\n"
        );
        let toml = format!("# {word}\n");
        let tree = Tree::of_texts(&[("a.rs", &rust), ("b.toml", &toml), ("c.md", &word)]);
        let places: Vec<(String, usize)> =
            find(&tree).into_iter().map(|finding| (finding.path, finding.line)).collect();
        assert_eq!(places, [("a.rs".to_owned(), 1), ("b.toml".to_owned(), 1)]);
    }
}
