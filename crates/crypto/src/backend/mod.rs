//! AES-GCM by the library that suits the target. The only module that names a backend.

mod portable;
#[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
mod ring;

use crate::{FrameTooLong, Unauthentic};

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

impl Default for Backend {
    /// The fastest in this build.
    fn default() -> Self {
        #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
        return Self::Ring;
        #[cfg(not(all(feature = "ring", not(any(target_family = "wasm", target_os = "none")))))]
        Self::Portable
    }
}

/// An AES-128-GCM or AES-256-GCM key, by its length.
pub(crate) enum GcmKey {
    Portable(portable::Key),
    #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
    Ring(ring::Key),
}

impl GcmKey {
    pub(crate) fn new(backend: Backend, key: &[u8]) -> Self {
        match backend {
            Backend::Portable => Self::Portable(portable::Key::new(key)),
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Backend::Ring => Self::Ring(ring::Key::new(key)),
        }
    }

    #[inline]
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], FrameTooLong> {
        match self {
            Self::Portable(key) => key.encrypt(nonce, aad, in_out),
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Self::Ring(key) => key.encrypt(nonce, aad, in_out),
        }
    }

    #[inline]
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Unauthentic> {
        match self {
            Self::Portable(key) => key.decrypt(nonce, aad, in_out, tag),
            #[cfg(all(feature = "ring", not(any(target_family = "wasm", target_os = "none"))))]
            Self::Ring(key) => key.decrypt(nonce, aad, in_out, tag),
        }
    }
}
