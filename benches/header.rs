//! The time to parse and encode a header: all that a media server does with a frame.
//!
//! Groups `header parse/<bytes>` and `header encode/<bytes>` for the shortest header, a typical one
//! and the longest, compared with the `sframe` crate. Sealframe rejects non-minimal encodings, as
//! RFC 9605 §4.3 requires; the `sframe` crate accepts them.
//!
//! These are few nanoseconds, near a clock's resolution: to compare two versions, count
//! instructions too.

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use sealframe_benches::{Batch, Operation, Turn, headers};
use sealframe_wire::{Ctr, Header, Kid};

fn entry<O: Operation>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    operation: impl Fn() -> O,
) {
    group.bench_function(name, |bencher| {
        let mut batch = Batch::new(operation(), 64);
        bencher.iter_custom(|runs| batch.time(runs));
    });
}

fn header(criterion: &mut Criterion) {
    for of @ (kid, ctr) in headers::HEADERS {
        let len = Header::new(Kid::new(kid), Ctr::new(ctr)).len();
        let mut group = criterion.benchmark_group(format!("header parse/{len}"));
        entry(&mut group, "sealframe", || headers::Parse(of));
        entry(&mut group, "sframe crate", || headers::PeerParse(of));
        group.finish();
        let mut group = criterion.benchmark_group(format!("header encode/{len}"));
        entry(&mut group, "sealframe", || headers::Encode(of));
        entry(&mut group, "sframe crate", || headers::PeerEncode(of));
    }
}

criterion_group!(benches, header);
criterion_main!(benches);
