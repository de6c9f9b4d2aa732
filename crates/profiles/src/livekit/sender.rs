//! The sealing side of LiveKit's format.

use alloc::vec::Vec;
use core::fmt;

use sealframe_wire::FrameBuf;

use super::{Key, Options, data::SealedData, layout};
use crate::{
    FrameInfo, KeyError, SealError, SenderEvent,
    jframe::{IvRule, Layout, OVERHEAD, Sealer},
};

/// Seals the frames and the data of one participant, of all its streams. Owns their counts: not `Clone`, and nothing sets one
/// back.
///
/// In a forked child it seals nothing ([`SealError::Forked`]) and takes no keys
/// ([`KeyError::Forked`]): its parent goes on with the same nonces.
///
/// ```
/// use sealframe_profiles::{Codec, FrameInfo, FrameType, livekit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = || livekit::Key::hkdf(&[0x42; 32]);
/// let mut sender = livekit::Sender::new(livekit::Options::new());
/// let mut receiver = livekit::Receiver::new(livekit::Options::new());
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
    options: Options,
    data_prefix: Option<u32>,
}

impl Sender {
    /// Bytes behind a frame that sealing needs, but for H.264 and H.265: see [`room`](Self::room).
    pub const OVERHEAD: usize = OVERHEAD;

    /// A sender without keys; counts begin with 0, as native clients' do.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::resume(options, 0)
    }

    /// A sender whose streams' counts begin with `first_count`, modulo 65,535.
    ///
    /// livekit-client begins with a random number, because its keys outlive its senders: passphrases above all. If a key may
    /// have been used by an earlier sender, only another SSRC, what [`next_count`](Self::next_count) said for the same, or
    /// timestamps that are certainly later keep nonces from coming twice, which would give the key away.
    #[must_use]
    pub fn resume(options: Options, first_count: u16) -> Self {
        let rule = IvRule::TimestampLessCount;
        let sealer = Sealer::new(options.backend, rule, options.ring_size, first_count);
        Self { sealer, options, data_prefix: None }
    }

    /// Takes a key and seals with it from now on; returns the index on the wire: `index` modulo the ring's size.
    ///
    /// With a key that everybody has, nonces differ between senders by the SSRC alone, which browsers draw at random: among 100
    /// streams two are the same once in a million calls. Prefer a key for each participant. A key that comes back after another took
    /// its place may have been used as by an earlier sender: see [`resume`](Self::resume).
    ///
    /// # Errors
    /// [`KeyError::SameKey`] if it is held at another index; [`KeyError::Forked`].
    pub fn set_key(&mut self, index: u32, key: Key) -> Result<u8, KeyError> {
        let (kdf, input) = key.into_parts(&self.options);
        self.sealer.keys.set(index, kdf, input)
    }

    /// Seals with a key that is held.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn use_key(&mut self, index: u32) -> Result<u8, KeyError> {
        self.sealer.keys.choose(index)
    }

    /// Seals under another index with a key that is held, as if it had always been there: counts go on. What was there is
    /// wiped, and at the old index is nothing. livekit-client takes the same key at several.
    ///
    /// # Errors
    /// [`KeyError::NoKey`]; [`KeyError::Forked`].
    pub fn move_key(&mut self, from: u32, to: u32) -> Result<u8, KeyError> {
        self.sealer.keys.move_to(from, to)
    }

    /// Moves a key one step on; the index stays. It does not protect what was sealed before: whoever has the new key can work out
    /// the old AES key from it. Set another key for that.
    ///
    /// livekit-client finds one step at most, unless it is told of each.
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

    /// The material of a key's next step, of which its AES key is the front: what [`Key::hkdf_derived`] takes. Wipe every copy.
    #[must_use]
    pub fn expose_next(&self, index: u32) -> Option<&[u8]> {
        self.sealer.keys.next_material(index)
    }

    /// The present material of a key: after a ratchet step 32 bytes. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.sealer.keys.material(index)
    }

    /// Bytes behind a frame that sealing it needs at most.
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

    /// Seals a frame where it lies. Copies: none, unless escapes go into a frame of H.264 or H.265,
    /// or start codes before the first slice have three bytes. Allocates: no, but for the first
    /// frame of a stream.
    ///
    /// Returns `clear ‖ ciphertext ‖ tag ‖ IV ‖ 0C ‖ index`, what is behind the clear bytes escaped
    /// if they are of H.264 or H.265. Start codes in the clear bytes have four bytes then, as
    /// receivers see them, and so have those of the opened frame. It needs [`room`](Self::room)
    /// behind the frame and none before.
    ///
    /// # Errors
    /// [`SealError::NoKey`]; [`SealError::TooShort`] if the frame is empty or shorter than its
    /// clear bytes; [`SealError::UnsupportedCodec`]; [`SealError::NonceWouldRepeat`];
    /// [`SealError::TooManyStreams`] for the 1,025th under one key; [`SealError::NoTailroom`] and
    /// others. The frame and the sender are as they were.
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

    /// Seals `frame` into the front of `out`, which needs [`room`](Self::room) more. Copies: the frame, once. Allocates: no, but for
    /// the first frame of a stream.
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
        layout::to_seal(self.options.peer, info, frame)
    }

    /// Begins data: packets and data tracks. Their IVs are `prefix ‖ time ‖ time - count`; draw the prefix at random, once for each
    /// sender. One that is an SSRC of this sender too does no harm.
    pub const fn begin_data(&mut self, prefix: u32) {
        self.data_prefix = Some(prefix);
    }

    /// Encrypts an `EncryptedPacketPayload`, or a frame of a data track, where it lies; `now_ms` may be any clock of milliseconds.
    /// Its 16 bytes of tag need room behind it.
    ///
    /// # Errors
    /// [`SealError::NoKey`], also before [`begin_data`](Self::begin_data); [`SealError::NonceWouldRepeat`] after 65,535 in a
    /// millisecond, or after 49 days with one key; [`SealError::NoTailroom`] and others. Data and sender are as they were.
    pub fn seal_data_in_place<'f>(
        &mut self,
        data: FrameBuf<'f>,
        now_ms: u32,
    ) -> Result<SealedData<'f>, SealError> {
        let prefix = self.data_prefix.ok_or(SealError::NoKey)?;
        let (key_index, iv, value) = self.sealer.seal_detached(data, prefix, now_ms)?;
        Ok(SealedData { key_index, iv, value })
    }

    /// The count that the next frame of this stream, or of data by their prefix, has under the key in use.
    #[must_use]
    pub fn next_count(&self, ssrc: u32) -> u16 {
        self.sealer.next_count(ssrc)
    }

    /// What has happened since the last call.
    pub fn poll_event(&mut self) -> Option<SenderEvent> {
        self.sealer.event.take()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("options", &self.options)
            .field("index", &self.sealer.keys.in_use())
            .finish_non_exhaustive()
    }
}
