//! Criterion's results as Markdown: `cargo bench --bench summary`, after the benches to be summed up.
//!
//! Reads `estimates.json` of every result under `target/criterion` (or `CRITERION_HOME`) and prints
//! medians with their ratios: Sealframe to the bare cipher, and the `sframe` crate to Sealframe.
#![expect(clippy::unwrap_used, reason = "a bench stops when something fails")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use sealframe_benches::LENS;
use serde_json::Value;

/// Median nanoseconds by group and entry.
type Results = BTreeMap<String, BTreeMap<String, f64>>;

fn main() {
    let mut results = Results::new();
    for group in entries(&criterion_home()) {
        for entry in entries(&group) {
            read(&entry.join("new"), &mut results);
        }
    }
    if results.is_empty() {
        println!("No results yet: run `cargo bench -p sealframe-benches --bench seal_open` first.");
        return;
    }
    print_frames(&results);
    print_suites(&results);
    print_rest(&results);
}

fn criterion_home() -> PathBuf {
    // This file is run as target/<profile>/deps/summary-<hash>.
    let target = || env::current_exe().unwrap().ancestors().nth(3).unwrap().to_path_buf();
    env::var_os("CRITERION_HOME").map_or_else(|| target().join("criterion"), PathBuf::from)
}

fn entries(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path())
}

fn read(dir: &Path, results: &mut Results) {
    let json = |name| -> Option<Value> { serde_json::from_slice(&fs::read(dir.join(name)).ok()?).ok() };
    let (Some(id), Some(estimates)) = (json("benchmark.json"), json("estimates.json")) else {
        return;
    };
    let text = |name: &str| id.get(name).and_then(Value::as_str).unwrap().to_owned();
    let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64).unwrap();
    results.entry(text("group_id")).or_default().insert(text("function_id"), median);
}

fn print_frames(results: &Results) {
    println!(
        "| AES-128-GCM | bytes | sealframe | ring alone | ratio | sframe crate | ratio \
         | sealframe portable | aes-gcm alone | ratio |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for what in ["seal", "open"] {
        for len in LENS {
            let Some(group) = results.get(&format!("{what}/{len}")) else {
                continue;
            };
            let of = |name| group.get(name).copied();
            let (ours, ring, peer) = (of("sealframe"), of("ring alone"), of("sframe crate"));
            let (portable, aes_gcm) = (of("sealframe portable"), of("aes-gcm alone"));
            println!(
                "| {what} | {len} | {} | {} | {} | {} | {} | {} | {} | {} |",
                time(ours),
                time(ring),
                ratio(ours, ring),
                time(peer),
                ratio(peer, ours),
                time(portable),
                time(aes_gcm),
                ratio(portable, aes_gcm),
            );
        }
    }
}

fn print_suites(results: &Results) {
    let Some(group) = results.get("suites/1200") else {
        return;
    };
    println!(
        "\n| suite, 1200 bytes | seal | open | sframe crate: seal | ratio | open | ratio |\n\
         |---|---:|---:|---:|---:|---:|---:|"
    );
    for suite in 1..=8 {
        let of = |name: &str| group.get(&format!("{suite} {name}")).copied();
        let (seal, open) = (of("seal sealframe"), of("open sealframe"));
        let (peer_seal, peer_open) = (of("seal sframe crate"), of("open sframe crate"));
        println!(
            "| {suite} | {} | {} | {} | {} | {} | {} |",
            time(seal),
            time(open),
            time(peer_seal),
            ratio(peer_seal, seal),
            time(peer_open),
            ratio(peer_open, open),
        );
    }
}

fn print_rest(results: &Results) {
    println!("\n| | sealframe | sframe crate | ratio |\n|---|---:|---:|---:|");
    for (name, group) in results {
        if name.starts_with("seal/") || name.starts_with("open/") || name.starts_with("suites/") {
            continue;
        }
        let (ours, peer) = (group.get("sealframe").copied(), group.get("sframe crate").copied());
        println!("| {name} | {} | {} | {} |", time(ours), time(peer), ratio(peer, ours));
    }
}

fn time(ns: Option<f64>) -> String {
    match ns {
        None => "–".to_owned(),
        Some(ns) if ns < 100.0 => format!("{ns:.1} ns"),
        Some(ns) if ns < 1000.0 => format!("{ns:.0} ns"),
        Some(ns) => format!("{:.2} µs", ns / 1000.0),
    }
}

fn ratio(of: Option<f64>, to: Option<f64>) -> String {
    of.zip(to).map_or_else(|| "–".to_owned(), |(of, to)| format!("{:.2}", of / to))
}
