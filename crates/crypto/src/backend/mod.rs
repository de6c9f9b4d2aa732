//! AEADs by the library that suits the target. The only module that names a backend.

#[cfg(aws_lc)]
mod aws_lc;
#[cfg(feature = "ctr-hmac")]
mod ctr_hmac;
#[cfg(feature = "ctr-hmac")]
mod hmac;
#[cfg(kernel)]
mod kernel;
#[cfg(portable)]
mod portable;
#[cfg(ring)]
mod ring;
#[cfg(feature = "short-tags")]
mod short_tag;

use alloc::{boxed::Box, vec::Vec};

#[cfg(feature = "ctr-hmac")]
use aes::{Aes128Enc, Aes256Enc};
#[cfg(portable)]
use aes_gcm::{Aes128Gcm, Aes256Gcm};
#[cfg(feature = "ctr-hmac")]
use ctr_hmac::CtrHmacKey;

#[cfg(feature = "short-tags")]
pub use short_tag::ShortTagKey;

use crate::{Cipher, Decrypt, Encrypt, FrameTooLong, INTERLEAVE, Unauthentic, suite::Aead};

/// AES-GCM's bound, which the CTR suites keep too: beyond 2^36 bytes the 32-bit block counter would wrap.
#[cfg(any(feature = "ctr-hmac", aws_lc))]
const MAX_PLAINTEXT_LEN: u64 = (1 << 36) - 32;

/// Which library does AES-GCM. All make the same bytes; all can be in one program.
///
/// None is the fastest everywhere. The default is ring where the build has it: of the native libraries it is
/// the smallest to build, runs on the most targets, and is the fastest on x86 without AVX-512, which is what
/// most people call from. A server does well to measure aws-lc-rs. AES-128-GCM in November 2026, times as
/// multiples of ring's:
///
/// | | `Portable` | `AwsLc` |
/// |---|---|---|
/// | Intel with AVX-512, 40 to 1,200 bytes | 1.4 to 2.3 | 0.8 to 1.1 |
/// | the same, 16 KiB | 2.4 to 2.5 | 0.6 to 0.7 |
/// | the same, AVX-512 hidden from aws-lc-rs | | 1.1 to 1.8 |
/// | AMD Zen 4 (AVX-512), 40 to 1,200 bytes | 1.6 to 2.9 | 0.9 to 1.3 |
/// | the same, 16 KiB | 3.1 to 3.5 | 0.7 to 0.9 |
/// | CPU time to build it | 5 s | 44 s (ring: 10 s) |
/// | size it adds to a program | 38 kB | 770 kB (ring: 56 kB) |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// RustCrypto's `aes-gcm`: pure Rust, on every target. A WebAssembly module that is compiled for 128-bit vectors, with
    /// feature `kernel` and without feature `portable`, does without.
    #[cfg(portable)]
    Portable,
    /// aws-lc-rs, with feature `aws-lc-rs`, on targets with an operating system. Needs a C compiler to build.
    #[cfg(aws_lc)]
    AwsLc,
    /// Our own kernel, with feature `kernel`, made for small frames and for batches; on a processor whose
    /// instructions it cannot use, as the default. In WebAssembly where the module is compiled for 128-bit vectors. Read what
    /// SECURITY.md says of it first.
    #[cfg(kernel)]
    Kernel,
    /// ring, with feature `ring`, on targets with an operating system. Needs a C compiler to build.
    #[cfg(ring)]
    Ring,
}

impl Backend {
    /// Every backend of this build, each once.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            #[cfg(portable)]
            Self::Portable,
            #[cfg(aws_lc)]
            Self::AwsLc,
            #[cfg(kernel)]
            Self::Kernel,
            #[cfg(ring)]
            Self::Ring,
        ]
        .into_iter()
    }
}

impl Backend {
    /// Bytes of the longest AES-GCM frame that gains from going together with others.
    pub(crate) fn longest_interleaved(self) -> Option<usize> {
        #[cfg(kernel)]
        if self == Self::Kernel {
            return sealframe_kernel::Isa::best()?.longest_interleaved();
        }
        None
    }
}

impl Default for Backend {
    /// ring, else aws-lc-rs, else the portable one, else the kernel.
    #[allow(unreachable_code, reason = "each that is there ends it")]
    fn default() -> Self {
        #[cfg(ring)]
        return Self::Ring;
        #[cfg(aws_lc)]
        return Self::AwsLc;
        #[cfg(portable)]
        return Self::Portable;
        #[cfg(kernel)]
        return Self::Kernel;
    }
}

/// An expanded key of any suite. Boxed, so that moving it leaves no copies behind.
#[allow(clippy::enum_variant_names, reason = "a build may have GCM alone")]
pub(crate) enum Key {
    #[cfg(ring)]
    RingGcm(Box<ring::GcmKey>),
    #[cfg(aws_lc)]
    AwsLcGcm(Box<aws_lc::GcmKey>),
    #[cfg(kernel)]
    KernelGcm(Box<sealframe_kernel::Key>),
    #[cfg(portable)]
    Aes128Gcm(Box<Aes128Gcm>),
    #[cfg(portable)]
    Aes256Gcm(Box<Aes256Gcm>),
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256(Box<CtrHmacKey<Aes128Enc, [u32; 8], 64>>),
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512(Box<CtrHmacKey<Aes256Enc, [u64; 8], 128>>),
}

impl Key {
    /// `key` is `Nk` bytes long.
    pub(crate) fn new(Cipher { suite, backend }: Cipher, key: &[u8]) -> Self {
        match (suite.aead(), backend) {
            #[cfg(ring)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::Ring) => Self::RingGcm(ring::GcmKey::new(key)),
            #[cfg(aws_lc)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::AwsLc) => {
                Self::AwsLcGcm(Box::new(aws_lc::GcmKey::new(key)))
            }
            #[cfg(kernel)]
            (Aead::Aes128Gcm | Aead::Aes256Gcm, Backend::Kernel) => {
                match sealframe_kernel::Key::new(key) {
                    Some(key) => Self::KernelGcm(key),
                    None => Self::new(Cipher { suite, backend: Backend::default() }, key),
                }
            }
            #[cfg(portable)]
            (Aead::Aes128Gcm, Backend::Portable) => Self::Aes128Gcm(portable::new(key)),
            #[cfg(portable)]
            (Aead::Aes256Gcm, Backend::Portable) => Self::Aes256Gcm(portable::new(key)),
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
            #[cfg(ring)]
            Self::RingGcm(key) => key.encrypt(nonce, aad, in_out, tag),
            #[cfg(aws_lc)]
            Self::AwsLcGcm(key) => key.encrypt(nonce, aad, in_out, tag),
            #[cfg(kernel)]
            Self::KernelGcm(key) => kernel::encrypt(key, nonce, aad, in_out, tag),
            #[cfg(portable)]
            Self::Aes128Gcm(key) => portable::encrypt(&**key, nonce, aad, in_out, tag),
            #[cfg(portable)]
            Self::Aes256Gcm(key) => portable::encrypt(&**key, nonce, aad, in_out, tag),
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256(key) => key.encrypt(nonce, aad, in_out, tag),
            #[cfg(feature = "ctr-hmac")]
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
            #[cfg(ring)]
            Self::RingGcm(key) => key.decrypt(nonce, aad, in_out, tag),
            #[cfg(aws_lc)]
            Self::AwsLcGcm(key) => key.decrypt(nonce, aad, in_out, tag),
            #[cfg(kernel)]
            Self::KernelGcm(key) => kernel::decrypt(key, nonce, aad, in_out, tag),
            #[cfg(portable)]
            Self::Aes128Gcm(key) => portable::decrypt(&**key, nonce, aad, in_out, tag),
            #[cfg(portable)]
            Self::Aes256Gcm(key) => portable::decrypt(&**key, nonce, aad, in_out, tag),
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256(key) => key.decrypt(nonce, aad, in_out, tag),
            #[cfg(feature = "ctr-hmac")]
            Self::Aes256CtrHmacSha512(key) => key.decrypt(nonce, aad, in_out, tag),
        }
    }

    /// As [`decrypt`](Self::decrypt), but what is refused is as it was.
    #[allow(unused_variables, clippy::ptr_arg, reason = "a build may have none that needs a scratch")]
    #[inline(always)] // see the crate's front page
    pub(crate) fn decrypt_or_restore(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        match self {
            // They decrypt while they hash, and zero what is wrong.
            #[cfg(ring)]
            Self::RingGcm(_) => self.decrypt_beside_copy(nonce, aad, in_out, tag, scratch),
            #[cfg(aws_lc)]
            Self::AwsLcGcm(_) => self.decrypt_beside_copy(nonce, aad, in_out, tag, scratch),
            #[cfg(kernel)]
            Self::KernelGcm(key) => kernel::decrypt_or_restore(key, nonce, aad, in_out, tag),
            // They check before they decrypt.
            #[cfg(portable)]
            Self::Aes128Gcm(_) | Self::Aes256Gcm(_) => self.decrypt(nonce, aad, in_out, tag),
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256(_) | Self::Aes256CtrHmacSha512(_) => {
                self.decrypt(nonce, aad, in_out, tag)
            }
        }
    }

    #[cfg(any(ring, aws_lc))]
    #[inline(always)] // see the crate's front page
    fn decrypt_beside_copy(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        scratch.clear();
        scratch.extend_from_slice(in_out);
        let opened = self.decrypt(nonce, aad, in_out, tag);
        if opened.is_err() {
            in_out.copy_from_slice(scratch);
        }
        opened
    }
}

/// Each frame as by [`Key::encrypt`].
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub(crate) fn encrypt_interleaved(
    frames: [Encrypt<'_>; INTERLEAVE],
) -> [Result<(), FrameTooLong>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Key::KernelGcm(a), Key::KernelGcm(b), Key::KernelGcm(c), Key::KernelGcm(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return kernel::encrypt_interleaved([a, b, c, d], frames);
    }
    frames.map(|Encrypt { key, ctr, aad, in_out, tag }| key.encrypt(ctr, aad, in_out, tag))
}

/// Each frame as by [`Key::decrypt`].
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub(crate) fn decrypt_interleaved(
    frames: [Decrypt<'_>; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Key::KernelGcm(a), Key::KernelGcm(b), Key::KernelGcm(c), Key::KernelGcm(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return kernel::decrypt_interleaved([a, b, c, d], frames);
    }
    frames.map(|Decrypt { key, ctr, aad, in_out, tag }| key.decrypt(ctr, aad, in_out, tag))
}
