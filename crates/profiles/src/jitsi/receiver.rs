//! The opening side of Jitsi's format.

use alloc::vec::Vec;
use core::fmt;

use super::{Config, Key, RING_SIZE, layout};
use crate::{
    FrameInfo, KeyError, OpenError, Opened, ReceiverEvent, ReceiverStats,
    jframe::{IvRule, Opener},
};

/// Opens the frames of one participant, of all its streams; with an external key, those of
/// everyone.
pub struct Receiver(Opener);

impl Receiver {
    /// A receiver without keys.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Opener::new(config.backend, IvRule::Count, RING_SIZE, config.policy))
    }

    /// Takes a key, in place of the one at this index; returns the index on the wire: `index`
    /// modulo 16.
    ///
    /// Do not set a replaced key again: frames that it opened would open once more if their stream
    /// has been evicted since, by more than 1,024 others, or if their IVs show no order and more
    /// than 4,096 such have come since.
    pub fn set_key(&mut self, index: u32, key: Key) -> u8 {
        self.0.keys.set(index, key.kdf, key.input)
    }

    /// Moves a key one step on, when its sender has signalled it. Optional, because frames prove it
    /// too.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::NoRatchet`] with an external key.
    pub fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        self.0.keys.ratchet(index)
    }

    /// Wipes a key. Whether there was one.
    pub fn remove_key(&mut self, index: u32) -> bool {
        self.0.keys.remove(index)
    }

    /// The present material of a key. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.0.keys.material(index)
    }

    /// Opens a sealed frame in place. Copies: the ciphertext, once, on ring and aws-lc-rs where the
    /// key has a ratchet. Allocates: only until it has seen the longest frame, and for the first
    /// frame of a stream.
    ///
    /// A frame may be up to the policy's window of ratchet steps ahead; the key moves on when a
    /// frame has proven it, and never back. Frames of the step before open until 256 of the new one
    /// have.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::TooShort`] for a frame without bytes, which is not counted. Only
    /// after [`OpenError::Unauthentic`] can the frame have changed: to garbage or zeros. The keys
    /// and the replay state are unchanged.
    #[inline]
    pub fn open_in_place<'f>(
        &mut self,
        frame: &'f mut [u8],
        info: &FrameInfo,
    ) -> Result<Opened<'f>, OpenError> {
        self.0.open(frame, layout(info))
    }

    /// Opens a sealed frame into a new vector. Copies: the frame, once more. Allocates: once more.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open_to_vec(&mut self, frame: &[u8], info: &FrameInfo) -> Result<Vec<u8>, OpenError> {
        let mut out = frame.to_vec();
        let len = self.open_in_place(&mut out, info)?.frame.len();
        out.truncate(len);
        Ok(out)
    }

    /// Forgets which frames of an ended stream have been opened: they would open again.
    pub fn forget_stream(&mut self, ssrc: u32) {
        self.0.forget_stream(ssrc);
    }

    /// The next event since the last call. At most 16 events wait; further ones are dropped.
    pub fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.0.report.poll_event()
    }

    /// How many frames ended how.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.0.report.stats
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("stats", &self.0.report.stats).finish_non_exhaustive()
    }
}
