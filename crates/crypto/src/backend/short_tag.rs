//! AES-128-GCM with tags of 64 bits, to open only.
//!
//! The kernel and aes-gcm check tags that short. ring and aws-lc-rs do not, and give out no tag when they open; but counter
//! mode is its own inverse, so they open by sealing twice:
//!
//! ```text
//! ciphertext ──seal──► plaintext ──seal──► ciphertext, tag        the first tag is of no use and dropped
//! ```
//!
//! Both use a nonce that somebody else sealed with, under the same key. That is no repetition: what they make is what was
//! received, and a tag that is compared and dropped. Nothing that was sealed leaves this module.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

#[cfg(portable)]
use aes_gcm::{
    AeadInOut, AesGcm,
    aead::consts::{U8, U12},
    aes::Aes128,
};
#[cfg(any(ring, aws_lc))]
use subtle::ConstantTimeEq;

use super::Backend;
#[cfg(any(ring, aws_lc))]
use super::Key;
#[cfg(portable)]
use super::portable;
use crate::Unauthentic;
#[cfg(any(ring, aws_lc))]
use crate::{Cipher, CipherSuite};

/// AES-128-GCM with the first 8 bytes of its tags. It opens and does not seal.
///
/// For DAVE's frames (discord/dave-protocol, `protocol.md`) and nothing else: one forgery in 2^64 passes at best, sooner with
/// long frames, and each that succeeds makes the next easier (NIST SP 800-38D, appendix C).
pub struct ShortTagKey(Kind);

enum Kind {
    #[cfg(portable)]
    Portable(Box<AesGcm<Aes128, U12, U8>>),
    #[cfg(kernel)]
    Kernel(Box<sealframe_kernel::Key>),
    #[cfg(any(ring, aws_lc))]
    WholeTags(Key),
}

impl ShortTagKey {
    /// Expands `key`; the caller wipes its copy.
    #[must_use]
    pub fn new(backend: Backend, key: &[u8; 16]) -> Self {
        Self(match backend {
            #[cfg(portable)]
            Backend::Portable => Kind::Portable(portable::new(key)),
            #[cfg(kernel)]
            Backend::Kernel => match sealframe_kernel::Key::new(key) {
                Some(key) => Kind::Kernel(key),
                None => return Self::new(Backend::default(), key),
            },
            #[cfg(ring)]
            Backend::Ring => Kind::WholeTags(whole_tags(backend, key)),
            #[cfg(aws_lc)]
            Backend::AwsLc => Kind::WholeTags(whole_tags(backend, key)),
        })
    }

    /// Checks `tag` and decrypts `in_out` in place. `scratch` is for ring and aws-lc-rs, and has ciphertext in it afterwards:
    /// nothing is allocated where it has been as long before.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` as it was, so that another key can be tried.
    #[cfg_attr(
        not(any(ring, aws_lc)),
        allow(unused_variables, clippy::ptr_arg, reason = "none needs a scratch")
    )]
    pub fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: [u8; 8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        match &self.0 {
            #[cfg(portable)]
            Kind::Portable(key) => {
                let opened = key.decrypt_inout_detached(&nonce.into(), aad, in_out.into(), &tag.into());
                opened.map_err(|_| Unauthentic)
            }
            #[cfg(kernel)]
            Kind::Kernel(key) => {
                let frame = sealframe_kernel::Frame::new(key, nonce, aad, in_out);
                frame.open_short(tag).map_err(|_| Unauthentic)
            }
            #[cfg(any(ring, aws_lc))]
            Kind::WholeTags(key) => seal_twice(key, nonce, aad, in_out, tag, scratch),
        }
    }
}

#[cfg(any(ring, aws_lc))]
fn whole_tags(backend: Backend, key: &[u8; 16]) -> Key {
    Key::new(Cipher::new(CipherSuite::Aes128GcmSha256_128, backend), key)
}

/// `in_out` has plaintext in it only while it is borrowed, or for good. `scratch` ends with what `in_out` began with.
#[cfg(any(ring, aws_lc))]
fn seal_twice(
    key: &Key,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: [u8; 8],
    scratch: &mut Vec<u8>,
) -> Result<(), Unauthentic> {
    let mut made = [0; 16];
    // Only a frame that is too long is refused, and that is as it was.
    key.encrypt(nonce, aad, in_out, &mut made).map_err(|_| Unauthentic)?;
    scratch.clear();
    scratch.extend_from_slice(in_out);
    let sealed = key.encrypt(nonce, aad, scratch, &mut made);
    debug_assert!(sealed.is_ok(), "as long as before");
    if sealed.is_ok() && bool::from(made[..8].ct_eq(&tag)) {
        return Ok(());
    }
    in_out.copy_from_slice(scratch);
    Err(Unauthentic)
}

impl fmt::Debug for ShortTagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShortTagKey(..)")
    }
}
