//! The message that introduces a session.

use alloc::vec::Vec;

use super::{
    error::MessageError,
    head::{Head, SIGNATURE_LEN, VERSION},
};
use crate::{
    Identity, Kem, SessionId,
    encoding::{Reader, Write as _},
    hash::hash,
};

/// Introduces a session (PROTOCOL.md §2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Announce {
    /// When the session joined, in milliseconds since 1970.
    pub joined_at: u64,
    /// The suite that it seals frames with, by its number in RFC 9605's registry.
    pub media_suite: u16,
    /// The KEM that keys are encrypted to it with.
    pub kem: Kem,
    /// Its role.
    pub role: Role,
    /// Its identity.
    pub identity: Identity,
    /// Its prekey number 0, a public key of [`Kem::key_len`] bytes.
    pub prekey: Vec<u8>,
    /// The protocol versions that it supports, ascending.
    pub versions: Vec<u8>,
    /// Its address at the relay; at most [`MAX_ADDRESS_LEN`](Self::MAX_ADDRESS_LEN) bytes.
    pub address: Vec<u8>,
    /// The credential that applications judge; at most
    /// [`MAX_CREDENTIAL_LEN`](Self::MAX_CREDENTIAL_LEN) bytes.
    pub credential: Vec<u8>,
    /// The encoded extensions; see [`extensions`](Self::extensions).
    pub extensions: Vec<u8>,
}

impl Announce {
    /// Maximum length of a credential, bytes.
    pub const MAX_CREDENTIAL_LEN: usize = 4096;
    /// Maximum length of an address, bytes.
    pub const MAX_ADDRESS_LEN: usize = 255;
    /// Maximum length of all extensions together, bytes.
    pub const MAX_EXTENSIONS_LEN: usize = 1024;

    const IDENTITY_AT: usize = Head::LEN + 8 + 2 + 1 + 1;
    const PREKEY_AT: usize = Self::IDENTITY_AT + 32;

    /// `announce_hash` of a body.
    #[must_use]
    pub fn hash_body(group: &[u8; 32], body: &[u8]) -> [u8; 32] {
        hash("announce", &[group, body])
    }

    /// `announce_hash` of a whole message, which must have parsed.
    pub(crate) fn hash_of(group: &[u8; 32], message: &[u8]) -> [u8; 32] {
        Self::hash_body(group, &message[Head::LEN..message.len() - SIGNATURE_LEN])
    }

    /// The session that an announce with this body introduces.
    #[must_use]
    pub fn session_of(group: &[u8; 32], body: &[u8]) -> SessionId {
        let mut session = SessionId::default();
        session.0.copy_from_slice(&Self::hash_body(group, body)[..16]);
        session
    }

    /// The identity in a message, which must have parsed.
    pub(crate) fn identity_in(message: &[u8]) -> Identity {
        let mut identity = Identity([0; 32]);
        identity.0.copy_from_slice(&message[Self::IDENTITY_AT..][..32]);
        identity
    }

    /// The prekey in a message, which must have parsed.
    pub(crate) fn prekey_in(message: &[u8]) -> &[u8] {
        &message[Self::PREKEY_AT + 2..skip_string(message, Self::PREKEY_AT)]
    }

    /// `joined_at` in a message, which must have parsed.
    pub(crate) fn joined_at_in(message: &[u8]) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&message[Head::LEN..][..8]);
        u64::from_be_bytes(bytes)
    }

    /// The address in a message, which must have parsed.
    pub(crate) fn address_in(message: &[u8]) -> &[u8] {
        let after_prekey = skip_string(message, Self::PREKEY_AT);
        let at = skip_string(message, after_prekey);
        &message[at + 2..skip_string(message, at)]
    }

    /// The extensions, each as id and content.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &[u8])> {
        Extensions(Reader::new(&self.extensions))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.joined_at.to_be_bytes());
        out.extend(self.media_suite.to_be_bytes());
        out.push(self.kem.id());
        out.push(self.role as u8);
        out.extend(self.identity.0);
        out.string(&self.prekey);
        out.string(&self.versions);
        out.string(&self.address);
        out.string(&self.credential);
        out.string(&self.extensions);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let joined_at = reader.u64()?;
        let media_suite = reader.u16()?;
        let kem = reader.u8()?;
        let kem = Kem::from_id(kem).ok_or(MessageError::UnknownKem(kem))?;
        let announce = Self {
            joined_at,
            media_suite,
            kem,
            role: Role::from_id(reader.u8()?).ok_or(MessageError::Malformed)?,
            identity: Identity(reader.array()?),
            prekey: reader.string(1216)?.to_vec(),
            versions: reader.string(16)?.to_vec(),
            address: reader.string(Self::MAX_ADDRESS_LEN)?.to_vec(),
            credential: reader.string(Self::MAX_CREDENTIAL_LEN)?.to_vec(),
            extensions: reader.string(Self::MAX_EXTENSIONS_LEN)?.to_vec(),
        };
        let fits = announce.prekey.len() == kem.key_len()
            && announce.versions.is_sorted_by(|a, b| a < b)
            && announce.versions.contains(&VERSION)
            && are_sorted(&announce.extensions);
        if fits { Ok(announce) } else { Err(MessageError::Malformed) }
    }
}

fn skip_string(message: &[u8], at: usize) -> usize {
    at + 2 + usize::from(u16::from_be_bytes([message[at], message[at + 1]]))
}

/// Whether a list of extensions is complete and ascending by id.
fn are_sorted(bytes: &[u8]) -> bool {
    let mut extensions = Extensions(Reader::new(bytes));
    let mut before = None;
    for (id, _) in extensions.by_ref() {
        if before.is_some_and(|before| before >= id) {
            return false;
        }
        before = Some(id);
    }
    extensions.0.end().is_ok()
}

struct Extensions<'a>(Reader<'a>);

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.0;
        let extension = (reader.u16().ok()?, reader.string(1020).ok()?);
        self.0 = reader;
        Some(extension)
    }
}

/// The role of a member, by its own statement; visible to all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// A person.
    #[default]
    Participant = 0,
    /// A recorder, which stores what it opens.
    Recorder = 1,
    /// A program that listens or speaks.
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
