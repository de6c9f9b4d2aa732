//! A frame that is too long to be crypted at once.

use crate::{
    Frame,
    frame_hash::FrameHash,
    gcm::BLOCK,
    schedule::{POWERS, Schedule},
    stretch::{Counter, Stretch},
    vector::Vector,
};

/// A frame of more than `WIDTH` vectors, on its way. What is crypted and what is hashed go on apart.
struct Passage<'a, V: Vector, const WIDTH: usize> {
    schedule: &'a Schedule,
    counter: Counter<V>,
    hash: FrameHash<V>,
    /// Ciphertext to be hashed next.
    pending: [V; WIDTH],
    /// What is crypted next.
    at: *mut u8,
    left: usize,
}

impl<V: Vector, const WIDTH: usize> Passage<'_, V, WIDTH> {
    /// Crypts the next stretch, whose ciphertext is pending then. Returns its first vector.
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
        let stretch = Stretch::<V, N, FIRST, LAST, false>::new(self.at, self.left);
        let mut states: [V; N] = self.counter.take();
        self.schedule.begin(&mut states);
        for round in 1..ROUNDS {
            self.schedule.round(round, &mut states);
            if !LAST && !FIRST && round <= WIDTH {
                self.hash.add(round - 1, self.pending[round - 1]);
            }
        }
        if !LAST && !FIRST {
            let left = if OPEN { self.left - N * V::LANES * BLOCK } else { self.left };
            self.hash.pass(self.schedule, WIDTH * V::LANES, left.div_ceil(BLOCK) + 1);
        }
        for i in 0..N {
            states[i] = self.schedule.last::<V, ROUNDS>(states[i], stretch.load(i));
        }
        for i in 0..N {
            stretch.store(i, states[i]);
        }
        if !OPEN {
            for i in 0..N {
                self.pending[i] = stretch.hashed(i, states[i]);
            }
        }
        let len = if LAST { self.left } else { Stretch::<V, N, FIRST, LAST, false>::LEN };
        self.at = self.at.add(len);
        self.left -= len;
        states[0]
    }

    /// The next stretch is what is pending.
    #[inline(always)]
    unsafe fn fetch<const N: usize, const FIRST: bool, const LAST: bool>(&mut self) {
        let stretch = Stretch::<V, N, FIRST, LAST, false>::new(self.at, self.left);
        for i in 0..N {
            self.pending[i] = stretch.hashed(i, stretch.load(i));
        }
    }

    /// Hashes what is pending, `blocks` of it, behind which `left` bytes are to be hashed.
    #[inline(always)]
    unsafe fn hash<const N: usize>(&mut self, blocks: usize, left: usize) {
        for i in 0..N {
            self.hash.add(i, self.pending[i]);
        }
        self.hash.pass(self.schedule, blocks, left.div_ceil(BLOCK) + 1);
    }
}

/// Crypts a frame of more than `WIDTH` vectors in place and returns its tag. Whoever opens compares and, if it is
/// another, wipes or encrypts again.
///
/// # Safety
/// As for [`Vector`]; `frame.data` is valid for reading and writing `frame.len` bytes.
#[inline(always)]
pub(crate) unsafe fn long<V: Vector, const ROUNDS: usize, const OPEN: bool, const WIDTH: usize>(
    frame: &Frame<'_>,
) -> u128 {
    const { assert!(POWERS.is_multiple_of(V::LANES * WIDTH)) };
    let mut passage = Passage::<V, WIDTH> {
        schedule: frame.schedule,
        counter: Counter::new(&frame.nonce),
        hash: FrameHash::new(frame),
        pending: [V::zero(); WIDTH],
        at: frame.data,
        left: frame.len,
    };
    let blocks = WIDTH * V::LANES;
    let len = blocks * BLOCK;
    if OPEN {
        passage.fetch::<WIDTH, true, false>();
    }
    let mask = passage.crypt::<ROUNDS, OPEN, WIDTH, true, false>();
    // To open, a stretch is hashed and then crypted; to seal, the one before is hashed meanwhile.
    if OPEN {
        passage.hash::<WIDTH>(blocks, passage.left);
    }
    while passage.left > len {
        if OPEN {
            passage.fetch::<WIDTH, false, false>();
        }
        passage.crypt::<ROUNDS, OPEN, WIDTH, false, false>();
    }
    if !OPEN {
        passage.hash::<WIDTH>(blocks, passage.left);
    }
    let blocks = passage.left.div_ceil(BLOCK);
    with_constant!(blocks.div_ceil(V::LANES), WIDTH, N => {
        if OPEN {
            passage.fetch::<N, false, true>();
        }
        passage.crypt::<ROUNDS, OPEN, N, false, true>();
        passage.hash::<N>(blocks, 0);
    } else {
        debug_assert!(false, "the last stretch has 1 to WIDTH vectors");
    });
    passage.hash.tag(frame, mask)
}
