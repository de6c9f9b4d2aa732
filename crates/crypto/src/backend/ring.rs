//! ring. It decrypts while it hashes and zeroes the buffer when the tag is wrong.

use alloc::boxed::Box;
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop};

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};

use crate::{FrameTooLong, Unauthentic};

/// Boxed, so that moving a key around leaves no copies behind; wiped on drop, which ring does not do.
pub(crate) struct Key(ManuallyDrop<Box<LessSafeKey>>);

impl Key {
    /// # Panics
    /// If `key` has neither 16 nor 32 bytes; the suite fixes the length.
    #[expect(clippy::expect_used, reason = "length fixed by the suite, never by input")]
    pub(crate) fn new(key: &[u8]) -> Self {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            _ => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, key).expect("16 or 32 bytes");
        Self(ManuallyDrop::new(Box::new(LessSafeKey::new(key))))
    }

    #[inline]
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], FrameTooLong> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), in_out);
        // A `Tag` shows its bytes only as a slice.
        tag.ok().and_then(|tag| tag.as_ref().first_chunk().copied()).ok_or(FrameTooLong)
    }

    #[inline]
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Unauthentic> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = Tag::from(*tag);
        self.0
            .open_in_place_separate_tag(nonce, Aad::from(aad), tag, in_out, 0..)
            .map(|_| ())
            .map_err(|_| Unauthentic)
    }
}

impl Drop for Key {
    #[expect(unsafe_code, reason = "ring keeps its expanded keys private and does not wipe them")]
    fn drop(&mut self) {
        const { assert!(!needs_drop::<LessSafeKey>(), "wiping would skip a destructor") }
        // SAFETY: `self.0` is not touched again: this is the end of `drop`.
        let key = Box::into_raw(unsafe { ManuallyDrop::take(&mut self.0) });
        // SAFETY: `key` is valid for writes and was initialised; a LessSafeKey owns no heap memory and
        // has no destructor (asserted above), and after this its memory is only seen as MaybeUninit.
        unsafe { zeroize::zeroize_flat_type(key) };
        // SAFETY: `key` came from Box::into_raw just above, and MaybeUninit<T> has the layout of T.
        drop(unsafe { Box::from_raw(key.cast::<MaybeUninit<LessSafeKey>>()) });
    }
}
