//! The opening side of Jitsi's format.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::Backend;

use super::{Key, MAX_RATCHET_WINDOW, RING_SIZE, layout};
use crate::{
    FrameInfo, KeyError, OpenError, Opened, ReceiverEvent, ReceiverPolicy, ReceiverStats,
    jframe::{IvRule, Opener},
};

/// Opens the frames of one participant, of all its streams; with an external key, those of everybody.
pub struct Receiver(Opener);

impl Receiver {
    /// A receiver without keys, on the default backend, with the default [`ReceiverPolicy`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_policy(Backend::default(), ReceiverPolicy::default())
    }

    /// A receiver without keys. Ratchet steps ahead beyond [`MAX_RATCHET_WINDOW`] are not followed, whatever the policy says.
    #[must_use]
    pub fn with_policy(backend: Backend, policy: ReceiverPolicy) -> Self {
        let ratchet_window = policy.ratchet_window.min(MAX_RATCHET_WINDOW);
        let policy = ReceiverPolicy { ratchet_window, ..policy };
        Self(Opener::new(backend, IvRule::Count, RING_SIZE, policy))
    }

    /// Takes a key, in place of the one at this index; returns the index on the wire: `index` modulo 16.
    ///
    /// One that was here before another should not come back: what it opened of streams that have
    /// made room for others since, more than 1,024, would open again, and so would what it opened
    /// of frames without order, more than 4,096.
    pub fn set_key(&mut self, index: u32, key: Key) -> u8 {
        self.0.keys.set(index, key.kdf, key.input)
    }

    /// Moves a key one step on, when its sender has said so. Not needed: frames tell.
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

    /// Opens a sealed frame where it lies. Copies: the ciphertext, once, on ring and aws-lc-rs where the key has a ratchet. Allocates:
    /// only until it has seen the longest frame, and for the first frame of a stream.
    ///
    /// A frame may be up to the policy's window of ratchet steps ahead; the key moves on when a frame has proven it, and never
    /// back. Frames of the step before open until 256 of the new one have.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::TooShort`] for a frame without bytes, which counts as nothing.
    /// Only after [`OpenError::Unauthentic`] can the frame have changed: to garbage or zeros. The
    /// keys and what has been opened are as they were.
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

    /// What has happened since the last call. At most 16 events wait; more are not kept.
    pub fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.0.poll_event()
    }

    /// How many frames ended how.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.0.stats
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("stats", &self.0.stats).finish_non_exhaustive()
    }
}
