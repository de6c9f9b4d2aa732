//! GHASH (NIST SP 800-38D §6.4): in rows of blocks, multiplied in 64-bit words. Long input goes
//! through `lanes` first.
//!
//! A product of polynomials over GF(2) is made of integer products: with every fourth bit kept and
//! three zeros between, the carries of a sum of up to 16 bits stay in the holes. Sixteen such
//! products, of four parts of one word with four of the other, give the low half of the whole; the
//! high half is the low half of the reversed words' product, reversed. Source of the method: T.
//! Pornin, "BearSSL: constant-time multiplication", <https://www.bearssl.org/constanttime.html>.
//!
//! Products of several blocks with powers of H are added with their carries, since addition is
//! bitwise and the bits in the holes are dropped at the end; the sum is reduced once.

use super::{
    block::{BLOCK, Block, wipe},
    lanes::{LANES, Lanes, Products},
};

/// This many blocks are multiplied by as many powers of H and reduced together.
const ROW: usize = 4;

/// Every fourth bit, from each of the four first.
const HOLES: [u64; 4] =
    [0x1111_1111_1111_1111, 0x2222_2222_2222_2222, 0x4444_4444_4444_4444, 0x8888_8888_8888_8888];

/// A word in four parts with holes.
type Parts = [u64; 4];

/// What Karatsuba's method multiplies of an element: low word, high word and their sum, and all
/// three reversed.
const WORDS: usize = 6;

/// The multipliers of a hash. Wiped by its owner.
pub(super) struct Powers {
    /// `H^4` to `H^1`, for each of the six words.
    row: [[Parts; ROW]; WORDS],
    /// `H^16`
    lanes: Products,
}

/// From this many blocks on they are hashed in lanes, which leaves sixteen blocks to be hashed in
/// rows.
const LEAST_FOR_LANES: usize = 2 * LANES;

/// A polynomial of degree below 128: GHASH's first bit is the highest of `high`.
#[derive(Clone, Copy)]
struct Element {
    high: u64,
    low: u64,
}

impl Element {
    const ZERO: Self = Self { high: 0, low: 0 };

    #[inline(always)]
    fn to_block(self) -> Block {
        Block::from_u128((u128::from(self.high) << 64 | u128::from(self.low)).swap_bytes())
    }
}

/// The six words of a block.
#[inline(always)]
fn words(block: Block) -> [u64; WORDS] {
    let [high, low] = block.words();
    let [high_reversed, low_reversed] = block.words_reversed();
    [low, high, low ^ high, low_reversed, high_reversed, low_reversed ^ high_reversed]
}

#[inline(always)]
fn parts(word: u64) -> Parts {
    HOLES.map(|holes| word & holes)
}

/// The sum of products of words, their holes full of carries, without the carries.
#[inline(always)]
fn sum_of_products(row: &[u64; ROW], powers: &[Parts; ROW]) -> u64 {
    // Four sums, and the parts of one word, fit into the available registers.
    let mut sums = [0; 4];
    for (word, [h0, h1, h2, h3]) in row.iter().zip(powers) {
        let [x0, x1, x2, x3] = parts(*word);
        let times = u64::wrapping_mul;
        sums[0] ^= times(x0, *h0) ^ times(x1, *h3) ^ times(x2, *h2) ^ times(x3, *h1);
        sums[1] ^= times(x0, *h1) ^ times(x1, *h0) ^ times(x2, *h3) ^ times(x3, *h2);
        sums[2] ^= times(x0, *h2) ^ times(x1, *h1) ^ times(x2, *h0) ^ times(x3, *h3);
        sums[3] ^= times(x0, *h3) ^ times(x1, *h2) ^ times(x2, *h1) ^ times(x3, *h0);
    }
    sums[0] & HOLES[0] | sums[1] & HOLES[1] | sums[2] & HOLES[2] | sums[3] & HOLES[3]
}

/// The sum of four blocks times `H^4` to `H^1`, modulo `x^128 + x^7 + x^2 + x + 1`.
#[inline(always)]
fn multiply(row: [Block; ROW], powers: &[[Parts; ROW]; WORDS]) -> Element {
    let [a, b, c, d] = row.map(words);
    let mut sums = [0; WORDS];
    for (word, sum) in sums.iter_mut().enumerate() {
        *sum = sum_of_products(&[a[word], b[word], c[word], d[word]], &powers[word]);
    }
    let [low, high, middle, low_reversed, high_reversed, middle_reversed] = sums;
    let middle = middle ^ low ^ high;
    let middle_reversed = middle_reversed ^ low_reversed ^ high_reversed;
    // The high half of a product of 64-bit words has 63 bits.
    let upper = |reversed: u64| reversed.reverse_bits() >> 1;
    let w0 = low;
    let w1 = upper(low_reversed) ^ middle;
    let w2 = high ^ upper(middle_reversed);
    let w3 = upper(high_reversed);
    // The product of reversed polynomials is the reversed product, one bit too far to the right.
    let (w0, w1, w2, w3) = (w0 << 1, w1 << 1 | w0 >> 63, w2 << 1 | w1 >> 63, w3 << 1 | w2 >> 63);
    let (w2, w1) = (w2 ^ fold(w0), w1 ^ carry(w0));
    let (w3, w2) = (w3 ^ fold(w1), w2 ^ carry(w1));
    Element { high: w3, low: w2 }
}

/// The contribution of a word to the word two places up, as `x^128` is `x^7 + x^2 + x + 1`.
#[inline(always)]
const fn fold(word: u64) -> u64 {
    word ^ word >> 1 ^ word >> 2 ^ word >> 7
}

/// And what of that falls into the word between.
#[inline(always)]
const fn carry(word: u64) -> u64 {
    word << 63 ^ word << 62 ^ word << 57
}

impl Powers {
    pub(super) const fn empty() -> Self {
        Self { row: [[[0; 4]; ROW]; WORDS], lanes: Products::empty() }
    }

    /// Makes the powers of `h`.
    pub(super) fn raise(&mut self, h: Block) {
        let mut power = h;
        for place in (0..ROW).rev() {
            for (word, of_word) in words(power).into_iter().zip(&mut self.row) {
                of_word[place] = parts(word);
            }
            // H itself is in the last place now.
            power = self.times(1, power);
        }
        // 5 and 4 and 4 and 3 are 16.
        for exponent in [4, 4, 3] {
            power = self.times(exponent, power);
        }
        self.lanes.set(power);
    }

    /// The product of a block with this power of H: the hash of the block and zeros after it.
    fn times(&self, exponent: usize, block: Block) -> Block {
        let mut bytes = [0; ROW * BLOCK];
        block.store(&mut bytes[..BLOCK]);
        let product = self.hash_in_rows(exponent, Blocks::alone(&bytes[..exponent * BLOCK]));
        wipe(&mut bytes);
        product
    }

    /// The hash of AAD and ciphertext, each filled up with zeros, and their lengths.
    pub(super) fn hash(&self, aad: &[u8], data: &[u8]) -> Block {
        let count = aad.len().div_ceil(BLOCK) + data.len().div_ceil(BLOCK) + 1;
        let mut blocks = Blocks::new(aad, data);
        if count < LEAST_FOR_LANES {
            return self.hash_in_rows(count, blocks);
        }
        // The lanes hold the hash of everything before.
        let mut lanes = Lanes::from_blocks(blocks.take_with_zeros(count));
        for _ in 1..count.div_ceil(LANES) {
            lanes.multiply(&self.lanes);
            lanes.add(&Lanes::from_blocks(blocks.take_lanes()));
        }
        let mut bytes = [0; LANES * BLOCK];
        for (block, bytes) in lanes.blocks().into_iter().zip(bytes.chunks_exact_mut(BLOCK)) {
            block.store(bytes);
        }
        self.hash_in_rows(LANES, Blocks::alone(&bytes))
    }

    /// The hash of `count` blocks. Not inlined, because each copy would add kilobytes to a module.
    #[inline(never)]
    fn hash_in_rows(&self, count: usize, mut blocks: Blocks<'_>) -> Block {
        // The first row is filled up with leading zeros, which do not change the hash.
        let mut missing = count.next_multiple_of(ROW) - count;
        let mut hash = Element::ZERO;
        for _ in 0..count.div_ceil(ROW) {
            let mut row = [Block::ZERO; ROW];
            for place in &mut row[missing..] {
                *place = blocks.next().unwrap_or(Block::ZERO);
            }
            missing = 0;
            row[0] = row[0].xor(hash.to_block());
            hash = multiply(row, &self.row);
        }
        hash.to_block()
    }

    pub(super) fn zeroize(&mut self) {
        wipe(self.row.as_flattened_mut().as_flattened_mut());
        self.lanes.zeroize();
    }
}

/// The input of a hash: AAD and data, each with its last block zero-padded, and their lengths.
struct Blocks<'a> {
    aad: &'a [u8],
    data: &'a [u8],
    lengths: Option<Block>,
}

impl<'a> Blocks<'a> {
    fn new(aad: &'a [u8], data: &'a [u8]) -> Self {
        let bits = |len: usize| len as u64 * 8;
        let lengths = Element { high: bits(aad.len()), low: bits(data.len()) };
        Self { aad, data, lengths: Some(lengths.to_block()) }
    }

    /// Whole blocks, and nothing else.
    fn alone(data: &'a [u8]) -> Self {
        Self { aad: &[], data, lengths: None }
    }

    #[inline(always)]
    fn take_lanes(&mut self) -> [Block; LANES] {
        if let (true, Some((lanes, rest))) =
            (self.aad.is_empty(), self.data.split_at_checked(LANES * BLOCK))
        {
            self.data = rest;
            return core::array::from_fn(|lane| Block::load(&lanes[lane * BLOCK..][..BLOCK]));
        }
        self.take_with_zeros(LANES)
    }

    /// The first of `count` blocks, after as many zeros as place the last block in the last lane.
    fn take_with_zeros(&mut self, count: usize) -> [Block; LANES] {
        let zeros = count.next_multiple_of(LANES) - count;
        core::array::from_fn(|lane| {
            if lane < zeros { None } else { self.next() }.unwrap_or(Block::ZERO)
        })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    #[inline(always)]
    fn next(&mut self) -> Option<Block> {
        let bytes = if self.aad.is_empty() { &mut self.data } else { &mut self.aad };
        if let Some((block, rest)) = bytes.split_at_checked(BLOCK) {
            *bytes = rest;
            return Some(Block::load(block));
        }
        if bytes.is_empty() {
            return self.lengths.take();
        }
        Some(Block::load_part(core::mem::take(bytes)))
    }
}
