//! Every byte of every message, changed: refused, and nothing has moved.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use core::time::Duration;

use sealframe_group::{
    Event, GroupError, IdentityKey, Kem, Output, SessionId,
    message::{
        self, Ack, Action, Announce, Body, Control, Evidence, Head, Heartbeat, KeyRequest, KeyUpdate,
        Message,
    },
    verification::{CheckMessage, Stage},
};

use sealframe_testkit::random::Random;

mod common;
use common::{Net, head, insider, stranger, update};

/// What an observer sees of a member: everything but the clock.
fn look(net: &mut Net, of: SessionId) -> String {
    let now = Duration::from_secs(1000);
    let peer = &net.peers[&of];
    format!(
        "{:?} {:?} {:?} {:?}",
        peer.group.state(now),
        peer.group.member_states(now),
        peer.held,
        peer.own
    )
}

/// Changes each byte of a message in turn. `stands` says at which places a change is not noticed by its recipient, or only
/// means that it is for somebody else.
fn flip(net: &mut Net, to: SessionId, bytes: &[u8], stands: impl Fn(usize) -> bool) {
    let before = look(net, to);
    for place in 0..bytes.len() {
        for bit in [0, 7] {
            // What anybody may say in a second is bounded.
            net.now += Duration::from_millis(60);
            let now = net.now;
            let mut changed = bytes.to_vec();
            changed[place] ^= 1 << bit;
            let peer = net.get(to);
            let taken = peer.group.handle_message(&changed, now);
            assert!(stands(place) || taken.is_err(), "byte {place} of type {}: {taken:?}", bytes[1]);
            assert_ne!(taken, Err(GroupError::Busy));
        }
    }
    for len in 0..bytes.len() {
        let now = net.now;
        assert!(net.get(to).group.handle_message(&bytes[..len], now).is_err());
    }
    let now = net.now;
    assert!(net.get(to).group.handle_message(&[bytes, &[0]].concat(), now).is_err());
    assert_eq!(before, look(net, to));
    // No key comes or goes, and nobody. Time has passed, so there may be something to be said.
    let mut rng = Random::new(1);
    let peer = net.get(to);
    loop {
        match peer.group.poll(now, &mut rng) {
            Output::Send { .. } | Output::Event(Event::Silent(_)) => {}
            Output::Wait(_) => break,
            other @ (Output::Event(_)
            | Output::Ratchet
            | Output::Rekey { .. }
            | Output::Install { .. }
            | Output::ForgetGeneration { .. }
            | Output::ForgetBefore(_)
            | Output::Forget { .. }) => panic!("{other:?}"),
        }
    }
}

/// Changes a message of somebody whom the others know, then lets them hear it.
fn signed(body: impl Fn(&[SessionId]) -> Body) {
    let (mut net, all, key, speaker) = insider();
    let bytes = message::sign(&head(speaker), &body(&all), &key);
    flip(&mut net, all[0], &bytes, |_| false);
    let now = net.now;
    net.get(all[0]).group.handle_message(&bytes, now).unwrap();
}

#[test]
fn announce() {
    let (mut net, all, ..) = insider();
    let (.., words) = stranger(20);
    let Body::Announce(announce) = Message::parse(&words).unwrap().body else { panic!() };
    let key = IdentityKey::from_seed(&[20; 32]);
    let announce = Announce { identity: key.public(), ..announce };
    let words = message::sign(&head(SessionId([0x33; 16])), &Body::Announce(announce), &key);
    flip(&mut net, all[0], &words, |_| false);
    let now = net.now;
    net.get(all[0]).group.handle_message(&words, now).unwrap();
}

#[test]
fn key_update() {
    let (mut net, all, key, speaker) = insider();
    let zeros = [0; 32];
    let head = head(speaker);
    let commit = KeyUpdate::commit(&zeros, &head.group, speaker, 1, 0);
    let mut bytes = message::sign(&head, &Body::KeyUpdate(update(1, 1, commit)), &key);
    let entry = net.entry_for(all[0], &key.public(), speaker, &bytes[..KeyUpdate::HEADER_LEN]);
    let recipient = bytes.len()..bytes.len() + 16;
    bytes.extend(entry);
    // Once the entry says that it is for somebody else, what is left is a genuine header: it is noted, and gives no key. That
    // is looked at last.
    let mut but_recipient = bytes.clone();
    let before = look(&mut net, all[0]);
    for place in (0..bytes.len()).filter(|place| !recipient.contains(place)) {
        net.now += Duration::from_millis(60);
        let now = net.now;
        but_recipient[place] ^= 1;
        let taken = net.get(all[0]).group.handle_message(&but_recipient, now);
        assert!(taken.is_err(), "byte {place}");
        but_recipient[place] ^= 1;
    }
    for len in (0..bytes.len()).filter(|&len| len != recipient.start) {
        let now = net.now;
        assert!(net.get(all[0]).group.handle_message(&bytes[..len], now).is_err(), "{len} bytes");
    }
    assert_eq!(before, look(&mut net, all[0]));
    for place in recipient.clone() {
        net.now += Duration::from_millis(60);
        let now = net.now;
        bytes[place] ^= 1;
        let taken = net.get(all[0]).group.handle_message(&bytes, now);
        assert_eq!(taken, if place == recipient.start { Ok(()) } else { Err(GroupError::Stale) });
        bytes[place] ^= 1;
    }
    let now = net.now;
    net.get(all[0]).run(now);
    assert!(!net.peers[&all[0]].held.contains_key(&(9, 1)));
    net.get(all[0]).group.handle_message(&bytes, now).unwrap();
    net.get(all[0]).run(now);
    assert!(net.peers[&all[0]].held.contains_key(&(9, 1)));
}

#[test]
fn key_request() {
    signed(|all| {
        let request = KeyRequest { target: all[0], seq: 0, nonce_number: 1, nonce: [5; 24] };
        Body::KeyRequest(request)
    });
}

#[test]
fn ack() {
    let (mut net, all, ..) = insider();
    // An update of the first, whose ack by the second does not come through.
    let kept = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let ears = std::rc::Rc::clone(&kept);
    let (first, second) = (all[0], all[1]);
    net.drops = Box::new(move |from, to, bytes| {
        let is_it = bytes[1] == 4 && from == second && to == first;
        if is_it {
            *ears.borrow_mut() = bytes.to_vec();
        }
        is_it
    });
    let now = net.now;
    net.get(first).group.rekey(message::Reason::Timer, now);
    net.settle();
    let ack = kept.borrow().clone();
    assert!(matches!(Message::parse(&ack).unwrap().body, Body::Ack(Ack { .. })));
    let before = look(&mut net, first);
    for place in 0..ack.len() {
        let now = net.now;
        let mut changed = ack.clone();
        changed[place] ^= 1;
        assert!(net.get(first).group.handle_message(&changed, now).is_err(), "byte {place}");
    }
    assert_eq!(before, look(&mut net, first));
    net.get(first).group.handle_message(&ack, now).unwrap();
    assert_eq!(net.get(first).group.handle_message(&ack, now), Err(GroupError::Stale));
}

#[test]
fn heartbeat() {
    signed(|_| {
        Body::Heartbeat(Heartbeat {
            seq: 1,
            newest: 0,
            update_hash: [1; 32],
            generation: 0,
            step: 0,
            frames: 3,
            roster_hash: [2; 32],
            view_hash: [3; 32],
            control: 0,
            locked: false,
            nonce_number: 1,
            nonce: [4; 24],
        })
    });
}

#[test]
fn leave() {
    signed(|_| Body::Leave);
}

#[test]
fn control() {
    // Taken from number 1, who may.
    let (mut net, all, ..) = insider();
    let kept = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let ears = std::rc::Rc::clone(&kept);
    net.drops = Box::new(move |_, _, bytes| {
        let is_it = bytes[1] == 7;
        if is_it {
            *ears.borrow_mut() = bytes.to_vec();
        }
        is_it
    });
    net.get(all[0]).group.lock().unwrap();
    net.settle();
    let words = kept.borrow().clone();
    let is_lock = |body| matches!(body, Body::Control(Control { action: Action::Lock, .. }));
    assert!(is_lock(Message::parse(&words).unwrap().body));
    flip(&mut net, all[1], &words, |_| false);
    let now = net.now;
    net.get(all[1]).group.handle_message(&words, now).unwrap();
    assert!(net.get(all[1]).group.state(now).is_locked);
}

#[test]
fn evidence() {
    signed(|_| {
        let key = IdentityKey::from_seed(&[8; 32]);
        let head = Head { kem: Kem::X25519, ..head(SessionId([8; 16])) };
        let update = message::sign(&head, &Body::KeyUpdate(update(1, 1, [1; 32])), &key);
        Body::Evidence(Evidence { updates: vec![update.try_into().unwrap()] })
    });
}

#[test]
fn check() {
    signed(|all| {
        let message = CheckMessage { check: [1; 16], stage: Stage::Start, data: [2; 32] };
        Body::Check { target: all[0], message }
    });
}
