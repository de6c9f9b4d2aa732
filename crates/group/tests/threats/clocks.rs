//! Clocks that are set back, jump or stand still, and policies at their bounds.

use core::time::Duration;

use sealframe_group::{
    Config, Group, GroupError, Kem, Permission, Policy, Role, Time, verification::TrustStore,
};
use sealframe_testkit::random::Random;

use crate::common::{Join, SECOND, SUITE, call, call_of, key_of};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_clock_that_jumps_or_is_set_back_does_no_harm() {
    let (mut net, ids) = call_of(3);
    for (jump, back) in
        [(3600 * SECOND, 3600 * SECOND), (40 * SECOND, 10 * SECOND), (DAY, Duration::ZERO)]
    {
        let peer = net.peers.get_mut(&ids[1]).unwrap();
        peer.clock += jump;
        peer.wake_at = net.now;
        net.run_for(20 * SECOND);
        let peer = net.peers.get_mut(&ids[1]).unwrap();
        peer.clock -= back;
        peer.wake_at = net.now;
        net.run_for(25 * SECOND);
        net.until_together(15 * SECOND);
    }
    // Its token buckets refill too: a leave is answered in time.
    net.run_for(60 * SECOND);
    let generation = net.peer(ids[1]).own.0;
    net.leave(ids[2]);
    net.run_for(3 * SECOND);
    assert!(net.peer(ids[1]).own.0 > generation);
    net.is_together().unwrap();
    net.assert_no_alarms();
}

#[test]
fn a_member_with_a_frozen_clock_is_away_and_returns() {
    let (mut net, ids) = call_of(3);
    let frozen = ids[1];
    net.peers.get_mut(&frozen).unwrap().clock = 1000 * SECOND;
    net.run_for(30 * SECOND);
    for _ in 0..200 {
        net.run_for(SECOND);
        net.peers.get_mut(&frozen).unwrap().clock -= SECOND;
    }
    assert!(!net.peer(ids[0]).sees(net.session(frozen)));
    net.until_together(30 * SECOND);
}

fn enter(policy: Policy) -> Result<(), GroupError> {
    let config = Config {
        group_id: b"a call".to_vec(),
        kem: Kem::X25519,
        suite: SUITE,
        address: Vec::new(),
        role: Role::Participant,
        permission: Permission::None,
        credential: Vec::new(),
        sends: true,
        started_at: u64::MAX,
        policy,
    };
    let rng = &mut Random::new(1);
    Group::new(config, key_of(1), TrustStore::default(), Time::START, rng).map(|_| ())
}

type Field = (&'static str, fn(&mut Policy) -> &mut Duration, u64, u64);

const TIMES: [Field; 9] = [
    ("coalesce_joins", |policy| &mut policy.coalesce_joins, 0, 5),
    ("coalesce_leaves", |policy| &mut policy.coalesce_leaves, 0, 1),
    ("switch_after", |policy| &mut policy.switch_after, 0, 5),
    ("max_leave_delay", |policy| &mut policy.max_leave_delay, 0, 10),
    ("timed_rekey", |policy| &mut policy.timed_rekey, 60, 86_400),
    ("rekey_budget", |policy| &mut policy.rekey_budget, 1, 3600),
    ("heartbeat", |policy| &mut policy.heartbeat, 1, 60),
    ("prekey_life", |policy| &mut policy.prekey_life, 10, 3600),
    ("mismatch_after", |policy| &mut policy.mismatch_after, 1, 60),
];

#[test]
fn policies_outside_their_bounds_are_rejected_by_name() {
    let nanosecond = Duration::from_nanos(1);
    for (name, field, least, most) in TIMES {
        let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
        for time in [least, most] {
            let mut policy = Policy::default();
            *field(&mut policy) = time;
            assert_eq!(enter(policy), Ok(()), "{name} {time:?}");
        }
        let below = least.checked_sub(nanosecond);
        for time in below.into_iter().chain([most + nanosecond, Duration::MAX]) {
            let mut policy = Policy::default();
            *field(&mut policy) = time;
            assert_eq!(enter(policy), Err(GroupError::Policy(name)), "{time:?}");
        }
    }
    for (missed, is_fine) in [(2, false), (3, true), (60, true), (61, false), (u32::MAX, false)] {
        let policy = Policy { missed_heartbeats_until_lost: missed, ..Policy::default() };
        assert_eq!(enter(policy).is_ok(), is_fine, "{missed}");
    }
    for (members, is_fine) in [(1, false), (2, true), (1024, true), (1025, false), (usize::MAX, false)]
    {
        let policy = Policy { max_members: members, ..Policy::default() };
        assert_eq!(enter(policy).is_ok(), is_fine, "{members}");
    }
}

#[test]
fn calls_run_with_every_time_at_its_bounds() {
    for is_least in [true, false] {
        let mut policy = Policy::default();
        for (_, field, least, most) in TIMES {
            *field(&mut policy) = Duration::from_secs(if is_least { least } else { most });
        }
        policy.missed_heartbeats_until_lost = if is_least { 3 } else { 60 };
        let people: Vec<Join> = (1..=4).map(|person| Join { policy, ..Join::of(person) }).collect();
        let (mut net, ids) = call(&people);
        net.run_for(if is_least { 600 * SECOND } else { 2 * DAY / 10 });
        net.is_together().unwrap();
        net.leave(ids[3]);
        net.run_for(11 * SECOND);
        net.is_together().unwrap();
        net.assert_no_alarms();
    }
}
