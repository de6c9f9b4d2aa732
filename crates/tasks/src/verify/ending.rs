//! How a step ended, and where its output is.

use core::time::Duration;
use std::path::PathBuf;

use super::steps::Step;
use crate::paths::target_dir;

/// How a step ended.
pub(super) struct Ending {
    pub(super) step: &'static Step,
    pub(super) outcome: Outcome,
    /// Since the beginning of the run.
    pub(super) started: Duration,
    pub(super) took: Duration,
}

pub(super) enum Outcome {
    Passed,
    /// What went wrong.
    Failed(String),
    /// Another step failed first.
    NotRun,
}

/// Where each step's output goes.
pub(super) fn log_folder() -> PathBuf {
    target_dir().join("verify")
}

pub(super) fn log_of(step: &Step) -> PathBuf {
    log_folder().join(step.name).with_extension("log")
}
