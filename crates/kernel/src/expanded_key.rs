//! A key, expanded: what every frame under it needs and none computes again.

use zeroize::Zeroize;

use crate::{ghash::Sum, vector::Vector};

/// Powers of the GHASH key, and so the blocks that are multiplied before they are reduced.
pub(crate) const POWERS: usize = 64;
/// The round keys of AES-256.
const ROUND_KEYS: usize = 15;

/// `H^64 .. H^1`, then the round keys, first to last; each a block with its first byte lowest.
///
/// The powers run down, so that a vector of blocks and a vector of powers match lane by lane. The
/// low powers lie next to the round keys: a small frame touches few cache lines. A vector of powers
/// may overlap the round keys, in lanes whose block is zero. All zeros before expansion.
#[repr(C, align(64))]
pub(crate) struct ExpandedKey([u128; POWERS + ROUND_KEYS]);

impl ExpandedKey {
    /// Expands 16 bytes if `ROUNDS` is 10, 32 bytes if it is 14.
    ///
    /// # Safety
    /// As for [`Vector`].
    #[inline(always)]
    pub(crate) unsafe fn expand<V: Vector, const ROUNDS: usize>(&mut self, key: &[u8]) {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            self.expand_rounds::<V::One, ROUNDS>(key);
            let mut hash_key = [V::One::zero()];
            self.begin(&mut hash_key);
            for round in 1..ROUNDS {
                self.round(round, &mut hash_key);
            }
            let hash_key = self.last::<V::One, ROUNDS>(hash_key[0], V::One::zero());
            self.0[POWERS - 1] = times_x(hash_key.reverse().number());
            let mut have = 1;
            while have < V::LANES {
                have = self.double::<V::One>(have);
            }
            while have < POWERS {
                have = self.double::<V>(have);
            }
        }
    }

    /// FIPS 197 §5.2, in words whose first byte is lowest. It uses no table: the processor
    /// substitutes a block with the same word in each column, where shifting rows has no effect.
    #[inline(always)]
    unsafe fn expand_rounds<One: Vector, const ROUNDS: usize>(&mut self, key: &[u8]) {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the first column")]
            unsafe fn substitute<One: Vector>(word: u32) -> u32 {
                // SAFETY: the caller has checked the processor, and indices are in bounds.
                unsafe {
                    let columns = u128::from(word) * 0x0000_0001_0000_0001_0000_0001_0000_0001;
                    One::splat(columns).last(One::zero(), One::zero()).number() as u32
                }
            }
            let mut words = [0; 4 * ROUND_KEYS];
            let given = key.len() / 4;
            for (word, bytes) in words.iter_mut().zip(key.chunks_exact(4)) {
                *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            let mut constant = 1;
            for at in given..4 * (ROUNDS + 1) {
                let mut word = words[at - 1];
                if at % given == 0 {
                    word = substitute::<One>(word.rotate_right(8)) ^ constant;
                    constant = (constant << 1) ^ ((constant >> 7) * 0x11b);
                } else if given == 8 && at % 8 == 4 {
                    word = substitute::<One>(word);
                }
                words[at] = words[at - given] ^ word;
            }
            for (key, words) in self.0[POWERS..].iter_mut().zip(words.chunks_exact(4)) {
                *key = words.iter().rev().fold(0, |key, &word| key << 32 | u128::from(word));
            }
            words.zeroize();
        }
    }

    /// From `have` powers makes twice as many: `H^(have + i) = H^have * H^i`.
    #[inline(always)]
    unsafe fn double<V: Vector>(&mut self, have: usize) -> usize {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            let by = V::splat(self.0[POWERS - have]);
            let mut at = 0;
            while at < have {
                let mut sum = Sum::<V>::zero();
                sum.add_product(V::load(self.0.as_ptr().add(POWERS - have + at).cast()), by);
                sum.reduce().store(self.0.as_mut_ptr().add(POWERS - 2 * have + at).cast());
                at += V::LANES;
            }
            2 * have
        }
    }

    /// Where the powers from `exponent <= POWERS` down lie.
    #[inline(always)]
    pub(crate) const fn power(&self, exponent: usize) -> *const u128 {
        debug_assert!(exponent <= POWERS);
        self.0.as_ptr().wrapping_add(POWERS - exponent)
    }

    /// AES in three steps, on `N` vectors: whiten, then rounds `1..ROUNDS`, then the last with
    /// `data(i)` added.
    ///
    /// # Safety
    /// As for [`Vector`], here and below.
    #[inline(always)]
    pub(crate) unsafe fn begin<V: Vector, const N: usize>(&self, states: &mut [V; N]) {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            let key = V::splat(self.0[POWERS]);
            for state in states {
                *state = state.begin(key);
            }
        }
    }

    #[inline(always)]
    pub(crate) unsafe fn round<V: Vector, const N: usize>(&self, round: usize, states: &mut [V; N]) {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            let before = V::splat(self.0[POWERS + round - 1]);
            let after = V::splat(self.0[POWERS + round]);
            for state in states {
                *state = state.round(before, after);
            }
        }
    }

    #[inline(always)]
    pub(crate) unsafe fn last<V: Vector, const ROUNDS: usize>(&self, state: V, data: V) -> V {
        // SAFETY: the caller has checked the processor, and indices are in bounds.
        unsafe {
            let before = V::splat(self.0[POWERS + ROUNDS - 1]);
            let after = V::splat(self.0[POWERS + ROUNDS]);
            state.last(before, after.xor(data))
        }
    }
}

impl Drop for ExpandedKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// GHASH's key as POLYVAL's: times x, in POLYVAL's order of bits (RFC 8452 appendix A). By masks,
/// not by branches.
const fn times_x(reversed: u128) -> u128 {
    let carry = 0_u128.wrapping_sub(reversed >> 127);
    reversed << 1 ^ carry & 0xc200_0000_0000_0000_0000_0000_0000_0001
}
