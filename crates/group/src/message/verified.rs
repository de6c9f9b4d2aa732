//! Messages whose signature has been verified.

use super::{Announce, Body, Forward, Heartbeat, KeyUpdate, Message, Order, Refusal, Request, Roster};
use crate::{Identity, SessionId, verification::SasMessage};

/// A message that its session's identity signed in this call. Only the `verify` methods of
/// [`Message`] create one, so a handler that takes one never receives a forged message.
pub(crate) struct Verified<'m, B> {
    session: SessionId,
    bytes: &'m [u8],
    body: &'m B,
}

impl<B> Clone for Verified<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Verified<'_, B> {}

impl<'m, B> Verified<'m, B> {
    /// The session that signed the message.
    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    /// The whole message as received.
    pub(crate) const fn bytes(&self) -> &'m [u8] {
        self.bytes
    }

    /// The content.
    pub(crate) const fn body(&self) -> &'m B {
        self.body
    }
}

/// A verified message, by type.
pub(crate) enum VerifiedBody<'m> {
    Request(Verified<'m, Request>),
    Heartbeat(Verified<'m, Heartbeat>),
    Leave(Verified<'m, ()>),
    Order(Verified<'m, Order>),
    Roster(Verified<'m, Roster>),
    Forward(Verified<'m, Forward>),
    Refusal(Verified<'m, Refusal>),
    Sas(Verified<'m, SasMessage>),
    /// Its handler, which also receives forwarded headers, verifies the signature itself.
    UpdateHeader,
}

impl Message<'_> {
    /// Verifies the signature of a message by its session's identity; `None` if it is invalid. Also
    /// `None` for an announce, which names its own identity, and for a key update or an ack, whose
    /// verification needs a key.
    pub(crate) fn verify(&self, group: &[u8; 32], identity: &Identity) -> Option<VerifiedBody<'_>> {
        if !self.is_signed_by(group, identity) {
            return None;
        }
        Some(match &self.body {
            Body::Request(body) => VerifiedBody::Request(self.verified(body)),
            Body::Heartbeat(body) => VerifiedBody::Heartbeat(self.verified(body)),
            Body::Leave => VerifiedBody::Leave(self.verified(&())),
            Body::Order(body) => VerifiedBody::Order(self.verified(body)),
            Body::Roster(body) => VerifiedBody::Roster(self.verified(body)),
            Body::Forward(body) => VerifiedBody::Forward(self.verified(body)),
            Body::Refusal(body) => VerifiedBody::Refusal(self.verified(body)),
            Body::Sas { message, .. } => VerifiedBody::Sas(self.verified(message)),
            Body::UpdateHeader(_) => VerifiedBody::UpdateHeader,
            Body::Announce(_) | Body::KeyUpdate(_) | Body::Ack(_) => return None,
        })
    }

    /// Like [`verify`](Self::verify), for an announce.
    pub(crate) fn verify_announce(&self, group: &[u8; 32]) -> Option<Verified<'_, Announce>> {
        let Body::Announce(announce) = &self.body else { return None };
        self.is_signed_by(group, &announce.identity).then(|| self.verified(announce))
    }

    /// Like [`verify`](Self::verify), for an order.
    pub(crate) fn verify_order(
        &self,
        group: &[u8; 32],
        identity: &Identity,
    ) -> Option<Verified<'_, Order>> {
        let Body::Order(order) = &self.body else { return None };
        self.is_signed_by(group, identity).then(|| self.verified(order))
    }

    /// Like [`verify`](Self::verify), for a key update with this commitment to its key.
    pub(crate) fn verify_update(
        &self,
        group: &[u8; 32],
        identity: &Identity,
        key_commit: &[u8; 32],
    ) -> Option<Verified<'_, KeyUpdate>> {
        let Body::KeyUpdate(update) = &self.body else { return None };
        self.is_update_of(group, identity, key_commit).then(|| self.verified(update))
    }

    /// Call this only after the signature was verified.
    const fn verified<'m, B>(&'m self, body: &'m B) -> Verified<'m, B> {
        Verified { session: self.head.session, bytes: self.bytes, body }
    }
}
