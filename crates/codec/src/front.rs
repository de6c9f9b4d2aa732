//! Bounds and errors of fronts.

use alloc::vec::Vec;
use core::fmt;

/// A frame that is malformed for its codec or has no picture, or has more bytes or units before the
/// picture than any encoder makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct UnexpectedFrame;

impl fmt::Display for UnexpectedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid frame for this codec")
    }
}

impl core::error::Error for UnexpectedFrame {}

/// A front is at most this many bytes longer than in the frame: one for each unit in it.
pub const FRONT_GROWTH: usize = 32;

/// Bytes of the longest front: it is authenticated, not encrypted, and has to fit the length of a
/// prefix.
pub const MAX_FRONT: usize = 0x4000;

/// One place where memory may grow, which it does for the first frames only.
#[inline(never)]
pub(crate) fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(bytes);
}
