//! Turns findings into a step's result.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::{
    exceptions::{EXCEPTIONS, Exception},
    finding::Finding,
};
use crate::shell::Shell;

/// Says what was found, by folder, and fails if something is not on the list of exceptions, or if
/// an exception lets nothing through.
///
/// # Errors
///
/// With the first place that breaks the rule; the step's output lists all.
pub(super) fn finish(shell: &Shell, check: &'static str, findings: &[Finding]) -> Result<()> {
    let exceptions: Vec<&Exception> =
        EXCEPTIONS.iter().filter(|exception| exception.check == check).collect();
    let verdict = judge(&exceptions, findings);
    for (folder, count) in &verdict.let_through {
        shell.say(&format!("let through below {folder}: {count}"));
    }
    for finding in &verdict.left {
        shell.say(&finding.to_string());
    }
    if let Some(first) = verdict.left.first() {
        bail!("{check}: {} places; the first: {first}", verdict.left.len());
    }
    if !verdict.unneeded.is_empty() {
        let folders = verdict.unneeded.join(", ");
        bail!("{check}: these exceptions let nothing through, remove them: {folders}");
    }
    shell.say(&format!("{check}: nothing to mend"));
    Ok(())
}

struct Verdict<'a> {
    left: Vec<&'a Finding>,
    let_through: BTreeMap<&'static str, usize>,
    unneeded: Vec<&'static str>,
}

fn judge<'a>(exceptions: &[&Exception], findings: &'a [Finding]) -> Verdict<'a> {
    let mut let_through = BTreeMap::new();
    let mut left = Vec::new();
    for finding in findings {
        match exceptions.iter().find(|exception| is_below(&finding.path, exception.folder)) {
            Some(exception) => *let_through.entry(exception.folder).or_insert(0) += 1,
            None => left.push(finding),
        }
    }
    let folders = exceptions.iter().map(|exception| exception.folder);
    let unneeded = folders.filter(|folder| !let_through.contains_key(folder)).collect();
    Verdict { left, let_through, unneeded }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_covers_its_folder_and_has_to_be_needed() {
        let findings = [Finding::new("wasm/js/a.js", 1, "wide"), Finding::new("wasms/b.js", 2, "wide")];
        let [wasm, fuzz] = ["wasm", "fuzz"].map(|folder| Exception { check: "comments", folder });
        let verdict = judge(&[&wasm, &fuzz], &findings);
        assert_eq!(verdict.left, [&findings[1]]);
        assert_eq!(verdict.let_through["wasm"], 1);
        assert_eq!(verdict.unneeded, ["fuzz"]);
    }
}
