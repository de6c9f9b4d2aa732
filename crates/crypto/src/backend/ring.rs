//! ring. It decrypts while it hashes, and zeroes the buffer when the tag is wrong.

use alloc::boxed::Box;
use core::mem::needs_drop;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::expanded_key::ExpandedKey;
use crate::{FrameTooLong, Unauthentic};

/// An AES-128-GCM or AES-256-GCM key, by its length. Wiped on drop, because ring does not wipe it.
pub(crate) struct GcmKey(LessSafeKey);

impl GcmKey {
    /// # Panics
    /// If `key` has neither 16 nor 32 bytes; the suite fixes the length.
    #[expect(clippy::expect_used, reason = "length fixed by the suite, never by input")]
    pub(crate) fn new(key: &[u8]) -> Box<Self> {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).expect("16 or 32 bytes");
        Box::new(Self(LessSafeKey::new(key)))
    }
}

impl ExpandedKey for GcmKey {
    const KEEPS_REJECTED: bool = false;

    #[inline(always)] // see the crate's front page
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        #[expect(clippy::expect_used, reason = "documented: a bug of the caller's, never input")]
        let tag: &mut [u8; 16] = tag.try_into().expect("a tag of 16 bytes");
        let nonce = Nonce::assume_unique_for_key(nonce);
        // ring fails only for a frame that is too long.
        let made = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), in_out);
        tag.copy_from_slice(made.map_err(|_| FrameTooLong)?.as_ref());
        Ok(())
    }

    #[inline(always)] // see the crate's front page
    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = tag.try_into().map_err(|_| Unauthentic)?;
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, in_out, 0..);
        opened.map(|_| ()).map_err(|_| Unauthentic)
    }
}

impl Drop for GcmKey {
    #[expect(unsafe_code, reason = "ring keeps its expanded keys private and does not wipe them")]
    fn drop(&mut self) {
        const { assert!(!needs_drop::<LessSafeKey>(), "a destructor would see the wiped key") }
        // SAFETY: the pointer is valid for writes; a LessSafeKey owns no memory beyond itself and
        // has no destructor (asserted above), so nothing reads it after this: `self` is being
        // dropped.
        unsafe { zeroize::zeroize_flat_type(&raw mut self.0) };
    }
}
