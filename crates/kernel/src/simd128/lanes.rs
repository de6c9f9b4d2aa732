//! Sixteen blocks of a hash at once, multiplied by look-ups.
//!
//! The bytes are transposed: one vector has the first bytes of all blocks, another their second
//! bytes. Every block is multiplied by the same element, `H^16`, so half a byte of each finds its
//! part of the product in one table of 16 bytes for each byte of the product. Tables that lie in
//! registers are looked up without revealing where.

use core::hint::black_box;

use super::block::{BLOCK, Block, wipe};

/// As many blocks as a vector has bytes.
pub(super) const LANES: usize = 16;

/// Bytes of the product of half a byte and an element.
const PRODUCT: usize = BLOCK + 1;

/// The products of one element with every half byte: for each byte of the product, by half byte.
/// Wiped by its owner.
pub(super) struct Products {
    upper: [Block; PRODUCT],
    lower: [Block; PRODUCT],
}

impl Products {
    pub(super) const fn empty() -> Self {
        Self { upper: [Block::ZERO; PRODUCT], lower: [Block::ZERO; PRODUCT] }
    }

    /// Makes those of `element`, big-endian as all of GHASH: its first bit is the highest, and
    /// times `x` is a step down.
    #[expect(clippy::cast_possible_truncation, reason = "the last byte is what is wanted")]
    pub(super) fn set(&mut self, element: Block) {
        let element = u128::from_be_bytes(element.to_bytes());
        // Not unrolled: keys are made rarely, and unrolled loops would take kilobytes.
        for (rows, down) in [(&mut self.upper, 0), (&mut self.lower, 4)] {
            let mut products = [[0_u8; PRODUCT]; LANES];
            for half in 0..black_box(LANES) {
                // Times the half byte 8, which is its first bit alone, then 4, 2 and 1.
                let (mut whole, mut last) = (0, 0);
                for bit in 0..4 {
                    if half & (8 >> bit) != 0 {
                        let by = down + bit;
                        whole ^= element >> by;
                        last ^= ((element as u16) << (8 - by)) as u8;
                    }
                }
                products[half][..BLOCK].copy_from_slice(&whole.to_be_bytes());
                products[half][BLOCK] = last;
            }
            for place in 0..black_box(PRODUCT) {
                let mut bytes = [0; LANES];
                for half in 0..black_box(LANES) {
                    bytes[half] = products[half][place];
                }
                rows[place] = Block::load(&bytes);
                wipe(&mut bytes);
            }
            wipe(products.as_flattened_mut());
        }
    }

    pub(super) fn zeroize(&mut self) {
        Block::wipe_all(&mut self.upper);
        Block::wipe_all(&mut self.lower);
    }
}

/// Sixteen blocks, transposed.
pub(super) struct Lanes([Block; BLOCK]);

impl Lanes {
    pub(super) fn from_blocks(blocks: [Block; LANES]) -> Self {
        Self(turned(blocks))
    }

    pub(super) fn blocks(self) -> [Block; LANES] {
        turned(self.0)
    }

    #[inline(always)]
    pub(super) fn add(&mut self, other: &Self) {
        for (byte, other) in self.0.iter_mut().zip(&other.0) {
            *byte = byte.xor(*other);
        }
    }

    /// Multiplies each by the element, modulo `x^128 + x^7 + x^2 + x + 1`.
    #[inline(always)]
    pub(super) fn multiply(&mut self, by: &Products) {
        let mut product = [Block::ZERO; 2 * BLOCK];
        for (place, byte) in self.0.iter().enumerate() {
            let [lower, upper] = byte.nibbles();
            let to = product[place..place + PRODUCT].iter_mut();
            for ((to, of_upper), of_lower) in to.zip(&by.upper).zip(&by.lower) {
                *to = to.xor(of_upper.look_up(upper)).xor(of_lower.look_up(lower));
            }
        }
        // From the last one down, as it reaches into the first of those that are folded.
        for place in (BLOCK..2 * BLOCK).rev() {
            let byte = product[place];
            let here = byte.xor(byte.down::<1>()).xor(byte.down::<2>()).xor(byte.down::<7>());
            let next = byte.up::<7>().xor(byte.up::<6>()).xor(byte.up::<1>());
            product[place - BLOCK] = product[place - BLOCK].xor(here);
            product[place - BLOCK + 1] = product[place - BLOCK + 1].xor(next);
        }
        self.0.copy_from_slice(&product[..BLOCK]);
    }
}

/// Transposes rows and columns. Each of four times, the bytes of one half of the vectors go between
/// those of the other.
#[inline(always)]
fn turned(mut rows: [Block; BLOCK]) -> [Block; BLOCK] {
    for _ in 0..4 {
        rows = core::array::from_fn(|at| {
            let (one, other) = (rows[at / 2], rows[at / 2 + BLOCK / 2]);
            if at % 2 == 0 { one.between_low(other) } else { one.between_high(other) }
        });
    }
    rows
}
