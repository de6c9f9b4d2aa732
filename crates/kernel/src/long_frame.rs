//! A frame that is too long to be crypted at once.

use crate::{
    Frame,
    block_run::{BlockRun, Counter},
    expanded_key::{ExpandedKey, POWERS},
    frame_hash::FrameHash,
    gcm::BLOCK,
    vector::Vector,
};

/// A frame of more than `WIDTH` vectors, on its way. What is crypted and what is hashed go on apart.
struct LongFrame<'a, V: Vector, const WIDTH: usize> {
    expanded_key: &'a ExpandedKey,
    counter: Counter<V>,
    hash: FrameHash<V>,
    /// Ciphertext to be hashed next.
    pending: [V; WIDTH],
    /// What is crypted next.
    at: *mut u8,
    left: usize,
}

impl<V: Vector, const WIDTH: usize> LongFrame<'_, V, WIDTH> {
    /// Crypts the next run, whose ciphertext is pending then. Returns its first vector.
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

    /// The next run is what is pending.
    #[inline(always)]
    unsafe fn load_pending<const N: usize, const FIRST: bool, const LAST: bool>(&mut self) {
        let run = BlockRun::<V, N, FIRST, LAST, false>::new(self.at, self.left);
        for i in 0..N {
            self.pending[i] = run.hashed(i, run.load(i));
        }
    }

    /// Hashes what is pending, `blocks` of it, behind which `left` bytes are to be hashed.
    #[inline(always)]
    unsafe fn hash<const N: usize>(&mut self, blocks: usize, left: usize) {
        for i in 0..N {
            self.hash.add(i, self.pending[i]);
        }
        self.hash.next_run(self.expanded_key, blocks, left.div_ceil(BLOCK) + 1);
    }
}

/// Crypts a frame of more than `WIDTH` vectors in place and returns its tag. Whoever opens compares and, if it is
/// another, wipes or encrypts again.
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
    // To open, a run is hashed and then crypted; to seal, the one before is hashed meanwhile.
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
