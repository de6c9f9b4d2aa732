//! AES-128-GCM with tags of 64 bits, to open only.
//!
//! The kernel and aes-gcm check tags that short. ring and aws-lc-rs do not, nor do they return the
//! tag that they compute when they open; but counter mode is its own inverse, so they open by
//! sealing twice:
//!
//! ```text
//! ciphertext ──seal──► plaintext ──seal──► ciphertext, tag        the first tag is dropped
//! ```
//!
//! Both passes use a nonce that the sender has used under the same key. That repeats no nonce: the
//! passes make the received ciphertext again, and a tag that is compared and dropped. No sealed
//! output leaves this module.

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

#[cfg(kernel)]
use super::kernel;
#[cfg(portable)]
use super::portable;
#[cfg(any(ring, aws_lc))]
use crate::{AeadKey, Cipher, CipherSuite, wiped_stack::on_wiped_stack};
use crate::{Backend, Unauthentic};

/// AES-128-GCM with the first 8 bytes of its tags. It opens and does not seal.
///
/// For DAVE's frames (discord/dave-protocol, `protocol.md`) and nothing else: one forgery in 2^64
/// passes at best, sooner with long frames, and each that succeeds makes the next easier (NIST
/// SP 800-38D, appendix C).
pub struct ShortTagKey(Kind);

#[cfg(portable)]
type Portable = AesGcm<Aes128, U12, U8>;

enum Kind {
    #[cfg(portable)]
    Portable(Box<portable::GcmKey<Portable>>),
    #[cfg(kernel)]
    Kernel(Box<sealframe_kernel::Key>),
    #[cfg(any(ring, aws_lc))]
    FullTags(AeadKey),
}

impl ShortTagKey {
    /// Expands `key`; the caller wipes its copy.
    ///
    /// ring and aws-lc-rs take two passes over a frame, as they know no such tags; the kernel and
    /// the portable backend take one.
    #[must_use]
    pub fn new(backend: Backend, key: &[u8; 16]) -> Self {
        Self(Kind::new(backend, key))
    }

    /// Checks `tag` and decrypts `in_out` in place. ring and aws-lc-rs copy the ciphertext to
    /// `scratch`, which grows only for a longer frame.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` unchanged, so that another key can be tried.
    #[cfg_attr(
        not(any(ring, aws_lc)),
        allow(unused_variables, clippy::ptr_arg, reason = "none needs a scratch")
    )]
    #[inline(always)] // see the crate's front page
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
            Kind::Portable(key) => open_by_aes_gcm(&key.0, nonce, aad, in_out, tag),
            #[cfg(kernel)]
            Kind::Kernel(key) => kernel::decrypt_short(key, nonce, aad, in_out, tag),
            #[cfg(any(ring, aws_lc))]
            Kind::FullTags(key) => seal_twice(key, nonce, aad, in_out, tag, scratch),
        }
    }
}

impl Kind {
    fn new(backend: Backend, key: &[u8; 16]) -> Self {
        match backend {
            #[cfg(portable)]
            Backend::Portable => Self::Portable(portable::GcmKey::new(key)),
            #[cfg(kernel)]
            Backend::Kernel => match sealframe_kernel::Key::new(key) {
                Some(key) => Self::Kernel(key),
                None => Self::new(kernel::SUBSTITUTE, key),
            },
            #[cfg(ring)]
            Backend::Ring => Self::FullTags(full_tag_key(backend, key)),
            #[cfg(aws_lc)]
            Backend::AwsLc => Self::FullTags(full_tag_key(backend, key)),
        }
    }
}

#[cfg(any(ring, aws_lc))]
fn full_tag_key(backend: Backend, key: &[u8; 16]) -> AeadKey {
    let cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, backend);
    on_wiped_stack(|| AeadKey::from_derived(cipher, key))
}

// The kernel's path is inlined into its callers. With the others inlined beside it, a frame would
// be prepared for all of them, which takes 50 instructions.

#[cfg(portable)]
#[inline(never)]
fn open_by_aes_gcm(
    key: &Portable,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: [u8; 8],
) -> Result<(), Unauthentic> {
    let opened = key.decrypt_inout_detached(&nonce.into(), aad, in_out.into(), &tag.into());
    opened.map_err(|_| Unauthentic)
}

/// `in_out` holds plaintext only while it is borrowed, or if the frame is authentic. `scratch` ends
/// with what `in_out` began with.
#[cfg(any(ring, aws_lc))]
#[inline(never)]
fn seal_twice(
    key: &AeadKey,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: [u8; 8],
    scratch: &mut Vec<u8>,
) -> Result<(), Unauthentic> {
    let mut made = [0; 16];
    // Only a frame that is too long is rejected, and it is unchanged.
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

#[cfg(all(test, any(ring, aws_lc), kernel))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_opens_only_where_it_is_chosen() {
        for backend in Backend::available() {
            let is_kernel = matches!(Kind::new(backend, &[7; 16]), Kind::Kernel(_));
            let expected = backend == Backend::Kernel && sealframe_kernel::Isa::best().is_some();
            assert_eq!(is_kernel, expected, "{backend:?}");
        }
    }
}
