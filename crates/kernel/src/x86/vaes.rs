//! Two blocks side by side: VAES and VPCLMULQDQ on 256-bit registers, without AVX-512.

use core::arch::x86_64::*;

use super::aes_ni::AesNi;
use crate::{partial_block, vector::Vector};

/// Two blocks.
#[derive(Clone, Copy)]
pub(crate) struct Vaes256(__m256i);

impl Vaes256 {
    #[inline(always)]
    unsafe fn from_halves(low: AesNi, high: AesNi) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low.0), high.0)) }
    }

    #[inline(always)]
    unsafe fn low(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { AesNi(_mm256_castsi256_si128(self.0)) }
    }

    #[inline(always)]
    unsafe fn high(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { AesNi(_mm256_extracti128_si256::<1>(self.0)) }
    }
}

impl Vector for Vaes256 {
    const LANES: usize = 2;
    type One = AesNi;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_setzero_si256()) }
    }

    #[inline(always)]
    unsafe fn splat(block: u128) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_broadcastsi128_si256(AesNi::splat(block).0)) }
    }

    #[inline(always)]
    unsafe fn lane_numbers() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_set_epi64x(0, 1, 0, 0)) }
    }

    #[inline(always)]
    unsafe fn first(block: AesNi) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_zextsi128_si256(block.0)) }
    }

    #[inline(always)]
    unsafe fn load_block(from: *const u8, len: usize) -> AesNi {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { AesNi::load_part(from, len) }
    }

    #[inline(always)]
    unsafe fn number(self) -> u128 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.low().number() }
    }

    #[inline(always)]
    unsafe fn lane_0(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.low() }
    }

    #[inline(always)]
    unsafe fn fold(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.low().xor(self.high()) }
    }

    #[inline(always)]
    unsafe fn gather(blocks: &[AesNi]) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::from_halves(blocks[0], blocks[1]) }
    }

    #[inline(always)]
    unsafe fn fold_each(vectors: &[Self]) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let (a, b) = (vectors[0].0, vectors[1].0);
            let low = _mm256_permute2x128_si256::<0x20>(a, b);
            Self(_mm256_xor_si256(low, _mm256_permute2x128_si256::<0x31>(a, b)))
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { Self(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn load_part(from: *const u8, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe {
            if len <= 16 {
                Self::first(AesNi::load_part(from, len))
            } else {
                Self::from_halves(AesNi::load(from), AesNi::load_part(from.add(16), len - 16))
            }
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut u8, len: usize) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe {
            if len <= 16 {
                self.low().store_part(to, len);
            } else {
                self.low().store(to);
                self.high().store_part(to.add(16), len - 16);
            }
        }
    }

    #[inline(always)]
    unsafe fn keep(self, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and the window has room for every `len`.
        unsafe {
            // Two windows into ones followed by zeros.
            const WINDOW: [u8; 64] = partial_block::ones_then_zeros();
            Self(_mm256_and_si256(self.0, Self::load(WINDOW.as_ptr().add(32 - len)).0))
        }
    }

    #[inline(always)]
    unsafe fn load_behind_first(from: *const u8, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { Self::from_halves(AesNi::zero(), AesNi::load_part(from, len)) }
    }

    #[inline(always)]
    unsafe fn store_behind_first(self, to: *mut u8, len: usize) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { self.high().store_part(to, len) }
    }

    #[inline(always)]
    unsafe fn keep_behind_first(self, len: usize) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self::from_halves(AesNi::zero(), self.high().keep(len)) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn reverse(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_shuffle_epi8(self.0, _mm256_broadcastsi128_si256(AesNi::reversing()))) }
    }

    #[inline(always)]
    unsafe fn count(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_clmulepi64_epi128::<0x00>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_clmulepi64_epi128::<0x10>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_clmulepi64_epi128::<0x01>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_clmulepi64_epi128::<0x11>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_halves(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_shuffle_epi32::<0x4e>(self.0)) }
    }

    #[inline(always)]
    unsafe fn begin(self, key: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.xor(key) }
    }

    #[inline(always)]
    unsafe fn round(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_aesenc_epi128(self.0, after.0)) }
    }

    #[inline(always)]
    unsafe fn last(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm256_aesenclast_epi128(self.0, after.0)) }
    }
}
