//! The cost of joining and leaving by the size of the call; the cost of large calls; the memory
//! cost of a member; and whether opening a frame costs more with many members.
//!
//! Processor time is that of this process alone, so other load matters little.

#![expect(clippy::unwrap_used, reason = "a bench stops when something fails")]

use core::time::Duration;

use sealframe::group::Kem;
use sealframe_benches::{
    groups::{Call, Cost},
    known,
    markdown::{self, bytes},
    primitives::Primitives,
};

#[global_allocator]
static ALLOCATOR: sealframe_testkit::alloc::CountingAllocator =
    sealframe_testkit::alloc::CountingAllocator;

const SIZES: [usize; 6] = [2, 8, 32, 64, 128, 200];
/// Larger calls with X-Wing take too long here.
const MOST_HYBRID: usize = 64;
/// Smaller calls than this get several runs; larger ones get one.
const RUNS: usize = 3;
const FEW: usize = 100;

/// Number of members of a call in which all send.
const CROWD: usize = 200;
const BURST: Duration = Duration::from_secs(10);
/// Number of members of a call in which most listen, and how many of them send.
const AUDIENCE: usize = 1000;
const SPEAKERS: usize = 20;

fn main() {
    // Sections to run, by name.
    let sections = ["sizes", "crowd", "audience", "known"];
    let named: Vec<String> = std::env::args().filter(|arg| sections.contains(&arg.as_str())).collect();
    let is_wanted = |section: &str| named.is_empty() || named.iter().any(|name| name == section);
    if is_wanted("sizes") {
        joining_and_leaving();
    }
    if is_wanted("crowd") {
        crowd();
    }
    if is_wanted("audience") {
        audience();
    }
    if is_wanted("known") {
        known::report();
    }
}

fn joining_and_leaving() {
    println!("# Joining and leaving\n");
    println!(
        "Everybody sends. Processor time of each member; bytes of those who were there before, and of the newcomer.\n"
    );
    for (name, kem, most) in [("X25519", Kem::X25519, CROWD), ("X-Wing", Kem::XWing, MOST_HYBRID)] {
        println!("**{name}**\n");
        markdown::head(
            &[
                "n",
                "join: until together, ms",
                "CPU each, ms",
                "newcomer's",
                "up each",
                "down each",
                "newcomer up",
                "newcomer down",
                "leave: until replaced, ms",
                "CPU each, ms",
                "up each",
                "down each",
                "seal, open, sign, verify alone, µs",
                "CPU to these",
            ],
            0,
        );
        for n in SIZES.into_iter().filter(|n| *n <= most) {
            let (join, leave) = measure(n, kem);
            // A virtual machine's clock varies, so these are measured in the same run.
            let alone = Primitives::measure(kem);
            let Primitives { seal, open, sign, verify } = alone;
            let ratio = markdown::ratio(leave.per_member(), alone.of_a_leave(n));
            markdown::row(&[
                n.to_string(),
                join.until.as_millis().to_string(),
                format!("{:.2}", join.per_member()),
                format!("{:.2}", join.newcomer_processor.as_secs_f64() * 1e3),
                bytes(join.mean.up),
                bytes(join.mean.down),
                bytes(join.newcomer.up),
                bytes(join.newcomer.down),
                leave.until.as_millis().to_string(),
                format!("{:.2}", leave.per_member()),
                bytes(leave.mean.up),
                bytes(leave.mean.down),
                format!("{seal:.0}, {open:.0}, {sign:.0}, {verify:.0}"),
                if n > 2 { ratio } else { "–".to_owned() },
            ]);
        }
        println!();
    }
}

/// The minimum of several runs: disturbances only add time.
fn measure(n: usize, kem: Kem) -> (Cost, Cost) {
    // The n-th member joins, and then leaves.
    let mut call = Call::of(n - 1, kem);
    let mut least: Option<(Cost, Cost)> = None;
    for _ in 0..if n < FEW { RUNS } else { 1 } {
        let (join, leave) = (call.join(true), call.leave());
        let better = |new: Cost, old: Cost| if new.total < old.total { new } else { old };
        least = Some(least.map_or((join, leave), |(j, l)| (better(join, j), better(leave, l))));
    }
    assert_eq!(call.alarms(), 0);
    least.unwrap()
}

/// A row of a table of targets.
fn target(what: &str, measured: f64, most: f64, digits: usize) {
    let verdict = if measured <= most { "met" } else { "missed" };
    markdown::row(&[
        what.to_owned(),
        format!("{measured:.digits$}"),
        format!("{most}"),
        verdict.to_owned(),
    ]);
}

fn kilobytes(len: usize) -> f64 {
    sealframe_benches::turns::as_f64(len) / 1000.0
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Many members who all send: all join within seconds, and one leaves.
fn crowd() {
    println!("# {CROWD} people who all send\n");
    let mut call = Call::new(Kem::X25519);
    let cost = call.burst(CROWD, BURST);
    markdown::head(&["all come within 10 s", "measured", "at most", ""], 1);
    target("sends for each pair", cost.sends_per_pair(), 4.0, 2);
    target("until all are together after the last, s", cost.until.as_secs_f64(), 1.0, 2);
    print_cost(&cost);
    call.calm_down();
    let cost = call.leave();
    println!();
    markdown::head(&["one leaves", "measured", "at most", ""], 1);
    target("until every key is replaced, s", cost.until.as_secs_f64(), 3.0, 2);
    target("down each, kB", kilobytes(cost.mean.down), 100.0, 1);
    target("up each, kB", kilobytes(cost.mean.up), 50.0, 1);
    target("CPU each, ms", cost.per_member(), 60.0, 1);
    print_cost(&cost);
    println!("\nReports of members: {}.\n", call.alarms());
}

/// Costs without a target.
fn print_cost(cost: &Cost) {
    let row = |what: &str, measured: String| {
        markdown::row(&[what.to_owned(), measured, String::new(), String::new()]);
    };
    row("sends to one", bytes(cost.sends.to_one));
    row("sends to all", bytes(cost.sends.to_all));
    let kb = |len| format!("{:.1}", kilobytes(len));
    row("down, mean, kB", kb(cost.mean.down));
    row("of these heartbeats that come anyway, kB", kb(cost.mean.heartbeats));
    row("down, the most, kB", kb(cost.most.down));
    row("up, mean, kB", kb(cost.mean.up));
    row("up, the most, kB", kb(cost.most.up));
    row("CPU, mean, ms", format!("{:.1}", cost.per_member()));
    row("CPU, the most, ms", format!("{:.1}", milliseconds(cost.most_processor)));
}

/// Many members, few of whom send.
fn audience() {
    println!("# {AUDIENCE} people of whom {SPEAKERS} send\n");
    let mut call = Call::of_listeners(AUDIENCE - 1, SPEAKERS, Kem::X25519);
    let cost = call.join(false);
    markdown::head(&["one more listens", "measured", "at most", ""], 1);
    target("newcomer's down, kB", kilobytes(cost.newcomer.down), 200.0, 1);
    target("until all are together, s", cost.until.as_secs_f64(), 1.0, 2);
    markdown::row(&[
        "newcomer's up, kB".to_owned(),
        format!("{:.1}", kilobytes(cost.newcomer.up)),
        String::new(),
        String::new(),
    ]);
    markdown::row(&[
        "newcomer's CPU, ms".to_owned(),
        format!("{:.1}", milliseconds(cost.newcomer_processor)),
        String::new(),
        String::new(),
    ]);
    print_cost(&cost);
    let cost = call.leave();
    println!();
    markdown::head(&["it leaves", "measured", "at most", ""], 1);
    target("down each, kB", kilobytes(cost.listener.down), 20.0, 1);
    let heartbeats = format!("{:.1}", kilobytes(cost.listener.heartbeats));
    let row = ["of these heartbeats that come anyway, kB", &heartbeats, "", ""];
    markdown::row(&row.map(str::to_owned));
    target("until every key that is used is replaced, s", cost.until.as_secs_f64(), 3.0, 2);
    print_cost(&cost);
    println!("\nReports of members: {}.\n", call.alarms());
}
