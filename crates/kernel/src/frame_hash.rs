//! GHASH over the blocks of a frame: AAD, ciphertext, lengths.

use crate::{
    expanded_key::{ExpandedKey, POWERS},
    frame::Frame,
    ghash::Sum,
    vector::{BLOCK, Vector},
};

/// GHASH of a frame, on its way.
#[derive(Clone, Copy)]
pub(crate) struct FrameHash<V: Vector> {
    sum: Sum<V>,
    /// To be added to the next block.
    pub(crate) carry: V::One,
    /// The power that the next block takes.
    powers: *const u128,
}

impl<V: Vector> FrameHash<V> {
    #[inline(always)]
    pub(crate) unsafe fn zero() -> Self {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe { Self { sum: Sum::zero(), carry: V::One::zero(), powers: core::ptr::null() } }
    }

    #[inline(always)]
    pub(crate) unsafe fn new(frame: &Frame<'_>) -> Self {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe {
            let mut block_0 = V::load_block(frame.aad.as_ptr(), frame.aad.len()).reverse();
            if let Some(before) = frame.before {
                block_0 = block_0.xor(V::One::splat(before));
            }
            let blocks = frame.len.div_ceil(BLOCK) + 2;
            let powers = frame.expanded_key.power(blocks.min(POWERS));
            Self { sum: Sum::zero(), carry: block_0, powers }
        }
    }

    /// Adds vector `i` of a run, which begins inside the frame.
    #[inline(always)]
    pub(crate) unsafe fn add(&mut self, i: usize, mut blocks: V) {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe {
            if i == 0 {
                blocks = blocks.xor(V::first(self.carry));
            }
            self.sum.add_product(blocks, V::load(self.powers.add(i * V::LANES).cast()));
        }
    }

    /// Continues with the next run, after which `left` blocks follow, the lengths included.
    #[inline(always)]
    pub(crate) unsafe fn next_run(&mut self, expanded_key: &ExpandedKey, blocks: usize, left: usize) {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe {
            self.powers = self.powers.add(blocks);
            self.carry = V::One::zero();
            if core::ptr::eq(self.powers, expanded_key.power(0)) {
                self.carry = self.sum.reduce().fold();
                self.sum = Sum::zero();
                self.powers = expanded_key.power(left.min(POWERS));
            }
        }
    }

    /// Adds the lengths, and the mask: `AES(counter 1)`.
    #[inline(always)]
    pub(crate) unsafe fn tag(self, frame: &Frame<'_>, mask: V) -> u128 {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe {
            let mut sum = self.sum.fold();
            sum.add_product(lengths::<V::One>(frame).xor(self.carry), hash_key(frame));
            sum.reduce().reverse().xor(mask.lane_0()).number()
        }
    }

    /// Like [`tag`](Self::tag) for as many frames as there are lanes, with one reduction for all.
    #[inline(always)]
    pub(crate) unsafe fn tags<const K: usize>(
        hashes: &[Self; K],
        frames: &[Frame<'_>; K],
        masks: &[V::One; K],
    ) -> [u128; K] {
        // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
        unsafe {
            let mut sums = [Sum::zero(); K];
            let mut last = [V::One::zero(); K];
            let mut keys = [V::One::zero(); K];
            for k in 0..K {
                sums[k] = hashes[k].sum;
                last[k] = lengths(&frames[k]);
                keys[k] = hash_key(&frames[k]);
            }
            let mut sum = Sum::fold_each(&sums);
            sum.add_product(V::gather(&last), V::gather(&keys));
            let made = sum.reduce().reverse().xor(V::gather(masks));
            let mut tags = [0; K];
            made.store(tags.as_mut_ptr().cast());
            tags
        }
    }
}

/// What GHASH has in its last block: the lengths in bits.
#[inline(always)]
unsafe fn lengths<One: Vector>(frame: &Frame<'_>) -> One {
    // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
    unsafe { One::splat(((frame.aad_len as u128) << 67) | ((frame.len as u128) << 3)) }
}

/// H
#[inline(always)]
unsafe fn hash_key<One: Vector>(frame: &Frame<'_>) -> One {
    // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
    unsafe { One::load(frame.expanded_key.power(1).cast()) }
}

/// GHASH of whole blocks, for AAD of more than one. A block at a time: it is rare and short.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn hash_aad<One: Vector>(expanded_key: &ExpandedKey, blocks: &[u8]) -> u128 {
    // SAFETY: the caller has checked the processor; the powers, and the blocks, are in bounds.
    unsafe {
        let mut hash = One::zero();
        for blocks in blocks.chunks(POWERS * BLOCK) {
            let count = blocks.len() / BLOCK;
            let mut sum = Sum::<One>::zero();
            for i in 0..count {
                let block = One::load(blocks.as_ptr().add(i * BLOCK)).reverse();
                let block = if i == 0 { block.xor(hash) } else { block };
                sum.add_product(block, One::load(expanded_key.power(count - i).cast()));
            }
            hash = sum.reduce();
        }
        hash.number()
    }
}
