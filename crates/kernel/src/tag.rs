//! The tag of a frame, and the errors of sealing and opening.

use core::fmt;

/// With more than 2^36 - 32 bytes the 32-bit block counter would wrap (NIST SP 800-38D §5.2.1.1).
/// AAD cannot reach its own bound in memory.
#[cfg(any(not(target_arch = "wasm32"), target_feature = "simd128"))]
#[inline(always)]
pub(crate) const fn is_too_long(len: usize) -> bool {
    len as u64 > (1 << 36) - 32
}

/// The tag of a frame. Do not compare it: [`Frame::open`](crate::Frame::open) does, in constant
/// time.
#[derive(Clone, Copy)]
pub struct Tag(pub(crate) u128);

impl From<[u8; 16]> for Tag {
    #[inline]
    fn from(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

impl From<Tag> for [u8; 16] {
    #[inline]
    fn from(Tag(tag): Tag) -> Self {
        tag.to_le_bytes()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// The frame did not come from the holder of the key, or was altered on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct Unauthentic;

impl fmt::Display for Unauthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is not authentic")
    }
}

impl core::error::Error for Unauthentic {}

/// More than 2^36 - 32 bytes of data (NIST SP 800-38D §5.2.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is too long")
    }
}

impl core::error::Error for TooLong {}
