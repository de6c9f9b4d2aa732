//! Contestants take turns, batch by batch, so that the clock and other load affect all alike.

use core::time::Duration;
use std::time::Instant;

use crate::{Turn, roster::Contestant};

/// Number of entries per contestant, each with keys and frames of its own: their placement in
/// memory is random, and matters by up to a third at 16 KiB.
const ENTRIES: usize = 4;

/// All contestants' medians, in nanoseconds per operation.
///
/// A turn is: prepare, run, prepare again, run with timing. The first run warms caches and branch
/// predictors, which the others have used in the meantime. The order rotates from round to round,
/// and every other round is reversed. At least one round, and no more once `budget` is spent.
pub fn medians(contestants: &[&Contestant], batch_len: usize, budget: Duration) -> Vec<f64> {
    let count = contestants.len();
    let enter = |_| contestants.iter().map(|who| who.enter(batch_len)).collect();
    let mut entries: Vec<Vec<Box<dyn Turn>>> = (0..ENTRIES).map(enter).collect();
    let mut took = vec![vec![]; count];
    let start = Instant::now();
    for round in 0.. {
        let entered = &mut entries[round % ENTRIES];
        for place in 0..count {
            let place = if round % 2 == 0 { place } else { count - 1 - place };
            let who = (round / 2 + place) % count;
            took[who].push(nanoseconds(&mut *entered[who]));
        }
        if start.elapsed() >= budget {
            break;
        }
    }
    took.into_iter().map(median).collect()
}

fn nanoseconds(turn: &mut dyn Turn) -> f64 {
    turn.prepare();
    turn.run();
    turn.prepare();
    let start = Instant::now();
    turn.run();
    let elapsed = start.elapsed();
    elapsed.as_secs_f64() * 1e9 / as_f64(turn.len())
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A count, small enough to be exact.
pub fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
