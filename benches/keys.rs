//! The time of the key schedule, which is the cost of a member joining or leaving.
//!
//! Groups, each compared with the `sframe` crate on ring:
//!
//! * `ratchet step/<hash>`: the next base key. The `sframe` crate makes `Nk` bytes where the RFC
//!   has `Nh`.
//! * `derive/<hash>`: key and salt of one KID. Sealframe also expands the AES key, once for all
//!   frames; the `sframe` crate does so for each frame.
//! * `follow/one step`: a receiver opens the first frame, of 40 bytes, of the next ratchet step and
//!   advances its key. The `sframe` crate runs without replay protection.

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use sealframe_benches::{Batch, Operation, Turn, keys};
use sealframe_crypto::CipherSuite;

/// A batch of this length stays in the first-level cache.
const BATCH_LEN: usize = 16;

fn entry<O: Operation>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    operation: impl Fn() -> O,
) {
    group.bench_function(name, |bencher| {
        let mut batch = Batch::new(operation(), BATCH_LEN);
        bencher.iter_custom(|runs| batch.time(runs));
    });
}

fn keys(criterion: &mut Criterion) {
    let suites =
        [("SHA-256", CipherSuite::Aes128GcmSha256_128), ("SHA-512", CipherSuite::Aes256GcmSha512_128)];
    for (hash, suite) in suites {
        let mut group = criterion.benchmark_group(format!("ratchet step/{hash}"));
        entry(&mut group, "sealframe", || keys::Ratchet(suite));
        entry(&mut group, "sframe crate", || keys::PeerRatchet(suite));
        group.finish();
        let mut group = criterion.benchmark_group(format!("derive/{hash}"));
        entry(&mut group, "sealframe", || keys::Derive(suite));
        entry(&mut group, "sframe crate", || keys::PeerDerive(suite));
    }
    let mut group = criterion.benchmark_group("follow/one step");
    entry(&mut group, "sealframe", keys::Follow::new);
    entry(&mut group, "sframe crate", keys::PeerFollow::new);
}

criterion_group!(benches, keys);
criterion_main!(benches);
