//! One block in a 128-bit vector.

use core::arch::wasm32::{
    i8x16, i8x16_shuffle, u8x16_shl, u8x16_shr, u8x16_splat, u32x4_replace_lane, u64x2,
    u64x2_extract_lane, v128, v128_and, v128_or, v128_xor,
};

use zeroize::{DefaultIsZeroes, Zeroize as _};

#[cfg(target_feature = "relaxed-simd")]
use core::arch::wasm32::i8x16_relaxed_swizzle;
#[cfg(not(target_feature = "relaxed-simd"))]
use core::arch::wasm32::i8x16_swizzle;

pub(super) const BLOCK: usize = 16;

/// 16 bytes, the first lowest.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Block(v128);

impl Block {
    pub(super) const ZERO: Self = Self(u64x2(0, 0));

    /// `bytes` are 16.
    #[inline(always)]
    pub(super) fn load(bytes: &[u8]) -> Self {
        bytes.first_chunk().map_or(Self::ZERO, |bytes| Self::from_u128(u128::from_le_bytes(*bytes)))
    }

    /// `bytes` are 16.
    #[inline(always)]
    pub(super) fn store(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_bytes());
    }

    /// Fewer than 16 bytes, and zeros.
    #[inline]
    pub(super) fn load_part(bytes: &[u8]) -> Self {
        let mut whole = [0; BLOCK];
        whole[..bytes.len()].copy_from_slice(bytes);
        Self::load(&whole)
    }

    #[inline(always)]
    pub(super) fn to_bytes(self) -> [u8; BLOCK] {
        self.to_u128().to_le_bytes()
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    pub(super) fn from_u128(value: u128) -> Self {
        Self(u64x2(value as u64, (value >> 64) as u64))
    }

    #[inline(always)]
    pub(super) fn to_u128(self) -> u128 {
        u128::from(u64x2_extract_lane::<0>(self.0)) | u128::from(u64x2_extract_lane::<1>(self.0)) << 64
    }

    /// Both halves as big-endian words.
    #[inline(always)]
    pub(super) fn words(self) -> [u64; 2] {
        let swapped =
            i8x16_shuffle::<7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8>(self.0, self.0);
        [u64x2_extract_lane::<0>(swapped), u64x2_extract_lane::<1>(swapped)]
    }

    /// [`words`](Self::words), the bits of each in reverse: half a byte at a time, by a table that
    /// lies in a register.
    #[inline(always)]
    pub(super) fn words_reversed(self) -> [u64; 2] {
        let nibbles = i8x16(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
        let [low, high] = self.nibbles().map(|half| Self(nibbles).look_up(half).0);
        let reversed = v128_or(u8x16_shl(low, 4), high);
        [u64x2_extract_lane::<0>(reversed), u64x2_extract_lane::<1>(reversed)]
    }

    #[inline(always)]
    pub(super) fn xor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }

    /// The low and the high half of each byte.
    #[inline(always)]
    pub(super) fn nibbles(self) -> [Self; 2] {
        [Self(v128_and(self.0, u8x16_splat(15))), Self(u8x16_shr(self.0, 4))]
    }

    /// The bytes of `self` at the places that `at` has; 0 where a place has its highest bit set. It
    /// is below 16 otherwise, so that the relaxed instruction does the same everywhere, and takes
    /// processors one step instead of two.
    #[inline(always)]
    pub(super) fn look_up(self, at: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        let found = i8x16_relaxed_swizzle(self.0, at.0);
        #[cfg(not(target_feature = "relaxed-simd"))]
        let found = i8x16_swizzle(self.0, at.0);
        Self(found)
    }
}

impl Block {
    /// Each byte `BY` bits lower.
    #[inline(always)]
    pub(super) fn down<const BY: u32>(self) -> Self {
        Self(u8x16_shr(self.0, BY))
    }

    /// Each byte `BY` bits higher.
    #[inline(always)]
    pub(super) fn up<const BY: u32>(self) -> Self {
        Self(u8x16_shl(self.0, BY))
    }

    /// The first eight bytes, each before one of the first eight of `other`.
    #[inline(always)]
    pub(super) fn between_low(self, other: Self) -> Self {
        Self(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(self.0, other.0))
    }

    /// The last eight.
    #[inline(always)]
    pub(super) fn between_high(self, other: Self) -> Self {
        Self(i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(
            self.0, other.0,
        ))
    }

    #[inline(never)]
    pub(super) fn wipe_all(blocks: &mut [Self]) {
        blocks.iter_mut().for_each(Self::wipe);
    }

    fn wipe(&mut self) {
        // SAFETY: as the `zeroize` crate does: a volatile write of a valid value to a valid place.
        unsafe { core::ptr::write_volatile(self, Self::ZERO) };
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }
}

/// Wipes numbers, out of line: that of an array is unrolled wherever it is asked for.
#[inline(never)]
pub(super) fn wipe<Z: DefaultIsZeroes>(numbers: &mut [Z]) {
    numbers.zeroize();
}

/// A frame's blocks of counters, from 1 on: `nonce ‖ counter`, big-endian.
pub(super) struct Counter {
    block: Block,
    next: u32,
}

impl Counter {
    pub(super) fn new(nonce: [u8; 12]) -> Self {
        Self { block: Block::load_part(&nonce), next: 1 }
    }

    #[inline(always)]
    pub(super) fn take(&mut self) -> Block {
        let block = Block(u32x4_replace_lane::<3>(self.block.0, self.next.swap_bytes()));
        self.next = self.next.wrapping_add(1);
        block
    }
}
