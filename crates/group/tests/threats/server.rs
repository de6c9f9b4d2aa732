//! What a server may show, hide, drop and change.

use core::cell::RefCell;
use std::rc::Rc;

use sealframe_group::{
    Departure, Event, GroupError, Head, Kem, OnDispute, Policy, Power, Reason, Recipient, SessionId,
    message::{self, Announce, Body, Message},
};
use sealframe_testkit::random::Random;

use crate::{
    ANNOUNCE, CONTROL, KEY_UPDATE, LEAVE, SECOND,
    common::{Net, Peer, call, head, stranger},
    leave,
};

#[test]
fn a_ghost_that_one_member_is_shown_is_noticed() {
    let (mut net, all) = call(3);
    let (_, ghost, words) = stranger(9);
    let now = net.now;
    net.get(all[0]).group.handle_message(&words, now).unwrap();
    net.pass(SECOND);
    let code = |net: &Net, of: usize| net.peers[&all[of]].group.call_code();
    assert_ne!(code(&net, 1), code(&net, 0));
    net.pass(20 * SECOND);
    let sees = |net: &Net, of: SessionId, event: &Event| net.peers[&of].events.contains(event);
    assert!(sees(&net, all[0], &Event::Joined(ghost)), "its credential was accepted");
    // Those who agree with each other do not agree with who was shown the ghost, and it not with them.
    assert!(sees(&net, all[1], &Event::RosterMismatch(all[0])));
    assert!(sees(&net, all[0], &Event::RosterMismatch(all[1])));
    assert!(!sees(&net, all[1], &Event::RosterMismatch(all[2])));
    // They show it to each other: from then on all see it.
    assert_eq!(code(&net, 1), code(&net, 0));
}

#[test]
fn a_ghost_that_is_shown_to_all_is_seen_by_all() {
    let (mut net, all) = call(3);
    let before = net.get(all[1]).group.call_code();
    let (_, ghost, words) = stranger(9);
    net.carry(ghost, Recipient::All, &words);
    net.pass(SECOND);
    for session in all {
        assert!(net.peers[&session].events.contains(&Event::Joined(ghost)));
        assert_ne!(net.peers[&session].group.call_code(), before);
    }
}

#[test]
fn who_is_withheld_from_one_is_introduced_by_the_others() {
    let mut net = Net::new();
    let [alice, bob] = [1, 2].map(|number| net.join(number));
    net.pass(3 * SECOND);
    let carol = net.join(3);
    // The server hands nothing of Carol's to Bob, nor of Bob's to Carol.
    net.drops =
        Box::new(move |from, to, _| (from == carol && to == bob) || (from == bob && to == carol));
    net.pass(30 * SECOND);
    assert!(net.peers[&bob].events.contains(&Event::Joined(carol)), "by Alice's word");
    assert!(net.peers[&bob].events.contains(&Event::RosterMismatch(alice)));
    net.drops = Box::new(|_, _, _| false);
    net.pass(30 * SECOND);
    assert!(net.all_open_all());
    assert!(net.peers[&bob].events.contains(&Event::RosterAgrees(alice)));
}

#[test]
fn an_announce_with_the_number_of_another_connection_is_a_members_to_hand_on() {
    let (mut net, all) = call(2);
    let now = net.now;
    let (_, session, words) = stranger(9);
    let alice = &mut net.get(all[0]).group;
    for forger in [8, 666] {
        let refused = alice.handle_message_from(&words, forger, now);
        assert_eq!(refused, Err(GroupError::NotAllowed));
        assert_eq!(alice.sender_of(session), None);
    }
    // The number is still its owner's to announce.
    alice.handle_message_from(&words, 9, now).unwrap();
    assert_eq!(alice.sender_of(session), Some(9));

    let (mut net, all) = call(2);
    let now = net.now;
    let alice = &mut net.get(all[0]).group;
    alice.handle_message_from(&words, 2, now).unwrap();
    assert_eq!(alice.sender_of(session), Some(9), "Bob is a member");
}

#[test]
fn nothing_that_is_played_again_changes_where_a_member_is() {
    let (mut net, all) = call(3);
    let [alice, bob] = [all[0], all[1]];
    // All that Bob says for a while, of each kind, once more by somebody who is nobody, and by Carol.
    let heard = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&heard);
    net.drops = Box::new(move |from, to, bytes| {
        if (from, to) == (bob, alice) {
            kept.borrow_mut().push(bytes.to_vec());
        }
        false
    });
    let now = net.now;
    net.get(bob).group.rekey(Reason::Suspicion, now);
    net.get(bob).group.start_check(alice, now, &mut Random::new(1)).unwrap();
    net.pass(15 * SECOND);
    heard.borrow_mut().push(net.get(bob).group.announce().to_vec());
    let now = net.now;
    let group = &mut net.get(alice).group;
    let mut accepted = 0;
    for words in &*heard.borrow() {
        for from in [666, 3] {
            accepted += usize::from(group.handle_message_from(words, from, now).is_ok());
            assert_eq!(group.sender_of(bob), Some(2));
        }
    }
    assert!(accepted > 0, "some are taken as often as they come");
}

#[test]
fn a_member_that_sees_another_call_is_told_no_new_key_if_so_wished() {
    let policy = Policy { on_dispute: OnDispute::Withhold, ..Policy::default() };
    let mut net = Net::new();
    let alice = net.add(Peer::with(1, Kem::X25519, Power::None, policy, net.now));
    let bob = net.join(2);
    net.pass(3 * SECOND);
    let (_, ghost, words) = stranger(9);
    let now = net.now;
    net.get(bob).group.handle_message(&words, now).unwrap();
    // Bob's introductions do not get through either.
    net.drops = Box::new(move |from, to, bytes| (from, to, bytes[1]) == (bob, alice, ANNOUNCE));
    net.pass(20 * SECOND);
    assert!(net.peers[&alice].events.contains(&Event::RosterMismatch(bob)));
    let now = net.now;
    net.get(alice).group.rekey(Reason::Suspicion, now);
    net.pass(5 * SECOND);
    assert_eq!(net.who_opens(alice, 1), []);
    let now = net.now;
    net.get(bob).group.drop_member(ghost, now).unwrap();
    net.pass(20 * SECOND);
    assert_eq!(net.who_opens(alice, 1), [bob]);
}

#[test]
fn a_dropped_rekey_costs_no_secrecy_and_comes_again() {
    let (mut net, all) = call(3);
    let (alice, bob, carol) = (all[0], all[1], all[2]);
    net.drops = Box::new(move |from, to, bytes| from == alice && to == bob && bytes[1] == KEY_UPDATE);
    let now = net.now;
    net.get(alice).group.drop_member(carol, now).unwrap();
    net.peers.remove(&carol);
    net.pass(4 * SECOND);
    assert_eq!(net.peers[&alice].own.0, 1, "used all the same");
    assert_eq!(net.who_opens(alice, 1), []);
    net.drops = Box::new(|_, _, _| false);
    net.pass(20 * SECOND);
    assert_eq!(net.who_opens(alice, 1), [bob], "asked for after a heartbeat");
}

#[test]
fn a_withheld_leave_ends_with_the_heartbeats() {
    let (mut net, all) = call(3);
    let gone = all[2];
    net.peers.remove(&gone);
    net.pass(95 * SECOND);
    assert!(net.peers[&all[0]].events.contains(&Event::Silent(gone)), "said after three");
    let own = net.peers[&all[0]].own.0;
    net.pass(12 * SECOND);
    let lost = Event::Left { session: gone, why: Departure::Lost };
    assert!(net.peers[&all[0]].events.contains(&lost));
    assert!(net.peers[&all[0]].own.0 > own);
}

#[test]
fn a_message_for_another_call_or_kem_is_refused() {
    let (mut net, all) = call(2);
    let now = net.now;
    let (key, session, words) = stranger(5);
    let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
    let other = Head { group: message::group_hash(b"another call"), ..head(session) };
    let words = message::sign(&other, &Body::Announce(announce.clone()), &key);
    assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::OtherGroup));
    // Nobody is taken down to X25519, or up.
    let xwing = Peer::with(6, Kem::XWing, Power::None, Policy::default(), now).sent_announce(now);
    assert_eq!(net.get(all[0]).group.handle_message(&xwing, now), Err(GroupError::OtherKem));
    let announce = Announce { media_suite: 5, ..announce };
    let words = message::sign(&head(session), &Body::Announce(announce), &key);
    assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::OtherSuite));
}

#[test]
fn a_lost_leave_is_handed_on_by_others() {
    let (mut net, all) = call(3);
    let [alice, bob, carol] = [all[0], all[1], all[2]];
    // Nor does he hear that the call was locked, of which he is told before.
    let end = net.now + SECOND;
    net.drops = Box::new(move |from, to, bytes| {
        to == bob && (from == carol && bytes[1] == LEAVE || from == alice && bytes[1] == CONTROL)
    });
    net.get(alice).group.lock().unwrap();
    leave(&mut net, carol);
    net.pass(SECOND);
    assert_eq!(net.now, end);
    net.drops = Box::new(|_, _, _| false);
    net.pass(24 * SECOND);
    let gone = Event::Left { session: carol, why: Departure::Left };
    assert!(net.peers[&alice].events.contains(&gone));
    assert!(net.peers[&bob].events.contains(&gone), "by Alice's heartbeat and what she kept");
}
