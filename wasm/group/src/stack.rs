//! Wiping of the stack in linear memory.

use zeroize::Zeroize;

/// Depth to wipe, bytes: no function that handles keys uses more stack.
const DEPTH: usize = 64 << 10;

/// Overwrites the remains of earlier calls: hashes buffer their input, and moved values leave
/// copies.
#[inline(never)]
pub(crate) fn wipe() {
    let mut below = [0; DEPTH];
    below.zeroize();
}
