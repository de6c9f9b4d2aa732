//! The messages that carry keys, request them and acknowledge them.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;
use sha2::{Digest, Sha256};

use super::{error::MessageError, head::Head};
use crate::{
    Identity, Kem, MemberId, SessionId,
    encoding::Reader,
    hash::{expand, hash},
};

/// Delivers a key of the sender (PROTOCOL.md §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct KeyUpdate {
    /// Why the key is sent.
    pub reason: Reason,
    /// Whether the recipient acknowledges it.
    pub wants_ack: bool,
    /// The sender's generation.
    pub generation: u32,
    /// The ratchet step.
    pub step: u8,
    /// header_hash of the update that began the previous generation; in a delivery, of the one that
    /// began this generation.
    pub prev_hash: [u8; 32],
}

impl KeyUpdate {
    /// Length of `head ‖ body`, bytes.
    pub const SIGNED_LEN: usize = Head::LEN + 38;
    /// Length of a header, `head ‖ body ‖ key_commit`, bytes.
    pub const HEADER_LEN: usize = Self::SIGNED_LEN + 32;
    pub(crate) const NAME: &str = "key update";

    /// `header_hash` of `head ‖ body` and the commitment.
    #[must_use]
    pub fn header_hash(group: &[u8; 32], head_and_body: &[u8], key_commit: &[u8; 32]) -> [u8; 32] {
        hash("header", &[group, head_and_body, key_commit])
    }

    /// `key_commit` of a base key.
    #[must_use]
    pub fn commit(
        base_key: &[u8],
        group: &[u8; 32],
        session: SessionId,
        generation: u32,
        step: u8,
    ) -> [u8; 32] {
        expand(base_key, "commit", &[group, &session.0, &generation.to_be_bytes(), &[step]])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.reason as u8 | if self.wants_ack { 0 } else { NO_ACK });
        out.extend(self.generation.to_be_bytes());
        out.push(self.step);
        out.extend(self.prev_hash);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let flags = reader.u8()?;
        let update = Self {
            reason: Reason::from_id(flags & !NO_ACK).ok_or(MessageError::Malformed)?,
            wants_ack: flags & NO_ACK == 0,
            generation: reader.u32()?,
            step: reader.u8()?,
            prev_hash: reader.array()?,
        };
        let fits = update.step == 0 || !update.reason.begins_generation();
        if fits { Ok(update) } else { Err(MessageError::Malformed) }
    }
}

/// The flag of an update that requests no acknowledgement.
const NO_ACK: u8 = 8;

/// Why a key is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// The sender's first generation.
    Start = 0,
    /// A generation that excludes a member that left, was removed or was lost.
    Leave = 1,
    /// A generation that replaces one at the end of its lifetime.
    Timer = 2,
    /// A generation that replaces one at its usage limit.
    Limit = 3,
    /// A generation begun on suspicion of compromise.
    Suspicion = 4,
    /// The delivery of a step of a generation that has begun.
    Delivery = 5,
}

impl Reason {
    const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Start,
            1 => Self::Leave,
            2 => Self::Timer,
            3 => Self::Limit,
            4 => Self::Suspicion,
            5 => Self::Delivery,
            _ => return None,
        })
    }

    /// Whether the update begins a generation.
    #[must_use]
    pub const fn begins_generation(self) -> bool {
        !matches!(self, Self::Delivery)
    }
}

/// The recipient's part of a key update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Entry<'a> {
    /// The recipient's member id.
    pub recipient: MemberId,
    /// The number of the recipient's prekey that it was encrypted to.
    pub prekey_number: u16,
    /// HPKE's encapsulated key, then the ciphertext of the base key.
    pub sealed: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Parses an entry.
    ///
    /// # Errors
    /// [`MessageError::Malformed`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        let (recipient, prekey_number) = (MemberId::new(reader.u16()?), reader.u16()?);
        Ok(Self { recipient, prekey_number, sealed: reader.rest() })
    }

    /// The encapsulated key and the ciphertext.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] if the length does not fit a key of `nh` bytes under `kem`.
    pub fn parts(&self, kem: Kem, nh: usize) -> Result<(&'a [u8], &'a [u8]), MessageError> {
        let parts = self.sealed.split_at_checked(kem.enc_len());
        let parts = parts.filter(|(_, ciphertext)| ciphertext.len() == nh + 16);
        parts.ok_or(MessageError::Malformed)
    }
}

/// The header of a key update with its commitment, as shown to third parties (PROTOCOL.md §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct UpdateHeader {
    /// The update.
    pub update: KeyUpdate,
    /// The commitment that its key must match.
    pub key_commit: [u8; 32],
}

impl UpdateHeader {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.update.encode(out);
        out.extend(self.key_commit);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { update: KeyUpdate::decode(reader)?, key_commit: reader.array()? })
    }
}

/// Requests from a session what the requester lacks (PROTOCOL.md §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Request {
    /// The session that is asked.
    pub target: SessionId,
    /// The items requested.
    pub wants: Wants,
}

/// The items of a [`Request`]: any of the constants, combined by [`and`](Self::and).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wants(u8);

impl Wants {
    /// The announce.
    pub const ANNOUNCE: Self = Self(1);
    /// A heartbeat.
    pub const HEARTBEAT: Self = Self(2);
    /// The current keys.
    pub const KEYS: Self = Self(4);
    /// Keys of a new generation, as the requester wiped the current ones.
    pub const NEW_KEYS: Self = Self(8);

    /// The items of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all items of `other` are requested.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Request {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.target.0);
        out.push(self.wants.0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let (target, wants) = (SessionId(reader.array()?), reader.u8()?);
        if !(1..16).contains(&wants) {
            return Err(MessageError::Malformed);
        }
        Ok(Self { target, wants: Wants(wants) })
    }
}

/// Acknowledges that the key of an update was opened (PROTOCOL.md §2.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Ack {
    /// The generation.
    pub generation: u32,
    /// The step.
    pub step: u8,
    /// Proves knowledge of the key.
    pub mac: [u8; 8],
}

impl Ack {
    /// `mac` of the ack by `member` for an update with this header_hash.
    #[must_use]
    pub fn mac(base_key: &[u8], header_hash: &[u8; 32], member: SessionId) -> [u8; 8] {
        expand(base_key, "ack", &[header_hash, &member.0])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.generation.to_be_bytes());
        out.push(self.step);
        out.extend(self.mac);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { generation: reader.u32()?, step: reader.u8()?, mac: reader.array()? })
    }
}

/// The recipient of an entry.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the protocol fixes the fields")]
pub struct Addressee<'a> {
    /// Its identity.
    pub identity: Identity,
    /// Its session.
    pub session: SessionId,
    /// The public prekey that the entry is encrypted to.
    pub prekey: &'a [u8],
}

/// HPKE's `info` of an entry (PROTOCOL.md §2.2).
#[must_use]
pub fn entry_info(
    group: &[u8; 32],
    kem: Kem,
    suite: CipherSuite,
    sender: (&Identity, SessionId),
    to: &Addressee<'_>,
) -> Vec<u8> {
    [
        b"sealframe group 1 key\0",
        &[kem.id()][..],
        &suite.id().to_be_bytes(),
        group,
        &sender.0.0,
        &sender.1.0,
        &to.identity.0,
        &to.session.0,
        &Sha256::digest(to.prekey),
    ]
    .concat()
}
