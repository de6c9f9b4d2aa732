//! Why a frame is not sealed, a frame does not open, or a key is rejected: one set for all formats.

use core::fmt;

use sealframe_crypto::{FrameTooLong, Unauthentic};
use sealframe_wire::ReplayError;

/// Why a frame was not sealed. The frame and the sender are unchanged, except after
/// [`StartCode`](Self::StartCode).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum SealError {
    /// No key is set, or none at the index in use. Set one.
    NoKey,
    /// The key has reached its usage limit. Set another key, or ratchet, then seal again.
    KeyExhausted,
    /// This process has forked since the key was set, and its parent may seal with the same key.
    /// Make a sender with another key.
    Forked,
    /// The SSRC, timestamp and count may have been used with this key: the timestamp stands still
    /// or has wrapped. Set another key, or ratchet, then seal again. Jitsi and LiveKit only.
    NonceWouldRepeat,
    /// The key counts the frames of the maximum number of streams already. Jitsi and LiveKit only.
    TooManyStreams,
    /// The frame is empty, or shorter than the bytes that its format leaves readable. Drop it.
    TooShort,
    /// The frame has more than 2^36 - 32 bytes.
    FrameTooLong,
    /// Caller bug: fewer than `need` bytes of tailroom.
    NoTailroom {
        /// Bytes that are needed after the frame.
        need: usize,
    },
    /// Caller bug: the output is shorter than the sealed frame may be.
    OutputTooShort {
        /// Bytes that are enough.
        need: usize,
    },
    /// The format has no rule for this codec. LiveKit only.
    UnsupportedCodec,
    /// The frame has more readable ranges than a trailer can list. Configure the encoder to make
    /// fewer slices. DAVE only.
    TooManyRanges,
    /// A start code was among the sealed bytes with each of ten nonces. The nonces are spent and
    /// the frame is zeroed. Drop it. DAVE only.
    StartCode,
}

impl From<FrameTooLong> for SealError {
    fn from(_: FrameTooLong) -> Self {
        Self::FrameTooLong
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("no key to seal with"),
            Self::KeyExhausted => f.write_str("the key has reached its usage limit"),
            Self::Forked => f.write_str("the key belongs to the parent of this process"),
            Self::NonceWouldRepeat => f.write_str("the nonce may have been used with this key"),
            Self::TooManyStreams => f.write_str("too many streams under one key"),
            Self::TooShort => f.write_str("the frame is shorter than its readable bytes"),
            Self::FrameTooLong => fmt::Display::fmt(&FrameTooLong, f),
            Self::NoTailroom { need } => write!(f, "sealing needs {need} bytes of tailroom"),
            Self::OutputTooShort { need } => write!(f, "the sealed frame needs {need} bytes"),
            Self::UnsupportedCodec => f.write_str("the format has no rule for this codec"),
            Self::TooManyRanges => f.write_str("too many ranges of the frame must stay readable"),
            Self::StartCode => f.write_str("a start code is among the sealed bytes"),
        }
    }
}

impl core::error::Error for SealError {}

/// Why a frame was not opened. The keys and the replay windows are unchanged.
///
/// Only after [`Unauthentic`](Self::Unauthentic) can the frame have changed, to garbage or zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum OpenError {
    /// No key is held at this index. It may be on its way: keep the frame and try again.
    UnknownKey {
        /// The key's index on the wire; with DAVE the lowest 8 bits of the generation.
        index: u8,
    },
    /// Too short for its readable bytes, its tag and its trailer. Drop.
    TooShort,
    /// Not a frame of this format: the trailer is missing or malformed. The frame may be plaintext.
    /// Drop.
    NotThisFormat,
    /// Made by a server without a key, not by the sender. It is plaintext. Drop, or play silence of
    /// your own. LiveKit and DAVE only.
    Injected,
    /// The key of this generation has been erased. Drop. DAVE only.
    StepErased {
        /// The whole generation.
        generation: u32,
    },
    /// The generation is further ahead than a sender can have come. Drop. DAVE only.
    StepTooFar {
        /// The whole generation.
        generation: u32,
    },
    /// This frame has been opened before. Drop.
    Replayed {
        /// The sender's count of frames; with DAVE the whole nonce.
        count: u64,
    },
    /// This frame is further behind the newest than the receiver remembers. Drop.
    TooOld {
        /// The sender's count of frames; with DAVE the whole nonce.
        count: u64,
    },
    /// Sealed with another key, or changed on the way. Drop.
    Unauthentic,
}

impl OpenError {
    /// Whether the same bytes may open later: only if their key was unknown.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::UnknownKey { .. })
    }
}

impl From<ReplayError> for OpenError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Replayed(ctr) => Self::Replayed { count: ctr.get() },
            ReplayError::TooOld(ctr) => Self::TooOld { count: ctr.get() },
        }
    }
}

impl From<Unauthentic> for OpenError {
    fn from(_: Unauthentic) -> Self {
        Self::Unauthentic
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { index } => write!(f, "no key at index {index}"),
            Self::TooShort => f.write_str("frame is too short for its tag and trailer"),
            Self::NotThisFormat => f.write_str("not a frame of this format"),
            Self::Injected => f.write_str("frame was made by the server"),
            Self::StepErased { generation } => {
                write!(f, "the key of generation {generation} has been erased")
            }
            Self::StepTooFar { generation } => {
                write!(f, "generation {generation} is too far ahead")
            }
            Self::Replayed { count } => write!(f, "frame {count} has been opened before"),
            Self::TooOld { count } => write!(f, "frame {count} is behind the replay window"),
            Self::Unauthentic => fmt::Display::fmt(&Unauthentic, f),
        }
    }
}

impl core::error::Error for OpenError {}

/// Why a key was not set, chosen or moved on. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum KeyError {
    /// There is no key at this index.
    NoKey,
    /// This key is held at another index, where it has sealed: its nonces would repeat.
    SameKey,
    /// This key has no ratchet.
    NoRatchet,
    /// The nonce or generation has been passed already. DAVE only.
    NotNewer,
    /// The nonce is beyond the last generation. DAVE only.
    OutOfRange,
    /// This process has forked since the sender was made, and its parent may take the same keys.
    /// Make a sender with another key.
    Forked,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "no key at this index",
            Self::SameKey => "the same key is held at another index",
            Self::NoRatchet => "this key has no ratchet",
            Self::NotNewer => "the nonce has been spent already",
            Self::OutOfRange => "the nonce is beyond the last generation",
            Self::Forked => "the key belongs to the parent of this process",
        })
    }
}

impl core::error::Error for KeyError {}
