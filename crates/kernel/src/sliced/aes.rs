//! AES over planes.

use zeroize::Zeroize;

use super::planes::{BATCH, BLOCK, Block, transpose};

/// Of AES-256; AES-128 has 10.
const MAX_ROUNDS: usize = 14;

/// The S-box adds 0x63 to every byte. Added to every column of equal bytes, it goes through `MixColumns` unchanged, so
/// it is left out of the circuit and added to the round keys behind it.
const S_BOX_CONSTANT: u8 = 0x63;

/// An expanded key, as planes. Wiped by its owner.
pub(super) struct RoundKeys {
    planes: [[Block; BATCH]; MAX_ROUNDS + 1],
    rounds: usize,
}

impl RoundKeys {
    pub(super) const fn empty() -> Self {
        Self { planes: [[Block::ZERO; BATCH]; MAX_ROUNDS + 1], rounds: 0 }
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
        let key_words = key.len() / 4;
        let mut words = [[0_u8; 4]; 4 * (MAX_ROUNDS + 1)];
        for (word, bytes) in words.iter_mut().zip(key.chunks_exact(4)) {
            word.copy_from_slice(bytes);
        }
        let mut constant = 1_u8;
        for at in key_words..4 * (self.rounds + 1) {
            let [a, b, c, d] = words[at - 1];
            let mixed = if at % key_words == 0 {
                let [a, b, c, d] = substitute([b, c, d, a]);
                let mixed = [a ^ constant, b, c, d];
                constant = (constant << 1) ^ ((constant >> 7) * 0x1b);
                mixed
            } else if key_words == 8 && at % key_words == 4 {
                substitute([a, b, c, d])
            } else {
                [a, b, c, d]
            };
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
            // The same for all eight blocks.
            self.planes[round] = [Block::load(&key); BATCH];
            transpose(&mut self.planes[round]);
            key.zeroize();
        }
        words.zeroize();
        Some(())
    }

    /// Encrypts eight blocks.
    ///
    /// Source: FIPS 197 §5.1.
    #[inline]
    pub(super) fn encrypt(&self, blocks: &mut [Block; BATCH]) {
        transpose(blocks);
        add(blocks, &self.planes[0]);
        for key in &self.planes[1..self.rounds] {
            let state = substitute_planes(blocks);
            mix(blocks, &state, key);
        }
        let state = substitute_planes(blocks);
        for (plane, state) in blocks.iter_mut().zip(state) {
            *plane = state.shift_rows();
        }
        add(blocks, &self.planes[self.rounds]);
        transpose(blocks);
    }

    pub(super) fn zeroize(&mut self) {
        for plane in self.planes.as_flattened_mut() {
            // SAFETY: as the `zeroize` crate does: a volatile write of a valid value to a valid place.
            unsafe { core::ptr::write_volatile(plane, Block::ZERO) };
        }
        self.rounds.zeroize();
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }
}

#[inline(always)]
fn add(state: &mut [Block; BATCH], key: &[Block; BATCH]) {
    for (plane, key) in state.iter_mut().zip(key) {
        *plane = plane.xor(*key);
    }
}

/// `ShiftRows`, `MixColumns` and `AddRoundKey` (FIPS 197 §5.1.2 to §5.1.4).
///
/// With `t = a ^ below(a)`, a byte becomes `2 t ^ below(a) ^ two_below(t)`.
#[inline(always)]
fn mix(out: &mut [Block; BATCH], state: &[Block; BATCH], key: &[Block; BATCH]) {
    let mut below = [Block::ZERO; BATCH];
    let mut t = [Block::ZERO; BATCH];
    for bit in 0..BATCH {
        let shifted = state[bit].shift_rows();
        below[bit] = shifted.row_below();
        t[bit] = shifted.xor(below[bit]);
    }
    for bit in 0..BATCH {
        // Doubling moves bits up; what falls out comes back as x^8 = x^4 + x^3 + x + 1.
        let doubled = match bit {
            0 => t[7],
            1 | 3 | 4 => t[bit - 1].xor(t[7]),
            _ => t[bit - 1],
        };
        out[bit] = doubled.xor(below[bit]).xor(t[bit].two_rows_below()).xor(key[bit]);
    }
}

/// The S-box for four bytes of a key.
fn substitute(word: [u8; 4]) -> [u8; 4] {
    let mut blocks = [Block::ZERO; BATCH];
    blocks[0] = Block::load_part(&word);
    transpose(&mut blocks);
    let mut blocks = substitute_planes(&blocks);
    transpose(&mut blocks);
    let bytes = blocks[0].to_bytes();
    [0, 1, 2, 3].map(|at| bytes[at] ^ S_BOX_CONSTANT)
}

/// The S-box without its constant, as a circuit of 32 ANDs and 77 XORs over planes.
///
/// Inversion in GF(2^8) by way of GF(2^4). Source: J. Boyar, R. Peralta, "A small depth-16 circuit for the AES S-box",
/// 2011 (eprint 2011/332), whose names the wires have; `x[0]` and `s[0]` are the highest bits there.
#[inline(always)]
fn substitute_planes(planes: &[Block; BATCH]) -> [Block; BATCH] {
    let [x7, x6, x5, x4, x3, x2, x1, x0] = *planes;
    let xor = Block::xor;
    let and = Block::and;

    let y14 = xor(x3, x5);
    let y13 = xor(x0, x6);
    let y9 = xor(x0, x3);
    let y8 = xor(x0, x5);
    let t0 = xor(x1, x2);
    let y1 = xor(t0, x7);
    let y4 = xor(y1, x3);
    let y12 = xor(y13, y14);
    let y2 = xor(y1, x0);
    let y5 = xor(y1, x6);
    let y3 = xor(y5, y8);
    let t1 = xor(x4, y12);
    let y15 = xor(t1, x5);
    let y20 = xor(t1, x1);
    let y6 = xor(y15, x7);
    let y10 = xor(y15, t0);
    let y11 = xor(y20, y9);
    let y7 = xor(x7, y11);
    let y17 = xor(y10, y11);
    let y19 = xor(y10, y8);
    let y16 = xor(t0, y11);
    let y21 = xor(y13, y16);
    let y18 = xor(x0, y16);

    let t2 = and(y12, y15);
    let t4 = xor(and(y3, y6), t2);
    let t6 = xor(and(y4, x7), t2);
    let t7 = and(y13, y16);
    let t9 = xor(and(y5, y1), t7);
    let t11 = xor(and(y2, y7), t7);
    let t12 = and(y9, y11);
    let t14 = xor(and(y14, y17), t12);
    let t16 = xor(and(y8, y10), t12);
    let t21 = xor(xor(t4, t14), y20);
    let t22 = xor(xor(t6, t16), y19);
    let t23 = xor(xor(t9, t14), y21);
    let t24 = xor(xor(t11, t16), y18);

    let t25 = xor(t21, t22);
    let t26 = and(t21, t23);
    let t27 = xor(t24, t26);
    let t29 = xor(and(t25, t27), t22);
    let t30 = xor(t23, t24);
    let t31 = xor(t22, t26);
    let t33 = xor(and(t31, t30), t24);
    let t34 = xor(t23, t33);
    let t35 = xor(t27, t33);
    let t36 = and(t24, t35);
    let t37 = xor(t36, t34);
    let t38 = xor(t27, t36);
    let t40 = xor(t25, and(t29, t38));
    let t41 = xor(t40, t37);
    let t42 = xor(t29, t33);
    let t43 = xor(t29, t40);
    let t44 = xor(t33, t37);
    let t45 = xor(t42, t41);

    let z0 = and(t44, y15);
    let z1 = and(t37, y6);
    let z2 = and(t33, x7);
    let z3 = and(t43, y16);
    let z4 = and(t40, y1);
    let z5 = and(t29, y7);
    let z6 = and(t42, y11);
    let z7 = and(t45, y17);
    let z8 = and(t41, y10);
    let z9 = and(t44, y12);
    let z10 = and(t37, y3);
    let z11 = and(t33, y4);
    let z12 = and(t43, y13);
    let z13 = and(t40, y5);
    let z14 = and(t29, y2);
    let z15 = and(t42, y9);
    let z16 = and(t45, y14);
    let z17 = and(t41, y8);

    let t46 = xor(z15, z16);
    let t47 = xor(z10, z11);
    let t48 = xor(z5, z13);
    let t49 = xor(z9, z10);
    let t50 = xor(z2, z12);
    let t51 = xor(z2, z5);
    let t52 = xor(z7, z8);
    let t53 = xor(z0, z3);
    let t54 = xor(z6, z7);
    let t55 = xor(z16, z17);
    let t56 = xor(z12, t48);
    let t57 = xor(t50, t53);
    let t58 = xor(z4, t46);
    let t59 = xor(z3, t54);
    let t60 = xor(t46, t57);
    let t61 = xor(z14, t57);
    let t62 = xor(t52, t58);
    let t63 = xor(t49, t58);
    let t64 = xor(z4, t59);
    let t65 = xor(t61, t62);
    let t66 = xor(z1, t63);
    let t67 = xor(t64, t65);
    let s0 = xor(t59, t63);
    let s3 = xor(t53, t66);
    let s1 = xor(t64, s3);
    let s2 = xor(t55, t67);
    let s4 = xor(t51, t66);
    let s5 = xor(t47, t65);
    let s6 = xor(t56, t62);
    let s7 = xor(t48, t60);
    [s7, s6, s5, s4, s3, s2, s1, s0]
}
