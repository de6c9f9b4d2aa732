//! One thread compared with two, each with a sender or a receiver of its own.

use core::time::Duration;
use std::{sync::Barrier, thread, time::Instant};

use crate::{
    Turn,
    roster::Contestant,
    turns::{as_f64, median},
};

/// The speed-up by a second thread.
pub struct Scaling {
    /// Frames per second of one thread while the other waits.
    pub one: f64,
    /// Frames per second of both at once, in total.
    pub two: f64,
    /// The median of the pairs' ratios, which is not quite the ratio of the medians.
    pub factor: f64,
    /// The ratio by total time, which includes other load on the machine.
    pub factor_of_totals: f64,
}

/// Frames per second.
#[derive(Clone, Copy)]
struct Rate {
    /// From the median batch: a batch that lost its processor to another program does not count.
    median: f64,
    total: f64,
}

/// Takes `pairs` pairs in turns: one thread for `span`, then both for `span`. Only the operations
/// count; a thread that prepares still keeps its processor busy.
///
/// Each thread creates its own state, so that they share no cache line.
pub fn scaling(contestant: &Contestant, batch_len: usize, span: Duration, pairs: usize) -> Scaling {
    let barrier = Barrier::new(2);
    let work = |thread: usize| {
        let mut turn = contestant.enter(batch_len);
        let mut rates = vec![];
        for pair in 0..pairs {
            barrier.wait();
            let alone = (pair % 2 == thread).then(|| rate(&mut *turn, span));
            barrier.wait();
            rates.push((alone, rate(&mut *turn, span)));
        }
        rates
    };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| work(1));
        (scope.spawn(|| work(0)).join().unwrap(), second.join().unwrap())
    });
    let pairs = first.into_iter().zip(second);
    let pairs: Vec<(Rate, [Rate; 2])> =
        pairs.map(|((a, x), (b, y))| (a.or(b).unwrap(), [x, y])).collect();
    let of = |value: fn(&(Rate, [Rate; 2])) -> f64| median(pairs.iter().map(value).collect());
    Scaling {
        one: of(|(one, _)| one.median),
        two: of(|(_, [x, y])| x.median + y.median),
        factor: of(|(one, [x, y])| (x.median + y.median) / one.median),
        factor_of_totals: of(|(one, [x, y])| (x.total + y.total) / one.total),
    }
}

fn rate(turn: &mut dyn Turn, span: Duration) -> Rate {
    let (start, mut timed) = (Instant::now(), vec![]);
    while timed.is_empty() || start.elapsed() < span {
        turn.prepare();
        let start = Instant::now();
        turn.run();
        timed.push(start.elapsed().as_secs_f64());
    }
    let (total, batches) = (timed.iter().sum::<f64>(), as_f64(timed.len()));
    let len = as_f64(turn.len());
    Rate { median: len / median(timed), total: len * batches / total }
}

/// Time of `runs` runs on two threads together: half of the slower one's. For criterion.
pub fn time(contestant: &Contestant, batch_len: usize, runs: u64) -> Duration {
    let barrier = Barrier::new(2);
    let work = |runs| {
        let mut turn = contestant.enter(batch_len);
        barrier.wait();
        turn.time(runs)
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| work(runs / 2));
        let this = work(runs - runs / 2);
        this.max(other.join().unwrap())
    })
}
