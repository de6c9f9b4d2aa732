//! No vector that must be refused is taken, and each is refused for what its name tells.

use std::collections::HashMap;

use sealframe_group::{
    Identity, KemSecret, SessionId,
    message::{Ack, Body, Entry, Head, KeyUpdate, Message, MessageError},
};
use sealframe_testkit::group::{CallVector, Refusal, RefusedMessage, all};

use crate::array;

/// What a member looks at, from the form to the key; `None` if nothing is wrong.
fn refusal(call: &CallVector, vector: &RefusedMessage) -> Option<Refusal> {
    let message = match Message::parse(&vector.message) {
        Ok(message) => message,
        Err(MessageError::Malformed | MessageError::TooLong) => return Some(Refusal::Malformed),
        Err(_) => return Some(Refusal::Head),
    };
    let Head { kem, group, session } = message.head;
    if kem.id() != call.kem || group != *call.group_hash.0 {
        return Some(Refusal::Head);
    }
    let update = &call.updates[vector.update];
    let mut entries = Vec::new();
    if let Body::KeyUpdate(header) = &message.body {
        match Entry::parse_all(message.entries, header, kem, update.base_key.len()) {
            Ok(parsed) => entries.extend(parsed),
            Err(_) => return Some(Refusal::Malformed),
        }
    }
    let identity = match &message.body {
        Body::Announce(announce) => announce.identity,
        Body::KeyUpdate(_)
        | Body::KeyRequest(_)
        | Body::Ack(_)
        | Body::Heartbeat(_)
        | Body::Leave
        | Body::Control(_)
        | Body::Evidence(_)
        | Body::Check { .. } => Identity(array(&call.members[vector.from].identity)),
    };
    if message.signature.is_some() && !message.is_signed_by(&identity) {
        return Some(Refusal::Signature);
    }
    match &message.body {
        Body::Announce(announce) if announce.media_suite != call.media_suite => Some(Refusal::Suite),
        Body::Ack(ack) => {
            let mac = Ack::mac(&update.base_key, &array(&update.header_hash), session);
            (ack.mac != mac).then_some(Refusal::Mac)
        }
        Body::KeyUpdate(header) => opening(call, vector, &message, header, &entries),
        Body::Announce(_)
        | Body::KeyRequest(_)
        | Body::Heartbeat(_)
        | Body::Leave
        | Body::Control(_)
        | Body::Evidence(_)
        | Body::Check { .. } => None,
    }
}

fn opening(
    call: &CallVector,
    vector: &RefusedMessage,
    message: &Message<'_>,
    header: &KeyUpdate,
    entries: &[Entry<'_>],
) -> Option<Refusal> {
    let to = &call.members[vector.to];
    let ours = SessionId(array(&to.session));
    let Some(entry) = entries.iter().find(|entry| entry.recipient == ours) else {
        return Some(Refusal::Entry);
    };
    // Every pair of a sender and a nonce has a vector that says what `info` is.
    let between = call.updates.iter().filter(|update| update.signed.from == vector.from);
    let mut stated = between.flat_map(|update| &update.entries);
    let known = stated.find(|it| it.to == vector.to && it.nonce_number == entry.nonce_number);
    let Some(known) = known else {
        assert!(to.nonces.iter().all(|nonce| nonce.number != entry.nonce_number), "a nonce of none");
        return Some(Refusal::Entry);
    };
    let Head { kem, group, session } = message.head;
    let (secret, _) = KemSecret::derive(kem, &array(&to.kem_ikm)).unwrap();
    match secret.unwrap(entry.enc, entry.ciphertext, &known.info, message.signed) {
        Err(_) => Some(Refusal::Entry),
        Ok(key) => {
            let (generation, step) = (header.generation, header.step);
            let commit = KeyUpdate::commit(key.expose_bytes(), &group, session, generation, step);
            (commit != header.key_commit).then_some(Refusal::Commitment)
        }
    }
}

#[test]
fn all_790_refused_messages() {
    let mut ran: HashMap<Refusal, usize> = HashMap::new();
    for call in &all().calls {
        let other_kem = format!("announce: KEM {}", 3 - call.kem);
        for vector in &call.refused {
            // Its key has not the length of that KEM's, which can be seen before knowing the call.
            let is_of_other_len = vector.kind == Refusal::Head && vector.name == other_kem;
            let expected = if is_of_other_len { Refusal::Malformed } else { vector.kind };
            assert_eq!(refusal(call, vector), Some(expected), "{}, KEM {}", vector.name, call.kem);
            *ran.entry(vector.kind).or_default() += 1;
        }
    }
    for (kind, count) in [
        (Refusal::Head, 114),
        (Refusal::Malformed, 256),
        (Refusal::Signature, 220),
        (Refusal::Suite, 4),
        (Refusal::Mac, 32),
        (Refusal::Entry, 128),
        (Refusal::Commitment, 36),
    ] {
        assert_eq!(ran.remove(&kind), Some(count), "{kind:?}");
    }
    assert!(ran.is_empty(), "{ran:?}");
}

/// So that the test above can tell them apart from good ones.
#[test]
fn the_messages_that_they_were_made_from_are_taken() {
    let mut ran = 0;
    for call in &all().calls {
        let updates = (call.updates.iter())
            .filter(|update| update.signed.from == 0 && update.entries.iter().any(|it| it.to == 1))
            .map(|update| (0, &update.signed.message));
        let acks = (call.acks.iter()).filter(|ack| ack.update == 3).map(|ack| (ack.from, &ack.message));
        let announces = call.announces.iter().map(|it| (it.signed.from, &it.signed.message));
        let checks = call.check.messages.iter().map(|it| (it.signed.from, &it.signed.message));
        for (from, message) in updates.chain(acks).chain(announces).chain(checks) {
            let vector = RefusedMessage {
                name: String::new(),
                kind: Refusal::Malformed,
                from,
                to: 1,
                update: 3,
                message: message.clone(),
            };
            assert_eq!(refusal(call, &vector), None, "{vector:?}");
            ran += 1;
        }
    }
    assert_eq!(ran, 66);
}
