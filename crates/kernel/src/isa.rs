//! One program, several processors: each instruction set is compiled for its own instructions and
//! chosen at run time.

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

use crate::frame::Vtable;

/// Which instructions the kernel uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Isa {
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

impl Isa {
    /// Every instruction set for this kind of processor, the fastest first.
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

    /// The fastest instruction set that is available, if any is.
    #[must_use]
    pub fn best() -> Option<Self> {
        Self::ALL.iter().copied().find(|isa| isa.is_available())
    }

    /// Proof that this processor has the instructions, if it has.
    pub(crate) fn detect(self) -> Option<DetectedIsa> {
        self.is_available().then_some(DetectedIsa(self))
    }

    /// The tables for keys of 16 and of 32 bytes. Their functions need a [`DetectedIsa`].
    const fn vtables(self) -> &'static [Vtable; 2] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vaes512 => &vaes512::VTABLES,
            #[cfg(target_arch = "x86_64")]
            Self::Vaes256 => &vaes256::VTABLES,
            #[cfg(target_arch = "x86_64")]
            Self::AesNi => &aes_ni::VTABLES,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Self::Neon => &neon::VTABLES,
        }
    }
}

/// An instruction set that this processor has. Only [`Isa::detect`] makes one, and functions for an
/// instruction set are found only through one, so whoever holds such a function may call it.
#[derive(Clone, Copy)]
pub(crate) struct DetectedIsa(Isa);

impl DetectedIsa {
    /// The tables for keys of 16 and of 32 bytes.
    pub(crate) const fn vtables(self) -> &'static [Vtable; 2] {
        self.0.vtables()
    }
}

impl Isa {
    /// Bytes of the longest frame that [`seal_interleaved`](crate::seal_interleaved) and
    /// [`open_interleaved`](crate::open_interleaved) interleave. `None` if they interleave none.
    #[must_use]
    pub const fn longest_interleaved(self) -> Option<usize> {
        match self.vtables()[0].longest_interleaved {
            0 => None,
            longest => Some(longest),
        }
    }

    /// Whether four short frames take less time interleaved than one after another.
    ///
    /// A processor that finds the next frame's instructions itself gains nothing: on AMD's Zen 4
    /// four 40-byte frames take as long either way, and collecting them costs more. On Intel's
    /// processors a prototype gained a factor of two.
    #[must_use]
    pub fn gains_from_interleaving(self) -> bool {
        self.longest_interleaved().is_some() && is_intel()
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

/// The vtable of an instruction set: everything inside is inlined into them and so compiled for
/// their features.
///
/// `width` vectors are crypted at once: as many as hide the latency of AES. Frames of up to
/// `interleaved` vectors are interleaved four at a time; longer ones fill the processor by
/// themselves.
macro_rules! isa {
    ($isa:ident: $vector:ty, $features:literal, width $width:literal, interleaved $interleaved:literal) => {
        mod $isa {
            use core::array::from_ref;

            use crate::{
                expanded_key::ExpandedKey,
                frame::{FULL_TAG, Frame, INTERLEAVE, OnReject, Vtable},
                frame_hash, gcm, long_frame,
                vector::Vector,
            };

            type V = $vector;

            pub(crate) static VTABLES: [Vtable; 2] = [vtable::<10>(), vtable::<14>()];

            const fn vtable<const ROUNDS: usize>() -> Vtable {
                Vtable {
                    longest_interleaved: gcm::longest::<V>($interleaved),
                    expand: expand::<ROUNDS>,
                    hash_aad,
                    seal: seal::<ROUNDS>,
                    open: open::<ROUNDS>,
                    seal_interleaved: seal_interleaved::<ROUNDS>,
                    open_interleaved: open_interleaved::<ROUNDS>,
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn expand<const ROUNDS: usize>(expanded_key: &mut ExpandedKey, key: &[u8]) {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    expanded_key.expand::<V, ROUNDS>(key)
                }
            }

            #[cold]
            #[target_feature(enable = $features)]
            unsafe fn hash_aad(expanded_key: &ExpandedKey, blocks: &[u8]) -> u128 {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    frame_hash::hash_aad::<<V as Vector>::One>(expanded_key, blocks)
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn seal<const ROUNDS: usize>(frame: &Frame<'_>) -> u128 {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    let vectors = gcm::vectors::<V>(frame.len);
                    let mut tag = [0];
                    with_constant!(vectors, $width, N => {
                        gcm::crypt_short::<V, ROUNDS, false, false, N, 1>(from_ref(frame), &mut tag, FULL_TAG);
                    } else {
                        tag[0] = long_frame::crypt_long::<V, ROUNDS, false, $width>(frame);
                    });
                    tag[0]
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn open<const ROUNDS: usize>(
                frame: &Frame<'_>,
                tag: u128,
                tag_mask: u128,
                on_reject: OnReject,
            ) -> bool {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    let vectors = gcm::vectors::<V>(frame.len);
                    with_constant!(vectors, $width, N => {
                        gcm::crypt_short::<V, ROUNDS, true, false, N, 1>(from_ref(frame), &mut [tag], tag_mask)[0]
                    } else {
                        let made = long_frame::crypt_long::<V, ROUNDS, true, $width>(frame);
                        let authentic = gcm::are_equal(made, tag, tag_mask);
                        if !authentic && on_reject == OnReject::Wipe {
                            frame.wipe();
                        } else if !authentic {
                            // The same keystream again: it restores the ciphertext, which is all
                            // that it is used for.
                            long_frame::crypt_long::<V, ROUNDS, false, $width>(frame);
                        }
                        authentic
                    })
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn seal_interleaved<const ROUNDS: usize>(
                frames: &[Frame<'_>; INTERLEAVE],
                tags: &mut [u128; INTERLEAVE],
            ) {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    let vectors = gcm::most_vectors::<V>(frames);
                    with_constant!(vectors, $interleaved, N => {
                        gcm::crypt_short::<V, ROUNDS, false, true, N, INTERLEAVE>(frames, tags, FULL_TAG);
                    } else {
                        for (frame, tag) in frames.iter().zip(tags) {
                            *tag = seal::<ROUNDS>(frame);
                        }
                    });
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn open_interleaved<const ROUNDS: usize>(
                frames: &[Frame<'_>; INTERLEAVE],
                tags: &[u128; INTERLEAVE],
            ) -> [bool; INTERLEAVE] {
                // SAFETY: this function is compiled for, and called with, the features of `V`; the
                // caller's frames are borrowed, `len` bytes each.
                unsafe {
                    let vectors = gcm::most_vectors::<V>(frames);
                    with_constant!(vectors, $interleaved, N => {
                        gcm::crypt_short::<V, ROUNDS, true, true, N, INTERLEAVE>(frames, &mut { *tags }, FULL_TAG)
                    } else {
                        let mut authentic = [false; INTERLEAVE];
                        for (i, authentic) in authentic.iter_mut().enumerate() {
                            *authentic = open::<ROUNDS>(&frames[i], tags[i], FULL_TAG, OnReject::Wipe);
                        }
                        authentic
                    })
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
isa!(vaes512: crate::x86::Vaes512,
    "avx512f,avx512bw,avx512vl,vaes,vpclmulqdq,avx2,bmi2,aes,pclmulqdq,avx", width 8, interleaved 2);
#[cfg(target_arch = "x86_64")]
isa!(vaes256: crate::x86::Vaes256,
    "vaes,vpclmulqdq,avx2,bmi2,aes,pclmulqdq,avx", width 8, interleaved 0);
#[cfg(target_arch = "x86_64")]
isa!(aes_ni: crate::x86::AesNi, "aes,pclmulqdq,avx", width 8, interleaved 0);
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
isa!(neon: crate::neon::Neon, "aes,neon", width 8, interleaved 0);
