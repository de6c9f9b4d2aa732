//! One program, several processors: each form is compiled for its own instructions and chosen at run time.

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

use crate::{
    Frame,
    gcm::{Refused, WHOLE},
    schedule::Schedule,
};

/// Which instructions the kernel uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Form {
    /// x86-64, four blocks to a register: VAES, VPCLMULQDQ, AVX-512 (F, BW, VL), BMI2.
    #[cfg(target_arch = "x86_64")]
    Vaes512,
    /// x86-64, two blocks to a register: VAES, VPCLMULQDQ, AVX2, BMI2.
    #[cfg(target_arch = "x86_64")]
    Vaes256,
    /// x86-64, a block to a register: AES-NI, PCLMULQDQ, AVX.
    #[cfg(target_arch = "x86_64")]
    AesNi,
    /// AArch64, a block to a register: AES and PMULL.
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon,
}

impl Form {
    /// Every form for this kind of processor, the fastest first.
    pub const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Vaes512,
        #[cfg(target_arch = "x86_64")]
        Self::Vaes256,
        #[cfg(target_arch = "x86_64")]
        Self::AesNi,
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Self::Neon,
    ];

    /// Whether this very processor, and its operating system, has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && Self::Vaes256.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Vaes256 => {
                is_x86_feature_detected!("vaes")
                    && is_x86_feature_detected!("vpclmulqdq")
                    && is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi2")
                    && Self::AesNi.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => {
                is_x86_feature_detected!("aes")
                    && is_x86_feature_detected!("pclmulqdq")
                    && is_x86_feature_detected!("avx")
            }
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => std::arch::is_aarch64_feature_detected!("aes"),
        }
    }

    /// The fastest form that is available, if any is.
    #[must_use]
    pub fn best() -> Option<Self> {
        Self::ALL.iter().copied().find(|form| form.is_available())
    }

    /// Its functions for keys of 16 and of 32 bytes.
    pub(crate) const fn functions(self) -> &'static [Functions; 2] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes512 => &vaes512::FUNCTIONS,
            #[cfg(target_arch = "x86_64")]
            Self::Vaes256 => &vaes256::FUNCTIONS,
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => &aes_ni::FUNCTIONS,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => &neon::FUNCTIONS,
        }
    }
}

impl Form {
    /// Bytes of the longest frame that should go through [`seal_together`](crate::seal_together) and
    /// [`open_together`](crate::open_together): it is interleaved there, and four at once take less time than one
    /// after another.
    ///
    /// A processor that finds the next frame's instructions by itself has nothing to gain: on AMD's Zen 4 four 40-byte
    /// frames take as long either way, and collecting them costs more. On Intel's a prototype gained a factor of two.
    /// In a debug build it is always worth it, so that tests walk that way.
    #[must_use]
    pub fn longest_interleaved(self) -> Option<usize> {
        let longest = self.functions()[0].longest_together;
        (longest > 0 && (cfg!(debug_assertions) || is_intel())).then_some(longest)
    }
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    // Once: a virtual machine's host may have to answer.
    static IS_INTEL: LazyLock<bool> = LazyLock::new(|| {
        #[allow(unused_unsafe, reason = "safe since Rust 1.94")]
        // SAFETY: every x86-64 processor has the instruction.
        let vendor = unsafe { core::arch::x86_64::__cpuid(0) };
        [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
    });
    *IS_INTEL
}

#[cfg(not(target_arch = "x86_64"))]
const fn is_intel() -> bool {
    false
}

/// How many frames [`seal_together`](crate::seal_together) and [`open_together`](crate::open_together) take.
pub const TOGETHER: usize = 4;

/// What a form does for one length of key.
///
/// # Safety
/// Each may be called only where the form is available.
pub(crate) struct Functions {
    /// Bytes of the longest frame that is interleaved with others.
    pub(crate) longest_together: usize,
    pub(crate) expand: unsafe fn(&mut Schedule, &[u8]),
    /// GHASH of whole blocks.
    pub(crate) hash_aad: unsafe fn(&Schedule, &[u8]) -> u128,
    /// Returns the tag.
    pub(crate) seal: unsafe fn(&Frame<'_>) -> u128,
    /// Whether the frame is authentic by the bits of the tag that are given, `WHOLE` or `SHORT`. If it is not, it is as
    /// it was, or wiped if so wished.
    pub(crate) open: unsafe fn(&Frame<'_>, u128, u128, Refused) -> bool,
    pub(crate) seal_together: unsafe fn(&[Frame<'_>; TOGETHER], &mut [u128; TOGETHER]),
    pub(crate) open_together: unsafe fn(&[Frame<'_>; TOGETHER], &[u128; TOGETHER]) -> [bool; TOGETHER],
}

/// The functions of a form: everything inside is inlined into them and so compiled for their features.
///
/// `width` vectors are crypted at once: as many as hide the latency of AES. Frames of up to `together` vectors
/// are interleaved four at a time; longer ones fill the processor by themselves.
macro_rules! form {
    ($form:ident: $vector:ty, $features:literal, width $width:literal, together $together:literal) => {
        mod $form {
            use core::array::from_ref;

            use super::{Functions, Refused, TOGETHER, WHOLE};
            use crate::{Frame, frame_hash, gcm, passage, schedule::Schedule, vector::Vector};

            type V = $vector;

            pub(crate) static FUNCTIONS: [Functions; 2] = [functions::<10>(), functions::<14>()];

            const fn functions<const ROUNDS: usize>() -> Functions {
                Functions {
                    longest_together: gcm::longest::<V>($together),
                    expand: expand::<ROUNDS>,
                    hash_aad,
                    seal: seal::<ROUNDS>,
                    open: open::<ROUNDS>,
                    seal_together: seal_together::<ROUNDS>,
                    open_together: open_together::<ROUNDS>,
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn expand<const ROUNDS: usize>(schedule: &mut Schedule, key: &[u8]) {
                schedule.expand::<V, ROUNDS>(key)
            }

            #[cold]
            #[target_feature(enable = $features)]
            unsafe fn hash_aad(schedule: &Schedule, blocks: &[u8]) -> u128 {
                frame_hash::hash_aad::<<V as Vector>::One>(schedule, blocks)
            }

            #[target_feature(enable = $features)]
            unsafe fn seal<const ROUNDS: usize>(frame: &Frame<'_>) -> u128 {
                let vectors = gcm::vectors::<V>(frame.len);
                let mut tag = [0];
                with_constant!(vectors, $width, N => {
                    gcm::together::<V, ROUNDS, false, false, N, 1>(from_ref(frame), &mut tag, WHOLE);
                } else {
                    tag[0] = passage::long::<V, ROUNDS, false, $width>(frame);
                });
                tag[0]
            }

            #[target_feature(enable = $features)]
            unsafe fn open<const ROUNDS: usize>(
                frame: &Frame<'_>,
                tag: u128,
                given: u128,
                refused: Refused,
            ) -> bool {
                let vectors = gcm::vectors::<V>(frame.len);
                with_constant!(vectors, $width, N => {
                    gcm::together::<V, ROUNDS, true, false, N, 1>(from_ref(frame), &mut [tag], given)[0]
                } else {
                    let made = passage::long::<V, ROUNDS, true, $width>(frame);
                    let authentic = gcm::are_equal(made, tag, given);
                    if !authentic && refused == Refused::Wiped {
                        frame.wipe();
                    } else if !authentic {
                        // The same keystream once more: it is what came, and goes nowhere else.
                        passage::long::<V, ROUNDS, false, $width>(frame);
                    }
                    authentic
                })
            }

            #[target_feature(enable = $features)]
            unsafe fn seal_together<const ROUNDS: usize>(
                frames: &[Frame<'_>; TOGETHER],
                tags: &mut [u128; TOGETHER],
            ) {
                let vectors = gcm::most_vectors::<V>(frames);
                with_constant!(vectors, $together, N => {
                    gcm::together::<V, ROUNDS, false, true, N, TOGETHER>(frames, tags, WHOLE);
                } else {
                    for (frame, tag) in frames.iter().zip(tags) {
                        *tag = seal::<ROUNDS>(frame);
                    }
                });
            }

            #[target_feature(enable = $features)]
            unsafe fn open_together<const ROUNDS: usize>(
                frames: &[Frame<'_>; TOGETHER],
                tags: &[u128; TOGETHER],
            ) -> [bool; TOGETHER] {
                let vectors = gcm::most_vectors::<V>(frames);
                with_constant!(vectors, $together, N => {
                    gcm::together::<V, ROUNDS, true, true, N, TOGETHER>(frames, &mut { *tags }, WHOLE)
                } else {
                    let mut authentic = [false; TOGETHER];
                    for (i, authentic) in authentic.iter_mut().enumerate() {
                        *authentic = open::<ROUNDS>(&frames[i], tags[i], WHOLE, Refused::Wiped);
                    }
                    authentic
                })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
form!(vaes512: crate::x86::Vaes512,
    "avx512f,avx512bw,avx512vl,vaes,vpclmulqdq,avx2,bmi2,aes,pclmulqdq,avx", width 8, together 2);
#[cfg(target_arch = "x86_64")]
form!(vaes256: crate::x86::Vaes256,
    "vaes,vpclmulqdq,avx2,bmi2,aes,pclmulqdq,avx", width 8, together 0);
#[cfg(target_arch = "x86_64")]
form!(aes_ni: crate::x86::AesNi, "aes,pclmulqdq,avx", width 8, together 0);
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
form!(neon: crate::neon::Neon, "aes,neon", width 8, together 0);
