//! What members say to each other, byte by byte (PROTOCOL.md §2).
//!
//! A group makes and takes whole messages; this module is for those who test, trace or implement the protocol.

mod announce;
mod brief;
mod check;
mod evidence;
mod heartbeat;
mod info;
mod key_update;

use alloc::vec::Vec;
use core::fmt;

use crate::{
    Identity, IdentityKey, Kem, SessionId, encoding::Reader, hash::hash, verification::CheckMessage,
};

pub use announce::{Announce, Role};
pub use brief::{Ack, Action, Control, KeyRequest};
pub use evidence::Evidence;
pub use heartbeat::Heartbeat;
pub use info::{Addressee, entry_info};
pub use key_update::{Entry, KeyUpdate, Reason};

/// Longer messages are refused before they are looked at, bytes.
pub const MAX_LEN: usize = 1 << 18;

const VERSION: u8 = 1;

/// What every message begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Head {
    /// How entries are encrypted in this call.
    pub kem: Kem,
    /// Which call: [`group_hash`].
    pub group: [u8; 32],
    /// Who speaks.
    pub session: SessionId,
}

impl Head {
    /// Bytes of a head.
    pub const LEN: usize = 51;
}

/// `H("group", group id)`
#[must_use]
pub fn group_hash(group_id: &[u8]) -> [u8; 32] {
    hash("group", &[group_id])
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the version's types, no more to come")]
pub enum Body {
    /// Introduces a member.
    Announce(Announce),
    /// A key of the speaker's, for some.
    KeyUpdate(KeyUpdate),
    /// Asks for keys.
    KeyRequest(KeyRequest),
    /// A key has been opened.
    Ack(Ack),
    /// The speaker is alive, and sees the call like this.
    Heartbeat(Heartbeat),
    /// The speaker goes.
    Leave,
    /// Lock, unlock, remove.
    Control(Control),
    /// What others said, with their signatures.
    Evidence(Evidence),
    /// A step of an emoji check.
    Check {
        /// With whom.
        target: SessionId,
        /// Which step.
        message: CheckMessage,
    },
}

impl Body {
    const fn type_and_name(&self) -> (u8, &'static str) {
        match self {
            Self::Announce(_) => (1, "announce"),
            Self::KeyUpdate(_) => (2, KeyUpdate::NAME),
            Self::KeyRequest(_) => (3, "key request"),
            Self::Ack(_) => (4, "ack"),
            Self::Heartbeat(_) => (5, "heartbeat"),
            Self::Leave => (6, "leave"),
            Self::Control(_) => (7, "control"),
            Self::Evidence(_) => (8, "evidence"),
            Self::Check { .. } => (9, "check"),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Announce(announce) => announce.encode(out),
            Self::KeyUpdate(update) => update.encode(out),
            Self::KeyRequest(request) => request.encode(out),
            Self::Ack(ack) => ack.encode(out),
            Self::Heartbeat(heartbeat) => heartbeat.encode(out),
            Self::Leave => {}
            Self::Control(control) => control.encode(out),
            Self::Evidence(evidence) => evidence.encode(out),
            Self::Check { target, message } => {
                out.extend(target.0);
                check::encode(message, out);
            }
        }
    }

    fn decode(kind: u8, reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(match kind {
            1 => Self::Announce(Announce::decode(reader)?),
            2 => Self::KeyUpdate(KeyUpdate::decode(reader)?),
            3 => Self::KeyRequest(KeyRequest::decode(reader)?),
            4 => Self::Ack(Ack::decode(reader)?),
            5 => Self::Heartbeat(Heartbeat::decode(reader)?),
            6 => Self::Leave,
            7 => Self::Control(Control::decode(reader)?),
            8 => Self::Evidence(Evidence::decode(reader)?),
            9 => Self::Check { target: SessionId(reader.array()?), message: check::decode(reader)? },
            _ => return Err(MessageError::UnknownType(kind)),
        })
    }
}

/// Makes `head ‖ body`: what is signed, and of a key update its header.
#[must_use]
pub fn encode(head: &Head, body: &Body) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend([VERSION, body.type_and_name().0, head.kem.id()]);
    out.extend(head.group);
    out.extend(head.session.0);
    body.encode(&mut out);
    out
}

/// Makes a message whole: `head ‖ body ‖ signature`, an [`Ack`] without. Entries of a key update follow, if any.
#[must_use]
pub fn sign(head: &Head, body: &Body, key: &IdentityKey) -> Vec<u8> {
    let mut out = encode(head, body);
    if !matches!(body, Body::Ack(_)) {
        let signature = key.sign(body.type_and_name().1, &out);
        out.extend(signature);
    }
    out
}

/// A message taken apart. Nothing of it is authentic before [`is_signed_by`](Self::is_signed_by) says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// Who speaks, in which call.
    pub head: Head,
    /// What is said.
    pub body: Body,
    /// `head ‖ body`
    pub signed: &'a [u8],
    /// What follows them; `None` for an [`Ack`], which bears a MAC instead.
    pub signature: Option<[u8; 64]>,
    /// What follows the signature of a key update; see [`Entry::parse_all`].
    pub entries: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes a message apart.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        if bytes.len() > MAX_LEN {
            return Err(MessageError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(MessageError::UnknownVersion);
        }
        let (kind, kem) = (reader.u8()?, reader.u8()?);
        let kem = Kem::from_id(kem).ok_or(MessageError::UnknownKem(kem))?;
        let head = Head { kem, group: reader.array()?, session: SessionId(reader.array()?) };
        let body = Body::decode(kind, &mut reader)?;
        if let Body::Announce(announce) = &body
            && announce.kem_key.len() != kem.key_len()
        {
            return Err(MessageError::Malformed);
        }
        let signed = &bytes[..bytes.len() - reader.rest().len()];
        let is_ack = matches!(body, Body::Ack(_));
        let signature = if is_ack { None } else { Some(reader.array()?) };
        let entries = if matches!(body, Body::KeyUpdate(_)) {
            reader.rest()
        } else {
            reader.end()?;
            &[]
        };
        Ok(Self { head, body, signed, signature, entries })
    }

    /// Whether it was signed by this identity.
    #[must_use]
    pub fn is_signed_by(&self, identity: &Identity) -> bool {
        let name = self.body.type_and_name().1;
        self.signature.is_some_and(|signature| identity.verifies(name, self.signed, &signature))
    }
}

/// Why a message was not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageError {
    /// Cut, with trailing bytes, or a field is out of its range.
    Malformed,
    /// Longer than [`MAX_LEN`].
    TooLong,
    /// Made by another version of the protocol.
    UnknownVersion,
    /// A type that this version does not have.
    UnknownType(u8),
    /// A KEM that this version or this build does not have.
    UnknownKem(u8),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("message is malformed"),
            Self::TooLong => f.write_str("message is too long"),
            Self::UnknownVersion => f.write_str("message of an unknown version"),
            Self::UnknownType(id) => write!(f, "message of unknown type {id}"),
            Self::UnknownKem(id) => write!(f, "message with unknown kem {id}"),
        }
    }
}

impl core::error::Error for MessageError {}
