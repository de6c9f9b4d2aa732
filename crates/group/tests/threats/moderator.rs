//! Locks and removals: permission, late delivery, and joins while they are in transit.

use sealframe_group::{
    EndReason, Event, GroupError, LeaveReason, OnMismatch, Permission, Policy,
    message::{Action, Body, Forward, Message, Order},
};

use crate::common::{FORWARD, Join, Net, ORDER, SECOND, call, call_of};

#[test]
fn a_member_without_permission_neither_locks_nor_removes() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    let target = net.session(alice);
    let by = net.session(bob);
    let identity = Order::tag(by, 1, &net.peer(alice).group.identity());
    let remove = Action::Remove { target, identity };
    for action in [Action::Lock { allowed: Vec::new() }, Action::Unlock, remove] {
        let order = net.sign(bob, &Body::Order(Order { counter: 1, action }));
        assert_eq!(net.hand(carol, &order), Err(GroupError::NotAllowed));
    }
    let own = net.with(bob, |peer, now| {
        [peer.group.lock(now), peer.group.unlock(now), peer.group.remove_member(target, now)]
    });
    assert_eq!(own, [Err(GroupError::NotAllowed); 3]);
    net.run_for(30 * SECOND);
    net.is_together().unwrap();
}

/// A member that is not a moderator cannot exhaust the order counter.
#[test]
fn a_heartbeat_raises_the_order_counter_by_at_most_1024() {
    let (mut net, ids) = call_of(3);
    let [moderator, liar, carol] = ids[..] else { panic!() };
    let mut heartbeat = net.heartbeat_of(liar);
    (heartbeat.seq, heartbeat.counter) = (500, u32::MAX);
    let bytes = net.sign(liar, &Body::Heartbeat(heartbeat));
    net.hand(moderator, &bytes).unwrap();
    net.with(moderator, |peer, now| peer.group.lock(now).unwrap());
    let order = net.said(net.session(moderator), ORDER).pop().unwrap();
    let Body::Order(order) = Message::parse(&order).unwrap().body else { panic!() };
    assert!(order.counter <= 1025, "{}", order.counter);
    net.run_for(SECOND);
    assert!(net.is_locked(carol));
}

#[test]
fn a_locked_call_admits_only_identities_that_the_lock_lists() {
    let (mut net, ids) = call_of(3);
    // The third member is away when the call is locked: its lid is closed.
    net.crash(ids[2]);
    net.tell_gone(ids[2]);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(4 * SECOND);
    let by = net.session(ids[0]);
    assert!(net.peer(ids[1]).has(&Event::Locked { by }));
    let newcomer = net.join(&Join::of(4));
    net.run_for(3 * SECOND);
    let session = net.session(newcomer);
    for &id in &ids[..2] {
        assert!(!net.peer(id).has_joined(session));
        let identity = net.peer(newcomer).group.identity();
        assert!(net.peer(id).has(&Event::LockedOut(identity)));
    }
    net.crash(newcomer);
    net.join(&Join { started_at: 60, ..Join::of(3) });
    net.until_together(5 * SECOND);
    // The moderator unlocks the call, for all.
    net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    assert!(net.peer(ids[1]).has(&Event::Unlocked { by }));
    net.join(&Join { started_at: 90, ..Join::of(4) });
    net.until_together(5 * SECOND);
    net.assert_no_alarms();
}

#[test]
fn a_member_that_missed_a_lock_receives_it_later() {
    let (mut net, ids) = call_of(2);
    net.drop_types(&[ORDER]);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.drop_nothing();
    assert!(!net.is_locked(ids[1]));
    net.run_for(15 * SECOND);
    assert!(net.is_locked(ids[1]), "after a heartbeat");
}

#[test]
fn a_removed_member_is_out_for_all_members() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, troll] = ids[..] else { panic!() };
    let session = net.session(troll);
    let by = net.session(alice);
    let outbox: std::rc::Rc<core::cell::RefCell<Vec<Event>>> = std::rc::Rc::default();
    net.with(alice, |peer, now| peer.group.remove_member(session, now).unwrap());
    let order = net.said(by, ORDER).pop().unwrap();
    net.with(troll, |peer, now| {
        peer.group.handle_message(&order, now).unwrap();
        let ended = std::rc::Rc::clone(&outbox);
        match peer.group.poll(now, &mut peer.rng) {
            sealframe_group::Output::Event(event) => ended.borrow_mut().push(event),
            other => panic!("{other:?}"),
        }
        assert_eq!(peer.group.handle_message(&order, now), Err(GroupError::Ended));
        // A removed member has nothing left to do, and polls a timeout.
        let rest = peer.group.poll(now, &mut peer.rng);
        assert!(matches!(rest, sealframe_group::Output::Timeout(_)), "{rest:?}");
        peer.has_ended = true;
    });
    assert_eq!(*outbox.borrow(), [Event::Ended(EndReason::Removed { by })]);
    net.run_for(4 * SECOND);
    assert!(net.peer(bob).has_left(session, LeaveReason::Removed));
    net.is_together().unwrap();
}

#[test]
fn a_removal_is_forwarded_after_its_moderator_has_left() {
    let (mut net, ids) = call_of(4);
    let [moderator, bob, _, troll] = ids[..] else { panic!() };
    let session = net.session(troll);
    net.drops = Box::new(move |from, to, bytes| {
        to == troll || from == moderator && to == bob && bytes[1] == ORDER
    });
    net.with(moderator, |peer, now| peer.group.remove_member(session, now).unwrap());
    net.run_for(SECOND);
    net.leave(moderator);
    net.run_for(40 * SECOND);
    assert!(net.peer(bob).has_left(session, LeaveReason::Removed));
}

/// A removed client keeps running without receiving the removal; all members that knew the
/// moderator leave too.
#[test]
fn newcomers_do_not_admit_a_removed_client() {
    let (mut net, ids) = call_of(3);
    let [moderator, bob, troll] = ids[..] else { panic!() };
    let session = net.session(troll);
    net.drops = Box::new(move |_, to, bytes| to == troll && matches!(bytes[1], ORDER | FORWARD));
    net.with(moderator, |peer, now| peer.group.remove_member(session, now).unwrap());
    net.run_for(SECOND);
    net.leave(moderator);
    net.run_for(SECOND);
    let carol = net.join(&Join::of(4));
    net.run_for(20 * SECOND);
    assert!(!net.peer(carol).sees(session));
    net.leave(bob);
    net.run_for(200 * SECOND);
    let dave = net.join(&Join::of(5));
    net.run_for(30 * SECOND);
    assert!(!net.peer(dave).sees(session), "members that never met the moderator forward the removal");
    assert!(!net.peer(carol).opens(net.peer(troll)) && !net.peer(troll).opens(net.peer(carol)));
}

#[test]
fn a_removed_identity_stays_out_through_a_lock_and_is_admitted_after_an_unlock() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, troll] = ids[..] else { panic!() };
    let session = net.session(troll);
    net.with(alice, |peer, now| peer.group.remove_member(session, now).unwrap());
    net.with(alice, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(2 * SECOND);
    assert!(!net.peers.contains_key(&troll), "its client has ended");
    let again = net.join(&Join { started_at: 50, ..Join::of(3) });
    net.run_for(10 * SECOND);
    let session = net.session(again);
    assert!(!net.peer(bob).has_joined(session) && !net.peer(alice).has_joined(session));
    assert!(!net.peer(again).opens(net.peer(alice)));
    net.with(alice, |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(61 * SECOND);
    net.with(again, |peer, now| peer.group.reconnected(now));
    net.until_together(5 * SECOND);
}

#[test]
fn moderators_that_remove_each_other_do_not_split_the_call() {
    for on_mismatch in [OnMismatch::Report, OnMismatch::Withhold] {
        let policy = Policy { on_mismatch, ..Policy::default() };
        let join = |person, permission| Join { policy, permission, ..Join::of(person) };
        let powers = [Permission::Moderator, Permission::Moderator, Permission::None, Permission::None];
        let people: Vec<Join> =
            powers.into_iter().zip(1..).map(|(power, person)| join(person, power)).collect();
        let (mut net, ids) = call(&people);
        let [a, b, c, d] = ids[..] else { panic!() };
        let sessions = [a, b].map(|id| net.session(id));
        // Both act before they receive the other's order; C receives A's first, and D receives B's
        // first.
        let orders = [(a, 1), (b, 0)].map(|(by, target)| {
            net.drop_types(&[ORDER]);
            net.with(by, |peer, now| peer.group.remove_member(sessions[target], now).unwrap());
            net.said(sessions[1 - target], ORDER).pop().unwrap()
        });
        net.drop_nothing();
        for (to, first) in [(c, 0), (d, 1), (a, 1), (b, 0)] {
            let _ = net.hand(to, &orders[first]);
            if net.peers.contains_key(&to) {
                let _ = net.hand(to, &orders[1 - first]);
            }
        }
        net.run_for(5 * SECOND);
        assert_eq!(net.peers.keys().copied().collect::<Vec<_>>(), [c, d]);
        net.is_together().unwrap();
        net.run_for(600 * SECOND);
        net.is_together().unwrap();
        net.assert_no_alarms();
    }
}

/// An earlier moderator locked, unlocked and left; the next one joined after that.
#[test]
fn the_lock_of_a_moderator_that_joined_late_counts_for_all() {
    let (mut net, ids) = call_of(3);
    let [first, bob, carol] = ids[..] else { panic!() };
    net.with(first, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.with(first, |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    net.leave(first);
    net.run_for(5 * SECOND);
    let second = net.join(&Join::moderator(5));
    net.run_for(5 * SECOND);
    net.with(second, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    assert!([second, bob, carol].iter().all(|&id| net.is_locked(id)));
    let mallory = net.join(&Join::of(7));
    net.run_for(60 * SECOND);
    let session = net.session(mallory);
    assert!([second, bob, carol].iter().all(|&id| !net.peer(id).has_joined(session)));
    assert!(!net.peer(mallory).opens(net.peer(bob)));
}

/// A newcomer receives a lock and an unlock of a moderator that is not live for it yet.
#[test]
fn of_buffered_orders_the_newest_is_handled_first() {
    let (mut net, ids) = call_of(3);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    let dave = net.join(&Join::of(9));
    net.run_for(5 * SECOND);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(30 * SECOND);
    assert!(net.peers.contains_key(&dave), "a superseded lock expelled it");
    net.is_together().unwrap();
    net.assert_no_alarms();
}

/// Alice sleeps when Carol joins, so Bob forwards Alice's order to Carol, who never hears Alice.
/// Then Bob leaves, and Carol forwards it to Dave.
#[test]
fn orders_of_a_silent_moderator_are_forwarded_with_its_announce() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    net.with(alice, |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    net.peers.get_mut(&alice).unwrap().asleep_until = net.now + 300 * SECOND;
    let carol = net.join(&Join::of(7));
    net.run_for(20 * SECOND);
    let hash = net.heartbeat_of(bob).orders_hash;
    net.leave(bob);
    let dave = net.join(&Join::of(8));
    net.run_for(18 * SECOND);
    assert_eq!([carol, dave].map(|id| net.heartbeat_of(id).orders_hash), [hash; 2]);
}

/// Bob removes Alice, and only Carol receives the order; Alice removes Bob, then Carol, and only
/// Dave receives those. Both moderators vanish. Carol is removed at Dave, while at Carol that
/// removal never counted.
#[test]
fn a_member_removed_by_a_removed_moderator_returns() {
    let people = [Join::moderator(1), Join::moderator(2), Join::of(3), Join::of(4)];
    let (mut net, ids) = call(&people);
    let [alice, bob, carol, dave] = ids[..] else { panic!() };
    let targets = [(bob, alice), (alice, bob), (alice, carol)];
    let mut orders = Vec::new();
    for (counter, (by, target)) in [1, 1, 2].into_iter().zip(targets) {
        let identity = Order::tag(net.session(by), counter, &net.peer(target).group.identity());
        let action = Action::Remove { target: net.session(target), identity };
        orders.push(net.sign(by, &Body::Order(Order { counter, action })));
    }
    net.hand(carol, &orders[0]).unwrap();
    net.hand(dave, &orders[1]).unwrap();
    net.hand(dave, &orders[2]).unwrap();
    let session = net.session(carol);
    assert!(net.peer(dave).has_left(session, LeaveReason::Removed));
    net.crash(alice);
    net.crash(bob);
    net.run_for(90 * SECOND);
    assert_eq!(net.peers.keys().copied().collect::<Vec<_>>(), [carol, dave]);
    assert!(net.peer(dave).sees(session) && net.peer(carol).sees(net.session(dave)));
    assert!(net.peer(dave).opens(net.peer(carol)) && net.peer(carol).opens(net.peer(dave)));
    net.run_for(120 * SECOND);
    net.is_together().unwrap();
}

/// A newcomer is forwarded both orders by the members; the removal is the newer one.
#[test]
fn earlier_orders_of_a_removed_moderator_reach_newcomers() {
    let people = [Join::moderator(1), Join::moderator(2), Join::of(3)];
    let (mut net, ids) = call(&people);
    let [alice, bob, carol] = ids[..] else { panic!() };
    let session = net.session(bob);
    net.with(bob, |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    net.with(alice, |peer, now| peer.group.remove_member(session, now).unwrap());
    net.run_for(SECOND);
    let dave = net.join(&Join::of(9));
    net.run_for(60 * SECOND);
    net.assert_no_alarms();
    net.is_together().unwrap();
    let hashes = [alice, carol, dave].map(|id| net.heartbeat_of(id).orders_hash);
    assert_eq!(hashes, [hashes[0]; 3]);
}

/// Carol has a difference to compare with Bob when both fall asleep; Bob still sleeps when Carol
/// wakes.
#[test]
fn a_member_that_wakes_reports_no_different_orders() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    net.drops = Box::new(move |_, to, bytes| to == bob && matches!(bytes[1], ORDER | FORWARD));
    net.with(alice, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(11 * SECOND);
    net.drop_nothing();
    net.peers.get_mut(&bob).unwrap().asleep_until = net.now + 100 * SECOND;
    net.peers.get_mut(&carol).unwrap().asleep_until = net.now + 50 * SECOND;
    net.run_for(180 * SECOND);
    net.assert_no_alarms();
    net.is_together().unwrap();
}

/// A moderator that is about to be removed leaves, and then signs further orders.
#[test]
fn a_leave_before_its_removal_does_not_let_a_moderator_give_orders() {
    let people = [Join::moderator(1), Join::moderator(2), Join::of(3), Join::of(4)];
    let (mut net, ids) = call(&people);
    let [alice, troll, carol, dave] = ids[..] else { panic!() };
    let session = net.session(troll);
    let leave = net.sign(troll, &Body::Leave);
    let action = Action::Lock { allowed: Vec::new() };
    let lock = net.sign(troll, &Body::Order(Order { counter: 9, action }));
    net.hand(carol, &leave).unwrap();
    net.with(alice, |peer, now| peer.group.remove_member(session, now).unwrap());
    net.run_for(SECOND);
    for id in [alice, carol, dave] {
        assert_eq!(net.hand(id, &lock), Err(GroupError::Departed), "{id}");
    }
    // It arrived before the removal, and is void after it.
    let (mut net, ids) = call(&people);
    let [alice, troll, carol, dave] = ids[..] else { panic!() };
    let session = net.session(troll);
    let remove = |net: &Net| {
        let identity = Order::tag(net.session(alice), 1, &net.peer(troll).group.identity());
        let action = Action::Remove { target: session, identity };
        net.sign(alice, &Body::Order(Order { counter: 1, action }))
    };
    let remove = remove(&net);
    let unlock = Order { counter: 9, action: Action::Unlock };
    let unlock = net.sign(troll, &Body::Order(unlock));
    let leave = net.sign(troll, &Body::Leave);
    for (to, messages) in [(carol, [&leave, &unlock, &remove]), (dave, [&remove, &unlock, &leave])] {
        for message in messages {
            let _ = net.hand(to, message);
        }
    }
    net.peers.remove(&troll);
    net.run_for(11 * SECOND);
    assert_eq!(net.heartbeat_of(carol).orders_hash, net.heartbeat_of(dave).orders_hash);
}

/// Bob missed the lock, and vanishes before the orders are compared.
#[test]
fn a_departed_member_is_not_reported_for_different_orders() {
    for goes in [true, false] {
        let (mut net, ids) = call_of(3);
        let [alice, bob, carol] = ids[..] else { panic!() };
        net.drops = Box::new(move |_, to, bytes| to == bob && matches!(bytes[1], ORDER | FORWARD));
        net.with(alice, |peer, now| peer.group.lock(now).unwrap());
        net.run_for(14 * SECOND);
        let session = net.session(bob);
        if goes {
            net.crash(bob);
        }
        net.run_for(80 * SECOND);
        for id in [alice, carol] {
            assert_eq!(net.peer(id).has(&Event::OrdersDiffer(session)), !goes, "{id}");
        }
    }
}

/// Two moderators act at once, and one of the messages to one member is lost.
#[test]
fn concurrent_locks_and_unlocks_have_one_result_for_all() {
    for (locker, lost) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let people = [Join::moderator(1), Join::moderator(2), Join::of(3), Join::of(4)];
        let (mut net, ids) = call(&people);
        let carol = ids[2];
        let from = ids[lost];
        net.drops = Box::new(move |sender, to, bytes| (sender, to, bytes[1]) == (from, carol, ORDER));
        net.with(ids[locker], |peer, now| peer.group.lock(now).unwrap());
        net.with(ids[1 - locker], |peer, now| peer.group.unlock(now).unwrap());
        net.run_for(15 * SECOND);
        let locked: Vec<bool> = ids.iter().map(|&id| net.is_locked(id)).collect();
        assert!(locked.iter().all(|is| *is == locked[0]), "{locker} {lost}: {locked:?}");
        let late = net.join(&Join::of(9));
        net.run_for(10 * SECOND);
        let session = net.session(late);
        assert!(ids.iter().all(|&id| net.peer(id).sees(session) != locked[0]));
    }
}

/// Dave's announce reaches Bob before the lock does, and the others after it.
#[test]
fn a_join_that_crosses_a_lock_has_one_result_for_all() {
    for reaches in 0..3 {
        let (mut net, ids) = call_of(3);
        let dave = ids[2] + 1;
        let early = ids[reaches];
        for &id in ids.iter().filter(|id| **id != early) {
            net.cut.insert((dave, id));
        }
        net.join(&Join::of(4));
        net.run_for(25 * SECOND / 1000);
        net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        net.cut.clear();
        let session = net.session(dave);
        net.with(dave, |peer, now| peer.group.reconnected(now));
        net.run_for(60 * SECOND);
        let sees: Vec<bool> =
            ids.iter().map(|&id| net.peers.get(&id).is_some_and(|peer| peer.sees(session))).collect();
        assert!(sees.iter().all(|is| *is == sees[0]), "{reaches}: {sees:?}");
        assert_eq!(sees[0], reaches == 0, "the lock lists the members at its time");
        if !sees[0] {
            net.peers.remove(&dave);
        }
        net.run_for(60 * SECOND);
        net.is_together().unwrap();
        net.assert_no_alarms();
    }
}

#[test]
fn a_call_stays_locked_after_the_locking_moderator_has_left() {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(2), Join::moderator(3)]);
    let [first, bob, second] = ids[..] else { panic!() };
    net.drops = Box::new(move |from, to, bytes| (from, to, bytes[1]) == (first, bob, ORDER));
    net.with(first, |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.leave(first);
    net.run_for(5 * SECOND);
    assert!(net.is_locked(bob), "the other moderator locked again");
    // A member that returns knows of the lock too, although it never met the first moderator.
    net.crash(bob);
    let bob = net.join(&Join { started_at: 99, ..Join::of(2) });
    net.run_for(15 * SECOND);
    assert!(net.is_locked(bob) && net.is_locked(second));
}

/// The moderator that locked has left, and none remains. The lock is forwarded with its moderator's
/// announce.
#[test]
fn a_returning_member_receives_a_lock_whose_moderator_has_left() {
    let (mut net, ids) = call_of(3);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    net.leave(ids[0]);
    net.run_for(300 * SECOND);
    net.crash(ids[2]);
    let back = net.join(&Join { started_at: 999, ..Join::of(3) });
    net.run_for(15 * SECOND);
    assert!(net.is_locked(back));
    let stranger = net.join(&Join::of(9));
    net.run_for(15 * SECOND);
    let session = net.session(stranger);
    assert!(!net.peer(back).sees(session) && !net.peer(ids[1]).sees(session));
}

/// A member cannot forge orders by forwarding them.
#[test]
fn forwarded_orders_count_by_their_signers_alone() {
    let (mut net, ids) = call_of(3);
    let [moderator, liar, bob] = ids[..] else { panic!() };
    let by = net.session(moderator);
    let order = Body::Order(Order { counter: 1, action: Action::Lock { allowed: Vec::new() } });
    let forged =
        sealframe_group::message::sign(&crate::common::group(), by, &order, &crate::common::key_of(2));
    let forward = |net: &Net, message: Vec<u8>| {
        let forward = Forward { messages: vec![message] };
        net.sign(liar, &Body::Forward(forward))
    };
    let bytes = forward(&net, forged);
    assert_eq!(bytes[1], FORWARD);
    net.hand(bob, &bytes).unwrap();
    let own = net.sign(liar, &order);
    let bytes = forward(&net, own);
    net.hand(bob, &bytes).unwrap();
    net.run_for(5 * SECOND);
    assert!(!net.is_locked(bob));
    net.is_together().unwrap();
}

/// Alice removes Bob, a moderator. Bob signs a removal of Alice with a lower counter, and forwards
/// it himself when his orders are no longer accepted.
#[test]
fn a_removed_moderator_does_not_vouch_for_itself() {
    let people: Vec<Join> = [1, 2].map(Join::moderator).into_iter().chain([Join::of(3)]).collect();
    let (mut net, ids) = call(&people);
    let [alice, bob, carol] = ids[..] else { panic!() };
    net.with(alice, |peer, now| peer.group.lock(now).unwrap());
    net.with(alice, |peer, now| peer.group.unlock(now).unwrap());
    net.run_for(SECOND);
    let (session, by) = (net.session(alice), net.session(bob));
    let identity = Order::tag(by, 1, &net.peer(alice).group.identity());
    let action = Action::Remove { target: session, identity };
    let order = net.sign(bob, &Body::Order(Order { counter: 1, action }));
    let announce = net.peer(bob).group.announce().to_vec();
    let messages = vec![announce, order];
    let forward = net.sign(bob, &Body::Forward(Forward { messages }));
    net.with(alice, |peer, now| peer.group.remove_member(by, now).unwrap());
    net.run_for(SECOND);
    net.peers.remove(&bob);
    net.run_for(200 * SECOND);
    let _ = net.hand(carol, &forward);
    net.run_for(SECOND);
    assert!(net.peer(carol).sees(session), "Bob's word alone removed Alice");
}
