//! What calls leave on the stack of linear memory.

use zeroize::Zeroize;

/// Deeper than anything that touches keys goes.
const DEPTH: usize = 64 << 10;

/// Overwrites what calls before have left there: hashes keep their input in a block beside them, and those that
/// moved left copies.
#[inline(never)]
pub(crate) fn wipe() {
    let mut below = [0; DEPTH];
    below.zeroize();
}
