//! A key of any suite on any backend.

use alloc::boxed::Box;

#[cfg(feature = "ctr-hmac")]
use aes::{Aes128Enc, Aes256Enc};
#[cfg(portable)]
use aes_gcm::{Aes128Gcm, Aes256Gcm};

#[cfg(aws_lc)]
use super::aws_lc;
#[cfg(feature = "ctr-hmac")]
use super::ctr_hmac::CtrHmacKey;
#[cfg(kernel)]
use super::kernel;
#[cfg(portable)]
use super::portable;
#[cfg(ring)]
use super::ring;
use crate::{Backend, Cipher, suite::Aead};

/// An expanded key of any suite. Boxed, so that moving it leaves no copies behind.
pub(crate) enum Kind {
    #[cfg(ring)]
    Ring(Box<ring::GcmKey>),
    #[cfg(aws_lc)]
    AwsLc(Box<aws_lc::GcmKey>),
    #[cfg(kernel)]
    Kernel(Box<sealframe_kernel::Key>),
    #[cfg(portable)]
    Portable128(Box<portable::GcmKey<Aes128Gcm>>),
    #[cfg(portable)]
    Portable256(Box<portable::GcmKey<Aes256Gcm>>),
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256(Box<CtrHmacKey<Aes128Enc, [u32; 8], 64>>),
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512(Box<CtrHmacKey<Aes256Enc, [u64; 8], 128>>),
}

/// Runs `$run` with the [`ExpandedKey`](super::expanded_key::ExpandedKey) of a [`Kind`]. The only
/// list of kinds.
macro_rules! dispatch {
    ($kind:expr, $key:ident => $run:expr) => {
        match $kind {
            #[cfg(ring)]
            $crate::backend::Kind::Ring($key) => $run,
            #[cfg(aws_lc)]
            $crate::backend::Kind::AwsLc($key) => $run,
            #[cfg(kernel)]
            $crate::backend::Kind::Kernel($key) => $run,
            #[cfg(portable)]
            $crate::backend::Kind::Portable128($key) => $run,
            #[cfg(portable)]
            $crate::backend::Kind::Portable256($key) => $run,
            #[cfg(feature = "ctr-hmac")]
            $crate::backend::Kind::Aes128CtrHmacSha256($key) => $run,
            #[cfg(feature = "ctr-hmac")]
            $crate::backend::Kind::Aes256CtrHmacSha512($key) => $run,
        }
    };
}
pub(crate) use dispatch;

impl Kind {
    /// `key` is `Nk` bytes long.
    pub(crate) fn new(Cipher { suite, backend, .. }: Cipher, key: &[u8]) -> Self {
        match (suite.aead(), backend) {
            #[cfg(ring)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::Ring) => Self::Ring(ring::GcmKey::new(key)),
            #[cfg(aws_lc)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::AwsLc) => {
                Self::AwsLc(aws_lc::GcmKey::new(key))
            }
            #[cfg(kernel)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::Kernel) => {
                match sealframe_kernel::Key::new(key) {
                    Some(key) => Self::Kernel(key),
                    None => Self::new(Cipher::new(suite, kernel::SUBSTITUTE), key),
                }
            }
            #[cfg(portable)]
            (Aead::Aes128Gcm, Backend::Portable) => Self::Portable128(portable::GcmKey::new(key)),
            #[cfg(portable)]
            (Aead::Aes256Gcm, Backend::Portable) => Self::Portable256(portable::GcmKey::new(key)),
            #[cfg(feature = "ctr-hmac")]
            (Aead::Aes128CtrHmacSha256, _) => {
                Self::Aes128CtrHmacSha256(CtrHmacKey::new(key, suite.nt()))
            }
            #[cfg(feature = "ctr-hmac")]
            (Aead::Aes256CtrHmacSha512, _) => {
                Self::Aes256CtrHmacSha512(CtrHmacKey::new(key, suite.nt()))
            }
        }
    }
}
