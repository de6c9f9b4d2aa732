//! The costs of floods, strangers and excluded clients.

use sealframe_group::{
    Event, GroupError, Policy,
    message::{Body, Forward, Request, Wants},
};

use crate::common::{Join, LEAVE, MILLI, Net, SECOND, Stranger, call, call_of};

#[test]
fn messages_of_a_flooding_member_are_dropped_until_it_slows_down() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, flood] = ids[..] else { panic!() };
    let session = net.session(flood);
    let target = net.session(alice);
    let request = net.sign(flood, &Body::Request(Request { target, wants: Wants::KEYS }));
    let leave = net.sign(flood, &Body::Leave);
    net.crash(flood);
    net.run_for(10 * SECOND);
    let busy = |net: &mut Net| net.hand(alice, &request) == Err(GroupError::Busy);
    let refused = (0..1000).filter(|_| busy(&mut net)).count();
    assert_eq!(refused, 1000 - 100, "a burst of 100");
    // 20 a second pass, at uneven intervals too.
    let mut heard = 0;
    for _ in 0..200 {
        net.run_for(30 * MILLI);
        heard += u32::from(!busy(&mut net));
    }
    assert_eq!(heard, 120, "in 6 s");
    // The others are heard, and so is it after a while.
    net.run_for(2 * SECOND);
    net.with(bob, |peer, now| peer.group.rekey(sealframe_group::Reason::Timer, now));
    net.run_for(3 * SECOND);
    assert!(net.peer(alice).opens(net.peer(bob)));
    assert_eq!((leave[1], net.hand(alice, &leave)), (LEAVE, Ok(())));
    assert!(!net.peer(alice).sees(session));
}

#[test]
fn a_flood_of_requests_is_answered_once_a_second() {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    let wants = Wants::KEYS.and(Wants::HEARTBEAT).and(Wants::ANNOUNCE);
    let target = net.session(alice);
    let request = net.sign(bob, &Body::Request(Request { target, wants }));
    net.drops = Box::new(move |from, _, _| from == bob);
    let before = net.bytes_up[&alice];
    let wants = Wants::NEW_KEYS;
    let renew = net.sign(bob, &Body::Request(Request { target, wants }));
    for _ in 0..200 {
        net.run_for(50 * MILLI);
        let _ = net.hand(alice, &request);
        let _ = net.hand(alice, &renew);
    }
    let bytes = net.bytes_up[&alice] - before;
    assert!(bytes < 12 * 2000, "{bytes} bytes in 10 s");
    assert!(net.peer(alice).own.0 <= 12, "{} generations", net.peer(alice).own.0);
}

#[test]
fn signatures_in_forwards_cost_the_forwarding_member() {
    let (mut net, ids) = call_of(3);
    let [alice, bob, other] = ids[..] else { panic!() };
    net.run_for(10 * SECOND);
    let mut heartbeat = net.heartbeat_of(bob);
    let messages = (0..90).map(|_| net.sign(other, &Body::Leave)).collect();
    let forward = net.sign(bob, &Body::Forward(Forward { messages }));
    net.hand(alice, &forward).unwrap();
    // 91 of 100 tokens are spent, one of them for the forward itself.
    for more in 1..=12 {
        heartbeat.seq = 1000 + more;
        let bytes = net.sign(bob, &Body::Heartbeat(heartbeat.clone()));
        let heard = net.hand(alice, &bytes);
        assert_eq!(heard == Err(GroupError::Busy), more > 9, "{more}: {heard:?}");
    }
}

#[test]
fn after_2048_strangers_64_a_second_are_examined() {
    let policy = Policy { max_members: 1024, ..Policy::default() };
    let (mut net, ids) = call(&[Join { policy, ..Join::of(1) }]);
    net.peers.get_mut(&ids[0]).unwrap().is_undecided = true;
    let mut person = 1000;
    let mut looked_at = |net: &mut Net, many| {
        let heard = (0..many).map(|_| {
            person += 1;
            let stranger = Stranger::with(person, |announce| announce.media_suite = 5);
            net.hand(ids[0], &stranger.message)
        });
        let heard: Vec<_> = heard.collect();
        let is_known =
            |heard: &Result<_, _>| matches!(heard, Err(GroupError::OtherSuite | GroupError::Busy));
        assert!(heard.iter().all(is_known));
        heard.into_iter().filter(|heard| *heard == Err(GroupError::OtherSuite)).count()
    };
    assert_eq!(looked_at(&mut net, 2100), 2048);
    for _ in 0..2 {
        net.run_for(SECOND);
        assert_eq!(looked_at(&mut net, 100), 64);
    }
}

#[test]
fn strangers_cost_bounded_work_and_memory() {
    let (mut net, ids) = call_of(2);
    net.peers.get_mut(&ids[0]).unwrap().is_undecided = true;
    let mut refused = 0;
    for person in 100..1000 {
        refused += u32::from(net.hand(ids[0], &Stranger::of(person).message).is_err());
    }
    let waiting = net.peer(ids[0]).group.state(net.now).waiting.len();
    // Some of them have the same member id.
    assert!(waiting <= 256 && waiting > 250, "{waiting}");
    assert_eq!(refused as usize, 900 - waiting);
    net.run_for(101 * SECOND);
    assert_eq!(net.peer(ids[0]).group.state(net.now).waiting.len(), 0, "they expire");
}

/// Five members, and one excluded client that keeps trying for ten minutes.
#[test]
fn an_excluded_client_that_keeps_trying_costs_little() {
    for what in ["locked", "refused", "full", "undecided"] {
        let policy = Policy { max_members: if what == "full" { 5 } else { 256 }, ..Policy::default() };
        let join = |person| Join { policy, ..Join::of(person) };
        let people = [Join { policy, ..Join::moderator(1) }, join(2), join(3), join(4), join(5)];
        let (mut net, ids) = call(&people);
        for id in &ids {
            let peer = net.peers.get_mut(id).unwrap();
            match what {
                "refused" => peer.refuses = [9].into(),
                "undecided" => peer.is_undecided = true,
                _ => {}
            }
        }
        if what == "locked" {
            net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
        }
        net.run_for(30 * SECOND);
        let events = |net: &Net| ids.iter().map(|id| net.peer(*id).events.len()).sum::<usize>();
        let quiet = (net.sends, events(&net));
        net.run_for(600 * SECOND);
        let alone = net.sends - quiet.0;
        let outside = net.join(&Join::of(9));
        let before = (net.sends, events(&net));
        net.run_for(600 * SECOND);
        let (more, told) = (net.sends - before.0 - alone.min(net.sends), events(&net) - before.1);
        println!("{what}: {more} messages more than {alone}, {told} events inside");
        assert!(more < 1000, "{what}: {more}");
        assert!(told <= 5 * 25, "{what}: {told}");
        let session = net.session(outside);
        assert!(ids.iter().all(|&id| !net.peer(id).sees(session)));
        // It is told the reason unless no application has decided, and at most once a minute.
        let is_told = |event: &Event| matches!(event, Event::NotAdmitted { .. });
        let told = net.peer(outside).events.iter().filter(|(_, event)| is_told(event)).count();
        assert_eq!(told > 0, what != "undecided", "{what}: {told}");
        assert!(told <= 11, "{what}: {told}");
    }
}

/// Thirty sessions join at once, and one of them never acknowledges a key.
#[test]
fn thirty_members_that_join_at_once_open_each_other() {
    let mut net = Net::new(1);
    let silent = net.join(&Join::of(1));
    net.drops = Box::new(move |from, _, bytes| from == silent && bytes[1] == crate::common::ACK);
    for person in 2..=30 {
        net.join(&Join::of(person));
    }
    let took = net.until_together(5 * SECOND);
    assert!(took <= 2 * SECOND, "{took:?}");
    assert!(net.sends <= 8 * 30 * 29, "{}", net.sends);
    net.run_for(60 * SECOND);
    net.is_together().unwrap();
}

#[test]
fn every_member_of_a_stream_of_joins_opens_frames() {
    let (mut net, ids) = call_of(2);
    let silent = net.join(&Join::of(3));
    net.drops = Box::new(move |from, _, bytes| from == silent && bytes[1] == crate::common::ACK);
    let mut joined = Vec::new();
    for person in 4..50 {
        joined.push((net.now, net.join(&Join::of(person))));
        net.run_for(600 * MILLI);
    }
    let opens = net.who_opens(ids[0]);
    for (at, address) in joined.into_iter().filter(|&(at, _)| at + 3 * SECOND <= net.now) {
        assert!(opens.contains(&address), "joined at {at:?}, now {:?}", net.now);
    }
}
