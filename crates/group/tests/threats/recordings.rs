//! Messages that a relay delayed, or recorded in another call.

use core::cell::RefCell;
use std::{collections::VecDeque, rc::Rc};

use sealframe_group::{Event, GroupError, LeaveReason, Reason, SessionId, message::Message};

use crate::common::{
    ANNOUNCE, HEARTBEAT, Join, KEY_UPDATE, LEAVE, Net, ORDER, SECOND, call, call_of, prefix,
};

/// Yesterday's call in the same room: Alice, a moderator with a long-lived identity, locks and
/// unlocks. Returns all messages.
fn yesterday() -> (SessionId, Vec<Vec<u8>>) {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(7)]);
    let alice = net.session(ids[0]);
    for _ in 0..3 {
        net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        net.run_for(SECOND);
        net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
        net.run_for(SECOND);
    }
    net.run_for(30 * SECOND);
    assert_eq!(net.said(alice, ORDER).len(), 6);
    (alice, net.recorded.iter().map(|(_, bytes)| bytes.clone()).collect())
}

/// The relay replays yesterday's call to all.
fn play(net: &mut Net, recorded: &[Vec<u8>]) {
    let all: Vec<u16> = net.peers.keys().copied().collect();
    for bytes in recorded {
        for &id in &all {
            let _ = net.hand(id, bytes);
        }
        net.run_for(SECOND / 20);
    }
}

fn today() -> (Net, Vec<u16>) {
    let day = 86_400;
    let alice = Join { started_at: day, ..Join::moderator(1) };
    let others = [2, 3].map(|person| Join { started_at: day, ..Join::of(person) });
    let [bob, carol] = others;
    call(&[alice, bob, carol])
}

#[test]
fn an_unlock_recorded_yesterday_does_not_end_todays_lock() {
    for plays_before in [false, true] {
        let (old, recorded) = yesterday();
        let (mut net, ids) = today();
        if plays_before {
            play(&mut net, &recorded);
        }
        net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        net.run_for(SECOND);
        let mallory = net.join(&Join::of(4));
        net.run_for(2 * SECOND);
        play(&mut net, &recorded);
        net.run_for(15 * SECOND);
        let mallory = net.session(mallory);
        for &id in &ids {
            assert!(net.is_locked(id), "{id}, {plays_before}");
            assert!(!net.peer(id).has(&Event::Unlocked { by: old }));
            assert!(!net.peer(id).sees(mallory));
        }
        // It does not count later either, when the replay has turned out to be a recording.
        net.run_for(120 * SECOND);
        play(&mut net, &recorded);
        assert!(ids.iter().all(|&id| net.is_locked(id) && !net.peer(id).sees(old)));
    }
}

#[test]
fn a_lock_and_a_removal_recorded_yesterday_exclude_no_member_today() {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(4), Join::of(7)]);
    let (old, removed) = (net.session(ids[0]), net.session(ids[1]));
    net.with(ids[0], |peer, now| peer.group.remove_member(removed, now).unwrap());
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(15 * SECOND);
    let recorded: Vec<Vec<u8>> = net.recorded.iter().map(|(_, bytes)| bytes.clone()).collect();
    let (mut net, ids) = today();
    play(&mut net, &recorded);
    net.join(&Join { started_at: 86_400, ..Join::of(4) });
    net.run_for(130 * SECOND);
    net.is_together().unwrap();
    assert!(ids.iter().all(|&id| !net.is_locked(id) && !net.peer(id).sees(old)));
}

/// The recording ends with its moderator's leave, which does not make its orders count today.
#[test]
fn orders_recorded_yesterday_do_not_count_after_a_replayed_leave() {
    let (mut net, ids) = call(&[Join::moderator(1), Join::of(3), Join::of(7)]);
    let (alice, carol) = (net.session(ids[0]), net.session(ids[1]));
    for _ in 0..3 {
        net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        net.run_for(SECOND);
        net.with(ids[0], |peer, now| peer.group.unlock(now).unwrap());
        net.run_for(SECOND);
    }
    net.with(ids[0], |peer, now| peer.group.remove_member(carol, now).unwrap());
    net.run_for(SECOND);
    net.leave(ids[0]);
    net.run_for(SECOND);
    let announce = net.said(alice, ANNOUNCE)[0].clone();
    let leave = net.said(alice, LEAVE)[0].clone();
    let orders = net.said(alice, ORDER);
    assert_eq!(orders.len(), 7);
    // Applications decide at once, or after the whole replay.
    for (leaves, judges_late) in [(false, false), (true, false), (false, true), (true, true)] {
        let (mut net, ids) = today();
        if judges_late {
            for peer in net.peers.values_mut() {
                peer.judges_within = 20 * SECOND;
            }
        }
        net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        net.run_for(SECOND);
        let leave = leaves.then(|| leave.clone());
        let played =
            [announce.clone()].into_iter().chain(orders.clone()).chain(leave).chain(orders.clone());
        for message in played {
            for &id in &ids {
                let _ = net.hand(id, &message);
            }
            net.run_for(SECOND / 20);
        }
        net.run_for(25 * SECOND);
        assert_eq!(net.peers.len(), 3, "{leaves} {judges_late}: no member is out");
        for &id in &ids {
            assert!(net.is_locked(id), "{leaves} {judges_late}: {id}");
            let is_open = net.peer(id).has(&Event::Unlocked { by: alice });
            assert!(!is_open, "{leaves} {judges_late}: {id}");
        }
        net.run_for(110 * SECOND);
        net.is_together().unwrap();
    }
}

/// A relay holds back all heartbeats of Carol, and delivers one at each interval, also after she
/// has departed.
#[test]
fn delayed_heartbeats_keep_no_departed_member_in() {
    for every in [25, 90] {
        let (mut net, ids) = call_of(3);
        let [alice, bob, carol] = ids[..] else { panic!() };
        let session = net.session(carol);
        let kept: Rc<RefCell<VecDeque<Vec<u8>>>> = Rc::default();
        let keeps = Rc::clone(&kept);
        net.drops = Box::new(move |from, to, bytes| {
            let is_kept = from == carol && bytes[1] == HEARTBEAT;
            if is_kept && to == alice {
                keeps.borrow_mut().push_back(bytes.to_vec());
            }
            is_kept
        });
        let hand = |net: &mut Net| {
            net.run_for(every * SECOND);
            let next = kept.borrow_mut().pop_front();
            for to in [alice, bob] {
                let _ = next.as_ref().map(|bytes| net.hand(to, bytes));
            }
        };
        for _ in 0..3600 / every {
            hand(&mut net);
        }
        assert!(net.peer(alice).has(&Event::Unresponsive(session)));
        assert!(kept.borrow().len() > 100, "{}", kept.borrow().len());
        net.crash(carol);
        let end = net.now + 101 * SECOND;
        while net.now < end {
            hand(&mut net);
        }
        let generation = net.peer(alice).own.0;
        for _ in 0..4 * 3600 / every {
            hand(&mut net);
            assert!(!net.peer(alice).sees(session) && !net.peer(bob).sees(session));
        }
        assert!(net.peer(alice).own.0 > generation);
        let said = net.said(net.session(alice), KEY_UPDATE);
        let is_for = |bytes: &&Vec<u8>| {
            Message::parse(bytes).unwrap().entry[..2] == session.member_id().get().to_be_bytes()
        };
        let late = said.iter().rev().take(3);
        assert_eq!(late.filter(is_for).count(), 0, "no further key is encrypted to her");
    }
}

/// A relay delays two members' heartbeats to Alice, and continues after they departed; each names
/// the other's.
#[test]
fn recordings_that_name_each_other_keep_no_departed_member_in() {
    for every in [11, 25, 90] {
        let (mut net, ids) = call_of(3);
        let [alice, bob, carol] = ids[..] else { panic!() };
        let sessions = [bob, carol].map(|id| net.session(id));
        let kept: Rc<RefCell<VecDeque<Vec<u8>>>> = Rc::default();
        let keeps = Rc::clone(&kept);
        net.drops = Box::new(move |_, to, bytes| {
            let is_kept = to == alice && bytes[1] == HEARTBEAT;
            if is_kept {
                keeps.borrow_mut().push_back(bytes.to_vec());
            }
            is_kept
        });
        let hand = |net: &mut Net| {
            net.run_for(every * SECOND);
            for _ in 0..2 {
                let next = kept.borrow_mut().pop_front();
                let _ = next.map(|bytes| net.hand(alice, &bytes));
            }
        };
        let end = net.now + 600 * SECOND;
        while net.now < end {
            hand(&mut net);
        }
        net.crash(bob);
        net.crash(carol);
        let end = net.now + 200 * SECOND;
        while net.now < end {
            hand(&mut net);
        }
        for _ in 0..100 {
            hand(&mut net);
            assert!(sessions.iter().all(|&session| !net.peer(alice).sees(session)), "{every}");
        }
    }
}

/// An attacker that seizes a device finds private prekeys at most two minutes old, which do not
/// open earlier recordings. Here the relay delivers such a recording to the device itself.
#[test]
fn a_key_delayed_by_two_minutes_does_not_open() {
    for (kept_for, opens) in [(50, true), (125, false)] {
        let (mut net, ids) = call_of(2);
        let [alice, bob] = ids[..] else { panic!() };
        net.run_for(10 * SECOND);
        let update = net.update(alice, bob, net.next_update(alice), 5);
        net.run_for(kept_for * SECOND);
        let number = net.peer(alice).group.member_id();
        let expected = if opens { Ok(()) } else { Err(GroupError::Stale) };
        assert_eq!(net.hand(bob, &update), expected, "{kept_for}");
        assert_eq!(net.peer(bob).held.contains_key(&(number, 1)), opens);
    }
}

/// Without a live member that forwards it, an order expires three minutes after its moderator
/// departed.
#[test]
fn a_delayed_order_counts_until_three_minutes_after_its_moderator_left() {
    for (kept_for, counts) in [(170, true), (190, false)] {
        let (mut net, ids) = call(&[Join::moderator(1), Join::of(2), Join::of(3)]);
        let [moderator, bob, carol] = ids[..] else { panic!() };
        net.drop_types(&[ORDER]);
        let target = net.session(carol);
        let by = net.session(moderator);
        net.with(moderator, |peer, now| peer.group.remove_member(target, now).unwrap());
        let order = net.said(by, ORDER).pop().unwrap();
        net.leave(moderator);
        net.run_for(kept_for * SECOND);
        let handed = net.hand(bob, &order);
        assert_eq!(net.peer(bob).has_left(target, LeaveReason::Removed), counts, "{handed:?}");
    }
}

/// An attacker cannot prepare a call code in advance, because sessions are new in every call.
#[test]
fn two_calls_of_the_same_people_have_different_codes() {
    let codes = [0, 1].map(|started_at| {
        let people = [1, 2, 3].map(|person| Join { started_at, ..Join::of(person) });
        let (net, ids) = call(&people);
        net.peer(ids[0]).group.call_code()
    });
    assert_ne!(codes[0], codes[1]);
    assert_eq!(codes[0].to_string().replace(' ', "").len(), 60);
}

#[test]
fn an_ack_for_an_old_key_is_not_proof_of_life() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    net.with(alice, |peer, now| peer.group.rekey(Reason::Timer, now));
    net.run_for(5 * SECOND);
    let gone = net.session(bob);
    net.crash(bob);
    let acks = net.said(gone, crate::common::ACK);
    assert!(!acks.is_empty());
    for _ in 0..120 {
        net.run_for(SECOND);
        for ack in &acks {
            assert!(net.hand(alice, ack).is_err());
        }
    }
    assert!(net.peer(alice).has_left(gone, LeaveReason::Lost));
    assert_ne!(prefix(gone), [0; 8]);
}
