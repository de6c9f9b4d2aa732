//! One function per fuzz target: it takes bytes, and panics if the library breaks a promise.
//!
//! libFuzzer calls them through `fuzz_targets/`, and every test run replays the seeds through them
//! (`tests/replay.rs`). No target only checks for crashes: each has an oracle that is simpler than
//! the code under test.
//!
//! | target | bytes | oracle |
//! |---|---|---|
//! | [`header()`] | the start of a frame | a decoder of two loops; encoding is its inverse |
//! | [`open()`] | set-up, sealed frame | the *sealing* half of the other AES-GCM backend |
//! | [`seal_open()`] | set-up, fields, mutation, payload | the sealed bytes assembled by hand |
//! | [`replay_order()`] | operations | sets of held keys and of opened frames |
//! | [`announcement()`] | set-up, announcement | its contents, encrypted again |
//! | [`codec()`] | a frame of every codec | loops over every byte and every bit |
//! | [`dave()`] | DAVE's sealed frame, or one to be sealed and changed | ring's *sealing* half |
//! | [`jitsi()`] | Jitsi's sealed frame, or one to be sealed and changed | ring and its HKDF |
//! | [`livekit()`] | the same for LiveKit, from either client | ring, any number of clear bytes |
//! | [`livekit_data()`] | LiveKit's packet, or one to be changed | a reader of fields, and ring |
//! | [`group_message()`] | a message of the group protocol | encoding is the inverse |
//! | [`group()`] | a relay's and people's actions | every key and membership, noted one by one |
//! | [`trust()`] | a stored trust store | encoding is the inverse |
//! | [`kernel()`] | four frames: instruction set, key, lengths, forgery, data | ring |
//!
//! Nothing is disabled for the fuzzer: the ciphers are the real ones.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "an oracle reports by panicking"
)]

mod announcement;
mod codec;
mod dave;
mod group;
mod header;
mod input;
mod jframe;
mod jitsi;
mod kernel;
mod keys;
mod label;
mod livekit;
mod open;
mod reference;
mod replay_order;
mod seal_open;

pub use announcement::announcement;
pub use codec::codec;
pub use dave::dave;
pub use group::{group, group_message, trust};
pub use header::header;
pub use jitsi::jitsi;
pub use kernel::kernel;
pub use livekit::{livekit, livekit_data};
pub use open::open;
pub use replay_order::replay_order;
pub use seal_open::seal_open;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name, also of its program and of its folder of seeds.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// Least number of seeds, so that losing them is a failure.
    pub seeds: usize,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 14] = [
        Self::new("header", header, 43),
        Self::new("open", open, 41),
        Self::new("seal_open", seal_open, 32),
        Self::new("replay_order", replay_order, 24),
        Self::new("announcement", announcement, 26),
        Self::new("kernel", kernel, 20),
        Self::new("codec", codec, 58),
        Self::new("dave", dave, 118),
        Self::new("jitsi", jitsi, 20),
        Self::new("livekit", livekit, 40),
        Self::new("livekit_data", livekit_data, 10),
        Self::new("group_message", group_message, 111),
        Self::new("group", group, 44),
        Self::new("trust", trust, 5),
    ];

    const fn new(name: &'static str, run: fn(&[u8]), seeds: usize) -> Self {
        Self { name, run, seeds }
    }
}
