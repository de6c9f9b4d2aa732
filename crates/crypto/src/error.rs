//! Why a frame is neither sealed nor opened.

use core::fmt;

/// The frame did not come from the holder of the key, or was altered on its way. No detail, by
/// design.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct Unauthentic;

impl fmt::Display for Unauthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is not authentic")
    }
}

impl core::error::Error for Unauthentic {}

/// The plaintext has more than 2^36 - 32 bytes: AES-GCM's bound (NIST SP 800-38D §5.2.1.1), which
/// also keeps the 32-bit block counter of the CTR suites from wrapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct FrameTooLong;

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is too long to be sealed")
    }
}

impl core::error::Error for FrameTooLong {}
