//! Calls under realistic conditions: pauses, reloads, locks, removals, slow applications.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test; parts of it are shared"
)]

#[path = "../common/net.rs"]
mod net;
mod random;

use net::{Join, MILLI, Net, SECOND};
use sealframe_group::Event;

/// A call of these people in which all are members.
fn call(people: &[Join]) -> (Net, Vec<u16>) {
    let mut net = Net::new(1);
    let addresses = people
        .iter()
        .map(|join| {
            let address = net.join(join);
            net.run_for(500 * MILLI);
            address
        })
        .collect();
    net.run_for(2 * SECOND);
    net.is_together().unwrap();
    (net, addresses)
}

/// A member to which another refuses to let it in holds it to be away, and nobody is accused.
#[test]
fn a_session_refused_by_one_member_is_a_member_at_the_others() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2), Join::of(3)]);
    let alice = net.session(ids[0]);
    net.peers.get_mut(&ids[0]).unwrap().refuses = [4].into();
    let dave = net.join(&Join::of(4));
    net.run_for(SECOND);
    assert!(!net.peer(dave).sees(alice) && !net.peer(ids[0]).sees(net.session(dave)));
    assert!(!net.peer(ids[0]).opens(net.peer(dave)) && !net.peer(dave).opens(net.peer(ids[0])));
    net.run_for(300 * SECOND);
    assert!(net.peer(ids[1]).opens(net.peer(dave)) && net.peer(dave).opens(net.peer(ids[1])));
    assert!(!net.peer(dave).sees(alice));
    no_alarms(&net);
    net.peers.get_mut(&ids[0]).unwrap().refuses.clear();
    net.until_together(70 * SECOND);
    net.run_for(60 * SECOND);
    net.is_together().unwrap();
    no_alarms(&net);
}

#[test]
fn sessions_excluded_by_a_lock_form_a_call_until_the_unlock() {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(2), Join::of(3)]);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    let outside = [net.join(&Join::of(4)), net.join(&Join::of(5))];
    net.run_for(300 * SECOND);
    let sessions = outside.map(|id| net.session(id));
    for (us, them) in [(0, 1), (1, 0)] {
        let peer = net.peer(outside[us]);
        assert!(peer.sees(sessions[them]) && ids.iter().all(|&id| !peer.sees(net.session(id))));
    }
    no_alarms(&net);
    net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
    net.until_together(15 * SECOND);
    net.run_for(60 * SECOND);
    no_alarms(&net);
}

fn no_alarms(net: &Net) {
    for peer in net.peers.values() {
        assert!(peer.alarms().is_empty(), "{}: {:?}", peer.address, peer.alarms());
    }
}

/// The second newcomer waits for the coalesced delivery, and a leave begins a generation before it.
#[test]
fn a_newcomer_is_introduced_before_a_generation_that_overtakes_its_delivery() {
    let (mut net, ids) = call(&[1, 2, 3, 4].map(Join::of));
    net.join(&Join::of(8));
    net.run_for(10 * MILLI);
    net.join(&Join::of(9));
    net.run_for(5 * MILLI);
    net.leave(ids[3]);
    net.run_for(500 * MILLI);
    net.is_together().unwrap();
    for id in &ids[..3] {
        // The newcomer has acknowledged it; otherwise they would still wait.
        assert_eq!(net.peer(*id).own.0, 1, "{id} seals with the next generation");
    }
}

#[test]
fn two_members_open_each_other_at_once() {
    let mut net = Net::new(1);
    net.join(&Join::of(1));
    net.run_for(SECOND);
    net.join(&Join::of(2));
    let took = net.until_together(SECOND);
    assert!(took <= 100 * MILLI, "{took:?}");
    net.run_for(600 * SECOND);
    net.is_together().unwrap();
    no_alarms(&net);
}

#[test]
fn newcomers_open_at_once_in_calls_of_any_age() {
    for minutes in [1, 11, 13, 40, 600] {
        let (mut net, _) = call(&[Join::of(1), Join::of(2)]);
        net.run_for(minutes * 60 * SECOND);
        net.join(&Join::of(3));
        let took = net.until_together(SECOND);
        assert!(took <= 200 * MILLI, "{minutes} min: {took:?}");
        no_alarms(&net);
    }
}

#[test]
fn slow_applications_raise_no_alarm() {
    for seed in 0..20 {
        let mut net = Net::new(seed);
        for person in 1..=6 {
            let address = net.join(&Join::of(person));
            net.peers.get_mut(&address).unwrap().judges_within = 3 * SECOND;
            net.run_for(700 * MILLI);
        }
        net.leave(3);
        net.run_for(SECOND);
        net.crash(5);
        net.run_for(100 * MILLI);
        net.tell_gone(5);
        net.until_together(20 * SECOND);
        net.run_for(60 * SECOND);
        net.is_together().unwrap();
        no_alarms(&net);
    }
}

#[test]
fn a_member_that_slept_for_minutes_returns_when_it_wakes() {
    for minutes in [1, 2, 5, 30] {
        let (mut net, ids) = call(&[Join::of(1), Join::of(2), Join::of(3)]);
        let end = net.now + minutes * 60 * SECOND;
        net.peers.get_mut(&ids[2]).unwrap().asleep_until = end;
        net.run_until(end);
        let took = net.until_together(10 * SECOND);
        assert!(took <= 3 * SECOND, "{minutes}: {took:?}");
        no_alarms(&net);
    }
}

#[test]
fn a_partition_of_an_hour_heals() {
    for minutes in [1, 2, 59] {
        let (mut net, ids) = call(&[Join::of(1), Join::of(2), Join::of(3), Join::of(4)]);
        net.sides = [(ids[0], 0), (ids[1], 0), (ids[2], 1), (ids[3], 1)].into();
        net.run_for(minutes * 60 * SECOND);
        net.sides.clear();
        let took = net.until_together(15 * SECOND);
        assert!(took <= 11 * SECOND, "{minutes}: {took:?}");
    }
}

#[test]
fn a_member_dropped_by_mistake_returns() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2), Join::of(3)]);
    net.tell_gone(ids[1]);
    assert!(!net.peer(ids[0]).sees(net.session(ids[1])));
    net.with(ids[1], |peer, now| peer.group.reconnected(now));
    let took = net.until_together(10 * SECOND);
    assert!(took <= SECOND, "{took:?}");
    let session = net.session(ids[1]);
    assert!(net.peer(ids[0]).has_event(|event| *event == Event::Returned(session)));
    no_alarms(&net);
}

#[test]
fn a_reloaded_page_replaces_its_old_session() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2), Join::of(3)]);
    let old = net.session(ids[1]);
    net.crash(ids[1]);
    let again = Join { started_at: 1, ..Join::of(2) };
    net.join(&again);
    let took = net.until_together(10 * SECOND);
    assert!(took <= SECOND, "{took:?}");
    net.run_for(SECOND);
    assert!(!net.peer(ids[0]).sees(old));
    no_alarms(&net);
    // A second window opens, and the first one is told.
    let window = net.join(&Join { started_at: 2, ..Join::of(1) });
    net.run_for(SECOND);
    assert!(!net.peers.contains_key(&ids[0]), "the first window has ended");
    net.until_together(SECOND);
    assert!(net.peers.contains_key(&window));
    no_alarms(&net);
}

/// Two windows of one person: the older one comes within reach while the newer one sleeps.
#[test]
fn a_newer_session_that_slept_replaces_the_older_one_again() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2)]);
    let old = ids[1] + 1;
    net.sides.insert(old, 1);
    net.join(&Join::of(3));
    let new = net.join(&Join { started_at: 9, ..Join::of(3) });
    net.run_for(SECOND);
    net.is_together().unwrap_err();
    let session = net.session(new);
    assert!(net.peer(ids[0]).sees(session));
    net.peers.get_mut(&new).unwrap().asleep_until = net.now + 60 * SECOND;
    net.sides.clear();
    net.with(old, |peer, now| peer.group.reconnected(now));
    net.run_for(50 * SECOND);
    assert!(net.peer(ids[0]).sees(net.session(old)) && !net.peer(ids[0]).sees(session));
    net.run_for(10 * SECOND);
    net.until_together(10 * SECOND);
    assert!(!net.peers.contains_key(&old), "the older window has ended");
    assert!(net.peer(ids[0]).sees(session));
    no_alarms(&net);
}

#[test]
fn a_lock_counts_for_all_members_and_for_newcomers() {
    let people = [Join::moderator(1), Join::moderator(2), Join::of(3), Join::of(4)];
    let (mut net, ids) = call(&people);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    net.leave(ids[0]);
    net.run_for(SECOND);
    let late = net.join(&Join::moderator(5));
    net.run_for(5 * SECOND);
    net.with(late, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    for peer in net.peers.values() {
        assert!(peer.group.state(net.now).is_locked, "{}", peer.address);
    }
    let stranger = net.join(&Join::of(9));
    net.run_for(10 * SECOND);
    assert!(
        net.peers.values().all(|peer| peer.address == stranger || !peer.sees(net.session(stranger)))
    );
    assert!(net.peer(stranger).has_event(|event| matches!(event, Event::NotAdmitted { .. })));
    net.crash(stranger);
    // A member reloads the page: it is admitted, and knows of the lock although its moderator may
    // leave.
    net.crash(ids[2]);
    let back = net.join(&Join { started_at: 5, ..Join::of(3) });
    net.run_for(10 * SECOND);
    net.is_together().unwrap();
    net.leave(late);
    net.run_for(30 * SECOND);
    assert!(net.peer(back).group.state(net.now).is_locked);
    no_alarms(&net);
}

#[test]
fn a_removed_client_is_out_for_all_members_and_does_not_return() {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(2), Join::of(3)]);
    let troll = net.session(ids[2]);
    // The removed client keeps running, as it does not receive the removal.
    net.cut.extend([(ids[0], ids[2]), (ids[1], ids[2])]);
    net.with(ids[0], |peer, now| peer.group.remove_member(troll, now).unwrap());
    net.run_for(SECOND);
    net.leave(ids[0]);
    net.run_for(SECOND);
    let newcomer = net.join(&Join::of(4));
    net.run_for(30 * SECOND);
    assert!(!net.peer(ids[1]).sees(troll));
    assert!(!net.peer(newcomer).sees(troll), "newcomers receive removals");
    // It is not admitted with a new session either.
    let again = net.join(&Join { started_at: 9, ..Join::of(3) });
    net.run_for(5 * SECOND);
    assert!(!net.peer(ids[1]).sees(net.session(again)));
}

#[test]
fn moderators_that_remove_each_other_are_both_out() {
    let people = [Join::moderator(1), Join::moderator(2), Join::of(3), Join::of(4)];
    let (mut net, ids) = call(&people);
    net.cut.extend([(ids[0], ids[3]), (ids[1], ids[2])]);
    let (a, b) = (net.session(ids[0]), net.session(ids[1]));
    net.with(ids[0], |peer, now| peer.group.remove_member(b, now).unwrap());
    net.with(ids[1], |peer, now| peer.group.remove_member(a, now).unwrap());
    net.cut.clear();
    net.run_for(30 * SECOND);
    for id in [ids[2], ids[3]] {
        assert!(!net.peer(id).sees(a) && !net.peer(id).sees(b));
    }
    net.is_together().unwrap();
    no_alarms(&net);
}

#[test]
fn at_most_four_messages_are_sent_for_each_pair() {
    let mut net = Net::new(3);
    for person in 1..=30 {
        net.join(&Join::of(person));
        net.run_for(300 * MILLI);
    }
    net.until_together(10 * SECOND);
    let pairs = 30 * 29 / 2;
    println!("joins: {} sends, {} a pair", net.sends, net.sends as f64 / f64::from(pairs));
    assert!(net.sends <= 4 * u64::from(pairs as u32), "{}", net.sends);
    net.run_for(3 * SECOND);
    let before = net.sends;
    net.leave(30);
    net.run_for(SECOND);
    net.is_together().unwrap();
    println!("leave: {}", net.sends - before);
    assert!(net.sends - before <= 4 * 30 * 29 / 2);
    no_alarms(&net);
}

#[test]
fn resends_do_not_slow_a_slow_call_further() {
    let (mut net, _) = call(&(1..=30).map(Join::of).collect::<Vec<_>>());
    net.run_for(10 * SECOND);
    net.delay = (20 * MILLI, 1100 * MILLI);
    let before = net.sends;
    net.leave(30);
    net.run_for(5 * SECOND);
    net.is_together().unwrap();
    println!("leave: {}", net.sends - before);
    // Updates, acks, and the heartbeats in that time.
    assert!(net.sends - before <= 2 * 29 * 28 + 200, "{}", net.sends - before);
    no_alarms(&net);
}

#[test]
fn a_lost_key_is_resent_while_others_are_acknowledged() {
    let (mut net, ids) = call(&(1..=30).map(Join::of).collect::<Vec<_>>());
    net.run_for(10 * SECOND);
    let (from, to) = (ids[0], ids[1]);
    let left_at = net.now;
    net.leave(ids[29]);
    net.cut.insert((from, to));
    net.run_for(SECOND);
    net.cut.clear();
    let waited = net.until_together(SECOND);
    println!("{:?}", net.now - left_at);
    assert!(waited <= SECOND);
    no_alarms(&net);
}

/// A media server is replaced: both members are told that the other is gone, both reconnect, and
/// the first messages are lost.
#[test]
fn messages_lost_after_a_reconnection_delay_no_member() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2)]);
    net.run_for(25 * SECOND);
    net.tell_gone(ids[0]);
    net.tell_gone(ids[1]);
    net.run_for(SECOND);
    net.cut.extend([(ids[0], ids[1]), (ids[1], ids[0])]);
    for &id in &ids {
        net.with(id, |peer, now| peer.group.reconnected(now));
    }
    net.run_for(900 * MILLI);
    net.cut.clear();
    let took = net.until_together(SECOND);
    println!("{took:?}");
    no_alarms(&net);
}

#[test]
fn a_reconnected_member_returns_at_once_at_members_without_a_break() {
    let (mut net, ids) = call(&[Join::of(1), Join::of(2)]);
    net.run_for(25 * SECOND);
    let gone = net.session(ids[1]);
    net.with(ids[0], |peer, now| peer.group.drop_member(gone, now).unwrap());
    net.run_for(SECOND);
    net.with(ids[0], |peer, now| peer.group.reconnected(now));
    let took = net.until_together(SECOND);
    println!("{took:?}");
    no_alarms(&net);
}
