//! What a server or a member may try, row by row of SECURITY.md's table, and what comes of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use core::{cell::RefCell, time::Duration};
use std::rc::Rc;

use sealframe_group::{
    Departure, Event, GroupError, Head, Identity, IdentityKey, Kem, KemSecret, OnDispute, Output,
    Policy, Power, Reason, Recipient, SessionId,
    message::{self, Ack, Announce, Body, Entry, Heartbeat, KeyRequest, KeyUpdate, Message},
};
use sealframe_testkit::random::Random;

mod common;
use common::{Net, Peer, call, head, insider, stranger, update};

const SECOND: Duration = Duration::from_secs(1);
const ANNOUNCE: u8 = 1;
const KEY_UPDATE: u8 = 2;
const HEARTBEAT: u8 = 5;
const LEAVE: u8 = 6;
const CONTROL: u8 = 7;

/// A member goes, and says so.
fn leave(net: &mut Net, session: SessionId) {
    for output in net.peers.remove(&session).unwrap().group.leave() {
        if let Output::Send { to, message } = output {
            net.carry(session, to, &message);
        }
    }
}

fn heartbeat(seq: u64, nonce_number: u8) -> Heartbeat {
    Heartbeat {
        seq,
        newest: 0,
        update_hash: [0; 32],
        generation: 0,
        step: 0,
        frames: 0,
        roster_hash: [0; 32],
        view_hash: [0; 32],
        control: 0,
        locked: false,
        nonce_number,
        nonce: [nonce_number; 24],
    }
}

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
fn an_update_for_more_than_a_message_holds_goes_out_in_several() {
    const MANY: u16 = 230;
    let now = SECOND;
    let policy = Policy { max_members: 1024, ..Policy::default() };
    let mut alice = Peer::with(1, Kem::XWing, Power::None, policy, now);
    let (_, kem_key) = KemSecret::generate(Kem::XWing, &mut Random::new(1)).unwrap();
    for number in 100..100 + MANY {
        let key = IdentityKey::generate(&mut Random::new(number.into()));
        let mut session = [7; 16];
        session[..2].copy_from_slice(&number.to_be_bytes());
        let head = Head { kem: Kem::XWing, ..head(SessionId(session)) };
        let (_, _, words) = stranger(number);
        let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
        let announce = Announce { identity: key.public(), kem_key: kem_key.clone(), ..announce };
        let words = message::sign(&head, &Body::Announce(announce), &key);
        alice.group.handle_message(&words, now).unwrap();
    }
    alice.run(now);
    let delivery: Vec<_> = alice.sent.iter().filter(|(_, words)| words[1] == KEY_UPDATE).collect();
    assert_eq!(delivery.len(), 2);
    let mut found = 0;
    for (_, words) in delivery {
        assert!(words.len() <= message::MAX_LEN);
        let parsed = Message::parse(words).unwrap();
        let Body::KeyUpdate(update) = &parsed.body else { panic!() };
        assert_eq!(update.count, MANY);
        for entry in Entry::parse_all(parsed.entries, update, Kem::XWing, 32).unwrap() {
            let cut = KeyUpdate::cut_for(words, entry.recipient).unwrap();
            assert_eq!(cut.len(), 238 + Entry::len_of(Kem::XWing, 32));
            found += 1;
        }
    }
    assert_eq!(found, MANY);
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
fn what_is_forged_in_a_members_name_does_not_silence_it() {
    let (mut net, all) = call(2);
    let [alice, bob] = [all[0], all[1]];
    let (forger, ..) = stranger(9);
    let now = net.now;
    for seq in 1000..1200 {
        let words = message::sign(&head(bob), &Body::Heartbeat(heartbeat(seq, 1)), &forger);
        let heard = net.get(alice).group.handle_message(&words, now);
        assert_eq!(heard, Err(GroupError::Unauthentic));
    }
    leave(&mut net, bob);
    net.pass(SECOND);
    let left = Event::Left { session: bob, why: Departure::Left };
    assert!(net.peers[&alice].events.contains(&left));
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
fn a_session_that_left_does_not_come_back_nor_does_its_number() {
    let (mut net, all) = call(2);
    let (key, ghost, words) = stranger(9);
    let now = net.now;
    let alice = net.get(all[0]);
    alice.group.handle_message(&words, now).unwrap();
    alice.run(now);
    let leave = message::sign(&head(ghost), &Body::Leave, &key);
    alice.group.handle_message(&leave, now).unwrap();
    assert_eq!(alice.group.handle_message(&words, now), Err(GroupError::Departed));
    let again = Peer::new(9, now);
    let announce = again.sent_announce(now);
    assert_eq!(alice.group.handle_message(&announce, now), Err(GroupError::Departed));
}

#[test]
fn nobody_takes_a_number_or_a_session_in_use() {
    let (mut net, all) = call(2);
    let now = net.now;
    for number in [1, 2] {
        let (_, _, words) = stranger(number);
        assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::InUse));
    }
    // A member's session under another identity.
    let (key, _, words) = stranger(5);
    let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
    let words = message::sign(&head(all[1]), &Body::Announce(announce), &key);
    assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::InUse));
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
fn our_own_messages_played_back_are_refused() {
    let (mut net, all) = call(2);
    let now = net.now;
    let words = message::sign(&head(all[0]), &Body::Leave, &IdentityKey::from_seed(&[1; 32]));
    assert_eq!(net.get(all[0]).group.handle_message(&words, now), Err(GroupError::Own));
}

#[test]
fn a_member_that_tells_two_people_different_things_is_caught() {
    let (mut net, all, key, liar) = insider();
    let now = net.now;
    let first = message::sign(&head(liar), &Body::KeyUpdate(update(1, 1, [1; 32])), &key);
    let second = message::sign(&head(liar), &Body::KeyUpdate(update(1, 1, [2; 32])), &key);
    net.get(all[0]).group.handle_message(&first, now).unwrap();
    net.get(all[1]).group.handle_message(&second, now).unwrap();
    // One of them is enough if it hears both,
    let both = net.get(all[0]).group.handle_message(&second, now);
    assert_eq!(both, Err(GroupError::Equivocation));
    // and if each hears one, they show each other what they heard.
    net.pass(40 * SECOND);
    for honest in all {
        assert!(net.peers[&honest].events.contains(&Event::Equivocation(liar)), "{honest:?}");
    }
    let caught = |event: &&Event| matches!(event, Event::Equivocation(_));
    let others = net.peers.values().flat_map(|peer| peer.events.iter().filter(caught));
    assert!(others.into_iter().all(|event| *event == Event::Equivocation(liar)));
}

#[test]
fn a_member_that_left_one_out_before_is_still_caught() {
    let (mut net, all, key, liar) = insider();
    let say = |net: &mut Net, to: SessionId, seq: u64, commit: [u8; 32]| {
        let words = message::sign(&head(liar), &Body::KeyUpdate(update(seq, seq, commit)), &key);
        let now = net.now;
        net.get(to).group.handle_message(&words, now).unwrap();
    };
    say(&mut net, all[0], 1, [9; 32]);
    net.pass(15 * SECOND);
    say(&mut net, all[0], 2, [1; 32]);
    say(&mut net, all[1], 2, [2; 32]);
    net.pass(80 * SECOND);
    for honest in &all {
        assert!(net.peers[honest].events.contains(&Event::Equivocation(liar)), "{honest:?}");
    }
}

#[test]
fn a_member_that_says_one_thing_and_sends_another_is_caught() {
    let (mut net, all, key, liar) = insider();
    let now = net.now;
    let told = message::sign(&head(liar), &Body::KeyUpdate(update(1, 1, [1; 32])), &key);
    net.get(all[0]).group.handle_message(&told, now).unwrap();
    let heartbeat = Heartbeat { newest: 1, update_hash: [9; 32], ..heartbeat(1, 3) };
    let said = message::sign(&head(liar), &Body::Heartbeat(heartbeat), &key);
    let heard = net.get(all[0]).group.handle_message(&said, now);
    assert_eq!(heard, Err(GroupError::Equivocation));
}

#[test]
fn an_update_whose_key_is_not_the_one_it_commits_to_is_refused() {
    let (mut net, all, key, liar) = insider();
    let now = net.now;
    let header = Body::KeyUpdate(update(1, 1, [1; 32]));
    let mut message = message::sign(&head(liar), &header, &key);
    // The right entry for another key than the header's.
    let entry = net.entry_for(all[0], &key.public(), liar, &message[..KeyUpdate::HEADER_LEN]);
    message.extend(entry);
    let refused = net.get(all[0]).group.handle_message(&message, now);
    assert_eq!(refused, Err(GroupError::WrongKey));
    net.pass(SECOND);
    assert!(!net.peers[&all[0]].held.contains_key(&(9, 1)));
}

#[test]
fn who_was_not_given_the_power_neither_locks_nor_removes() {
    let (mut net, all, key, session) = insider();
    let now = net.now;
    for action in [message::Action::Lock, message::Action::Remove(all[1])] {
        let control = Body::Control(message::Control { counter: 1, action });
        let words = message::sign(&head(session), &control, &key);
        let refused = net.get(all[0]).group.handle_message(&words, now);
        assert_eq!(refused, Err(GroupError::NotAllowed));
    }
    assert_eq!(net.get(all[1]).group.lock(), Err(GroupError::NotAllowed));
    assert_eq!(net.get(all[1]).group.remove_member(all[0], now), Err(GroupError::NotAllowed));
}

#[test]
fn a_locked_call_takes_nobody_new_and_those_back_who_were_there() {
    let (mut net, all) = call(2);
    // Member 3 has been there.
    let key = || IdentityKey::from_seed(&[3; 32]);
    let peer = |number, now| {
        let rng = Random::new(number);
        Peer::known_as(
            key(),
            u16::try_from(number).unwrap(),
            Kem::X25519,
            Power::None,
            Policy::default(),
            now,
            rng,
        )
    };
    let third = net.add(peer(3, net.now));
    net.pass(2 * SECOND);
    net.peers.remove(&third);
    let now = net.now;
    for session in &all {
        net.get(*session).group.drop_member(third, now).unwrap();
    }
    net.get(all[0]).group.lock().unwrap();
    net.pass(4 * SECOND);
    assert!(net.peers[&all[1]].events.contains(&Event::Locked { by: all[0] }));
    let newcomer = net.join(4);
    net.pass(3 * SECOND);
    for session in &all {
        assert!(!net.peers[session].events.contains(&Event::Joined(newcomer)));
        assert!(net.peers[session].events.iter().any(|event| matches!(event, Event::LockedOut(_))));
    }
    net.peers.remove(&newcomer);
    let back = net.add(peer(5, net.now));
    net.pass(3 * SECOND);
    assert!(net.peers[&all[1]].events.contains(&Event::Joined(back)));
    assert!(net.all_open_all());
    // Nobody can lift it who may not, and who may says so to all.
    assert_eq!(net.get(all[1]).group.unlock(), Err(GroupError::NotAllowed));
    net.get(all[0]).group.unlock().unwrap();
    net.pass(SECOND);
    assert!(net.peers[&all[1]].events.contains(&Event::Unlocked { by: all[0] }));
    net.join(6);
    net.pass(3 * SECOND);
    assert!(net.all_open_all());
}

#[test]
fn who_comes_late_learns_that_the_call_is_locked() {
    let (mut net, all) = call(2);
    net.drops = Box::new(|_, _, bytes| bytes[1] == 7);
    net.get(all[0]).group.lock().unwrap();
    net.pass(SECOND);
    net.drops = Box::new(|_, _, _| false);
    assert!(!net.get(all[1]).group.state(Duration::ZERO).is_locked);
    net.pass(30 * SECOND);
    assert!(net.get(all[1]).group.state(Duration::ZERO).is_locked, "told after a heartbeat");
}

#[test]
fn a_removed_member_is_out_for_all() {
    let (mut net, all) = call(3);
    let now = net.now;
    net.get(all[0]).group.remove_member(all[2], now).unwrap();
    net.pass(4 * SECOND);
    assert!(net.peers[&all[2]].events.contains(&Event::Removed { by: all[0] }));
    let removed = Event::Left { session: all[2], why: Departure::Removed };
    assert!(net.peers[&all[1]].events.contains(&removed));
    assert_eq!(net.who_opens(all[0], 1), [all[1]]);
    assert_eq!(net.who_opens(all[1], 2), [all[0]]);
    // Who is out has nothing to do any more, and is told to wait.
    net.pass(15 * SECOND);
}

#[test]
fn a_removal_is_handed_on_though_its_moderator_has_left() {
    let (mut net, all) = call(4);
    let [moderator, bob, _, troll] = [all[0], all[1], all[2], all[3]];
    net.drops = Box::new(move |from, to, bytes| from == moderator && to == bob && bytes[1] == CONTROL);
    let now = net.now;
    net.get(moderator).group.remove_member(troll, now).unwrap();
    net.pass(SECOND);
    leave(&mut net, moderator);
    net.pass(40 * SECOND);
    let removed = Event::Left { session: troll, why: Departure::Removed };
    assert!(net.peers[&bob].events.contains(&removed));
}

#[test]
fn a_call_stays_locked_when_who_locked_it_has_left() {
    let (mut net, all) = call(2);
    let other = Peer::with(11, Kem::X25519, Power::Moderator, Policy::default(), net.now);
    net.add(other);
    net.pass(3 * SECOND);
    let [moderator, bob] = [all[0], all[1]];
    net.drops = Box::new(move |from, _, bytes| from == moderator && bytes[1] == CONTROL);
    let words = {
        net.get(moderator).group.lock().unwrap();
        let now = net.now;
        net.get(moderator).run(now);
        net.get(moderator).sent.remove(0).1
    };
    let others: Vec<SessionId> =
        net.peers.keys().copied().filter(|of| ![moderator, bob].contains(of)).collect();
    let now = net.now;
    net.get(others[0]).group.handle_message(&words, now).unwrap();
    leave(&mut net, moderator);
    net.pass(5 * SECOND);
    assert!(net.get(bob).group.state(Duration::ZERO).is_locked, "by the word of the other who may");
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

#[test]
fn false_acks_make_nobody_wait_less() {
    let (mut net, all) = call(3);
    let now = net.now;
    net.drops = Box::new(|_, _, bytes| bytes[1] == KEY_UPDATE);
    net.get(all[0]).group.rekey(Reason::Timer, now);
    net.settle();
    for seq in 0..10 {
        let ack = Body::Ack(Ack { target: all[0], seq, mac: [0; 16] });
        let ack = message::encode(&head(all[1]), &ack);
        assert_eq!(net.get(all[0]).group.handle_message(&ack, now), Err(GroupError::Stale));
    }
    net.settle();
    assert_eq!(net.peers[&all[0]].own.0, 0, "not used yet");
    net.pass(2 * SECOND);
    assert_eq!(net.peers[&all[0]].own.0, 1);
}

#[test]
fn a_member_that_floods_is_not_listened_to_for_a_while() {
    let (mut net, all, key, flood) = insider();
    let now = net.now;
    let mut refused = 0;
    for seq in 1..1000 {
        let words = message::sign(&head(flood), &Body::KeyUpdate(update(seq, 1, [1; 32])), &key);
        refused +=
            u32::from(net.get(all[0]).group.handle_message(&words, now) == Err(GroupError::Busy));
    }
    assert!(refused > 850, "{refused}");
    // The others are heard, and after a while it is too.
    net.pass(3 * SECOND);
    let now = net.now;
    net.get(all[1]).group.rekey(Reason::Timer, now);
    net.pass(3 * SECOND);
    assert_eq!(net.who_opens(all[1], 2), [all[0]]);
    let leave = message::sign(&head(flood), &Body::Leave, &key);
    let now = net.now;
    assert_eq!(net.get(all[0]).group.handle_message(&leave, now), Ok(()));
}

#[test]
fn strangers_cost_bounded_work_and_memory() {
    let (mut net, all) = call(2);
    let now = net.now;
    let mut refused = 0;
    for number in 100..1000_u16 {
        let mut rng = Random::new(number.into());
        let key = IdentityKey::generate(&mut rng);
        let (_, _, words) = stranger(number);
        let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
        let announce = Announce { identity: key.public(), ..announce };
        let mut session = [0; 16];
        session[..2].copy_from_slice(&number.to_be_bytes());
        let words = message::sign(&head(SessionId(session)), &Body::Announce(announce), &key);
        let alice = net.get(all[0]);
        refused += u32::from(alice.group.handle_message(&words, now).is_err());
    }
    assert_eq!(net.get(all[0]).group.state(now).applicants.len(), 128);
    assert_eq!(refused, 900 - 128);
}

#[test]
fn a_second_leave_meanwhile_keeps_the_first_deadline() {
    let (mut net, all) = call(5);
    // Nobody's acks come through: keys are used at their deadlines.
    net.drops = Box::new(|_, _, bytes| bytes[1] == 4);
    let start = net.now;
    for late in 0..3 {
        let now = net.now;
        net.get(all[0]).group.drop_member(all[4 - late], now).unwrap();
        net.pass(Duration::from_millis(1400));
    }
    // 4.2 s have passed: the first two are answered.
    assert!(net.now < start + 5 * SECOND);
    let (generation, ..) = net.peers[&all[0]].own;
    assert!(generation >= 2, "a generation without the second is in use, {generation}");
    net.pass(2 * SECOND);
    assert!(net.peers[&all[0]].own.0 > generation || generation >= 3);
}

#[test]
fn a_changed_identity_of_a_known_person_is_flagged() {
    let (mut net, all) = call(2);
    let now = net.now;
    let rng = Random::new(77);
    // The same credential, and so the same user, under another identity.
    let mut peer = Peer::known_as(
        IdentityKey::from_seed(&[9; 32]),
        3,
        Kem::X25519,
        Power::None,
        Policy::default(),
        now,
        rng,
    );
    peer.admits = true;
    let session = net.add(peer);
    net.pass(2 * SECOND);
    let user = net.peers[&all[0]].user_of(session);
    net.peers.remove(&session);
    let now = net.now;
    net.get(all[0]).group.drop_member(session, now).unwrap();
    let other = Peer::claiming(&user, 4, now);
    let other = net.add(other);
    net.pass(2 * SECOND);
    let flagged =
        |event: &Event| matches!(event, Event::IdentityChanged { session, .. } if *session == other);
    assert!(net.peers[&all[0]].events.iter().any(flagged));
    let state = net.peers[&all[0]].group.member_states(net.now);
    let state = state.iter().find(|member| member.session == other).unwrap();
    assert!(state.standing.is_changed());
    assert_ne!(state.identity, Identity([0; 32]));
}
