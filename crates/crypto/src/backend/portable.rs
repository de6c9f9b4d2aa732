//! RustCrypto's `aes-gcm`. It checks the tag before it decrypts, and wipes its keys on drop.

use alloc::boxed::Box;

use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};

use crate::{FrameTooLong, Unauthentic};

pub(crate) enum Key {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

impl Key {
    /// # Panics
    /// If `key` has neither 16 nor 32 bytes; the suite fixes the length.
    #[expect(clippy::expect_used, reason = "length fixed by the suite, never by input")]
    pub(crate) fn new(key: &[u8]) -> Self {
        match key.len() {
            16 => Self::Aes128(Box::new(Aes128Gcm::new_from_slice(key).expect("16 bytes"))),
            _ => Self::Aes256(Box::new(Aes256Gcm::new_from_slice(key).expect("32 bytes"))),
        }
    }

    #[inline]
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], FrameTooLong> {
        let nonce = nonce.into();
        let tag = match self {
            Self::Aes128(key) => key.encrypt_inout_detached(nonce, aad, in_out.into()),
            Self::Aes256(key) => key.encrypt_inout_detached(nonce, aad, in_out.into()),
        };
        tag.map(Into::into).map_err(|_| FrameTooLong)
    }

    #[inline]
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Unauthentic> {
        let (nonce, tag) = (nonce.into(), tag.into());
        let opened = match self {
            Self::Aes128(key) => key.decrypt_inout_detached(nonce, aad, in_out.into(), tag),
            Self::Aes256(key) => key.decrypt_inout_detached(nonce, aad, in_out.into(), tag),
        };
        opened.map_err(|_| Unauthentic)
    }
}
