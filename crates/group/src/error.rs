//! What can go wrong, sorted by what the caller does about it.

use core::fmt;

use crate::{MessageError, SessionId};

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
    /// Of a session that left, was removed or was lost, or for a number that one had: neither comes back.
    Departed,
    /// Not signed by the identity of its session, or changed on the way. Drop.
    Unauthentic,
    /// Another session has this id or this number. Drop.
    InUse,
    /// The call is locked, and this identity has not been in it.
    Locked,
    /// No room for more members or applicants.
    Full,
    /// Addressed to somebody else. Drop.
    NotForUs,
    /// Older than what is known already. Drop.
    Stale,
    /// An update whose entry for us does not open, or not to the key that its header commits to.
    WrongKey,
    /// A second update with a number that its sender has used before: it tells different people different things.
    Equivocation,
    /// The speaker, or we ourselves, may not do this.
    NotAllowed,
    /// This session says too much; what it says is dropped for a while.
    Busy,
    /// We have left or have been removed.
    Ended,
    /// A field of the configuration is out of its bounds.
    Policy,
    /// An admission names nobody: its user has no bytes.
    NoUser,
}

impl From<MessageError> for GroupError {
    fn from(error: MessageError) -> Self {
        Self::Message(error)
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
            Self::UnknownMember(_) => "message of a session that is no member",
            Self::Departed => "the session has ended or the number has been used",
            Self::Unauthentic => "message is not authentic",
            Self::InUse => "the session id or number is in use",
            Self::Locked => "the call is locked",
            Self::Full => "the call is full",
            Self::NotForUs => "message for somebody else",
            Self::Stale => "message is out of date",
            Self::WrongKey => "the update's key does not open or does not match",
            Self::Equivocation => "a second update with the same number",
            Self::NotAllowed => "not allowed",
            Self::Busy => "too many messages",
            Self::Ended => "we are not in the call",
            Self::Policy => "the policy is out of bounds",
            Self::NoUser => "an admission names nobody",
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
            | Self::Policy
            | Self::NoUser => None,
        }
    }
}
