//! How long sealing and opening take, by the length of the payload and by suite.
//!
//! Groups `seal/<bytes>` and `open/<bytes>`, AES-128-GCM (suite 4), the rivals inside each:
//!
//! | entry | what it does |
//! |---|---|
//! | `sealframe` | `Sender::seal_in_place`, `Receiver::open_in_place` on ring; a `Stream`, no prefix |
//! | `ring alone` | the AEAD on the same AAD, payload and tag, key expanded, nonce ready |
//! | `sealframe portable` | as `sealframe`, on aes-gcm |
//! | `aes-gcm alone` | as `ring alone`, by aes-gcm |
//! | `sframe crate` | `encrypt_into` and `validated_decrypt_into` on ring, output vector reused |
//!
//! The peer copies the payload, which the others do not: it has no interface that works in place. It is
//! spared a key store of several senders, which Sealframe's receiver has. Everyone opens frames that
//! were sealed just before, outside the measured time, each with a CTR of its own; the bare ciphers,
//! which have no counter, with the same nonce each time.
//!
//! Group `suites/1200`: Sealframe in every suite, and the peer in the two that it has with ring.

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use sealframe_benches::{Batch, LENS, Operation, SUITE, bare, batch_len, frames, peer};
use sealframe_crypto::{Backend, CipherSuite};

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn entry<O: Operation>(group: &mut Group<'_>, name: &str, len: usize, operation: impl Fn() -> O) {
    group.bench_function(name, |bencher| {
        let mut batch = Batch::new(operation(), batch_len(len));
        bencher.iter_custom(|runs| batch.time(runs));
    });
}

fn group<'c>(criterion: &'c mut Criterion, what: &str, len: usize) -> Group<'c> {
    let mut group = criterion.benchmark_group(format!("{what}/{len}"));
    group.throughput(Throughput::Bytes(len as u64));
    group
}

fn seal(criterion: &mut Criterion) {
    for len in LENS {
        let mut group = group(criterion, "seal", len);
        entry(&mut group, "sealframe", len, || frames::Seal::new(SUITE, Backend::Ring, len));
        entry(&mut group, "ring alone", len, || bare::RingSeal::new(len));
        entry(&mut group, "sealframe portable", len, || {
            frames::Seal::new(SUITE, Backend::Portable, len)
        });
        entry(&mut group, "aes-gcm alone", len, || bare::AesGcmSeal::new(len));
        entry(&mut group, "sframe crate", len, || {
            peer::Seal::new(sframe::CipherSuite::AesGcm128Sha256, len)
        });
    }
}

fn open(criterion: &mut Criterion) {
    for len in LENS {
        let mut group = group(criterion, "open", len);
        entry(&mut group, "sealframe", len, || frames::Open::new(SUITE, Backend::Ring, len));
        entry(&mut group, "ring alone", len, || bare::RingOpen::new(len));
        entry(&mut group, "sealframe portable", len, || {
            frames::Open::new(SUITE, Backend::Portable, len)
        });
        entry(&mut group, "aes-gcm alone", len, || bare::AesGcmOpen::new(len));
        entry(&mut group, "sframe crate", len, || {
            peer::Open::new(sframe::CipherSuite::AesGcm128Sha256, len)
        });
    }
}

fn suites(criterion: &mut Criterion) {
    const LEN: usize = 1200;
    let mut group = group(criterion, "suites", LEN);
    for suite in CipherSuite::ALL {
        let id = suite.id();
        entry(&mut group, &format!("{id} seal sealframe"), LEN, || {
            frames::Seal::new(suite, Backend::default(), LEN)
        });
        entry(&mut group, &format!("{id} open sealframe"), LEN, || {
            frames::Open::new(suite, Backend::default(), LEN)
        });
        let peer_suite = match suite {
            CipherSuite::Aes128GcmSha256_128 => sframe::CipherSuite::AesGcm128Sha256,
            CipherSuite::Aes256GcmSha512_128 => sframe::CipherSuite::AesGcm256Sha512,
            _ => continue,
        };
        entry(&mut group, &format!("{id} seal sframe crate"), LEN, || peer::Seal::new(peer_suite, LEN));
        entry(&mut group, &format!("{id} open sframe crate"), LEN, || peer::Open::new(peer_suite, LEN));
    }
}

criterion_group!(benches, seal, open, suites);
criterion_main!(benches);
