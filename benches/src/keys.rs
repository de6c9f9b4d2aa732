//! The key schedule: rare, but the cost of a join.

use core::hint::black_box;

use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite, FrameKey};
use sealframe_media::{Receiver, Sender};
use sealframe_wire::Kid;
use sframe::{
    frame::{EncryptedFrameView, MediaFrameView, MonotonicCounter},
    key::EncryptionKey,
    ratchet::{
        RatchetBits, RatchetStepDiff, RatchetingDecryptionKey, RatchetingEncryptionKey,
        RatchetingKeyId, RatchetingKeyMaterial, RatchetingKeyStore,
    },
};

use crate::{
    METADATA, Operation, STREAM, SUITE, frames, kid, layout,
    peer::{self, key_id},
};

fn peer_suite(suite: CipherSuite) -> sframe::CipherSuite {
    peer::suite(suite).unwrap()
}

/// `BaseKey::ratchet`.
pub struct Ratchet(pub CipherSuite);

impl Operation for Ratchet {
    type Input = BaseKey;

    fn input(&self) -> BaseKey {
        BaseKey::from_bytes(self.0, &vec![0x42; self.0.nh()]).unwrap()
    }

    #[inline(always)]
    fn run(&mut self, base_key: &mut BaseKey) {
        black_box(black_box(&*base_key).ratchet());
    }
}

/// `RatchetingKeyMaterial::ratchet`. Makes `Nk` bytes where the RFC has `Nh`.
pub struct PeerRatchet(pub CipherSuite);

impl Operation for PeerRatchet {
    type Input = RatchetingKeyMaterial;

    fn input(&self) -> RatchetingKeyMaterial {
        RatchetingKeyMaterial::derive_from(peer_suite(self.0), vec![0x42; self.0.nh()]).unwrap()
    }

    #[inline(always)]
    fn run(&mut self, material: &mut RatchetingKeyMaterial) {
        black_box(black_box(&*material).ratchet().unwrap());
    }
}

/// `FrameKey::derive` on the default backend: key, salt, and the AES key expanded for all frames.
pub struct Derive(pub CipherSuite);

impl Operation for Derive {
    type Input = BaseKey;

    fn input(&self) -> BaseKey {
        BaseKey::from_bytes(self.0, &vec![0x42; self.0.nh()]).unwrap()
    }

    #[inline(always)]
    fn run(&mut self, base_key: &mut BaseKey) {
        black_box(FrameKey::derive(Backend::recommended(), Kid::new(0x0700), black_box(base_key)));
    }
}

/// `EncryptionKey::derive_from`: key and salt. The AES key is expanded for each frame.
pub struct PeerDerive(pub CipherSuite);

impl Operation for PeerDerive {
    type Input = Vec<u8>;

    fn input(&self) -> Vec<u8> {
        vec![0x42; self.0.nh()]
    }

    #[inline(always)]
    fn run(&mut self, base_key: &mut Vec<u8>) {
        let base_key = black_box(&*base_key);
        black_box(EncryptionKey::derive_from(peer_suite(self.0), key_id(), base_key).unwrap());
    }
}

/// A receiver opens the first frame of the next ratchet step, 40 bytes, and advances its key.
pub struct Follow {
    sender: Sender,
    receiver: Receiver,
}

impl Follow {
    pub fn new() -> Self {
        let cipher = Cipher::recommended(SUITE);
        let sender = Sender::new(cipher, layout(), kid(), crate::base_key()).unwrap();
        Self { sender, receiver: frames::receiver(cipher) }
    }
}

impl Default for Follow {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for Follow {
    type Input = Vec<u8>;

    fn input(&self) -> Vec<u8> {
        vec![]
    }

    fn prepare(&mut self, sealed: &mut Vec<u8>) {
        self.sender.ratchet().unwrap();
        *sealed = self.sender.seal_to_vec(&[0x55; 40], STREAM).unwrap();
    }

    #[inline(always)]
    fn run(&mut self, sealed: &mut Vec<u8>) {
        black_box(self.receiver.open_in_place(black_box(sealed), STREAM).unwrap().frame);
    }
}

/// The same with a `RatchetingKeyStore`, without replay protection.
pub struct PeerFollow {
    sender: RatchetingEncryptionKey,
    keys: RatchetingKeyStore,
}

impl PeerFollow {
    pub fn new() -> Self {
        let bits = RatchetBits::new(layout().step_bits());
        let id = RatchetingKeyId::from_key_id(key_id(), bits);
        let suite = peer_suite(SUITE);
        let mut keys = RatchetingKeyStore::new(bits, RatchetStepDiff::from(64));
        keys.insert(RatchetingDecryptionKey::derive_from(suite, id, crate::BASE_KEY).unwrap());
        let sender = RatchetingEncryptionKey::derive_from(suite, id, crate::BASE_KEY).unwrap();
        Self { sender, keys }
    }
}

impl Default for PeerFollow {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for PeerFollow {
    type Input = (Vec<u8>, Vec<u8>);

    fn input(&self) -> Self::Input {
        (vec![], Vec::with_capacity(128))
    }

    fn prepare(&mut self, (sealed, _): &mut Self::Input) {
        self.sender = self.sender.ratchet().unwrap();
        let mut counter = MonotonicCounter::default();
        let mut out = vec![];
        let frame = MediaFrameView::try_with_meta_data(&mut counter, &[0x55; 40], &METADATA).unwrap();
        let frame = frame.encrypt_into(self.sender.as_ref(), &mut out).unwrap();
        *sealed = frame.sframe_cipher_text().to_vec();
    }

    #[inline(always)]
    fn run(&mut self, (sealed, out): &mut Self::Input) {
        let frame = EncryptedFrameView::try_with_meta_data(black_box(sealed), &METADATA).unwrap();
        black_box(frame.decrypt_into(&mut self.keys, out).unwrap().payload());
    }
}
