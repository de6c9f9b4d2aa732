//! The keys that a sender holds, each with the streams that it has sealed.

use alloc::{boxed::Box, vec::Vec};

use sealframe_crypto::{Backend, BlockCount, KeyLimits};

use super::{
    kdf::{Kdf, KeyInput, Step},
    stream_nonces::StreamNonces,
};
use crate::{KeyError, SealError};

/// Streams that a key counts for. Those that it has only taken over from the key before make room
/// for others.
const MAX_STREAMS: usize = 1024;

pub(crate) struct SendKey {
    pub(crate) step: Step,
    kdf: Kdf,
    streams: Vec<StreamNonces>,
    /// Where the last one was.
    last: usize,
    blocks: BlockCount,
    /// Blocks at which the application learns that the key nears its end.
    warn_at: BlockCount,
    has_warned: bool,
}

impl SendKey {
    fn new(kdf: Kdf, step: Step, streams: Vec<StreamNonces>) -> Self {
        let blocks = BlockCount::begin(0);
        let warn_at = BlockCount::begin(KeyLimits::OF_ANY_SUITE.blocks / 4 * 3);
        Self { step, kdf, streams, last: 0, blocks, warn_at, has_warned: false }
    }

    /// Where the nonces of a stream are, or `None` if it is new.
    #[inline(always)] // a part of the hot doors
    fn place(&self, stream: u32) -> Option<usize> {
        match self.streams.get(self.last) {
            Some(nonces) if nonces.stream == stream => Some(self.last),
            _ => self.streams.iter().position(|nonces| nonces.stream == stream),
        }
    }

    /// The place for the nonces of a new stream, or `None` for the end. A replaced stream has no IV
    /// under this key, so none can repeat when it begins again.
    fn place_of_new(&self) -> Result<Option<usize>, SealError> {
        if self.streams.len() < MAX_STREAMS {
            return Ok(None);
        }
        let unused = self.streams.iter().position(StreamNonces::is_unused);
        unused.map(Some).ok_or(SealError::TooManyStreams)
    }

    /// A stream's nonces, now and after a frame with this timestamp.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn plan(
        &self,
        stream: u32,
        timestamp: u32,
        first: u16,
        len: usize,
    ) -> Result<Plan, SealError> {
        let blocks = self.blocks.after(len as u64 / 16 + 3).ok_or_else(|| self.refusal())?;
        let (place, nonces) = match self.place(stream) {
            Some(at) => (Some(at), self.streams[at]),
            None => (self.place_of_new()?, StreamNonces::new(stream, first)),
        };
        let (after, count) = nonces.after(timestamp)?;
        Ok(Plan { place, count, after, blocks })
    }

    /// Why nothing more is sealed.
    #[cold]
    fn refusal(&self) -> SealError {
        if self.blocks.is_inherited() { SealError::Forked } else { SealError::KeyExhausted }
    }

    /// A frame has been sealed as planned. Whether the key has just come near its end.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn commit(&mut self, plan: Plan) -> bool {
        match plan.place {
            Some(at) => {
                self.streams[at] = plan.after;
                self.last = at;
            }
            None => self.streams.push(plan.after),
        }
        let is_near = plan.blocks.has_reached(&self.warn_at) || plan.after.is_nearly_used_up();
        self.blocks = plan.blocks;
        let warns = is_near && !self.has_warned;
        self.has_warned |= is_near;
        warns
    }

    /// The count that a stream's next frame has.
    pub(crate) fn count(&self, stream: u32) -> Option<u16> {
        self.place(stream).map(|at| self.streams[at].count())
    }

    /// Counts go on, in case that timestamps stand still. Those that have long been unused are the
    /// first to make room.
    fn streams_for_new_key(&self) -> Vec<StreamNonces> {
        let unused = self.streams.iter().filter(|nonces| nonces.is_unused());
        let used = self.streams.iter().filter(|nonces| !nonces.is_unused());
        unused.chain(used).map(|nonces| nonces.under_new_key()).collect()
    }
}

/// What sealing a frame will do to its key.
pub(crate) struct Plan {
    place: Option<usize>,
    /// Above 65,534 in a later pass than the first; see [`StreamNonces`].
    pub(crate) count: u32,
    after: StreamNonces,
    blocks: BlockCount,
}

/// Keys by their index, one of which is in use.
pub(crate) struct SendKeys {
    backend: Backend,
    ring: Vec<Option<Box<SendKey>>>,
    in_use: usize,
    /// Begun with the sender: by it a child knows that the sender is its parent's.
    begun: BlockCount,
}

impl SendKeys {
    pub(crate) fn new(backend: Backend, ring_size: u16) -> Self {
        let ring = (0..ring_size).map(|_| None).collect();
        Self { backend, ring, in_use: 0, begun: BlockCount::begin(0) }
    }

    /// Whether this process began the sender. A child must not even change keys: its parent may
    /// take the same.
    fn check_process(&self) -> Result<(), KeyError> {
        if self.begun.is_inherited() { Err(KeyError::Forked) } else { Ok(()) }
    }

    pub(crate) fn index(&self, index: u32) -> u8 {
        reduced(index, self.ring.len())
    }

    /// The index in use.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a ring has 256 places at most")]
    pub(crate) const fn in_use(&self) -> u8 {
        self.in_use as u8
    }

    /// The key in use.
    #[inline]
    pub(crate) fn key(&self) -> Result<&SendKey, SealError> {
        self.ring[self.in_use].as_deref().ok_or(SealError::NoKey)
    }

    #[inline]
    pub(crate) fn key_mut(&mut self) -> Option<&mut SendKey> {
        self.ring[self.in_use].as_deref_mut()
    }

    /// Sets a key and uses it. The same key at the same place changes only which key is used.
    pub(crate) fn set(&mut self, index: u32, kdf: Kdf, input: KeyInput) -> Result<u8, KeyError> {
        self.check_process()?;
        let index = self.index(index);
        let at = usize::from(index);
        for (other, held) in self.ring.iter().enumerate() {
            let is_same = |held: &SendKey| held.kdf == kdf && held.step.material.is(input.secret());
            if held.as_deref().is_some_and(is_same) {
                if other != at {
                    return Err(KeyError::SameKey);
                }
                self.in_use = at;
                return Ok(index);
            }
        }
        let streams = self.key().map_or_else(|_| Vec::new(), SendKey::streams_for_new_key);
        let step = input.expand(&kdf, self.backend);
        self.ring[at] = Some(Box::new(SendKey::new(kdf, step, streams)));
        self.in_use = at;
        Ok(index)
    }

    /// Uses a key that is held.
    pub(crate) fn choose(&mut self, index: u32) -> Result<u8, KeyError> {
        self.check_process()?;
        let index = self.index(index);
        self.ring[usize::from(index)].as_ref().ok_or(KeyError::NoKey)?;
        self.in_use = index.into();
        Ok(index)
    }

    /// Moves a key one step on. The old one is wiped.
    pub(crate) fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        self.check_process()?;
        let index = self.index(index);
        let held = self.ring[usize::from(index)].as_deref_mut().ok_or(KeyError::NoKey)?;
        let next = held.step.next.take().ok_or(KeyError::NoRatchet)?;
        let step = held.kdf.expand(self.backend, next);
        *held = SendKey::new(held.kdf.clone(), step, held.streams_for_new_key());
        Ok(index)
    }

    /// Uses a key under another index from now on, with all that it has counted. Nothing is left at
    /// the old one.
    #[cfg(feature = "livekit")]
    pub(crate) fn move_to(&mut self, from: u32, to: u32) -> Result<u8, KeyError> {
        self.check_process()?;
        let (from, to) = (self.index(from), self.index(to));
        let key = self.ring[usize::from(from)].take().ok_or(KeyError::NoKey)?;
        self.ring[usize::from(to)] = Some(key);
        self.in_use = to.into();
        Ok(to)
    }

    /// Wipes a key.
    pub(crate) fn remove(&mut self, index: u32) -> bool {
        let index = self.index(index);
        self.ring[usize::from(index)].take().is_some()
    }

    /// The material of a key's next step.
    #[cfg(feature = "livekit")]
    pub(crate) fn next_material(&self, index: u32) -> Option<&[u8]> {
        let held = self.ring[usize::from(self.index(index))].as_ref()?;
        Some(held.step.next.as_ref()?.expose())
    }

    /// The present material of a key.
    pub(crate) fn material(&self, index: u32) -> Option<&[u8]> {
        let held = self.ring[usize::from(self.index(index))].as_ref()?;
        Some(held.step.material.expose())
    }
}

/// A signalled index, in a ring: the index on the wire.
#[expect(clippy::cast_possible_truncation, reason = "a ring has 256 places at most")]
pub(crate) const fn reduced(index: u32, ring_size: usize) -> u8 {
    (index as usize % ring_size) as u8
}
