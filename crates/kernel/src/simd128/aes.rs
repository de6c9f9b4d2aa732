//! AES, its bytes as codes.

use zeroize::Zeroize;

use super::{
    block::{BLOCK, Block, wipe},
    tables::{S_BOX_CONSTANT, TABLES, Tables},
};

/// Of AES-256; AES-128 has 10.
const MAX_ROUNDS: usize = 14;

/// Blocks that are encrypted together.
pub(super) const BATCH: usize = 4;

/// An expanded key: codes, except the last round's key. Wiped by its owner.
pub(super) struct RoundKeys {
    keys: [Block; MAX_ROUNDS + 1],
    rounds: usize,
}

impl RoundKeys {
    pub(super) const fn empty() -> Self {
        Self { keys: [Block::ZERO; MAX_ROUNDS + 1], rounds: 0 }
    }

    /// `None` unless `key` has 16 or 32 bytes.
    ///
    /// Source: FIPS 197 §5.2.
    pub(super) fn expand(&mut self, key: &[u8]) -> Option<()> {
        self.rounds = match key.len() {
            16 => 10,
            32 => 14,
            _ => return None,
        };
        let look = LookUp::new();
        let key_words = key.len() / 4;
        let mut words = [[0_u8; 4]; 4 * (MAX_ROUNDS + 1)];
        for (word, bytes) in words.iter_mut().zip(key.chunks_exact(4)) {
            word.copy_from_slice(bytes);
        }
        let mut constant = 1_u8;
        for at in key_words..4 * (self.rounds + 1) {
            let mut mixed = words[at - 1];
            let is_first = at % key_words == 0;
            if is_first || key_words == 8 && at % key_words == 4 {
                mixed = look.substitute_word(mixed);
            }
            if is_first {
                mixed.rotate_left(1);
                mixed[0] ^= constant;
                constant = (constant << 1) ^ ((constant >> 7) * 0x1b);
            }
            for byte in 0..4 {
                words[at][byte] = words[at - key_words][byte] ^ mixed[byte];
            }
        }
        for (round, words_of) in words.chunks_exact(4).take(self.rounds + 1).enumerate() {
            let constant = if round == 0 { 0 } else { S_BOX_CONSTANT };
            let mut key = [0; BLOCK];
            for (byte, of) in key.iter_mut().zip(words_of.as_flattened()) {
                *byte = of ^ constant;
            }
            let block = Block::load(&key);
            self.keys[round] = if round == self.rounds { block } else { look.code(block) };
            wipe(&mut key);
        }
        wipe(words.as_flattened_mut());
        Some(())
    }

    /// Encrypts a batch of blocks, a round of each after the other.
    ///
    /// Source: FIPS 197 §5.1.
    #[inline(never)]
    pub(super) fn encrypt(&self, blocks: &mut [Block; BATCH]) {
        let look = LookUp::new();
        for block in &mut *blocks {
            *block = look.code(*block).xor(self.keys[0]);
        }
        for key in &self.keys[1..self.rounds] {
            for block in &mut *blocks {
                *block = look.round(*block).xor(*key);
            }
        }
        for block in &mut *blocks {
            *block = look.last(*block).xor(self.keys[self.rounds]);
        }
    }

    pub(super) fn zeroize(&mut self) {
        Block::wipe_all(&mut self.keys);
        self.rounds.zeroize();
    }
}

/// Where to look up.
#[derive(Clone, Copy)]
struct LookUp(&'static Tables);

impl LookUp {
    #[inline(always)]
    fn new() -> Self {
        // Hides the tables' contents from the compiler.
        Self(core::hint::black_box(&TABLES))
    }

    #[inline(always)]
    fn code(self, bytes: Block) -> Block {
        let [low, high] = self.0.code.map(|table| Block::load(&table));
        let [lower, upper] = bytes.nibbles();
        low.look_up(lower).xor(high.look_up(upper))
    }

    /// `p` and `q` of each byte.
    #[inline(always)]
    fn divide(self, codes: Block) -> [Block; 2] {
        let inverse = Block::load(&self.0.inverse);
        let [k, i] = codes.nibbles();
        let j = i.xor(k);
        let a_over_k = Block::load(&self.0.a_over).look_up(k);
        let p = inverse.look_up(inverse.look_up(i).xor(a_over_k)).xor(j);
        let q = inverse.look_up(inverse.look_up(j).xor(a_over_k)).xor(i);
        [p, q]
    }

    #[inline(always)]
    fn sum(tables: &[[u8; BLOCK]; 2], [p, q]: [Block; 2]) -> Block {
        Block::load(&tables[0]).look_up(p).xor(Block::load(&tables[1]).look_up(q))
    }

    /// `SubBytes`, `ShiftRows` and `MixColumns`: with `c` twice a byte and the one below, the sum
    /// of `c`, the `c` below and the byte above.
    #[inline(always)]
    fn round(self, codes: Block) -> Block {
        let pq = self.divide(codes);
        let once = Self::sum(&self.0.substituted, pq);
        let twice = Self::sum(&self.0.doubled, pq);
        let place = |block: Block, places: &[u8; BLOCK]| block.look_up(Block::load(places));
        let c = place(twice, &self.0.shift_rows).xor(place(once, &self.0.shifted_below));
        c.xor(place(c, &self.0.below)).xor(place(once, &self.0.shifted_above))
    }

    /// `SubBytes` and `ShiftRows`, as bytes.
    #[inline(always)]
    fn last(self, codes: Block) -> Block {
        self.substitute(codes).look_up(Block::load(&self.0.shift_rows))
    }

    /// `SubBytes` without its constant, as bytes.
    #[inline(always)]
    fn substitute(self, codes: Block) -> Block {
        Self::sum(&self.0.last, self.divide(codes))
    }

    /// The S-box for four bytes of a key.
    fn substitute_word(self, word: [u8; 4]) -> [u8; 4] {
        let bytes = self.substitute(self.code(Block::load_part(&word))).to_bytes();
        [0, 1, 2, 3].map(|at| bytes[at] ^ S_BOX_CONSTANT)
    }
}
