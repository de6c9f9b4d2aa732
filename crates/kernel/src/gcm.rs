//! AES-GCM (NIST SP 800-38D) of one frame, whatever the vector.
//!
//! A frame is a row of blocks, and a vector takes as many as it has lanes:
//!
//! ```text
//! block     0        1     2     3     4   ..   n      n + 1
//! AES       counter 1      2     3     4   5   ..   n + 1
//! data      -        d[1]  d[2]  d[3]  d[4] ..  d[n]
//! GHASH     AAD      c[1]  c[2]  c[3]  c[4] ..  c[n]   lengths
//! times     H^(n+2)  ..                         H^2    H^1
//! ```
//!
//! So the mask of the tag and the AAD travel in lane 0 of the first vector beside the data, and a frame of 40
//! bytes is a single vector of four lanes. What AAD there is before its last block is hashed first and added to block 0.
//! Products are reduced once for every [`POWERS`] blocks.

use core::marker::PhantomData;

use crate::{
    Frame,
    ghash::Sum,
    schedule::{POWERS, Schedule},
    vector::Vector,
};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// Vectors that a frame of `len` bytes takes, block 0 included.
#[inline(always)]
pub(crate) const fn vectors<V: Vector>(len: usize) -> usize {
    (len.div_ceil(BLOCK) + 1).div_ceil(V::LANES)
}

/// Bytes of the longest frame that takes so many vectors; 0 for none.
pub(crate) const fn longest<V: Vector>(vectors: usize) -> usize {
    (vectors * V::LANES).saturating_sub(1) * BLOCK
}

/// Vectors that the longest of these frames takes.
#[inline(always)]
pub(crate) fn most_vectors<V: Vector>(frames: &[Frame<'_>]) -> usize {
    frames.iter().fold(0, |most, frame| most.max(vectors::<V>(frame.len)))
}

/// GHASH of whole blocks, for AAD of more than one. A block at a time: it is rare and short.
///
/// # Safety
/// As for [`Vector`].
#[inline(always)]
pub(crate) unsafe fn hash_aad<One: Vector>(schedule: &Schedule, blocks: &[u8]) -> u128 {
    let mut hash = One::zero();
    for blocks in blocks.chunks(POWERS * BLOCK) {
        let count = blocks.len() / BLOCK;
        let mut sum = Sum::<One>::zero();
        for i in 0..count {
            let block = One::load(blocks.as_ptr().add(i * BLOCK)).reverse();
            let block = if i == 0 { block.xor(hash) } else { block };
            sum.add_product(block, One::load(schedule.power(count - i).cast()));
        }
        hash = sum.reduce();
    }
    hash.number()
}

/// The counters of the vectors to come, reversed.
#[derive(Clone, Copy)]
struct Counter<V>(V);

impl<V: Vector> Counter<V> {
    #[inline(always)]
    unsafe fn new(nonce: &[u8; 12]) -> Self {
        let mut block = [0; BLOCK];
        block[..12].copy_from_slice(nonce);
        block[15] = 1;
        Self(V::splat(u128::from_be_bytes(block)).count(V::lane_numbers()))
    }

    #[inline(always)]
    unsafe fn take<const N: usize>(&mut self) -> [V; N] {
        let mut blocks = [V::zero(); N];
        for block in &mut blocks {
            *block = self.0.reverse();
            self.0 = self.0.count(V::splat(V::LANES as u128));
        }
        blocks
    }
}

/// Some vectors of a frame.
///
/// `FIRST`: they begin with block 0. `LAST`: they end with the frame, inside a vector maybe; with `RAGGED`, it
/// may end in any of them.
#[derive(Clone, Copy)]
struct Stretch<V, const N: usize, const FIRST: bool, const LAST: bool, const RAGGED: bool> {
    at: *mut u8,
    /// Bytes to the end of the frame.
    len: usize,
    vector: PhantomData<V>,
}

impl<V: Vector, const N: usize, const FIRST: bool, const LAST: bool, const RAGGED: bool>
    Stretch<V, N, FIRST, LAST, RAGGED>
{
    /// Bytes of data of a stretch that is not the last.
    const LEN: usize = Self::offset(N);

    /// Where the data of vector `i` begins.
    const fn offset(i: usize) -> usize {
        if i == 0 { 0 } else { (i * V::LANES - FIRST as usize) * BLOCK }
    }

    /// How many bytes of data vector `i` has.
    #[inline(always)]
    fn len_of(&self, i: usize) -> usize {
        let (start, end) = (Self::offset(i), Self::offset(i + 1));
        if RAGGED {
            self.len.clamp(start, end) - start
        } else if LAST && i == N - 1 {
            self.len - start
        } else {
            end - start
        }
    }

    const fn is_whole(i: usize) -> bool {
        !(RAGGED || LAST && i == N - 1)
    }

    const fn new(at: *mut u8, len: usize) -> Self {
        Self { at, len, vector: PhantomData }
    }

    /// The data of vector `i`.
    #[inline(always)]
    unsafe fn load(&self, i: usize) -> V {
        // With RAGGED this may point behind the frame, where nothing is read then.
        let (from, len) = (self.at.wrapping_add(Self::offset(i)), self.len_of(i));
        if FIRST && i == 0 {
            V::load_behind_first(from, len)
        } else if Self::is_whole(i) {
            V::load(from)
        } else {
            V::load_part(from, len)
        }
    }

    #[inline(always)]
    unsafe fn store(&self, i: usize, data: V) {
        let (to, len) = (self.at.wrapping_add(Self::offset(i)), self.len_of(i));
        if FIRST && i == 0 {
            data.store_behind_first(to, len);
        } else if Self::is_whole(i) {
            data.store(to);
        } else {
            data.store_part(to, len);
        }
    }

    /// Vector `i` of the ciphertext as GHASH takes it, without what is keystream alone.
    #[inline(always)]
    unsafe fn hashed(&self, i: usize, ciphertext: V) -> V {
        if FIRST && i == 0 {
            ciphertext.keep_behind_first(self.len_of(i)).reverse()
        } else if Self::is_whole(i) {
            ciphertext.reverse()
        } else {
            ciphertext.keep(self.len_of(i)).reverse()
        }
    }
}

/// GHASH of a frame, on its way.
#[derive(Clone, Copy)]
struct Hash<V: Vector> {
    sum: Sum<V>,
    /// To be added to the next block.
    carry: V::One,
    /// The power that the next block takes.
    powers: *const u128,
}

impl<V: Vector> Hash<V> {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self { sum: Sum::zero(), carry: V::One::zero(), powers: core::ptr::null() }
    }

    #[inline(always)]
    unsafe fn new(frame: &Frame<'_>) -> Self {
        let mut block_0 = V::load_block(frame.aad.as_ptr(), frame.aad.len()).reverse();
        if let Some(before) = frame.before {
            block_0 = block_0.xor(V::One::splat(before));
        }
        let blocks = frame.len.div_ceil(BLOCK) + 2;
        let powers = frame.schedule.power(blocks.min(POWERS));
        Self { sum: Sum::zero(), carry: block_0, powers }
    }

    /// Adds vector `i` of a stretch, which begins inside the frame.
    #[inline(always)]
    unsafe fn add(&mut self, i: usize, mut blocks: V) {
        if i == 0 {
            blocks = blocks.xor(V::first(self.carry));
        }
        self.sum.add_product(blocks, V::load(self.powers.add(i * V::LANES).cast()));
    }

    /// Goes on to the next stretch, behind which `left` blocks are to come, the lengths included.
    #[inline(always)]
    unsafe fn pass(&mut self, schedule: &Schedule, blocks: usize, left: usize) {
        self.powers = self.powers.add(blocks);
        self.carry = V::One::zero();
        if core::ptr::eq(self.powers, schedule.power(0)) {
            self.carry = self.sum.reduce().fold();
            self.sum = Sum::zero();
            self.powers = schedule.power(left.min(POWERS));
        }
    }

    /// Adds the lengths, and the mask: `AES(counter 1)`.
    #[inline(always)]
    unsafe fn tag(self, frame: &Frame<'_>, mask: V) -> u128 {
        let mut sum = self.sum.fold();
        sum.add_product(lengths::<V::One>(frame).xor(self.carry), hash_key(frame));
        sum.reduce().reverse().xor(mask.lane_0()).number()
    }

    /// As [`tag`](Self::tag) for as many frames as there are lanes, with one reduction for all.
    #[inline(always)]
    unsafe fn tags<const K: usize>(
        hashes: &[Self; K],
        frames: &[Frame<'_>; K],
        masks: &[V::One; K],
    ) -> [u128; K] {
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

/// What GHASH has in its last block: the lengths in bits.
#[inline(always)]
unsafe fn lengths<One: Vector>(frame: &Frame<'_>) -> One {
    One::splat(((frame.aad_len as u128) << 67) | ((frame.len as u128) << 3))
}

/// H
#[inline(always)]
unsafe fn hash_key<One: Vector>(frame: &Frame<'_>) -> One {
    One::load(frame.schedule.power(1).cast())
}

/// Runs `$run` for each `$k` from 0 to below `$count`, which is at most 4, written out: a loop of this length would
/// keep its vectors in memory.
macro_rules! for_each {
    ($k:ident < $count:ident => $run:expr) => {
        for_each!(@ $k < $count => $run, 0 1 2 3)
    };
    (@ $k:ident < $count:ident => $run:expr, $($value:literal)*) => {
        $(if $value < $count {
            let $k = $value;
            $run;
        })*
    };
}

/// Runs `$run` with `$n` as the constant `N` if it is at most `$width`, `$otherwise` if it is more.
macro_rules! with_constant {
    ($n:expr, $width:expr, $N:ident => $run:block else $otherwise:block) => {
        with_constant!(@ $n, $width, $N => $run else $otherwise, 1 2 3 4 5 6 7 8)
    };
    (@ $n:expr, $width:expr, $N:ident => $run:block else $otherwise:block, $($value:literal)*) => {
        match $n {
            $($value if $value <= $width => { const $N: usize = $value; $run })*
            _ => $otherwise,
        }
    };
}

/// Crypts `K` frames of at most `N` vectors together. To seal, writes `tags`; to open, compares with them and
/// stores only what is authentic. Returns what is.
///
/// # Safety
/// As for [`Vector`]; each frame's `data` is valid for reading and writing `len` bytes.
#[inline(always)]
pub(crate) unsafe fn together<
    V: Vector,
    const ROUNDS: usize,
    const OPEN: bool,
    const RAGGED: bool,
    const N: usize,
    const K: usize,
>(
    frames: &[Frame<'_>; K],
    tags: &mut [u128; K],
) -> [bool; K] {
    let mut states = [[V::zero(); N]; K];
    for_each!(k < K => {
        states[k] = Counter::new(&frames[k].nonce).take();
        frames[k].schedule.begin(&mut states[k]);
    });
    for round in 1..ROUNDS {
        for_each!(k < K => frames[k].schedule.round(round, &mut states[k]));
    }
    let mut hashes = [Hash::zero(); K];
    let mut masks = [V::One::zero(); K];
    for_each!(k < K => {
        let frame = &frames[k];
        let stretch = Stretch::<V, N, true, true, RAGGED>::new(frame.data, frame.len);
        hashes[k] = Hash::new(frame);
        for i in 0..N {
            let data = stretch.load(i);
            states[k][i] = frame.schedule.last::<V, ROUNDS>(states[k][i], data);
            hashes[k].add(i, stretch.hashed(i, if OPEN { data } else { states[k][i] }));
            if !OPEN {
                stretch.store(i, states[k][i]);
            }
        }
        hashes[k].carry = V::One::zero();
        masks[k] = states[k][0].lane_0();
    });
    let made = if K == 1 {
        [hashes[0].tag(&frames[0], states[0][0]); K]
    } else {
        Hash::tags(&hashes, frames, &masks)
    };
    let mut authentic = [true; K];
    for_each!(k < K => {
        if OPEN {
            authentic[k] = are_equal(made[k], tags[k]);
        } else {
            tags[k] = made[k];
        }
        if OPEN && authentic[k] {
            let frame = &frames[k];
            let stretch = Stretch::<V, N, true, true, RAGGED>::new(frame.data, frame.len);
            for i in 0..N {
                stretch.store(i, states[k][i]);
            }
        }
    });
    authentic
}

/// Takes as long whichever bytes differ.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
pub(crate) const fn are_equal(tag: u128, other: u128) -> bool {
    let difference = tag ^ other;
    (difference >> 64) as u64 | difference as u64 == 0
}

/// A frame of more than `WIDTH` vectors, on its way. What is crypted and what is hashed go on apart.
struct Passage<'a, V: Vector, const WIDTH: usize> {
    schedule: &'a Schedule,
    counter: Counter<V>,
    hash: Hash<V>,
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
/// another, wipes.
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
        hash: Hash::new(frame),
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
