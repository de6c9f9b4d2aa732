//! A rate-limited log on standard error of other parties' actions.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limits::{Bucket, LOG_LINES};

static LINES: Mutex<Option<Bucket>> = Mutex::new(None);

/// Writes a line, unless there were too many recently.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let now = Instant::now();
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.get_or_insert_with(|| Bucket::full(LOG_LINES, now)).try_take(now) {
        eprintln!("{what}");
    }
}
