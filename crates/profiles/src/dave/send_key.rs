//! A sender's usage in an epoch: nonces, and the blocks of each generation's key.

use sealframe_crypto::{AeadKey, Backend, BlockCount, Cipher, CipherSuite, Unauthentic};

use super::{BaseSecret, HashRatchet};
use crate::{KeyError, SealError};

/// How many bits of a nonce count the frames of one generation.
pub(super) const GENERATION_SHIFT: u32 = 24;
/// AES-GCM's bound.
const MAX_PAYLOAD_LEN: u64 = (1 << 36) - 32;

/// The key of the present generation, and its usage. Nothing sets a nonce back.
pub(super) struct SendKey {
    cipher: Cipher,
    ratchet: HashRatchet,
    aead: AeadKey,
    /// The last that was used; its low 32 bits are sent.
    nonce: u64,
    /// 16-byte blocks under the present key.
    blocks: BlockCount,
}

impl SendKey {
    pub(super) fn new(base_secret: BaseSecret, backend: Backend) -> Self {
        let cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, backend);
        let ratchet = HashRatchet::new(base_secret);
        let aead = expand(cipher, &ratchet);
        Self { cipher, ratchet, aead, nonce: 0, blocks: BlockCount::begin(0) }
    }

    /// The last nonce that was spent.
    pub(super) const fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Spends all nonces up to this one.
    pub(super) fn skip_to(&mut self, nonce: u64) -> Result<(), KeyError> {
        if self.blocks.is_inherited() {
            return Err(KeyError::Forked);
        }
        if nonce < self.nonce {
            return Err(KeyError::NotNewer);
        }
        let generation = generation(nonce).ok_or(KeyError::OutOfRange)?;
        self.move_to(generation).ok_or(KeyError::NotNewer)?;
        self.nonce = nonce;
        Ok(())
    }

    /// The one of the next nonces that takes most bytes, as sent. They count up, or go round.
    #[inline]
    pub(super) fn longest_of_next(&self, tries: u32) -> u32 {
        let next = |further: u32| truncated(self.nonce.wrapping_add(further.into()));
        let (first, last) = (next(1), next(tries));
        if first <= last { last } else { u32::MAX }
    }

    /// A frame is no longer than AES-GCM can.
    #[inline]
    pub(super) const fn check_len(payload_len: usize) -> Result<(), SealError> {
        if payload_len as u64 > MAX_PAYLOAD_LEN { Err(SealError::FrameTooLong) } else { Ok(()) }
    }

    /// Whether a frame may be [encrypted](Self::encrypt) so often. Once needs no asking.
    pub(super) fn check(
        &self,
        clear_len: usize,
        payload_len: usize,
        tries: u32,
    ) -> Result<(), SealError> {
        Self::check_len(payload_len)?;
        let last = self.nonce.checked_add(tries.into()).ok_or(SealError::KeyExhausted)?;
        generation(last).ok_or(SealError::KeyExhausted)?;
        let most = blocks(clear_len, payload_len).saturating_mul(tries.into());
        let is_same_key = generation(self.nonce + 1) == Some(self.ratchet.generation());
        let after = if is_same_key { self.blocks.after(most) } else { self.after_change(most) };
        after.map(|_| ()).ok_or_else(|| self.refusal())
    }

    /// The count of the next generation's key after `blocks` blocks.
    fn after_change(&self, blocks: u64) -> Option<BlockCount> {
        if self.blocks.is_inherited() { None } else { BlockCount::begin(0).after(blocks) }
    }

    /// Why nothing more is sealed.
    #[cold]
    fn refusal(&self) -> SealError {
        if self.blocks.is_inherited() { SealError::Forked } else { SealError::KeyExhausted }
    }

    /// Encrypts under the next nonce and its generation's key, and writes the tag. Returns the sent
    /// part of the nonce, which is spent even if encryption fails. A key stays within its limits,
    /// and seals only in the process that began it: a rejected payload is unchanged.
    #[inline(always)] // a part of the hot door
    pub(super) fn encrypt(
        &mut self,
        clear: &[u8],
        payload: &mut [u8],
        tag: &mut [u8; 16],
    ) -> Result<u32, SealError> {
        let nonce = self.nonce.checked_add(1).ok_or(SealError::KeyExhausted)?;
        let generation = generation(nonce).ok_or(SealError::KeyExhausted)?;
        self.move_to(generation).ok_or_else(|| self.refusal())?;
        let blocks = self.blocks.after(blocks(clear.len(), payload.len()));
        self.blocks = blocks.ok_or_else(|| self.refusal())?;
        self.nonce = nonce;
        self.aead.encrypt(full_nonce(truncated(nonce)), clear, payload, tag)?;
        Ok(truncated(nonce))
    }

    /// Decrypts the payload that was encrypted last.
    pub(super) fn decrypt(
        &self,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Unauthentic> {
        self.aead.decrypt(full_nonce(truncated(self.nonce)), clear, payload, tag)
    }

    #[inline]
    fn move_to(&mut self, generation: u32) -> Option<()> {
        if generation == self.ratchet.generation() { Some(()) } else { self.change_key(generation) }
    }

    #[cold]
    fn change_key(&mut self, generation: u32) -> Option<()> {
        if self.blocks.is_inherited() {
            return None;
        }
        self.ratchet.advance_to(generation)?;
        self.aead = expand(self.cipher, &self.ratchet);
        self.blocks = BlockCount::begin(0);
        Some(())
    }
}

#[expect(clippy::expect_used, reason = "the suite fixes the length")]
fn expand(cipher: Cipher, ratchet: &HashRatchet) -> AeadKey {
    AeadKey::new(cipher, &*ratchet.expose_key()).expect("16 bytes")
}

/// 16-byte blocks that AES-GCM works on, the tag's included.
#[inline]
const fn blocks(clear_len: usize, payload_len: usize) -> u64 {
    (clear_len.div_ceil(16) + payload_len.div_ceil(16) + 1) as u64
}

/// `None` beyond the last generation.
#[inline]
fn generation(nonce: u64) -> Option<u32> {
    u32::try_from(nonce >> GENERATION_SHIFT).ok()
}

/// The sent part of a nonce.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn truncated(nonce: u64) -> u32 {
    nonce as u32
}

/// Eight zeros, then the sent part of the nonce, little-endian.
#[inline]
pub(super) fn full_nonce(truncated: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&truncated.to_le_bytes());
    nonce
}
