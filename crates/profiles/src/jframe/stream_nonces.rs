//! One stream's frames under one key: which IVs have been used.

use super::COUNTS;
use crate::SealError;

/// The count of one SSRC under one key, and the facts about its timestamps that keep every pair of
/// timestamp and count from repeating.
///
/// Counts are taken modulo 65,535, timestamps modulo 2^32. A timestamp more than 2^31 ahead is a
/// step back. A frame's pair is unique if
///
/// * fewer than 65,535 frames have been sealed: all counts differ; or
/// * it is ahead of all timestamps, which have not come round; or
/// * it has the latest timestamp, and fewer than 65,535 frames have had that; or
/// * it is behind the latest, but ahead of all frames that can have its count, which are 65,535
///   frames back or more.
///
/// Where none of this holds, the clock has been set back by more than about ten minutes, or has
/// leapt too often. The stream then begins another pass, with the number of the pass in the upper
/// half of the count: that half is 0 in the peers' frames, and they ignore it. A clock that stands
/// still, one that has wrapped and one that keeps jumping are rejected instead: a frame's own
/// timestamp does none of these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamNonces {
    pub(crate) stream: u32,
    /// The next frame's count, reduced. Only ever counts up.
    count: u16,
    /// Only counts up, so smaller counts are of this pass alone.
    pass: u16,
    /// Jumps of the clock, the one that began the pass included.
    jumps: u16,
    /// The last frame's timestamp.
    last: u32,
    /// Frames.
    frames: u64,
    /// Frames since the latest timestamp was reached.
    since_latest: u64,
    /// The latest timestamp, unwrapped.
    latest: i64,
    /// The earliest one.
    earliest: i64,
    /// The latest one when the present block of frames began.
    block: i64,
    /// The latest one when the block before began: no frame that can have the next one's count is
    /// ahead of it.
    settled: i64,
}

/// Frames of a block. Two are less than 65,535 frames, so the third last is where a count can come
/// from again.
const BLOCK: u64 = (COUNTS as u64) / 2;
/// Further back than encoders reorder frames: 11 s of video, 21 s of sound.
const BACK: i32 = -(1 << 20);
/// Further ahead than media run on in practice: 50 minutes of video, 93 of sound.
const AHEAD: i32 = 1 << 28;
/// Jumps in a pass of a clock that is one, or of two that take turns.
const MAX_JUMPS: u16 = 40_000;

impl StreamNonces {
    /// `first` is below 65,535.
    pub(crate) const fn new(stream: u32, first: u16) -> Self {
        Self {
            stream,
            count: first,
            pass: 0,
            jumps: 0,
            last: 0,
            frames: 0,
            since_latest: 0,
            latest: 0,
            earliest: 0,
            block: i64::MIN,
            settled: i64::MIN,
        }
    }

    /// The same stream under a new key.
    pub(crate) const fn under_new_key(self) -> Self {
        Self::new(self.stream, self.count)
    }

    /// Whether nothing has been sealed under this key yet.
    pub(crate) const fn is_unused(&self) -> bool {
        self.frames == 0
    }

    /// The next frame's count, reduced.
    #[inline]
    pub(crate) const fn count(&self) -> u16 {
        self.count
    }

    /// How the nonces will be after a frame with this timestamp, and that frame's count with its
    /// pass, if the two are new.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn after(&self, timestamp: u32) -> Result<(Self, u32), SealError> {
        let mut nonces = Self {
            count: if self.count == COUNTS - 1 { 0 } else { self.count + 1 },
            last: timestamp,
            frames: self.frames + 1,
            since_latest: self.since_latest + 1,
            ..*self
        };
        if self.frames == 0 {
            nonces.start(timestamp);
            return Ok((nonces, self.wide(nonces.pass)));
        }
        let step = signed(timestamp, self.last);
        nonces.jumps = nonces.jumps.saturating_add(u16::from(!(BACK..=AHEAD).contains(&step)));
        if self.frames.is_multiple_of(BLOCK) {
            (nonces.settled, nonces.block) = (self.block, self.latest);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "modulo 2^32")]
        let ahead = signed(timestamp, self.latest as u32);
        let place = self.latest + i64::from(ahead);
        let (latest, earliest) = (self.latest.max(place), self.earliest.min(place));
        let counts = u64::from(COUNTS);
        let is_new = latest - earliest <= i64::from(u32::MAX)
            && (ahead > 0
                || (ahead == 0 && self.since_latest < counts)
                || (ahead < 0 && place > nonces.settled));
        if is_new || self.frames < counts {
            if ahead > 0 {
                nonces.since_latest = 1;
            }
            (nonces.latest, nonces.earliest) = (latest, earliest);
        } else {
            nonces.begin_pass(timestamp)?;
        }
        Ok((nonces, self.wide(nonces.pass)))
    }

    #[cold]
    fn begin_pass(&mut self, timestamp: u32) -> Result<(), SealError> {
        let is_clock = (1..=MAX_JUMPS).contains(&self.jumps);
        let pass = self.pass.checked_add(1).filter(|_| is_clock);
        self.pass = pass.ok_or(SealError::NonceWouldRepeat)?;
        self.jumps = 1;
        self.start(timestamp);
        Ok(())
    }

    /// Begins with a frame whose predecessors are all of another pass.
    fn start(&mut self, timestamp: u32) {
        (self.frames, self.since_latest) = (1, 1);
        (self.latest, self.earliest) = (timestamp.into(), timestamp.into());
        (self.block, self.settled) = (i64::MIN, i64::MIN);
    }

    /// The count that is to be sealed, in this pass.
    const fn wide(&self, pass: u16) -> u32 {
        self.count as u32 + pass as u32 * COUNTS as u32
    }

    /// Whether little is left: timestamps have gone through three quarters of their range, or three
    /// quarters of the passes are used.
    pub(crate) const fn is_nearly_used_up(&self) -> bool {
        self.jumps == 0 && self.latest - self.earliest >= 3 << 30 || self.pass >= 3 << 14
    }
}

/// How far it is from one timestamp to another, half the circle at most.
#[expect(clippy::cast_possible_wrap, reason = "more than half the circle ahead is behind")]
const fn signed(to: u32, from: u32) -> i32 {
    to.wrapping_sub(from) as i32
}
