//! Between a frame as it lies, readable and encrypted bytes in turn, and what an AEAD takes: each in one piece.

use core::ops::Range;

use super::ClearRange;

/// Moves runs, which are in order and apart, against each other at the beginning of `buf`.
pub(super) fn gather(buf: &mut [u8], runs: impl Iterator<Item = Range<usize>>) {
    let mut to = 0;
    for run in runs {
        let len = run.len();
        buf.copy_within(run, to);
        to += len;
    }
}

/// Moves what [`gather`] put together, `len` bytes, to runs that are in order and apart and as long in all.
pub(super) fn scatter(buf: &mut [u8], len: usize, runs: impl DoubleEndedIterator<Item = Range<usize>>) {
    let mut from = len;
    for run in runs.rev() {
        from -= run.len();
        buf.copy_within(from..from + run.len(), run.start);
    }
}

/// Writes readable bytes to their places.
pub(super) fn write_clear(buf: &mut [u8], mut clear: &[u8], ranges: &[ClearRange]) {
    for range in ranges {
        let (bytes, rest) = clear.split_at(range.len);
        buf[range.offset..range.end()].copy_from_slice(bytes);
        clear = rest;
    }
}
