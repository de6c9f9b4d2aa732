//! All states that a call of two to four members can reach within bounds under an adversarial
//! network.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test; parts of it are shared"
)]

mod explore;
mod ghost;
#[path = "../common/net.rs"]
mod net;
mod world;

use explore::{Bounds, explore, reach};
use world::{Action, Fault, Harm, Scenario};

/// Each kind of harm once.
const ONCE: Harm = Harm { drops: 1, overtakes: 1, repeats: 1, holds: 1 };

fn scenarios() -> Vec<Scenario> {
    use Action::{Apart, Crash, Join, Leave, Lock, Mistake, Pass, Remove, Sleep, Unlock};
    let of = |name, people, commands: &[Action]| Scenario {
        name,
        people,
        commands: commands.to_vec(),
        harm: ONCE,
        fault: None,
    };
    vec![
        of("a join crosses a lock", 3, &[Lock(1), Join(4), Unlock(2)]),
        of("moderators remove each other", 3, &[Remove(1, 2), Remove(2, 1), Lock(1)]),
        of("a removed member rejoins", 3, &[Remove(1, 3), Join(3), Unlock(2)]),
        of("a removal, and its moderator leaves", 3, &[Remove(1, 3), Leave(1), Join(4)]),
        of("a page is reloaded", 3, &[Crash(3), Join(3), Mistake(1, 3), Join(2)]),
        of("dropped by mistake", 3, &[Mistake(1, 3), Mistake(3, 1), Leave(2), Pass(35)]),
        of("a machine sleeps", 3, &[Sleep(3, 101), Lock(1), Remove(2, 3), Join(4)]),
        of("apart", 3, &[Apart(1, 101), Lock(1), Lock(2), Join(3)]),
        of("two people", 2, &[Lock(1), Unlock(2), Mistake(1, 2), Join(2)]),
        of("four people", 4, &[Remove(1, 2), Lock(2), Leave(3), Join(4)]),
    ]
}

/// Bounds, which `SEALFRAME_DEPTH` widens.
fn bounds() -> Bounds {
    let depth = std::env::var("SEALFRAME_DEPTH").ok().and_then(|depth| depth.parse().ok());
    depth.map_or(Bounds { depth: 2, states: 10_000, one_leaf_of: 4 }, |depth| Bounds {
        depth,
        states: 5_000,
        one_leaf_of: 10,
    })
}

#[test]
fn every_state_is_safe_and_every_end_is_good() {
    let only = std::env::var("SEALFRAME_SCENARIO").unwrap_or_default();
    let (mut states, mut moments, mut leaves) = (0, 0, 0);
    let mut failures = Vec::new();
    for scenario in scenarios().into_iter().filter(|scenario| scenario.name.contains(&only)) {
        let found = explore(&scenario, bounds());
        println!("{}: {found:?}", scenario.name);
        states += found.states;
        moments += found.moments;
        leaves += found.leaves;
        for (path, what) in found.failures {
            println!("{} {path:?}\n  {what}", scenario.name);
            println!("{}", reach(&scenario, &path).describe());
            failures.push((scenario.name, path, what));
        }
    }
    println!("{states} states, {moments} moments, {leaves} ends");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn each_check_finds_its_planted_fault() {
    use Action::{Join, Lock, Mistake, Remove};
    let faults = [
        (Fault::DeliversToDeparted, Mistake(1, 3), "a key after it departed"),
        (Fault::DeliversOldKey, Join(4), "a key from before"),
        (Fault::IgnoresOrders, Remove(1, 3), "a removed session is back"),
        (Fault::ClaimsOrders, Lock(1), "its orders say locked"),
        (Fault::ClaimsOrders, Remove(1, 3), "is in against"),
        (Fault::Panics, Lock(1), "panic: planted"),
        (Fault::LosesAlways, Join(4), "after a fair time"),
        (Fault::Reports, Lock(1), "equivocation"),
    ];
    for (fault, command, expected) in faults {
        let scenario = Scenario {
            name: "a planted fault",
            people: 3,
            commands: vec![command],
            harm: Harm { repeats: 1, ..Harm::default() },
            fault: Some(fault),
        };
        let found = explore(&scenario, Bounds { depth: 2, states: 10_000, one_leaf_of: 1 });
        let is_found = found.failures.iter().any(|(_, what)| what.contains(expected));
        assert!(is_found, "{fault:?} {expected}: {:?}", found.failures);
    }
}
