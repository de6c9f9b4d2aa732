//! One stream's frames under one key: which IVs have been used.

use sealframe_media::SealError;

use super::COUNTS;

/// The count of one SSRC under one key, and what has to be known of the timestamps so that no pair of timestamp and count
/// comes twice.
///
/// Counts are told apart modulo 65,535, timestamps modulo 2^32. As long as timestamps move on around their circle by less than
/// once, a pair can only come again at the timestamp reached last; so it suffices to know how far round they have come, and
/// how many frames there were since the latest was reached. Whoever goes back is let through only while all counts under the
/// key are different.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) stream: u32,
    /// The next frame's count, reduced. Only ever counts up.
    count: u16,
    /// Frames under this key.
    frames: u64,
    /// The furthest timestamp.
    latest: u32,
    /// How far it is from the earliest.
    span: u32,
    /// Frames since the latest was reached.
    since_latest: u64,
}

impl Lane {
    /// `first` is below 65,535.
    pub(crate) const fn new(stream: u32, first: u16) -> Self {
        Self { stream, count: first, frames: 0, latest: 0, span: 0, since_latest: 0 }
    }

    /// The same stream under a new key.
    pub(crate) const fn under_new_key(self) -> Self {
        Self::new(self.stream, self.count)
    }

    /// Whether nothing has been sealed under this key yet.
    pub(crate) const fn is_unused(&self) -> bool {
        self.frames == 0
    }

    /// The next frame's count.
    #[inline]
    pub(crate) const fn count(&self) -> u16 {
        self.count
    }

    /// How the lane will be after a frame with this timestamp, if its IV is new.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn after(&self, timestamp: u32) -> Result<Self, SealError> {
        let mut lane = Self {
            count: if self.count == COUNTS - 1 { 0 } else { self.count + 1 },
            frames: self.frames + 1,
            since_latest: self.since_latest + 1,
            ..*self
        };
        let counts = u64::from(COUNTS);
        let ahead = timestamp.wrapping_sub(self.latest);
        if self.frames == 0 {
            lane.latest = timestamp;
        } else if ahead == 0 {
            if self.since_latest >= counts {
                return Err(SealError::NonceWouldRepeat);
            }
        } else if let Some(span) = self.span.checked_add(ahead) {
            lane.latest = timestamp;
            lane.span = span;
            lane.since_latest = 1;
        } else if self.frames < counts {
            lane.span = self.span.max(self.latest.wrapping_sub(timestamp));
        } else {
            return Err(SealError::NonceWouldRepeat);
        }
        Ok(lane)
    }

    /// Whether timestamps have come three quarters round.
    pub(crate) const fn is_nearly_round(&self) -> bool {
        self.span >= 3 << 30
    }
}
