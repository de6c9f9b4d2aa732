//! A frame that is too long to be crypted at once.

use crate::{
    block_run::{BlockRun, Counter},
    expanded_key::{ExpandedKey, POWERS},
    frame::Frame,
    frame_hash::FrameHash,
    vector::{BLOCK, Vector},
};

/// A frame of more than `WIDTH` vectors, in progress. Encryption and hashing advance separately.
struct LongFrame<'a, V: Vector, const WIDTH: usize> {
    expanded_key: &'a ExpandedKey,
    counter: Counter<V>,
    hash: FrameHash<V>,
    /// Ciphertext to be hashed next.
    pending: [V; WIDTH],
    /// Where the next run begins.
    at: *mut u8,
    left: usize,
}

impl<V: Vector, const WIDTH: usize> LongFrame<'_, V, WIDTH> {
    /// Encrypts or decrypts the next run, whose ciphertext is pending afterwards. Returns its first
    /// vector.
    #[inline(always)]
    unsafe fn crypt<
        const ROUNDS: usize,
        const OPEN: bool,
        const N: usize,
        const FIRST: bool,
        const LAST: bool,
    >(
        &mut self,
    ) -> V {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            let run = BlockRun::<V, N, FIRST, LAST, false>::new(self.at, self.left);
            let mut states: [V; N] = self.counter.take();
            self.expanded_key.begin(&mut states);
            for round in 1..ROUNDS {
                self.expanded_key.round(round, &mut states);
                if !LAST && !FIRST && round <= WIDTH {
                    self.hash.add(round - 1, self.pending[round - 1]);
                }
            }
            if !LAST && !FIRST {
                let left = if OPEN { self.left - N * V::LANES * BLOCK } else { self.left };
                self.hash.next_run(self.expanded_key, WIDTH * V::LANES, left.div_ceil(BLOCK) + 1);
            }
            for i in 0..N {
                states[i] = self.expanded_key.last::<V, ROUNDS>(states[i], run.load(i));
            }
            for i in 0..N {
                run.store(i, states[i]);
            }
            if !OPEN {
                for i in 0..N {
                    self.pending[i] = run.hashed(i, states[i]);
                }
            }
            let len = if LAST { self.left } else { BlockRun::<V, N, FIRST, LAST, false>::LEN };
            self.at = self.at.add(len);
            self.left -= len;
            states[0]
        }
    }

    /// Makes the next run pending.
    #[inline(always)]
    unsafe fn load_pending<const N: usize, const FIRST: bool, const LAST: bool>(&mut self) {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            let run = BlockRun::<V, N, FIRST, LAST, false>::new(self.at, self.left);
            for i in 0..N {
                self.pending[i] = run.hashed(i, run.load(i));
            }
        }
    }

    /// Hashes the pending `blocks`, after which `left` bytes remain to be hashed.
    #[inline(always)]
    unsafe fn hash<const N: usize>(&mut self, blocks: usize, left: usize) {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            for i in 0..N {
                self.hash.add(i, self.pending[i]);
            }
            self.hash.next_run(self.expanded_key, blocks, left.div_ceil(BLOCK) + 1);
        }
    }
}

/// Encrypts or decrypts a frame of more than `WIDTH` vectors in place and returns its tag. To open,
/// the caller compares the tag and, if it differs, wipes the frame or encrypts it again.
///
/// # Safety
/// As for [`Vector`]; `frame.data` is valid for reading and writing `frame.len` bytes.
#[inline(always)]
pub(crate) unsafe fn crypt_long<
    V: Vector,
    const ROUNDS: usize,
    const OPEN: bool,
    const WIDTH: usize,
>(
    frame: &Frame<'_>,
) -> u128 {
    // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
    unsafe {
        const { assert!(POWERS.is_multiple_of(V::LANES * WIDTH)) };
        let mut long = LongFrame::<V, WIDTH> {
            expanded_key: frame.expanded_key,
            counter: Counter::new(&frame.nonce),
            hash: FrameHash::new(frame),
            pending: [V::zero(); WIDTH],
            at: frame.data,
            left: frame.len,
        };
        let blocks = WIDTH * V::LANES;
        let len = blocks * BLOCK;
        if OPEN {
            long.load_pending::<WIDTH, true, false>();
        }
        let mask = long.crypt::<ROUNDS, OPEN, WIDTH, true, false>();
        // To open, a run is hashed and then decrypted; to seal, the previous run is hashed while
        // the next is encrypted.
        if OPEN {
            long.hash::<WIDTH>(blocks, long.left);
        }
        while long.left > len {
            if OPEN {
                long.load_pending::<WIDTH, false, false>();
            }
            long.crypt::<ROUNDS, OPEN, WIDTH, false, false>();
        }
        if !OPEN {
            long.hash::<WIDTH>(blocks, long.left);
        }
        let blocks = long.left.div_ceil(BLOCK);
        with_constant!(blocks.div_ceil(V::LANES), WIDTH, N => {
            if OPEN {
                long.load_pending::<N, false, true>();
            }
            long.crypt::<ROUNDS, OPEN, N, false, true>();
            long.hash::<N>(blocks, 0);
        } else {
            debug_assert!(false, "the last run has 1 to WIDTH vectors");
        });
        long.hash.tag(frame, mask)
    }
}
