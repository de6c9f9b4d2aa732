//! A row of vectors inside a frame, and the counters that belong to it.

use core::marker::PhantomData;

use crate::vector::{BLOCK, Vector};

/// The counters of the vectors to come, reversed.
#[derive(Clone, Copy)]
pub(crate) struct Counter<V>(V);

impl<V: Vector> Counter<V> {
    #[inline(always)]
    pub(crate) unsafe fn new(nonce: &[u8; 12]) -> Self {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            let mut block = [0; BLOCK];
            block[..12].copy_from_slice(nonce);
            block[15] = 1;
            Self(V::splat(u128::from_be_bytes(block)).count(V::lane_numbers()))
        }
    }

    #[inline(always)]
    pub(crate) unsafe fn take<const N: usize>(&mut self) -> [V; N] {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            let mut blocks = [V::zero(); N];
            for block in &mut blocks {
                *block = self.0.reverse();
                self.0 = self.0.count(V::splat(V::LANES as u128));
            }
            blocks
        }
    }
}

/// Some vectors of a frame.
///
/// `FIRST`: they begin with block 0. `LAST`: they end with the frame, inside a vector maybe; with
/// `RAGGED`, it may end in any of them.
#[derive(Clone, Copy)]
pub(crate) struct BlockRun<V, const N: usize, const FIRST: bool, const LAST: bool, const RAGGED: bool> {
    at: *mut u8,
    /// Bytes to the end of the frame.
    len: usize,
    vector: PhantomData<V>,
}

impl<V: Vector, const N: usize, const FIRST: bool, const LAST: bool, const RAGGED: bool>
    BlockRun<V, N, FIRST, LAST, RAGGED>
{
    /// Bytes of data of a run that is not the last.
    pub(crate) const LEN: usize = Self::offset(N);

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

    pub(crate) const fn new(at: *mut u8, len: usize) -> Self {
        Self { at, len, vector: PhantomData }
    }

    /// The data of vector `i`.
    #[inline(always)]
    pub(crate) unsafe fn load(&self, i: usize) -> V {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            // With RAGGED this may point past the end of the frame, where nothing is read then.
            let (from, len) = (self.at.wrapping_add(Self::offset(i)), self.len_of(i));
            if FIRST && i == 0 {
                V::load_behind_first(from, len)
            } else if Self::is_whole(i) {
                V::load(from)
            } else {
                V::load_part(from, len)
            }
        }
    }

    #[inline(always)]
    pub(crate) unsafe fn store(&self, i: usize, data: V) {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            let (to, len) = (self.at.wrapping_add(Self::offset(i)), self.len_of(i));
            if FIRST && i == 0 {
                data.store_behind_first(to, len);
            } else if Self::is_whole(i) {
                data.store(to);
            } else {
                data.store_part(to, len);
            }
        }
    }

    /// Vector `i` of the ciphertext in GHASH's order, with bytes that are keystream alone zeroed.
    #[inline(always)]
    pub(crate) unsafe fn hashed(&self, i: usize, ciphertext: V) -> V {
        // SAFETY: the caller has checked the processor, and `data` is valid for `len` bytes.
        unsafe {
            if FIRST && i == 0 {
                ciphertext.keep_behind_first(self.len_of(i)).reverse()
            } else if Self::is_whole(i) {
                ciphertext.reverse()
            } else {
                ciphertext.keep(self.len_of(i)).reverse()
            }
        }
    }
}
