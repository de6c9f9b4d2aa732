//! Four blocks side by side: VAES and VPCLMULQDQ on 512-bit registers. Ends of frames are masked.

use core::arch::x86_64::*;

use super::aes_ni::AesNi;
use crate::vector::Vector;

/// Four blocks.
#[derive(Clone, Copy)]
pub(crate) struct Vaes512(__m512i);

/// The lowest `n <= 64` bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "at most 64")]
unsafe fn ones(n: usize) -> u64 {
    // SAFETY: the caller has checked that the processor has these instructions.
    unsafe { _bzhi_u64(!0, n as u32) }
}

impl Vector for Vaes512 {
    const LANES: usize = 4;
    type One = AesNi;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_setzero_si512()) }
    }

    #[inline(always)]
    unsafe fn splat(block: u128) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_broadcast_i32x4(AesNi::splat(block).0)) }
    }

    #[inline(always)]
    unsafe fn lane_numbers() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0)) }
    }

    #[inline(always)]
    unsafe fn first(block: AesNi) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_zextsi128_si512(block.0)) }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 bits are set")]
    unsafe fn load_block(from: *const u8, len: usize) -> AesNi {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { AesNi(_mm_maskz_loadu_epi8(ones(len) as u16, from.cast())) }
    }

    #[inline(always)]
    unsafe fn number(self) -> u128 {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.lane_0().number() }
    }

    #[inline(always)]
    unsafe fn lane_0(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { AesNi(_mm512_castsi512_si128(self.0)) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> AesNi {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let low = _mm512_castsi512_si256(self.0);
            let half = _mm256_xor_si256(low, _mm512_extracti64x4_epi64::<1>(self.0));
            AesNi(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half)))
        }
    }

    #[inline(always)]
    unsafe fn gather(blocks: &[AesNi]) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let low = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(blocks[0].0), blocks[1].0);
            let high = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(blocks[2].0), blocks[3].0);
            Self(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
        }
    }

    #[inline(always)]
    unsafe fn fold_each(vectors: &[Self]) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            // Lanes of the first: a0 + a2, a1 + a3, b0 + b2, b1 + b3; then pairs of those.
            #[inline(always)]
            unsafe fn halves(a: __m512i, b: __m512i) -> __m512i {
                // SAFETY: the caller has checked that the processor has these instructions.
                unsafe {
                    _mm512_xor_si512(
                        _mm512_shuffle_i64x2::<0x44>(a, b),
                        _mm512_shuffle_i64x2::<0xee>(a, b),
                    )
                }
            }
            let (a, b) = (halves(vectors[0].0, vectors[1].0), halves(vectors[2].0, vectors[3].0));
            let (even, odd) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0xdd>(a, b));
            Self(_mm512_xor_si512(even, odd))
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { Self(_mm512_loadu_si512(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for a whole
        // vector.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn load_part(from: *const u8, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { Self(_mm512_maskz_loadu_epi8(ones(len), from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut u8, len: usize) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { _mm512_mask_storeu_epi8(to.cast(), ones(len), self.0) }
    }

    #[inline(always)]
    unsafe fn keep(self, len: usize) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_maskz_mov_epi8(ones(len), self.0)) }
    }

    #[inline(always)]
    unsafe fn load_behind_first(from: *const u8, len: usize) -> Self {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe {
            // The 16 bytes in front are masked out, so they are not read.
            Self(_mm512_maskz_loadu_epi8(ones(len) << 16, from.wrapping_sub(16).cast()))
        }
    }

    #[inline(always)]
    unsafe fn store_behind_first(self, to: *mut u8, len: usize) {
        // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
        unsafe { _mm512_mask_storeu_epi8(to.wrapping_sub(16).cast(), ones(len) << 16, self.0) }
    }

    #[inline(always)]
    unsafe fn keep_behind_first(self, len: usize) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_maskz_mov_epi8(ones(len) << 16, self.0)) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn reverse(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_shuffle_epi8(self.0, _mm512_broadcast_i32x4(AesNi::reversing()))) }
    }

    #[inline(always)]
    unsafe fn count(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_clmulepi64_epi128::<0x00>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn low_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_clmulepi64_epi128::<0x10>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_low(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_clmulepi64_epi128::<0x01>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn high_high(self, other: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_clmulepi64_epi128::<0x11>(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_halves(self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_shuffle_epi32::<0x4e>(self.0)) }
    }

    #[inline(always)]
    unsafe fn begin(self, key: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { self.xor(key) }
    }

    #[inline(always)]
    unsafe fn round(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_aesenc_epi128(self.0, after.0)) }
    }

    #[inline(always)]
    unsafe fn last(self, _before: Self, after: Self) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self(_mm512_aesenclast_epi128(self.0, after.0)) }
    }
}
