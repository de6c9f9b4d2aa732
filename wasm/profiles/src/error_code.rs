//! Errors as small negative numbers, so that a rejected frame allocates no JavaScript object.

use sealframe_profiles::{KeyError, OpenError, SealError};

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
    UnknownKey NotThisFormat TooShort Unauthentic Replayed TooOld Injected StepErased StepTooFar
    // Frames that are not sealed.
    KeyExhausted UnsupportedCodec StartCodeInside NoRoom
    // Keys.
    SameKey KeyRefused NoRatchet
    // Codes for people to compare.
    DigitsRefused
    // Wrong calls.
    UnknownCodec NotReserved NoRandomness TooManyStreams
}

impl ErrorCode {
    pub(crate) const fn as_result(self) -> isize {
        -1 - self as isize
    }

    pub(crate) fn from_result(result: isize) -> Option<Self> {
        let place = usize::try_from(result.checked_neg()?.checked_sub(1)?).ok()?;
        ALL.get(place).map(|(code, _)| *code)
    }
}

impl From<SealError> for ErrorCode {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoKey => Self::UnknownKey,
            SealError::KeyExhausted | SealError::NonceWouldRepeat => Self::KeyExhausted,
            // No process forks in WebAssembly.
            SealError::Forked => Self::KeyExhausted,
            SealError::TooShort => Self::TooShort,
            SealError::UnsupportedCodec | SealError::TooManyRanges => Self::UnsupportedCodec,
            SealError::StartCode => Self::StartCodeInside,
            SealError::TooManyStreams => Self::TooManyStreams,
            SealError::NoTailroom { .. }
            | SealError::OutputTooShort { .. }
            | SealError::FrameTooLong => Self::NoRoom,
        }
    }
}

impl From<OpenError> for ErrorCode {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::UnknownKey { .. } => Self::UnknownKey,
            OpenError::NotThisFormat => Self::NotThisFormat,
            OpenError::TooShort => Self::TooShort,
            OpenError::Replayed { .. } => Self::Replayed,
            OpenError::TooOld { .. } => Self::TooOld,
            OpenError::Unauthentic => Self::Unauthentic,
            OpenError::Injected => Self::Injected,
            OpenError::StepErased { .. } => Self::StepErased,
            OpenError::StepTooFar { .. } => Self::StepTooFar,
        }
    }
}

impl From<KeyError> for ErrorCode {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NoKey => Self::UnknownKey,
            KeyError::NoRatchet => Self::NoRatchet,
            KeyError::SameKey => Self::SameKey,
            // No process forks in WebAssembly.
            KeyError::OutOfRange | KeyError::NotNewer | KeyError::Forked => Self::KeyRefused,
        }
    }
}

/// JavaScript throws an error with this string.
impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        ALL[code as usize].1.into()
    }
}
