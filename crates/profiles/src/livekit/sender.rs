//! The sealing side of LiveKit's format.

use alloc::vec::Vec;
use core::fmt;

use sealframe_wire::FrameBuf;

use super::{Config, Key, data::SealedData, layout};
use crate::{
    FrameInfo, KeyError, SealError, SenderEvent,
    jframe::{IvRule, Layout, OVERHEAD, Sealer},
};

/// Seals the frames and the data of one participant, of all its streams. Owns their counts: not
/// `Clone`, and nothing sets one back.
///
/// In a forked child it seals nothing ([`SealError::Forked`]) and takes no keys
/// ([`KeyError::Forked`]): its parent goes on with the same nonces.
///
/// ```
/// use sealframe_profiles::{Backend, Codec, FrameInfo, FrameType, livekit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = || livekit::Key::hkdf(&[0x42; 32]);
/// let config = livekit::Config::new(Backend::recommended());
/// let mut sender = livekit::Sender::new(config.clone());
/// let mut receiver = livekit::Receiver::new(config);
/// sender.set_key(0, key())?;
/// receiver.set_key(0, key());
///
/// let info = FrameInfo::video(Some(Codec::Vp8), FrameType::Delta, 0x1122_3344, 90_000);
/// let mut sealed = sender.seal_to_vec(b"a frame", &info)?;
/// assert_eq!(receiver.open_in_place(&mut sealed, &info)?.frame, b"a frame");
/// # Ok(())
/// # }
/// ```
pub struct Sender {
    sealer: Sealer,
    config: Config,
    data_prefix: Option<u32>,
}

impl Sender {
    /// Bytes that sealing needs after a frame, except for H.264 and H.265: see
    /// [`room`](Self::room).
    pub const OVERHEAD: usize = OVERHEAD;

    /// A sender without keys; counts begin with 0, as native clients' do.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::resume(config, 0)
    }

    /// A sender whose streams' counts begin with `first_count`, modulo 65,535.
    ///
    /// livekit-client begins with a random number, because its keys, passphrases above all, outlive
    /// its senders. If an earlier sender may have used a key, nonces stay unique only with another
    /// SSRC, with the result of [`next_count`](Self::next_count) for the same SSRC, or with
    /// timestamps that are certainly later; a repeated nonce gives the key away.
    #[must_use]
    pub fn resume(config: Config, first_count: u16) -> Self {
        let rule = IvRule::TimestampLessCount;
        let sealer = Sealer::new(config.backend, rule, config.ring_size, first_count);
        Self { sealer, config, data_prefix: None }
    }

    /// Takes a key and seals with it from now on; returns the index on the wire: `index` modulo the
    /// ring's size.
    ///
    /// With a shared key, nonces differ between senders by the SSRC alone, which browsers draw at
    /// random: among 100 streams two are the same once in a million calls. Prefer a key for each
    /// participant. Setting a replaced key again is like a new sender of a used key: see
    /// [`resume`](Self::resume).
    ///
    /// # Errors
    /// [`KeyError::SameKey`] if it is held at another index; [`KeyError::Forked`].
    pub fn set_key(&mut self, index: u32, key: Key) -> Result<u8, KeyError> {
        let (kdf, input) = key.into_parts(&self.config);
        self.sealer.keys.set(index, kdf, input)
    }

    /// Seals with a key that is held.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn use_key(&mut self, index: u32) -> Result<u8, KeyError> {
        self.sealer.keys.choose(index)
    }

    /// Moves a held key to another index, with its counts. The key at that index is wiped, and the
    /// old index is empty afterwards. livekit-client accepts the same key at several indexes.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn move_key(&mut self, from: u32, to: u32) -> Result<u8, KeyError> {
        self.sealer.keys.move_to(from, to)
    }

    /// Moves a key one step on; the index stays. This does not protect earlier frames: the old AES
    /// key can be computed from the new key. Set another key for that.
    ///
    /// livekit-client finds at most one step unless it is told of each.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        self.sealer.keys.ratchet(index)
    }

    /// Wipes a key. Whether there was one.
    pub fn remove_key(&mut self, index: u32) -> bool {
        self.sealer.keys.remove(index)
    }

    /// The material of a key's next step, whose front is its AES key: the argument of
    /// [`Key::hkdf_derived`]. Wipe every copy.
    #[must_use]
    pub fn expose_next(&self, index: u32) -> Option<&[u8]> {
        self.sealer.keys.next_material(index)
    }

    /// The present material of a key: after a ratchet step 32 bytes. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.sealer.keys.material(index)
    }

    /// Bytes that sealing a frame needs after it, at most.
    ///
    /// # Errors
    /// [`SealError::UnsupportedCodec`] and [`SealError::TooShort`].
    pub fn room(&self, frame: &[u8], info: &FrameInfo) -> Result<usize, SealError> {
        let layout = self.layout(frame, info)?;
        if !layout.fits(frame.len()) {
            return Err(SealError::TooShort);
        }
        Ok(layout.room(frame.len()))
    }

    /// Seals a frame in place. Copies: none, unless a frame of H.264 or H.265 needs escapes, or has
    /// start codes of three bytes before the first slice. Allocates: only for the first frame of a
    /// stream.
    ///
    /// Returns `clear ‖ ciphertext ‖ tag ‖ IV ‖ 0C ‖ index`, with everything after the clear bytes
    /// escaped for H.264 and H.265. There start codes in the clear bytes become four bytes long, as
    /// receivers see them, and stay so in the opened frame. It needs [`room`](Self::room) after the
    /// frame and none before.
    ///
    /// # Errors
    /// [`SealError::NoKey`]; [`SealError::TooShort`] if the frame is empty or shorter than its
    /// clear bytes; [`SealError::UnsupportedCodec`]; [`SealError::NonceWouldRepeat`];
    /// [`SealError::TooManyStreams`] for the 1,025th under one key; [`SealError::NoTailroom`] and
    /// others. The frame and the sender are unchanged.
    #[inline]
    pub fn seal_in_place<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        info: &FrameInfo,
    ) -> Result<&'f mut [u8], SealError> {
        let (buf, at) = frame.into_parts();
        let layout = self.layout(&buf[at.clone()], info)?;
        let frame = FrameBuf::new(buf, at).ok_or(SealError::TooShort)?;
        self.sealer.seal_in_place(frame, layout, info.ssrc, info.rtp_timestamp)
    }

    /// Seals `frame` into the front of `out`, which needs [`room`](Self::room) more. Copies: the
    /// frame, once. Allocates: only for the first frame of a stream.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place), and [`SealError::OutputTooShort`].
    pub fn seal_into<'o>(
        &mut self,
        frame: &[u8],
        info: &FrameInfo,
        out: &'o mut [u8],
    ) -> Result<&'o mut [u8], SealError> {
        let layout = self.layout(frame, info)?;
        self.sealer.seal_into(frame, layout, info.ssrc, info.rtp_timestamp, out)
    }

    /// Seals `frame` into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place).
    pub fn seal_to_vec(&mut self, frame: &[u8], info: &FrameInfo) -> Result<Vec<u8>, SealError> {
        let layout = self.layout(frame, info)?;
        self.sealer.seal_to_vec(frame, layout, info.ssrc, info.rtp_timestamp)
    }

    #[inline]
    fn layout(&self, frame: &[u8], info: &FrameInfo) -> Result<Layout, SealError> {
        layout::to_seal(self.config.peer, info, frame)
    }

    /// Begins data: packets and data tracks. Their IVs are `prefix ‖ time ‖ time - count`; draw the
    /// prefix at random, once for each sender. One that is an SSRC of this sender too does no harm.
    pub const fn begin_data(&mut self, prefix: u32) {
        self.data_prefix = Some(prefix);
    }

    /// Encrypts an `EncryptedPacketPayload`, or a frame of a data track, in place; `now_ms` may be
    /// any clock of milliseconds. Its 16 bytes of tag need room after it.
    ///
    /// # Errors
    /// [`SealError::NoKey`], also before [`begin_data`](Self::begin_data);
    /// [`SealError::NonceWouldRepeat`] after 65,535 in a millisecond, or after 49 days with one
    /// key; [`SealError::NoTailroom`] and others. Data and sender are unchanged.
    pub fn seal_data_in_place<'f>(
        &mut self,
        data: FrameBuf<'f>,
        now_ms: u32,
    ) -> Result<SealedData<'f>, SealError> {
        let prefix = self.data_prefix.ok_or(SealError::NoKey)?;
        let (key_index, iv, value) = self.sealer.seal_detached(data, prefix, now_ms)?;
        Ok(SealedData { key_index, iv, value })
    }

    /// The count that the next frame of this stream, or of data by their prefix, has under the key
    /// in use.
    #[must_use]
    pub fn next_count(&self, ssrc: u32) -> u16 {
        self.sealer.next_count(ssrc)
    }

    /// The next event since the last call.
    pub fn poll_event(&mut self) -> Option<SenderEvent> {
        self.sealer.event.take()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("config", &self.config)
            .field("index", &self.sealer.keys.in_use())
            .finish_non_exhaustive()
    }
}
