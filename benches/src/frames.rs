//! Sealframe's hot functions.

use core::{hint::black_box, slice::from_mut};

use sealframe_crypto::{Backend, Cipher, CipherSuite};
use sealframe_media::{FrameBuf, KeyUsage, Receiver, Sender, ToOpen, ToSeal, open_batch, seal_batch};
use sealframe_wire::SenderKeyKid;

use crate::{FIRST_CTR, Operation, STREAM, Slot, base_key, kid, layout};

/// The AES-GCM backends, each with the name of the library that `bare` runs alone, if there is one.
///
/// A new backend is one more line: tables, plot, criterion and callgrind use this list.
pub const BACKENDS: &[(&str, Backend)] = &[
    ("ring", Backend::Ring),
    ("aws-lc-rs", Backend::AwsLc),
    ("kernel", Backend::Kernel),
    ("aes-gcm", Backend::Portable),
];

/// One of [`BACKENDS`] by its name.
pub fn backend(name: &str) -> Backend {
    BACKENDS.iter().find(|(it, _)| *it == name).map(|&(_, backend)| backend).unwrap()
}

pub fn sender(cipher: Cipher) -> Sender {
    let usage = KeyUsage { frames: FIRST_CTR, ..KeyUsage::default() };
    Sender::resume(cipher, layout(), kid(), base_key(), usage).unwrap()
}

pub fn receiver(cipher: Cipher) -> Receiver {
    let mut receiver = Receiver::new(cipher, layout());
    receiver.add_sender(kid(), base_key()).unwrap();
    receiver
}

/// `Sender::seal_in_place`: limit, header, AAD, nonce, AEAD, counter.
pub struct Seal {
    sender: Sender,
    len: usize,
}

impl Seal {
    pub fn new(suite: CipherSuite, backend: Backend, len: usize) -> Self {
        Self { sender: sender(Cipher::new(suite, backend)), len }
    }
}

impl Operation for Seal {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
    }

    #[inline(always)]
    fn run(&mut self, Slot { buf, frame, .. }: &mut Slot) {
        let frame = FrameBuf::new(black_box(buf), frame.clone()).unwrap();
        black_box(self.sender.seal_in_place(frame, STREAM).unwrap());
    }
}

/// `Receiver::open_in_place`: header, key look-up, replay check, AAD, nonce, AEAD, replay mark.
pub struct Open {
    sender: Sender,
    receiver: Receiver,
    nt: usize,
    len: usize,
}

impl Open {
    pub fn new(suite: CipherSuite, backend: Backend, len: usize) -> Self {
        let cipher = Cipher::new(suite, backend);
        Self { sender: sender(cipher), receiver: receiver(cipher), nt: suite.nt(), len }
    }
}

impl Operation for Open {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
        let frame = FrameBuf::new(&mut slot.buf, slot.frame.clone()).unwrap();
        let sealed_len = self.sender.seal_in_place(frame, STREAM).unwrap().len();
        let end = slot.frame.end + self.nt;
        slot.sealed = end - sealed_len..end;
    }

    #[inline(always)]
    fn run(&mut self, Slot { buf, sealed, .. }: &mut Slot) {
        let frame = &mut black_box(buf)[sealed.clone()];
        black_box(self.receiver.open_in_place(frame, STREAM).unwrap().frame);
    }
}

/// `seal_batch` of `N` frames, each of a different sender.
pub struct SealMany<const N: usize> {
    senders: Vec<Sender>,
    len: usize,
}

impl<const N: usize> SealMany<N> {
    pub fn new(suite: CipherSuite, backend: Backend, len: usize) -> Self {
        Self { senders: senders(Cipher::new(suite, backend), N), len }
    }
}

impl<const N: usize> Operation for SealMany<N> {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        self.run_all(from_mut(slot));
    }

    #[inline(always)]
    fn run_all(&mut self, slots: &mut [Slot]) {
        for slots in slots.chunks_mut(N) {
            let frames = slots.iter_mut().enumerate().map(|(sender, slot)| {
                let frame = FrameBuf::new(black_box(&mut slot.buf), slot.frame.clone()).unwrap();
                ToSeal { sender, frame, metadata: STREAM.into() }
            });
            seal_batch(&mut self.senders, frames, |_, sealed| {
                black_box(sealed.unwrap());
            });
        }
    }

    fn at_once(&self) -> usize {
        N
    }
}

/// `open_batch` of `N` frames, each of a different sender, by one receiver.
pub struct OpenMany<const N: usize> {
    senders: Vec<Sender>,
    next: usize,
    receiver: Receiver,
    nt: usize,
    len: usize,
}

impl<const N: usize> OpenMany<N> {
    pub fn new(suite: CipherSuite, backend: Backend, len: usize) -> Self {
        let cipher = Cipher::new(suite, backend);
        let mut receiver = Receiver::new(cipher, layout());
        for sender in 0..N as u64 {
            receiver.add_sender(SenderKeyKid { sender, ..kid() }, base_key()).unwrap();
        }
        Self { senders: senders(cipher, N), next: 0, receiver, nt: suite.nt(), len }
    }
}

impl<const N: usize> Operation for OpenMany<N> {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
        let frame = FrameBuf::new(&mut slot.buf, slot.frame.clone()).unwrap();
        let sealed_len = self.senders[self.next].seal_in_place(frame, STREAM).unwrap().len();
        self.next = (self.next + 1) % N;
        let end = slot.frame.end + self.nt;
        slot.sealed = end - sealed_len..end;
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        self.run_all(from_mut(slot));
    }

    #[inline(always)]
    fn run_all(&mut self, slots: &mut [Slot]) {
        for slots in slots.chunks_mut(N) {
            let frames = slots.iter_mut().map(|slot| {
                let frame = &mut black_box(&mut slot.buf)[slot.sealed.clone()];
                ToOpen { receiver: 0, frame, metadata: STREAM.into() }
            });
            open_batch(from_mut(&mut self.receiver), frames, |_, opened| {
                black_box(opened.unwrap().frame);
            });
        }
    }

    fn at_once(&self) -> usize {
        N
    }
}

fn senders(cipher: Cipher, count: usize) -> Vec<Sender> {
    let usage = KeyUsage { frames: FIRST_CTR, ..KeyUsage::default() };
    let sender = |sender| {
        let kid = SenderKeyKid { sender, ..kid() };
        Sender::resume(cipher, layout(), kid, base_key(), usage).unwrap()
    };
    (0..count as u64).map(sender).collect()
}
