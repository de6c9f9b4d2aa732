//! What the path costs in time over the bare cipher: `cargo bench --bench overhead`. Prints Markdown.
//!
//! Ten nanoseconds drown in a clock that changes between two entries of a criterion group. Here
//! Sealframe and the bare cipher take turns, batch by batch, so both see the same clock, and what is
//! compared is the median of 20,000 batches each. A machine that does something else besides is borne.

use std::{env, time::Instant};

use sealframe_benches::{Batch, Operation, SUITE, bare, frames};
use sealframe_crypto::Backend;

const LENS: [usize; 4] = [40, 160, 1200, 16_384];
const BATCH_LEN: u32 = 16;

fn main() {
    let rounds = if env::args().any(|arg| arg == "--bench") { 20_000 } else { 1 };
    println!("| | bytes | sealframe | bare cipher | difference | overhead |");
    println!("|---|---:|---:|---:|---:|---:|");
    for len in LENS {
        let ours = frames::Seal::new(SUITE, Backend::Ring, len);
        print_row("ring, seal", len, rounds, ours, bare::RingSeal::new(len));
    }
    for len in LENS {
        let ours = frames::Open::new(SUITE, Backend::Ring, len);
        print_row("ring, open", len, rounds, ours, bare::RingOpen::new(len));
    }
    for len in LENS {
        let ours = frames::Seal::new(SUITE, Backend::Portable, len);
        print_row("aes-gcm, seal", len, rounds, ours, bare::AesGcmSeal::new(len));
    }
    for len in LENS {
        let ours = frames::Open::new(SUITE, Backend::Portable, len);
        print_row("aes-gcm, open", len, rounds, ours, bare::AesGcmOpen::new(len));
    }
}

fn print_row(name: &str, len: usize, rounds: usize, ours: impl Operation, bare: impl Operation) {
    let batch_len = usize::try_from(BATCH_LEN).unwrap_or_default();
    let (mut ours, mut bare) = (Batch::new(ours, batch_len), Batch::new(bare, batch_len));
    let (mut ours_took, mut bare_took) = (vec![], vec![]);
    for _ in 0..rounds {
        ours_took.push(nanoseconds(&mut ours));
        bare_took.push(nanoseconds(&mut bare));
    }
    let (ours, bare) = (median(ours_took), median(bare_took));
    println!(
        "| {name} | {len} | {ours:.1} ns | {bare:.1} ns | {:+.1} ns | {:+.1} % |",
        ours - bare,
        (ours / bare - 1.0) * 100.0
    );
}

/// What one operation of a batch takes.
fn nanoseconds(batch: &mut Batch<impl Operation>) -> f64 {
    batch.prepare();
    let start = Instant::now();
    batch.run();
    start.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH_LEN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
