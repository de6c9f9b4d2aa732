//! The head of a message, and the lengths that all types share.

use crate::SessionId;

/// Longer messages and bundles are rejected before they are read, bytes.
pub const MAX_LEN: usize = 14_000;
/// Length of a signature, bytes.
pub const SIGNATURE_LEN: usize = 64;
/// The version of the protocol.
pub(crate) const VERSION: u8 = 1;

/// The head of every message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Head {
    /// The first bytes of [`group_hash`](super::group_hash).
    pub tag: [u8; 4],
    /// The sender's session.
    pub session: SessionId,
}

impl Head {
    /// Length of a head, bytes.
    pub const LEN: usize = 22;

    /// The head of messages from `session` in the call with this group_hash.
    #[must_use]
    pub const fn new(group: &[u8; 32], session: SessionId) -> Self {
        let [a, b, c, d, ..] = *group;
        Self { tag: [a, b, c, d], session }
    }
}
