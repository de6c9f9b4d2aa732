//! Errors of a group.

use core::fmt;

use crate::{MessageError, PolicyError, SessionId};

/// Why a message or a call of a function was rejected. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum GroupError {
    /// The message cannot be parsed. Drop it.
    Message(MessageError),
    /// The message belongs to another call. Drop it.
    OtherGroup,
    /// The sender uses another KEM, so it cannot take part in this call.
    OtherKem,
    /// The sender uses another media suite, so it cannot take part in this call.
    OtherSuite,
    /// Our own message, replayed or echoed by the relay. Drop it.
    Own,
    /// The session has not been admitted. Its announce has been requested, or awaits a decision.
    UnknownMember(SessionId),
    /// The session has ended and cannot return. Drop the message.
    Departed,
    /// The member is away (lost or dropped). It has been asked to prove that it is present.
    Away,
    /// The application refused this session within the last minute.
    Refused,
    /// The identity was removed from the call.
    Removed,
    /// The message was not signed by its session's identity, or was modified in transit. Drop it.
    Unauthentic,
    /// Another session has this member id. The newcomer is told, and begins a session with another.
    InUse,
    /// The call is locked, and the lock does not list this identity.
    Locked,
    /// There is no room for another member, or for another session awaiting admission.
    Full,
    /// The message is addressed to another session. Drop it.
    NotForUs,
    /// The message is older than our state. Drop it.
    Stale,
    /// The key update's entry for us does not open, or its key does not match the header's
    /// commitment.
    WrongKey,
    /// The message contradicts an earlier one signed by its sender: the sender tells different
    /// members different things.
    Equivocation,
    /// The sender, or our own session, lacks the permission.
    NotAllowed,
    /// A rate limit is exhausted; the message was dropped.
    Busy,
    /// We have left, or have been removed or replaced.
    Ended,
    /// This field of the configuration is outside its bounds.
    Policy(&'static str),
    /// The random number generator returned only zeros.
    NoRandomness,
}

impl From<MessageError> for GroupError {
    fn from(error: MessageError) -> Self {
        Self::Message(error)
    }
}

impl From<PolicyError> for GroupError {
    fn from(PolicyError(field): PolicyError) -> Self {
        Self::Policy(field)
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message(error) => return fmt::Display::fmt(error, f),
            Self::OtherGroup => "message belongs to another call",
            Self::OtherKem => "sender uses another kem",
            Self::OtherSuite => "sender uses another media suite",
            Self::Own => "our own message",
            Self::UnknownMember(_) => "message from an unknown session",
            Self::Departed => "session has ended",
            Self::Away => "member is away",
            Self::Refused => "session was refused",
            Self::Removed => "identity was removed from the call",
            Self::Unauthentic => "message is not authentic",
            Self::InUse => "member id is in use",
            Self::Locked => "call is locked",
            Self::Full => "call is full",
            Self::NotForUs => "message is addressed to another session",
            Self::Stale => "message is stale",
            Self::WrongKey => "key of the update does not open or does not match its commitment",
            Self::Equivocation => "message contradicts an earlier one of its sender",
            Self::NotAllowed => "not allowed",
            Self::Busy => "rate limit exceeded",
            Self::Ended => "we have left the call",
            Self::Policy(field) => return write!(f, "`{field}` is outside its bounds"),
            Self::NoRandomness => "the random number generator returned only zeros",
        })
    }
}

impl core::error::Error for GroupError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Message(error) => Some(error),
            Self::OtherGroup
            | Self::OtherKem
            | Self::OtherSuite
            | Self::Own
            | Self::UnknownMember(_)
            | Self::Departed
            | Self::Away
            | Self::Refused
            | Self::Removed
            | Self::Unauthentic
            | Self::InUse
            | Self::Locked
            | Self::Full
            | Self::NotForUs
            | Self::Stale
            | Self::WrongKey
            | Self::Equivocation
            | Self::NotAllowed
            | Self::Busy
            | Self::Ended
            | Self::Policy(_)
            | Self::NoRandomness => None,
        }
    }
}
