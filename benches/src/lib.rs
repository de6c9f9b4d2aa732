//! The measured operations, shared by every clock and by the instruction counter.
//!
//! | module | noun |
//! |---|---|
//! | `frames` | seal and open: Sealframe on each of its backends |
//! | `bare` | the bare AEADs of every library: the lower bound for any frame format |
//! | `peer` | the `sframe` crate, through its fastest and through its default interface |
//! | `profiles` | the deployed formats |
//! | `roster` | the contestants: one list for the clock, for criterion and for the counter |
//! | `known` | the cost of known members: memory, and time for a frame |
//! | `keys` | ratchet, key derivation, a receiver that follows a ratchet step |
//! | `calls` | frames through a whole call |
//! | `groups` | members of a call that exchange keys |
//! | `headers` | parse and encode |
//! | `turns` | contestants in turns, and their medians |
//! | `threads` | one thread against two |
//! | `receivers` | one receiver and up to 10,000 senders, with a warm and with a cold cache |
//! | `markdown`, `plot` | the presentation of figures |
//!
//! # The same work for everyone
//! Sealed frames have a header of 7 bytes (KID 2, CTR 4), 5 bytes of metadata, so 12 bytes of AAD,
//! and the suite's tag. The CTR starts at 2^24, so no header grows during a measurement.
//!
//! Opening consumes a frame: it decrypts in place, and a receiver accepts each CTR once. So every
//! run gets a frame of its own, sealed in [`Operation::prepare`], which is not measured. Before
//! sealing, the payload is written there, as an encoder does, so that it is in the cache for every
//! contestant.
#![allow(missing_docs, reason = "not a public API: these names are for the files beside it")]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a bench stops when something fails"
)]

pub mod bare;
pub mod calls;
pub mod frames;
pub mod groups;
pub mod headers;
pub mod keys;
pub mod known;
pub mod markdown;
pub mod peer;
pub mod plot;
pub mod primitives;
pub mod profiles;
pub mod receivers;
pub mod roster;
pub mod threads;
pub mod turns;

use core::{ops::Range, time::Duration};
use std::time::Instant;

use sealframe_crypto::{BaseKey, CipherSuite};
use sealframe_media::{FrameBuf, Stream, StreamKind};
use sealframe_wire::{SenderKeyKid, SenderKeyLayout};

/// Groups and their payload lengths in bytes: Opus silence, 20 ms of Opus at 64 kbit/s, an RTP
/// packet, a video frame, a key frame.
pub const SIZES: [(&str, usize); 5] =
    [("opus_dtx", 40), ("opus_20ms", 160), ("packet", 1200), ("delta", 16_384), ("key", 200_000)];

pub const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
pub const BASE_KEY: [u8; 32] = [0x42; 32];
pub const STREAM: Stream = Stream::new(StreamKind::Microphone, 0);
/// [`STREAM`] as Sealframe authenticates it; the `sframe` crate gets it as metadata.
pub const METADATA: [u8; 5] = [1, 0, 0, 0, 0];
pub const FIRST_CTR: u64 = 1 << 24;
/// KID and metadata of every frame in front of [`FIRST_CTR`]: the AAD of the bare AEADs.
pub const AAD: [u8; 12] = [0x9b, 7, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];

/// The payload byte.
const FILL: u8 = 0x55;

pub fn base_key() -> BaseKey {
    BaseKey::from_bytes(SUITE, &BASE_KEY).unwrap()
}

/// The RFC's layout with 16 bits of sender: the KID of [`kid`] is 0x0700.
pub fn layout() -> SenderKeyLayout {
    SenderKeyLayout::new(16, 8).unwrap()
}

pub fn kid() -> SenderKeyKid {
    SenderKeyKid { sender: 7, ..SenderKeyKid::default() }
}

/// The direction of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Seal,
    Open,
}

impl Direction {
    pub const BOTH: [Self; 2] = [Self::Seal, Self::Open];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Open => "open",
        }
    }
}

/// One operation and its input.
pub trait Operation: Send {
    type Input: Send;

    fn input(&self) -> Self::Input;

    /// Prepares `input` for one [`run`](Self::run). Not measured.
    fn prepare(&mut self, _input: &mut Self::Input) {}

    /// Measured.
    fn run(&mut self, input: &mut Self::Input);

    /// Measured: runs all of them. An operation that takes several at once does so here.
    #[inline(always)]
    fn run_all(&mut self, inputs: &mut [Self::Input]) {
        for input in inputs {
            self.run(input);
        }
    }

    /// Number of inputs taken at once; the length of a batch is a multiple of it.
    fn at_once(&self) -> usize {
        1
    }
}

/// An operation and a batch of inputs: prepared together, then measured together.
pub struct Batch<O: Operation> {
    operation: O,
    inputs: Vec<O::Input>,
}

impl<O: Operation> Batch<O> {
    pub fn new(operation: O, len: usize) -> Self {
        let len = len.next_multiple_of(operation.at_once());
        let inputs = (0..len).map(|_| operation.input()).collect();
        Self { operation, inputs }
    }
}

/// A batch of any operation. There is one indirect call per batch.
#[expect(clippy::len_without_is_empty, reason = "no batch is empty")]
pub trait Turn: Send {
    /// Operations in the batch.
    fn len(&self) -> usize;

    fn prepare(&mut self);

    fn run(&mut self);

    /// Time of `runs` runs, in batches; for criterion.
    fn time(&mut self, runs: u64) -> Duration;
}

impl<O: Operation> Turn for Batch<O> {
    fn len(&self) -> usize {
        self.inputs.len()
    }

    fn prepare(&mut self) {
        for input in &mut self.inputs {
            self.operation.prepare(input);
        }
    }

    fn run(&mut self) {
        self.operation.run_all(&mut self.inputs);
    }

    fn time(&mut self, runs: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        let mut left = usize::try_from(runs).unwrap();
        while left > 0 {
            let batch = left.min(self.inputs.len());
            let inputs = &mut self.inputs[..batch];
            for input in &mut *inputs {
                self.operation.prepare(input);
            }
            let start = Instant::now();
            self.operation.run_all(inputs);
            elapsed += start.elapsed();
            left -= batch;
        }
        elapsed
    }
}

/// Number of frames of `len` bytes in a batch: at most 64, and at most 128 KiB, which is far less
/// than a second-level cache.
pub fn batch_len(len: usize) -> usize {
    (128 * 1024 / (len + 64)).clamp(1, 64)
}

/// A frame with room around it, as from an encoder. The bare AEADs use the same buffer.
pub struct Slot {
    pub buf: Vec<u8>,
    pub frame: Range<usize>,
    /// Range of the sealed frame, once there is one.
    pub sealed: Range<usize>,
}

impl Slot {
    pub fn new(len: usize) -> Self {
        let buf = vec![FILL; FrameBuf::HEADROOM + len + FrameBuf::TAILROOM];
        Self { buf, frame: FrameBuf::HEADROOM..FrameBuf::HEADROOM + len, sealed: 0..0 }
    }

    /// Writes the payload, as an encoder does.
    pub fn refill(&mut self) {
        self.buf[self.frame.clone()].fill(FILL);
    }

    /// The payload, and room for the tag after it.
    #[inline(always)]
    pub fn payload_and_tag(&mut self) -> (&mut [u8], &mut [u8; CipherSuite::MAX_NT]) {
        let (head, tag) = self.buf.split_at_mut(self.frame.end);
        (&mut head[self.frame.start..], tag.first_chunk_mut().unwrap())
    }
}
