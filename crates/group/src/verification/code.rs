//! Codes of decimal digits that people read to each other.

use core::{fmt, str::FromStr};

use crate::{hash::expand, sorted::sorted_by};

/// The code of a call: 60 digits, 199 bits.
pub type CallCode = DigitCode<12>;

/// The code of two people: 45 digits.
pub type PairwiseCode = DigitCode<9>;

/// The code of a call. It is the same for everyone who sees the same members, and changes with
/// them.
///
/// `sessions` are the announce_hashes of all members, including our own, in any order. An attacker
/// between two halves of a call has to find a session for each side such that both codes match.
/// That takes 2^99 work, as the code has 199 bits, and cannot start before the sessions of honest
/// members exist, which are fresh in every call.
///
/// Source: PROTOCOL.md §7.
#[must_use]
pub fn call_code(group_hash: &[u8; 32], sessions: &[[u8; 32]]) -> CallCode {
    let sessions = sorted_by(sessions.iter().map(|session| &session[..]), Ord::cmp);
    DigitCode::from_hash(&expand::<60>(group_hash, "call code", &[&sessions.concat()]))
}

/// Decimal digits, shown in groups of five with a space between.
///
/// Source of the digits: DAVE's displayable codes (discord/dave-protocol, `protocol.md`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DigitCode<const GROUPS: usize>([u32; GROUPS]);

impl<const GROUPS: usize> DigitCode<GROUPS> {
    /// Each group is five bytes of `hash` modulo 10^5. `hash` has at least five bytes for each
    /// group.
    pub(super) fn from_hash(hash: &[u8]) -> Self {
        let mut groups = [0; GROUPS];
        for (group, bytes) in groups.iter_mut().zip(hash.chunks_exact(5)) {
            *group = bytes.iter().fold(0, |sum, &byte| (sum * 256 + u32::from(byte)) % 100_000);
        }
        Self(groups)
    }

    /// Five digits each: numbers below 100,000, shown with zeros in front.
    #[must_use]
    pub const fn groups(&self) -> [u32; GROUPS] {
        self.0
    }
}

impl<const GROUPS: usize> fmt::Display for DigitCode<GROUPS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{group:05}")?;
        }
        Ok(())
    }
}

impl<const GROUPS: usize> fmt::Debug for DigitCode<GROUPS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigitCode({self})")
    }
}

/// Parses the digits, ignoring white space, as people type or paste them.
impl<const GROUPS: usize> FromStr for DigitCode<GROUPS> {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let mut digits = text.chars().filter(|char| !char.is_whitespace());
        let mut groups = [0; GROUPS];
        for group in &mut groups {
            for _ in 0..5 {
                let digit = digits.next().and_then(|char| char.to_digit(10)).ok_or(InvalidCode)?;
                *group = *group * 10 + digit;
            }
        }
        digits.next().map_or(Ok(Self(groups)), |_| Err(InvalidCode))
    }
}

/// Serialises a code as its text.
#[cfg(feature = "serde")]
impl<const GROUPS: usize> serde::Serialize for DigitCode<GROUPS> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de, const GROUPS: usize> serde::Deserialize<'de> for DigitCode<GROUPS> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not a code of this length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct InvalidCode;

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a code of the expected number of digits")
    }
}

impl core::error::Error for InvalidCode {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::DigitCode;

    /// `DisplayableCode-test.ts` of discord/libdave 52cd56d (MIT): input and output.
    #[test]
    fn digits_are_those_of_dave() {
        let bytes = [0xaa, 0xbb, 0xcc, 0xdd, 0xee];
        assert_eq!(DigitCode::<1>::from_hash(&bytes).to_string(), "05870");
        let bytes = [
            0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xcc, 0xdd, 0xee, 0xff, 0xaa,
            0xdd, 0xee, 0xff, 0xaa, 0xbb, 0xee, 0xff, 0xaa, 0xbb, 0xcc, 0xff, 0xaa, 0xbb, 0xcc, 0xdd,
        ];
        let code = DigitCode::<6>::from_hash(&bytes).to_string();
        assert_eq!(code, "05870 81055 56138 05211 95724 94877");
    }
}
