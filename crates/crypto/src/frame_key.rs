//! One KID's key, and the nonces under it.

use core::fmt;

use sealframe_wire::{Ctr, Kid};
use zeroize::Zeroize;
#[cfg(feature = "external-aead")]
use zeroize::Zeroizing;

use crate::{
    AeadKey, Backend, BaseKey, Cipher, FrameTooLong, Unauthentic, wiped_stack::on_wiped_stack,
};

const NN: usize = 12;
/// The longest sframe_key of any suite: suites 6 to 8.
const MAX_NK: usize = 96;

/// `sframe_key` and `sframe_salt` of one KID, expanded and ready for frames.
///
/// The salt never leaves this type, which makes each nonce from the salt and a CTR: a caller that
/// never repeats a CTR under this key never repeats a nonce.
///
/// Source: RFC 9605 §4.4.2 and §4.4.3.
pub struct FrameKey {
    pub(crate) aead: AeadKey,
    salt: [u8; NN],
    #[cfg(feature = "external-aead")]
    raw: Zeroizing<alloc::boxed::Box<[u8]>>,
}

impl FrameKey {
    /// Derives the key and the salt that `base_key` has for `kid`, for frames by this backend.
    ///
    /// ```text
    /// sframe_secret = HKDF-Extract("", base_key)
    /// sframe_key    = HKDF-Expand(sframe_secret, "SFrame 1.0 Secret key "  ‖ KID ‖ suite, Nk)
    /// sframe_salt   = HKDF-Expand(sframe_secret, "SFrame 1.0 Secret salt " ‖ KID ‖ suite, Nn)
    /// ```
    ///
    /// Source: RFC 9605 §4.4.2.
    #[must_use]
    pub fn derive(backend: Backend, kid: Kid, base_key: &BaseKey) -> Self {
        on_wiped_stack(|| {
            let suite = base_key.suite();
            let sframe_secret = base_key.extract();
            let (kid, id) = (kid.get().to_be_bytes(), suite.id().to_be_bytes());
            let mut key = [0; MAX_NK];
            let key = &mut key[..suite.nk()];
            let mut salt = [0; NN];
            sframe_secret.expand(&[b"SFrame 1.0 Secret key ", &kid, &id], key);
            sframe_secret.expand(&[b"SFrame 1.0 Secret salt ", &kid, &id], &mut salt);
            Self {
                aead: AeadKey::from_derived(Cipher::new(suite, backend), key),
                salt,
                #[cfg(feature = "external-aead")]
                raw: Zeroizing::new((&*key).into()),
            }
        })
    }

    /// Encrypts `in_out` and writes the tag, `Nt` bytes, to `tag`. Copies: none.
    ///
    /// # Errors
    /// [`FrameTooLong`], with `in_out` unchanged.
    ///
    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    #[inline(always)] // see the crate's front page
    pub fn encrypt(
        &self,
        ctr: Ctr,
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        self.aead.encrypt(self.nonce(ctr), aad, in_out, tag)
    }

    /// Checks `tag` and decrypts `in_out`. Copies: none.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` either unchanged or zeroed, never plaintext.
    #[inline(always)] // see the crate's front page
    pub fn decrypt(
        &self,
        ctr: Ctr,
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        self.aead.decrypt(self.nonce(ctr), aad, in_out, tag)
    }

    /// `sframe_key`, for a caller that runs AES-GCM itself; `None` for the other suites. Wipe every
    /// copy.
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub fn expose_key(&self) -> Option<&[u8]> {
        matches!(self.raw.len(), 16 | 32).then_some(&*self.raw)
    }

    /// The nonce of a frame, for a caller that runs AES-GCM itself.
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub fn expose_nonce(&self, ctr: Ctr) -> [u8; NN] {
        self.nonce(ctr)
    }

    /// `sframe_salt XOR CTR`, the CTR as `Nn` bytes, big-endian.
    ///
    /// In words of 8 and 4 bytes, as ring reads it: a load across two stores would stall.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    pub(crate) fn nonce(&self, ctr: Ctr) -> [u8; NN] {
        let (mut nonce, ctr) = (self.salt, ctr.get());
        if let Some(front) = nonce.first_chunk_mut() {
            *front = (u64::from_be_bytes(*front) ^ ctr >> 32).to_be_bytes();
        }
        if let Some(back) = nonce.last_chunk_mut() {
            *back = (u32::from_be_bytes(*back) ^ ctr as u32).to_be_bytes();
        }
        nonce
    }
}

impl Drop for FrameKey {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

impl fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameKey(..)")
    }
}
