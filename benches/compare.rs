//! The main comparison: `cargo bench -p sealframe-benches --bench compare`.
//!
//! Prints Markdown and draws `benches/compare.svg`, in about three minutes. Arguments, after `--`:
//!
//! * `--title "<machine, date>"`: the heading of the tables and the plot;
//! * names of sections to run: `frames`, `suites`, `batches`, `threads`, `receivers`, `headers`,
//!   `keys`. The plot belongs to `frames`.
//!
//! All contestants run in one process and take turns, batch by batch, in a rotating order; their
//! medians are compared. So a varying clock or other load affects all alike. One contestant enters
//! twice, to show the precision of the ratios.
#![expect(clippy::unwrap_used, reason = "a bench stops when something fails")]

use core::time::Duration;
use std::{env, fs, thread};

use sealframe_benches::{
    Direction, Operation, SIZES, SUITE, batch_len,
    frames::BACKENDS,
    headers, keys,
    markdown::{self, bytes, ratio, time},
    plot::{self, Dash, Line, Panel},
    receivers::{self, Arrival, Call, Eviction, RECEIVERS, SENDERS},
    roster::{self, Contestant, Role},
    threads,
    turns::medians,
};
use sealframe_crypto::CipherSuite;
use sealframe_wire::{Ctr, Header, Kid};

const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compare.svg");

/// The allowed time of an AES-CTR and HMAC suite, relative to the primitives of the best library.
const CTR_HMAC_TARGET: f64 = 1.10;
/// The required speed-up by a second thread.
const THREADS_TARGET: f64 = 1.8;

/// The thoroughness of a run. `cargo test` only checks that everything runs.
struct Effort {
    measured: bool,
    sizes: Vec<(&'static str, usize)>,
    senders: Vec<usize>,
}

impl Effort {
    fn new(measured: bool) -> Self {
        if measured {
            Self { measured, sizes: SIZES.to_vec(), senders: SENDERS.to_vec() }
        } else {
            Self { measured, sizes: SIZES[..2].to_vec(), senders: vec![1, 3] }
        }
    }

    fn budget(&self, milliseconds: u64) -> Duration {
        if self.measured { Duration::from_millis(milliseconds) } else { Duration::ZERO }
    }

    fn up_to(&self, most: usize) -> impl Iterator<Item = (&'static str, usize)> {
        self.sizes.iter().copied().filter(move |size| size.1 <= most)
    }
}

fn main() {
    let mut args = env::args().skip(1);
    let (mut measured, mut title, mut sections) = (false, None, vec![]);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // `cargo bench` passes it; `cargo test` does not.
            "--bench" => measured = true,
            "--title" => title = args.next(),
            _ if arg.starts_with('-') => {}
            _ => sections.push(arg),
        }
    }
    let effort = Effort::new(measured);
    let wanted = |name: &str| sections.is_empty() || sections.iter().any(|section| section == name);
    // Before anything else has used and freed memory.
    let most = effort.senders.iter().copied().max().unwrap_or_default();
    let memory = wanted("receivers").then(|| receivers::memory(most)).flatten();

    roster::assert_libraries_agree();
    println!("## {}\n", title.as_deref().unwrap_or("Comparison"));
    println!("{}", machine());
    if wanted("frames") {
        frames(&effort, title.as_deref());
    }
    if wanted("suites") {
        suites(&effort);
    }
    if wanted("batches") {
        batches(&effort);
    }
    if wanted("threads") {
        two_threads(&effort);
    }
    if wanted("receivers") {
        many_senders(&effort, memory);
    }
    if wanted("headers") {
        header_times(&effort);
    }
    if wanted("keys") {
        key_times(&effort);
    }
}

fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| env::consts::ARCH.to_owned());
    let flags = value("flags").unwrap_or_default();
    let has = |flag: &&str| flags.split(' ').any(|word| word == *flag);
    let flags: Vec<&str> =
        ["aes", "avx2", "vaes", "vpclmulqdq", "avx512f", "sha_ni"].into_iter().filter(has).collect();
    let count = thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {count} processors; {}.", flags.join(" "))
}

/// All contestants' times at one length.
struct Cell {
    direction: Direction,
    len: usize,
    figures: Vec<(String, Role, f64)>,
}

impl Cell {
    /// `again` names the contestant that enters twice.
    fn measure(
        direction: Direction,
        suite: CipherSuite,
        len: usize,
        budget: Duration,
        again: Option<&str>,
    ) -> (Self, Option<f64>) {
        let all = roster::contestants(direction, suite, len);
        let twice = all.iter().position(|who| Some(who.name.as_str()) == again);
        let turns: Vec<&Contestant> = all.iter().chain(twice.map(|who| &all[who])).collect();
        let took = medians(&turns, batch_len(len), budget);
        let against_itself = twice.map(|who| took[all.len()] / took[who]);
        let figures = all.into_iter().zip(took).map(|(who, ns)| (who.name, who.role, ns)).collect();
        (Self { direction, len, figures }, against_itself)
    }

    fn of(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.0 == name).map(|figure| figure.2)
    }

    /// The best contestant of a role.
    fn best(&self, role: Role) -> (&str, f64) {
        let in_role = self.figures.iter().filter(|figure| figure.1 == role);
        let best = in_role.min_by(|one, other| one.2.total_cmp(&other.2)).unwrap();
        (&best.0, best.2)
    }
}

fn frames(effort: &Effort, title: Option<&str>) {
    let (first, _) = roster::backends(SUITE).swap_remove(0);
    let (mut cells, mut against_itself) = (vec![], vec![]);
    for direction in Direction::BOTH {
        for (_, len) in effort.up_to(usize::MAX) {
            let budget = effort.budget(4000);
            let (cell, noise) = Cell::measure(direction, SUITE, len, budget, Some(&first));
            cells.push(cell);
            against_itself.extend(noise);
        }
    }
    println!("\n### Frames, suite 4 (AES-128-GCM)\n");
    print_times(&cells);
    println!();
    print_ratios(&cells);
    let (low, high) = against_itself
        .into_iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)));
    println!("\nEntered twice, {first} came to {low:.3} to {high:.3} of itself.");
    if effort.measured {
        fs::write(PLOT, drawing(&cells, title)).unwrap();
    }
}

fn print_times(cells: &[Cell]) {
    let names = cells[0].figures.iter().map(|figure| figure.0.as_str());
    let columns: Vec<&str> = ["", "bytes"].into_iter().chain(names).collect();
    markdown::head(&columns, 1);
    for cell in cells {
        let times = cell.figures.iter().map(|figure| time(figure.2));
        let start = [cell.direction.name().to_owned(), bytes(cell.len)];
        markdown::row(&start.into_iter().chain(times).collect::<Vec<_>>());
    }
}

/// Each backend against its library, against the best library, and against the `sframe` crate.
fn print_ratios(cells: &[Cell]) {
    markdown::head(
        &[
            "",
            "bytes",
            "backend",
            "over its library alone",
            "ratio to that",
            "ratio to the best library alone",
            "sframe crate to it",
            "sframe crate, default, to it",
        ],
        1,
    );
    for (name, _) in roster::backends(SUITE) {
        let library = name.trim_start_matches("sealframe ");
        for cell in cells {
            let Some(ours) = cell.of(&name) else {
                continue;
            };
            let own = cell.of(&format!("{library} alone"));
            let none = || "–".to_owned();
            let peer = |name| cell.of(name).map_or_else(none, |peer| ratio(peer, ours));
            markdown::row(&[
                cell.direction.name().to_owned(),
                bytes(cell.len),
                library.to_owned(),
                own.map_or_else(none, |own| format!("{:+.1} ns", ours - own)),
                own.map_or_else(none, |own| ratio(ours, own)),
                ratio(ours, cell.best(Role::Bare).1),
                peer("sframe crate"),
                peer("sframe crate, default"),
            ]);
        }
    }
}

fn drawing(cells: &[Cell], title: Option<&str>) -> String {
    let panel = |direction: Direction| {
        let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.direction == direction).collect();
        let line = |(name, role, _): &(String, Role, f64)| Line {
            name: name.clone(),
            dash: match role {
                Role::Ours => Dash::Bold,
                Role::Bare => Dash::Dashed,
                Role::Peer => Dash::Dotted,
            },
            points: cells.iter().filter_map(|cell| Some((cell.len, cell.of(name)?))).collect(),
        };
        Panel { name: direction.name(), lines: cells[0].figures.iter().map(line).collect() }
    };
    let title = title.map_or_else(String::new, |title| format!(": {title}"));
    plot::svg(&format!("SFrame, AES-128-GCM{title}"), &Direction::BOTH.map(panel))
}

fn suites(effort: &Effort) {
    println!("\n### Suites\n");
    let first = BACKENDS[0].0;
    println!("By {first} where it is GCM, and the ratio to the best library's bare primitives.\n");
    let sizes: Vec<_> = effort.up_to(16_384).collect();
    let labels: Vec<String> = sizes.iter().map(|size| format!("{} bytes", bytes(size.1))).collect();
    let mut columns = vec!["suite", ""];
    for label in &labels {
        columns.extend([label.as_str(), "ratio"]);
    }
    columns.push("best");
    markdown::head(&columns, 2);
    let mut missed = vec![];
    for suite in CipherSuite::ALL {
        let (name, _) = roster::backends(suite).swap_remove(0);
        for direction in Direction::BOTH {
            let mut row = vec![suite.id().to_string(), direction.name().to_owned()];
            let mut winners = vec![];
            for &(_, len) in &sizes {
                let (cell, _) = Cell::measure(direction, suite, len, effort.budget(700), None);
                let (ours, (winner, bare)) = (cell.of(&name).unwrap(), cell.best(Role::Bare));
                row.extend([time(ours), ratio(ours, bare)]);
                if !winners.iter().any(|known| known == winner) {
                    winners.push(winner.to_owned());
                }
                let is_gcm = matches!(suite.id(), 4 | 5);
                if !is_gcm && ours / bare > CTR_HMAC_TARGET {
                    let (id, what) = (suite.id(), direction.name());
                    missed.push(format!("suite {id} {what} {len} ({:.3})", ours / bare));
                }
            }
            row.push(winners.join("; "));
            markdown::row(&row);
        }
    }
    markdown::verdict("AES-CTR-HMAC at most 1.10 of the best library's primitives", &missed);
}

fn batches(effort: &Effort) {
    println!("\n### Batches, suite 4\n");
    println!("A frame's share when a call takes so many.\n");
    let labels = roster::AT_ONCE.map(|frames| format!("{frames} at once"));
    let mut columns = vec!["backend", "", "bytes"];
    columns.extend(labels.iter().map(String::as_str));
    columns.push("16 to 1");
    markdown::head(&columns, 2);
    for (name, backend) in roster::backends(SUITE) {
        for direction in Direction::BOTH {
            for (_, len) in effort.up_to(1200) {
                let all = roster::at_once(direction, SUITE, (&name, backend), len);
                let turns: Vec<&Contestant> = all.iter().collect();
                let took = medians(&turns, batch_len(len), effort.budget(500));
                let mut row = vec![name.clone(), direction.name().to_owned(), bytes(len)];
                row.extend(took.iter().map(|&ns| time(ns)));
                row.push(ratio(took[took.len() - 1], took[0]));
                markdown::row(&row);
            }
        }
    }
}

fn two_threads(effort: &Effort) {
    println!("\n### Threads, suite 4\n");
    println!("Million frames a second, each thread with a sender or a receiver of its own.\n");
    let columns = ["backend", "", "bytes", "1 thread", "2 threads", "factor", "by total time"];
    markdown::head(&columns, 2);
    let mut missed = vec![];
    for (name, _) in roster::backends(SUITE) {
        for direction in Direction::BOTH {
            for (_, len) in effort.up_to(16_384) {
                let all = roster::contestants(direction, SUITE, len);
                let Some(ours) = all.into_iter().find(|who| who.name == name) else {
                    continue;
                };
                let pairs = if effort.measured { 25 } else { 1 };
                let span = effort.budget(20);
                let scaling = threads::scaling(&ours, batch_len(len), span, pairs);
                let what = direction.name();
                markdown::row(&[
                    name.clone(),
                    what.to_owned(),
                    bytes(len),
                    format!("{:.3}", scaling.one / 1e6),
                    format!("{:.3}", scaling.two / 1e6),
                    format!("{:.2}", scaling.factor),
                    format!("{:.2}", scaling.factor_of_totals),
                ]);
                if scaling.factor < THREADS_TARGET {
                    missed.push(format!("{name} {what} {len} ({:.2})", scaling.factor));
                }
            }
        }
    }
    markdown::verdict("two threads at least 1.8 of one", &missed);
}

fn many_senders(effort: &Effort, memory: Option<[f64; 2]>) {
    println!("\n### Receivers, suite 4, 160 bytes\n");
    let mut eviction = if effort.measured { Eviction::new() } else { Eviction::of(1 << 16) };
    let mut calls: Vec<Call> = effort.senders.iter().map(|&count| Call::new(count)).collect();
    let rounds = if effort.measured { 300 } else { 1 };
    let cold = receivers::cold(&mut calls, &mut eviction, rounds);
    let mut columns = vec!["", "known senders"];
    columns.extend(Arrival::ALL.iter().map(|arrival| arrival.name()));
    columns.push("cold cache");
    markdown::head(&columns, 1);
    let mut warm = vec![];
    for call in &mut calls {
        warm.push(Arrival::ALL.map(|arrival| call.warm(arrival, effort.budget(300))));
    }
    for (who, name) in RECEIVERS.iter().enumerate() {
        for ((count, warm), cold) in effort.senders.iter().zip(&warm).zip(&cold) {
            let mut row = vec![(*name).to_owned(), bytes(*count)];
            row.extend(warm.iter().map(|figures| time(figures[who])));
            row.push(time(cold[who]));
            markdown::row(&row);
        }
    }
    println!(
        "\nCold: before every frame {} MiB are walked through, then the frame alone is read again.",
        eviction.mebibytes()
    );
    if let Some(memory) = memory {
        let [ours, peer] = memory.map(|bytes| format!("{bytes:.0}"));
        println!("Resident memory for each known sender, bytes: {ours}; sframe crate {peer}.");
    }
}

fn header_times(effort: &Effort) {
    /// Enough to hide the clock's resolution, and few enough for the first-level cache.
    const BATCH_LEN: usize = 256;
    println!("\n### Headers\n");
    markdown::head(&["", "bytes", "sealframe", "sframe crate", "ratio"], 1);
    for of @ (kid, ctr) in headers::HEADERS {
        let len = Header::new(Kid::new(kid), Ctr::new(ctr)).len();
        let names = ["parse", &bytes(len)];
        print_pair(
            effort,
            names,
            BATCH_LEN,
            move || headers::Parse(of),
            move || headers::PeerParse(of),
        );
    }
    for of @ (kid, ctr) in headers::HEADERS {
        let len = Header::new(Kid::new(kid), Ctr::new(ctr)).len();
        let names = ["encode", &bytes(len)];
        print_pair(
            effort,
            names,
            BATCH_LEN,
            move || headers::Encode(of),
            move || headers::PeerEncode(of),
        );
    }
}

fn key_times(effort: &Effort) {
    const BATCH_LEN: usize = 16;
    println!("\n### Keys\n");
    markdown::head(&["", "hash", "sealframe", "sframe crate", "ratio"], 2);
    let suites =
        [("SHA-256", CipherSuite::Aes128GcmSha256_128), ("SHA-512", CipherSuite::Aes256GcmSha512_128)];
    for (hash, suite) in suites {
        let names = ["ratchet step", hash];
        print_pair(
            effort,
            names,
            BATCH_LEN,
            move || keys::Ratchet(suite),
            move || keys::PeerRatchet(suite),
        );
        let names = ["key and salt", hash];
        print_pair(
            effort,
            names,
            BATCH_LEN,
            move || keys::Derive(suite),
            move || keys::PeerDerive(suite),
        );
    }
    let names = ["receiver follows a step", "SHA-256"];
    print_pair(effort, names, BATCH_LEN, keys::Follow::new, keys::PeerFollow::new);
}

/// A row for two contestants.
fn print_pair<A: Operation + 'static, B: Operation + 'static>(
    effort: &Effort,
    [what, of]: [&str; 2],
    batch_len: usize,
    ours: impl Fn() -> A + Send + Sync + 'static,
    peer: impl Fn() -> B + Send + Sync + 'static,
) {
    let ours = Contestant::new(Role::Ours, "sealframe", ours);
    let peer = Contestant::new(Role::Peer, "sframe crate", peer);
    let took = medians(&[&ours, &peer], batch_len, effort.budget(400));
    markdown::row(&[
        what.to_owned(),
        of.to_owned(),
        time(took[0]),
        time(took[1]),
        ratio(took[1], took[0]),
    ]);
}
