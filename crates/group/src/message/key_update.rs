//! The messages that carry keys, ask for them and acknowledge them.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;
use sha2::{Digest, Sha256};

use super::{Head, MessageError, Reader};
use crate::{
    Identity, Kem, MemberId, SessionId,
    hash::{expand, hash},
};

/// A key of the sender's (PROTOCOL.md §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct KeyUpdate {
    /// Why it is sent.
    pub reason: Reason,
    /// Whether the recipient acknowledges it.
    pub wants_ack: bool,
    /// Which of the sender's base keys.
    pub generation: u32,
    /// At which ratchet step.
    pub step: u8,
    /// The header_hash of what began the generation before this one; of a delivery, this one.
    pub prev_hash: [u8; 32],
}

impl KeyUpdate {
    /// Bytes of `head ‖ body`.
    pub const SIGNED_LEN: usize = Head::LEN + 38;
    /// Bytes of a header: `head ‖ body ‖ key_commit`.
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

/// The flag of an update that wants no acknowledgement.
const NO_ACK: u8 = 8;

/// Why a key is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// The sender's first generation.
    Start = 0,
    /// A generation without a member that left, was removed or was lost.
    Leave = 1,
    /// A generation because the last one is old.
    Timer = 2,
    /// A generation because the last one has been used as much as it may.
    Limit = 3,
    /// A generation because something is wrong.
    Suspicion = 4,
    /// A step of a generation that has begun.
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

    /// Whether a generation begins with it.
    #[must_use]
    pub const fn begins_generation(self) -> bool {
        !matches!(self, Self::Delivery)
    }
}

/// The recipient's part of a key update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Entry<'a> {
    /// The recipient's id.
    pub recipient: MemberId,
    /// Which of its prekeys it was made with.
    pub prekey_number: u16,
    /// HPKE's encapsulated key and ciphertext of the base key, one after the other.
    pub sealed: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes an entry apart.
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
    /// [`MessageError::Malformed`] if the length is not that of a key of `nh` bytes under `kem`.
    pub fn parts(&self, kem: Kem, nh: usize) -> Result<(&'a [u8], &'a [u8]), MessageError> {
        let parts = self.sealed.split_at_checked(kem.enc_len());
        let parts = parts.filter(|(_, ciphertext)| ciphertext.len() == nh + 16);
        parts.ok_or(MessageError::Malformed)
    }
}

/// The header of a key update with its commitment, as shown to others (PROTOCOL.md §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct UpdateHeader {
    /// The update.
    pub update: KeyUpdate,
    /// What its key must match.
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

/// Asks a session for what the requester lacks (PROTOCOL.md §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Request {
    /// Who is asked.
    pub target: SessionId,
    /// What for.
    pub wants: Wants,
}

/// What a [`Request`] asks for: any of the constants, combined by [`and`](Self::and).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wants(u8);

impl Wants {
    /// The announce.
    pub const ANNOUNCE: Self = Self(1);
    /// A heartbeat.
    pub const HEARTBEAT: Self = Self(2);
    /// The present keys.
    pub const KEYS: Self = Self(4);
    /// Keys of a new generation: the requester wiped the present ones.
    pub const NEW_KEYS: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is asked for.
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

/// Confirms that the key of an update was opened (PROTOCOL.md §2.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Ack {
    /// Which generation.
    pub generation: u32,
    /// Which step.
    pub step: u8,
    /// Proves that its key is known.
    pub mac: [u8; 8],
}

impl Ack {
    /// `mac` of an update whose key `member` opened.
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

/// Whom an entry is for.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what the protocol names")]
pub struct Addressee<'a> {
    /// Who it is.
    pub identity: Identity,
    /// In which session.
    pub session: SessionId,
    /// Its public prekey that is used.
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
