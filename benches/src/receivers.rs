//! One receiver and the keys of many senders, with a warm and with a cold cache.
//!
//! Both sides open the same frames: of 160 bytes, sealed by Sealframe in suite 4, each with a KID
//! of 3 bytes. The `sframe` crate looks keys up in a `HashMap` and replay windows in its own store,
//! and opens into a reused vector.

use core::{hint::black_box, time::Duration};
use std::{collections::HashMap, fs, time::Instant};

use sealframe_crypto::{BaseKey, Cipher};
use sealframe_media::{KeyUsage, Receiver, Sender};
use sealframe_wire::SenderKeyKid;
use sframe::{
    frame::{
        EncryptedFrameView,
        validation::{ReplayAttackProtectionStore, Tolerance},
    },
    header::KeyId,
    key::DecryptionKey,
};

use crate::{
    FILL, FIRST_CTR, METADATA, STREAM, SUITE, layout,
    peer::{self, TOLERANCE},
    turns::{as_f64, median},
};

/// Numbers of senders whose keys a receiver holds.
pub const SENDERS: [usize; 3] = [1, 100, 10_000];
/// The receivers.
pub const RECEIVERS: [&str; 2] = ["sealframe", "sframe crate"];

const LEN: usize = 160;
const BATCH_LEN: usize = 64;
/// The first of the sender ids, all of which give KIDs of 3 bytes.
const FIRST_SENDER: usize = 0x100;

/// The order of the frames' senders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// One sender.
    Same,
    /// Two senders in turn: the KID changes with every frame.
    Alternating,
    /// All senders in turn.
    RoundRobin,
    /// Random senders.
    Random,
}

impl Arrival {
    pub const ALL: [Self; 4] = [Self::Same, Self::Alternating, Self::RoundRobin, Self::Random];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "one sender",
            Self::Alternating => "two by turns",
            Self::RoundRobin => "all by turns",
            Self::Random => "at random",
        }
    }
}

/// A number of senders, and both receivers with all their keys.
pub struct Call {
    senders: Vec<Sender>,
    ours: Receiver,
    peer: Peer,
    frames: Vec<Vec<u8>>,
    next: usize,
    random: u32,
}

struct Peer {
    keys: HashMap<KeyId, DecryptionKey>,
    replay: ReplayAttackProtectionStore,
    out: Vec<u8>,
}

fn kid(index: usize) -> SenderKeyKid {
    SenderKeyKid { sender: (FIRST_SENDER + index) as u64, ..SenderKeyKid::default() }
}

fn base_key(index: usize) -> [u8; 32] {
    let mut base_key = [0x42; 32];
    base_key[..8].copy_from_slice(&(index as u64).to_be_bytes());
    base_key
}

fn senders(count: usize) -> Vec<Sender> {
    let usage = KeyUsage { frames: FIRST_CTR, ..KeyUsage::default() };
    let sender = |index| {
        let base_key = BaseKey::from_bytes(SUITE, &base_key(index)).unwrap();
        Sender::resume(Cipher::recommended(SUITE), layout(), kid(index), base_key, usage).unwrap()
    };
    (0..count).map(sender).collect()
}

fn ours(count: usize) -> Receiver {
    let mut receiver = Receiver::new(Cipher::recommended(SUITE), layout());
    for index in 0..count {
        receiver.add_sender(kid(index), BaseKey::from_bytes(SUITE, &base_key(index)).unwrap()).unwrap();
    }
    receiver
}

impl Peer {
    fn new(count: usize) -> Self {
        let suite = peer::suite(SUITE).unwrap();
        let key = |index| {
            let kid = layout().join(kid(index)).unwrap().get();
            (kid, DecryptionKey::derive_from(suite, kid, base_key(index)).unwrap())
        };
        Self {
            keys: (0..count).map(key).collect(),
            replay: ReplayAttackProtectionStore::new(Tolerance::new(TOLERANCE)),
            out: Vec::with_capacity(LEN + 64),
        }
    }

    #[inline(always)]
    fn open(&mut self, frame: &[u8]) {
        let Self { keys, replay, out } = self;
        let view = EncryptedFrameView::try_with_meta_data(frame, &METADATA).unwrap();
        black_box(view.validated_decrypt_into(&*keys, out, replay).unwrap().payload());
    }
}

impl Call {
    pub fn new(count: usize) -> Self {
        Self {
            senders: senders(count),
            ours: ours(count),
            peer: Peer::new(count),
            frames: vec![vec![]; BATCH_LEN],
            next: 0,
            random: 0x9e37_79b9,
        }
    }

    /// Seals the next arrivals.
    fn receive(&mut self, arrival: Arrival, count: usize) {
        for at in 0..count {
            let index = match arrival {
                Arrival::Same => 0,
                Arrival::Alternating => at % 2,
                Arrival::RoundRobin => self.next + at,
                Arrival::Random => self.random(),
            } % self.senders.len();
            let sealed = self.senders[index].seal_to_vec(&[FILL; LEN], STREAM).unwrap();
            self.frames[at].clear();
            self.frames[at].extend_from_slice(&sealed);
        }
        self.next += count;
    }

    /// Xorshift: the same senders in every run.
    fn random(&mut self) -> usize {
        for shift in [13, -17, 5_i32] {
            self.random ^= if shift > 0 { self.random << shift } else { self.random >> -shift };
        }
        self.random as usize
    }

    /// Opens the first `count` frames; `who` is an index into [`RECEIVERS`].
    #[inline(always)]
    fn open(&mut self, who: usize, count: usize) {
        for frame in &mut self.frames[..count] {
            if who == 0 {
                black_box(self.ours.open_in_place(frame, STREAM).unwrap().frame);
            } else {
                self.peer.open(frame);
            }
        }
    }

    /// Time of opening with a warm cache: one figure for each receiver.
    pub fn warm(&mut self, arrival: Arrival, budget: Duration) -> [f64; 2] {
        let (start, mut took) = (Instant::now(), [vec![], vec![]]);
        while took[0].is_empty() || start.elapsed() < budget {
            for (who, took) in took.iter_mut().enumerate() {
                self.receive(arrival, BATCH_LEN);
                self.open(who, BATCH_LEN);
                self.receive(arrival, BATCH_LEN);
                let start = Instant::now();
                self.open(who, BATCH_LEN);
                took.push(start.elapsed().as_secs_f64() * 1e9 / as_f64(BATCH_LEN));
            }
        }
        took.map(median)
    }

    /// Nanoseconds for one frame of any sender, after everything except the frame was evicted from
    /// the cache.
    fn cold(&mut self, who: usize, eviction: &mut Eviction) -> f64 {
        self.receive(Arrival::Random, 1);
        eviction.walk();
        black_box(self.frames[0].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
        let start = Instant::now();
        self.open(who, 1);
        start.elapsed().as_secs_f64() * 1e9
    }
}

/// Time of the first frame in a cold cache, by call and receiver, in turns; without the time of
/// reading the clock.
pub fn cold(calls: &mut [Call], eviction: &mut Eviction, rounds: usize) -> Vec<[f64; 2]> {
    let mut took = vec![[vec![], vec![]]; calls.len()];
    for _ in 0..rounds {
        for (call, took) in calls.iter_mut().zip(&mut took) {
            for (who, took) in took.iter_mut().enumerate() {
                took.push(call.cold(who, eviction));
            }
        }
    }
    let reading = || {
        let start = Instant::now();
        start.elapsed().as_secs_f64() * 1e9
    };
    let reading = median((0..rounds.max(1)).map(|_| reading()).collect());
    took.into_iter().map(|took| took.map(|took| median(took) - reading)).collect()
}

/// A walk through more memory than the caches hold, including the processor's code caches.
pub struct Eviction(Vec<u64>);

impl Eviction {
    /// Twice the third-level cache as reported by Linux, or 64 MiB.
    pub fn new() -> Self {
        let size = fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index3/size").ok();
        let kibibytes = size.and_then(|size| size.trim().strip_suffix('K')?.parse().ok());
        Self::of(kibibytes.map_or(64 << 20, |kibibytes: usize| kibibytes << 11))
    }

    pub fn of(bytes: usize) -> Self {
        Self((0..bytes as u64 / 8).collect())
    }

    pub const fn mebibytes(&self) -> usize {
        self.0.len() >> 17
    }

    fn walk(&mut self) {
        for word in self.0.iter_mut().step_by(8) {
            *word = word.wrapping_add(1);
        }
        black_box(&self.0);
    }
}

impl Default for Eviction {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of resident memory per sender, for `count` senders, by receiver, after one frame of each.
///
/// Only on Linux, and wrong in a process that has freed much memory before: call it first.
pub fn memory(count: usize) -> Option<[f64; 2]> {
    let mut senders = senders(count);
    let mut seal = |index: usize| senders[index].seal_to_vec(&[FILL; LEN], STREAM).unwrap();
    drop((seal(0), sframe::header::SframeHeader::new(0, 0)));
    let start = resident()?;
    let mut ours = ours(count);
    for index in 0..count {
        black_box(ours.open_in_place(&mut seal(index), STREAM).unwrap().frame);
    }
    let between = resident()?;
    let mut peer = Peer::new(count);
    for index in 0..count {
        peer.open(&seal(index));
    }
    let end = resident()?;
    black_box((ours, peer));
    Some([between - start, end - between].map(|bytes| bytes / as_f64(count)))
}

fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}
