//! The operations that the algorithm needs of a processor.

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// Blocks side by side in one register: [`LANES`](Self::LANES) of them, lane 0 first in memory.
///
/// A block is 16 bytes. *In memory order* it is AES's input; *reversed*, its bytes in the opposite
/// order, it is what GHASH multiplies and what a counter increments.
///
/// # Safety
/// Every function may be called only where the processor has the features that the implementing
/// module names. Pointers must be valid for as many bytes as the function's doc states, with any
/// alignment.
pub(crate) trait Vector: Copy {
    /// Blocks in a vector.
    const LANES: usize;
    /// One block.
    type One: Vector<One = Self::One>;

    unsafe fn zero() -> Self;
    /// The same block in every lane, its lowest byte first.
    unsafe fn splat(block: u128) -> Self;
    /// Lane `i` holds the number `i`.
    unsafe fn lane_numbers() -> Self;
    /// `block` in lane 0, zeros in the others.
    unsafe fn first(block: Self::One) -> Self;
    /// The sole block of a vector that has one lane, its first byte lowest.
    unsafe fn number(self) -> u128;
    /// The block in `len <= 16` bytes, followed by zeros.
    unsafe fn load_block(from: *const u8, len: usize) -> Self::One;
    unsafe fn lane_0(self) -> Self::One;
    /// All lanes added up, which is XOR.
    unsafe fn fold(self) -> Self::One;
    /// As many blocks as there are lanes.
    unsafe fn gather(blocks: &[Self::One]) -> Self;
    /// Lane `i` holds the sum of the lanes of `vectors[i]`. There are as many vectors as lanes.
    unsafe fn fold_each(vectors: &[Self]) -> Self;

    unsafe fn load(from: *const u8) -> Self;
    unsafe fn store(self, to: *mut u8);
    /// Like [`load`](Self::load) for `len` bytes, at most a vector's; zeros after them.
    unsafe fn load_part(from: *const u8, len: usize) -> Self;
    unsafe fn store_part(self, to: *mut u8, len: usize);
    /// The first `len` bytes; zeros after them.
    unsafe fn keep(self, len: usize) -> Self;
    /// `len` bytes into the lanes from 1 on; zeros in lane 0 and after them.
    unsafe fn load_behind_first(from: *const u8, len: usize) -> Self;
    unsafe fn store_behind_first(self, to: *mut u8, len: usize);
    /// The first `len` bytes of the lanes from 1 on; zeros in lane 0 and after them.
    unsafe fn keep_behind_first(self, len: usize) -> Self;

    unsafe fn xor(self, other: Self) -> Self;
    /// Reverses the bytes of each block.
    unsafe fn reverse(self) -> Self;
    /// Adds the lowest 32 bits of each lane, without a carry beyond them.
    unsafe fn count(self, other: Self) -> Self;

    /// Carry-less products of a half of each lane of `self` with a half of each lane of `other`:
    /// low with low, low with high, high with low, high with high.
    unsafe fn low_low(self, other: Self) -> Self;
    unsafe fn low_high(self, other: Self) -> Self;
    unsafe fn high_low(self, other: Self) -> Self;
    unsafe fn high_high(self, other: Self) -> Self;
    /// Exchanges the halves of each lane.
    unsafe fn swap_halves(self) -> Self;

    /// AES in steps that both kinds of processor have: `begin` once, `round` for all rounds but the
    /// last, `last`. Each gets the round key before and the one after its substitution; x86 adds
    /// the one after, Arm the one before.
    unsafe fn begin(self, key: Self) -> Self;
    unsafe fn round(self, before: Self, after: Self) -> Self;
    unsafe fn last(self, before: Self, after: Self) -> Self;
}

/// The parts of [`Vector`] that are alike for every vector of one block.
///
/// A use of it stands inside the implementation, which has `load`, `store`, `splat`, `number` and
/// `zero` of the instruction set.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
macro_rules! of_one_block {
    () => {
        const LANES: usize = 1;
        type One = Self;

        #[inline(always)]
        unsafe fn lane_numbers() -> Self {
            // SAFETY: the caller has checked that the processor has these instructions.
            unsafe { Self::zero() }
        }

        #[inline(always)]
        unsafe fn first(block: Self) -> Self {
            block
        }

        #[inline(always)]
        unsafe fn load_block(from: *const u8, len: usize) -> Self {
            // SAFETY: the caller has checked the processor, and passes a pointer valid for `len`
            // bytes.
            unsafe { Self::load_part(from, len) }
        }

        #[inline(always)]
        unsafe fn lane_0(self) -> Self {
            self
        }

        #[inline(always)]
        unsafe fn fold(self) -> Self {
            self
        }

        #[inline(always)]
        unsafe fn gather(blocks: &[Self]) -> Self {
            blocks[0]
        }

        #[inline(always)]
        unsafe fn fold_each(vectors: &[Self]) -> Self {
            vectors[0]
        }

        #[inline(always)]
        unsafe fn load_part(from: *const u8, len: usize) -> Self {
            // SAFETY: the caller has checked the processor, and passes a pointer valid for `len`
            // bytes.
            unsafe {
                match len {
                    16 => Self::load(from),
                    _ => Self::splat($crate::partial_block::load(from, len)),
                }
            }
        }

        #[inline(always)]
        unsafe fn store_part(self, to: *mut u8, len: usize) {
            // SAFETY: the caller has checked the processor, and passes a pointer valid for `len`
            // bytes.
            unsafe {
                match len {
                    16 => self.store(to),
                    _ => $crate::partial_block::store(self.number(), to, len),
                }
            }
        }

        #[inline(always)]
        unsafe fn load_behind_first(_from: *const u8, _len: usize) -> Self {
            // SAFETY: the caller has checked that the processor has these instructions.
            unsafe { Self::zero() }
        }

        #[inline(always)]
        unsafe fn store_behind_first(self, _to: *mut u8, _len: usize) {}

        #[inline(always)]
        unsafe fn keep_behind_first(self, _len: usize) -> Self {
            // SAFETY: the caller has checked that the processor has these instructions.
            unsafe { Self::zero() }
        }
    };
}
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
pub(crate) use of_one_block;
