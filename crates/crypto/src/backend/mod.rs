//! AEADs by the library that suits the target. The only module that names a backend.

mod ctr_hmac;
mod portable;
#[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
mod ring;

use alloc::boxed::Box;

use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr_hmac::CtrHmacKey;
use sha2::{Sha256, Sha512};

use crate::{Cipher, FrameTooLong, Unauthentic, suite::Aead};

/// Which library does AES-GCM. All make the same bytes; both can be in one program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// RustCrypto's `aes-gcm`: pure Rust, on every target.
    Portable,
    /// ring: the fastest without AVX-512 and second to none in reach, with feature `ring`, on targets
    /// with an operating system. Needs a C compiler to build.
    #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
    Ring,
}

impl Backend {
    /// Every backend of this build, each once.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            Self::Portable,
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Self::Ring,
        ]
        .into_iter()
    }
}

impl Default for Backend {
    /// The fastest in this build.
    fn default() -> Self {
        #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
        return Self::Ring;
        #[cfg(not(all(feature = "ring", not(any(target_family = "wasm", target_os = "none")))))]
        Self::Portable
    }
}

/// An expanded key of any suite. Boxed, so that moving it leaves no copies behind.
pub(crate) enum Key {
    #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
    RingGcm(Box<ring::GcmKey>),
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    Aes128CtrHmacSha256(Box<CtrHmacKey<Aes128Enc, Sha256>>),
    Aes256CtrHmacSha512(Box<CtrHmacKey<Aes256Enc, Sha512>>),
}

impl Key {
    /// `key` is `Nk` bytes long.
    pub(crate) fn new(Cipher { suite, backend }: Cipher, key: &[u8]) -> Self {
        let nt = suite.nt();
        match (suite.aead(), backend) {
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::Ring) => Self::RingGcm(ring::GcmKey::new(key)),
            (Aead::Aes128Gcm, Backend::Portable) => Self::Aes128Gcm(portable::new(key)),
            (Aead::Aes256Gcm, Backend::Portable) => Self::Aes256Gcm(portable::new(key)),
            (Aead::Aes128CtrHmacSha256, _) => Self::Aes128CtrHmacSha256(CtrHmacKey::new(key, nt)),
            (Aead::Aes256CtrHmacSha512, _) => Self::Aes256CtrHmacSha512(CtrHmacKey::new(key, nt)),
        }
    }

    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    #[inline(always)] // see the crate's front page
    pub(crate) fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        match self {
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Self::RingGcm(key) => key.encrypt(nonce, aad, in_out, tag),
            Self::Aes128Gcm(key) => portable::encrypt(&**key, nonce, aad, in_out, tag),
            Self::Aes256Gcm(key) => portable::encrypt(&**key, nonce, aad, in_out, tag),
            Self::Aes128CtrHmacSha256(key) => key.encrypt(nonce, aad, in_out, tag),
            Self::Aes256CtrHmacSha512(key) => key.encrypt(nonce, aad, in_out, tag),
        }
    }

    #[inline(always)] // see the crate's front page
    pub(crate) fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        match self {
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Self::RingGcm(key) => key.decrypt(nonce, aad, in_out, tag),
            Self::Aes128Gcm(key) => portable::decrypt(&**key, nonce, aad, in_out, tag),
            Self::Aes256Gcm(key) => portable::decrypt(&**key, nonce, aad, in_out, tag),
            Self::Aes128CtrHmacSha256(key) => key.decrypt(nonce, aad, in_out, tag),
            Self::Aes256CtrHmacSha512(key) => key.decrypt(nonce, aad, in_out, tag),
        }
    }
}
