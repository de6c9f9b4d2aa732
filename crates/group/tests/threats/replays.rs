//! Replays of messages of this call.

use sealframe_group::{
    Event, GroupError, LeaveReason, Reason,
    message::{Body, Entry, Message},
};

use crate::common::{
    FORWARD, HEARTBEAT, Join, KEY_UPDATE, MILLI, ROSTER, SECOND, call_of, rekeyed_call,
};

#[test]
fn a_crashed_member_is_lost_although_its_messages_are_replayed() {
    let (mut net, ids) = call_of(3);
    net.run_for(10 * SECOND);
    let (alice, gone) = (ids[0], net.session(ids[2]));
    net.crash(ids[2]);
    let recorded = net.recorded.clone();
    for _ in 0..6 {
        for (_, bytes) in recorded.iter().filter(|(from, _)| *from == ids[2]) {
            let _ = net.hand(alice, bytes);
        }
        net.run_for(20 * SECOND);
    }
    assert!(net.peer(alice).has_left(gone, LeaveReason::Lost));
    assert!(!net.peer(alice).sees(gone));
}

/// The relay replays a departed member's heartbeats to a newcomer.
#[test]
fn a_recorded_session_is_lost_soon_after_its_admission() {
    let (mut net, ids) = call_of(2);
    net.run_for(200 * SECOND);
    let (alice, dead) = (ids[0], net.session(ids[1]));
    let announce = net.peer(ids[1]).group.announce().to_vec();
    let heartbeats = net.said(dead, HEARTBEAT);
    net.crash(ids[1]);
    net.tell_gone(ids[1]);
    let dave = net.join(&Join::of(4));
    net.run_for(SECOND);
    net.hand(dave, &announce).unwrap();
    assert!(net.peer(dave).sees(dead), "its application accepts what it is shown");
    for bytes in heartbeats.iter().take(13) {
        net.run_for(8 * SECOND);
        let _ = net.hand(dave, bytes);
        let states = net.peer(dave).group.member_states(net.now);
        assert!(states.iter().all(|member| member.session != dead || !member.is_live));
    }
    assert!(net.peer(dave).has_left(dead, LeaveReason::Lost));
    assert!(!net.peer(alice).sees(dead));
}

#[test]
fn a_replayed_heartbeat_resolves_no_difference() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, _] = ids[..] else { panic!() };
    net.run_for(12 * SECOND);
    // It carries the roster that Alice has.
    let old = net.said(net.session(bob), HEARTBEAT).pop().unwrap();
    // Bob sees a session that no other member sees, and rosters are lost.
    let ghost = ids[2] + 1;
    for &id in ids.iter().filter(|id| **id != bob) {
        net.cut.extend([(ghost, id), (id, ghost)]);
    }
    net.join(&Join::of(9));
    net.drop_types(&[ROSTER, FORWARD]);
    for _ in 0..120 {
        net.run_for(SECOND);
        assert_eq!(net.hand(alice, &old), Err(GroupError::Stale));
    }
    let with = net.session(bob);
    assert!(net.peer(alice).has(&Event::RosterMismatch { with, sessions: Vec::new() }));
}

#[test]
fn a_replayed_heartbeat_does_not_set_a_prekey_back() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    net.run_for(200 * SECOND);
    let heartbeats = net.said(net.session(bob), HEARTBEAT);
    let numbers: Vec<u16> = heartbeats.iter().map(|bytes| prekey_number(bytes)).collect();
    assert!(numbers.first() == Some(&0) && numbers.last() == Some(&3), "{numbers:?}");
    for bytes in &heartbeats {
        let _ = net.hand(alice, bytes);
    }
    // A heartbeat that was never delivered, with an old prekey number.
    let mut kept = net.heartbeat_of(bob);
    (kept.seq, kept.prekey_number) = (kept.seq + 5, 1);
    net.hand(alice, &net.sign(bob, &Body::Heartbeat(kept))).unwrap();
    net.with(alice, |peer, now| peer.group.rekey(Reason::Timer, now));
    net.run_for(SECOND);
    let update = net.said(net.session(alice), KEY_UPDATE).pop().unwrap();
    let entry = Message::parse(&update).unwrap().entry;
    assert_eq!(Entry::parse(entry).unwrap().prekey_number, 3);
    assert_eq!(net.who_opens(alice), [bob]);
}

fn prekey_number(bytes: &[u8]) -> u16 {
    let Body::Heartbeat(heartbeat) = Message::parse(bytes).unwrap().body else { panic!() };
    heartbeat.prekey_number
}

#[test]
fn replayed_messages_change_nothing() {
    let (mut net, ids) = call_of(3);
    net.with(ids[0], |peer, now| {
        peer.group.lock(now).unwrap();
        peer.group.unlock(now).unwrap();
        peer.group.rekey(Reason::Timer, now);
    });
    net.run_for(5 * SECOND);
    net.crash(ids[2]);
    net.tell_gone(ids[2]);
    net.run_for(5 * SECOND);
    let look = |net: &crate::common::Net| {
        ids[..2]
            .iter()
            .map(|&id| (net.peer(id).held.clone(), net.peer(id).events.len()))
            .collect::<Vec<_>>()
    };
    let before = look(&net);
    let recorded: Vec<Vec<u8>> = net.recorded.iter().map(|(_, bytes)| bytes.clone()).collect();
    net.records = false;
    for bytes in &recorded {
        for &id in &ids[..2] {
            let _ = net.hand(id, bytes);
        }
        net.run_for(50 * MILLI);
    }
    assert_eq!(look(&net), before, "no key came back");
    net.is_together().unwrap();
    assert!(!net.is_locked(ids[0]));
}

#[test]
fn a_wiped_key_is_not_opened_again() {
    let (mut net, [alice, bob], number) = rekeyed_call();
    net.run_for(9_900 * MILLI);
    assert!(net.peer(bob).held.contains_key(&(number, 0)), "late frames open");
    net.run_for(200 * MILLI);
    assert!(!net.peer(bob).held.contains_key(&(number, 0)));
    for bytes in net.said(net.session(alice), KEY_UPDATE) {
        let _ = net.hand(bob, &bytes);
    }
    assert!(!net.peer(bob).held.contains_key(&(number, 0)), "its frames would open once more");
}

#[test]
fn our_own_replayed_messages_are_rejected() {
    let (mut net, ids) = call_of(2);
    let leave = net.sign(ids[0], &Body::Leave);
    assert_eq!(net.hand(ids[0], &leave), Err(GroupError::Own));
}

#[test]
fn a_departed_session_does_not_return() {
    let (mut net, ids) = call_of(3);
    let gone = net.session(ids[2]);
    let announce = net.peer(ids[2]).group.announce().to_vec();
    let heartbeat = net.heartbeat_of(ids[2]);
    let key = crate::common::key_of(3);
    net.leave(ids[2]);
    net.run_for(SECOND);
    assert_eq!(net.hand(ids[0], &announce), Err(GroupError::Departed));
    // A heartbeat that was never delivered does not return it either.
    let heartbeat = Body::Heartbeat(sealframe_group::message::Heartbeat { seq: 1000, ..heartbeat });
    let bytes = sealframe_group::message::sign(&crate::common::group(), gone, &heartbeat, &key);
    assert_eq!(net.hand(ids[0], &bytes), Err(GroupError::Departed));
    net.run_for(60 * SECOND);
    assert!(!net.peer(ids[0]).sees(gone) && !net.peer(ids[1]).sees(gone));
    // The person returns with a new session.
    net.join(&Join { started_at: 100, ..Join::of(3) });
    net.until_together(5 * SECOND);
}
