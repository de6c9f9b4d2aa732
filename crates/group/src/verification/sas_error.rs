//! Why emoji checks end.

use core::fmt;

/// Why a check did not go on. Except where noted it is over; another one may be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum SasError {
    /// Three checks with this identity failed: none is made in this call any more. Compare codes instead.
    TooMany,
    /// One with this member is open already, and stays so.
    AlreadyOpen,
    /// None with this member is open.
    NotOpen,
    /// The random number generator gives nothing but zeros: none was begun.
    NoRandomness,
    /// There is nothing to confirm yet. The check goes on.
    NothingToCompare,
    /// The other side, or the person there, gave up, or is busy with another check.
    Cancelled,
    /// Ten minutes have passed.
    TimedOut,
    /// A step that can't come now.
    WrongStage,
    /// A step came twice, with different content.
    Changed,
    /// Their key is not the one that they had committed to: somebody searched for matching emoji.
    WrongCommitment,
    /// Their key makes the shared secret known to all (RFC 7748 §6.1).
    WeakKey,
    /// They say that the rows are the same, but have another secret: somebody is in between.
    WrongConfirmation,
}

impl fmt::Display for SasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many checks with this member have failed",
            Self::AlreadyOpen => "a check with this member is open already",
            Self::NotOpen => "no check with this member is open",
            Self::NoRandomness => "what should be random is nothing but zeros",
            Self::NothingToCompare => "nothing to compare yet",
            Self::Cancelled => "check was cancelled by the other side",
            Self::TimedOut => "check took longer than ten minutes",
            Self::WrongStage => "step of a check out of order",
            Self::Changed => "step of a check came twice, differently",
            Self::WrongCommitment => "key is not the one committed to",
            Self::WeakKey => "key of small order",
            Self::WrongConfirmation => "confirmation of another secret",
        })
    }
}

impl core::error::Error for SasError {}
