//! The cost of deployed formats compared with RFC 9605:
//! `cargo bench -p sealframe-benches --bench profiles`.
//!
//! All use AES-128-GCM with the same backend and the same number of encrypted bytes; clear bytes
//! come on top. ring and aws-lc-rs cannot open DAVE's tags of 64 bits, so the kernel, which this
//! build has, opens them.
//!
//! Contestants take turns, as in `compare`. Prints Markdown. RFC 9605 enters twice, to show the
//! precision of the ratios. `-- ring` measures one backend only.

use core::time::Duration;
use std::env;

use sealframe_benches::{
    Direction, batch_len,
    frames::BACKENDS,
    markdown::{self, bytes, ratio, time},
    profiles::{self, Profile},
    roster::Contestant,
    turns::medians,
};

/// Frame length of the target.
const AT: usize = 1200;
/// Allowed time of a format relative to RFC 9605, without escaping.
const TARGET: f64 = 1.25;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    // `cargo bench` passes it; `cargo test` does not.
    let measured = args.iter().any(|arg| arg == "--bench");
    let named = |name: &str| args.iter().any(|arg| arg == name);
    let chosen = BACKENDS.iter().any(|(name, _)| named(name));
    let sizes: &[usize] = if measured { &[160, AT, 16_384, 200_000] } else { &[160] };
    let budget = if measured { Duration::from_millis(1500) } else { Duration::ZERO };
    let mut missed = vec![];
    println!("### Formats that run today, AES-128-GCM\n");
    let mut columns = vec!["", "", "bytes", "RFC 9605", "again"];
    columns.extend(Profile::ALL.map(Profile::name));
    markdown::head(&columns, 2);
    for &(name, backend) in BACKENDS.iter().filter(|(name, _)| !chosen || named(name)) {
        for direction in Direction::BOTH {
            for &len in sizes {
                let all = profiles::contestants(direction, backend, len);
                let turns: Vec<&Contestant> = all.iter().chain(&all[..1]).collect();
                let took = medians(&turns, batch_len(len), budget);
                let rfc = took[0];
                let mut row = vec![name.to_owned(), direction.name().to_owned(), bytes(len)];
                row.extend([time(rfc), ratio(took[took.len() - 1], rfc)]);
                row.extend((1..all.len()).map(|place| ratio(took[place], rfc)));
                markdown::row(&row);
                for (profile, &ns) in Profile::ALL.iter().zip(&took[1..]) {
                    if len == AT && !profile.is_escaped() && ns > TARGET * rfc {
                        missed.push(format!("{} {} on {name}", profile.name(), direction.name()));
                    }
                }
            }
        }
    }
    markdown::verdict("at 1,200 bytes at most 1.25 of RFC 9605, H.264's escapes aside", &missed);
}
