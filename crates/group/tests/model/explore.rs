//! A breadth-first search of all reachable states.
//!
//! `Group` holds keys, so it can be neither copied nor hashed, and the crate `stateright` requires
//! both. A state is therefore reached by repeating its actions on machines with fixed randomness,
//! and identified by a fingerprint.

use core::panic::AssertUnwindSafe;
use std::{collections::HashSet, panic::catch_unwind, sync::Mutex, time::Instant};

use crate::{
    ghost::Ghost,
    world::{Action, Scenario, World},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Maximum number of actions in a row.
    pub(crate) depth: usize,
    /// Number of states between actions after which no new ones are expanded.
    pub(crate) states: usize,
    /// Of this many states at the end of a path one is followed through a fair time.
    pub(crate) one_leaf_of: u64,
}

#[derive(Default, Debug)]
pub(crate) struct Found {
    /// States between actions.
    pub(crate) states: usize,
    /// States within actions too, after each message and each timer.
    pub(crate) moments: usize,
    pub(crate) transitions: usize,
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    /// Whether the bound on states was reached before the bound on depth.
    pub(crate) is_cut: bool,
    pub(crate) failures: Vec<(Vec<Action>, String)>,
    pub(crate) longest_quiet: core::time::Duration,
}

/// A state, given by the actions that led to it, and the actions possible next.
struct Node {
    path: Vec<Action>,
    next: Vec<Action>,
}

#[derive(Default)]
struct Shared {
    found: Found,
    states: HashSet<u64>,
    moments: HashSet<u64>,
    next: Vec<Node>,
}

/// Turns a panic into an error without a backtrace.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_string()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

pub(crate) fn reach(scenario: &Scenario, path: &[Action]) -> World {
    let mut world = World::new(scenario);
    for action in path {
        let _ = world.apply(*action);
    }
    world
}

pub(crate) fn explore(scenario: &Scenario, bounds: Bounds) -> Found {
    let shared = Mutex::new(Shared::default());
    let first = World::new(scenario);
    let mut level = vec![Node { path: Vec::new(), next: first.enabled() }];
    shared.lock().unwrap().states.insert(first.fingerprint());
    for depth in 1..=bounds.depth {
        let started = Instant::now();
        let work = Mutex::new(level.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(node) = { work.lock().unwrap().next() } {
                        expand(scenario, bounds, depth, &node, &shared);
                    }
                });
            }
        });
        let mut shared = shared.lock().unwrap();
        level = core::mem::take(&mut shared.next);
        // Sort, so that the result does not depend on the order in which threads find states.
        level.sort_by_key(|node| format!("{:?}", node.path));
        shared.found.depth = depth;
        println!(
            "{}: depth {depth}: {} states, {} moments, {} transitions, {:?}",
            scenario.name,
            shared.states.len(),
            shared.moments.len(),
            shared.found.transitions,
            started.elapsed()
        );
        if level.is_empty() || shared.found.failures.len() >= 5 {
            break;
        }
    }
    let shared = shared.into_inner().unwrap();
    Found { states: shared.states.len(), moments: shared.moments.len(), ..shared.found }
}

fn expand(scenario: &Scenario, bounds: Bounds, depth: usize, node: &Node, shared: &Mutex<Shared>) {
    for &action in &node.next {
        if shared.lock().unwrap().states.len() >= bounds.states {
            shared.lock().unwrap().found.is_cut = true;
            return;
        }
        let mut path = node.path.clone();
        path.push(action);
        let mut moments = Vec::new();
        let mut fingerprint = None;
        let result = caught(|| {
            let mut world = reach(scenario, &node.path);
            world.records = true;
            world.apply(action)?;
            moments = core::mem::take(&mut world.passed);
            let state = world.fingerprint();
            fingerprint = Some(state);
            if !shared.lock().unwrap().states.insert(state) {
                return Ok(None);
            }
            let next = world.enabled();
            let told = world.tell();
            Ghost::check_orders(&world.ghost, &world.peers, &told)?;
            let is_leaf = depth == bounds.depth || next.is_empty();
            let quiet = if is_leaf && state.is_multiple_of(bounds.one_leaf_of) {
                let quiet = world.quiet();
                Some(quiet.map_err(|what| format!("after a fair time: {what}"))?)
            } else {
                None
            };
            Ok(Some((next, quiet)))
        });
        let mut shared = shared.lock().unwrap();
        shared.found.transitions += 1;
        shared.moments.extend(moments);
        match result {
            Ok(None) => {}
            Ok(Some((next, quiet))) => {
                if let Some(took) = quiet {
                    shared.found.leaves += 1;
                    shared.found.longest_quiet = shared.found.longest_quiet.max(took);
                }
                if depth < bounds.depth {
                    shared.next.push(Node { path, next });
                }
            }
            Err(what) => shared.found.failures.push((path, what)),
        }
    }
}
