//! Errors, sorted by the caller's reaction.

use core::fmt;

use sealframe_crypto::{FrameTooLong, Unauthentic};
use sealframe_wire::{Ctr, HeaderError, Kid, ReplayError};

/// Why a frame was not sealed. The frame and the sender are unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum SealError {
    /// The key has sealed as much as it may: ratchet or rekey, then seal again.
    KeyExhausted,
    /// This process has forked since the key was begun, and its parent may seal with it. Make a
    /// sender with another base key.
    Forked,
    /// Fix the call: `need` bytes of headroom are missing in part or whole.
    NoHeadroom {
        /// Bytes that this header takes.
        need: usize,
    },
    /// Fix the call: `need` bytes of tailroom are missing in part or whole.
    NoTailroom {
        /// Bytes that the suite's tag takes.
        need: usize,
    },
    /// Fix the call: the output is shorter than the sealed frame.
    OutputTooShort {
        /// Bytes that the sealed frame takes.
        need: usize,
    },
    /// Fix the call: the prefix is longer than the frame.
    PrefixTooLong,
    /// The payload has more than 2^36 - 32 bytes.
    FrameTooLong,
}

impl From<FrameTooLong> for SealError {
    fn from(_: FrameTooLong) -> Self {
        Self::FrameTooLong
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyExhausted => f.write_str("the key has reached its usage limit"),
            Self::Forked => f.write_str("the key belongs to the parent of this process"),
            Self::NoHeadroom { need } => write!(f, "the header needs {need} bytes of headroom"),
            Self::NoTailroom { need } => write!(f, "the tag needs {need} bytes of tailroom"),
            Self::OutputTooShort { need } => write!(f, "the sealed frame needs {need} bytes"),
            Self::PrefixTooLong => f.write_str("the prefix is longer than the frame"),
            Self::FrameTooLong => fmt::Display::fmt(&FrameTooLong, f),
        }
    }
}

impl core::error::Error for SealError {}

/// Why a frame was not opened. The receiver is unchanged.
///
/// Only after [`Unauthentic`](Self::Unauthentic) has the frame changed: it is garbage or zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum OpenError {
    /// No key is known for this KID. It may be on its way: the frame may be kept and tried again.
    UnknownKey(Kid),
    /// The KID names another sender than the one that the caller expects. Drop.
    OtherSender(Kid),
    /// These bytes are no SFrame header. Drop.
    Header(HeaderError),
    /// Too short for its prefix or its tag. Drop.
    TooShort,
    /// The key of this ratchet step has been erased, or was never held: too old. Drop.
    StepErased(Kid),
    /// A ratchet step further ahead than [`KeyPolicy::max_ahead`](crate::KeyPolicy). Drop.
    StepTooFar(Kid),
    /// This CTR has been opened before. Drop.
    Replayed(Ctr),
    /// This CTR is further behind the newest than the replay window reaches. Drop.
    TooOld(Ctr),
    /// Opening it would hold more keys than [`KeyPolicy::max_keys`](crate::KeyPolicy), or more of
    /// this sender than [`KeyPolicy::max_keys_each`](crate::KeyPolicy). Drop.
    TooManyKeys,
    /// Not sealed with this key, or not as this stream, or changed on the way. Drop.
    Unauthentic,
}

impl OpenError {
    /// Whether the same bytes may open later: only when their key was unknown.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::UnknownKey(_))
    }
}

impl From<HeaderError> for OpenError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<ReplayError> for OpenError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Replayed(ctr) => Self::Replayed(ctr),
            ReplayError::TooOld(ctr) => Self::TooOld(ctr),
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
            Self::UnknownKey(kid) => write!(f, "no key for kid {kid:#x}"),
            Self::OtherSender(kid) => write!(f, "kid {kid:#x} is of another sender"),
            Self::Header(_) => f.write_str("no sframe header"),
            Self::TooShort => f.write_str("frame is too short for its tag"),
            Self::StepErased(kid) => write!(f, "the key of kid {kid:#x} has been erased"),
            Self::StepTooFar(kid) => write!(f, "kid {kid:#x} is too many ratchet steps ahead"),
            Self::Replayed(ctr) => write!(f, "ctr {ctr} has been opened before"),
            Self::TooOld(ctr) => write!(f, "ctr {ctr} is behind the replay window"),
            Self::TooManyKeys => f.write_str("too many keys are held"),
            Self::Unauthentic => fmt::Display::fmt(&Unauthentic, f),
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            Self::UnknownKey(_)
            | Self::OtherSender(_)
            | Self::TooShort
            | Self::StepErased(_)
            | Self::StepTooFar(_)
            | Self::Replayed(_)
            | Self::TooOld(_)
            | Self::TooManyKeys
            | Self::Unauthentic => None,
        }
    }
}

/// Why a key could not be installed or moved on. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum KeyError {
    /// A field does not fit into the KID layout.
    KidOutOfRange,
    /// A key is already held for this sender and generation, or this epoch.
    KidInUse,
    /// It is our own: a receiver holds the keys of others.
    OwnKey,
    /// The layout has no ratchet: it is MLS, or it has no step bits.
    NoRatchet,
    /// The call belongs to the other KID layout: sender keys or MLS.
    WrongLayout,
    /// The new generation or epoch is not after the present one.
    NotNewer,
    /// The policy's steps ahead and behind do not fit into the layout's step bits.
    PolicyTooWide,
    /// More keys than [`KeyPolicy::max_keys`](crate::KeyPolicy), or more of this sender than
    /// [`KeyPolicy::max_keys_each`](crate::KeyPolicy).
    TooManyKeys,
    /// The base key belongs to another cipher suite than the sender or receiver.
    OtherSuite,
    /// Fewer than 2^32 CTRs are left before they would wrap: take another MLS context.
    CtrExhausted,
    /// This process has forked since the key was begun, and its parent may move it on as well. Make
    /// a sender with another base key.
    Forked,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KidOutOfRange => "a field does not fit into the kid layout",
            Self::KidInUse => "a key is already held for this kid",
            Self::OwnKey => "this key is our own",
            Self::NoRatchet => "this kid layout has no ratchet",
            Self::WrongLayout => "the receiver or sender has the other kid layout",
            Self::NotNewer => "the new generation or epoch is not after the present one",
            Self::PolicyTooWide => "steps ahead and behind do not fit into the step bits",
            Self::TooManyKeys => "too many keys are held",
            Self::OtherSuite => "the base key belongs to another cipher suite",
            Self::CtrExhausted => "too few counters are left for another key",
            Self::Forked => "the key belongs to the parent of this process",
        })
    }
}

impl core::error::Error for KeyError {}
