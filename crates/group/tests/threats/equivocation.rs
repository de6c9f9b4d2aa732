//! Members that sign contradicting statements.

use sealframe_group::{
    Event, GroupError,
    message::{Action, Body, KeyUpdate, Order, Reason},
};

use crate::common::{HEARTBEAT, Join, KEY_UPDATE, Net, SECOND, call_of};

fn caught(net: &Net, at: u16, liar: u16) -> bool {
    net.peer(at).has(&Event::Equivocation(net.session(liar)))
}

/// Asserts that no other member is reported.
fn only_the_liar(net: &Net, liar: u16) {
    let accused =
        net.peers.values().flat_map(|peer| &peer.events).filter_map(|(_, event)| match event {
            Event::Equivocation(session) => Some(*session),
            _ => None,
        });
    assert!(accused.into_iter().all(|session| session == net.session(liar)));
}

#[test]
fn a_member_that_sends_two_members_different_keys_is_reported() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, liar] = ids[..] else { panic!() };
    let update = net.next_update(liar);
    let own = net.update(liar, alice, update, 1);
    let other = net.update(liar, alice, update, 2);
    net.hand(alice, &own).unwrap();
    net.hand(bob, &net.update(liar, bob, update, 2)).unwrap();
    // One member detects it if it receives both,
    let (mut twice, ids) = call_of(3);
    let [first, second, third] = ids[..] else { panic!() };
    let update = twice.next_update(third);
    twice.hand(first, &twice.update(third, first, update, 1)).unwrap();
    let both = twice.update(third, first, update, 2);
    assert_eq!(twice.hand(first, &both), Err(GroupError::Equivocation));
    assert!(caught(&twice, first, third) && !caught(&twice, second, third));
    // and members that receive one each show them to each other.
    net.run_for(60 * SECOND);
    assert!(caught(&net, alice, liar) && caught(&net, bob, liar));
    only_the_liar(&net, liar);
    assert_eq!(net.hand(alice, &other), Err(GroupError::Equivocation), "and it stays reported");
}

/// One lock lists Dave, the other does not. Both are signed with one counter.
#[test]
fn a_moderator_that_signs_two_locks_with_one_counter_is_reported() {
    let (mut net, ids) = call_of(4);
    let [liar, bob, carol, dave] = ids[..] else { panic!() };
    let by = net.session(liar);
    let lock = |net: &Net, allowed: &[u16]| {
        let identities = allowed.iter().map(|id| net.peer(*id).group.identity());
        let mut allowed: Vec<_> = identities.map(|id| Order::tag(by, 1, &id)).collect();
        allowed.sort_unstable();
        let order = Order { counter: 1, action: Action::Lock { allowed } };
        net.sign(liar, &Body::Order(order))
    };
    let (with, without) = (lock(&net, &[liar, bob, carol, dave]), lock(&net, &[liar, bob, carol]));
    net.hand(bob, &with).unwrap();
    net.hand(carol, &without).unwrap();
    net.run_for(40 * SECOND);
    assert!(caught(&net, bob, liar) && caught(&net, carol, liar));
    only_the_liar(&net, liar);
    let hashes = [bob, carol].map(|id| net.heartbeat_of(id).orders_hash);
    assert_eq!(hashes[0], hashes[1]);
    let session = net.peers.get(&dave).map(|peer| peer.group.session());
    let seen = [bob, carol].map(|id| session.is_some_and(|dave| net.peer(id).sees(dave)));
    assert_eq!(seen[0], seen[1], "both have the same lock in force");
}

/// Generations 1, 3, 5, … go to one member, 2, 4, 6, … to the other; each chain is consistent.
#[test]
fn two_chains_of_one_member_are_reported() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, liar] = ids[..] else { panic!() };
    // Its own updates are dropped; each member receives a consistent chain instead.
    net.drops = Box::new(move |from, _, bytes| from == liar && bytes[1] == KEY_UPDATE);
    let first = net.next_update(liar);
    net.hand(alice, &net.update(liar, alice, first, 1)).unwrap();
    let second = KeyUpdate { generation: 2, ..first };
    net.hand(bob, &net.update(liar, bob, second, 2)).unwrap();
    let third = KeyUpdate { generation: 3, prev_hash: [3; 32], ..first };
    net.hand(alice, &net.update(liar, alice, third, 3)).unwrap();
    net.run_for(90 * SECOND);
    assert!(caught(&net, alice, liar) || caught(&net, bob, liar), "{:?}", net.peer(bob).alarms());
    only_the_liar(&net, liar);
}

/// If no header proves the contradiction, the difference between the views is reported.
#[test]
fn views_that_stay_different_are_reported() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, liar] = ids[..] else { panic!() };
    net.drops = Box::new(move |from, to, bytes| {
        let is_comparison = matches!(bytes[1], crate::common::FORWARD);
        from == liar && bytes[1] == HEARTBEAT || is_comparison && (from, to) != (liar, liar)
    });
    let update = net.next_update(liar);
    net.hand(alice, &net.update(liar, alice, update, 1)).unwrap();
    net.hand(bob, &net.update(liar, bob, update, 2)).unwrap();
    net.run_for(90 * SECOND);
    let sessions = vec![crate::common::prefix(net.session(liar))];
    let with = net.session(bob);
    assert!(
        net.peer(alice).has(&Event::ViewMismatch { with, sessions }),
        "{:?}",
        net.peer(alice).alarms()
    );
}

/// A member begins a generation, and is cut off after one heartbeat reached one other member.
#[test]
fn a_statement_that_reached_one_member_alone_is_not_reported() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    net.drops = Box::new(move |from, to, bytes| {
        from == carol && (bytes[1] == KEY_UPDATE || bytes[1] == HEARTBEAT && to == bob)
    });
    net.with(carol, |peer, now| peer.group.rekey(Reason::Timer, now));
    let seq = net.heartbeat_of(carol).seq;
    net.run_for(11 * SECOND);
    assert!(net.heartbeat_of(carol).seq > seq);
    net.crash(carol);
    net.run_for(95 * SECOND);
    for id in [alice, bob] {
        assert!(net.peer(id).alarms().is_empty(), "{:?}", net.peer(id).alarms());
    }
}

#[test]
fn a_member_that_first_withheld_a_generation_is_still_reported() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, liar] = ids[..] else { panic!() };
    let first = net.next_update(liar);
    net.hand(alice, &net.update(liar, alice, first, 9)).unwrap();
    let group = crate::common::group();
    let header = net.header(liar, first, 9);
    let bytes = net.update(liar, alice, first, 9);
    let prev_hash = KeyUpdate::header_hash(&group, &bytes[..KeyUpdate::SIGNED_LEN], &header.key_commit);
    net.run_for(3 * SECOND);
    let second = KeyUpdate { generation: first.generation + 1, prev_hash, ..first };
    net.hand(alice, &net.update(liar, alice, second, 1)).unwrap();
    net.hand(bob, &net.update(liar, bob, second, 2)).unwrap();
    net.run_for(80 * SECOND);
    assert!(caught(&net, alice, liar) && caught(&net, bob, liar));
    only_the_liar(&net, liar);
}

#[test]
fn a_heartbeat_that_contradicts_an_update_is_reported() {
    let (mut net, ids) = call_of(2);
    let [alice, liar] = ids[..] else { panic!() };
    let update = net.next_update(liar);
    net.hand(alice, &net.update(liar, alice, update, 1)).unwrap();
    let mut heartbeat = net.heartbeat_of(liar);
    (heartbeat.seq, heartbeat.newest, heartbeat.update_hash) = (1000, update.generation, [9; 32]);
    let said = net.sign(liar, &Body::Heartbeat(heartbeat));
    assert_eq!(net.hand(alice, &said), Err(GroupError::Equivocation));
}

#[test]
fn two_keys_with_one_step_are_reported() {
    let (mut net, ids) = call_of(2);
    let [alice, liar] = ids[..] else { panic!() };
    let begun = net.heartbeat_of(liar);
    let step = |step| KeyUpdate {
        reason: Reason::Delivery,
        wants_ack: true,
        generation: begun.newest,
        step,
        prev_hash: begun.update_hash,
    };
    net.hand(alice, &net.update(liar, alice, step(9), 1)).unwrap();
    let other = net.update(liar, alice, step(9), 2);
    assert_eq!(net.hand(alice, &other), Err(GroupError::Equivocation));
    // A delivery of a generation whose beginning was different.
    let astray = KeyUpdate { prev_hash: [5; 32], ..step(10) };
    let astray = net.update(liar, alice, astray, 1);
    assert_eq!(net.hand(alice, &astray), Err(GroupError::Equivocation));
}

#[test]
fn an_update_whose_key_does_not_match_its_commitment_is_rejected() {
    let (mut net, ids) = call_of(2);
    let [alice, liar] = ids[..] else { panic!() };
    let update = net.next_update(liar);
    let commit = net.header(liar, update, 6).key_commit;
    let message = net.update_committed(liar, alice, update, 5, commit);
    assert_eq!(net.hand(alice, &message), Err(GroupError::Unauthentic));
    net.run_for(SECOND);
    let number = net.peer(liar).group.member_id();
    assert!(!net.peer(alice).held.contains_key(&(number, 1)));
    net.assert_no_alarms();
}

/// An honest member whose generations cross in transit is never reported.
#[test]
fn honest_members_are_not_reported_when_messages_are_late_and_repeated() {
    for seed in 0..8 {
        let mut net = Net::new(seed);
        (net.delay, net.keeps_order) = ((SECOND / 100, 2 * SECOND), false);
        (net.repeats, net.loses) = (300, 150);
        for person in 1..=5 {
            net.join(&Join::of(person));
            net.run_for(SECOND);
        }
        for _ in 0..40 {
            let who = 1 + net.rng.below(5) as u16;
            net.with(who, |peer, now| peer.group.rekey(Reason::Suspicion, now));
            net.run_for(2 * SECOND);
        }
        net.run_for(60 * SECOND);
        net.assert_no_alarms();
    }
}
