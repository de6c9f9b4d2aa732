//! A search through all that can happen, breadth first.
//!
//! `Group` holds keys, so it can be neither copied nor hashed, and the crate `stateright` asks for
//! both. A state is therefore
//! reached by doing again what led to it, on machines whose randomness is fixed, and known by a
//! fingerprint.

use core::panic::AssertUnwindSafe;
use std::{collections::HashSet, panic::catch_unwind, sync::Mutex, time::Instant};

use crate::{
    ghost::Ghost,
    world::{Action, Scenario, World},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Actions in a row.
    pub(crate) depth: usize,
    /// States between actions, after which no more are begun.
    pub(crate) states: usize,
    /// Of how many states at the end of a path one is followed through a fair time.
    pub(crate) one_leaf_of: u64,
}

#[derive(Default, Debug)]
pub(crate) struct Found {
    /// Between actions.
    pub(crate) states: usize,
    /// Those within actions too, after each message and each timer.
    pub(crate) moments: usize,
    pub(crate) transitions: usize,
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    /// Whether the bound on states came before that on depth.
    pub(crate) is_cut: bool,
    pub(crate) failures: Vec<(Vec<Action>, String)>,
    pub(crate) longest_quiet: core::time::Duration,
}

/// A state, by what led to it, and what may come next.
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

/// What happened; who reports it needs no backtrace.
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
        // The order in which threads find them must not matter.
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
