//! What members and strangers may try.

use core::time::Duration;

use sealframe_group::{
    Departure, Event, GroupError, Head, Identity, IdentityKey, Kem, KemSecret, Policy, Power, Reason,
    Recipient, SessionId,
    message::{self, Ack, Announce, Body, Entry, Evidence, Heartbeat, KeyUpdate, Message},
};
use sealframe_testkit::random::Random;

use crate::{
    KEY_UPDATE, SECOND,
    common::{Net, Peer, call, head, insider, stranger, update},
    heartbeat, leave,
};

#[test]
fn an_update_for_more_than_a_message_holds_goes_out_in_several() {
    const MANY: u16 = 230;
    let now = SECOND;
    let policy = Policy { max_members: 1024, ..Policy::default() };
    let mut alice = Peer::with(1, Kem::XWing, Power::None, policy, now);
    let (_, kem_key) = KemSecret::generate(Kem::XWing, &mut Random::new(1)).unwrap();
    for number in 100..100 + MANY {
        let key = IdentityKey::generate(&mut Random::new(number.into())).unwrap();
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
fn forgeries_that_come_unevenly_do_not_silence_whom_they_name() {
    let (mut net, all) = call(2);
    let [alice, bob] = [all[0], all[1]];
    let (forger, ..) = stranger(9);
    let words = message::sign(&head(bob), &Body::Heartbeat(heartbeat(1000, 1)), &forger);
    // For 12 s two or one every 9 ms: 194 a second.
    for gap in 0..1333 {
        net.now += Duration::from_millis(9);
        for _ in 0..if gap % 4 == 0 { 1 } else { 2 } {
            let now = net.now;
            let heard = net.get(alice).group.handle_message(&words, now);
            assert_eq!(heard, Err(GroupError::Unauthentic), "after {now:?}");
        }
    }
    leave(&mut net, bob);
    net.pass(SECOND);
    let left = Event::Left { session: bob, why: Departure::Left };
    assert!(net.peers[&alice].events.contains(&left));
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
    assert_eq!(refused, 999 - 100, "a burst of 100");
    // 20 a second, however unevenly they are tried.
    let heard = (0..200).filter(|&at| {
        let words = message::sign(&head(flood), &Body::KeyUpdate(update(1000 + at, 1, [1; 32])), &key);
        let now = now + Duration::from_millis(30 * (at + 1));
        net.get(all[0]).group.handle_message(&words, now) != Err(GroupError::Busy)
    });
    assert_eq!(heard.count(), 120, "in 6 s");
    net.now += 6 * SECOND;
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
fn signatures_in_evidence_cost_whoever_shows_them() {
    let (mut net, all, key, session) = insider();
    // Another of whom the test has the identity, and what it has signed.
    let words = strangers(10..11).next().unwrap();
    let other = Message::parse(&words).unwrap().head.session;
    let others = IdentityKey::generate(&mut Random::new(10)).unwrap();
    net.carry(other, Recipient::All, &words);
    net.pass(SECOND);
    let updates = (1..=90).map(|seq| {
        let words = message::sign(&head(other), &Body::KeyUpdate(update(seq, seq, [1; 32])), &others);
        words.try_into().unwrap()
    });
    let evidence = Body::Evidence(Evidence { updates: updates.collect() });
    let evidence = message::sign(&head(session), &evidence, &key);
    let now = net.now;
    let alice = net.get(all[0]);
    alice.group.handle_message(&evidence, now).unwrap();
    // 91 of 100 are spent: the message itself is one.
    for seq in 1..=12 {
        let words = message::sign(&head(session), &Body::Heartbeat(heartbeat(seq, 1)), &key);
        let heard = alice.group.handle_message(&words, now);
        assert_eq!(heard == Err(GroupError::Busy), seq > 9, "{seq}: {heard:?}");
    }
}

/// Announces of so many strangers, each of an identity, a session and a number of its own.
fn strangers(numbers: core::ops::Range<u16>) -> impl Iterator<Item = Vec<u8>> {
    let (_, _, words) = stranger(9);
    let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
    numbers.map(move |sender| {
        let key = IdentityKey::generate(&mut Random::new(sender.into())).unwrap();
        let announce = Announce { sender, identity: key.public(), ..announce.clone() };
        let mut session = [0; 16];
        session[..2].copy_from_slice(&sender.to_be_bytes());
        message::sign(&head(SessionId(session)), &Body::Announce(announce), &key)
    })
}

#[test]
fn of_strangers_64_a_second_are_looked_at_after_512() {
    let policy = Policy { max_members: 1024, ..Policy::default() };
    let mut alice = Peer::with(1, Kem::X25519, Power::None, policy, SECOND);
    let mut looked_at = |numbers, now| {
        let heard = strangers(numbers).map(|words| alice.group.handle_message(&words, now));
        let heard: Vec<_> = heard.collect();
        assert!(heard.iter().all(|heard| matches!(heard, Ok(()) | Err(GroupError::Busy))));
        heard.iter().filter(|heard| heard.is_ok()).count()
    };
    assert_eq!(looked_at(100..700, SECOND), 512);
    assert_eq!(looked_at(700..800, 2 * SECOND), 64);
    assert_eq!(looked_at(800..900, 3 * SECOND), 64);
}

#[test]
fn nobody_is_let_in_beyond_128() {
    let mut alice = Peer::new(1, SECOND);
    for words in strangers(100..227) {
        alice.group.handle_message(&words, SECOND).unwrap();
    }
    alice.run(SECOND);
    assert_eq!(alice.group.member_states(SECOND).len(), 127);
    let more = strangers(227..228).next().unwrap();
    assert_eq!(alice.group.handle_message(&more, SECOND), Err(GroupError::Full));
}

#[test]
fn strangers_cost_bounded_work_and_memory() {
    let (mut net, all) = call(2);
    let now = net.now;
    let mut refused = 0;
    for words in strangers(100..1000) {
        refused += u32::from(net.get(all[0]).group.handle_message(&words, now).is_err());
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
        IdentityKey::from_seed(&[9; 32]).unwrap(),
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
