//! Who opens what, as people come and go.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::{cell::Cell, time::Duration};
use std::rc::Rc;

use sealframe_group::{Departure, Event, GroupError, Kem, Output, Policy, Power, Reason};

mod common;
use common::{Net, Peer};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn everybody_opens_everybody_whatever_the_kem() {
    for kem in [Kem::X25519, Kem::XWing] {
        let mut net = Net::new();
        for number in 1..=5 {
            let peer = Peer::with(number, kem, Power::None, Policy::default(), net.now);
            net.add(peer);
            net.pass(SECOND);
        }
        assert!(net.all_open_all(), "{kem:?}");
        let codes: Vec<_> = net.peers.values().map(|peer| peer.group.call_code()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn many_who_come_at_once_open_everybody() {
    let mut net = Net::new();
    for number in 1..=12 {
        net.join(number);
    }
    net.pass(2 * SECOND);
    assert!(net.all_open_all());
    assert!(net.errors.iter().all(|error| matches!(error, GroupError::UnknownMember(_))));
}

#[test]
fn a_stream_of_joins_leaves_nobody_deaf() {
    let mut net = Net::new();
    let alice = net.join(1);
    net.join(2);
    net.pass(SECOND);
    // One never acknowledges.
    let silent = net.join(3);
    net.drops = Box::new(move |from, _, bytes| from == silent && bytes[1] == 4);
    let mut joined = Vec::new();
    for number in 4..50 {
        joined.push((net.now, net.join(number)));
        net.pass(Duration::from_millis(600));
    }
    let now = net.now;
    let opens = net.who_opens(alice, 1);
    for (at, session) in joined.into_iter().filter(|&(at, _)| at + 3 * SECOND <= now) {
        assert!(opens.contains(&session), "joined at {at:?}, now {now:?}");
    }
}

#[test]
fn a_joiner_opens_nothing_from_before() {
    let mut net = Net::new();
    let alice = net.join(1);
    net.join(2);
    net.pass(SECOND);
    let before = net.get(alice).own.clone();
    let carol = net.join(3);
    net.pass(SECOND);
    assert!(net.all_open_all());
    assert!(!net.get(carol).opens(1, &before), "the key from before");
}

#[test]
fn a_leaver_opens_nothing_after_three_seconds() {
    let mut net = Net::new();
    let alice = net.join(1);
    net.join(2);
    let carol = net.join(3);
    net.pass(3 * SECOND);
    let mut left = net.peers.remove(&carol).unwrap();
    let held = core::mem::take(&mut left.held);
    for output in left.group.leave() {
        if let Output::Send { to, message } = output {
            net.carry(carol, to, &message);
        }
    }
    net.pass(3 * SECOND);
    assert!(net.all_open_all());
    let own = &net.peers[&alice].own;
    assert!(!held.contains_key(&(1, own.0)), "the generation is new");
    let alice = net.get(alice);
    assert!(alice.events.contains(&Event::Left { session: carol, why: Departure::Left }));
}

#[test]
fn who_is_in_the_call_is_said_soon_after_that_has_changed() {
    const HEARTBEAT: u8 = 5;
    let mut net = Net::new();
    let alice = net.join(1);
    net.join(2);
    net.pass(12 * SECOND);
    let said = Rc::new(Cell::new(0));
    let count = Rc::clone(&said);
    net.drops = Box::new(move |from, _, bytes| {
        count.set(count.get() + u32::from(from == alice && bytes[1] == HEARTBEAT));
        false
    });
    while said.get() == 0 {
        net.pass(Duration::from_millis(100));
    }
    net.pass(5 * SECOND);
    assert_eq!(said.get(), 1, "nothing has changed");
    net.join(3);
    net.pass(3 * SECOND);
    assert!(said.get() > 1);
}

#[test]
fn what_came_before_a_key_is_wiped_10_s_after_that_has_opened_a_frame() {
    let mut net = Net::new();
    let alice = net.join(1);
    let bob = net.join(2);
    net.pass(SECOND);
    let now = net.now;
    net.get(alice).group.rekey(Reason::Suspicion, now);
    net.pass(3 * SECOND);
    let (generation, step, _) = net.get(alice).own;
    let holds = |net: &Net, generation| net.peers[&bob].held.contains_key(&(1, generation));
    assert!(generation == 1 && holds(&net, 0) && holds(&net, 1));
    let now = net.now;
    net.get(bob).group.opened(1, generation, step, now);
    net.pass(Duration::from_millis(9_900));
    assert!(holds(&net, 0), "late frames open");
    net.pass(Duration::from_millis(100));
    assert!(!holds(&net, 0) && holds(&net, 1));
}
