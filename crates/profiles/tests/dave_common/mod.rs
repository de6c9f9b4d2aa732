//! Frames of every codec, and what DAVE's tests share.
#![allow(dead_code, unreachable_pub, reason = "each test takes its part")]

use core::time::Duration;

use sealframe_profiles::{
    Backend, Codec,
    dave::{BaseSecret, Config, Receiver, Sender},
};

pub const NOW: Duration = Duration::from_secs(1_000_000);

pub fn secret(byte: u8) -> BaseSecret {
    BaseSecret::from_exported(&[byte; 16])
}

pub fn sender() -> Sender {
    Sender::new(Config::new(Backend::recommended()), secret(1))
}

/// Holds the sender's secret since NOW, as epoch 1.
pub fn receiver() -> Receiver {
    receiver_on(Backend::recommended())
}

pub fn receiver_on(backend: Backend) -> Receiver {
    let mut receiver = Receiver::new(Config::new(backend));
    receiver.add_epoch(1, secret(1), NOW);
    receiver
}

/// [`receiver`] on every backend of this build.
pub fn receivers() -> impl Iterator<Item = Receiver> {
    Backend::available().map(receiver_on)
}

/// Bytes without two zeros in a row.
pub fn payload(len: usize) -> Vec<u8> {
    (1..=255).cycle().take(len).collect()
}

/// A small frame of each codec; those of H.264, H.265 and AV1 have several runs.
pub fn frames() -> [(Codec, Vec<u8>); 6] {
    let h264 = [
        &[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65, 0xb8][..],
        &payload(30),
        &[0, 0, 0, 1, 0x65, 0xb8],
        &payload(9),
    ];
    let h265 = [
        &[0, 0, 0, 1, 0x40, 1, 7, 0, 0, 0, 1, 0x26, 1][..],
        &payload(30),
        &[0, 0, 0, 1, 0x26, 1],
        &payload(9),
    ];
    let av1 = [&[0x0a, 30][..], &payload(30), &[0x30], &payload(9)];
    [
        (Codec::Opus, payload(40)),
        (Codec::Vp8, [&[0x10, 2, 0, 0x9d, 1, 0x2a, 1, 2, 3, 4][..], &payload(30)].concat()),
        (Codec::Vp9, [&[0x86][..], &payload(30)].concat()),
        (Codec::H264, h264.concat()),
        (Codec::H265, h265.concat()),
        (Codec::Av1, av1.concat()),
    ]
}
