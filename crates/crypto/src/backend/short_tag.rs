//! AES-128-GCM with tags of 64 bits, to open only.
//!
//! The kernel and aes-gcm check tags that short. ring and aws-lc-rs do not, so the kernel opens for them where it is. Nor do
//! they give out a tag when they open; but counter mode is its own inverse, so without the kernel they open by sealing twice:
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
#[cfg(kernel)]
use super::kernel;
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

#[cfg(portable)]
type Portable = AesGcm<Aes128, U12, U8>;

enum Kind {
    #[cfg(portable)]
    Portable(Box<Portable>),
    #[cfg(kernel)]
    Kernel(Box<sealframe_kernel::Key>),
    #[cfg(any(ring, aws_lc))]
    WholeTags(Key),
}

impl ShortTagKey {
    /// Expands `key`; the caller wipes its copy.
    ///
    /// What opens is the backend's own implementation if it has one for such tags. For ring and aws-lc-rs it is the kernel's, if
    /// the build has it and the processor its instructions; else they take two passes over a frame.
    #[must_use]
    pub fn new(backend: Backend, key: &[u8; 16]) -> Self {
        Self(Kind::new(backend, key))
    }

    /// Checks `tag` and decrypts `in_out` in place. `scratch` is for what takes two passes, and has ciphertext in it afterwards:
    /// nothing is allocated where it has been as long before.
    ///
    /// # Errors
    /// [`Unauthentic`], with `in_out` as it was, so that another key can be tried.
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
            Kind::Portable(key) => open_by_aes_gcm(key, nonce, aad, in_out, tag),
            #[cfg(kernel)]
            Kind::Kernel(key) => kernel::decrypt_short(key, nonce, aad, in_out, tag),
            #[cfg(any(ring, aws_lc))]
            Kind::WholeTags(key) => seal_twice(key, nonce, aad, in_out, tag, scratch),
        }
    }
}

impl Kind {
    /// The one place that says who opens.
    fn new(backend: Backend, key: &[u8; 16]) -> Self {
        match backend {
            #[cfg(portable)]
            Backend::Portable => Self::Portable(portable::new(key)),
            #[cfg(kernel)]
            Backend::Kernel => match sealframe_kernel::Key::new(key) {
                Some(key) => Self::Kernel(key),
                None => Self::new(Backend::default(), key),
            },
            #[cfg(ring)]
            Backend::Ring => Self::in_one_pass(key).unwrap_or_else(|| Self::whole_tags(backend, key)),
            #[cfg(aws_lc)]
            Backend::AwsLc => Self::in_one_pass(key).unwrap_or_else(|| Self::whole_tags(backend, key)),
        }
    }

    /// For the backends that know no such tags.
    #[cfg(any(ring, aws_lc))]
    #[cfg_attr(
        not(kernel),
        allow(clippy::missing_const_for_fn, unused_variables, reason = "there is none")
    )]
    fn in_one_pass(key: &[u8; 16]) -> Option<Self> {
        #[cfg(kernel)]
        return sealframe_kernel::Key::new(key).map(Self::Kernel);
        #[cfg(not(kernel))]
        None
    }

    #[cfg(any(ring, aws_lc))]
    fn whole_tags(backend: Backend, key: &[u8; 16]) -> Self {
        Self::WholeTags(Key::new(Cipher::new(CipherSuite::Aes128GcmSha256_128, backend), key))
    }
}

// The kernel's way is inlined into its callers. With the others' beside it, a frame is prepared for all of them: 50 instructions.

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

/// `in_out` has plaintext in it only while it is borrowed, or for good. `scratch` ends with what `in_out` began with.
#[cfg(any(ring, aws_lc))]
#[inline(never)]
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

#[cfg(all(test, any(ring, aws_lc)))]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    extern crate std;

    use std::vec;

    use super::*;

    const KEY: [u8; 16] = *b"a key of 16 byte";
    const NONCE: [u8; 12] = [7; 12];
    const LIBRARIES: &[Backend] = &[
        #[cfg(ring)]
        Backend::Ring,
        #[cfg(aws_lc)]
        Backend::AwsLc,
    ];

    #[test]
    fn one_pass_opens_where_there_is_the_kernel() {
        #[cfg(kernel)]
        let expected = sealframe_kernel::Isa::best().is_some();
        #[cfg(not(kernel))]
        let expected = false;
        for &backend in LIBRARIES {
            let takes_two = matches!(Kind::new(backend, &KEY), Kind::WholeTags(_));
            assert_eq!(takes_two, !expected, "{backend:?}");
        }
    }

    /// Whatever this processor has: others have no other way.
    #[test]
    fn two_passes_open_and_what_they_refuse_is_as_it_was() {
        for &backend in LIBRARIES {
            let key = ShortTagKey(Kind::whole_tags(backend, &KEY));
            let sealing = Key::new(Cipher::new(CipherSuite::Aes128GcmSha256_128, backend), &KEY);
            for len in [0, 1, 40, 600, 1200] {
                let (mut sealed, mut tag, mut scratch) = (vec![5; len], [0; 16], vec![]);
                sealing.encrypt(NONCE, b"aad", &mut sealed, &mut tag).unwrap();
                let tag: [u8; 8] = *tag.first_chunk().unwrap();
                for bit in 0..64 {
                    let (mut forged, mut data) = (tag, sealed.clone());
                    forged[bit / 8] ^= 1 << (bit % 8);
                    let refused = key.decrypt(NONCE, b"aad", &mut data, forged, &mut scratch);
                    assert_eq!(refused, Err(Unauthentic), "{backend:?} {len}");
                    assert!(data == sealed && scratch == sealed, "{backend:?} {len}");
                }
                let mut data = sealed.clone();
                key.decrypt(NONCE, b"aad", &mut data, tag, &mut scratch).unwrap();
                assert!(data == vec![5; len] && scratch == sealed, "{backend:?} {len}");
            }
        }
    }
}
