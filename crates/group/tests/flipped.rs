//! Every byte of every message is changed in turn: the message is rejected, and no state changes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test"
)]

use sealframe_group::{
    Event, GroupError, Output, RefusalReason, SessionId, Time,
    message::{
        self, Action, Body, Forward, KeyUpdate, Message, Order, Reason, Refusal, Request, Roster,
        RosterEntry, Status, UpdateHeader, Wants,
    },
    verification::{SasMessage, Stage},
};
use sealframe_testkit::random::Random;

mod common;
use common::{ACK, MILLI, Net, SECOND, Stranger, call_of, group, key_of, prefix};

/// The visible state of a member, except the clock.
fn look(net: &Net, of: u16) -> String {
    let now = Time::at(1000 * SECOND);
    let peer = net.peer(of);
    let (state, members) = (peer.group.state(now), peer.group.member_states(now));
    format!("{state:?} {members:?} {:?} {:?}", peer.held, peer.own)
}

/// Hands a message to a member without performing outputs.
fn hear(net: &mut Net, to: u16, bytes: &[u8]) -> Result<(), GroupError> {
    let now = net.now;
    net.peers.get_mut(&to).unwrap().group.handle_message(bytes, now)
}

/// Changes each byte of a message in turn. No other message is delivered meanwhile.
fn flip(net: &mut Net, to: u16, bytes: &[u8]) {
    let before = look(net, to);
    for place in 0..bytes.len() {
        for bit in [0, 7] {
            // Messages are rate-limited, so let time pass.
            net.now += 20 * MILLI;
            let mut changed = bytes.to_vec();
            changed[place] ^= 1 << bit;
            let taken = hear(net, to, &changed);
            assert!(taken.is_err(), "byte {place} of type {}: {taken:?}", bytes[1]);
            assert_ne!(taken, Err(GroupError::Busy), "byte {place} of type {}", bytes[1]);
        }
    }
    for len in 0..bytes.len() {
        net.now += 10 * MILLI;
        assert!(hear(net, to, &bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(hear(net, to, &[bytes, &[0]].concat()).is_err());
    assert_eq!(before, look(net, to));
    // No key and no member changes. Time has passed, so there may be outputs.
    let mut rng = Random::new(1);
    let now = net.now;
    let group = &mut net.peers.get_mut(&to).unwrap().group;
    loop {
        match group.poll(now, &mut rng) {
            Output::Send { .. } | Output::Event(Event::Unresponsive(_)) => {}
            Output::Timeout(_) => break,
            other @ (Output::Event(_) | Output::Keys(_)) => panic!("{other:?}"),
        }
    }
}

/// Changes a message of one member to another, then delivers the original.
fn signed(body: impl Fn(&Net, &[u16]) -> Body) -> (Net, Vec<u16>) {
    let (mut net, ids) = call_of(3);
    let body = body(&net, &ids);
    let bytes = net.sign(ids[2], &body);
    flip(&mut net, ids[0], &bytes);
    assert_eq!(hear(&mut net, ids[0], &bytes), Ok(()));
    (net, ids)
}

#[test]
fn announces() {
    let (mut net, ids) = call_of(2);
    let stranger = Stranger::with(20, |announce| {
        announce.extensions = [&[0, 7, 0, 2, 1, 2][..], &[1, 0, 0, 0]].concat();
        announce.versions = vec![1, 3];
    });
    flip(&mut net, ids[0], &stranger.message);
    net.hand(ids[0], &stranger.message).unwrap();
    assert!(net.peer(ids[0]).sees(stranger.session));
}

#[test]
fn key_updates() {
    let (mut net, ids) = call_of(2);
    let member_id = net.peer(ids[1]).group.member_id();
    let bytes = net.update(ids[1], ids[0], net.next_update(ids[1]), 5);
    flip(&mut net, ids[0], &bytes);
    assert!(!net.peer(ids[0]).held.contains_key(&(member_id, 1)));
    net.hand(ids[0], &bytes).unwrap();
    assert_eq!(net.peer(ids[0]).held[&(member_id, 1)].key, [5; 32]);
}

#[test]
fn requests() {
    signed(|net, ids| {
        let wants = Wants::KEYS.and(Wants::HEARTBEAT);
        Body::Request(Request { target: net.session(ids[0]), wants })
    });
}

#[test]
fn acks() {
    let (mut net, ids) = call_of(2);
    let [first, second] = ids[..] else { panic!() };
    // An update of the first member, whose ack by the second is lost.
    net.drop_types(&[ACK]);
    net.with(first, |peer, now| peer.group.rekey(Reason::Timer, now));
    net.run_for(200 * MILLI);
    let ack = net.said(net.session(second), ACK).pop().unwrap();
    let before = look(&net, first);
    for place in 0..ack.len() {
        for bit in 0..8 {
            let mut changed = ack.clone();
            changed[place] ^= 1 << bit;
            assert!(hear(&mut net, first, &changed).is_err(), "byte {place}");
        }
    }
    for len in 0..ack.len() {
        assert!(hear(&mut net, first, &ack[..len]).is_err(), "{len} bytes");
    }
    assert_eq!(before, look(&net, first));
    assert_eq!(hear(&mut net, first, &ack), Ok(()));
    assert_eq!(hear(&mut net, first, &ack), Err(GroupError::Stale));
    net.with(first, |_, _| ());
    assert_eq!(net.peer(first).own.0, 1, "no ack is awaited");
}

#[test]
fn heartbeats() {
    let (mut net, ids) = signed(|net, ids| {
        let mut heartbeat = net.heartbeat_of(ids[2]);
        heartbeat.seq += 1;
        heartbeat.is_locked = true;
        heartbeat.wants_answer = true;
        heartbeat.frames = 3;
        Body::Heartbeat(heartbeat)
    });
    let frames = net.peer(ids[0]).group.member_states(net.now);
    assert!(frames.iter().any(|member| member.frames_sealed == Some(3)));
    let heartbeat = net.heartbeat_of(ids[2]);
    let again = net.sign(ids[2], &Body::Heartbeat(heartbeat));
    assert_eq!(hear(&mut net, ids[0], &again), Err(GroupError::Stale));
}

#[test]
fn leaves() {
    let (net, ids) = signed(|_, _| Body::Leave);
    assert!(!net.peer(ids[0]).sees(net.session(ids[2])));
}

/// Constructs an action from a call and its addresses.
type Making = dyn Fn(&Net, &[u16]) -> Action;

#[test]
fn orders() {
    let remove = |net: &Net, ids: &[u16]| {
        let target = net.session(ids[2]);
        let tag = Order::tag(net.session(ids[0]), 1, &net.peer(ids[2]).group.identity());
        Action::Remove { target, identity: tag }
    };
    let lock = |net: &Net, ids: &[u16]| {
        let all = ids.iter().map(|id| net.peer(*id).group.identity());
        let tag = |identity| Order::tag(net.session(ids[0]), 1, &identity);
        let mut allowed: Vec<_> = all.map(tag).collect();
        allowed.sort_unstable();
        Action::Lock { allowed }
    };
    let unlock = |_: &Net, _: &[u16]| Action::Unlock;
    let actions: [&Making; 3] = [&lock, &unlock, &remove];
    for action in actions {
        // The first member is a moderator.
        let (mut net, ids) = call_of(3);
        let action = action(&net, &ids);
        let bytes = net.sign(ids[0], &Body::Order(Order { counter: 1, action: action.clone() }));
        flip(&mut net, ids[1], &bytes);
        assert_eq!(hear(&mut net, ids[1], &bytes), Ok(()));
        let is_locked = matches!(action, Action::Lock { .. });
        assert_eq!(net.is_locked(ids[1]), is_locked);
        let is_removal = matches!(action, Action::Remove { .. });
        assert_eq!(!net.peer(ids[1]).sees(net.session(ids[2])), is_removal);
    }
}

#[test]
fn rosters() {
    for is_answer in [false, true] {
        signed(|net, ids| {
            let mut entries: Vec<RosterEntry> = ids
                .iter()
                .zip([Status::Live, Status::NotLive, Status::Away])
                .map(|(&id, status)| RosterEntry {
                    session: prefix(net.session(id)),
                    status,
                    newest: 0,
                    update_hash: [1; 4],
                })
                .collect();
            entries.sort_by_key(|entry| entry.session);
            Body::Roster(Roster { is_answer, from: [0; 8], to: [0xff; 8], entries })
        });
    }
}

#[test]
fn forwards() {
    let stranger = Stranger::of(9);
    let (net, ids) = signed(|net, ids| {
        let leave = net.sign(ids[1], &Body::Leave);
        Body::Forward(Forward { messages: vec![stranger.message.clone(), leave] })
    });
    assert!(!net.peer(ids[0]).sees(net.session(ids[1])), "the forwarded message counts");
    assert_eq!(net.peer(ids[0]).group.state(net.now).waiting, [stranger.session]);
}

/// A member forwards a message after changing it.
#[test]
fn messages_in_forwards() {
    let (mut net, ids) = call_of(3);
    let leave = net.sign(ids[1], &Body::Leave);
    let before = look(&net, ids[0]);
    for place in 0..leave.len() {
        net.now += 60 * MILLI;
        let mut changed = leave.clone();
        changed[place] ^= 1;
        let forward = net.sign(ids[2], &Body::Forward(Forward { messages: vec![changed] }));
        assert_eq!(hear(&mut net, ids[0], &forward), Ok(()));
        assert_eq!(before, look(&net, ids[0]), "byte {place}");
    }
}

#[test]
fn refusals() {
    let reasons = [
        RefusalReason::Refused,
        RefusalReason::Locked,
        RefusalReason::Removed,
        RefusalReason::Full,
        RefusalReason::OtherParameters,
        RefusalReason::Replaced(SessionId([5; 16])),
        RefusalReason::MemberIdInUse(SessionId([5; 16])),
    ];
    for reason in reasons {
        let (mut net, ids) =
            signed(|net, ids| Body::Refusal(Refusal { target: net.session(ids[0]), reason }));
        net.run_for(SECOND);
        let by = net.session(ids[2]);
        assert!(net.peer(ids[0]).has(&Event::NotAdmitted { by, reason }), "{reason:?}");
    }
}

#[test]
fn checks() {
    for stage in [Stage::Start, Stage::Reply, Stage::Reveal, Stage::Cancel, Stage::Confirm] {
        signed(|net, ids| {
            let message = SasMessage { check: [1; 16], stage, data: [2; 32] };
            Body::Sas { target: net.session(ids[0]), message }
        });
    }
}

#[test]
fn update_headers() {
    let (mut net, ids) = call_of(3);
    let (liar, update) = (ids[2], net.next_update(ids[2]));
    let header = net.header(liar, update, 5);
    let signed = message::sign_update(&group(), net.session(liar), &header, &key_of(3));
    // The update header, as any member can show it: its signature is the update's.
    let (head, signature) = signed.split_at(KeyUpdate::SIGNED_LEN);
    let mut bytes = [head, &header.key_commit, signature].concat();
    bytes[1] = 12;
    let is_it = |body: &Body| matches!(body, Body::UpdateHeader(UpdateHeader { .. }));
    assert!(is_it(&Message::parse(&bytes).unwrap().body));
    flip(&mut net, ids[0], &bytes);
    assert_eq!(hear(&mut net, ids[0], &bytes), Ok(()));
    assert_eq!(hear(&mut net, ids[0], &bytes), Err(GroupError::Stale));
}

/// The messages of a bundle are handled independently.
#[test]
fn bundles() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    let member_id = net.peer(bob).group.member_id();
    let update = net.update(bob, alice, net.next_update(bob), 5);
    let target = net.session(alice);
    let request = net.sign(carol, &Body::Request(Request { target, wants: Wants::HEARTBEAT }));
    let bundle = message::bundle(vec![request.clone(), update.clone()]).pop().unwrap();
    assert_eq!((bundle[0], bundle.len()), (0, request.len() + update.len() + 5));
    for place in 0..bundle.len() {
        net.now += 60 * MILLI;
        let mut changed = bundle.clone();
        changed[place] ^= 1;
        // The first message may still be valid; the second comes last, and every change to it is
        // detected.
        let before = net.peer(alice).held.contains_key(&(member_id, 1));
        let taken = hear(&mut net, alice, &changed);
        assert!(taken.is_err(), "byte {place}");
        if place < 3 || place >= 3 + request.len() {
            let held = net.peer(alice).group.member_states(net.now);
            let key = held.iter().find(|member| member.member_id == member_id).unwrap().key;
            assert!(before || key.is_none_or(|key| key.generation == 0), "byte {place}");
        } else {
            // The other message of the bundle still counts; continue with a new call.
            let key = net.peer(alice).group.member_states(net.now);
            let key = key.iter().find(|member| member.member_id == member_id).unwrap().key;
            assert_eq!(key.unwrap().generation, 1, "byte {place}");
            break;
        }
    }
    for len in 0..bundle.len() {
        net.now += 60 * MILLI;
        let cut = hear(&mut net, alice, &bundle[..len]);
        // Empty bundles have no effect.
        assert!(cut.is_err() || len == 1 || len == request.len() + 3, "{len}: {cut:?}");
    }
    assert!(hear(&mut net, alice, &vec![0; message::MAX_LEN + 1]).is_err());
}
