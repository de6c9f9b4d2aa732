//! Errors as names for JavaScript, and the digits that people compare.

use sealframe_group::{
    GroupError,
    verification::{DigitCode, SasError, TrustError},
};

use crate::json::push_digits;

/// Like `Display` of the code, which would pull formatting code into the module.
pub(crate) fn digits<const GROUPS: usize>(code: &DigitCode<GROUPS>) -> String {
    let mut text = String::new();
    for group in code.groups() {
        if !text.is_empty() {
            text.push(' ');
        }
        push_digits(&mut text, group.into(), 5);
    }
    text
}

pub(crate) const fn of_group(error: GroupError) -> &'static str {
    match error {
        GroupError::Message(_) => "Malformed",
        GroupError::OtherGroup => "OtherGroup",
        GroupError::OtherKem => "OtherKem",
        GroupError::OtherSuite => "OtherSuite",
        GroupError::Own => "Own",
        GroupError::UnknownMember(_) => "UnknownMember",
        GroupError::Departed => "Departed",
        GroupError::Away => "Away",
        GroupError::Refused => "Refused",
        GroupError::Removed => "Removed",
        GroupError::Unauthentic => "Unauthentic",
        GroupError::InUse => "InUse",
        GroupError::Locked => "Locked",
        GroupError::Full => "Full",
        GroupError::NotForUs => "NotForUs",
        GroupError::Stale => "Stale",
        GroupError::WrongKey => "WrongKey",
        GroupError::Equivocation => "Equivocation",
        GroupError::NotAllowed => "NotAllowed",
        GroupError::Busy => "Busy",
        GroupError::Ended => "Ended",
        GroupError::Policy(_) => "Policy",
        GroupError::NoRandomness => "NoRandomness",
    }
}

pub(crate) const fn of_check(error: SasError) -> &'static str {
    match error {
        SasError::TooMany => "CheckTooMany",
        SasError::AlreadyOpen => "CheckAlreadyOpen",
        SasError::NotOpen => "CheckNotOpen",
        SasError::NothingToCompare => "CheckNothingToCompare",
        SasError::Cancelled => "CheckCancelled",
        SasError::TimedOut => "CheckTimedOut",
        SasError::WrongStage => "CheckOutOfOrder",
        SasError::NoRandomness => "NoRandomness",
        // An attacker is in between, or the other side violated the protocol.
        SasError::Changed
        | SasError::WrongCommitment
        | SasError::WeakKey
        | SasError::WrongConfirmation => "CheckMismatch",
    }
}

pub(crate) const fn of_trust(error: TrustError) -> &'static str {
    match error {
        TrustError::Changed => "IdentityChanged",
        TrustError::Unknown => "UnknownMember",
        TrustError::Full | TrustError::UserIdTooLong => "TrustFull",
    }
}

#[cfg(test)]
mod tests {
    use sealframe_group::verification::call_code;

    #[test]
    fn digits_are_those_of_display() {
        for call in 0..50 {
            let code = call_code(&[call; 32], &[]);
            assert_eq!(super::digits(&code), code.to_string());
        }
    }
}
