//! Frames that arrived before their key: kept for a short time, within bounds.

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use sealframe_wire::MemberId;

use crate::group::Time;

/// How long a frame waits for its key.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(1000);
/// Most waiting frames of one member.
pub(crate) const MAX_FRAMES: usize = 64;
/// Most bytes of all waiting frames.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Frames that wait for their key.
#[derive(Default)]
pub(crate) struct Parking {
    frames: VecDeque<Parked>,
    bytes: usize,
}

/// A frame that waited for its key.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parked {
    /// The member that the server named.
    pub from: MemberId,
    /// The application's token for it.
    pub token: u64,
    /// The frame, unchanged.
    pub frame: Vec<u8>,
    until: Time,
}

impl Parking {
    /// Keeps a copy of a frame; `false` if there is no room for it.
    pub(crate) fn park(&mut self, from: MemberId, token: u64, frame: &[u8], now: Time) -> bool {
        self.expire(now);
        let of_member = self.frames.iter().filter(|parked| parked.from == from).count();
        if of_member >= MAX_FRAMES || frame.len() > MAX_BYTES - self.bytes {
            return false;
        }
        self.bytes += frame.len();
        self.frames.push_back(Parked { from, token, frame: frame.to_vec(), until: now + MAX_WAIT });
        true
    }

    /// The oldest frame of this member, if it has not waited too long.
    pub(crate) fn take(&mut self, from: MemberId, now: Time) -> Option<Parked> {
        self.expire(now);
        let place = self.frames.iter().position(|parked| parked.from == from)?;
        let parked = self.frames.remove(place)?;
        self.bytes -= parked.frame.len();
        Some(parked)
    }

    pub(crate) fn holds(&self, from: MemberId) -> bool {
        self.frames.iter().any(|parked| parked.from == from)
    }

    pub(crate) fn forget(&mut self, from: MemberId) {
        self.frames.retain(|parked| parked.from != from);
        self.bytes = self.frames.iter().map(|parked| parked.frame.len()).sum();
    }

    fn expire(&mut self, now: Time) {
        while self.frames.front().is_some_and(|parked| parked.until < now) {
            self.bytes -= self.frames.pop_front().map_or(0, |parked| parked.frame.len());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }
}
