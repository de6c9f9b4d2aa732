//! Which frames of a stream have been opened already.

use alloc::vec::Vec;

use sealframe_media::OpenError;
use sealframe_wire::Ctr;

use super::{COUNTS, IvWords};

/// Streams that a receiver remembers; only authentic frames begin one. Those of which nothing can open again make room for others.
const MAX_STREAMS: usize = 1024;
/// Frames that are remembered for each: about two seconds. What is older is refused.
const REMEMBERED: usize = 128;

/// Timestamps that a stream may leap ahead at once when it could be an old frame as well: 93 minutes of sound, 50 of video.
const LEAP: u64 = 1 << 28;

/// A frame's place among those of its stream: by timestamp, and by count where that stands still. Both are unwrapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
struct Place {
    timestamp: u64,
    count: u64,
}

impl Place {
    /// So far from zero that nothing near a first frame is below it.
    const START: u64 = 1 << 40;

    const fn first(timestamp: u32) -> Self {
        Self { timestamp: Self::START + timestamp as u64, count: Self::START }
    }

    /// The place nearest to this one whose timestamp is that, and whose count is so much further.
    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "modulo 2^32")]
    const fn near(self, timestamp: u32, further: i32) -> Self {
        let ahead = timestamp.wrapping_sub(self.timestamp as u32) as i32;
        Self {
            timestamp: self.timestamp.wrapping_add_signed(ahead as i64),
            count: self.count.wrapping_add_signed(further as i64),
        }
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

/// As senders reduce it; what is not reduced no peer has sent.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "reduced to 16 bits")]
const fn reduced(count: u32) -> u16 {
    if count < COUNTS as u32 { count as u16 } else { (count % COUNTS as u32) as u16 }
}

/// The last frames of one stream.
struct Window {
    newest: Place,
    /// The least timestamp, unwrapped.
    earliest: u64,
    /// The newest's count, as sent.
    newest_count: u16,
    /// A ring.
    seen: [Place; REMEMBERED],
    next: usize,
    /// The latest that is no longer in the ring: up to it nobody can tell.
    forgotten: Place,
}

impl Window {
    const fn new(timestamp: u32, count: u16) -> Self {
        let none = Place { timestamp: 0, count: 0 };
        let newest = Place::first(timestamp);
        Self {
            newest,
            earliest: newest.timestamp,
            newest_count: count,
            seen: [none; REMEMBERED],
            next: 0,
            forgotten: none,
        }
    }

    #[inline]
    const fn place(&self, timestamp: u32, count: u16) -> Place {
        self.newest.near(timestamp, further(self.newest_count, count))
    }

    /// Whether a place before the newest has the same timestamp modulo 2^32, and is likelier than such a leap.
    #[inline]
    const fn is_round(&self, place: Place) -> bool {
        place.timestamp - self.newest.timestamp > LEAP && place.timestamp - (1 << 32) >= self.earliest
    }

    #[inline]
    fn check(&self, timestamp: u32, count: u16) -> Result<(), OpenError> {
        let place = self.place(timestamp, count);
        let is_ahead = place > self.newest;
        if is_ahead && !self.is_round(place) {
            return Ok(());
        }
        let ctr = Ctr::new(count.into());
        if is_ahead || place <= self.forgotten {
            return Err(OpenError::TooOld(ctr));
        }
        if self.seen.contains(&place) { Err(OpenError::Replayed(ctr)) } else { Ok(()) }
    }

    #[inline]
    fn mark(&mut self, timestamp: u32, count: u16) {
        let place = self.place(timestamp, count);
        if place > self.newest {
            (self.newest, self.newest_count) = (place, count);
        }
        self.earliest = self.earliest.min(place.timestamp);
        self.forgotten = self.forgotten.max(self.seen[self.next]);
        self.seen[self.next] = place;
        self.next = (self.next + 1) % REMEMBERED;
    }
}

/// The windows of all streams.
pub(crate) struct Windows {
    streams: Vec<u32>,
    /// By stream: the number of the last key that had come when its last frame did.
    keys: Vec<u64>,
    windows: Vec<Window>,
    /// Where the last one was.
    last: usize,
}

impl Windows {
    pub(crate) const fn new() -> Self {
        Self { streams: Vec::new(), keys: Vec::new(), windows: Vec::new(), last: 0 }
    }

    #[inline]
    fn position(&self, stream: u32) -> Option<usize> {
        if self.streams.get(self.last) == Some(&stream) {
            return Some(self.last);
        }
        self.streams.iter().position(|&it| it == stream)
    }

    /// Where a stream is all of whose frames came before the oldest key.
    fn outlived(&self, oldest_key: u64) -> Option<usize> {
        self.keys.iter().position(|&key| key < oldest_key)
    }

    /// Whether this frame may be opened. Only reads: none of it is authentic yet. `oldest_key` is the least number of a key that is
    /// held.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn check(
        &self,
        IvWords { stream, timestamp, count }: IvWords,
        oldest_key: u64,
    ) -> Result<(), OpenError> {
        match self.position(stream) {
            Some(at) => self.windows[at].check(timestamp, reduced(count)),
            None => self.check_room(oldest_key),
        }
    }

    /// Whether there is room for a new stream.
    #[cold]
    fn check_room(&self, oldest_key: u64) -> Result<(), OpenError> {
        if self.streams.len() < MAX_STREAMS || self.outlived(oldest_key).is_some() {
            return Ok(());
        }
        Err(OpenError::TooManyStreams)
    }

    /// Marks a frame that has passed [`check`](Self::check) and has been opened.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn mark(
        &mut self,
        IvWords { stream, timestamp, count }: IvWords,
        oldest_key: u64,
        newest_key: u64,
    ) {
        let count = reduced(count);
        let at = match self.position(stream) {
            Some(at) => at,
            None => self.begin(stream, Window::new(timestamp, count), oldest_key),
        };
        self.last = at;
        self.keys[at] = newest_key;
        self.windows[at].mark(timestamp, count);
    }

    /// Where a new stream is.
    #[cold]
    fn begin(&mut self, stream: u32, window: Window, oldest_key: u64) -> usize {
        if self.streams.len() >= MAX_STREAMS
            && let Some(at) = self.outlived(oldest_key)
        {
            (self.streams[at], self.windows[at]) = (stream, window);
            return at;
        }
        self.streams.push(stream);
        self.keys.push(0);
        self.windows.push(window);
        self.streams.len() - 1
    }

    /// Forgets a stream that has ended.
    pub(crate) fn forget(&mut self, stream: u32) {
        if let Some(at) = self.position(stream) {
            self.streams.swap_remove(at);
            self.keys.swap_remove(at);
            self.windows.swap_remove(at);
        }
    }
}
