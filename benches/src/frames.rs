//! Sealframe's two hot calls.

use core::hint::black_box;

use sealframe_crypto::{Backend, Cipher, CipherSuite};
use sealframe_media::{FrameBuf, KeyUsage, Receiver, Sender};

use crate::{FIRST_CTR, Operation, STREAM, Slot, base_key, kid, layout};

/// The backends of AES-GCM, each named as the library that `bare` runs alone, if that is one.
///
/// Another backend is another line: tables, plot, criterion and callgrind go by this list.
pub const BACKENDS: &[(&str, Backend)] = &[("ring", Backend::Ring), ("aes-gcm", Backend::Portable)];

pub fn sender(cipher: Cipher) -> Sender {
    let usage = KeyUsage { frames: FIRST_CTR, blocks: 0 };
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

/// So many frames at once. The library has no call for that yet, so here it is one for each frame:
/// what a call for several has to beat.
pub struct AtOnce<O> {
    one: O,
    frames: usize,
}

impl<O> AtOnce<O> {
    pub const fn new(one: O, frames: usize) -> Self {
        Self { one, frames }
    }
}

impl Operation for AtOnce<Seal> {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.one.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.one.prepare(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        self.one.run(slot);
    }

    #[inline(always)]
    fn run_all(&mut self, slots: &mut [Slot]) {
        for at_once in slots.chunks_mut(self.frames) {
            // Here goes the call that seals several.
            self.one.run_all(at_once);
        }
    }

    fn at_once(&self) -> usize {
        self.frames
    }
}

impl Operation for AtOnce<Open> {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.one.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.one.prepare(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        self.one.run(slot);
    }

    #[inline(always)]
    fn run_all(&mut self, slots: &mut [Slot]) {
        for at_once in slots.chunks_mut(self.frames) {
            // Here goes the call that opens several.
            self.one.run_all(at_once);
        }
    }

    fn at_once(&self) -> usize {
        self.frames
    }
}
