//! AEADs by the library that suits the target. No other module names a backend.

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

use crate::{
    Cipher, Decrypt, Encrypt, FrameTooLong, INTERLEAVE, Interleaving, Unauthentic, suite::Aead,
};

/// AES-GCM's bound, which the CTR suites keep too: with more than 2^36 bytes the 32-bit block
/// counter would wrap.
#[cfg(any(feature = "ctr-hmac", aws_lc))]
const MAX_PLAINTEXT_LEN: u64 = (1 << 36) - 32;

/// Which library does AES-GCM. All make the same bytes; all can be in one program.
///
/// There is no default: a feature that another crate enables would change it. A caller names a
/// backend, or takes the one that this build recommends.
///
/// ```compile_fail
/// let chosen_by_features = sealframe_crypto::Backend::default();
/// ```
///
/// None is the fastest everywhere. [`recommended`](Self::recommended) is ring where the build has
/// it: of the native libraries it is the smallest to build, runs on the most targets, and is the
/// fastest on x86 without AVX-512, which most people call from. A server does well to measure
/// aws-lc-rs. AES-128-GCM in November 2026, times as multiples of ring's:
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
    /// RustCrypto's `aes-gcm`: pure Rust, on every target. Only a WebAssembly module that is
    /// compiled for 128-bit vectors, with feature `kernel` and without feature `portable`, leaves
    /// it out.
    #[cfg(portable)]
    Portable,
    /// aws-lc-rs, with feature `aws-lc-rs`, on targets with an operating system. Needs a C compiler
    /// to build.
    #[cfg(aws_lc)]
    AwsLc,
    /// Our own kernel, with feature `kernel`, made for small frames and for batches. On a processor
    /// without the instructions that it uses, [`Portable`](Self::Portable) takes over. In
    /// WebAssembly only where the module is compiled for 128-bit vectors. Read SECURITY.md's
    /// section on the kernel first.
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

    /// The fastest reviewed backend of this build: ring, else aws-lc-rs, else the portable one. Our
    /// own kernel, which has had no review from outside, only in a build without another backend.
    ///
    /// Which features the build has decides, those that other crates enable included. To depend on
    /// none of them, name a backend.
    #[must_use]
    #[allow(unreachable_code, reason = "each that is there ends it")]
    pub const fn recommended() -> Self {
        #[cfg(ring)]
        return Self::Ring;
        #[cfg(aws_lc)]
        return Self::AwsLc;
        #[cfg(portable)]
        return Self::Portable;
        #[cfg(kernel)]
        return Self::Kernel;
    }

    /// Bytes of the longest AES-GCM frame that batches interleave with others.
    #[cfg_attr(
        not(kernel),
        allow(clippy::missing_const_for_fn, unused_variables, reason = "no other interleaves")
    )]
    pub(crate) fn longest_interleaved(self, interleaving: Interleaving) -> Option<usize> {
        #[cfg(kernel)]
        if self == Self::Kernel {
            let isa = sealframe_kernel::Isa::best()?;
            let interleaves = match interleaving {
                Interleaving::ByProcessor => isa.gains_from_interleaving(),
                Interleaving::Always => true,
                Interleaving::Never => false,
            };
            return isa.longest_interleaved().filter(|_| interleaves);
        }
        None
    }
}

/// The operations of a library on a key that it has expanded.
pub(crate) trait ExpandedKey {
    /// Whether a frame that [`decrypt`](Self::decrypt) rejects is unchanged. Otherwise it is
    /// zeroed.
    const KEEPS_REJECTED: bool;

    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong>;

    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic>;

    /// As [`decrypt`](Self::decrypt), but a rejected frame is unchanged. Copies the ciphertext to
    /// `scratch` where a rejected frame would be zeroed.
    #[inline(always)] // see the crate's front page
    fn decrypt_or_restore(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        if Self::KEEPS_REJECTED {
            return self.decrypt(nonce, aad, in_out, tag);
        }
        scratch.clear();
        scratch.extend_from_slice(in_out);
        let opened = self.decrypt(nonce, aad, in_out, tag);
        if opened.is_err() {
            in_out.copy_from_slice(scratch);
        }
        opened
    }
}

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

/// Runs `$run` with the [`ExpandedKey`] of a [`Kind`]. The only list of kinds.
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

/// Each frame as by [`FrameKey::encrypt`](crate::FrameKey::encrypt).
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub(crate) fn encrypt_interleaved(
    frames: [Encrypt<'_>; INTERLEAVE],
) -> [Result<(), FrameTooLong>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Kind::Kernel(a), Kind::Kernel(b), Kind::Kernel(c), Kind::Kernel(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return kernel::encrypt_interleaved([a, b, c, d], frames);
    }
    frames.map(|Encrypt { key, ctr, aad, in_out, tag }| key.encrypt(ctr, aad, in_out, tag))
}

/// Each frame as by [`FrameKey::decrypt`](crate::FrameKey::decrypt).
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub(crate) fn decrypt_interleaved(
    frames: [Decrypt<'_>; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Kind::Kernel(a), Kind::Kernel(b), Kind::Kernel(c), Kind::Kernel(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return kernel::decrypt_interleaved([a, b, c, d], frames);
    }
    frames.map(|Decrypt { key, ctr, aad, in_out, tag }| key.decrypt(ctr, aad, in_out, tag))
}
