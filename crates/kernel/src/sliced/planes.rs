//! Eight blocks as eight planes of bits: plane `i` holds bit `i` of every byte, in bit `j` of a byte that of block `j`.
//! What is done to a plane is done to one bit of 128 bytes.

use core::arch::wasm32::{
    i8x16, i8x16_shuffle, i8x16_swizzle, u8x16_shl, u8x16_shr, u8x16_splat, u64x2, u64x2_extract_lane,
    u64x2_shl, u64x2_shr, v128, v128_and, v128_or, v128_xor,
};

pub(super) const BLOCK: usize = 16;

/// Blocks that are worked on together.
pub(super) const BATCH: usize = 8;

/// One block, or one plane.
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

    /// [`words`](Self::words), the bits of each in reverse: half a byte at a time, by a table that lies in a register.
    #[inline(always)]
    pub(super) fn words_reversed(self) -> [u64; 2] {
        let nibbles = i8x16(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
        let low = i8x16_swizzle(nibbles, v128_and(self.0, u8x16_splat(15)));
        let high = i8x16_swizzle(nibbles, u8x16_shr(self.0, 4));
        let reversed = v128_or(u8x16_shl(low, 4), high);
        [u64x2_extract_lane::<0>(reversed), u64x2_extract_lane::<1>(reversed)]
    }

    /// `nonce ‖ counter`, big-endian.
    #[inline(always)]
    pub(super) fn counter(nonce: [u8; 12], counter: u32) -> Self {
        let mut block = [0; BLOCK];
        block[..12].copy_from_slice(&nonce);
        block[12..].copy_from_slice(&counter.to_be_bytes());
        Self::load(&block)
    }

    /// All bytes the same.
    #[inline(always)]
    pub(super) fn splat(byte: u8) -> Self {
        Self(u8x16_splat(byte))
    }

    #[inline(always)]
    pub(super) fn xor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }

    #[inline(always)]
    pub(super) fn and(self, other: Self) -> Self {
        Self(v128_and(self.0, other.0))
    }

    /// The state's rows turned by 0 to 3 columns (FIPS 197 §5.1.2). Bytes lie column by column.
    #[inline(always)]
    pub(super) fn shift_rows(self) -> Self {
        Self(i8x16_shuffle::<0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11>(self.0, self.0))
    }

    /// In every column, the byte below.
    #[inline(always)]
    pub(super) fn row_below(self) -> Self {
        Self(i8x16_shuffle::<1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12>(self.0, self.0))
    }

    /// In every column, the byte two below.
    #[inline(always)]
    pub(super) fn two_rows_below(self) -> Self {
        Self(i8x16_shuffle::<2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13>(self.0, self.0))
    }
}

/// Turns eight blocks into planes, and planes into blocks: in every byte place, an 8 by 8 matrix of bits is transposed.
#[inline(always)]
pub(super) fn transpose(blocks: &mut [Block; BATCH]) {
    swap_bits::<1>(blocks, 0x55);
    swap_bits::<2>(blocks, 0x33);
    swap_bits::<4>(blocks, 0x0f);
}

/// Swaps, between blocks `BY` apart, the upper bits of one with the lower bits of the other. `mask` holds the lower ones, so
/// that what a shift carries over from the next byte falls away.
#[inline(always)]
fn swap_bits<const BY: u32>(blocks: &mut [Block; BATCH], mask: u8) {
    let mask = Block::splat(mask);
    for low in 0..BATCH {
        if low & BY as usize != 0 {
            continue;
        }
        let high = low + BY as usize;
        let (a, b) = (blocks[low], blocks[high]);
        let differ = Block(u64x2_shr(a.0, BY)).xor(b).and(mask);
        blocks[high] = b.xor(differ);
        blocks[low] = a.xor(Block(u64x2_shl(differ.0, BY)));
    }
}
