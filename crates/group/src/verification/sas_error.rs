//! Errors of SAS verifications.

use core::fmt;

/// Why a verification failed. Unless noted otherwise it has ended, and another may be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum SasError {
    /// Three verifications with this identity failed, so no more are allowed in this call. Compare
    /// codes instead.
    TooMany,
    /// A verification with this member is already open, and stays open.
    AlreadyOpen,
    /// No verification with this member is open.
    NotOpen,
    /// The random number generator returned only zeros, so none was started.
    NoRandomness,
    /// There is nothing to confirm yet. The verification stays open.
    NothingToCompare,
    /// The other side cancelled, or has another verification open.
    Cancelled,
    /// It took longer than ten minutes.
    TimedOut,
    /// A step arrived out of order.
    WrongStage,
    /// A step arrived twice with different content.
    Changed,
    /// The other side's key does not match its commitment: an attacker searched for matching emoji.
    WrongCommitment,
    /// The other side's key has small order, which makes the shared secret public (RFC 7748 §6.1).
    WeakKey,
    /// The other side confirmed, but has another shared secret: an attacker is in between.
    WrongConfirmation,
}

impl fmt::Display for SasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many verifications with this member have failed",
            Self::AlreadyOpen => "a verification with this member is already open",
            Self::NotOpen => "no verification with this member is open",
            Self::NoRandomness => "the random number generator returned only zeros",
            Self::NothingToCompare => "there is nothing to compare yet",
            Self::Cancelled => "verification was cancelled by the other side",
            Self::TimedOut => "verification timed out after ten minutes",
            Self::WrongStage => "verification step arrived out of order",
            Self::Changed => "verification step arrived twice with different content",
            Self::WrongCommitment => "key does not match its commitment",
            Self::WeakKey => "key has small order",
            Self::WrongConfirmation => "confirmation does not match our shared secret",
        })
    }
}

impl core::error::Error for SasError {}
