//! What a run says: each step as it ends, a table of times, and of a failure the first error.

use core::{fmt::Write as _, time::Duration};
use std::{
    fs,
    io::{self, Write as _},
};

use anyhow::Result;

use super::{
    ending::{Ending, Outcome, log_of},
    steps::Step,
};
use crate::paths::target_dir;

/// Lines that are shown of a failure.
const SHOWN: usize = 12;

pub(super) fn started(step: &Step) {
    say(&format!("==> {}: {}", step.name, step.what));
}

pub(super) fn ended(step: &Step, outcome: &Outcome, took: Duration) {
    let seconds = took.as_secs();
    match outcome {
        Outcome::Passed => say(&format!("<== {} passed in {seconds} s{}", step.name, counted(step))),
        Outcome::Failed(_) => say(&format!("<== {} FAILED after {seconds} s", step.name)),
        Outcome::NotRun => {}
    }
}

/// A terminal that is gone stops no run.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints the table, writes it to `target/verify/times.md`, and prints failures; returns how many
/// steps failed.
pub(super) fn finish(endings: &[Ending], total: Duration) -> Result<usize> {
    let mut table = String::from("| step | began at | seconds | result |\n|---|---:|---:|---|\n");
    let (mut passed, mut failed) = (0, 0);
    for Ending { step, outcome, started, took } in endings {
        let result = match outcome {
            Outcome::Passed => {
                passed += 1;
                "passed"
            }
            Outcome::Failed(_) => {
                failed += 1;
                "FAILED"
            }
            Outcome::NotRun => "not run",
        };
        let (started, took) = (started.as_secs(), took.as_secs());
        writeln!(table, "| {} | {started} | {took} | {result} |", step.name)?;
    }
    writeln!(table, "| all | 0 | {} | |", total.as_secs())?;
    fs::write(target_dir().join("verify/times.md"), &table)?;
    println!("{table}");
    println!("{passed} passed, {failed} failed");
    for Ending { step, outcome, .. } in endings {
        if let Outcome::Failed(why) = outcome {
            print_failure(step, why);
        }
    }
    Ok(failed)
}

fn print_failure(step: &Step, why: &str) {
    let path = log_of(step);
    let log = fs::read(&path).unwrap_or_default();
    eprintln!("\n{} failed: {}", step.name, step.what);
    eprintln!("  {why}");
    eprintln!("  all its output: {}", path.display());
    eprintln!("  again, alone:   cargo verify --only {}", step.name);
    for line in first_error(&String::from_utf8_lossy(&log)) {
        eprintln!("  | {line}");
    }
}

/// The first lines that look like an error of rustc, cargo, a Rust test, Node.js' tests or Python;
/// the last lines of the log if none does.
fn first_error(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let is_error = |line: &&str| {
        let line = line.trim_start();
        ["error: ", "error[", "not ok ", "Traceback", "Diff in ", "E: "]
            .iter()
            .any(|start| line.starts_with(start))
            || [" panicked at ", "AssertionError", "... FAILED", "Error: "]
                .iter()
                .any(|part| line.contains(part))
    };
    let begin = lines.iter().position(is_error).unwrap_or(lines.len().saturating_sub(SHOWN));
    lines.into_iter().skip(begin).take(SHOWN).collect()
}

/// How many tests of Rust and of Node.js passed and were left out, by the step's log.
fn counted(step: &Step) -> String {
    let log = fs::read(log_of(step)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let number = |text: &str| text.trim().parse::<usize>().unwrap_or(0);
    let (mut count, mut skipped) = (0, 0);
    for line in log.lines() {
        if let Some(rest) = line.strip_prefix("test result: ok. ") {
            count += rest.split(" passed").next().map_or(0, number);
        } else if let Some(rest) = line.strip_prefix("# pass ") {
            count += number(rest);
        } else if let Some(rest) = line.strip_prefix("# skipped ") {
            skipped += number(rest);
        } else if line.starts_with("==> SKIPPED") {
            skipped += 1;
        }
    }
    let count = if count == 0 { String::new() } else { format!(", {count} tests") };
    if skipped == 0 { count } else { format!("{count}, {skipped} SKIPPED") }
}

#[cfg(test)]
mod tests {
    use super::first_error;

    #[test]
    fn the_first_error_of_each_tool_is_found() {
        for (log, first) in [
            (
                "Compiling x\nerror[E0308]: mismatched\n --> a.rs\nerror: aborting",
                "error[E0308]: mismatched",
            ),
            ("ok 1 - a\nnot ok 2 - b\n  ---\n", "not ok 2 - b"),
            (
                "running 2 tests\nthread 'a' (7) panicked at a.rs:1:2:\nboom",
                "thread 'a' (7) panicked at a.rs:1:2:",
            ),
            ("x\nTraceback (most recent call last):\n", "Traceback (most recent call last):"),
            ("one\ntwo", "one"),
        ] {
            assert_eq!(first_error(log).first(), Some(&first), "{log}");
        }
    }
}
