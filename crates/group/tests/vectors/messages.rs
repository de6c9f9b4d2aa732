//! Every message, both ways.

use sealframe_crypto::BaseKey;
use sealframe_group::{
    Identity, IdentityKey, KemSecret, Role,
    message::{
        Ack, Action, Addressee, Announce, Body, Control, Entry, Evidence, Head, Heartbeat, KeyRequest,
        KeyUpdate, Message, encode, entry_info, group_hash, sign,
    },
    verification::{CheckMessage, Stage},
    wrap,
};
use sealframe_testkit::group::{CallVector, MemberVector, SignedVector, UpdateVector, all};

use crate::{Given, array, kem, session, suite};

fn head(call: &CallVector, member: &MemberVector) -> Head {
    Head { kem: kem(call), group: array(&call.group_hash), session: session(&member.session) }
}

/// The fields make the bytes, the bytes the fields, and nobody else signed them.
fn both_ways(call: &CallVector, vector: &SignedVector, body: &Body) {
    let member = &call.members[vector.from];
    let head = head(call, member);
    let identity = Identity(array(&member.identity));
    let key = IdentityKey::from_seed(&array(&member.identity_secret)).unwrap();
    assert_eq!(key.public(), identity);
    let made = sign(&head, body, &key);
    assert!(vector.message.starts_with(&made), "{vector:?}");
    assert!(made.ends_with(&vector.signature), "{vector:?}");
    assert!(vector.to_sign.ends_with(&encode(&head, body)), "{vector:?}");
    let message = Message::parse(&vector.message).unwrap();
    assert_eq!((message.head, &message.body), (head, body));
    assert_eq!(message.signed.len() + 64 + message.entries.len(), vector.message.len());
    for other in &call.members {
        let signed = message.is_signed_by(&Identity(array(&other.identity)));
        assert_eq!(signed, other.session.0 == member.session.0, "{vector:?}");
    }
}

#[test]
fn all_12_kem_keys() {
    let mut ran = 0;
    for call in &all().calls {
        for member in &call.members {
            let (_, public) = KemSecret::derive(kem(call), &array(&member.kem_ikm)).unwrap();
            assert_eq!(public, member.kem_key.0);
            assert_eq!(public.len(), kem(call).key_len());
            ran += 1;
        }
    }
    assert_eq!(ran, 12);
}

#[test]
fn all_18_announces() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.announces {
            let body = Body::Announce(Announce {
                media_suite: vector.media_suite,
                sender: vector.sender,
                role: Role::from_id(vector.role).unwrap(),
                identity: Identity(array(&vector.identity)),
                kem_key: vector.kem_key.0.clone(),
                nonce_number: vector.nonce_number,
                nonce: array(&vector.nonce),
                credential: vector.credential.0.clone(),
            });
            both_ways(call, &vector.signed, &body);
            assert_eq!(Announce::hash(&vector.signed.message), *vector.announce_hash.0);
            ran += 1;
        }
    }
    assert_eq!(ran, 18);
}

fn key_update(vector: &UpdateVector) -> KeyUpdate {
    let Body::KeyUpdate(KeyUpdate { reason, .. }) =
        Message::parse(&vector.signed.message).unwrap().body
    else {
        unreachable!("no key update: {vector:?}")
    };
    assert_eq!(reason as u8, vector.reason);
    assert_eq!(reason.begins_generation(), vector.reason < 5);
    KeyUpdate {
        reason,
        seq: vector.seq.0,
        generation: vector.generation.0,
        step: vector.step,
        apply_ms: vector.apply_ms,
        roster_hash: array(&vector.roster_hash),
        prev_hash: array(&vector.prev_hash),
        key_commit: array(&vector.key_commit),
        count: vector.count,
    }
}

#[test]
fn all_40_updates() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.updates {
            let update = key_update(vector);
            both_ways(call, &vector.signed, &Body::KeyUpdate(update));
            let message = Message::parse(&vector.signed.message).unwrap();
            assert_eq!(message.signed, &vector.header[..]);
            assert_eq!(vector.header.len(), KeyUpdate::HEADER_LEN);
            assert_eq!(KeyUpdate::header_hash(&vector.header), *vector.header_hash.0);
            let first = BaseKey::from_bytes(suite(call), &vector.generation_key).unwrap();
            let base_key = (0..vector.step).fold(first, |key, _| key.ratchet());
            assert_eq!(base_key.expose_bytes(), &vector.base_key[..]);
            let Head { group, session, .. } = message.head;
            let key = base_key.expose_bytes();
            let commit = KeyUpdate::commit(key, &group, session, update.generation, update.step);
            assert_eq!(commit, *vector.key_commit.0);
            let signed_header = &vector.signed.message[..Evidence::UPDATE_LEN];
            let identity = Identity(array(&call.members[vector.signed.from].identity));
            assert_eq!(KeyUpdate::verify(signed_header, &identity), Some((session, update)));
            ran += 1;
        }
    }
    assert_eq!(ran, 40);
}

#[test]
fn all_40_entries_and_16_cut_updates() {
    let (mut entries, mut cut) = (0, 0);
    for call in &all().calls {
        for vector in &call.updates {
            let (kem, nh) = (kem(call), vector.base_key.len());
            let update = key_update(vector);
            let message = Message::parse(&vector.signed.message).unwrap();
            let parsed = Entry::parse_all(message.entries, &update, kem, nh).unwrap();
            let parsed: Vec<_> = parsed.collect();
            assert_eq!(parsed.len(), vector.entries.len());
            for (entry, stated) in parsed.iter().zip(&vector.entries) {
                let (info, aad) = (&stated.info, message.signed);
                let (sender, recipient) = (&call.members[vector.signed.from], &call.members[stated.to]);
                let to = Addressee {
                    identity: Identity(array(&recipient.identity)),
                    session: session(&recipient.session),
                    kem_key: &recipient.kem_key,
                    nonce: &array(&stated.nonce),
                };
                let sender = Identity(array(&sender.identity));
                assert_eq!(entry_info(&message.head, suite(call), &sender, &to), info.0);
                assert_eq!(entry.recipient, session(&recipient.session));
                assert_eq!(entry.nonce_number, stated.nonce_number);
                assert_eq!((entry.enc, entry.ciphertext), (&stated.enc[..], &stated.ct[..]));
                let (secret, public) = KemSecret::derive(kem, &array(&recipient.kem_ikm)).unwrap();
                let opened =
                    secret.unwrap(suite(call), entry.enc, entry.ciphertext, info, aad).unwrap();
                assert_eq!(opened.expose_bytes(), &vector.base_key[..]);
                let mut given = Given(stated.randomness.0.clone());
                let made = wrap(kem, &public, &opened, info, aad, &mut given).unwrap();
                assert_eq!(made, (stated.enc.0.clone(), stated.ct.0.clone()));
                assert!(given.0.is_empty(), "all of the randomness");
                entries += 1;
            }
            for copy in &vector.cut {
                let message = Message::parse(copy).unwrap();
                assert_eq!(message.body, Body::KeyUpdate(update));
                let kept = Entry::parse_all(message.entries, &update, kem, nh).unwrap();
                let kept: Vec<_> = kept.collect();
                assert!(kept.len() < parsed.len());
                assert!(kept.iter().all(|entry| parsed.contains(entry)));
                cut += 1;
            }
        }
    }
    assert_eq!((entries, cut), (40, 16));
}

#[test]
fn all_20_acks() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.acks {
            let (head, update) = (head(call, &call.members[vector.from]), &call.updates[vector.update]);
            let mac = Ack::mac(&update.base_key, &array(&update.header_hash), head.session);
            assert_eq!(mac, *vector.mac.0);
            let body = Body::Ack(Ack { target: session(&vector.target), seq: vector.seq.0, mac });
            assert_eq!(encode(&head, &body), vector.message.0);
            let message = Message::parse(&vector.message).unwrap();
            assert_eq!((message.head, message.body), (head, body));
            assert_eq!((message.signed, message.signature), (&vector.message[..], None));
            ran += 1;
        }
    }
    assert_eq!(ran, 20);
}

#[test]
fn all_12_heartbeats() {
    let mut ran = 0;
    for call in &all().calls {
        let members = call.members.iter().zip(&call.announces).map(|(member, announce)| {
            let hash = Announce::hash(&announce.signed.message);
            (session(&member.session), Identity(array(&member.identity)), hash)
        });
        let roster_hash = Heartbeat::roster_hash(&members.collect::<Vec<_>>());
        for vector in &call.heartbeats {
            let heartbeat = Heartbeat {
                seq: vector.seq.0,
                newest: vector.newest.0,
                update_hash: array(&vector.update_hash),
                generation: vector.generation.0,
                step: vector.step,
                frames: vector.frames.0,
                roster_hash: array(&vector.roster_hash),
                view_hash: array(&vector.view_hash),
                control: vector.control.0,
                locked: [false, true][usize::from(vector.locked)],
                nonce_number: vector.nonce_number,
                nonce: array(&vector.nonce),
            };
            both_ways(call, &vector.signed, &Body::Heartbeat(heartbeat));
            assert_eq!(heartbeat.roster_hash, roster_hash);
            ran += 1;
        }
    }
    assert_eq!(ran, 12);
}

#[test]
fn all_8_requests_12_leaves_12_controls_and_12_pieces_of_evidence() {
    let mut ran = [0; 4];
    for call in &all().calls {
        for vector in &call.requests {
            let request = KeyRequest {
                target: session(&vector.target),
                seq: vector.seq.0,
                nonce_number: vector.nonce_number,
                nonce: array(&vector.nonce),
            };
            both_ways(call, &vector.signed, &Body::KeyRequest(request));
            ran[0] += 1;
        }
        for vector in &call.leaves {
            both_ways(call, &vector.signed, &Body::Leave);
            ran[1] += 1;
        }
        for vector in &call.controls {
            let action = match vector.action {
                1 => Action::Lock,
                2 => Action::Unlock,
                3 => Action::Remove(session(&vector.target)),
                other => unreachable!("no action {other}"),
            };
            let control = Control { counter: vector.counter.0, action };
            both_ways(call, &vector.signed, &Body::Control(control));
            ran[2] += 1;
        }
        for vector in &call.evidence {
            let updates = vector.updates.iter().map(array).collect();
            both_ways(call, &vector.signed, &Body::Evidence(Evidence { updates }));
            ran[3] += 1;
        }
    }
    assert_eq!(ran, [8, 12, 12, 12]);
}

#[test]
fn all_24_check_messages() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in call.check.messages.iter().chain([&call.check.cancel]) {
            let stages = [Stage::Start, Stage::Reply, Stage::Reveal, Stage::Cancel, Stage::Confirm];
            let stage = stages.into_iter().find(|&stage| stage as u8 == vector.stage).unwrap();
            let message =
                CheckMessage { check: array(&vector.check), stage, data: array(&vector.data) };
            let target = session(&vector.target);
            both_ways(call, &vector.signed, &Body::Check { target, message });
            ran += 1;
        }
    }
    assert_eq!(ran, 24);
}

/// The first piece of evidence in each call.
#[test]
fn evidence_shows_two_updates_of_one_member_with_one_seq() {
    let mut ran = 0;
    for call in &all().calls {
        let identity = Identity(array(&call.members[0].identity));
        let updates = call.evidence[0].updates.iter();
        let said: Vec<_> =
            updates.map(|update| KeyUpdate::verify(update, &identity).unwrap()).collect();
        let [(one, first), (other, second)] = said[..] else { unreachable!("{} updates", said.len()) };
        assert_eq!((one, first.seq), (other, second.seq));
        assert_ne!(first, second);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn all_6_group_hashes_26_rosters_and_27_views() {
    let vectors = all();
    for vector in &vectors.groups {
        assert_eq!(group_hash(&vector.group_id), *vector.group_hash.0);
    }
    for vector in &vectors.rosters {
        let members = vector.members.iter().map(|member| {
            let identity = Identity(array(&member.identity));
            (session(&member.session), identity, array(&member.announce_hash))
        });
        assert_eq!(Heartbeat::roster_hash(&members.collect::<Vec<_>>()), *vector.roster_hash.0);
    }
    let of_heartbeats = vectors.calls.iter().flat_map(|call| &call.heartbeats);
    let of_heartbeats = of_heartbeats.map(|vector| (&vector.view, &vector.view_hash));
    let views = vectors.views.iter().map(|vector| (&vector.members, &vector.view_hash));
    let views: Vec<_> = views.chain(of_heartbeats).collect();
    for (members, view_hash) in &views {
        let members = members
            .iter()
            .map(|seen| (session(&seen.session), seen.newest.0, array(&seen.update_hash)));
        assert_eq!(Heartbeat::view_hash(&members.collect::<Vec<_>>()), *view_hash.0);
    }
    assert_eq!((vectors.groups.len(), vectors.rosters.len(), views.len()), (6, 26, 15 + 12));
}
