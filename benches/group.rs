//! What it costs that somebody joins or leaves, by the size of the call; what a member costs in memory; and whether a
//! frame costs more among many.
//!
//! Processor time is of this process alone, so it does not matter much what else the machine does.

#![expect(clippy::unwrap_used, reason = "a bench stops when something fails")]

use sealframe::group::Kem;
use sealframe_benches::{
    groups::{Call, Cost},
    known,
    markdown::{self, bytes},
    primitives::Primitives,
    turns::as_f64,
};

#[global_allocator]
static ALLOCATOR: sealframe_testkit::alloc::CountingAllocator =
    sealframe_testkit::alloc::CountingAllocator;

const SIZES: [usize; 5] = [2, 8, 32, 64, 128];
const RUNS: usize = 3;

/// What the design reckons with, microseconds.
fn designed(kem: Kem) -> Primitives {
    let (seal, open) = if kem == Kem::X25519 { (72.0, 59.0) } else { (118.0, 201.0) };
    Primitives { seal, open, sign: 15.0, verify: 35.0 }
}

/// Bytes of each sender's upload for a leave, by the number before it: an update, and an entry for each other.
fn computed_upload(kem: Kem, n: usize) -> usize {
    let entry = if kem == Kem::X25519 { 97 } else { 1185 };
    238 + entry * n.saturating_sub(2)
}

fn main() {
    // By name, one section.
    if !std::env::args().any(|arg| arg == "known") {
        joining_and_leaving();
    }
    known::report();
}

fn joining_and_leaving() {
    println!("# Joining and leaving\n");
    println!(
        "Everybody sends. Processor time of each member; bytes of one who was there before and stays, and of the newcomer.\n"
    );
    for (name, kem) in [("X25519", Kem::X25519), ("X-Wing", Kem::XWing)] {
        println!("**{name}**\n");
        let designed = designed(kem);
        markdown::head(
            &[
                "n",
                "join: CPU each, ms",
                "up each",
                "down each",
                "newcomer up",
                "newcomer down",
                "leave: CPU each, ms",
                "up each",
                "down each",
                "seal, open, sign, verify alone, µs",
                "to these",
                "to the design's CPU",
                "to its upload",
            ],
            0,
        );
        let mut before: Option<(usize, f64)> = None;
        let mut growth = Vec::new();
        for n in SIZES {
            let (join, leave) = measure(n, kem);
            // The clock of a virtual machine moves: beside each other.
            let alone = Primitives::measure(kem);
            let Primitives { seal, open, sign, verify } = alone;
            let upload = computed_upload(kem, n);
            let leave_ms = leave.per_member() / 1000.0;
            let to = |of: f64, to: f64| if n > 2 { markdown::ratio(of, to) } else { "–".to_owned() };
            markdown::row(&[
                n.to_string(),
                format!("{:.2}", join.per_member() / 1000.0),
                bytes(join.other.up),
                bytes(join.other.down),
                bytes(join.newcomer.up),
                bytes(join.newcomer.down),
                format!("{leave_ms:.2}"),
                bytes(leave.other.up),
                bytes(leave.other.down),
                format!("{seal:.0}, {open:.0}, {sign:.0}, {verify:.0}"),
                to(leave_ms, alone.of_a_leave(n)),
                to(leave_ms, designed.of_a_leave(n)),
                to(as_f64(leave.other.up), as_f64(upload)),
            ]);
            if let Some((smaller, ms)) = before {
                growth.push(format!("{smaller} to {n}: {:.1} times", leave_ms / ms));
            }
            before = Some((n, leave_ms));
        }
        println!("\nA leave's processor time for each member, {}.\n", growth.join(", "));
    }
}

/// The least of several: whatever disturbs can only add.
fn measure(n: usize, kem: Kem) -> (Cost, Cost) {
    // The one who joins is the n-th; then it leaves.
    let mut call = Call::new(n - 1, kem);
    let mut least: Option<(Cost, Cost)> = None;
    for _ in 0..RUNS {
        let (join, leave) = (call.join(), call.leave());
        let better = |new: Cost, old: Cost| if new.total < old.total { new } else { old };
        least = Some(least.map_or((join, leave), |(j, l)| (better(join, j), better(leave, l))));
    }
    least.unwrap()
}
