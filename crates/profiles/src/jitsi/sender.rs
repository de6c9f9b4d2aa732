//! The sealing side of Jitsi's format.

use alloc::vec::Vec;
use core::fmt;

use sealframe_wire::FrameBuf;

use super::{Config, Key, RING_SIZE, layout};
use crate::{
    FrameInfo, KeyError, SealError, SenderEvent,
    jframe::{IvRule, OVERHEAD, Sealer},
};

/// Seals the frames of one participant, of all its streams. Owns their counts: not `Clone`, and
/// nothing sets one back.
///
/// In a forked child it seals nothing ([`SealError::Forked`]) and takes no keys
/// ([`KeyError::Forked`]): its parent goes on with the same nonces.
///
/// ```
/// use sealframe_profiles::{Backend, Codec, FrameInfo, jitsi};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = || jitsi::Key::from_material(&[0x42; 32]);
/// let config = jitsi::Config::new(Backend::recommended());
/// let mut sender = jitsi::Sender::new(config.clone());
/// let mut receiver = jitsi::Receiver::new(config);
/// sender.set_key(0, key())?;
/// receiver.set_key(0, key());
///
/// let info = FrameInfo::audio(Some(Codec::Opus), 0x1122_3344, 960);
/// let mut sealed = sender.seal_to_vec(b"a frame", &info)?;
/// assert_eq!(sealed.len(), 7 + jitsi::Sender::OVERHEAD);
/// assert_eq!(receiver.open_in_place(&mut sealed, &info)?.frame, b"a frame");
/// # Ok(())
/// # }
/// ```
pub struct Sender(Sealer);

impl Sender {
    /// Bytes that sealing needs after a frame.
    pub const OVERHEAD: usize = OVERHEAD;

    /// A sender without keys; counts begin with 0, which is safe with keys that have sealed
    /// nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::resume(config, 0)
    }

    /// A sender whose streams' counts begin with `first_count`, modulo 65,535.
    ///
    /// Jitsi's own sender begins with a random number, because there a key may outlive its sender.
    /// So if an earlier sender may have used a key, nonces stay unique only with the result of
    /// [`next_count`](Self::next_count) for the same SSRC, or with timestamps that are certainly
    /// later; a repeated nonce gives the key away. Better draw a new key.
    #[must_use]
    pub fn resume(config: Config, first_count: u16) -> Self {
        Self(Sealer::new(config.backend, IvRule::Count, RING_SIZE, first_count))
    }

    /// Takes a key and seals with it from now on; returns the index on the wire: `index` modulo 16.
    ///
    /// The key must not have been given to another sender, nor to this one before another took its
    /// place.
    ///
    /// # Errors
    /// [`KeyError::SameKey`] if it is held at another index; [`KeyError::Forked`].
    pub fn set_key(&mut self, index: u32, key: Key) -> Result<u8, KeyError> {
        self.0.keys.set(index, key.kdf, key.input)
    }

    /// Seals with a key that is held.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn use_key(&mut self, index: u32) -> Result<u8, KeyError> {
        self.0.keys.choose(index)
    }

    /// Moves a key one step on: somebody joined and must not open earlier frames. The index stays,
    /// so receivers find out by trying. The old key is wiped.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::NoRatchet`] with an external key; [`KeyError::Forked`].
    pub fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        self.0.keys.ratchet(index)
    }

    /// Wipes a key. Whether there was one.
    pub fn remove_key(&mut self, index: u32) -> bool {
        self.0.keys.remove(index)
    }

    /// The present material of a key, for a newcomer that may open frames from here on. Wipe every
    /// copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.0.keys.material(index)
    }

    /// Seals a frame in place. Copies: none. Allocates: only for the first frame of a stream.
    ///
    /// Returns `clear ‖ ciphertext ‖ tag ‖ IV ‖ 0C ‖ index`; the frame has not moved. It needs
    /// [`OVERHEAD`](Self::OVERHEAD) bytes after it and none before.
    ///
    /// # Errors
    /// [`SealError::NoKey`]; [`SealError::TooShort`] if the frame is empty or shorter than its
    /// clear bytes: 1 of sound, 10 of a key frame, 3 of others; [`SealError::NonceWouldRepeat`],
    /// [`SealError::NoTailroom`] and others. The frame and the sender are unchanged.
    #[inline]
    pub fn seal_in_place<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        info: &FrameInfo,
    ) -> Result<&'f mut [u8], SealError> {
        self.0.seal_in_place(frame, layout(info), info.ssrc, info.rtp_timestamp)
    }

    /// Seals `frame` into the front of `out`. Copies: the frame, once. Allocates: only for the
    /// first frame of a stream.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place), and [`SealError::OutputTooShort`].
    pub fn seal_into<'o>(
        &mut self,
        frame: &[u8],
        info: &FrameInfo,
        out: &'o mut [u8],
    ) -> Result<&'o mut [u8], SealError> {
        self.0.seal_into(frame, layout(info), info.ssrc, info.rtp_timestamp, out)
    }

    /// Seals `frame` into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place).
    pub fn seal_to_vec(&mut self, frame: &[u8], info: &FrameInfo) -> Result<Vec<u8>, SealError> {
        self.0.seal_to_vec(frame, layout(info), info.ssrc, info.rtp_timestamp)
    }

    /// The count that the next frame of this stream has under the key in use.
    #[must_use]
    pub fn next_count(&self, ssrc: u32) -> u16 {
        self.0.next_count(ssrc)
    }

    /// The next event since the last call.
    pub fn poll_event(&mut self) -> Option<SenderEvent> {
        self.0.event.take()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("index", &self.0.keys.in_use()).finish_non_exhaustive()
    }
}
