//! RustCrypto's `aes-gcm`. It checks the tag before it decrypts, and wipes its keys on drop.

use alloc::boxed::Box;

use aes_gcm::{
    AeadCore, AeadInOut, KeyInit,
    aead::consts::{U12, U16},
};

use super::expanded_key::ExpandedKey;
use crate::{FrameTooLong, Unauthentic};

/// A key of `aes-gcm`'s cipher `K`.
pub(crate) struct GcmKey<K>(pub(super) K);

impl<K: KeyInit> GcmKey<K> {
    /// # Panics
    /// If `key` has another length than the cipher's; the suite fixes both.
    #[expect(clippy::expect_used, reason = "lengths fixed by the suite, never by input")]
    pub(crate) fn new(key: &[u8]) -> Box<Self> {
        Box::new(Self(K::new_from_slice(key).expect("Nk bytes")))
    }
}

impl<K: AeadInOut + AeadCore<NonceSize = U12, TagSize = U16>> ExpandedKey for GcmKey<K> {
    const KEEPS_REJECTED: bool = true;

    #[inline]
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        let made = self.0.encrypt_inout_detached(&nonce.into(), aad, in_out.into());
        tag.copy_from_slice(&made.map_err(|_| FrameTooLong)?);
        Ok(())
    }

    #[inline]
    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        let tag: &[u8; 16] = tag.try_into().map_err(|_| Unauthentic)?;
        let opened = self.0.decrypt_inout_detached(&nonce.into(), aad, in_out.into(), tag.into());
        opened.map_err(|_| Unauthentic)
    }
}
