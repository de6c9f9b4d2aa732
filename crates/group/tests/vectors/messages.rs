//! Encoding and decoding of every message.

use sealframe_crypto::BaseKey;
use sealframe_group::{
    Identity, IdentityKey, Kem, KemSecret, Role,
    message::{
        Ack, Action, Addressee, Announce, Body, Entry, Forward, Head, Heartbeat, KeyUpdate, Message,
        Order, Refusal, RefusalReason, Request, Roster, RosterEntry, Status, UpdateHeader, Wants,
        Witness, encode, entry_info, group_hash, sign, sign_announce, sign_update,
    },
    verification::{SasMessage, Stage},
    wrap,
};
use sealframe_testkit::{
    group::{CallVector, HeaderVector, MemberVector, OrderLine, SeenVector, SignedVector, all},
    hex::Hex,
};

use crate::{Given, array, kem, session, suite};

fn key(member: &MemberVector) -> IdentityKey {
    let key = IdentityKey::from_seed(&array(&member.identity_secret)).unwrap();
    assert_eq!(key.public(), identity(member));
    key
}

fn identity(member: &MemberVector) -> Identity {
    Identity(array(&member.identity))
}

/// Asserts that the fields encode to the bytes, the bytes decode to the fields, and no other member
/// signed them.
fn both_ways(call: &CallVector, vector: &SignedVector, body: &Body) {
    let member = &call.members[vector.from];
    let group = array(&call.group_hash);
    let message = Message::parse(&vector.message).unwrap();
    let head = message.head;
    assert_eq!(message.body, *body);
    assert_eq!(sign(&group, head.session, body, &key(member)), vector.message.0, "{vector:?}");
    assert!(vector.message.ends_with(&vector.signature), "{vector:?}");
    assert_eq!(message.signed, encode(&head, body));
    assert!(vector.to_sign.ends_with(&[&group, message.signed].concat()), "{vector:?}");
    assert_eq!((message.bytes, message.entry), (&vector.message[..], &[][..]));
    assert_eq!(message.signature.unwrap()[..], vector.signature[..]);
    is_signed_by_one_alone(call, &message, vector.from);
    if !matches!(body, Body::Announce(_)) {
        assert_eq!(head, Head::new(&group, session(&member.session)));
    }
}

/// Asserts that this member alone signed it, in this call alone.
fn is_signed_by_one_alone(call: &CallVector, message: &Message<'_>, from: usize) {
    let group = array(&call.group_hash);
    for (at, other) in call.members.iter().enumerate() {
        assert_eq!(message.is_signed_by(&group, &identity(other)), at == from, "{message:?}");
        assert!(!message.is_signed_by(&group_hash(b"another"), &identity(other)));
    }
}

#[test]
fn all_60_prekeys() {
    let mut ran = 0;
    for call in &all().calls {
        for prekey in call.members.iter().flat_map(|member| &member.prekeys) {
            let (_, public) = KemSecret::derive(kem(call), &array(&prekey.ikm)).unwrap();
            assert_eq!(public, prekey.public.0);
            assert_eq!(public.len(), kem(call).key_len());
            ran += 1;
        }
    }
    assert_eq!(ran, 60);
}

#[test]
fn all_28_announces() {
    let mut ran = 0;
    for call in &all().calls {
        let group = array(&call.group_hash);
        for (at, vector) in call.announces.iter().enumerate() {
            let mut extensions = Vec::new();
            for extension in &vector.extensions {
                let len = u16::try_from(extension.data.len()).unwrap();
                extensions.extend([extension.id.to_be_bytes(), len.to_be_bytes()].concat());
                extensions.extend(&extension.data.0);
            }
            let announce = Announce {
                joined_at: vector.joined_at.0,
                media_suite: vector.media_suite,
                kem: Kem::from_id(vector.kem).unwrap(),
                role: Role::from_id(vector.role).unwrap(),
                identity: Identity(array(&vector.identity)),
                prekey: vector.prekey.0.clone(),
                versions: vector.versions.0.clone(),
                address: vector.address.0.clone(),
                credential: vector.credential.0.clone(),
                extensions,
            };
            let listed = vector.extensions.iter().map(|it| (it.id, &it.data[..]));
            assert!(announce.extensions().eq(listed));
            both_ways(call, &vector.signed, &Body::Announce(announce.clone()));
            let message = Message::parse(&vector.signed.message).unwrap();
            let body = &message.signed[Head::LEN..];
            assert_eq!(Announce::hash_body(&group, body), *vector.announce_hash.0);
            assert_eq!(Announce::session_of(&group, body), session(&vector.session));
            assert_eq!(message.head, Head::new(&group, session(&vector.session)));
            let made = sign_announce(&group, announce, &key(&call.members[vector.signed.from]));
            assert_eq!(made, (session(&vector.session), vector.signed.message.0.clone()));
            if let Some(member) = call.members.get(at) {
                assert_eq!((vector.signed.from, &vector.session.0), (at, &member.session.0));
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 28);
}

fn update_header(vector: &HeaderVector) -> UpdateHeader {
    let body = Message::parse(&vector.update_header).unwrap().body;
    let Body::UpdateHeader(UpdateHeader { update: KeyUpdate { reason, .. }, .. }) = body else {
        unreachable!("no update header: {vector:?}")
    };
    assert_eq!(reason as u8, vector.flags & 7);
    assert_eq!(reason.begins_generation(), vector.flags & 7 < 5);
    let update = KeyUpdate {
        reason,
        wants_ack: vector.flags & 8 == 0,
        generation: vector.generation,
        step: vector.step,
        prev_hash: array(&vector.prev_hash),
    };
    UpdateHeader { update, key_commit: array(&vector.key_commit) }
}

#[test]
fn all_56_update_headers() {
    let mut ran = 0;
    for call in &all().calls {
        let group = array(&call.group_hash);
        let sent = call.updates.iter().map(|update| &update.header);
        for vector in call.begun.iter().chain(sent) {
            let header = update_header(vector);
            let UpdateHeader { update, key_commit } = header;
            let member = &call.members[vector.from];
            let head = Head::new(&group, session(&member.session));
            let signed = sign_update(&group, head.session, &header, &key(member));
            assert_eq!(signed[..KeyUpdate::SIGNED_LEN], vector.header[..KeyUpdate::SIGNED_LEN]);
            assert_eq!(signed[KeyUpdate::SIGNED_LEN..], vector.signature[..]);
            let made = [&signed[..KeyUpdate::SIGNED_LEN], &key_commit].concat();
            assert_eq!(made, vector.header.0);
            assert_eq!(made.len(), KeyUpdate::HEADER_LEN);
            assert!(vector.to_sign.ends_with(&[&group[..], &made].concat()));

            let message = Message::parse(&vector.update_header).unwrap();
            assert_eq!((message.head, &message.body), (head, &Body::UpdateHeader(header)));
            let encoded = encode(&head, &Body::UpdateHeader(header));
            assert_eq!([&encoded, &vector.signature[..]].concat(), vector.update_header.0);
            is_signed_by_one_alone(call, &message, vector.from);
            assert_eq!(message.header_hash(&group, &key_commit), *vector.header_hash.0);
            let body = &vector.header[..KeyUpdate::SIGNED_LEN];
            let hash = KeyUpdate::header_hash(&group, body, &key_commit);
            assert_eq!(hash, *vector.header_hash.0);

            let first = BaseKey::from_bytes(suite(call), &vector.generation_key).unwrap();
            let base_key = (0..vector.step).fold(first, |key, _| key.ratchet());
            let key = base_key.expose_bytes();
            assert_eq!(key, &vector.base_key[..]);
            let commit = KeyUpdate::commit(key, &group, head.session, update.generation, update.step);
            assert_eq!(commit, key_commit);
            ran += 1;
        }
    }
    assert_eq!(ran, 12 + 44);
}

#[test]
fn all_44_updates_and_their_entries() {
    let mut ran = 0;
    for call in &all().calls {
        let (group, kem) = (array(&call.group_hash), kem(call));
        for vector in &call.updates {
            let header = update_header(&vector.header);
            let message = Message::parse(&vector.message).unwrap();
            assert_eq!(message.body, Body::KeyUpdate(header.update));
            let (sender, recipient) = (&call.members[vector.header.from], &call.members[vector.to]);
            let made = sign_update(&group, session(&sender.session), &header, &key(sender));
            assert_eq!([&made, message.entry].concat(), vector.message.0);
            for (at, other) in call.members.iter().enumerate() {
                let by = identity(other);
                let is_of = message.is_update_of(&group, &by, &header.key_commit);
                assert_eq!(is_of, at == vector.header.from);
                assert!(!message.is_update_of(&group, &by, &[0; 32]));
                assert!(!message.is_update_of(&group_hash(b"another"), &by, &header.key_commit));
                assert!(!message.is_signed_by(&group, &by));
            }
            let hash = message.header_hash(&group, &header.key_commit);
            assert_eq!(hash, *vector.header.header_hash.0);

            let entry = Entry::parse(message.entry).unwrap();
            assert_eq!((entry.recipient.get(), message.entry), (recipient.number, &vector.entry[..]));
            assert_eq!(entry.prekey_number, vector.prekey_number);
            let nh = vector.header.base_key.len();
            let (enc, ciphertext) = entry.parts(kem, nh).unwrap();
            assert_eq!((enc, ciphertext), (&vector.enc[..], &vector.ct[..]));
            let mut prekeys = recipient.prekeys.iter();
            let prekey = prekeys.find(|it| it.number == vector.prekey_number).unwrap();
            let to = Addressee {
                identity: identity(recipient),
                session: session(&recipient.session),
                prekey: &prekey.public,
            };
            let by = (&identity(sender), session(&sender.session));
            let info = entry_info(&group, kem, suite(call), by, &to);
            assert_eq!(info, vector.info.0);
            let (secret, public) = KemSecret::derive(kem, &array(&prekey.ikm)).unwrap();
            let opened = secret.unwrap(suite(call), enc, ciphertext, &info, message.signed).unwrap();
            assert_eq!(opened.expose_bytes(), &vector.header.base_key[..]);
            let mut given = Given(vector.randomness.0.clone());
            let made = wrap(kem, &public, &opened, &info, message.signed, &mut given).unwrap();
            assert_eq!(made, (vector.enc.0.clone(), vector.ct.0.clone()));
            assert!(given.0.is_empty(), "all randomness is used");
            ran += 1;
        }
    }
    assert_eq!(ran, 44);
}

#[test]
fn all_32_acks() {
    let mut ran = 0;
    for call in &all().calls {
        let group = array(&call.group_hash);
        for vector in &call.acks {
            let member = &call.members[vector.from];
            let head = Head::new(&group, session(&member.session));
            let update = &call.updates[vector.update].header;
            let mac = Ack::mac(&update.base_key, &array(&update.header_hash), head.session);
            assert_eq!(mac, *vector.mac.0);
            let body = Body::Ack(Ack { generation: vector.generation, step: vector.step, mac });
            assert_eq!((vector.generation, vector.step), (update.generation, update.step));
            assert_eq!(encode(&head, &body), vector.message.0);
            assert_eq!(sign(&group, head.session, &body, &key(member)), vector.message.0);
            let message = Message::parse(&vector.message).unwrap();
            assert!(!message.is_signed_by(&group, &identity(member)));
            assert_eq!((message.head, message.body), (head, body));
            assert_eq!((message.signed, message.signature), (&vector.message[..], None));
            ran += 1;
        }
    }
    assert_eq!(ran, 32);
}

fn seen(view: &[SeenVector]) -> Vec<([u8; 32], u32, [u8; 32])> {
    view.iter()
        .map(|seen| (array(&seen.announce_hash), seen.newest, array(&seen.update_hash)))
        .collect()
}

fn action(id: u8, target: &Hex, identities: &[Hex]) -> Action {
    let allowed: Vec<_> = identities.iter().map(array).collect();
    match (id, &allowed[..]) {
        (1, _) => Action::Lock { allowed },
        (2, []) => Action::Unlock,
        (3, &[identity]) => Action::Remove { target: session(target), identity },
        other => unreachable!("no action {other:?}"),
    }
}

fn orders_hash(lines: &[OrderLine]) -> [u8; 32] {
    let orders: Vec<_> = lines
        .iter()
        .map(|line| {
            let action = action(line.action, &line.target, &line.identities);
            (session(&line.session), Order { counter: line.counter, action })
        })
        .collect();
    Order::orders_hash(orders.iter().map(|(session, order)| (*session, order)))
}

#[test]
fn all_40_heartbeats() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.heartbeats {
            let heartbeat = Heartbeat {
                seq: vector.seq,
                is_locked: vector.flags & 1 != 0,
                sends: vector.flags & 2 != 0,
                wants_answer: vector.flags & 4 != 0,
                generation: vector.generation,
                step: vector.step,
                frames: vector.frames,
                newest: vector.newest,
                update_hash: array(&vector.update_hash),
                roster_hash: array(&vector.roster_hash),
                view_hash: array(&vector.view_hash),
                orders_hash: array(&vector.orders_hash),
                counter: vector.counter,
                witness: Witness {
                    session: array(&vector.witness),
                    seq: vector.witness_seq,
                    hash: array(&vector.witness_hash),
                },
                prekey_number: vector.prekey_number,
                prekey: vector.prekey.0.clone(),
            };
            both_ways(call, &vector.signed, &Body::Heartbeat(heartbeat.clone()));
            let view = seen(&vector.view);
            assert_eq!(Heartbeat::view_hash(&view), heartbeat.view_hash);
            let announces: Vec<_> = view.iter().map(|(announce, ..)| *announce).collect();
            assert_eq!(Heartbeat::roster_hash(&announces), heartbeat.roster_hash);
            assert_eq!(orders_hash(&vector.orders), heartbeat.orders_hash);
            let witness = vector.witness_at.map_or_else(Witness::default, |at| {
                let of = &call.heartbeats[at];
                let hash = Heartbeat::hash(&of.signed.message);
                let session = &call.members[of.signed.from].session;
                Witness { session: session[..8].try_into().unwrap(), seq: of.seq, hash }
            });
            assert_eq!(heartbeat.witness, witness);
            ran += 1;
        }
    }
    assert_eq!(ran, 40);
}

#[test]
fn all_20_requests_12_leaves_and_28_refusals() {
    let mut ran = [0; 3];
    for call in &all().calls {
        for vector in &call.requests {
            let of = [Wants::ANNOUNCE, Wants::HEARTBEAT, Wants::KEYS, Wants::NEW_KEYS];
            let of = of.into_iter().enumerate().filter(|(bit, _)| vector.wants >> bit & 1 == 1);
            let wants = of.map(|(_, wants)| wants).reduce(Wants::and).unwrap();
            let request = Request { target: session(&vector.target), wants };
            both_ways(call, &vector.signed, &Body::Request(request));
            ran[0] += 1;
        }
        for vector in &call.leaves {
            both_ways(call, &vector.signed, &Body::Leave);
            ran[1] += 1;
        }
        for vector in &call.refusals {
            let other = session(&vector.other);
            let reason = match vector.reason {
                1 => RefusalReason::Refused,
                2 => RefusalReason::Locked,
                3 => RefusalReason::Removed,
                4 => RefusalReason::Full,
                5 => RefusalReason::MemberIdInUse(other),
                6 => RefusalReason::OtherParameters,
                7 => RefusalReason::Replaced(other),
                other => unreachable!("no reason {other}"),
            };
            let refusal = Refusal { target: session(&vector.target), reason };
            both_ways(call, &vector.signed, &Body::Refusal(refusal));
            ran[2] += 1;
        }
    }
    assert_eq!(ran, [20, 12, 28]);
}

#[test]
fn all_33_orders() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.orders {
            let by = session(&call.members[vector.signed.from].session);
            let action = action(vector.action, &vector.target, &vector.identities);
            both_ways(call, &vector.signed, &Body::Order(Order { counter: vector.counter, action }));
            let named = vector.named.iter().map(|named| Identity(array(named)));
            let mut tags: Vec<_> = named.map(|named| Order::tag(by, vector.counter, &named)).collect();
            tags.sort_unstable();
            assert_eq!(tags, vector.identities.iter().map(array).collect::<Vec<[u8; 12]>>());
            ran += 1;
        }
    }
    assert_eq!(ran, 33);
}

#[test]
fn all_25_rosters() {
    let mut ran = 0;
    let statuses = [
        Status::Live,
        Status::NotLive,
        Status::Judging,
        Status::Refused,
        Status::Left,
        Status::Removed,
        Status::Replaced,
        Status::Away,
    ];
    for call in &all().calls {
        for vector in &call.rosters {
            let entries = vector.entries.iter().map(|entry| RosterEntry {
                session: array(&entry.session),
                status: statuses[usize::from(entry.status) - 1],
                newest: entry.newest,
                update_hash: array(&entry.update_hash),
            });
            let roster = Roster {
                is_answer: [false, true][usize::from(vector.flags)],
                from: array(&vector.first),
                to: array(&vector.last),
                entries: entries.collect(),
            };
            both_ways(call, &vector.signed, &Body::Roster(roster));
            ran += 1;
        }
    }
    assert_eq!(ran, 25);
    let longest = all().calls.iter().flat_map(|it| &it.rosters).map(|it| it.entries.len()).max();
    assert_eq!(longest, Some(Roster::MAX_ENTRIES));
}

#[test]
fn all_17_forwards_with_55_messages() {
    let (mut ran, mut inside) = (0, 0);
    for call in &all().calls {
        let group = array(&call.group_hash);
        for vector in &call.forwards {
            let messages: Vec<_> = vector.messages.iter().map(|message| message.0.clone()).collect();
            both_ways(call, &vector.signed, &Body::Forward(Forward { messages }));
            for bytes in &vector.messages {
                let message = Message::parse(bytes).unwrap();
                let by = if let Body::Announce(announce) = &message.body {
                    assert_eq!(
                        message.head.session,
                        Announce::session_of(&group, &message.signed[Head::LEN..])
                    );
                    announce.identity
                } else {
                    let of = |member: &&MemberVector| session(&member.session) == message.head.session;
                    identity(call.members.iter().find(of).unwrap())
                };
                assert!(message.is_signed_by(&group, &by), "{message:?}");
                inside += 1;
            }
            ran += 1;
        }
    }
    assert_eq!((ran, inside), (17, 55));
}

/// The second forward of each call.
#[test]
fn two_update_headers_prove_that_a_generation_began_twice() {
    let mut ran = 0;
    for call in &all().calls {
        let group = array(&call.group_hash);
        let [one, other] = &call.forwards[1].messages[..] else { unreachable!("two headers") };
        let mut said = Vec::new();
        for bytes in [one, other] {
            let message = Message::parse(bytes).unwrap();
            assert!(message.is_signed_by(&group, &identity(&call.members[0])));
            let Body::UpdateHeader(header) = message.body else { unreachable!("a header") };
            let hash = message.header_hash(&group, &header.key_commit);
            said.push((message.head, header.update, hash));
        }
        assert_eq!((said[0].0, said[0].1), (said[1].0, said[1].1));
        assert!(said[0].1.reason.begins_generation());
        assert_ne!(said[0].2, said[1].2);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn all_24_sas_messages() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in call.check.messages.iter().chain([&call.check.cancel]) {
            let stages = [Stage::Start, Stage::Reply, Stage::Reveal, Stage::Cancel, Stage::Confirm];
            let stage = stages.into_iter().find(|&stage| stage as u8 == vector.stage).unwrap();
            let message = SasMessage { check: array(&vector.check), stage, data: array(&vector.data) };
            let target = session(&vector.target);
            both_ways(call, &vector.signed, &Body::Sas { target, message });
            ran += 1;
        }
    }
    assert_eq!(ran, 24);
}

#[test]
fn all_6_group_hashes_27_rosters_27_views_and_23_lists_of_orders() {
    let vectors = all();
    for vector in &vectors.groups {
        assert_eq!(group_hash(&vector.group_id), *vector.group_hash.0);
    }
    for vector in &vectors.roster_hashes {
        let announces: Vec<_> = vector.announce_hashes.iter().map(array).collect();
        assert_eq!(Heartbeat::roster_hash(&announces), *vector.roster_hash.0);
    }
    for vector in &vectors.view_hashes {
        assert_eq!(Heartbeat::view_hash(&seen(&vector.members)), *vector.view_hash.0);
    }
    for vector in &vectors.orders_hashes {
        assert_eq!(orders_hash(&vector.orders), *vector.orders_hash.0);
    }
    let ran = [vectors.groups.len(), vectors.roster_hashes.len(), vectors.view_hashes.len()];
    assert_eq!((ran, vectors.orders_hashes.len()), ([6, 27, 27], 27));
}
