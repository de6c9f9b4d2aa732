//! `cargo verify`: every check and every test, or those that are asked for.

mod board;
mod ending;
mod long;
mod plan;
mod report;
mod steps;

use anyhow::{Result, bail};

use self::{
    plan::Plan,
    steps::{STEPS, Step},
};
use crate::shell::Shell;

const USAGE: &str = "\
cargo verify [OPTIONS]
  without options            every step
  --list                     the steps, and the long runs
  --quick                    what to run before each commit
  --only STEP...             these steps, and what they need
  --from STEP                this step and all that are listed after it
  --keep-going               after a failure too, what does not need the failed step
  --no-install               a missing program is an error instead of installed
  --long NAME [ARGUMENT...]  a run that takes hours; its result goes into .ci/long-runs.md
";

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some((option, rest)) = args.split_first()
        && option == "--long"
    {
        return long::run(&Shell::terminal(), rest);
    }
    match parse(args)? {
        None => Ok(()),
        Some(plan) => board::run(&plan),
    }
}

/// Nothing is run if something was only to be printed.
fn parse(args: &[String]) -> Result<Option<Plan>> {
    let mut plan =
        Plan { steps: STEPS.iter().collect(), is_quick: false, may_install: true, keeps_going: false };
    if args.iter().filter(|arg| ["--quick", "--only", "--from"].contains(&arg.as_str())).count() > 1 {
        bail!("--quick, --only and --from exclude each other");
    }
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(option) = args.next() {
        match option {
            "--list" => {
                list();
                return Ok(None);
            }
            "--help" | "-h" => {
                print!("{USAGE}");
                return Ok(None);
            }
            "--quick" => {
                plan.is_quick = true;
                plan.steps = STEPS.iter().filter(|step| step.quick.is_some()).collect();
            }
            "--only" => {
                let mut chosen = Vec::new();
                while let Some(name) = args.next_if(|arg| !arg.starts_with("--")) {
                    chosen.push(named(name)?);
                }
                if chosen.is_empty() {
                    bail!("--only needs a step; `cargo verify --list` shows them");
                }
                plan.steps = STEPS
                    .iter()
                    .filter(|step| chosen.iter().any(|chosen| chosen.name == step.name))
                    .collect();
            }
            "--from" => {
                let Some(name) = args.next() else { bail!("--from needs a step") };
                let first = named(name)?.name;
                plan.steps = STEPS.iter().skip_while(|step| step.name != first).collect();
            }
            "--keep-going" => plan.keeps_going = true,
            "--no-install" => plan.may_install = false,
            unknown => bail!("unknown option {unknown}\n{USAGE}"),
        }
    }
    plan.steps = with_needs(&plan.steps)?;
    Ok(Some(plan))
}

fn named(name: &str) -> Result<&'static Step> {
    STEPS
        .iter()
        .find(|step| step.name == name)
        .ok_or_else(|| anyhow::anyhow!("no step is called {name}; `cargo verify --list` shows them"))
}

/// The steps and all that they need, in the order of the list.
fn with_needs(steps: &[&'static Step]) -> Result<Vec<&'static Step>> {
    let mut wanted: Vec<&str> = Vec::new();
    let mut open: Vec<&'static Step> = steps.to_vec();
    while let Some(step) = open.pop() {
        if !wanted.contains(&step.name) {
            wanted.push(step.name);
            for name in step.needs {
                open.push(named(name)?);
            }
        }
    }
    Ok(STEPS.iter().filter(|step| wanted.contains(&step.name)).collect())
}

fn list() {
    println!("steps (q: part of --quick):");
    for step in STEPS {
        let mark = if step.quick.is_some() { 'q' } else { ' ' };
        println!("  {mark} {:<12} {}", step.name, step.what);
    }
    println!("long runs:");
    for run in long::RUNS {
        println!("    {:<12} {}", run.name, run.what);
    }
}
