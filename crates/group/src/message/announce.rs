//! The message that introduces a member.

use alloc::vec::Vec;

use super::{MessageError, Reader};
use crate::{Identity, encoding::Write as _, hash::hash};

/// Introduces a member (PROTOCOL.md §2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Announce {
    /// The suite that it seals frames with, by RFC 9605's registry.
    pub media_suite: u16,
    /// Its number in KIDs.
    pub sender: u16,
    /// What it is there for.
    pub role: Role,
    /// Who it is.
    pub identity: Identity,
    /// Its KEM public key, 32 or 1,216 bytes.
    pub kem_key: Vec<u8>,
    /// Which nonce the next one is.
    pub nonce_number: u8,
    /// Its present freshness nonce.
    pub nonce: [u8; 24],
    /// What the application judges; at most [`MAX_CREDENTIAL_LEN`](Self::MAX_CREDENTIAL_LEN) bytes.
    pub credential: Vec<u8>,
}

impl Announce {
    /// Bytes that a credential may have.
    pub const MAX_CREDENTIAL_LEN: usize = 4096;

    /// `announce_hash = H("announced", whole message)`
    #[must_use]
    pub fn hash(message: &[u8]) -> [u8; 32] {
        hash("announced", &[message])
    }

    const IDENTITY_AT: usize = super::Head::LEN + 2 + 2 + 1;

    /// The identity inside a message that was parsed before.
    pub(crate) fn identity_in(message: &[u8]) -> Identity {
        let mut identity = Identity([0; 32]);
        identity.0.copy_from_slice(&message[Self::IDENTITY_AT..][..32]);
        identity
    }

    /// The KEM key inside a message that was parsed before.
    pub(crate) fn kem_key_in(message: &[u8]) -> &[u8] {
        let start = Self::IDENTITY_AT + 32 + 2;
        let len = usize::from(u16::from_be_bytes([message[start - 2], message[start - 1]]));
        &message[start..start + len]
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.media_suite.to_be_bytes());
        out.extend(self.sender.to_be_bytes());
        out.push(self.role as u8);
        out.extend(self.identity.0);
        out.string(&self.kem_key);
        out.push(self.nonce_number);
        out.extend(self.nonce);
        out.string(&self.credential);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            media_suite: reader.u16()?,
            sender: reader.u16()?,
            role: Role::from_id(reader.u8()?).ok_or(MessageError::Malformed)?,
            identity: Identity(reader.array()?),
            kem_key: reader.string(1216)?.to_vec(),
            nonce_number: reader.u8()?,
            nonce: reader.array()?,
            credential: reader.string(Self::MAX_CREDENTIAL_LEN)?.to_vec(),
        })
    }
}

/// What a member is there for, as it says itself; everybody sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// A person takes part.
    #[default]
    Participant = 0,
    /// It keeps what it opens.
    Recorder = 1,
    /// A program listens or speaks.
    Bot = 2,
}

impl Role {
    /// The role with this number; `None` for any other.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Participant,
            1 => Self::Recorder,
            2 => Self::Bot,
            _ => return None,
        })
    }
}
