//! What was said before, played again.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use sealframe_group::{
    Departure, Event, GroupError, IdentityKey, Kem, Reason, SessionId,
    message::{self, Body, Entry, KeyRequest, Message},
};

use crate::{
    ANNOUNCE, HEARTBEAT, KEY_UPDATE, SECOND,
    common::{Net, call, head, insider, stranger},
    heartbeat,
};

#[test]
fn who_has_crashed_is_lost_though_its_messages_are_played_again() {
    let heard: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let ears = Rc::clone(&heard);
    let mut net = Net::new();
    net.drops = Box::new(move |from, _, bytes| {
        ears.borrow_mut().push([&from.0, bytes].concat());
        false
    });
    let all: Vec<SessionId> = (1..=3).map(|number| net.join(number)).collect();
    net.pass(12 * SECOND);
    let (alice, gone) = (all[0], all[2]);
    net.peers.remove(&gone);
    let words: Vec<Vec<u8>> = heard
        .borrow()
        .iter()
        .filter_map(|said| said.strip_prefix(&gone.0))
        .map(<[u8]>::to_vec)
        .collect();
    assert!(words.iter().any(|words| words[1] == KEY_UPDATE));
    for _ in 0..6 {
        for words in &words {
            let now = net.now;
            let _ = net.get(alice).group.handle_message(words, now);
        }
        net.pass(20 * SECOND);
    }
    assert!(net.peers[&alice].events.contains(&Event::Left { session: gone, why: Departure::Lost }));
}

#[test]
fn who_is_only_a_recording_is_lost_soon_after_it_came_in() {
    let heard: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let ears = Rc::clone(&heard);
    let (mut net, all) = call(2);
    let (alice, dead) = (all[0], all[1]);
    net.drops = Box::new(move |from, _, bytes| {
        if from == dead && bytes[1] == HEARTBEAT {
            ears.borrow_mut().push(bytes.to_vec());
        }
        false
    });
    net.pass(200 * SECOND);
    let announce = net.get(dead).group.announce().to_vec();
    net.peers.remove(&dead);
    let now = net.now;
    net.get(alice).group.drop_member(dead, now).unwrap();
    let dave = net.join(4);
    net.pass(SECOND);
    let now = net.now;
    net.get(dave).group.handle_message(&announce, now).unwrap();
    for words in heard.borrow().iter().take(13) {
        net.pass(8 * SECOND);
        let now = net.now;
        let _ = net.get(dave).group.handle_message(words, now);
    }
    assert!(net.peers[&dave].events.contains(&Event::Left { session: dead, why: Departure::Lost }));
}

#[test]
fn an_old_word_about_the_roster_settles_no_dispute() {
    let (mut net, all) = call(2);
    let [alice, bob] = [all[0], all[1]];
    let delivery: Rc<RefCell<Vec<u8>>> = Rc::default();
    let kept = Rc::clone(&delivery);
    net.drops = Box::new(move |from, to, bytes| {
        if from == bob && to != alice && bytes[1] == KEY_UPDATE {
            *kept.borrow_mut() = bytes.to_vec();
        }
        false
    });
    net.join(3);
    net.pass(12 * SECOND);
    let delivery = delivery.borrow().clone();
    let now = net.now;
    net.get(alice).group.handle_message(&delivery, now).unwrap();
    // Bob is shown a ghost, and does not get through to Alice with it.
    net.drops = Box::new(move |from, to, bytes| (from, to, bytes[1]) == (bob, alice, ANNOUNCE));
    let (_, _, words) = stranger(9);
    net.get(bob).group.handle_message(&words, now).unwrap();
    for _ in 0..25 {
        net.pass(SECOND);
        let now = net.now;
        let _ = net.get(alice).group.handle_message(&delivery, now);
    }
    assert!(net.peers[&alice].events.contains(&Event::RosterMismatch(bob)));
}

#[test]
fn a_request_that_is_played_again_sets_no_nonce_back() {
    let (mut net, all, key, session) = insider();
    let alice = all[0];
    let now = net.now;
    let request = KeyRequest { target: alice, seq: 0, nonce_number: 70, nonce: [70; 24] };
    let request = message::sign(&head(session), &Body::KeyRequest(request), &key);
    for (seq, nonce_number) in [(1, 100), (2, 200)] {
        let words = message::sign(&head(session), &Body::Heartbeat(heartbeat(seq, nonce_number)), &key);
        net.get(alice).group.handle_message(&words, now).unwrap();
    }
    net.get(alice).group.handle_message(&request, now).unwrap();
    let peer = net.get(alice);
    peer.group.rekey(Reason::Timer, now);
    peer.run(now);
    let words = peer.sent.iter().map(|(_, words)| words).rfind(|words| words[1] == KEY_UPDATE).unwrap();
    let parsed = Message::parse(words).unwrap();
    let Body::KeyUpdate(update) = &parsed.body else { panic!() };
    let mut entries = Entry::parse_all(parsed.entries, update, Kem::X25519, 32).unwrap();
    assert_eq!(entries.find(|entry| entry.recipient == session).unwrap().nonce_number, 200);
}

#[test]
fn what_is_played_again_changes_nothing() {
    let heard: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let ears = Rc::clone(&heard);
    let mut net = Net::new();
    net.drops = Box::new(move |_, _, bytes| {
        ears.borrow_mut().push(bytes.to_vec());
        false
    });
    let all: Vec<SessionId> = (1..=3).map(|number| net.join(number)).collect();
    net.pass(3 * SECOND);
    let gone = all[2];
    let now = net.now;
    for stays in &all[..2] {
        net.get(*stays).group.drop_member(gone, now).unwrap();
    }
    net.peers.remove(&gone);
    net.pass(5 * SECOND);
    let held: Vec<_> = all[..2].iter().map(|session| net.peers[session].held.clone()).collect();
    let events: Vec<_> = all[..2].iter().map(|session| net.peers[session].events.len()).collect();
    let words = heard.borrow().clone();
    for message in &words {
        for stays in &all[..2] {
            let now = net.now;
            let _ = net.get(*stays).group.handle_message(message, now);
        }
        net.now += Duration::from_millis(50);
    }
    net.pass(Duration::from_millis(1));
    for (place, session) in all[..2].iter().enumerate() {
        assert_eq!(net.peers[session].held, held[place], "no key came back");
        assert_eq!(net.peers[session].events.len(), events[place]);
    }
    assert!(net.all_open_all());
}

#[test]
fn our_own_messages_played_back_are_refused() {
    let (mut net, all) = call(2);
    let now = net.now;
    let words = message::sign(&head(all[0]), &Body::Leave, &IdentityKey::from_seed(&[1; 32]).unwrap());
    assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::Own));
}
