//! Attacks of members and strangers with well-formed messages, and effects of pauses.

use sealframe_group::{
    Event, GroupError, LeaveReason, Reason,
    message::{self, Ack, Body, Head},
};

use crate::common::{ACK, Join, KEY_UPDATE, MILLI, SECOND, Stranger, call_of, group, key_of};

#[test]
fn forgeries_in_a_members_name_do_not_silence_it() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    let session = net.session(bob);
    let mut heartbeat = net.heartbeat_of(bob);
    for seq in 1000..1200 {
        heartbeat.seq = seq;
        let forged = message::sign(&group(), session, &Body::Heartbeat(heartbeat.clone()), &key_of(9));
        assert_eq!(net.hand(alice, &forged), Err(GroupError::Unauthentic));
    }
    net.leave(bob);
    net.run_for(SECOND);
    assert!(net.peer(alice).has_left(session, LeaveReason::Left));
}

#[test]
fn forgeries_at_uneven_intervals_do_not_silence_the_named_member() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    let session = net.session(bob);
    let mut heartbeat = net.heartbeat_of(bob);
    heartbeat.seq = 1000;
    let forged = message::sign(&group(), session, &Body::Heartbeat(heartbeat), &key_of(9));
    // For 12 s, one or two every 9 ms: 194 a second.
    for gap in 0..1333 {
        net.run_for(9 * MILLI);
        for _ in 0..if gap % 4 == 0 { 1 } else { 2 } {
            assert_eq!(net.hand(alice, &forged), Err(GroupError::Unauthentic), "{gap}");
        }
    }
    net.leave(bob);
    net.run_for(SECOND);
    assert!(net.peer(alice).has_left(session, LeaveReason::Left));
}

#[test]
fn false_acks_do_not_shorten_the_wait() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, carol] = ids[..] else { panic!() };
    let session = net.session(bob);
    net.drop_types(&[KEY_UPDATE]);
    net.with(alice, |peer, now| peer.group.rekey(Reason::Timer, now));
    let generation = net.peer(alice).own.0 as u32 + 1;
    for mac in 0..10 {
        let ack = Body::Ack(Ack { generation, step: 0, mac: [mac; 8] });
        let ack = message::encode(&Head::new(&group(), session), &ack);
        assert_eq!(net.hand(alice, &ack), Err(GroupError::Stale));
    }
    net.run_for(1900 * MILLI);
    assert_eq!(net.peer(alice).own.0, 0, "the switch waits");
    net.run_for(200 * MILLI);
    assert_eq!(net.peer(alice).own.0, 1);
    // The valid ack of one member does not count for another.
    net.drop_nothing();
    net.run_for(20 * SECOND);
    net.drops = Box::new(move |_, to, bytes| {
        to == carol && bytes[1] == KEY_UPDATE || to == alice && bytes[1] == ACK
    });
    net.with(alice, |peer, now| peer.group.rekey(Reason::Timer, now));
    net.run_for(200 * MILLI);
    let ack = net.said(session, ACK).pop().unwrap();
    let mut renamed = ack.clone();
    renamed[6..22].copy_from_slice(&net.session(carol).0);
    assert_eq!(net.hand(alice, &renamed), Err(GroupError::Stale));
    assert_eq!(net.hand(alice, &ack), Ok(()));
    assert_eq!(net.hand(alice, &ack), Err(GroupError::Stale), "once");
    assert_eq!(net.peer(alice).own.0, 1, "Carol has not acknowledged it");
}

#[test]
fn a_second_leave_keeps_the_deadline_of_the_first() {
    let (mut net, ids) = call_of(5);
    // All acks are lost, so members switch at the deadlines.
    net.drop_types(&[ACK]);
    net.run_for(20 * SECOND);
    let start = net.now;
    let mut sealed_without = [None; 3];
    for late in 0..3 {
        let gone = ids[4 - late];
        net.crash(gone);
        net.tell_gone(gone);
        let end = start + SECOND * 7 / 5 * (late as u32 + 1);
        while net.now < end {
            net.run_for(20 * MILLI);
            let generation = net.peer(ids[0]).own.0;
            for (place, at) in sealed_without.iter_mut().enumerate().take(late + 1) {
                if at.is_none() && generation > place as u64 {
                    *at = Some(net.now - start);
                }
            }
        }
    }
    net.run_for(3 * SECOND);
    assert!(sealed_without[0].unwrap() <= 3 * SECOND + 40 * MILLI, "{sealed_without:?}");
    let peer = net.peer(ids[0]);
    let left = peer.events.iter().filter(|(_, event)| matches!(event, Event::Left { .. }));
    assert_eq!(left.count(), 3);
    net.is_together().unwrap();
}

/// Three members leave 1.4 s apart. Each opens frames sealed up to 3 s after it left, and no later
/// ones.
#[test]
fn each_of_several_leavers_is_excluded_after_three_seconds() {
    let (mut net, ids) = call_of(5);
    net.drop_types(&[ACK]);
    net.run_for(20 * SECOND);
    let mut gone = Vec::new();
    for late in 0..30 {
        if late % 14 == 0 && gone.len() < 3 {
            let id = ids[4 - gone.len()];
            let mut held = net.peer(id).held.clone();
            held.retain(|(number, _), _| *number == net.peer(ids[0]).group.member_id());
            net.crash(id);
            net.tell_gone(id);
            gone.push((net.now, held));
        }
        net.run_for(100 * MILLI);
        let number = net.peer(ids[0]).group.member_id();
        for (at, held) in &gone {
            if net.now > *at + 3 * SECOND {
                assert!(!held.contains_key(&(number, net.peer(ids[0]).own.0)));
            }
        }
    }
    net.run_for(4 * SECOND);
    let number = net.peer(ids[0]).group.member_id();
    assert!(gone.iter().all(|(_, held)| !held.contains_key(&(number, net.peer(ids[0]).own.0))));
}

/// A page sleeps while others join. The relay is not reported for it.
#[test]
fn no_member_is_reported_because_a_page_sleeps() {
    for pause in [20, 35, 60, 90] {
        let (mut net, ids) = call_of(4);
        net.run_for(30 * SECOND);
        let end = net.now + pause * SECOND;
        net.peers.get_mut(&ids[2]).unwrap().asleep_until = end;
        net.run_for(5 * SECOND);
        net.join(&Join::of(7));
        net.run_for(5 * SECOND);
        net.join(&Join::of(8));
        net.run_until(end);
        net.until_together(10 * SECOND);
        net.run_for(150 * SECOND);
        net.is_together().unwrap();
        net.assert_no_alarms();
        let lost = |event: &Event| matches!(event, Event::Left { .. });
        // Newcomers have no proof of life of the sleeper, and wait less long for it.
        assert!(ids.iter().all(|&id| !net.peer(id).has_event(lost)), "{pause}");
    }
}

/// A newcomer learns of a sleeping member from another, while a ghost keeps rosters different.
#[test]
fn a_member_that_is_heard_all_the_time_is_not_lost() {
    let (mut net, ids) = call_of(3);
    net.run_for(30 * SECOND);
    let bob = ids[1];
    let end = net.now + 35 * SECOND;
    net.peers.get_mut(&bob).unwrap().asleep_until = end;
    net.run_for(SECOND);
    let newcomer = net.join(&Join::of(4));
    net.run_until(end);
    net.run_for(SECOND);
    let ghost = Stranger::of(9);
    net.hand(bob, &ghost.message).unwrap();
    net.run_for(200 * SECOND);
    let session = net.session(bob);
    assert!(net.peer(newcomer).has_joined(session));
    assert!(!net.peer(newcomer).has_left(session, LeaveReason::Lost));
    net.is_together().unwrap();
}
