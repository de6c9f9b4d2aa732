//! Between a frame as it lies, readable and encrypted bytes in turn, and what an AEAD takes: each
//! in one piece.

use alloc::vec::Vec;
use core::ops::Range;

use super::{ClearRange, Trailer, plan::runs_between};

/// A received frame whose readable bytes are not its front. Reused for every frame, for its memory.
#[derive(Default)]
pub(super) struct Woven {
    ranges: Vec<ClearRange>,
    /// The readable bytes, in one piece.
    clear: Vec<u8>,
}

impl Woven {
    /// Where the readable bytes of the next frame are.
    pub(super) fn read(&mut self, trailer: &Trailer<'_>) {
        self.ranges.clear();
        self.ranges.extend(trailer.ranges());
    }

    /// The readable bytes of the frame that was taken apart.
    pub(super) fn clear(&self) -> &[u8] {
        &self.clear
    }

    /// Copies the readable bytes, and moves the encrypted ones together in `media`. Returns those.
    pub(super) fn take_apart<'m>(&mut self, media: &'m mut [u8]) -> &'m mut [u8] {
        self.clear.clear();
        for range in &self.ranges {
            self.clear.extend_from_slice(&media[range.offset..range.end()]);
        }
        let media_len = media.len();
        gather(media, runs_between(&self.ranges, media_len));
        &mut media[..media_len - self.clear.len()]
    }

    /// Everything where it was.
    pub(super) fn put_together(&self, media: &mut [u8]) {
        let media_len = media.len();
        scatter(media, media_len - self.clear.len(), runs_between(&self.ranges, media_len));
        write_clear(media, &self.clear, &self.ranges);
    }
}

/// Moves runs, which are in order and apart, against each other at the beginning of `buf`.
pub(super) fn gather(buf: &mut [u8], runs: impl Iterator<Item = Range<usize>>) {
    let mut to = 0;
    for run in runs {
        let len = run.len();
        buf.copy_within(run, to);
        to += len;
    }
}

/// Moves what [`gather`] put together, `len` bytes, to runs that are in order and apart and as long
/// in all.
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
