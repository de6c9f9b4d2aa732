//! Why a message could not be parsed.

use core::fmt;

/// Why a message could not be parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageError {
    /// It is truncated or has trailing bytes, or a field is out of range.
    Malformed,
    /// It is longer than [`MAX_LEN`](super::MAX_LEN).
    TooLong,
    /// It has another protocol version.
    UnknownVersion,
    /// It has a type that this version does not define.
    UnknownType(u8),
    /// It names a KEM that this version does not define or this build lacks.
    UnknownKem(u8),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("message is malformed"),
            Self::TooLong => f.write_str("message is too long"),
            Self::UnknownVersion => f.write_str("message has an unknown version"),
            Self::UnknownType(id) => write!(f, "message has unknown type {id}"),
            Self::UnknownKem(id) => write!(f, "message has unknown kem {id}"),
        }
    }
}

impl core::error::Error for MessageError {}
