//! Runs that take hours. What each found last, when and on which commit, is kept in the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use super::steps;
use crate::{
    paths::{root, target_dir},
    shell::Shell,
    tools, wasm_package,
};

pub(super) struct LongRun {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Returns counts, in a few words.
    run: fn(&Shell, &[String]) -> Result<String>,
}

pub(super) const RUNS: &[LongRun] = &[
    LongRun {
        name: "fuzz",
        what: "libFuzzer with AddressSanitizer: [SECONDS for each, 600] [TARGET...]",
        run: fuzz,
    },
    LongRun { name: "simulation", what: "simulated calls: [RUNS, 1000]", run: simulation },
    LongRun { name: "life", what: "random calls of groups: [RUNS, 20000]", run: life },
    LongRun { name: "soak", what: "one call in two tabs of Chromium: [MINUTES, 60]", run: soak },
    LongRun { name: "mutants", what: "planted faults: [PACKAGE..., the media path]", run: mutants },
    LongRun {
        name: "constant-time",
        what: "the kernel under valgrind, and every module of the package, with secrets followed",
        run: constant_time,
    },
];

/// Where results are kept.
fn results() -> PathBuf {
    root().join(".ci/long-runs.md")
}

pub(super) fn run(shell: &Shell, args: &[String]) -> Result<()> {
    let names = || RUNS.iter().map(|run| run.name).collect::<Vec<_>>().join(", ");
    let Some((name, args)) = args.split_first() else { bail!("--long needs one of {}", names()) };
    let Some(run) = RUNS.iter().find(|run| run.name == name) else {
        bail!("no long run is called {name}, only {}", names())
    };
    let begin = Instant::now();
    let counts = (run.run)(shell, args)?;
    let minutes = begin.elapsed().as_secs().div_ceil(60);
    shell.say(&format!("{name}: {counts}, in {minutes} minutes"));
    keep(shell, run.name, &format!("{counts}; {minutes} minutes"))
}

/// Replaces the line of a run in the file of results.
fn keep(shell: &Shell, name: &str, counts: &str) -> Result<()> {
    let git = |args: &[&str]| -> Result<String> {
        let output = shell.output(Command::new("git").args(args).current_dir(root()))?;
        Ok(String::from_utf8(output)?.trim().to_owned())
    };
    let mut commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    if !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        commit.push_str(" and changes");
    }
    let output = shell.output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let date = String::from_utf8(output)?.trim().to_owned();
    let path = results();
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let start = format!("| {name} |");
    let row = format!("{start} {date} | {commit} | {counts} |");
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(&start)).collect();
    lines.push(&row);
    fs::write(path, lines.join("\n") + "\n")?;
    Ok(())
}

fn number(args: &[String], default: u64) -> Result<(u64, &[String])> {
    match args.split_first() {
        None => Ok((default, &[])),
        Some((first, rest)) => {
            Ok((first.parse().with_context(|| format!("{first} is not a number"))?, rest))
        }
    }
}

fn fuzz(shell: &Shell, args: &[String]) -> Result<String> {
    let (seconds, wanted) = number(args, 600)?;
    tools::toolchain(shell, "nightly")?;
    let cargo_fuzz = tools::cargo_install(shell, "cargo-fuzz", "0.13.2")?;
    let mut targets: Vec<String> = fs::read_dir(root().join("fuzz/fuzz_targets"))?
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| wanted.is_empty() || wanted.contains(name))
        .collect();
    targets.sort_unstable();
    let all = wanted.is_empty() || targets.len() == wanted.len();
    ensure!(all && !targets.is_empty(), "no such fuzz target among {}", wanted.join(", "));
    let mut counts = Vec::new();
    for target in targets {
        let corpus = target_dir().join("fuzz-corpus").join(&target);
        let folder = root().join("fuzz");
        fs::create_dir_all(&corpus)?;
        let mut fuzz = Command::new("rustup");
        fuzz.args(["run", "nightly"]).arg(&cargo_fuzz);
        fuzz.args(["run", "--fuzz-dir", ".", "--features", "libfuzzer", &target]).arg(&corpus);
        fuzz.arg(folder.join("seeds").join(&target));
        fuzz.args(["--", "-print_final_stats=1", "-max_len=600"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        // Link-time optimisation and the sanitizer do not link.
        fuzz.env("CARGO_PROFILE_RELEASE_LTO", "false");
        let log = target_dir().join(format!("fuzz-{target}.log"));
        let logging = Shell::logging(&log, true, false)?;
        shell.say(&format!("{target}: {seconds} s, output in {}", log.display()));
        logging.run(fuzz.current_dir(folder))?;
        let said = fs::read_to_string(&log)?;
        let executions = said
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
            .with_context(|| format!("{target} did not say what it executed"))?;
        counts.push(format!("{target} {}", executions.trim()));
    }
    Ok(format!("executions: {}", counts.join(", ")))
}

fn simulation(shell: &Shell, args: &[String]) -> Result<String> {
    let (runs, _) = number(args, 1000)?;
    let mut test = shell.cargo();
    test.args(["test", "--locked", "--release", "-p", "sealframe", "--test", "simulation"]);
    test.args(["--", "--nocapture"]).env("SEALFRAME_RUNS", runs.to_string());
    shell.run(&mut test)?;
    Ok(format!("{runs} runs"))
}

fn life(shell: &Shell, args: &[String]) -> Result<String> {
    let (runs, _) = number(args, 20_000)?;
    let mut test = shell.cargo();
    test.args(["test", "--locked", "--release", "-p", "sealframe-group", "--test", "life"]);
    test.args(["--", "--nocapture", "random_calls_end_well"]);
    shell.run(test.env("SEALFRAME_FROM", "0").env("SEALFRAME_RUNS", runs.to_string()))?;
    Ok(format!("{runs} runs, all end well and without a false alarm"))
}

fn soak(shell: &Shell, args: &[String]) -> Result<String> {
    let (minutes, _) = number(args, 60)?;
    wasm_package::build(shell)?;
    shell.run(shell.cargo().args(["build", "--locked", "-p", "sealframe-example-call"]))?;
    let tests = root().join("examples/call/test");
    tools::npm_ci(shell, &tests)?;
    let mut soak = Command::new(tools::node(shell)?);
    soak.arg(tests.join("soak.mjs")).arg(minutes.to_string());
    soak.env("SEALFRAME_SFU", steps::program("sealframe-sfu"));
    shell.run(soak.env("SEALFRAME_CHROMIUM", tools::chromium(shell)?))?;
    Ok(format!("{minutes} minutes of media both ways, no gap of 4 s, no alarm"))
}

fn mutants(shell: &Shell, args: &[String]) -> Result<String> {
    const MEDIA_PATH: [&str; 4] =
        ["sealframe-wire", "sealframe-crypto", "sealframe-media", "sealframe"];
    let cargo_mutants = tools::cargo_install(shell, "cargo-mutants", "27.1.0")?;
    let out = target_dir();
    let mut mutants = Command::new(cargo_mutants);
    mutants.args(["mutants", "--no-shuffle", "--test-workspace=false", "--output"]).arg(&out);
    let packages: Vec<&str> =
        if args.is_empty() { MEDIA_PATH.to_vec() } else { args.iter().map(String::as_str).collect() };
    for package in &packages {
        mutants.args(["--package", package]);
    }
    let ended = shell.run(mutants.current_dir(root()));
    let count = |name: &str| lines_of(&out.join("mutants.out").join(name));
    let counts = format!(
        "{}: {} caught, {} missed, {} timed out, {} did not compile",
        packages.join(" "),
        count("caught.txt")?,
        count("missed.txt")?,
        count("timeout.txt")?,
        count("unviable.txt")?,
    );
    // Survivors are a result, not a failure of the run; they are listed in the folder.
    if let Err(error) = ended {
        ensure!(count("caught.txt")? + count("missed.txt")? > 0, "{error:#}");
        shell.say(&format!("{error:#}; survivors: {}", out.join("mutants.out/missed.txt").display()));
    }
    Ok(counts)
}

fn lines_of(path: &Path) -> Result<usize> {
    Ok(fs::read_to_string(path).with_context(|| path.display().to_string())?.lines().count())
}

fn constant_time(shell: &Shell, _: &[String]) -> Result<String> {
    tools::find_or_install(shell, &["valgrind"], &["valgrind"])?;
    wasm_package::build(shell)?;
    for test in [
        &["-p", "sealframe-kernel", "--test", "constant_time"][..],
        &["-p", "sealframe-taint", "--test", "browser_modules", "--", "--nocapture"],
    ] {
        let mut cargo = shell.cargo();
        cargo.args(["test", "--locked"]).args(test);
        cargo.env("SEALFRAME_REQUIRE_VALGRIND", "1").env("SEALFRAME_REQUIRE_MODULES", "1");
        shell.run(&mut cargo)?;
    }
    Ok(format!("kernel and modules, on {}", env::consts::ARCH))
}
