//! The member field of a call's KIDs.

use core::fmt;

/// Which member of a call sealed a frame: the sender field of its KID, 16 bits in the layout of a
/// call.
///
/// Who a member is, its session says; an id may come again once that session has ended.
///
/// Source: RFC 9605 §5.1 leaves room for such a field; PROTOCOL.md §1 of `sealframe-group` gives
/// its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MemberId(u16);

impl MemberId {
    /// Any value is valid: `0..=65_535`.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The sender field of a KID.
impl From<MemberId> for u64 {
    fn from(member: MemberId) -> Self {
        member.0.into()
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
