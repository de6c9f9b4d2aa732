//! Turns findings into a step's result.

use anyhow::{Result, bail};

use super::finding::Finding;
use crate::shell::Shell;

/// Says what was found, and fails if anything was.
///
/// # Errors
///
/// With the first place that breaks the rule; the step's output lists all.
pub(super) fn finish(shell: &Shell, check: &'static str, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        shell.say(&finding.to_string());
    }
    if let Some(first) = findings.first() {
        bail!("{check}: {} places; the first: {first}", findings.len());
    }
    shell.say(&format!("{check}: nothing to mend"));
    Ok(())
}
