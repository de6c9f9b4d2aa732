//! Attacks of a relay: showing, hiding, dropping and changing messages.

use sealframe_group::{
    Event, GroupError, Kem, LeaveReason, OnMismatch, Policy, Reason,
    message::{self, Body, KeyUpdate},
};

use crate::common::{
    FORWARD, HEARTBEAT, Join, KEY_UPDATE, LEAVE, Net, ROSTER, SECOND, Stranger, call, call_of, group,
    prefix,
};

/// A client of the relay itself, with a credential that applications accept, shown to one member
/// alone.
fn ghost_of(net: &mut Net, ids: &[u16], shown_to: u16) -> u16 {
    let ghost = ids.last().unwrap() + 1;
    for &id in ids.iter().filter(|id| **id != shown_to) {
        net.cut.extend([(ghost, id), (id, ghost)]);
    }
    assert_eq!(net.join(&Join::of(9)), ghost);
    ghost
}

#[test]
fn a_ghost_shown_to_one_member_is_detected() {
    let (mut net, ids) = call_of(3);
    let ghost = ghost_of(&mut net, &ids, ids[0]);
    let session = net.session(ghost);
    net.run_for(SECOND);
    let code = |net: &Net, of: u16| net.peer(of).group.call_code();
    assert!(net.peer(ids[0]).sees(session), "its credential was accepted");
    assert_ne!(code(&net, ids[1]), code(&net, ids[0]));
    // Members with different rosters introduce sessions to each other.
    net.run_for(25 * SECOND);
    for &id in &ids {
        assert!(net.peer(id).sees(session));
        assert_eq!(code(&net, id), code(&net, ids[0]));
    }
    // If it gives proof of life to one member alone, that is reported.
    net.run_for(600 * SECOND);
    let sessions = vec![prefix(session)];
    let differs = Event::RosterMismatch { with: net.session(ids[0]), sessions };
    assert!(net.peer(ids[1]).has(&differs) && net.peer(ids[2]).has(&differs));
}

#[test]
fn a_ghost_that_is_a_recording_is_lost_after_40_s() {
    let (mut net, ids) = call_of(3);
    let ghost = Stranger::of(9);
    net.hand(ids[0], &ghost.message).unwrap();
    assert!(net.peer(ids[0]).sees(ghost.session));
    net.run_for(41 * SECOND);
    assert!(net.peer(ids[0]).has_left(ghost.session, LeaveReason::Lost));
    net.run_for(60 * SECOND);
    net.is_together().unwrap();
    net.assert_no_alarms();
}

#[test]
fn a_ghost_is_reported_if_members_cannot_exchange_rosters() {
    let (mut net, ids) = call_of(3);
    ghost_of(&mut net, &ids, ids[0]);
    net.drop_types(&[ROSTER, FORWARD]);
    net.run_for(120 * SECOND);
    let differs = |by: u16, with: u16| {
        let with = net.session(with);
        net.peer(by).has(&Event::RosterMismatch { with, sessions: Vec::new() })
    };
    for &other in &ids[1..] {
        assert!(differs(other, ids[0]) && differs(ids[0], other), "{other}");
    }
    assert!(!differs(ids[1], ids[2]), "those who agree with each other do");
}

#[test]
fn a_ghost_shown_to_all_is_seen_by_all() {
    let (mut net, ids) = call_of(3);
    let before = net.peer(ids[1]).group.call_code();
    let ghost = Stranger::of(9);
    net.relay(99, None, &ghost.message);
    net.run_for(SECOND);
    for id in ids {
        assert!(net.peer(id).has_joined(ghost.session));
        assert_ne!(net.peer(id).group.call_code(), before);
    }
}

#[test]
fn a_member_hidden_from_one_is_introduced_by_the_others() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    let carol = bob + 1;
    // The relay delivers no message of Carol to Bob, nor of Bob to Carol.
    net.cut.extend([(bob, carol), (carol, bob)]);
    assert_eq!(net.join(&Join::of(3)), carol);
    net.run_for(30 * SECOND);
    let hidden = net.session(carol);
    assert!(net.peer(bob).has_joined(hidden), "Alice introduced her");
    net.run_for(600 * SECOND);
    assert!(net.peer(bob).has_left(hidden, LeaveReason::Lost));
    let differs = Event::RosterMismatch { with: net.session(alice), sessions: vec![prefix(hidden)] };
    assert!(net.peer(bob).has(&differs), "{:?}", net.peer(bob).alarms());
    net.cut.clear();
    net.until_together(20 * SECOND);
    net.run_for(20 * SECOND);
    assert!(net.peer(bob).has(&Event::RosterAgrees(net.session(alice))));
}

#[test]
fn messages_for_a_member_go_to_its_signed_address() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    net.run_for(15 * SECOND);
    let session = net.session(bob);
    let (address, number) = (bob.to_be_bytes(), net.peer(bob).group.member_id());
    let recorded: Vec<Vec<u8>> = net.recorded.iter().map(|(_, bytes)| bytes.clone()).collect();
    // All messages so far are replayed, and garbage is sent in Bob's name.
    let garbage = net.sign(carol, &Body::Leave);
    let garbage = [&garbage[..6], &session.0, &garbage[22..]].concat();
    for bytes in recorded.iter().chain([&garbage]) {
        let _ = net.hand(alice, bytes);
        let group = &net.peer(alice).group;
        assert_eq!(group.address_of(session), Some(&address[..]));
        assert_eq!(group.session_of(number), Some(session));
    }
    // A session that claims Bob's address receives its own messages there, and Bob's still go to
    // him.
    let liar = Stranger::with(9, |announce| announce.address = address.to_vec());
    net.hand(alice, &liar.message).unwrap();
    assert_eq!(net.peer(alice).group.address_of(session), Some(&address[..]));
    assert_eq!(net.peer(alice).group.sessions_at(&address).count(), 2);
}

#[test]
fn a_member_with_another_roster_is_delivered_no_new_key_under_withhold() {
    let policy = Policy { on_mismatch: OnMismatch::Withhold, ..Policy::default() };
    let (mut net, ids) = call(&[Join { policy, ..Join::of(1) }, Join::of(2)]);
    let [alice, bob] = ids[..] else { panic!() };
    let ghost = ghost_of(&mut net, &ids, bob);
    net.drop_types(&[ROSTER, FORWARD]);
    net.run_for(120 * SECOND);
    assert!(net.peer(alice).has_event(|event| matches!(event, Event::RosterMismatch { .. })));
    net.with(alice, |peer, now| peer.group.rekey(Reason::Suspicion, now));
    net.run_for(5 * SECOND);
    assert!(net.who_opens(alice).is_empty());
    net.leave(ghost);
    net.run_for(15 * SECOND);
    assert_eq!(net.who_opens(alice), [bob]);
}

#[test]
fn a_dropped_update_costs_no_secrecy_and_is_resent() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    net.drops = Box::new(move |from, to, bytes| (from, to, bytes[1]) == (alice, bob, KEY_UPDATE));
    net.crash(carol);
    net.tell_gone(carol);
    net.run_for(4 * SECOND);
    assert_eq!(net.peer(alice).own.0, 1, "used in spite of it");
    assert!(net.who_opens(alice).is_empty());
    net.drop_nothing();
    net.run_for(15 * SECOND);
    assert_eq!(net.who_opens(alice), [bob]);
}

#[test]
fn a_silent_member_is_unresponsive_after_30_s_and_lost_after_100() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    net.run_for(30 * SECOND);
    let (gone, at) = (net.session(bob), net.now);
    net.crash(bob);
    net.run_for(101 * SECOND);
    let peer = net.peer(alice);
    let unresponsive = peer.time_of(&Event::Unresponsive(gone)).unwrap() - at;
    let lost = peer.time_of(&Event::Left { session: gone, why: LeaveReason::Lost }).unwrap() - at;
    assert!(unresponsive > 19 * SECOND && unresponsive <= 31 * SECOND, "{unresponsive:?}");
    assert_eq!(lost - unresponsive, 70 * SECOND);
}

#[test]
fn a_member_whose_leave_is_withheld_is_lost() {
    let (mut net, ids) = call_of(3);
    let gone = net.session(ids[2]);
    net.drop_types(&[LEAVE]);
    net.leave(ids[2]);
    net.run_for(85 * SECOND);
    assert!(net.peer(ids[0]).has(&Event::Unresponsive(gone)), "unresponsive after three intervals");
    let generation = net.peer(ids[0]).own.0;
    net.run_for(20 * SECOND);
    assert!(net.peer(ids[0]).has_left(gone, LeaveReason::Lost));
    assert!(net.peer(ids[0]).own.0 > generation);
}

#[test]
fn a_lost_leave_is_forwarded_by_another_member() {
    let (mut net, ids) = call_of(3);
    let [_, bob, carol] = ids[..] else { panic!() };
    let gone = net.session(carol);
    net.drops = Box::new(move |from, to, bytes| (from, to, bytes[1]) == (carol, bob, LEAVE));
    net.leave(carol);
    net.run_for(30 * SECOND);
    assert!(net.peer(bob).has_left(gone, LeaveReason::Left), "Alice forwarded the leave");
    net.assert_no_alarms();
}

#[test]
fn a_message_for_another_call_or_kem_is_rejected() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    let other = message::group_hash(b"another call");
    let key = crate::common::key_of(2);
    let leave = message::sign(&other, net.session(bob), &Body::Leave, &key);
    assert_eq!(net.hand(alice, &leave), Err(GroupError::OtherGroup));
    // The tag has only four bytes, but the signature covers the whole hash.
    let tagged = [&leave[..2], &group()[..4], &leave[6..]].concat();
    assert_eq!(net.hand(alice, &tagged), Err(GroupError::Unauthentic));
    // No session with another KEM or suite is admitted.
    let suite = Stranger::with(5, |announce| announce.media_suite = 5);
    assert_eq!(net.hand(alice, &suite.message), Err(GroupError::OtherSuite));
    let x_wing = net.join(&Join { kem: Kem::XWing, ..Join::of(6) });
    net.run_for(5 * SECOND);
    assert!(net.peer(alice).errors.contains_key("OtherKem"));
    assert!(!net.peer(alice).sees(net.session(x_wing)));
    assert!(!net.peer(x_wing).sees(net.session(alice)));
}

#[test]
fn a_list_of_versions_must_be_ascending_and_contain_ours() {
    let (mut net, ids) = call_of(2);
    // A session that also supports a version unknown to us is admitted.
    let newer = Stranger::with(5, |announce| announce.versions = vec![1, 2]);
    net.hand(ids[0], &newer.message).unwrap();
    assert!(net.peer(ids[0]).sees(newer.session));
    for versions in [vec![], vec![2], vec![2, 1], vec![1, 1]] {
        let odd = Stranger::with(5, |announce| announce.versions = versions.clone());
        assert!(matches!(net.hand(ids[0], &odd.message), Err(GroupError::Message(_))));
    }
}

#[test]
fn an_update_opens_for_its_recipient_alone() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    let update = net.update(alice, bob, net.next_update(alice), 5);
    assert_eq!(net.hand(carol, &update), Err(GroupError::NotForUs));
    let at = KeyUpdate::SIGNED_LEN + 64;
    let number = net.peer(carol).group.member_id().get().to_be_bytes();
    let mut redirected = update.clone();
    redirected[at..at + 2].copy_from_slice(&number);
    assert_eq!(net.hand(carol, &redirected), Err(GroupError::WrongKey));
    // It does not open under another sender's session either.
    let mut renamed = update.clone();
    renamed[6..22].copy_from_slice(&net.session(carol).0);
    assert_eq!(net.hand(bob, &renamed), Err(GroupError::WrongKey));
    net.hand(bob, &update).unwrap();
    assert!(net.peer(bob).held.contains_key(&(net.peer(alice).group.member_id(), 1)));
    let number = net.peer(alice).group.member_id();
    assert!(!net.peer(carol).held.contains_key(&(number, 1)));
}

#[test]
fn a_member_whose_heartbeats_are_cut_off_is_lost_and_returns() {
    let (mut net, ids) = call_of(4);
    let cut = ids[3];
    net.drops = Box::new(move |from, _, bytes| from == cut && bytes[1] == HEARTBEAT);
    net.run_for(115 * SECOND);
    for &id in &ids[..3] {
        assert!(net.peer(id).has_left(net.session(cut), LeaveReason::Lost));
    }
    net.drop_nothing();
    net.until_together(15 * SECOND);
}
