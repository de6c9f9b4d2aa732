//! The measured operations, so that the clock and the instruction counter run the same ones.
//!
//! | module | noun |
//! |---|---|
//! | `frames` | seal and open: Sealframe on either backend |
//! | `bare` | the AEADs alone, ring and aes-gcm: what no frame format can go below |
//! | `peer` | the `sframe` crate, through its cheapest interface |
//! | `keys` | ratchet, key derivation, a receiver that follows a ratchet step |
//! | `headers` | parse and encode |
//!
//! # The same work for everyone
//! Sealed frames have a header of 7 bytes (KID 2, CTR 4), 5 bytes of metadata, so 12 bytes of AAD, and
//! a tag of 16 bytes. The CTR counts on from 2^24, so no header grows while it is measured.
//!
//! Opening consumes a frame: it decrypts in place, and a receiver takes each CTR once. So every run
//! gets a frame of its own, sealed in [`Operation::prepare`], which is never measured. Frames come in
//! batches that stay in the second-level cache; sealing goes through the same batches.
#![allow(missing_docs, reason = "no interface: these names are for the files beside it")]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a bench stops when something fails"
)]

pub mod bare;
pub mod frames;
pub mod headers;
pub mod keys;
pub mod peer;

use core::ops::Range;
use core::time::Duration;
use std::time::Instant;

use sealframe_crypto::{BaseKey, CipherSuite};
use sealframe_media::{FrameBuf, Stream, StreamKind};
use sealframe_wire::{SenderKeyKid, SenderKeyLayout};

/// Bytes of payload: Opus at 16 kbit/s, Opus at 64 kbit/s, an RTP packet, a video frame, a key frame.
pub const LENS: [usize; 5] = [40, 160, 1200, 16_384, 200_000];

pub const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
pub const BASE_KEY: [u8; 32] = [0x42; 32];
pub const STREAM: Stream = Stream::new(StreamKind::Microphone, 0);
/// [`STREAM`] as Sealframe authenticates it; the other side gets it as metadata.
pub const METADATA: [u8; 5] = [1, 0, 0, 0, 0];
pub const FIRST_CTR: u64 = 1 << 24;
/// KID and metadata of every frame in front of [`FIRST_CTR`]: what the bare AEADs authenticate.
pub const AAD: [u8; 12] = [0x9b, 7, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
pub const NT: usize = 16;

pub fn base_key() -> BaseKey {
    BaseKey::from_bytes(&BASE_KEY)
}

/// As the RFC's, and 16 bits of sender: the KID of [`kid`] is 0x0700.
pub fn layout() -> SenderKeyLayout {
    SenderKeyLayout::new(16, 8).unwrap()
}

pub fn kid() -> SenderKeyKid {
    SenderKeyKid { sender: 7, ..SenderKeyKid::default() }
}

/// One operation, and what it works on.
pub trait Operation {
    type Input;

    fn input(&self) -> Self::Input;

    /// Makes `input` ready to be [`run`](Self::run) once. Not measured.
    fn prepare(&mut self, _input: &mut Self::Input) {}

    /// Measured.
    fn run(&mut self, input: &mut Self::Input);
}

/// An operation and a batch of inputs: prepared together, then measured together.
pub struct Batch<O: Operation> {
    operation: O,
    inputs: Vec<O::Input>,
}

impl<O: Operation> Batch<O> {
    pub fn new(operation: O, len: usize) -> Self {
        let inputs = (0..len).map(|_| operation.input()).collect();
        Self { operation, inputs }
    }

    pub fn prepare(&mut self) {
        for input in &mut self.inputs {
            self.operation.prepare(input);
        }
    }

    #[inline(always)]
    pub fn run(&mut self) {
        for input in &mut self.inputs {
            self.operation.run(input);
        }
    }

    /// How long `runs` runs take, in batches.
    pub fn time(&mut self, runs: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        let mut left = usize::try_from(runs).unwrap();
        while left > 0 {
            let batch = left.min(self.inputs.len());
            let inputs = &mut self.inputs[..batch];
            for input in &mut *inputs {
                self.operation.prepare(input);
            }
            let start = Instant::now();
            for input in &mut *inputs {
                self.operation.run(input);
            }
            elapsed += start.elapsed();
            left -= batch;
        }
        elapsed
    }
}

/// How many frames of `len` bytes make a batch: at most 64, and a quarter of a megabyte.
pub fn batch_len(len: usize) -> usize {
    (256 * 1024 / (len + 64)).clamp(1, 64)
}

/// A frame with room around it, as an encoder would leave it. The bare AEADs use the same buffer.
pub struct Slot {
    pub buf: Vec<u8>,
    pub frame: Range<usize>,
    /// Where the sealed frame lies, once there is one.
    pub sealed: Range<usize>,
}

impl Slot {
    pub fn new(len: usize) -> Self {
        let buf = vec![0x55; FrameBuf::HEADROOM + len + FrameBuf::TAILROOM];
        Self { buf, frame: FrameBuf::HEADROOM..FrameBuf::HEADROOM + len, sealed: 0..0 }
    }

    /// The payload, and room for the tag behind it.
    #[inline(always)]
    pub fn payload_and_tag(&mut self) -> (&mut [u8], &mut [u8; NT]) {
        let (head, tag) = self.buf.split_at_mut(self.frame.end);
        (&mut head[self.frame.start..], tag.first_chunk_mut().unwrap())
    }
}
