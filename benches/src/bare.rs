//! The AEADs alone: key expanded, nonce and AAD ready, tag to and from the same buffer.

use core::hint::black_box;

use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{AAD, Operation, Slot};

const KEY: [u8; 16] = [0x42; 16];
const NONCE: [u8; 12] = [0x24; 12];

fn ring_key() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &KEY).unwrap())
}

fn ring_seal(key: &LessSafeKey, nonce: &[u8; 12], aad: &[u8], slot: &mut Slot) {
    let (payload, tag) = slot.payload_and_tag();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    *tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(aad), payload)
        .unwrap()
        .as_ref()
        .try_into()
        .unwrap();
}

/// `LessSafeKey::seal_in_place_separate_tag`.
pub struct RingSeal {
    key: LessSafeKey,
    nonce: [u8; 12],
    aad: [u8; 12],
    len: usize,
}

impl RingSeal {
    pub fn new(len: usize) -> Self {
        Self { key: ring_key(), nonce: NONCE, aad: AAD, len }
    }
}

impl Operation for RingSeal {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        ring_seal(&self.key, &self.nonce, &self.aad, black_box(slot));
    }
}

/// `LessSafeKey::open_in_place_separate_tag`.
pub struct RingOpen(RingSeal);

impl RingOpen {
    pub fn new(len: usize) -> Self {
        Self(RingSeal::new(len))
    }
}

impl Operation for RingOpen {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.0.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.0.run(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let RingSeal { key, nonce, aad, .. } = &self.0;
        let (payload, tag) = black_box(slot).payload_and_tag();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(aad);
        black_box(key.open_in_place_separate_tag(nonce, aad, (*tag).into(), payload, 0..).unwrap());
    }
}

/// `Aes128Gcm::encrypt_inout_detached`.
pub struct AesGcmSeal {
    key: Aes128Gcm,
    nonce: [u8; 12],
    aad: [u8; 12],
    len: usize,
}

impl AesGcmSeal {
    pub fn new(len: usize) -> Self {
        Self { key: Aes128Gcm::new(&KEY.into()), nonce: NONCE, aad: AAD, len }
    }
}

impl Operation for AesGcmSeal {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let (payload, tag) = black_box(slot).payload_and_tag();
        let aad = &self.aad;
        *tag = self.key.encrypt_inout_detached(&self.nonce.into(), aad, payload.into()).unwrap().into();
    }
}

/// `Aes128Gcm::decrypt_inout_detached`.
pub struct AesGcmOpen(AesGcmSeal);

impl AesGcmOpen {
    pub fn new(len: usize) -> Self {
        Self(AesGcmSeal::new(len))
    }
}

impl Operation for AesGcmOpen {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.0.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.0.run(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let AesGcmSeal { key, nonce, aad, .. } = &self.0;
        let (payload, tag) = black_box(slot).payload_and_tag();
        let (nonce, tag) = ((*nonce).into(), (*tag).into());
        key.decrypt_inout_detached(&nonce, aad, payload.into(), &tag).unwrap();
    }
}
