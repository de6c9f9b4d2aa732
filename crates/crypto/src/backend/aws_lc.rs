//! aws-lc-rs. It decrypts while it hashes; when the tag is wrong the buffer is zeroed.
//!
//! Nothing is allocated for a frame, but a thread's first forged frame makes AWS-LC allocate that
//! thread's queue of errors, once. GHASH's key is copied to the stack for every frame and left
//! there.

use alloc::boxed::Box;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::expanded_key::{ExpandedKey, MAX_PLAINTEXT_LEN};
use crate::{FrameTooLong, Unauthentic};

/// An AES-128-GCM or AES-256-GCM key, by its length.
///
/// The expanded key lies on C's heap, so moving this leaves no copies behind, and AWS-LC wipes
/// whatever it frees (`OPENSSL_free` in its `crypto/mem.c`).
pub(crate) struct GcmKey(LessSafeKey);

impl GcmKey {
    /// # Panics
    /// If `key` has neither 16 nor 32 bytes; the suite fixes the length. If C has no memory left.
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
        #[expect(clippy::expect_used, reason = "documented: the caller's bug, never input")]
        let tag: &mut [u8; 16] = tag.try_into().expect("a tag of 16 bytes");
        // AWS-LC rejects such a frame too, and zeroes it.
        if in_out.len() as u64 > MAX_PLAINTEXT_LEN {
            return Err(FrameTooLong);
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
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
        if self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, in_out).is_err() {
            // AWS-LC has done so, but the Rust side promises nothing about the buffer.
            in_out.fill(0);
            return Err(Unauthentic);
        }
        Ok(())
    }
}
