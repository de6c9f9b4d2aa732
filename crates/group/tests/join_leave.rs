//! Keys as members join and leave.
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test"
)]

use sealframe_group::{Kem, LeaveReason, Reason};

mod common;
use common::{HEARTBEAT, Join, KEY_UPDATE, MILLI, Net, SECOND, call_of, rekeyed_call};

#[test]
fn all_members_open_each_other_with_every_kem() {
    for kem in [Kem::X25519, Kem::XWing] {
        let mut net = Net::new(1);
        for person in 1..=5 {
            net.join(&Join { kem, ..Join::of(person) });
            net.run_for(SECOND);
        }
        net.is_together().unwrap();
        // Prekeys change, and entries are encrypted to the new ones.
        net.run_for(300 * SECOND);
        for address in 1..=5 {
            net.with(address, |peer, now| peer.group.rekey(Reason::Timer, now));
        }
        net.run_for(5 * SECOND);
        net.is_together().unwrap();
        assert!(net.peers.values().all(|peer| peer.own.0 > 0));
        net.join(&Join { kem, ..Join::of(6) });
        net.until_together(SECOND);
        net.assert_no_alarms();
    }
}

#[test]
fn a_newcomer_opens_no_earlier_frames() {
    let (mut net, ids) = call_of(2);
    let before: Vec<_> = ids.iter().map(|&id| net.peer(id).own.clone()).collect();
    let carol = net.join(&Join::of(3));
    net.run_for(SECOND);
    net.is_together().unwrap();
    for (&id, (generation, step, key)) in ids.iter().zip(&before) {
        let held = &net.peer(carol).held[&(net.peer(id).group.member_id(), *generation)];
        assert!(held.step > *step && held.key != *key, "the key from before");
    }
}

#[test]
fn a_leaver_opens_no_frames_after_three_seconds() {
    for is_told in [false, true] {
        let (mut net, ids) = call_of(3);
        let gone = net.session(ids[2]);
        let held = net.peer(ids[2]).held.clone();
        if is_told {
            net.crash(ids[2]);
            net.tell_gone(ids[2]);
        } else {
            net.leave(ids[2]);
        }
        net.run_for(3 * SECOND);
        net.is_together().unwrap();
        let why = if is_told { LeaveReason::Dropped } else { LeaveReason::Left };
        for &id in &ids[..2] {
            let peer = net.peer(id);
            assert!(!held.contains_key(&(peer.group.member_id(), peer.own.0)), "the generation is new");
            assert!(peer.has_left(gone, why));
        }
    }
}

/// The departed member's keys are wiped, and no further key is encrypted to it.
#[test]
fn a_departed_member_is_delivered_no_keys() {
    let (mut net, ids) = call_of(3);
    let number = net.session(ids[2]).member_id().get().to_be_bytes();
    net.leave(ids[2]);
    net.run_for(SECOND);
    let before = net.said(net.session(ids[0]), KEY_UPDATE).len();
    net.run_for(1000 * SECOND);
    let said = net.said(net.session(ids[0]), KEY_UPDATE);
    assert!(said.len() > before);
    for bytes in &said[before..] {
        let entry = sealframe_group::message::Message::parse(bytes).unwrap().entry;
        assert_ne!(entry[..2], number);
    }
}

#[test]
fn heartbeats_are_sent_every_ten_seconds_and_three_seconds_after_joining() {
    let (mut net, ids) = call_of(2);
    net.run_for(100 * SECOND);
    let broadcast = net.said(net.session(ids[0]), HEARTBEAT).len();
    net.run_for(100 * SECOND);
    assert_eq!(net.said(net.session(ids[0]), HEARTBEAT).len() - broadcast, 10);
    let carol = net.join(&Join::of(3));
    net.run_for(3100 * MILLI);
    assert!(net.said(net.session(carol), HEARTBEAT).len() >= 2);
}

#[test]
fn older_keys_are_wiped_10_s_after_a_newer_one_opened_a_frame() {
    let (mut net, [_, bob], number) = rekeyed_call();
    let holds = |net: &Net, generation| net.peer(bob).held.contains_key(&(number, generation));
    net.run_for(9_900 * MILLI);
    assert!(holds(&net, 0), "late frames open");
    net.run_for(100 * MILLI);
    assert!(!holds(&net, 0) && holds(&net, 1));
}

/// A listener draws new keys without delivering them; when it starts sending, all members open its
/// frames at once.
#[test]
fn a_listener_that_starts_sending_opens_at_once() {
    let (mut net, ids) = call_of(2);
    let listener = net.join(&Join { sends: false, ..Join::of(3) });
    net.run_for(5 * SECOND);
    net.is_together().unwrap();
    let carol = net.join(&Join::of(4));
    net.run_for(5 * SECOND);
    net.leave(carol);
    net.run_for(5 * SECOND);
    assert!(
        net.said(net.session(listener), KEY_UPDATE).is_empty(),
        "it has delivered its key to no member"
    );
    net.with(listener, |peer, now| {
        peer.speaks = true;
        peer.frames = 0;
        peer.group.set_sending(true, now);
    });
    net.run_for(100 * MILLI);
    assert_eq!(net.who_opens(listener), ids);
    net.assert_no_alarms();
}

#[test]
fn thirty_two_joins_ratchet_and_the_next_begins_a_generation() {
    let (mut net, ids) = call_of(2);
    for person in 10..60 {
        let (address, joined_at) = (net.join(&Join::of(person)), net.now);
        net.run_for(700 * MILLI);
        // Members switch to the next generation once all have it.
        while !net.peer(address).opens(net.peer(ids[0])) {
            net.run_for(20 * MILLI);
            assert!(net.now <= joined_at + 3 * SECOND, "{person}");
        }
        assert!(net.peer(ids[0]).own.1 <= 32, "{:?}", net.peer(ids[0]).own);
    }
    assert!(net.peer(ids[0]).own.0 >= 1);
    net.until_together(5 * SECOND);
}
