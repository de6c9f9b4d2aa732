//! Which frames of a stream have been opened already.
//!
//! Three kinds of peers send IVs. A frame's own IV and the authentic frames before it determine how
//! it is checked, so no relay can choose.
//!
//! | the peer's IVs | memory |
//! |---|---|
//! | SSRC, timestamp and count | a [`Window`] for each SSRC: old frames are rejected |
//! | drawn at random, 12 bytes | the last [`SeenIvs`]: older frames open again |
//! | random SSRCs, or more than there are windows | the same, for those without a window |

use alloc::{boxed::Box, vec::Vec};

use super::{COUNTS, Iv, IvWords, seen_ivs::SeenIvs};
use crate::OpenError;

/// Streams that have a window; only authentic frames begin one. A new stream replaces one of which
/// no frame can open again, or else one that has sent one frame, whose IV is remembered.
const MAX_STREAMS: usize = 1024;
/// Frames remembered for each stream: about two seconds. Older ones are rejected.
const REMEMBERED: usize = 128;

/// Timestamps that a stream may leap ahead at once when it could be an old frame as well: 93
/// minutes of sound, 50 of video.
const LEAP: u64 = 1 << 28;
/// Timestamps wrap after this many.
const CIRCLE: u64 = 1 << 32;

/// At most this many frames may be lost between two that count on from each other.
const LOST: u64 = 2048;
/// Frames of a block, ten minutes of sound. Two of them and three times what may be lost are less
/// than 65,535: no frame of this block or the last can have the count of the next one.
const BLOCK: u64 = 29_000;
/// A stream this far behind all others has rested, and was not set back: 12 minutes of video, 23 of
/// sound.
const FAR: u64 = 1 << 26;

/// Counts of peers: their 65,535, and our senders' passes. Higher ones were drawn at random.
const ORDERED: u32 = COUNTS as u32 * 1024;

/// A frame's place among those of its stream: by timestamp, and by count where that stands still.
/// Both are unwrapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
struct Place {
    timestamp: u64,
    count: u64,
}

impl Place {
    /// Far enough from zero that no place near a first frame is below it; a multiple of both
    /// moduli.
    const START: u64 = (1 << 32) * COUNTS as u64;

    /// No frame's.
    const NONE: Self = Self { timestamp: 0, count: 0 };

    const fn first(timestamp: u32, count: u16) -> Self {
        Self { timestamp: Self::START + timestamp as u64, count: Self::START + count as u64 }
    }

    /// Whether it is this frame's, however often its two numbers have come round.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32")]
    const fn is_of(self, timestamp: u32, count: u16) -> bool {
        self.timestamp as u32 == timestamp
            && self.count % COUNTS as u64 == count as u64
            && self.timestamp != Self::NONE.timestamp
    }
}

/// How much further `count` is than `from`, both below 65,535: half the circle at most.
#[inline]
const fn further(from: u16, count: u16) -> i32 {
    const CIRCLE: i32 = COUNTS as i32;
    let difference = count as i32 - from as i32;
    if difference > CIRCLE / 2 {
        difference - CIRCLE
    } else if difference < -(CIRCLE / 2) {
        difference + CIRCLE
    } else {
        difference
    }
}

/// Reduced like a sender's count; no peer sends an unreduced one.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "reduced to 16 bits")]
const fn reduced(count: u32) -> u16 {
    if count < COUNTS as u32 { count as u16 } else { (count % COUNTS as u32) as u16 }
}

/// A part of the circle of timestamps.
#[derive(Clone, Copy, Debug)]
struct Arc {
    start: u32,
    len: u32,
}

impl Arc {
    const fn contains(self, timestamp: u32) -> bool {
        timestamp.wrapping_sub(self.start) <= self.len
    }

    /// The least that has both, and not a timestamp that is in neither.
    fn joined(self, other: Self, without: u32) -> Self {
        let far = |arc: Self| (arc.start.wrapping_sub(without), arc.len);
        let ((one, one_len), (two, two_len)) = (far(self), far(other));
        let start = one.min(two);
        let end = one.saturating_add(one_len).max(two.saturating_add(two_len));
        Self { start: start.wrapping_add(without), len: end - start }
    }
}

/// The proof that a frame has not been opened before, from facts that an attacker cannot make up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Proof {
    /// Its timestamp is ahead of all.
    Ahead,
    /// It is late, and all that it could be is remembered.
    Late,
    /// Its count is the next one or so, and its timestamp is not among those where that count can
    /// have been before.
    Counted,
    /// As above, and no timestamp of the stream is further back: it is so far ahead that it looks
    /// so.
    Rested,
}

/// The last frames of one stream.
///
/// A timestamp ahead of all opened ones proves that a frame is new. Any other timestamp may be one
/// of a clock that was set back, or that of a replayed frame. The count distinguishes them: a frame
/// that counts on from the last one, with a timestamp behind it, is either the next frame or one
/// from 65,535 frames before; and the places of those are known.
///
/// A stream that rests for more than half the circle of timestamps comes back as if from before it
/// began. The timestamps that it had until then are closed from then on.
struct Window {
    /// The furthest by timestamp.
    newest: Place,
    /// The least timestamp, unwrapped.
    earliest: u64,
    /// The furthest by count, unwrapped, and as sent. Never goes back.
    front: u64,
    front_count: u16,
    /// The least count, unwrapped.
    least: u64,
    /// The count with which the next block begins.
    block_end: u64,
    /// The furthest timestamp when the present block began.
    block: u64,
    /// The furthest timestamp when the one before began: the count of a next frame was not ahead of
    /// it before.
    settled: u64,
    /// Timestamps from before the stream rested.
    closed: Option<Arc>,
    /// Whether the clock has been set back or has rested: then timestamps alone are believed only
    /// where none has been before.
    is_strict: bool,
    /// A ring.
    seen: [Place; REMEMBERED],
    next: usize,
    /// The latest place that has left the ring: up to it no frame can be checked.
    forgotten: Place,
    /// The furthest count that is no longer in the ring.
    forgotten_count: u64,
    /// The IV of the first frame, while there is no other.
    only: Option<Iv>,
}

impl Window {
    const fn new(timestamp: u32, count: u16, iv: Iv) -> Self {
        let newest = Place::first(timestamp, count);
        Self {
            newest,
            earliest: newest.timestamp,
            front: newest.count,
            front_count: count,
            least: newest.count,
            block_end: newest.count + BLOCK,
            block: 0,
            settled: 0,
            closed: None,
            is_strict: false,
            seen: [Place::NONE; REMEMBERED],
            next: 0,
            forgotten: Place::NONE,
            forgotten_count: 0,
            only: Some(iv),
        }
    }

    /// The place with this timestamp nearest to the newest, and with this count nearest to the
    /// front.
    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "modulo 2^32")]
    const fn place(&self, timestamp: u32, count: u16) -> Place {
        let ahead = timestamp.wrapping_sub(self.newest.timestamp as u32) as i32;
        Place {
            timestamp: self.newest.timestamp.wrapping_add_signed(ahead as i64),
            count: self.front.wrapping_add_signed(further(self.front_count, count) as i64),
        }
    }

    /// Whether a place before the newest has the same timestamp modulo 2^32, and is likelier than
    /// such a leap.
    #[inline]
    const fn is_round(&self, place: Place) -> bool {
        place.timestamp - self.newest.timestamp > LEAP && place.timestamp - CIRCLE >= self.earliest
    }

    /// The place of a frame that has not been opened, and what proves that.
    #[inline]
    fn judge(&self, timestamp: u32, count: u16) -> Result<(Place, Proof), OpenError> {
        let place = self.place(timestamp, count);
        if place > self.newest && !self.is_strict && !self.is_round(place) {
            return Ok((place, Proof::Ahead));
        }
        self.judge_further(place, timestamp, count)
    }

    #[cold]
    fn judge_further(
        &self,
        place: Place,
        timestamp: u32,
        count: u16,
    ) -> Result<(Place, Proof), OpenError> {
        let too_old = Err(OpenError::TooOld { count: count.into() });
        let is_seen = || self.seen.iter().any(|seen| seen.is_of(timestamp, count));
        let counts_on = place.count > self.front && place.count - self.front <= LOST;
        // So few frames have been sent that no count can have come twice.
        let is_young = place.count - self.least.min(place.count) < COUNTS.into();
        let is_closed = self.closed.is_some_and(|closed| closed.contains(timestamp));
        if is_closed && !(counts_on && is_young) {
            return too_old;
        }
        let is_ahead = place > self.newest;
        let has_been = |place: Place| place.timestamp - CIRCLE >= self.earliest;
        let is_held_back =
            place.count + LOST < self.front && place.timestamp > self.newest.timestamp + FAR;
        let is_new = || {
            if self.is_strict { !has_been(place) && !is_held_back } else { !self.is_round(place) }
        };
        if is_ahead && is_new() {
            return Ok((place, Proof::Ahead));
        }
        let place = Place {
            timestamp: if is_ahead { place.timestamp - CIRCLE } else { place.timestamp },
            ..place
        };
        let rested = Place { timestamp: place.timestamp + CIRCLE, ..place };
        let may_have_rested = counts_on && !is_closed && place.timestamp < self.earliest;
        if may_have_rested && self.is_far(place) {
            return Ok((rested, Proof::Rested));
        }
        if !is_ahead && !self.is_strict && place > self.forgotten {
            return if is_seen() {
                Err(OpenError::Replayed { count: count.into() })
            } else {
                Ok((place, Proof::Late))
            };
        }
        let is_late = place.count <= self.front && place.count > self.forgotten_count && !is_seen();
        let is_free = is_young || place.timestamp > self.settled && !has_been(place);
        if (counts_on || is_late) && is_free {
            return Ok((place, Proof::Counted));
        }
        if may_have_rested {
            return Ok((rested, Proof::Rested));
        }
        if self.is_strict && is_seen() {
            return Err(OpenError::Replayed { count: count.into() });
        }
        too_old
    }

    /// Whether a place is further behind than a clock is set back while a stream runs.
    const fn is_far(&self, place: Place) -> bool {
        self.newest.timestamp > place.timestamp + FAR
    }

    #[inline]
    fn check(&self, timestamp: u32, count: u16) -> Result<(), OpenError> {
        self.judge(timestamp, count).map(|_| ())
    }

    /// Whether there is a place for it, as there is if it has passed [`check`](Self::check).
    #[inline]
    fn mark(&mut self, timestamp: u32, count: u16) -> bool {
        let Ok((place, proof)) = self.judge(timestamp, count) else { return false };
        match proof {
            Proof::Ahead => {}
            Proof::Late => self.is_strict |= self.is_far(place),
            Proof::Counted => self.is_strict = true,
            Proof::Rested => {
                self.is_strict = true;
                self.close(place, timestamp);
            }
        }
        self.newest = self.newest.max(place);
        self.earliest = self.earliest.min(place.timestamp);
        if place.count > self.front {
            let is_leap = place.count - self.front > LOST;
            (self.front, self.front_count) = (place.count, count);
            if is_leap {
                // Blocks do not hold the most recent frames.
                (self.block, self.settled) = (self.newest.timestamp, self.newest.timestamp);
                self.block_end = self.front + BLOCK;
            }
        } else if self.front - place.count > LOST {
            // It was delayed for long, or counts have restarted: no block has it.
            self.settled = self.settled.max(place.timestamp);
        }
        self.least = self.least.min(place.count);
        if self.front >= self.block_end {
            self.settled = self.settled.max(self.block);
            self.block = self.newest.timestamp;
            self.block_end = self.front + BLOCK;
        }
        let oldest = &mut self.seen[self.next];
        self.forgotten = self.forgotten.max(*oldest);
        self.forgotten_count = self.forgotten_count.max(oldest.count);
        *oldest = place;
        self.next = (self.next + 1) % REMEMBERED;
        true
    }

    /// Restarts the stream, at a place that is far ahead of its last one.
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32")]
    fn close(&mut self, place: Place, timestamp: u32) {
        let len = self.newest.timestamp - self.earliest;
        let until_now = Arc { start: self.earliest as u32, len: len.min(CIRCLE - 1) as u32 };
        let closed = self.closed.map_or(until_now, |closed| closed.joined(until_now, timestamp));
        self.closed = Some(closed);
        self.earliest = place.timestamp;
        (self.block, self.settled) = (0, 0);
        self.block_end = self.front + BLOCK;
    }
}

/// What all streams have opened.
pub(crate) struct Windows {
    streams: Vec<u32>,
    /// By stream: the number of the last key that had come when its last frame did.
    keys: Vec<u64>,
    #[expect(clippy::vec_box, reason = "most have one, and a vector makes room for four")]
    windows: Vec<Box<Window>>,
    /// Where the last one was.
    last: usize,
    /// Where to look on for a stream of one frame.
    next_only: usize,
    /// Frames that no window remembers.
    others: SeenIvs,
}

impl Windows {
    pub(crate) const fn new() -> Self {
        Self {
            streams: Vec::new(),
            keys: Vec::new(),
            windows: Vec::new(),
            last: 0,
            next_only: 0,
            others: SeenIvs::new(),
        }
    }

    #[inline]
    fn position(&self, stream: u32) -> Option<usize> {
        if self.streams.get(self.last) == Some(&stream) {
            return Some(self.last);
        }
        self.streams.iter().position(|&it| it == stream)
    }

    /// Whether this frame may be opened. Only reads: none of it is authentic yet.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn check(
        &self,
        iv: Iv,
        IvWords { stream, timestamp, count }: IvWords,
    ) -> Result<(), OpenError> {
        self.others.check(iv, count)?;
        if count >= ORDERED {
            return Ok(());
        }
        match self.position(stream) {
            Some(at) => self.windows[at].check(timestamp, reduced(count)),
            None => Ok(()),
        }
    }

    /// Marks a frame that has passed [`check`](Self::check) and has been opened. `oldest_key` is
    /// the least number of a key that is held.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn mark(
        &mut self,
        iv: Iv,
        IvWords { stream, timestamp, count }: IvWords,
        oldest_key: u64,
        newest_key: u64,
    ) {
        if count >= ORDERED {
            return self.others.mark(iv);
        }
        let count = reduced(count);
        let at = match self.position(stream) {
            Some(at) => {
                self.windows[at].only = None;
                at
            }
            None => match self.begin(stream, iv, timestamp, count, oldest_key) {
                Some(at) => at,
                None => return self.others.mark(iv),
            },
        };
        self.last = at;
        self.keys[at] = newest_key;
        if !self.windows[at].mark(timestamp, count) {
            self.others.mark(iv);
        }
    }

    /// The index for a new stream; `None` if there is no room.
    #[cold]
    fn begin(
        &mut self,
        stream: u32,
        iv: Iv,
        timestamp: u32,
        count: u16,
        oldest_key: u64,
    ) -> Option<usize> {
        let window = Window::new(timestamp, count, iv);
        if self.streams.len() < MAX_STREAMS {
            self.streams.push(stream);
            self.keys.push(0);
            self.windows.push(Box::new(window));
            return Some(self.streams.len() - 1);
        }
        let at = self.room(oldest_key)?;
        self.streams[at] = stream;
        *self.windows[at] = window;
        Some(at)
    }

    /// Where a stream has made room.
    fn room(&mut self, oldest_key: u64) -> Option<usize> {
        // Whether all of its frames came before the oldest key.
        if let Some(at) = self.keys.iter().position(|&key| key < oldest_key) {
            return Some(at);
        }
        let places = (self.next_only..self.windows.len()).chain(0..self.next_only);
        let (at, iv) = places.filter_map(|at| Some((at, self.windows[at].only?))).next()?;
        self.next_only = (at + 1) % self.windows.len();
        self.others.mark(iv);
        Some(at)
    }

    /// Forgets a stream that has ended.
    pub(crate) fn forget(&mut self, stream: u32) {
        if let Some(at) = self.position(stream) {
            self.streams.swap_remove(at);
            self.keys.swap_remove(at);
            self.windows.swap_remove(at);
            self.next_only = 0;
        }
    }
}
