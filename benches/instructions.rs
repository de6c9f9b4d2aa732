//! Counts the instructions of one operation, to less than one: `cargo bench --bench instructions`.
//!
//! Runs itself under valgrind's callgrind, once with so many batches and once with twice as many; the
//! difference holds nothing but operations. Only what happens inside `counted_region` is collected, so
//! frames can be sealed afresh between two batches. Prints Markdown.
//!
//! Instructions do not move with the clock or with what else the machine does, so two versions of the
//! library compare exactly. They are not time: for that see the other benches.
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

use sealframe_benches::{Batch, LENS, Operation, SUITE, bare, frames, headers, keys, peer};
use sealframe_crypto::{Backend, CipherSuite};

/// Set in the process that is counted: which case, and how many batches.
const CASE: &str = "SEALFRAME_BENCH_CASE";
const BATCHES: &str = "SEALFRAME_BENCH_BATCHES";

/// Operations in a batch, and batches in the shorter run. Together they are 256, so that what happens
/// once in so many frames (the CTR's second byte, the replay window's next word) is in the average.
const BATCH_LEN: usize = 16;
const SHORT_RUN: u32 = 16;

/// Bytes of payload, and what the path may cost there over the bare cipher, in percent.
const TARGETS: [(usize, f64); 2] = [(160, 15.0), (1200, 3.0)];

/// Every byte of `rep movsb` counts as an instruction, so memcpy and memset shall use vectors.
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
        run_case("seal/sealframe/40", 1);
        run_case("open/sealframe/40", 1);
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

/// What callgrind collects; it knows it by this name.
#[inline(never)]
fn counted_region<O: Operation>(batch: &mut Batch<O>) {
    batch.run();
}

fn run(operation: impl Operation, batches: u32) {
    let mut batch = Batch::new(operation, BATCH_LEN);
    for _ in 0..batches {
        batch.prepare();
        counted_region(&mut batch);
    }
}

/// `case` is what, who, and a number: bytes, an index into [`headers::HEADERS`], or a suite.
fn run_case(case: &str, n: u32) {
    let parts: Vec<&str> = case.split('/').collect();
    let [what, who, number] = parts[..] else { panic!("no case {case}") };
    let number: usize = number.parse().unwrap();
    let header = || headers::HEADERS[number];
    let suite = || CipherSuite::from_id(u16::try_from(number).unwrap()).unwrap();
    let peer_suite = sframe::CipherSuite::AesGcm128Sha256;
    match (what, who) {
        ("seal", "sealframe") => run(frames::Seal::new(SUITE, Backend::Ring, number), n),
        ("open", "sealframe") => run(frames::Open::new(SUITE, Backend::Ring, number), n),
        ("seal", "ring") => run(bare::RingSeal::new(number), n),
        ("open", "ring") => run(bare::RingOpen::new(number), n),
        ("seal", "sframe") => run(peer::Seal::new(peer_suite, number), n),
        ("open", "sframe") => run(peer::Open::new(peer_suite, number), n),
        ("seal", "portable") => run(frames::Seal::new(SUITE, Backend::Portable, number), n),
        ("open", "portable") => run(frames::Open::new(SUITE, Backend::Portable, number), n),
        ("seal", "aes-gcm") => run(bare::AesGcmSeal::new(number), n),
        ("open", "aes-gcm") => run(bare::AesGcmOpen::new(number), n),
        ("parse", "sealframe") => run(headers::Parse(header()), n),
        ("parse", "sframe") => run(headers::PeerParse(header()), n),
        ("encode", "sealframe") => run(headers::Encode(header()), n),
        ("encode", "sframe") => run(headers::PeerEncode(header()), n),
        ("ratchet", "sealframe") => run(keys::Ratchet(suite()), n),
        ("ratchet", "sframe") => run(keys::PeerRatchet(suite()), n),
        ("derive", "sealframe") => run(keys::Derive(suite()), n),
        ("derive", "sframe") => run(keys::PeerDerive(suite()), n),
        ("follow", "sealframe") => run(keys::Follow::new(), n),
        ("follow", "sframe") => run(keys::PeerFollow::new(), n),
        _ => panic!("no case {case}"),
    }
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

/// Instructions of so many batches.
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
    println!("Instructions of one operation, by {valgrind}, which knows no AVX-512, VAES or SHA.\n");
    print_ring();
    print_portable();
    print_headers();
    print_keys();
}

fn print_ring() {
    println!(
        "| ring | bytes | sealframe | ring alone | difference | overhead | sframe crate | ratio |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let mut missed = vec![];
    for what in ["seal", "open"] {
        for len in LENS {
            let (ours, bare) = (count(what, "sealframe", len), count(what, "ring", len));
            let peer = count(what, "sframe", len);
            let overhead = (ours / bare - 1.0) * 100.0;
            println!(
                "| {what} | {len} | {ours:.0} | {bare:.0} | {:.1} | {overhead:.1} % \
                 | {peer:.0} | {:.2} |",
                ours - bare,
                peer / ours
            );
            if TARGETS.iter().any(|&(of, most)| of == len && overhead > most) {
                missed.push(format!("{what} {len}"));
            }
        }
    }
    let missed =
        if missed.is_empty() { "met".to_owned() } else { format!("missed by {}", missed.join(", ")) };
    println!("\nTarget, at most 15 % over the bare cipher at 160 bytes and 3 % at 1200: {missed}.\n");
}

fn print_portable() {
    println!("| aes-gcm | bytes | sealframe portable | aes-gcm alone | difference | overhead |");
    println!("|---|---:|---:|---:|---:|---:|");
    for what in ["seal", "open"] {
        for len in LENS {
            let (ours, bare) = (count(what, "portable", len), count(what, "aes-gcm", len));
            println!(
                "| {what} | {len} | {ours:.0} | {bare:.0} | {:.1} | {:.1} % |",
                ours - bare,
                (ours / bare - 1.0) * 100.0
            );
        }
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
