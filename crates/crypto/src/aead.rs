//! The AEAD of a suite.

use alloc::vec::Vec;
use core::fmt;

use crate::{
    Cipher, FrameTooLong, Unauthentic,
    backend::{ExpandedKey, Kind, dispatch},
    wiped_stack::on_wiped_stack,
};

/// The AEAD key of one suite, expanded once.
///
/// This is the primitive, for known-answer tests, for comparisons, and for formats older than RFC
/// 9605, which make their nonces in another way. The caller passes the nonce: repeating one gives
/// the key away. SFrame's frames go through [`FrameKey`](crate::FrameKey), which makes the nonces
/// itself.
pub struct AeadKey(pub(crate) Kind);

impl AeadKey {
    /// Expands the `Nk` bytes of `key`; the caller wipes its copy. `None` for any other length.
    #[must_use]
    pub fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        (key.len() == cipher.suite.nk()).then(|| on_wiped_stack(|| Self::from_derived(cipher, key)))
    }

    /// Like [`new`](Self::new), for a key whose length is right by construction.
    pub(crate) fn from_derived(cipher: Cipher, key: &[u8]) -> Self {
        debug_assert_eq!(key.len(), cipher.suite.nk());
        Self(Kind::new(cipher, key))
    }

    /// Encrypts `in_out` in place and writes the tag to `tag`.
    ///
    /// # Errors
    /// [`FrameTooLong`], with `in_out` unchanged.
    ///
    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    #[inline(always)] // see the crate's front page
    pub fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        dispatch!(&self.0, key => key.encrypt(nonce, aad, in_out, tag))
    }

    /// Checks `tag` and decrypts `in_out` in place. A tag of any length but `Nt` is wrong.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` either unchanged or zeroed, never plaintext.
    #[inline(always)] // see the crate's front page
    pub fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        dispatch!(&self.0, key => key.decrypt(nonce, aad, in_out, tag))
    }

    /// Like [`decrypt`](Self::decrypt), but leaves `in_out` unchanged on failure so that another
    /// key can be tried. Copies: ring and aws-lc-rs copy the ciphertext to `scratch`, which grows
    /// only for a longer frame.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` unchanged.
    #[inline(always)] // see the crate's front page
    pub fn decrypt_or_restore(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        dispatch!(&self.0, key => key.decrypt_or_restore(nonce, aad, in_out, tag, scratch))
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}
