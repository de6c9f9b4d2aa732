//! Errors as words, which JavaScript makes its own errors of; and the digits that people compare.

use sealframe_group::{
    GroupError,
    verification::{CheckError, Code, TrustError},
};

use crate::json::push_digits;

/// As its `Display`, which would bring the machinery of formatting into the module.
pub(crate) fn digits<const GROUPS: usize>(code: &Code<GROUPS>) -> String {
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

pub(crate) const fn of_check(error: CheckError) -> &'static str {
    match error {
        CheckError::TooMany => "CheckTooMany",
        CheckError::AlreadyOpen => "CheckAlreadyOpen",
        CheckError::NotOpen => "CheckNotOpen",
        CheckError::NothingToCompare => "CheckNothingToCompare",
        CheckError::Cancelled => "CheckCancelled",
        CheckError::TimedOut => "CheckTimedOut",
        CheckError::WrongStage => "CheckOutOfOrder",
        CheckError::NoRandomness => "NoRandomness",
        // Somebody is in between, or at least the other side did not say what it should.
        CheckError::Changed
        | CheckError::WrongCommitment
        | CheckError::WeakKey
        | CheckError::WrongConfirmation => "CheckMismatch",
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
