//! One block at a time: AES-NI and PCLMULQDQ, in their AVX encoding.

use core::arch::x86_64::*;

use crate::{
    partial_block,
    vector::{Vector, of_one_block},
};

/// One block.
#[derive(Clone, Copy)]
pub(crate) struct AesNi(pub(super) __m128i);

impl AesNi {
    #[inline(always)]
    pub(super) unsafe fn reversing() -> __m128i {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }
    }
}

impl Vector for AesNi {
    of_one_block!();

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_setzero_si128()) }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    unsafe fn splat(block: u128) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_set_epi64x((block >> 64) as i64, block as i64)) }
    }

    #[inline(always)]
    unsafe fn number(self) -> u128 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let (low, high) = (_mm_cvtsi128_si64(self.0), _mm_extract_epi64::<1>(self.0));
            u128::from(high as u64) << 64 | u128::from(low as u64)
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { Self(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { _mm_storeu_si128(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn keep(self, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and the window has room for every `len`.
        unsafe {
            const WINDOW: [u8; 32] = partial_block::ones_then_zeros();
            Self(_mm_and_si128(self.0, Self::load(WINDOW.as_ptr().add(16 - len)).0))
        }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_xor_si128(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn reverse(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_shuffle_epi8(self.0, Self::reversing())) }
    }

    #[inline(always)]
    unsafe fn count(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_clmulepi64_si128::<0x00>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_clmulepi64_si128::<0x10>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_clmulepi64_si128::<0x01>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_clmulepi64_si128::<0x11>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_halves(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_shuffle_epi32::<0x4e>(self.0)) }
    }

    #[inline(always)]
    unsafe fn begin(self, key: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.xor(key) }
    }

    #[inline(always)]
    unsafe fn round(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_aesenc_si128(self.0, after.0)) }
    }

    #[inline(always)]
    unsafe fn last(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm_aesenclast_si128(self.0, after.0)) }
    }
}
