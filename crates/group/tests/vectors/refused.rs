//! Every vector that must be rejected is rejected, for the reason that its name states.

use std::collections::HashMap;

use sealframe_group::{
    Identity, KemSecret, MemberId,
    message::{
        Ack, Addressee, Announce, Body, Entry, Head, KeyUpdate, Message, MessageError, bundle,
        entry_info, unbundle,
    },
};
use sealframe_testkit::{
    group::{CallVector, Refused, RefusedMessage, all},
    hex::Hex,
};

use crate::{array, kem, session, suite};

/// A message and its context: sender, recipient and update.
struct Case<'a> {
    message: &'a [u8],
    from: usize,
    to: usize,
    update: usize,
}

impl<'a> From<&'a RefusedMessage> for Case<'a> {
    fn from(vector: &'a RefusedMessage) -> Self {
        let RefusedMessage { message, from, to, update, .. } = vector;
        Self { message, from: *from, to: *to, update: *update }
    }
}

/// The first failing check of a member, from the form to the key; `None` if the message is valid.
fn refusal(call: &CallVector, case: &Case<'_>) -> Option<Refused> {
    let message = match Message::parse(case.message) {
        Ok(message) => message,
        Err(MessageError::UnknownVersion | MessageError::UnknownType(_)) => return Some(Refused::Head),
        Err(_) => return Some(Refused::Malformed),
    };
    let group = array(&call.group_hash);
    if message.head != Head::new(&group, message.head.session) {
        return Some(Refused::Head);
    }
    let identity = Identity(array(&call.members[case.from].identity));
    let is_signed = message.is_signed_by(&group, &identity);
    let unsigned = (!is_signed).then_some(Refused::Signature);
    match &message.body {
        Body::Announce(announce) => {
            if message.head.session != Announce::session_of(&group, &message.signed[Head::LEN..]) {
                Some(Refused::Session)
            } else if !message.is_signed_by(&group, &announce.identity) {
                Some(Refused::Signature)
            } else {
                let is_ours = (announce.kem, announce.media_suite) == (kem(call), call.media_suite);
                (!is_ours).then_some(Refused::Suite)
            }
        }
        Body::KeyUpdate(update) => opening(call, case, &message, update),
        Body::Ack(ack) => {
            let held = &call.updates[case.update].header;
            let mac = Ack::mac(&held.base_key, &array(&held.header_hash), message.head.session);
            let right = Ack { generation: held.generation, step: held.step, mac };
            (*ack != right).then_some(Refused::Mac)
        }
        Body::Heartbeat(heartbeat) if ![0, kem(call).key_len()].contains(&heartbeat.prekey.len()) => {
            Some(Refused::Malformed)
        }
        Body::Heartbeat(_)
        | Body::Request(_)
        | Body::Leave
        | Body::Order(_)
        | Body::Roster(_)
        | Body::Forward(_)
        | Body::Refusal(_)
        | Body::Sas { .. }
        | Body::UpdateHeader(_) => unsigned,
    }
}

fn opening(
    call: &CallVector,
    case: &Case<'_>,
    message: &Message<'_>,
    update: &KeyUpdate,
) -> Option<Refused> {
    let (group, kem) = (array(&call.group_hash), kem(call));
    let nh = call.updates[0].header.base_key.len();
    let entry = Entry::parse(message.entry).unwrap();
    let Ok((enc, ciphertext)) = entry.parts(kem, nh) else { return Some(Refused::Malformed) };
    let (from, to) = (&call.members[case.from], &call.members[case.to]);
    let prekey = to.prekeys.iter().find(|prekey| prekey.number == entry.prekey_number);
    let Some(prekey) = prekey.filter(|_| entry.recipient == MemberId::new(to.number)) else {
        return Some(Refused::Entry);
    };
    let sender = Identity(array(&from.identity));
    let addressee = Addressee {
        identity: Identity(array(&to.identity)),
        session: session(&to.session),
        prekey: &prekey.public,
    };
    let by = (&sender, session(&from.session));
    let info = entry_info(&group, kem, suite(call), by, &addressee);
    let (secret, _) = KemSecret::derive(kem, &array(&prekey.ikm)).unwrap();
    let Ok(key) = secret.unwrap(suite(call), enc, ciphertext, &info, message.signed) else {
        return Some(Refused::Entry);
    };
    let (session, KeyUpdate { generation, step, .. }) = (message.head.session, *update);
    let commit = KeyUpdate::commit(key.expose_bytes(), &group, session, generation, step);
    (!message.is_update_of(&group, &sender, &commit)).then_some(Refused::Signature)
}

#[test]
fn all_1060_rejected_messages() {
    let mut ran: HashMap<Refused, usize> = HashMap::new();
    for call in &all().calls {
        for vector in &call.refused {
            let refused = refusal(call, &vector.into());
            assert_eq!(refused, Some(vector.kind), "{}, KEM {}", vector.name, call.kem);
            *ran.entry(vector.kind).or_default() += 1;
        }
    }
    for (kind, count) in [
        (Refused::Head, 115),
        (Refused::Malformed, 387),
        (Refused::Session, 26),
        (Refused::Entry, 156),
        (Refused::Signature, 312),
        (Refused::Suite, 8),
        (Refused::Mac, 56),
    ] {
        assert_eq!(ran.remove(&kind), Some(count), "{kind:?}");
    }
    assert!(ran.is_empty(), "{ran:?}");
}

/// Index in `updates` of the update that acks are checked against, as in the vectors.
const HELD: usize = 2;

fn case(message: &Hex, from: usize, to: usize) -> Case<'_> {
    Case { message, from, to, update: HELD }
}

/// Shows that the test above distinguishes them from valid messages.
#[test]
fn messages_like_the_originals_are_accepted() {
    let mut ran = 0;
    for call in &all().calls {
        let updates = call.updates.iter().map(|it| case(&it.message, it.header.from, it.to));
        let headers = call.updates.iter().map(|it| case(&it.header.update_header, it.header.from, 1));
        let acks =
            call.acks.iter().map(|it| Case { update: it.update, ..case(&it.message, it.from, 0) });
        let signed = (call.announces.iter().map(|it| &it.signed))
            .chain(call.requests.iter().map(|it| &it.signed))
            .chain(call.heartbeats.iter().map(|it| &it.signed))
            .chain(call.leaves.iter().map(|it| &it.signed))
            .chain(call.orders.iter().map(|it| &it.signed))
            .chain(call.rosters.iter().map(|it| &it.signed))
            .chain(call.forwards.iter().map(|it| &it.signed))
            .chain(call.refusals.iter().map(|it| &it.signed))
            .chain(call.check.messages.iter().map(|it| &it.signed));
        let signed = signed.map(|it| case(&it.message, it.from, 1));
        for case in updates.chain(headers).chain(acks).chain(signed) {
            assert_eq!(refusal(call, &case), None, "{:?}", case.message);
            ran += 1;
        }
    }
    assert_eq!(ran, 44 + 44 + 32 + 28 + 20 + 40 + 12 + 33 + 25 + 17 + 28 + 20);
}

#[test]
fn all_33_bundles_with_86_messages() {
    let (mut ran, mut inside) = (0, 0);
    for call in &all().calls {
        for vector in &call.bundles {
            let messages = unbundle(&vector.message).unwrap();
            assert_eq!(messages.len(), vector.messages.len());
            for (message, stated) in messages.iter().zip(&vector.messages) {
                assert_eq!(*message, &stated.message[..]);
                let refused = refusal(call, &case(&stated.message, vector.from, 1));
                assert_eq!(refused, stated.refused, "{}", vector.name);
                inside += 1;
            }
            let made = bundle(messages.iter().map(|message| message.to_vec()).collect());
            match &vector.messages[..] {
                // A message that is alone is not wrapped.
                [alone] => assert_eq!(made, [&alone.message[..]]),
                _ => assert_eq!(made, [&vector.message[..]]),
            }
            ran += 1;
        }
    }
    assert_eq!((ran, inside), (33, 86));
}

#[test]
fn all_25_rejected_bundles() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.refused_bundles {
            for message in unbundle(&vector.message).unwrap_or_default() {
                let case = Case { message, from: vector.from, to: 1, update: HELD };
                assert!(refusal(call, &case).is_some(), "{}", vector.name);
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 25);
}
