//! The sealing side of one epoch.

use alloc::vec::Vec;
use core::{fmt, mem, ops::Range};

use sealframe_codec::{Codec, annex_b::has_start_code};
use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite, KeyLimits};
use sealframe_media::{FrameBuf, KeyError, SealError};

use super::{
    BaseSecret, ClearUnits, HashRatchet,
    layout::{gather, scatter, write_clear},
    plan::Plan,
    trailer::{self, MAX_TRAILER_LEN, trailer_len},
};

/// How many bits of a nonce count the frames of one generation.
pub(super) const GENERATION_SHIFT: u32 = 24;
/// How often a frame is encrypted at most, so that no start code is in it.
const MAX_TRIES: u32 = 10;
/// AES-GCM's bound.
const MAX_PAYLOAD_LEN: u64 = (1 << 36) - 32;
/// A start code across the edge of a run has at most so many bytes outside.
const BESIDE: usize = 2;

/// Seals the frames of all of a member's streams in one epoch. Owns the nonce: not `Clone`, and nothing sets it back.
///
/// The first nonce is 1. Every 2^24 frames the ratchet moves a generation on.
///
/// ```
/// use sealframe_profiles::{Codec, FrameBuf, dave::{BaseSecret, Receiver, Sender}};
/// use core::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exported = [0x42; 16]; // MLS-Exporter(EXPORTER_LABEL, exporter_context(user_id), 16)
/// let mut sender = Sender::new(BaseSecret::from_exported(&exported));
/// let mut receiver = Receiver::new();
/// receiver.add_epoch(7, BaseSecret::from_exported(&exported), Duration::ZERO);
///
/// let mut buf = [0; 160 + Sender::TAILROOM];
/// let frame = FrameBuf::new(&mut buf, 0..160).ok_or("range")?;
/// let sealed = sender.seal_in_place(frame, Codec::Opus)?;
/// assert_eq!(sealed.len(), 160 + 12);
/// let opened = receiver.open_in_place(sealed, Duration::from_millis(20))?;
/// assert_eq!((opened.epoch, &*opened.frame), (7, &[0; 160][..]));
/// # Ok(())
/// # }
/// ```
pub struct Sender {
    cipher: Cipher,
    ratchet: HashRatchet,
    key: AeadKey,
    /// The last that was used; its low 32 bits are sent.
    nonce: u64,
    /// 16-byte blocks under the present key.
    blocks: u64,
    clear_units: ClearUnits,
    plan: Plan,
}

impl Sender {
    /// Bytes behind a frame that are enough for the trailer, and for start codes that become longer, unless a frame has more than 33
    /// units: then [`SealError::NoTailroom`] says how many.
    pub const TAILROOM: usize = MAX_TRAILER_LEN + 33;

    /// A sender at the beginning of an epoch, on the default backend.
    ///
    /// One for each secret: a second would repeat every nonce of the first.
    #[must_use]
    pub fn new(base_secret: BaseSecret) -> Self {
        Self::with_backend(base_secret, Backend::default())
    }

    /// As [`new`](Self::new), with AES-GCM by this library.
    #[must_use]
    pub fn with_backend(base_secret: BaseSecret, backend: Backend) -> Self {
        let cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, backend);
        let ratchet = HashRatchet::new(base_secret);
        let key = expand_key(cipher, &ratchet);
        let (clear_units, plan) = Default::default();
        Self { cipher, ratchet, key, nonce: 0, blocks: 0, clear_units, plan }
    }

    /// Leaves other NAL units readable.
    #[must_use]
    pub fn with_clear_units(self, clear_units: ClearUnits) -> Self {
        Self { clear_units, ..self }
    }

    /// How many nonces have been spent: the last one's whole number, its generation above 24 bits.
    #[must_use]
    pub const fn nonces(&self) -> u64 {
        self.nonce
    }

    /// Spends all nonces up to this one without sealing: goes on behind a sender of this epoch that is gone. Costs an HMAC for each
    /// generation on the way.
    ///
    /// # Errors
    /// [`KeyError::NotNewer`] if it has been spent before, [`KeyError::KidOutOfRange`] beyond the last generation.
    pub fn skip_to(&mut self, nonce: u64) -> Result<(), KeyError> {
        if nonce < self.nonce {
            return Err(KeyError::NotNewer);
        }
        let generation =
            u32::try_from(nonce >> GENERATION_SHIFT).map_err(|_| KeyError::KidOutOfRange)?;
        self.move_to(generation).ok_or(KeyError::NotNewer)?;
        self.nonce = nonce;
        Ok(())
    }

    /// Seals an encoder's frame where it lies and returns the sealed frame, which begins where the frame did. Copies: what stays
    /// readable, and what is encrypted only if it moves. Allocates: for the first frames only.
    ///
    /// A frame of no known codec (`None`), or that is not made as its codec's are, is encrypted whole.
    ///
    /// # Errors
    /// [`SealError::NoTailroom`], [`SealError::TooManyRanges`], [`SealError::KeyExhausted`], [`SealError::FrameTooLong`]: frame and
    /// sender are as they were. [`SealError::StartCode`] after ten tries: their nonces are spent and the frame is zeroed.
    pub fn seal_in_place<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        codec: impl Into<Option<Codec>>,
    ) -> Result<&'f mut [u8], SealError> {
        let (buf, Range { start, end }) = frame.into_parts();
        let buf = &mut buf[start..];
        let len = self.seal(buf, end - start, codec.into())?;
        Ok(&mut buf[..len])
    }

    /// Seals a frame into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place), but there is always room.
    pub fn seal_to_vec(
        &mut self,
        frame: &[u8],
        codec: impl Into<Option<Codec>>,
    ) -> Result<Vec<u8>, SealError> {
        let codec = codec.into();
        let mut out = Vec::with_capacity(frame.len() + Self::TAILROOM);
        out.extend_from_slice(frame);
        out.resize(frame.len() + Self::TAILROOM, 0);
        let mut sealed = self.seal(&mut out, frame.len(), codec);
        if let Err(SealError::NoTailroom { need }) = sealed {
            out.resize(frame.len() + need, 0);
            sealed = self.seal(&mut out, frame.len(), codec);
        }
        out.truncate(sealed?);
        Ok(out)
    }

    /// Returns how long the sealed frame is.
    fn seal(
        &mut self,
        buf: &mut [u8],
        frame_len: usize,
        codec: Option<Codec>,
    ) -> Result<usize, SealError> {
        let mut plan = mem::take(&mut self.plan);
        plan.make(codec, self.clear_units, &buf[..frame_len]);
        let sealed = self.seal_as_planned(&plan, buf, frame_len, codec);
        self.plan = plan;
        sealed
    }

    fn seal_as_planned(
        &mut self,
        plan: &Plan,
        buf: &mut [u8],
        frame_len: usize,
        codec: Option<Codec>,
    ) -> Result<usize, SealError> {
        let parses_units = matches!(codec, Some(Codec::H264 | Codec::H265));
        let tries = if parses_units { MAX_TRIES } else { 1 };
        let room = self.room(plan, tries)?;
        if room > buf.len() {
            return Err(SealError::NoTailroom { need: room - frame_len });
        }
        self.check_limits(plan, tries)?;

        // Nothing has changed until here, and nothing but start codes can go wrong from here.
        let (is_in_place, first) = (plan.is_in_place(), plan.runs.first());
        let payload_at = first.filter(|_| is_in_place).map_or(0, |run| run.start);
        let payload = payload_at..payload_at + plan.payload_len();
        if !is_in_place {
            gather(buf, plan.runs.iter().cloned());
        }
        for _ in 0..tries {
            let nonce = truncated(self.spend(plan.blocks())?);
            let mut tag = [0; 16];
            self.key.encrypt(full_nonce(nonce), &plan.clear, &mut buf[payload.clone()], &mut tag)?;
            if !is_in_place {
                scatter(buf, payload.len(), plan.runs_in_media());
            }
            write_clear(buf, &plan.clear, &plan.ranges);
            let end = plan.media_len + trailer_len(nonce, &plan.ranges);
            let behind = &mut buf[plan.media_len..end];
            trailer::write(behind, &tag, nonce, &plan.ranges).ok_or(SealError::TooManyRanges)?;
            if !parses_units || !has_start_code_among(plan, &buf[..end]) {
                return Ok(end);
            }
            if !is_in_place {
                gather(buf, plan.runs_in_media());
            }
            let plaintext = &mut buf[payload.clone()];
            let back = self.key.decrypt(full_nonce(nonce), &plan.clear, plaintext, &tag);
            debug_assert!(back.is_ok(), "what was just encrypted");
        }
        buf[..room].fill(0);
        Err(SealError::StartCode)
    }

    /// Bytes of the sealed frame, or a few more: a later nonce may take more bytes.
    fn room(&self, plan: &Plan, tries: u32) -> Result<usize, SealError> {
        let trailer_of = |tried: u32| {
            let nonce = truncated(self.nonce.wrapping_add(tried.into()));
            trailer_len(nonce, &plan.ranges)
        };
        let longest = (1..=tries).map(trailer_of).max().unwrap_or_default();
        if longest > MAX_TRAILER_LEN {
            return Err(SealError::TooManyRanges);
        }
        Ok(plan.media_len + longest)
    }

    /// A key seals no more than [`KeyLimits`] say, a frame no more than AES-GCM can, and the ratchet has an end.
    fn check_limits(&self, plan: &Plan, tries: u32) -> Result<(), SealError> {
        if plan.payload_len() as u64 > MAX_PAYLOAD_LEN {
            return Err(SealError::FrameTooLong);
        }
        let last = self.nonce.checked_add(tries.into()).ok_or(SealError::KeyExhausted)?;
        generation(last).ok_or(SealError::KeyExhausted)?;
        let is_same_key = generation(self.nonce + 1) == Some(self.ratchet.generation());
        let spent = if is_same_key { self.blocks } else { 0 };
        let most = plan.blocks().saturating_mul(tries.into()).saturating_add(spent);
        if most > KeyLimits::OF_ANY_SUITE.blocks { Err(SealError::KeyExhausted) } else { Ok(()) }
    }

    /// The next nonce, under its generation's key.
    fn spend(&mut self, blocks: u64) -> Result<u64, SealError> {
        let nonce = self.nonce.checked_add(1).ok_or(SealError::KeyExhausted)?;
        let generation = generation(nonce).ok_or(SealError::KeyExhausted)?;
        self.move_to(generation).ok_or(SealError::KeyExhausted)?;
        self.nonce = nonce;
        self.blocks += blocks;
        Ok(nonce)
    }

    fn move_to(&mut self, generation: u32) -> Option<()> {
        if generation != self.ratchet.generation() {
            self.ratchet.advance_to(generation)?;
            self.key = expand_key(self.cipher, &self.ratchet);
            self.blocks = 0;
        }
        Some(())
    }
}

#[expect(clippy::expect_used, reason = "the suite fixes the length")]
fn expand_key(cipher: Cipher, ratchet: &HashRatchet) -> AeadKey {
    AeadKey::new(cipher, &*ratchet.expose_key()).expect("16 bytes")
}

/// `None` beyond the last.
fn generation(nonce: u64) -> Option<u32> {
    u32::try_from(nonce >> GENERATION_SHIFT).ok()
}

/// What is sent of a nonce.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn truncated(nonce: u64) -> u32 {
    nonce as u32
}

/// Eight zeros, then what is sent of the nonce, little-endian.
pub(super) fn full_nonce(truncated: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&truncated.to_le_bytes());
    nonce
}

/// Whether a packetizer would find a start code in what was encrypted, across its edges, or in the trailer.
fn has_start_code_among(plan: &Plan, sealed: &[u8]) -> bool {
    let found = |from: usize, to: usize| {
        has_start_code(
            &sealed[from.saturating_sub(BESIDE)..sealed.len().min(to.saturating_add(BESIDE))],
        )
    };
    plan.runs_in_media().any(|run| found(run.start, run.end)) || found(plan.media_len, sealed.len())
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("nonces", &self.nonce).finish_non_exhaustive()
    }
}
