//! The short messages.

use alloc::vec::Vec;

use super::{MessageError, Reader};
use crate::{SessionId, hash::expand};

/// Asks a member for its announce and its keys (PROTOCOL.md §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct KeyRequest {
    /// Who is asked.
    pub target: SessionId,
    /// The newest of its updates that the speaker has; 0 for none.
    pub seq: u64,
    /// Which nonce the next one is.
    pub nonce_number: u8,
    /// The speaker's present freshness nonce.
    pub nonce: [u8; 24],
}

impl KeyRequest {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.target.0);
        out.extend(self.seq.to_be_bytes());
        out.push(self.nonce_number);
        out.extend(self.nonce);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            target: SessionId(reader.array()?),
            seq: reader.u64()?,
            nonce_number: reader.u8()?,
            nonce: reader.array()?,
        })
    }
}

/// Says that an update has been opened (PROTOCOL.md §2.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Ack {
    /// Whose update.
    pub target: SessionId,
    /// Which.
    pub seq: u64,
    /// Shows that its key is known.
    pub mac: [u8; 16],
}

impl Ack {
    /// `mac` of an update that `member` has opened.
    #[must_use]
    pub fn mac(base_key: &[u8], header_hash: &[u8; 32], member: SessionId) -> [u8; 16] {
        expand(base_key, "ack", &[header_hash, &member.0])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.target.0);
        out.extend(self.seq.to_be_bytes());
        out.extend(self.mac);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { target: SessionId(reader.array()?), seq: reader.u64()?, mac: reader.array()? })
    }
}

/// Locks or unlocks a call, or removes somebody (PROTOCOL.md §2.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Control {
    /// One more than the highest that the speaker has seen.
    pub counter: u64,
    /// What is done.
    pub action: Action,
}

/// What a [`Control`] does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Nobody new comes in.
    Lock,
    /// Who is new may come in again.
    Unlock,
    /// This session is out.
    Remove(SessionId),
}

impl Control {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (id, target) = match self.action {
            Action::Lock => (1, SessionId::default()),
            Action::Unlock => (2, SessionId::default()),
            Action::Remove(target) => (3, target),
        };
        out.extend(self.counter.to_be_bytes());
        out.push(id);
        out.extend(target.0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let (counter, id, target) = (reader.u64()?, reader.u8()?, SessionId(reader.array()?));
        let nobody = target == SessionId::default();
        let action = match id {
            1 if nobody => Action::Lock,
            2 if nobody => Action::Unlock,
            3 => Action::Remove(target),
            _ => return Err(MessageError::Malformed),
        };
        Ok(Self { counter, action })
    }
}
