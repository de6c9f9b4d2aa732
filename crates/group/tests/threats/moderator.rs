//! Locks and removals.

use core::time::Duration;

use sealframe_group::{
    Departure, Event, GroupError, IdentityKey, Kem, Policy, Power, SessionId,
    message::{self, Body},
};
use sealframe_testkit::random::Random;

use crate::{
    CONTROL, SECOND,
    common::{Peer, call, head, insider},
    leave,
};

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
    let key = || IdentityKey::from_seed(&[3; 32]).unwrap();
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
