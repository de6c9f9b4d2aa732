//! The `sframe` crate 2.1.0 with its default backend, ring.
//!
//! It has no interface that works in place: `encrypt_into` and `decrypt_into` copy the payload into a
//! vector, which is kept from frame to frame here, so that neither allocates. That copy is measured,
//! and so is the AES key, which it expands for every frame.

use core::hint::black_box;

use sframe::{
    CipherSuite,
    frame::{
        EncryptedFrameView, MediaFrameView, MonotonicCounter,
        validation::{ReplayAttackProtection, Tolerance},
    },
    header::KeyId,
    key::{DecryptionKey, EncryptionKey},
};

use crate::{BASE_KEY, FIRST_CTR, METADATA, Operation, kid, layout};

/// A frame, and where it goes.
pub struct Copied {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
}

pub(crate) fn key_id() -> KeyId {
    layout().join(kid()).unwrap().get()
}

/// `MediaFrameView::encrypt_into`, next CTR included.
pub struct Seal {
    key: EncryptionKey,
    counter: MonotonicCounter,
    len: usize,
}

impl Seal {
    pub fn new(suite: CipherSuite, len: usize) -> Self {
        let key = EncryptionKey::derive_from(suite, key_id(), BASE_KEY).unwrap();
        Self { key, counter: MonotonicCounter::with_start_value(FIRST_CTR, u64::MAX), len }
    }
}

impl Operation for Seal {
    type Input = Copied;

    fn input(&self) -> Copied {
        Copied { from: vec![0x55; self.len], to: Vec::with_capacity(self.len + 64) }
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut Copied) {
        let Copied { from, to } = black_box(frame);
        let view = MediaFrameView::try_with_meta_data(&mut self.counter, from, &METADATA).unwrap();
        black_box(view.encrypt_into(&self.key, to).unwrap().sframe_cipher_text());
    }
}

/// `EncryptedFrameView::validated_decrypt_into`, header included: each CTR once, as with Sealframe.
///
/// The key store is a single key and the replay window a single sender's: the cheapest that it offers.
/// Sealframe's receiver holds any number of senders.
pub struct Open {
    seal: Seal,
    key: DecryptionKey,
    replay: ReplayAttackProtection,
}

impl Open {
    pub fn new(suite: CipherSuite, len: usize) -> Self {
        let key = DecryptionKey::derive_from(suite, key_id(), BASE_KEY).unwrap();
        let replay = ReplayAttackProtection::new(key_id(), Tolerance::new(2048));
        Self { seal: Seal::new(suite, len), key, replay }
    }
}

impl Operation for Open {
    type Input = Copied;

    fn input(&self) -> Copied {
        let len = self.seal.len;
        Copied { from: Vec::with_capacity(len + 64), to: Vec::with_capacity(len + 64) }
    }

    fn prepare(&mut self, Copied { from, to }: &mut Copied) {
        let Seal { key, counter, len } = &mut self.seal;
        to.clear();
        to.resize(*len, 0x55);
        let mut sealed = vec![];
        let view = MediaFrameView::try_with_meta_data(counter, to, &METADATA).unwrap();
        let view = view.encrypt_into(key, &mut sealed).unwrap();
        from.clear();
        from.extend_from_slice(view.sframe_cipher_text());
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut Copied) {
        let Copied { from, to } = black_box(frame);
        let view = EncryptedFrameView::try_with_meta_data(from, &METADATA).unwrap();
        let opened = view.validated_decrypt_into(&self.key, to, &mut self.replay).unwrap();
        black_box(opened.payload());
    }
}
