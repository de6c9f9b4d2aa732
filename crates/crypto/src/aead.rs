//! A suite's AEAD behind one enum.

use alloc::boxed::Box;
use core::fmt;

use aes::{Aes128Enc, Aes256Enc};
use sha2::{Sha256, Sha512};

use crate::{Cipher, backend::GcmKey, ctr_hmac::CtrHmacKey, suite::Aead};

/// The longest plaintext of one frame, in bytes: AES-GCM's own bound (NIST SP 800-38D §5.2.1.1), which
/// also keeps the 32-bit block counter of the CTR suites from wrapping.
const MAX_PLAINTEXT_LEN: u64 = (1 << 36) - 32;

/// The AEAD key of one suite, expanded once.
///
/// This is the primitive, with the nonce in the caller's hand, for known-answer tests and comparisons.
/// Frames go through [`FrameKey`](crate::FrameKey), which makes the nonces itself.
pub struct AeadKey(Kind);

enum Kind {
    Gcm(GcmKey),
    Aes128CtrHmacSha256(Box<CtrHmacKey<Aes128Enc, Sha256>>),
    Aes256CtrHmacSha512(Box<CtrHmacKey<Aes256Enc, Sha512>>),
}

impl AeadKey {
    /// Expands the `Nk` bytes of `key`; the caller wipes its copy. `None` for any other length.
    #[must_use]
    pub fn new(cipher: impl Into<Cipher>, key: &[u8]) -> Option<Self> {
        let cipher = cipher.into();
        (key.len() == cipher.suite.nk()).then(|| Self::of_derived(cipher, key))
    }

    /// As [`new`](Self::new), for a key whose length is right by construction.
    pub(crate) fn of_derived(Cipher { suite, backend }: Cipher, key: &[u8]) -> Self {
        debug_assert_eq!(key.len(), suite.nk());
        Self(match suite.aead() {
            Aead::Aes128Gcm | Aead::Aes256Gcm => Kind::Gcm(GcmKey::new(backend, key)),
            Aead::Aes128CtrHmacSha256 => {
                Kind::Aes128CtrHmacSha256(Box::new(CtrHmacKey::new(key, suite.nt())))
            }
            Aead::Aes256CtrHmacSha512 => {
                Kind::Aes256CtrHmacSha512(Box::new(CtrHmacKey::new(key, suite.nt())))
            }
        })
    }

    /// Encrypts `in_out` in place and writes the tag to `tag`.
    ///
    /// # Errors
    /// [`FrameTooLong`], with `in_out` unchanged.
    ///
    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    #[inline]
    pub fn encrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        if in_out.len() as u64 > MAX_PLAINTEXT_LEN {
            return Err(FrameTooLong);
        }
        match &self.0 {
            Kind::Gcm(key) => {
                let full = key.encrypt(nonce, aad, in_out)?;
                tag.copy_from_slice(&full);
            }
            Kind::Aes128CtrHmacSha256(key) => key.encrypt(nonce, aad, in_out, tag),
            Kind::Aes256CtrHmacSha512(key) => key.encrypt(nonce, aad, in_out, tag),
        }
        Ok(())
    }

    /// Checks `tag` and decrypts `in_out` in place. A tag of any length but `Nt` is wrong.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` either unchanged or zeroed, never plaintext.
    #[inline]
    pub fn decrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        if in_out.len() as u64 > MAX_PLAINTEXT_LEN {
            return Err(Unauthentic);
        }
        match &self.0 {
            Kind::Gcm(key) => {
                let tag = tag.try_into().map_err(|_| Unauthentic)?;
                key.decrypt(nonce, aad, in_out, tag)
            }
            Kind::Aes128CtrHmacSha256(key) => key.decrypt(nonce, aad, in_out, tag),
            Kind::Aes256CtrHmacSha512(key) => key.decrypt(nonce, aad, in_out, tag),
        }
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

/// The frame did not come from the holder of the key, or not in this form. No detail, by design.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct Unauthentic;

impl fmt::Display for Unauthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is not authentic")
    }
}

impl core::error::Error for Unauthentic {}

/// The plaintext has more than 2^36 - 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct FrameTooLong;

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is too long to be sealed")
    }
}

impl core::error::Error for FrameTooLong {}
