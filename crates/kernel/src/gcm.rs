//! AES-GCM (NIST SP 800-38D) of one frame, for any vector width.
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
//! So the tag's mask and the AAD travel in lane 0 of the first vector beside the data, and a frame
//! of 40 bytes is a single vector of four lanes. AAD before its last block is hashed first and
//! added to block 0. Products are reduced once for every [`POWERS`](crate::expanded_key::POWERS)
//! blocks.

use crate::{
    block_run::{BlockRun, Counter},
    frame::Frame,
    frame_hash::FrameHash,
    vector::{BLOCK, Vector},
};

/// Vectors that a frame of `len` bytes takes, block 0 included.
#[inline(always)]
pub(crate) const fn vectors<V: Vector>(len: usize) -> usize {
    (len.div_ceil(BLOCK) + 1).div_ceil(V::LANES)
}

/// Bytes of the longest frame that takes `vectors` vectors; 0 for none.
pub(crate) const fn longest<V: Vector>(vectors: usize) -> usize {
    (vectors * V::LANES).saturating_sub(1) * BLOCK
}

/// Vectors that the longest of these frames takes.
#[inline(always)]
pub(crate) fn most_vectors<V: Vector>(frames: &[Frame<'_>]) -> usize {
    frames.iter().fold(0, |most, frame| most.max(vectors::<V>(frame.len)))
}

/// Runs `$run` for each `$k` from 0 to below `$count`, which is at most 4, written out: a loop of
/// this length would keep its vectors in memory.
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

/// Seals or opens `K` frames of at most `N` vectors, interleaved. To seal, writes `tags`; to open,
/// compares the bits of `tags` that `tag_mask` selects and stores the authentic frames only.
/// Returns which frames are authentic.
///
/// # Safety
/// As for [`Vector`]; each frame's `data` is valid for reading and writing `len` bytes.
#[inline(always)]
pub(crate) unsafe fn crypt_short<
    V: Vector,
    const ROUNDS: usize,
    const OPEN: bool,
    const RAGGED: bool,
    const N: usize,
    const K: usize,
>(
    frames: &[Frame<'_>; K],
    tags: &mut [u128; K],
    tag_mask: u128,
) -> [bool; K] {
    // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
    unsafe {
        let mut states = [[V::zero(); N]; K];
        for_each!(k < K => {
            states[k] = Counter::new(&frames[k].nonce).take();
            frames[k].expanded_key.begin(&mut states[k]);
        });
        for round in 1..ROUNDS {
            for_each!(k < K => frames[k].expanded_key.round(round, &mut states[k]));
        }
        let mut hashes = [FrameHash::zero(); K];
        let mut masks = [V::One::zero(); K];
        for_each!(k < K => {
            let frame = &frames[k];
            let run = BlockRun::<V, N, true, true, RAGGED>::new(frame.data, frame.len);
            hashes[k] = FrameHash::new(frame);
            for i in 0..N {
                let data = run.load(i);
                states[k][i] = frame.expanded_key.last::<V, ROUNDS>(states[k][i], data);
                hashes[k].add(i, run.hashed(i, if OPEN { data } else { states[k][i] }));
                if !OPEN {
                    run.store(i, states[k][i]);
                }
            }
            hashes[k].carry = V::One::zero();
            masks[k] = states[k][0].lane_0();
        });
        let made = if K == 1 {
            [hashes[0].tag(&frames[0], states[0][0]); K]
        } else {
            FrameHash::tags(&hashes, frames, &masks)
        };
        let mut authentic = [true; K];
        for_each!(k < K => {
            if OPEN {
                authentic[k] = are_equal(made[k], tags[k], tag_mask);
            } else {
                tags[k] = made[k];
            }
            if OPEN && authentic[k] {
                let frame = &frames[k];
                let run = BlockRun::<V, N, true, true, RAGGED>::new(frame.data, frame.len);
                for i in 0..N {
                    run.store(i, states[k][i]);
                }
            }
        });
        authentic
    }
}

/// Whether the bits that are `tag_mask` are equal. Takes as long whichever differ.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
pub(crate) const fn are_equal(tag: u128, other: u128, tag_mask: u128) -> bool {
    let difference = (tag ^ other) & tag_mask;
    (difference >> 64) as u64 | difference as u64 == 0
}
