//! Runs steps side by side: those of one lane one after the other, each when what it needs is done.

use std::{
    fs, panic,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Result, anyhow, bail};

use super::{
    ending::{Ending, Outcome, log_folder, log_of},
    plan::Plan,
    report,
    steps::{Lane, Step},
};
use crate::shell::Shell;

struct Board<'a> {
    plan: &'a Plan,
    begin: Instant,
    endings: Mutex<Vec<Ending>>,
    changed: Condvar,
}

/// Runs the steps of a plan. After a failure no step is started any more, unless the plan says so.
///
/// # Errors
///
/// If a step failed; then the last lines on the terminal say which, why, and how to run it alone.
pub(super) fn run(plan: &Plan) -> Result<()> {
    fs::create_dir_all(log_folder())?;
    let board =
        Board { plan, begin: Instant::now(), endings: Mutex::new(Vec::new()), changed: Condvar::new() };
    thread::scope(|scope| {
        for lane in Lane::ALL {
            let board = &board;
            scope.spawn(move || board.run_lane(lane));
        }
    });
    let Board { begin, endings, .. } = board;
    let mut endings = endings.into_inner().unwrap_or_else(PoisonError::into_inner);
    endings.sort_by_key(|ending| plan.steps.iter().position(|step| step.name == ending.step.name));
    let failed = report::finish(&endings, begin.elapsed())?;
    if failed > 0 {
        bail!("{failed} of {} steps failed", endings.len());
    }
    Ok(())
}

impl Board<'_> {
    fn run_lane(&self, lane: Lane) {
        for step in self.plan.steps.iter().filter(|step| step.lane == lane) {
            let may_run = self.await_needs(step);
            let started = self.begin.elapsed();
            let outcome = if may_run { self.run_step(step) } else { Outcome::NotRun };
            let took = self.begin.elapsed().saturating_sub(started);
            report::ended(step, &outcome, took);
            self.endings().push(Ending { step, outcome, started, took });
            self.changed.notify_all();
        }
    }

    /// Waits until all that a step needs is done; false if it must not run.
    fn await_needs(&self, step: &Step) -> bool {
        let mut endings = self.endings();
        loop {
            let failed = |ending: &Ending| !matches!(ending.outcome, Outcome::Passed);
            let is_needed = |ending: &Ending| step.needs.contains(&ending.step.name);
            if endings
                .iter()
                .any(|ending| failed(ending) && (!self.plan.keeps_going || is_needed(ending)))
            {
                return false;
            }
            if step.needs.iter().all(|need| endings.iter().any(|ending| ending.step.name == *need)) {
                return true;
            }
            endings = self.changed.wait(endings).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run_step(&self, step: &Step) -> Outcome {
        report::started(step);
        let run = if self.plan.is_quick { step.quick.unwrap_or(step.run) } else { step.run };
        let gives_way = step.lane != Lane::Browsers;
        let attempt = || {
            Shell::logging(&log_of(step), self.plan.may_install, gives_way)
                .and_then(|shell| run(&shell))
        };
        // Others wait for this step: it ends whatever happens.
        let ended = panic::catch_unwind(panic::AssertUnwindSafe(attempt))
            .unwrap_or_else(|_| Err(anyhow!("the step panicked")));
        match ended {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    }

    fn endings(&self) -> MutexGuard<'_, Vec<Ending>> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
