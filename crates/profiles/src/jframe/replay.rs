//! Which frames of a stream have been opened already.

use alloc::vec::Vec;

use sealframe_media::OpenError;
use sealframe_wire::Ctr;

use super::COUNTS;

/// Streams that a receiver remembers; only authentic frames begin one.
const MAX_STREAMS: usize = 1024;
/// Frames that are remembered for each: about two seconds. What is older is refused.
const REMEMBERED: usize = 128;

/// A frame's place among those of its stream: by timestamp, and by count where that stands still. Both are unwrapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
struct Place {
    timestamp: u64,
    count: u64,
}

impl Place {
    /// So far from zero that no first frame is before it.
    const START: u64 = 1 << 40;

    const fn first(timestamp: u32, count: u32) -> Self {
        Self { timestamp: Self::START + timestamp as u64, count: Self::START + count as u64 }
    }

    /// The nearest to `self` that looks like this.
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "modulo 2^32")]
    fn near(self, timestamp: u32, count: u32) -> Self {
        let ahead = timestamp.wrapping_sub(self.timestamp as u32) as i32;
        let counts = u64::from(COUNTS);
        let further = (u64::from(count) + counts - (self.count - Self::START) % counts) % counts;
        let further =
            if further > counts / 2 { further as i64 - counts as i64 } else { further as i64 };
        Self {
            timestamp: self.timestamp.saturating_add_signed(ahead.into()),
            count: self.count.saturating_add_signed(further),
        }
    }
}

/// The last frames of one stream.
struct Window {
    newest: Place,
    /// A ring.
    seen: [Place; REMEMBERED],
    next: usize,
    /// The latest that is no longer in the ring: up to it nobody can tell.
    forgotten: Place,
}

impl Window {
    const fn new(first: Place) -> Self {
        let none = Place { timestamp: 0, count: 0 };
        Self { newest: first, seen: [none; REMEMBERED], next: 0, forgotten: none }
    }

    fn check(&self, place: Place, count: u32) -> Result<(), OpenError> {
        if place > self.newest {
            return Ok(());
        }
        let ctr = Ctr::new(count.into());
        if place <= self.forgotten {
            return Err(OpenError::TooOld(ctr));
        }
        if self.seen.contains(&place) { Err(OpenError::Replayed(ctr)) } else { Ok(()) }
    }

    fn mark(&mut self, place: Place) {
        self.newest = self.newest.max(place);
        self.forgotten = self.forgotten.max(self.seen[self.next]);
        self.seen[self.next] = place;
        self.next = (self.next + 1) % REMEMBERED;
    }
}

/// The windows of all streams.
pub(crate) struct Windows {
    streams: Vec<u64>,
    windows: Vec<Window>,
    /// Where the last one was.
    last: usize,
}

impl Windows {
    pub(crate) const fn new() -> Self {
        Self { streams: Vec::new(), windows: Vec::new(), last: 0 }
    }

    fn position(&self, stream: u64) -> Option<usize> {
        if self.streams.get(self.last) == Some(&stream) {
            return Some(self.last);
        }
        self.streams.iter().position(|&it| it == stream)
    }

    /// Whether this frame may be opened. Only reads: none of it is authentic yet.
    pub(crate) fn check(&self, stream: u64, timestamp: u32, count: u32) -> Result<(), OpenError> {
        match self.position(stream) {
            Some(at) => {
                let window = &self.windows[at];
                window.check(window.newest.near(timestamp, count), count)
            }
            None if self.streams.len() >= MAX_STREAMS => Err(OpenError::TooManyStreams),
            None => Ok(()),
        }
    }

    /// Marks a frame that has passed [`check`](Self::check) and has been opened.
    pub(crate) fn mark(&mut self, stream: u64, timestamp: u32, count: u32) {
        let at = self.position(stream).unwrap_or_else(|| {
            self.streams.push(stream);
            self.windows.push(Window::new(Place::first(timestamp, count)));
            self.streams.len() - 1
        });
        self.last = at;
        let window = &mut self.windows[at];
        window.mark(window.newest.near(timestamp, count));
    }

    /// Forgets a stream that has ended.
    pub(crate) fn forget(&mut self, stream: u64) {
        if let Some(at) = self.position(stream) {
            self.streams.swap_remove(at);
            self.windows.swap_remove(at);
        }
    }
}
