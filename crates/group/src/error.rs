//! What can go wrong, sorted by what the caller does about it.

use core::fmt;

use crate::{MessageError, PolicyError, SessionId};

/// Why a message or a request was refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum GroupError {
    /// Not understood. Drop.
    Message(MessageError),
    /// Of another call. Drop.
    OtherGroup,
    /// Its sender uses another KEM: it cannot take part in this call.
    OtherKem,
    /// Its sender uses another media suite: it cannot take part in this call.
    OtherSuite,
    /// Our own message, played back. Drop.
    Own,
    /// From a session that has not been admitted. Its announce has been asked for, or waits for a decision.
    UnknownMember(SessionId),
    /// Of a session that has ended: it does not come back. Drop.
    Departed,
    /// Of a member that was lost or dropped: it has been asked to prove that it is present.
    Away,
    /// The application has refused this session a moment ago.
    Refused,
    /// This identity was removed from the call.
    Removed,
    /// Not signed by the identity of its session, or changed on the way. Drop.
    Unauthentic,
    /// Another session has this number: the newcomer is told, and takes another.
    InUse,
    /// The call is locked, and the lock does not allow this identity.
    Locked,
    /// No room for more members, or for more sessions to be judged.
    Full,
    /// Addressed to somebody else. Drop.
    NotForUs,
    /// Older than what is known already. Drop.
    Stale,
    /// An update whose entry for us does not open, or not to the key that its header commits to.
    WrongKey,
    /// It contradicts what its sender has signed before: it tells different people different things.
    Equivocation,
    /// The speaker, or we ourselves, may not do this.
    NotAllowed,
    /// This session says too much; what it says is dropped for a while.
    Busy,
    /// We have left or have been removed.
    Ended,
    /// This field of the configuration is out of its bounds.
    Policy(&'static str),
    /// The random number generator gives nothing but zeros.
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
            Self::OtherGroup => "message of another call",
            Self::OtherKem => "another kem is used in this call",
            Self::OtherSuite => "another media suite is used in this call",
            Self::Own => "our own message",
            Self::UnknownMember(_) => "message from an unknown session",
            Self::Departed => "the session has ended",
            Self::Away => "the session is away",
            Self::Refused => "the session was refused",
            Self::Removed => "the identity was removed from the call",
            Self::Unauthentic => "message is not authentic",
            Self::InUse => "the member id is in use",
            Self::Locked => "the call is locked",
            Self::Full => "the call is full",
            Self::NotForUs => "message for somebody else",
            Self::Stale => "message is out of date",
            Self::WrongKey => "the update's key does not open or does not match",
            Self::Equivocation => "it contradicts what its sender signed before",
            Self::NotAllowed => "not allowed",
            Self::Busy => "too many messages",
            Self::Ended => "we are not in the call",
            Self::Policy(field) => return write!(f, "`{field}` is out of its bounds"),
            Self::NoRandomness => "what should be random is nothing but zeros",
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
