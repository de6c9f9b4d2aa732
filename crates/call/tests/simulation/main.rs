//! Calls of 2 to 50 people over a server that loses, repeats, reorders and misbehaves, while people
//! join, leave, crash, sleep, reload, and are locked out and removed.
//!
//! An oracle knows the members at every time. In every run every frame that a member should open
//! opens, and no other frame opens for any member.
//!
//! `SEALFRAME_RUNS=1000 cargo test --release -p sealframe --test simulation -- --nocapture` runs it
//! a thousand times and prints statistics. Without the variable there are fewer runs.
//! `SEALFRAME_SEED` repeats one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::enum_variant_names,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

mod oracle;
mod person;
mod run;
mod server;

use std::{env, thread};

use oracle::Counts;

#[test]
fn every_frame_that_should_open_opens_and_no_other() {
    if let Ok(seed) = env::var("SEALFRAME_SEED") {
        println!("{:#?}", run::run(seed.parse().unwrap()));
        return;
    }
    let runs: u64 = env::var("SEALFRAME_RUNS").map_or(18, |runs| runs.parse().unwrap());
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let counts = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let seeds = (0..runs).filter(move |seed| seed % threads == worker);
                scope.spawn(move || seeds.map(run::run).fold(Counts::default(), |a, b| a + b))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Counts::default(), |a, b| a + b)
    });
    println!("{counts:#?}");
    assert_eq!(counts.runs, runs);
    // All of it must have happened, or it was not tested.
    assert!(counts.opened > 1000 * runs && counts.joins > 2 * runs && counts.leaves > runs);
    assert!(counts.lost_messages > 0 && counts.repeated_messages > 0 && counts.forged_messages > 0);
    assert!(counts.reloads > 0 && counts.pauses > 0 && counts.orders > 0 && counts.thrown_out > 0);
    assert!(counts.shut_to_who_left > 0 && counts.shut_to_who_came_later > 0);
    // Few frames are excused: those whose keys had not arrived.
    assert!(counts.excused * 10 < counts.opened, "{} of {}", counts.excused, counts.opened);
}
