//! The encoding of every message (PROTOCOL.md §2).
//!
//! A group produces and consumes whole messages; this module serves tests, traces and other
//! implementations of the protocol.

mod announce;
mod bundle;
mod error;
mod head;
mod heartbeat;
mod key_update;
mod order;
mod sas;
mod verified;

use alloc::vec::Vec;

use crate::{Identity, IdentityKey, SessionId, encoding::Reader, hash::hash, verification::SasMessage};

pub use announce::{Announce, Role};
pub use bundle::{bundle, unbundle};
pub use error::MessageError;
pub(crate) use head::VERSION;
pub use head::{Head, MAX_LEN, SIGNATURE_LEN};
pub(crate) use heartbeat::prefix;
pub use heartbeat::{Heartbeat, Roster, RosterEntry, Status, Witness};
pub use key_update::{
    Ack, Addressee, Entry, KeyUpdate, Reason, Request, UpdateHeader, Wants, entry_info,
};
pub use order::{Action, Forward, Order, Refusal, RefusalReason};
pub(crate) use verified::{Verified, VerifiedBody};

/// `H("group", group id)`
#[must_use]
pub fn group_hash(group_id: &[u8]) -> [u8; 32] {
    hash("group", &[group_id])
}

/// The content of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the types of version 1 are fixed")]
pub enum Body {
    /// Introduces a session.
    Announce(Announce),
    /// A key of the sender for one recipient.
    KeyUpdate(KeyUpdate),
    /// Requests keys, a heartbeat or an announce.
    Request(Request),
    /// Acknowledges a key.
    Ack(Ack),
    /// Shows that the sender is present, and its view of the call.
    Heartbeat(Heartbeat),
    /// Ends the sender's session.
    Leave,
    /// Lock, unlock or remove.
    Order(Order),
    /// What the sender knows about sessions.
    Roster(Roster),
    /// Messages signed by other sessions.
    Forward(Forward),
    /// Tells the target that the sender does not admit it.
    Refusal(Refusal),
    /// A step of an SAS verification.
    Sas {
        /// The session that it is for.
        target: SessionId,
        /// The step.
        message: SasMessage,
    },
    /// The header of an update, as shown to third parties.
    UpdateHeader(UpdateHeader),
}

impl Body {
    const fn type_and_name(&self) -> (u8, &'static str) {
        match self {
            Self::Announce(_) => (1, "announce"),
            Self::KeyUpdate(_) => (2, KeyUpdate::NAME),
            Self::Request(_) => (3, "request"),
            Self::Ack(_) => (4, "ack"),
            Self::Heartbeat(_) => (5, "heartbeat"),
            Self::Leave => (6, "leave"),
            Self::Order(_) => (7, "order"),
            Self::Roster(_) => (8, "roster"),
            Self::Forward(_) => (9, "forward"),
            Self::Refusal(_) => (10, "refusal"),
            Self::Sas { .. } => (11, "sas"),
            Self::UpdateHeader(_) => (12, KeyUpdate::NAME),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Announce(announce) => announce.encode(out),
            Self::KeyUpdate(update) => update.encode(out),
            Self::Request(request) => request.encode(out),
            Self::Ack(ack) => ack.encode(out),
            Self::Heartbeat(heartbeat) => heartbeat.encode(out),
            Self::Leave => {}
            Self::Order(order) => order.encode(out),
            Self::Roster(roster) => roster.encode(out),
            Self::Forward(forward) => forward.encode(out),
            Self::Refusal(refusal) => refusal.encode(out),
            Self::Sas { target, message } => {
                out.extend(target.0);
                sas::encode(message, out);
            }
            Self::UpdateHeader(header) => header.encode(out),
        }
    }

    fn decode(kind: u8, reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(match kind {
            1 => Self::Announce(Announce::decode(reader)?),
            2 => Self::KeyUpdate(KeyUpdate::decode(reader)?),
            3 => Self::Request(Request::decode(reader)?),
            4 => Self::Ack(Ack::decode(reader)?),
            5 => Self::Heartbeat(Heartbeat::decode(reader)?),
            6 => Self::Leave,
            7 => Self::Order(Order::decode(reader)?),
            8 => Self::Roster(Roster::decode(reader)?),
            9 => Self::Forward(Forward::decode(reader)?),
            10 => Self::Refusal(Refusal::decode(reader)?),
            11 => Self::Sas { target: SessionId(reader.array()?), message: sas::decode(reader)? },
            12 => Self::UpdateHeader(UpdateHeader::decode(reader)?),
            _ => return Err(MessageError::UnknownType(kind)),
        })
    }
}

/// Encodes `head ‖ body`.
#[must_use]
pub fn encode(head: &Head, body: &Body) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend([VERSION, body.type_and_name().0]);
    out.extend(head.tag);
    out.extend(head.session.0);
    body.encode(&mut out);
    out
}

/// Encodes and signs a message, `head ‖ body ‖ signature`; an [`Ack`] has no signature. Use
/// [`sign_update`] for a key update, whose signature also covers the commitment.
#[must_use]
pub fn sign(group: &[u8; 32], session: SessionId, body: &Body, key: &IdentityKey) -> Vec<u8> {
    let mut out = encode(&Head::new(group, session), body);
    if let Body::UpdateHeader(header) = body {
        let update = sign_update(group, session, header, key);
        out.extend(&update[KeyUpdate::SIGNED_LEN..]);
    } else if !matches!(body, Body::Ack(_)) {
        let signature = key.sign(body.type_and_name().1, &[group, &out]);
        out.extend(signature);
    }
    out
}

/// Signs an announce. Returns the session that it introduces and the message.
#[must_use]
pub fn sign_announce(group: &[u8; 32], announce: Announce, key: &IdentityKey) -> (SessionId, Vec<u8>) {
    let mut body = Vec::with_capacity(256);
    announce.encode(&mut body);
    let session = Announce::session_of(group, &body);
    (session, sign(group, session, &Body::Announce(announce), key))
}

/// Signs a key update: `head ‖ body ‖ signature`, to which the caller appends an entry.
#[must_use]
pub fn sign_update(
    group: &[u8; 32],
    session: SessionId,
    header: &UpdateHeader,
    key: &IdentityKey,
) -> Vec<u8> {
    let mut out = encode(&Head::new(group, session), &Body::KeyUpdate(header.update));
    let signature = key.sign(KeyUpdate::NAME, &[group, &out, &header.key_commit]);
    out.extend(signature);
    out
}

/// A parsed message. No field is authentic until [`is_signed_by`](Self::is_signed_by) or, for a key
/// update, [`is_update_of`](Self::is_update_of) returns true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// The sender and the call.
    pub head: Head,
    /// The content.
    pub body: Body,
    /// The whole message.
    pub bytes: &'a [u8],
    /// `head ‖ body`
    pub signed: &'a [u8],
    /// The signature over `signed`; `None` for an [`Ack`], which has a MAC instead.
    pub signature: Option<[u8; SIGNATURE_LEN]>,
    /// The entry after the signature of a key update, otherwise empty; see [`Entry::parse`].
    pub entry: &'a [u8],
}

impl<'a> Message<'a> {
    /// Parses a message.
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
        let kind = reader.u8()?;
        let head = Head { tag: reader.array()?, session: SessionId(reader.array()?) };
        let body = Body::decode(kind, &mut reader)?;
        let signed = &bytes[..bytes.len() - reader.rest().len()];
        let is_ack = matches!(body, Body::Ack(_));
        let signature = if is_ack { None } else { Some(reader.array()?) };
        let entry = if matches!(body, Body::KeyUpdate(_)) {
            Entry::parse(reader.rest())?;
            reader.rest()
        } else {
            reader.end()?;
            &[]
        };
        Ok(Self { head, body, bytes, signed, signature, entry })
    }

    /// The body of a signed message without an entry.
    pub(crate) fn body_of(message: &[u8]) -> &[u8] {
        let end = message.len().saturating_sub(SIGNATURE_LEN);
        message.get(Head::LEN..end).unwrap_or_default()
    }

    /// Whether this identity signed the message in this call. Always `false` for a key update; see
    /// [`is_update_of`](Self::is_update_of).
    #[must_use]
    pub fn is_signed_by(&self, group: &[u8; 32], identity: &Identity) -> bool {
        let Some(signature) = &self.signature else { return false };
        match &self.body {
            Body::KeyUpdate(_) | Body::Ack(_) => false,
            Body::UpdateHeader(header) => {
                let mut update = self.signed[..KeyUpdate::SIGNED_LEN].to_vec();
                update[1] = UPDATE_TYPE;
                identity.verifies(KeyUpdate::NAME, &[group, &update, &header.key_commit], signature)
            }
            Body::Announce(_)
            | Body::Request(_)
            | Body::Heartbeat(_)
            | Body::Leave
            | Body::Order(_)
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. } => {
                identity.verifies(self.body.type_and_name().1, &[group, self.signed], signature)
            }
        }
    }

    /// Whether the message is a key update that this identity signed in this call with this
    /// commitment.
    #[must_use]
    pub fn is_update_of(&self, group: &[u8; 32], identity: &Identity, key_commit: &[u8; 32]) -> bool {
        let Some(signature) = &self.signature else { return false };
        matches!(self.body, Body::KeyUpdate(_))
            && identity.verifies(KeyUpdate::NAME, &[group, self.signed, key_commit], signature)
    }

    /// The `header_hash` of a key update with this commitment, or of an update header.
    #[must_use]
    pub fn header_hash(&self, group: &[u8; 32], key_commit: &[u8; 32]) -> [u8; 32] {
        let mut update = self.signed[..KeyUpdate::SIGNED_LEN.min(self.signed.len())].to_vec();
        update[1] = UPDATE_TYPE;
        KeyUpdate::header_hash(group, &update, key_commit)
    }
}

const UPDATE_TYPE: u8 = 2;

/// The update header message for an update `head ‖ body ‖ signature` and its commitment.
#[must_use]
pub(crate) fn header_message(update: &[u8], key_commit: &[u8; 32]) -> Vec<u8> {
    let (signed, signature) = update.split_at(KeyUpdate::SIGNED_LEN);
    let mut message = [signed, key_commit, &signature[..SIGNATURE_LEN]].concat();
    message[1] = 12;
    message
}
