//! The sealing side of one KID at a time.

use alloc::{vec, vec::Vec};
use core::{fmt, ops::Range};

use sealframe_crypto::{BaseKey, BlockCount, Cipher, CipherSuite, FrameKey, KeyLimits};
use sealframe_wire::{
    Ctr, EncodedHeader, Header, Kid, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout,
};

use crate::{
    FrameBuf, KeyError, Metadata, SealError,
    aad::{AadBuf, ShortAad},
    seal::{Place, seal},
};

/// Seals frames. Owns the counter of its key: not `Clone`, and nothing sets the counter back.
///
/// One sender may serve all tracks of a participant. Encoders on separate threads take one each,
/// with KIDs of their own (another `sender` number, or another MLS `context`).
///
/// A process that forks copies its senders with their counters. In the child they seal nothing
/// ([`SealError::Forked`]) and move to no other key ([`KeyError::Forked`]); the child makes its own
/// senders, with other base keys. Copies made without the C library's `fork` are not noticed: a
/// bare `clone`, a snapshot of a machine.
///
/// ```
/// use sealframe_media::{FrameBuf, Sender, Stream, StreamKind};
/// use sealframe_crypto::{BaseKey, Cipher, CipherSuite};
/// use sealframe_wire::{SenderKeyKid, SenderKeyLayout};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let suite = CipherSuite::Aes128GcmSha256_128;
/// let layout = SenderKeyLayout::new(16, 8).ok_or("bits")?;
/// let kid = SenderKeyKid { sender: 7, ..Default::default() };
/// let base_key = BaseKey::from_bytes(suite, &[0x42; 32])?; // drawn at random, in earnest
/// let mut sender = Sender::new(Cipher::recommended(suite), layout, kid, base_key)?;
///
/// // The encoder writes after the headroom; sealing moves nothing.
/// let mut buf = [0u8; FrameBuf::HEADROOM + 160 + FrameBuf::TAILROOM];
/// let payload = FrameBuf::HEADROOM..FrameBuf::HEADROOM + 160;
/// let frame = FrameBuf::new(&mut buf, payload).ok_or("range")?;
/// let sealed = sender.seal_in_place(frame, Stream::new(StreamKind::Microphone, 0))?;
/// assert_eq!(sealed.len(), 3 + 160 + 16);
/// # Ok(())
/// # }
/// ```
pub struct Sender {
    cipher: Cipher,
    nt: usize,
    chain: KeyChain,
    key: SendKey,
    event: Option<SenderEvent>,
    pub(crate) aad: AadBuf,
    longest_interleaved: Option<usize>,
}

/// The base key and the KID that the next key is derived from.
enum KeyChain {
    SenderKeys {
        layout: SenderKeyLayout,
        at: SenderKeyKid,
        /// Kept for the ratchet; its step is `at.step`.
        base_key: BaseKey,
    },
    Mls {
        layout: MlsLayout,
        at: MlsKid,
    },
}

/// How much a key has sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stored and restored by applications")]
pub struct KeyUsage {
    /// The CTR of the key's first frame: under MLS, where the CTR goes on from epoch to epoch, the
    /// number of frames of earlier epochs; with sender keys 0.
    pub first_ctr: u64,
    /// Frames that the key has sealed. The next CTR is `first_ctr + frames`.
    pub frames: u64,
    /// Their 16-byte blocks of payload and of authenticated data, and one for each tag; rounded up.
    pub blocks: u64,
}

impl KeyUsage {
    /// The CTR of the next frame; 2^64 - 1 if there is none.
    #[must_use]
    pub const fn next_ctr(self) -> u64 {
        self.first_ctr.saturating_add(self.frames)
    }
}

/// Something the application should act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SenderEvent {
    /// The key of this KID has reached 75 % of a usage limit: time for a new one.
    KeyNearlyExhausted(Kid),
}

impl Sender {
    /// A sender with sender keys (RFC 9605 §5.1), at CTR 0.
    ///
    /// `base_key` must never have been used for sealing under this KID. A restarted process draws a
    /// new one, or stores its [`usage`](Self::usage) and [`resume`](Self::resume)s.
    ///
    /// # Errors
    /// [`KeyError::KidOutOfRange`]; [`KeyError::OtherSuite`] if the base key belongs to another.
    pub fn new(
        cipher: Cipher,
        layout: SenderKeyLayout,
        kid: SenderKeyKid,
        base_key: BaseKey,
    ) -> Result<Self, KeyError> {
        Self::resume(cipher, layout, kid, base_key, KeyUsage::default())
    }

    /// A sender that goes on where an earlier one with the same `base_key` and `kid` stopped.
    ///
    /// `usage` must be at least what [`usage`](Self::usage) returned after the last frame that may
    /// have left the earlier sender. Less repeats a nonce, which gives the key away.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// Source: RFC 9605 §9.1.
    pub fn resume(
        cipher: Cipher,
        layout: SenderKeyLayout,
        kid: SenderKeyKid,
        base_key: BaseKey,
        usage: KeyUsage,
    ) -> Result<Self, KeyError> {
        let key = SendKey::derive(cipher, layout.join(kid), &base_key, usage)?;
        let chain = KeyChain::SenderKeys { layout, at: kid, base_key };
        Ok(Self::with_parts(cipher, chain, key))
    }

    /// A sender in an MLS group (RFC 9605 §5.2), at CTR 0. `base_key` is the epoch's, as exported:
    /// `MLS-Exporter("SFrame 1.0 Base Key", "", Nk)`.
    ///
    /// Nothing may have been sealed under this KID and `base_key`. A restarted process commits to a
    /// new epoch first, or stores its [`usage`](Self::usage) and [`resume_mls`](Self::resume_mls)s.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_mls(
        cipher: Cipher,
        layout: MlsLayout,
        kid: MlsKid,
        base_key: &BaseKey,
    ) -> Result<Self, KeyError> {
        Self::resume_mls(cipher, layout, kid, base_key, KeyUsage::default())
    }

    /// A sender that goes on where an earlier one in the same epoch stopped;
    /// [`resume`](Self::resume) for MLS. The CTR goes on, however many frames earlier epochs had;
    /// only those of this epoch count against its key's limits.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`KeyError::CtrExhausted`] if fewer than 2^32 CTRs were left when the
    /// epoch began.
    pub fn resume_mls(
        cipher: Cipher,
        layout: MlsLayout,
        kid: MlsKid,
        base_key: &BaseKey,
        usage: KeyUsage,
    ) -> Result<Self, KeyError> {
        let key = SendKey::derive(cipher, layout.join(kid), base_key, usage)?;
        Ok(Self::with_parts(cipher, KeyChain::Mls { layout, at: kid }, key))
    }

    fn with_parts(cipher: Cipher, chain: KeyChain, key: SendKey) -> Self {
        Self {
            cipher,
            nt: cipher.suite.nt(),
            chain,
            key,
            event: None,
            aad: AadBuf::new(),
            longest_interleaved: cipher.longest_interleaved(),
        }
    }

    /// Seals a frame in place. Copies: only the prefix and the header. Allocates: no.
    ///
    /// Returns `prefix ‖ header ‖ ciphertext ‖ tag`, a part of the buffer; the payload has not
    /// moved.
    ///
    /// # Errors
    /// [`SealError`]; the frame and the sender are unchanged.
    #[inline(always)] // a hot door: a call and the registers it spills cost as much as the header
    pub fn seal_in_place<'f, 'm>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<&'f mut [u8], SealError> {
        let metadata = metadata.into();
        let blocks = self.blocks_after(frame.len(), &metadata)?;
        let Self { key, nt, aad, .. } = self;
        let sealed = seal(&key.key, *nt, &key.header, &metadata, aad, frame)?;
        self.count(blocks);
        Ok(sealed)
    }

    /// Whether a frame of `len` bytes gains from being interleaved with others.
    #[inline]
    pub(crate) const fn interleaves(&self, len: usize) -> bool {
        matches!(self.longest_interleaved, Some(longest) if len <= longest)
    }

    /// The present key.
    #[inline]
    pub(crate) const fn key(&self) -> &FrameKey {
        &self.key.key
    }

    /// Does everything for a frame that is [short](Metadata::is_short) but to encrypt it: that must
    /// follow, under [`key`](Self::key). The counter has moved on.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn prepare<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: &Metadata<'_>,
        aad: &mut ShortAad,
    ) -> Result<Prepared<'f>, SealError> {
        let blocks = self.blocks_after(frame.len(), metadata)?;
        let header = &self.key.header;
        let (buf, frame) = frame.into_parts();
        let place = Place::find(buf.len(), &frame, metadata, header, self.nt)?;
        let ctr = header.header().ctr();
        let aad_len = aad.for_sealing(header, metadata).len();
        let aad = header.start()..header.start() + aad_len;
        place.put_header(&mut buf[..place.payload_start], metadata, header);
        self.count(blocks);
        let sealed = &mut buf[place.start..place.end];
        let header_len = place.payload_start - place.start;
        Ok(Prepared { ctr, aad, header_len, nt: self.nt, sealed })
    }

    /// The blocks that the key will have sealed after a frame of `len` bytes, if it may.
    #[inline(always)] // a part of the hot doors
    fn blocks_after(&self, len: usize, metadata: &Metadata<'_>) -> Result<BlockCount, SealError> {
        let blocks = self.key.blocks.after(blocks_of(len + metadata.application().len()));
        blocks.ok_or_else(|| self.refusal())
    }

    /// Why nothing more is sealed.
    #[cold]
    fn refusal(&self) -> SealError {
        if self.key.blocks.is_inherited() { SealError::Forked } else { SealError::KeyExhausted }
    }

    /// A frame has been sealed, or will be without fail.
    #[inline(always)] // a part of the hot doors
    fn count(&mut self, blocks: BlockCount) {
        let is_late = blocks.has_reached(&self.key.warn_at);
        self.key.blocks = blocks;
        self.key.header.advance();
        if is_late {
            self.warn();
        }
    }

    /// Spends the next CTR on a frame of `len` bytes that the caller encrypts.
    #[cfg(feature = "external-aead")]
    pub(crate) fn spend(
        &mut self,
        len: usize,
        metadata: &Metadata<'_>,
    ) -> Result<EncodedHeader, SealError> {
        let blocks = self.blocks_after(len, metadata)?;
        let header = self.key.header;
        self.count(blocks);
        Ok(header)
    }

    /// Seals `frame` into the front of `out`. Copies: the frame, once. Allocates: no.
    ///
    /// # Errors
    /// [`SealError`]; the sender is unchanged, and so is `out` except after
    /// [`SealError::FrameTooLong`].
    pub fn seal_into<'o, 'm>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
        out: &'o mut [u8],
    ) -> Result<&'o mut [u8], SealError> {
        let metadata = metadata.into();
        let header_len = self.key.header.header().len();
        let need = header_len + frame.len() + self.cipher.suite.nt();
        let out = out.get_mut(..need).ok_or(SealError::OutputTooShort { need })?;
        // A frame that would be rejected is not copied: no plaintext may lie where a sealed frame
        // is expected.
        self.blocks_after(frame.len(), &metadata)?;
        if metadata.prefix_len() > frame.len() {
            return Err(SealError::PrefixTooLong);
        }
        let at = header_len..header_len + frame.len();
        out[at.clone()].copy_from_slice(frame);
        let frame = FrameBuf::new(out, at).ok_or(SealError::OutputTooShort { need })?;
        self.seal_in_place(frame, metadata)
    }

    /// Seals `frame` into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// [`SealError`]; the sender is unchanged.
    pub fn seal_to_vec<'m>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Vec<u8>, SealError> {
        let mut out = vec![0; Header::MAX_LEN + frame.len() + CipherSuite::MAX_NT];
        let len = self.seal_into(frame, metadata, &mut out)?.len();
        out.truncate(len);
        Ok(out)
    }

    /// Moves one ratchet step on, to CTR 0 of a new key: somebody joined and must not open earlier
    /// frames. Receivers follow by the KID alone. The old key is wiped.
    ///
    /// # Errors
    /// [`KeyError::NoRatchet`]; [`KeyError::Forked`].
    ///
    /// Source: RFC 9605 §5.1.
    pub fn ratchet(&mut self) -> Result<Kid, KeyError> {
        self.check_process()?;
        let KeyChain::SenderKeys { layout, at, base_key } = &mut self.chain else {
            return Err(KeyError::NoRatchet);
        };
        if layout.step_bits() == 0 {
            return Err(KeyError::NoRatchet);
        }
        let next = layout.after(*at);
        let next_base_key = base_key.ratchet();
        let kid = layout.join(next);
        self.key = SendKey::fresh(self.cipher, kid, &next_base_key, 0)?;
        (*at, *base_key) = (next, next_base_key);
        Ok(self.kid())
    }

    /// Moves to the next generation, at step 0 and CTR 0: somebody left and must not open frames
    /// sealed from now on. `base_key` is drawn afresh. The old key is wiped.
    ///
    /// # Errors
    /// [`KeyError::WrongLayout`] under MLS; [`KeyError::KidOutOfRange`] after the last generation;
    /// [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn rekey(&mut self, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.check_process()?;
        let KeyChain::SenderKeys { at, .. } = &self.chain else {
            return Err(KeyError::WrongLayout);
        };
        let next = at.generation.checked_add(1).ok_or(KeyError::KidOutOfRange)?;
        self.rekey_to(next, base_key)
    }

    /// As [`rekey`](Self::rekey), to a later generation than the next: those between were never
    /// used.
    ///
    /// # Errors
    /// [`KeyError::NotNewer`] unless `generation` is later; as [`rekey`](Self::rekey).
    pub fn rekey_to(&mut self, generation: u64, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.check_process()?;
        let KeyChain::SenderKeys { layout, at, .. } = &self.chain else {
            return Err(KeyError::WrongLayout);
        };
        if generation <= at.generation {
            return Err(KeyError::NotNewer);
        }
        let (layout, at) = (*layout, SenderKeyKid { generation, sender: at.sender, step: 0 });
        self.key = SendKey::fresh(self.cipher, layout.join(at), &base_key, 0)?;
        self.chain = KeyChain::SenderKeys { layout, at, base_key };
        Ok(self.kid())
    }

    /// Moves to a later epoch of the MLS group. The old key is wiped. `base_key` is the epoch's
    /// own.
    ///
    /// The CTR goes on from epoch to epoch: KIDs come round again, and were a base key ever given
    /// twice, so would nonces.
    ///
    /// # Errors
    /// [`KeyError::WrongLayout`] with sender keys; [`KeyError::NotNewer`] unless `epoch` is later;
    /// [`KeyError::CtrExhausted`] if fewer than 2^32 CTRs are left; [`KeyError::OtherSuite`],
    /// [`KeyError::Forked`].
    pub fn change_epoch(&mut self, epoch: u64, base_key: &BaseKey) -> Result<Kid, KeyError> {
        self.check_process()?;
        let KeyChain::Mls { layout, at } = &mut self.chain else {
            return Err(KeyError::WrongLayout);
        };
        if epoch <= at.epoch {
            return Err(KeyError::NotNewer);
        }
        let next = MlsKid { epoch, ..*at };
        let ctr = self.key.header.header().ctr().get();
        self.key = SendKey::fresh(self.cipher, layout.join(next), base_key, ctr)?;
        *at = next;
        Ok(self.kid())
    }

    /// Whether this process began the present key. A child must not even ratchet: its parent may,
    /// too.
    fn check_process(&self) -> Result<(), KeyError> {
        if self.key.blocks.is_inherited() { Err(KeyError::Forked) } else { Ok(()) }
    }

    /// The KID of the next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.key.header.header().kid()
    }

    /// The usage of the present key, to be stored by callers of [`resume`](Self::resume).
    #[must_use]
    pub const fn usage(&self) -> KeyUsage {
        let SendKey { first_ctr, header, blocks, .. } = &self.key;
        let frames = header.header().ctr().get() - *first_ctr;
        KeyUsage { first_ctr: *first_ctr, frames, blocks: blocks.get() }
    }

    /// The base key of the present step, for a newcomer that may open frames from here on. `None`
    /// under MLS. Never make another sender of it.
    #[must_use]
    pub fn export_base_key(&self) -> Option<BaseKey> {
        match &self.chain {
            KeyChain::SenderKeys { base_key, .. } => Some(base_key.duplicate()),
            KeyChain::Mls { .. } => None,
        }
    }

    /// The next event since the last call.
    pub fn poll_event(&mut self) -> Option<SenderEvent> {
        self.event.take()
    }

    /// Raises the event once per key.
    #[cold]
    fn warn(&mut self) {
        self.key.warn_at = BlockCount::NEVER;
        self.event = Some(SenderEvent::KeyNearlyExhausted(self.kid()));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("cipher", &self.cipher)
            .field("kid", &self.kid())
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}

/// A frame to be encrypted, its header in place.
#[derive(Default)]
pub(crate) struct Prepared<'f> {
    pub(crate) ctr: Ctr,
    /// Where the AAD lies in the buffer that was given.
    pub(crate) aad: Range<usize>,
    pub(crate) header_len: usize,
    pub(crate) nt: usize,
    /// Header, plaintext, room for the tag.
    pub(crate) sealed: &'f mut [u8],
}

/// A key with its usage and its next header: they are replaced together or not at all.
struct SendKey {
    key: FrameKey,
    /// The next frame's. Its CTR only ever counts up.
    header: EncodedHeader,
    /// The CTR of the key's first frame.
    first_ctr: u64,
    blocks: BlockCount,
    /// Blocks at which the application learns that the key nears its end.
    warn_at: BlockCount,
}

impl SendKey {
    /// A key that has sealed this much already.
    fn derive(
        cipher: Cipher,
        kid: Option<Kid>,
        base_key: &BaseKey,
        usage: KeyUsage,
    ) -> Result<Self, KeyError> {
        // A frame has at least this many blocks, whatever usage was stored.
        let least = usage.frames.min(LIMITS.frames) * blocks_of(0);
        Self::after(cipher, kid, base_key, KeyUsage { blocks: usage.blocks.max(least), ..usage })
    }

    /// A key that has sealed nothing, its first CTR this one.
    fn fresh(
        cipher: Cipher,
        kid: Option<Kid>,
        base_key: &BaseKey,
        first_ctr: u64,
    ) -> Result<Self, KeyError> {
        Self::after(cipher, kid, base_key, KeyUsage { first_ctr, ..KeyUsage::default() })
    }

    fn after(
        cipher: Cipher,
        kid: Option<Kid>,
        base_key: &BaseKey,
        usage: KeyUsage,
    ) -> Result<Self, KeyError> {
        let kid = kid.ok_or(KeyError::KidOutOfRange)?;
        check_suite(cipher, base_key)?;
        // Up to its limits, its CTR neither wraps nor stands still.
        if usage.first_ctr > u64::MAX - LIMITS.frames {
            return Err(KeyError::CtrExhausted);
        }
        Ok(Self {
            key: FrameKey::derive(cipher.backend, kid, base_key),
            header: Header::new(kid, Ctr::new(usage.next_ctr())).encode(),
            first_ctr: usage.first_ctr,
            blocks: BlockCount::begin(usage.blocks),
            warn_at: BlockCount::begin(LIMITS.blocks / 4 * 3),
        })
    }
}

/// Whether a base key is for the suite that it is to be used with.
pub(crate) fn check_suite(cipher: Cipher, base_key: &BaseKey) -> Result<(), KeyError> {
    if base_key.suite() == cipher.suite { Ok(()) } else { Err(KeyError::OtherSuite) }
}

/// The limits of every suite.
const LIMITS: KeyLimits = KeyLimits::OF_ANY_SUITE;

/// The blocks of a frame with this many bytes of payload, prefix and application metadata. Payload
/// and authenticated data may each end inside a block; the third block is the tag's.
#[inline]
const fn blocks_of(len: usize) -> u64 {
    (len + AadBuf::SHORT_LEN) as u64 / 16 + 3
}

const _: () = assert!(
    LIMITS.frames * blocks_of(0) == LIMITS.blocks,
    "2^32 of the smallest frames are 2^34 blocks: one comparison holds both limits"
);
