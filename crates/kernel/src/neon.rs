//! AArch64, one block at a time: the AES and PMULL instructions of Armv8's cryptographic extension.

#![allow(
    unknown_lints,
    inline_always_mismatching_target_features,
    reason = "what is inlined into an instruction set's vtable has their features, and all is inlined there"
)]

use core::arch::aarch64::*;

use crate::{
    partial_block,
    vector::{Vector, of_one_block},
};

/// One block.
#[derive(Clone, Copy)]
pub(crate) struct Neon(uint8x16_t);

impl Neon {
    #[inline(always)]
    unsafe fn low(self) -> u64 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { vgetq_lane_u64::<0>(vreinterpretq_u64_u8(self.0)) }
    }

    #[inline(always)]
    unsafe fn high(self) -> u64 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { vgetq_lane_u64::<1>(vreinterpretq_u64_u8(self.0)) }
    }

    #[inline(always)]
    unsafe fn product(a: u64, b: u64) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vreinterpretq_u8_p128(vmull_p64(a, b))) }
    }
}

impl Vector for Neon {
    of_one_block!();

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vdupq_n_u8(0)) }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    unsafe fn splat(block: u128) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let (low, high) = (vcreate_u64(block as u64), vcreate_u64((block >> 64) as u64));
            Self(vreinterpretq_u8_u64(vcombine_u64(low, high)))
        }
    }

    #[inline(always)]
    unsafe fn number(self) -> u128 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { u128::from(self.high()) << 64 | u128::from(self.low()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { Self(vld1q_u8(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { vst1q_u8(to, self.0) }
    }

    #[inline(always)]
    unsafe fn keep(self, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and the window has room for every `len`.
        unsafe {
            const WINDOW: [u8; 32] = partial_block::ones_then_zeros();
            Self(vandq_u8(self.0, vld1q_u8(WINDOW.as_ptr().add(16 - len))))
        }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(veorq_u8(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn reverse(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vrev64q_u8(self.0)).swap_halves() }
    }

    #[inline(always)]
    unsafe fn count(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let sum = vaddq_u32(vreinterpretq_u32_u8(self.0), vreinterpretq_u32_u8(other.0));
            Self(vreinterpretq_u8_u32(sum))
        }
    }

    #[inline(always)]
    unsafe fn low_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::product(self.low(), other.low()) }
    }

    #[inline(always)]
    unsafe fn low_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::product(self.low(), other.high()) }
    }

    #[inline(always)]
    unsafe fn high_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::product(self.high(), other.low()) }
    }

    #[inline(always)]
    unsafe fn high_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::product(self.high(), other.high()) }
    }

    #[inline(always)]
    unsafe fn swap_halves(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vextq_u8::<8>(self.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn begin(self, _key: Self) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn round(self, before: Self, _after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vaesmcq_u8(vaeseq_u8(self.0, before.0))) }
    }

    #[inline(always)]
    unsafe fn last(self, before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(vaeseq_u8(self.0, before.0)).xor(after) }
    }
}
