//! Counts the instructions of one operation, with an error below one: `cargo bench --bench
//! instructions`.
//!
//! It runs itself under valgrind's callgrind with some number of batches and with twice as many;
//! the difference consists of operations only. Only instructions inside `counted_region` are
//! counted, so frames can be sealed again between batches. Prints Markdown.
//!
//! Instruction counts do not depend on the clock or on other load, so two versions of the library
//! compare exactly. They are not time; the other benches measure time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops when something fails"
)]

use std::{
    env,
    io::ErrorKind,
    process::{Command, ExitCode},
    thread,
};

use sealframe_benches::{
    Batch, Direction, Operation, SIZES, SUITE, Turn,
    calls::{self, AloneOf, Members},
    frames, headers, keys,
    markdown::{self, bytes, ratio},
    profiles::{self, Profile},
    roster::{self, Role},
};
use sealframe_crypto::CipherSuite;

/// Set in the counted process: the case, and the number of batches.
const CASE: &str = "SEALFRAME_BENCH_CASE";
const BATCHES: &str = "SEALFRAME_BENCH_BATCHES";

/// Operations per batch, and batches in the shorter run. Their product is 256, so that rare events
/// (the CTR's second byte, the replay window's next word) enter the average.
const BATCH_LEN: usize = 16;
const SHORT_RUN: u32 = 16;

/// Frame length for the deployed formats.
const PROFILES_AT: usize = 1200;

/// Frame length for whole calls.
const CALLS_AT: usize = 160;

/// Allowed instructions beyond the bare AEAD of the same library.
const TARGET: f64 = 60.0;

/// Every byte of `rep movsb` counts as an instruction, so memcpy and memset should use vectors.
const TUNABLES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000";

fn main() -> ExitCode {
    if let Ok(case) = env::var(CASE) {
        let batches = env::var(BATCHES).unwrap().parse().unwrap();
        run_case(&case, batches);
        return ExitCode::SUCCESS;
    }
    // `cargo bench` passes --bench; `cargo test` does not.
    let args: Vec<String> = env::args().collect();
    if args.iter().any(|arg| arg == "--test") || !args.iter().any(|arg| arg == "--bench") {
        run_case("seal/sealframe ring/40", 1);
        run_case("open/sealframe ring/40", 1);
        run_case("open on ring/DAVE, Opus/40", 1);
        return ExitCode::SUCCESS;
    }
    match Command::new("valgrind").arg("--version").output() {
        Ok(version) => print_tables(String::from_utf8_lossy(&version.stdout).trim()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("Not counted: valgrind is missing. Debian and Ubuntu: apt install valgrind");
        }
        Err(error) => panic!("valgrind: {error}"),
    }
    ExitCode::SUCCESS
}

/// The region that callgrind counts, by its name.
#[inline(never)]
fn counted_region(turn: &mut dyn Turn) {
    turn.run();
}

fn run(mut turn: impl AsMut<dyn Turn>, batches: u32) {
    let turn = turn.as_mut();
    for _ in 0..batches {
        turn.prepare();
        counted_region(turn);
    }
}

fn batch(operation: impl Operation + 'static) -> Box<dyn Turn> {
    Box::new(Batch::new(operation, BATCH_LEN))
}

/// `case` is an operation, a contestant, and a number: bytes, an index into [`headers::HEADERS`],
/// or a suite. A backend in the operation's name selects a deployed format.
fn run_case(case: &str, batches: u32) {
    let parts: Vec<&str> = case.split('/').collect();
    let [what, who, number] = parts[..] else { panic!("no case {case}") };
    let number: usize = number.parse().unwrap();
    let header = || headers::HEADERS[number];
    let suite = || CipherSuite::from_id(u16::try_from(number).unwrap()).unwrap();
    let (verb, backend) = match what.split_once(" on ") {
        Some((verb, backend)) => (verb, Some(backend)),
        None => (what, None),
    };
    if let Some(direction) = Direction::BOTH.into_iter().find(|direction| direction.name() == verb) {
        let contestants = match backend.map(frames::backend) {
            Some(backend) => profiles::contestants(direction, backend, number),
            None => roster::contestants(direction, SUITE, number),
        };
        let contestant = contestants.into_iter().find(|contestant| contestant.name == who);
        return run(contestant.expect("one of the roster").enter(BATCH_LEN), batches);
    }
    let turn = match (what, who) {
        ("parse", "sealframe") => batch(headers::Parse(header())),
        ("parse", "sframe") => batch(headers::PeerParse(header())),
        ("encode", "sealframe") => batch(headers::Encode(header())),
        ("encode", "sframe") => batch(headers::PeerEncode(header())),
        ("ratchet", "sealframe") => batch(keys::Ratchet(suite())),
        ("ratchet", "sframe") => batch(keys::PeerRatchet(suite())),
        ("derive", "sealframe") => batch(keys::Derive(suite())),
        ("derive", "sframe") => batch(keys::PeerDerive(suite())),
        ("call seal", "alone") => batch(calls::Seal::<AloneOf<1>>::new(number)),
        ("call seal", "Call") => batch(calls::Seal::<Members<1>>::new(number)),
        ("call open", "alone") => batch(calls::Open::<AloneOf<1>, 1>::new(number)),
        ("call open", "Call") => batch(calls::Open::<Members<1>, 1>::new(number)),
        ("call open of 4", "alone") => batch(calls::Open::<AloneOf<4>, 4>::new(number)),
        ("call open of 4", "Call") => batch(calls::Open::<Members<4>, 4>::new(number)),
        ("follow", "sealframe") => batch(keys::Follow::new()),
        ("follow", "sframe") => batch(keys::PeerFollow::new()),
        _ => panic!("no case {case}"),
    };
    run(turn, batches);
}

/// Instructions of one operation.
fn count(what: &str, who: &str, number: usize) -> f64 {
    let case = format!("{what}/{who}/{number}");
    let (long, short) = thread::scope(|scope| {
        let short = scope.spawn(|| collect(&case, SHORT_RUN));
        (collect(&case, 2 * SHORT_RUN), short.join().unwrap())
    });
    let operations = SHORT_RUN * u32::try_from(BATCH_LEN).unwrap();
    f64::from(u32::try_from(long - short).unwrap()) / f64::from(operations)
}

/// Instructions of `batches` batches.
fn collect(case: &str, batches: u32) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no", "--toggle-collect=*counted_region*"])
        .arg(env::current_exe().unwrap())
        .env(CASE, case)
        .env(BATCHES, batches.to_string())
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {report}");
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.expect("what callgrind collected");
    collected.trim().parse().unwrap()
}

fn print_tables(valgrind: &str) {
    println!("### Instructions\n");
    println!("Of one operation, by {valgrind}, which knows no AVX-512, VAES or SHA.\n");
    print_frames();
    print_profiles();
    print_calls();
    print_headers();
    print_keys();
}

/// All contestants' counts, and below them the instructions beyond the underlying AEAD.
fn print_frames() {
    let names = roster::contestants(Direction::Seal, SUITE, 0);
    let mut columns = vec!["", "bytes"];
    columns.extend(names.iter().map(|contestant| contestant.name.as_str()));
    markdown::head(&columns, 1);
    let (mut rows, mut missed) = (vec![], vec![]);
    for what in Direction::BOTH.map(Direction::name) {
        for (_, len) in SIZES {
            let counts = names.iter().map(|contestant| count(what, &contestant.name, len));
            let counts: Vec<f64> = counts.collect();
            let mut row = vec![what.to_owned(), bytes(len)];
            row.extend(counts.iter().map(|count| format!("{count:.0}")));
            markdown::row(&row);
            let of = |name: &str| {
                names.iter().position(|contestant| contestant.name == name).map(|at| counts[at])
            };
            for (ours, counted) in names.iter().zip(&counts) {
                if ours.role != Role::Ours {
                    continue;
                }
                let library = ours.name.trim_start_matches("sealframe ");
                let Some(bare) = of(&format!("{library} alone")) else { continue };
                let difference = counted - bare;
                // It hardly depends on the length, so one length is enough.
                if difference > TARGET && len == SIZES[0].1 {
                    missed.push(format!("{library} {what} ({difference:.1})"));
                }
                rows.push([
                    library.to_owned(),
                    what.to_owned(),
                    bytes(len),
                    format!("{difference:+.1}"),
                    format!("{:+.1} %", difference / bare * 100.0),
                    of("sframe crate").map(|peer| ratio(peer, *counted)).unwrap_or_default(),
                    of("sframe crate, default").map(|peer| ratio(peer, *counted)).unwrap_or_default(),
                ]);
            }
        }
    }
    println!();
    rows.sort_by_key(|row| names.iter().position(|of| of.name.ends_with(&row[0])));
    markdown::head(
        &[
            "backend",
            "",
            "bytes",
            "over its library alone",
            "overhead",
            "sframe crate to it",
            "sframe crate, default, to it",
        ],
        2,
    );
    for row in rows {
        markdown::row(&row);
    }
    markdown::verdict("at most 60 instructions over the bare AEAD", &missed);
    println!();
}

/// Instructions of deployed formats beyond RFC 9605, with the same backend and number of encrypted
/// bytes.
fn print_profiles() {
    let mut columns = vec!["", "", "bytes", "RFC 9605"];
    columns.extend(Profile::ALL.map(Profile::name));
    markdown::head(&columns, 2);
    for &(backend, _) in frames::BACKENDS {
        for direction in Direction::BOTH.map(Direction::name) {
            let count = |who: &str| count(&format!("{direction} on {backend}"), who, PROFILES_AT);
            let rfc = count(profiles::RFC_9605);
            let mut row = vec![backend.to_owned(), direction.to_owned(), bytes(PROFILES_AT)];
            row.push(format!("{rfc:.0}"));
            row.extend(Profile::ALL.map(|profile| format!("{:+.0}", count(profile.name()) - rfc)));
            markdown::row(&row);
        }
    }
    println!();
}

/// Instructions of a whole call beyond its sender and receiver.
fn print_calls() {
    println!("What a `Call` takes beyond the sender and the receiver inside it, on ring:\n");
    println!("| frame of {} | alone | `Call` | more |", bytes(CALLS_AT));
    println!("|---|---:|---:|---:|");
    for (name, what) in [
        ("`Sender`, seal", "call seal"),
        ("`Receiver`, open", "call open"),
        ("`Receiver`, open, four members in turn", "call open of 4"),
    ] {
        let (alone, call) = (count(what, "alone", CALLS_AT), count(what, "Call", CALLS_AT));
        println!("| {name} | {alone:.1} | {call:.1} | {:+.1} |", call - alone);
    }
    println!();
}

fn print_headers() {
    print_heading("header, the loop around it included");
    for (name, number) in [("1 byte", 0), ("7 bytes", 1), ("17 bytes", 2)] {
        print_row(&format!("parse, {name}"), "parse", number);
    }
    for (name, number) in [("1 byte", 0), ("7 bytes", 1), ("17 bytes", 2)] {
        print_row(&format!("encode, {name}"), "encode", number);
    }
    println!();
}

fn print_keys() {
    print_heading("key schedule, SHA-2 in software");
    print_row("ratchet step, SHA-256", "ratchet", 4);
    print_row("ratchet step, SHA-512", "ratchet", 5);
    print_row("key derivation, SHA-256", "derive", 4);
    print_row("key derivation, SHA-512", "derive", 5);
    print_row("receiver follows one ratchet step", "follow", 4);
}

fn print_heading(title: &str) {
    println!("| {title} | sealframe | sframe crate | ratio |\n|---|---:|---:|---:|");
}

fn print_row(name: &str, what: &str, number: usize) {
    let (ours, peer) = (count(what, "sealframe", number), count(what, "sframe", number));
    println!("| {name} | {ours:.1} | {peer:.1} | {:.2} |", peer / ours);
}
