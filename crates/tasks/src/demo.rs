//! `cargo demo`: a call in two browser tabs.

use anyhow::Result;

pub(crate) fn run(_args: &[String]) -> Result<()> {
    Ok(())
}
