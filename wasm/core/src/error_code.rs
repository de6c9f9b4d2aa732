//! Errors as small negative numbers, so that a rejected frame allocates no JavaScript object.

use sealframe::{
    AnnouncementError, FrameError, KeyError, OpenError, SealError, SharedSecretError, WeakKey,
};
use sealframe_codec::UnexpectedFrame;

macro_rules! codes {
    ($($name:ident)*) => {
        /// Every error of this module.
        #[derive(Clone, Copy)]
        pub(crate) enum ErrorCode { $($name),* }

        const ALL: &[(ErrorCode, &str)] = &[$((ErrorCode::$name, stringify!($name))),*];
    };
}

codes! {
    // Frames that do not open.
    UnknownKey StepErased StepTooFar Replayed TooOld TooManyKeys Unauthentic OtherMember
    HeaderInvalid TooShort UnexpectedFrame
    // Frames that are not sealed.
    KeyExhausted PrefixTooLong NoRoom
    // Members and their announcements.
    SecretTooShort WrongSecret WrongSender OtherSuite UnknownVersion Malformed KeyInUse KeyRefused Departed
    // Wrong calls.
    OtherKeys UnknownStream NotReserved NoRandomness
    // Errors that no function of this module returns.
    Other
}

impl ErrorCode {
    pub(crate) const fn as_result(self) -> isize {
        -1 - self as isize
    }

    pub(crate) fn from_result(result: isize) -> Option<Self> {
        let place = usize::try_from(result.checked_neg()?.checked_sub(1)?).ok()?;
        ALL.get(place).map(|(code, _)| *code)
    }

    pub(crate) const fn from_seal(error: SealError) -> Self {
        match error {
            SealError::KeyExhausted => Self::KeyExhausted,
            // No process forks in WebAssembly.
            SealError::Forked => Self::Other,
            SealError::PrefixTooLong => Self::PrefixTooLong,
            SealError::NoHeadroom { .. }
            | SealError::NoTailroom { .. }
            | SealError::OutputTooShort { .. }
            | SealError::FrameTooLong => Self::NoRoom,
        }
    }

    pub(crate) const fn from_open(error: OpenError) -> Self {
        match error {
            OpenError::UnknownKey(_) => Self::UnknownKey,
            OpenError::Header(_) => Self::HeaderInvalid,
            OpenError::TooShort => Self::TooShort,
            OpenError::StepErased(_) => Self::StepErased,
            OpenError::StepTooFar(_) => Self::StepTooFar,
            OpenError::Replayed(_) => Self::Replayed,
            OpenError::TooOld(_) => Self::TooOld,
            OpenError::TooManyKeys => Self::TooManyKeys,
            OpenError::Unauthentic => Self::Unauthentic,
            OpenError::OtherSender(_) => Self::OtherMember,
        }
    }

    pub(crate) const fn from_key(error: KeyError) -> Self {
        match error {
            KeyError::KidInUse => Self::KeyInUse,
            KeyError::KidOutOfRange
            | KeyError::OwnKey
            | KeyError::NoRatchet
            | KeyError::WrongLayout
            | KeyError::NotNewer
            | KeyError::PolicyTooWide => Self::KeyRefused,
            KeyError::TooManyKeys => Self::TooManyKeys,
            KeyError::OtherSuite => Self::OtherSuite,
            KeyError::CtrExhausted => Self::KeyExhausted,
            KeyError::Forked => Self::Other,
        }
    }

    pub(crate) const fn from_frame(error: FrameError) -> Self {
        match error {
            FrameError::OtherMember => Self::OtherMember,
            FrameError::Open(error) => Self::from_open(error),
        }
    }

    pub(crate) const fn from_secret(error: WeakKey) -> Self {
        match error {
            WeakKey::TooShort { .. } => Self::SecretTooShort,
            WeakKey::Zeros => Self::KeyRefused,
        }
    }

    pub(crate) const fn from_call(error: SharedSecretError) -> Self {
        match error {
            SharedSecretError::Secret(error) => Self::from_secret(error),
            SharedSecretError::NoRandomness => Self::NoRandomness,
            SharedSecretError::Announcement(error) => match error {
                AnnouncementError::WrongSecret => Self::WrongSecret,
                AnnouncementError::WrongSender => Self::WrongSender,
                AnnouncementError::OtherSuite => Self::OtherSuite,
                AnnouncementError::UnknownVersion => Self::UnknownVersion,
                AnnouncementError::Malformed => Self::Malformed,
                AnnouncementError::WeakKey => Self::KeyRefused,
            },
            SharedSecretError::Key(error) => Self::from_key(error),
            SharedSecretError::Departed => Self::Departed,
            SharedSecretError::OtherMember => Self::OtherMember,
            SharedSecretError::Open(error) => Self::from_open(error),
        }
    }
}

impl From<UnexpectedFrame> for ErrorCode {
    fn from(UnexpectedFrame: UnexpectedFrame) -> Self {
        Self::UnexpectedFrame
    }
}

/// JavaScript throws an error with this string.
impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        ALL[code as usize].1.into()
    }
}
