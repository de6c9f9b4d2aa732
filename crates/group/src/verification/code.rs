//! Codes of decimal digits that people read to each other.

use core::{fmt, str::FromStr};

use crate::{hash::expand, sorted::sorted_by};

/// The code of a call: 60 digits, 199 bits.
pub type CallCode = Code<12>;

/// The code of two people: 45 digits.
pub type PairwiseCode = Code<9>;

/// The code of a call: the same for everyone who sees the same members, and another when they change.
///
/// `sessions` are the announce_hashes of all members, one's own included, in any order. An attacker between two halves of a call
/// chooses a session on each side, and looks for two that give one code: 2^99 work, as the code has 199 bits, and none of it
/// before the sessions of honest members exist, which are fresh in every call.
///
/// Source: PROTOCOL.md §7.
#[must_use]
pub fn call_code(group_hash: &[u8; 32], sessions: &[[u8; 32]]) -> CallCode {
    let sessions = sorted_by(sessions.iter().map(|session| &session[..]), Ord::cmp);
    Code::from_hash(&expand::<60>(group_hash, "call code", &[&sessions.concat()]))
}

/// Decimal digits, shown in groups of five with a space between.
///
/// Source of the digits: DAVE's displayable codes (discord/dave-protocol, `protocol.md`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code<const GROUPS: usize>([u32; GROUPS]);

impl<const GROUPS: usize> Code<GROUPS> {
    /// Five bytes, modulo 10^5, for each group. `hash` has at least that many.
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

impl<const GROUPS: usize> fmt::Display for Code<GROUPS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{group:05}")?;
        }
        Ok(())
    }
}

impl<const GROUPS: usize> fmt::Debug for Code<GROUPS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

/// Takes what people type or paste: the digits, with white space anywhere.
impl<const GROUPS: usize> FromStr for Code<GROUPS> {
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

/// A code as its text.
#[cfg(feature = "serde")]
impl<const GROUPS: usize> serde::Serialize for Code<GROUPS> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de, const GROUPS: usize> serde::Deserialize<'de> for Code<GROUPS> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text is no code of this length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct InvalidCode;

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a code of this many digits")
    }
}

impl core::error::Error for InvalidCode {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Code;

    /// `DisplayableCode-test.ts` of discord/libdave 52cd56d (MIT): input and output.
    #[test]
    fn digits_are_those_of_dave() {
        let bytes = [0xaa, 0xbb, 0xcc, 0xdd, 0xee];
        assert_eq!(Code::<1>::from_hash(&bytes).to_string(), "05870");
        let bytes = [
            0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xcc, 0xdd, 0xee, 0xff, 0xaa,
            0xdd, 0xee, 0xff, 0xaa, 0xbb, 0xee, 0xff, 0xaa, 0xbb, 0xcc, 0xff, 0xaa, 0xbb, 0xcc, 0xdd,
        ];
        let code = Code::<6>::from_hash(&bytes).to_string();
        assert_eq!(code, "05870 81055 56138 05211 95724 94877");
    }
}
