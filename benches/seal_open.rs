//! The time of sealing and opening, measured by criterion; `compare` is more precise.
//!
//! Groups `<size>/<seal or open>/suite<number>`, such as `opus_20ms/seal/suite4`; sizes are
//! `opus_dtx` (40 bytes), `opus_20ms` (160), `packet` (1,200), `delta` (16,384) and `key`
//! (200,000). Each group has all contestants:
//!
//! | entry | operation |
//! |---|---|
//! | `sealframe <backend>` | `seal_in_place`, `open_in_place`; a `Stream`, no prefix |
//! | `…, 4 at once` | the same frames, 4 per call |
//! | `…, 2 threads` | the same on two threads; half of the slower one's time |
//! | `<library> alone` | the AEAD with the same AAD, payload and tag, key expanded, nonce ready |
//! | `sframe crate` | `encrypt_into` and `validated_decrypt_into` on ring, output vector reused |
//! | `sframe crate, default` | `encrypt` and `validated_decrypt`, whose frames own their bytes |
//!
//! A full run takes half an hour; a name selects a part:
//! `cargo bench -p sealframe-benches --bench seal_open -- opus_20ms/seal/suite4`.

use core::time::Duration;
use std::env;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sealframe_benches::{Direction, SIZES, batch_len, roster, threads};
use sealframe_crypto::CipherSuite;

fn seal_open(criterion: &mut Criterion) {
    // `cargo bench` passes --bench; `cargo test` does not, and only checks that everything runs.
    let measured = env::args().any(|arg| arg == "--bench");
    for (size, len) in SIZES.into_iter().take(if measured { SIZES.len() } else { 1 }) {
        for direction in Direction::BOTH {
            for suite in CipherSuite::ALL {
                let what = direction.name();
                let name = format!("{size}/{what}/suite{}", suite.id());
                group(criterion, &name, direction, suite, len);
            }
        }
    }
}

fn group(criterion: &mut Criterion, name: &str, direction: Direction, suite: CipherSuite, len: usize) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(len as u64));
    let mut all = roster::contestants(direction, suite, len);
    let backends = roster::backends(suite);
    for (name, backend) in &backends {
        // One frame per call is already in the list.
        all.extend(roster::at_once(direction, suite, (name, *backend), len).into_iter().skip(1));
    }
    for contestant in &all {
        group.bench_function(&contestant.name, |bencher| {
            let mut turn = contestant.enter(batch_len(len));
            bencher.iter_custom(|runs| turn.time(runs));
        });
    }
    for contestant in &all {
        if backends.iter().any(|(name, _)| *name == contestant.name) {
            group.bench_function(format!("{}, 2 threads", contestant.name), |bencher| {
                bencher.iter_custom(|runs| threads::time(contestant, batch_len(len), runs));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = seal_open
}
criterion_main!(benches);
