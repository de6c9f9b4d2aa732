//! Orders of moderators, forwarded messages, and refusals.

use alloc::vec::Vec;

use super::error::MessageError;
use crate::{
    Identity, SessionId,
    encoding::{Reader, Write as _},
    hash::hash,
    sorted::sorted_by,
};

/// Locks or unlocks a call, or removes a member (PROTOCOL.md §2.7).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Order {
    /// One more than the highest counter that its signer has seen.
    pub counter: u32,
    /// The action ordered.
    pub action: Action,
}

/// The action of an [`Order`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum Action {
    /// Only the listed identities are, or become, members.
    Lock {
        /// The identities that the lock lists, as [`Order::tag`] of each, ascending.
        allowed: Vec<[u8; 12]>,
    },
    /// Newcomers may be admitted again.
    Unlock,
    /// The session is out of the call, and its identity is refused until a later unlock.
    Remove {
        /// The session to remove.
        target: SessionId,
        /// [`Order::tag`] of its identity.
        identity: [u8; 12],
    },
}

impl Action {
    pub(crate) const fn id(&self) -> u8 {
        match self {
            Self::Lock { .. } => 1,
            Self::Unlock => 2,
            Self::Remove { .. } => 3,
        }
    }

    pub(crate) fn target(&self) -> SessionId {
        match self {
            Self::Lock { .. } | Self::Unlock => SessionId::default(),
            Self::Remove { target, .. } => *target,
        }
    }
}

impl Order {
    const TAG_LEN: usize = 12;
    const MAX_ALLOWED_LEN: usize = 12_300;

    /// The tag of an identity in an order by `session` with this counter.
    #[must_use]
    pub fn tag(session: SessionId, counter: u32, identity: &Identity) -> [u8; Self::TAG_LEN] {
        let hash = hash("identity", &[&session.0, &counter.to_be_bytes(), &identity.0]);
        let mut tag = [0; Self::TAG_LEN];
        tag.copy_from_slice(&hash[..Self::TAG_LEN]);
        tag
    }

    /// `orders_hash` of orders in force with their signers, in any order.
    #[must_use]
    pub fn orders_hash<'o>(orders: impl Iterator<Item = (SessionId, &'o Self)>) -> [u8; 32] {
        let orders = orders.map(|(session, order)| {
            let mut body = Vec::new();
            order.encode(&mut body);
            (order.counter, session, body)
        });
        let sorted = sorted_by(orders, Ord::cmp);
        let parts: Vec<&[u8]> =
            sorted.iter().flat_map(|(_, session, body)| [&session.0[..], body]).collect();
        hash("orders", &parts)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.counter.to_be_bytes());
        out.push(self.action.id());
        out.extend(self.action.target().0);
        match &self.action {
            Action::Lock { allowed } => out.string(&allowed.concat()),
            Action::Unlock => out.string(&[]),
            Action::Remove { identity, .. } => out.string(identity),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let (counter, id) = (reader.u32()?, reader.u8()?);
        let (target, tags) = (SessionId(reader.array()?), reader.string(Self::MAX_ALLOWED_LEN)?);
        let (allowed, rest) = tags.as_chunks();
        let is_nobody = target == SessionId::default();
        let action = match id {
            1 if is_nobody && rest.is_empty() && allowed.is_sorted_by(|a, b| a < b) => {
                Action::Lock { allowed: allowed.to_vec() }
            }
            2 if is_nobody && tags.is_empty() => Action::Unlock,
            3 if rest.is_empty() && allowed.len() == 1 => {
                Action::Remove { target, identity: allowed[0] }
            }
            _ => return Err(MessageError::Malformed),
        };
        Ok(Self { counter, action })
    }
}

/// Messages of other sessions, as received (PROTOCOL.md §2.9).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Forward {
    /// Whole messages. With 2 bytes added for each, they have at most [`MAX_LEN`](Self::MAX_LEN)
    /// bytes.
    pub messages: Vec<Vec<u8>>,
}

impl Forward {
    /// Maximum length of all messages, with 2 bytes added for each.
    pub const MAX_LEN: usize = 13_600;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut messages = Vec::new();
        for message in &self.messages {
            messages.string(message);
        }
        out.string(&messages);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let mut rest = Reader::new(reader.string(Self::MAX_LEN)?);
        let mut messages = Vec::new();
        while rest.end().is_err() {
            messages.push(rest.string(Self::MAX_LEN)?.to_vec());
        }
        Ok(Self { messages })
    }
}

/// Tells a session that it is not a member here (PROTOCOL.md §2.10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Refusal {
    /// The session that is told.
    pub target: SessionId,
    /// The reason.
    pub reason: RefusalReason,
}

/// Why a session is not admitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum RefusalReason {
    /// The application refused it.
    Refused,
    /// The call is locked.
    Locked,
    /// Its identity was removed.
    Removed,
    /// There is no room.
    Full,
    /// Its member id belongs to another session.
    MemberIdInUse(SessionId),
    /// It uses another media suite, KEM or protocol version.
    OtherParameters,
    /// Another session of its identity is in the call.
    Replaced(SessionId),
}

impl Refusal {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let nobody = SessionId::default();
        let (id, other) = match self.reason {
            RefusalReason::Refused => (1, nobody),
            RefusalReason::Locked => (2, nobody),
            RefusalReason::Removed => (3, nobody),
            RefusalReason::Full => (4, nobody),
            RefusalReason::MemberIdInUse(other) => (5, other),
            RefusalReason::OtherParameters => (6, nobody),
            RefusalReason::Replaced(other) => (7, other),
        };
        out.extend(self.target.0);
        out.push(id);
        out.extend(other.0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let (target, id) = (SessionId(reader.array()?), reader.u8()?);
        let other = SessionId(reader.array()?);
        let is_nobody = other == SessionId::default();
        let reason = match id {
            1 if is_nobody => RefusalReason::Refused,
            2 if is_nobody => RefusalReason::Locked,
            3 if is_nobody => RefusalReason::Removed,
            4 if is_nobody => RefusalReason::Full,
            5 => RefusalReason::MemberIdInUse(other),
            6 if is_nobody => RefusalReason::OtherParameters,
            7 => RefusalReason::Replaced(other),
            _ => return Err(MessageError::Malformed),
        };
        Ok(Self { target, reason })
    }
}
