//! Less than a block, without reading or writing past its end, for processors without masked moves.

/// Reads `len < 16` bytes, the first lowest; zeros above them.
///
/// # Safety
/// `from` is valid for reading `len` bytes.
#[inline(always)]
pub(crate) unsafe fn load(from: *const u8, len: usize) -> u128 {
    // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
    unsafe {
        // Two words that overlap, the second shifted to its place. An overlap holds the same bits
        // twice.
        macro_rules! overlapping {
            ($word:ty) => {{
                const LEN: usize = size_of::<$word>();
                let low = from.cast::<$word>().read_unaligned();
                let high = from.add(len - LEN).cast::<$word>().read_unaligned();
                u128::from(<$word>::from_le(low))
                    | u128::from(<$word>::from_le(high)) << (8 * (len - LEN))
            }};
        }
        match len {
            8.. => overlapping!(u64),
            4.. => overlapping!(u32),
            2.. => overlapping!(u16),
            1 => u128::from(*from),
            0 => 0,
        }
    }
}

/// Writes the lowest `len < 16` bytes of `block`.
///
/// # Safety
/// `to` is valid for writing `len` bytes.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the bytes that are wanted")]
pub(crate) unsafe fn store(block: u128, to: *mut u8, len: usize) {
    // SAFETY: the caller has checked the processor, and passes a pointer valid for `len` bytes.
    unsafe {
        macro_rules! overlapping {
            ($word:ty) => {{
                const LEN: usize = size_of::<$word>();
                let high = (block >> (8 * (len - LEN))) as $word;
                to.cast::<$word>().write_unaligned((block as $word).to_le());
                to.add(len - LEN).cast::<$word>().write_unaligned(high.to_le());
            }};
        }
        match len {
            8.. => overlapping!(u64),
            4.. => overlapping!(u32),
            2.. => overlapping!(u16),
            1 => *to = block as u8,
            0 => {}
        }
    }
}

/// A window of half the length into this, from `half - n` on, begins with `n` bytes of ones.
pub(crate) const fn ones_then_zeros<const N: usize>() -> [u8; N] {
    let mut window = [0; N];
    let mut at = 0;
    while at < N / 2 {
        window[at] = 0xff;
        at += 1;
    }
    window
}
