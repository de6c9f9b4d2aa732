//! The `sframe` crate 2.1.0 with its default backend, ring.
//!
//! It has no in-place API. Its *fastest* functions, `encrypt_into` and `decrypt_into`, copy the
//! payload into a vector, which is reused here, so that neither allocates. Its *default* functions,
//! those of its front page, make frames that own their bytes: two copies and two allocations. All
//! of that is measured, including the AES key expansion, which it repeats for every frame.

use core::hint::black_box;

use sealframe_crypto::CipherSuite;
use sframe::{
    frame::{
        EncryptedFrame, EncryptedFrameView, MediaFrame, MediaFrameView, MonotonicCounter,
        validation::{ReplayAttackProtection, Tolerance},
    },
    header::KeyId,
    key::{DecryptionKey, EncryptionKey},
};

use crate::{BASE_KEY, FILL, FIRST_CTR, METADATA, Operation, kid, layout};

/// How far a frame may lag behind: as in Sealframe.
pub(crate) const TOLERANCE: usize = 2048;

/// A frame and its destination.
pub struct Copied {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
}

impl Copied {
    fn refill(&mut self, len: usize) {
        self.from.clear();
        self.from.resize(len, FILL);
    }
}

pub(crate) fn key_id() -> KeyId {
    layout().join(kid()).unwrap().get()
}

/// The crate's name for a suite, if it supports that with ring.
pub const fn suite(suite: CipherSuite) -> Option<sframe::CipherSuite> {
    match suite {
        CipherSuite::Aes128GcmSha256_128 => Some(sframe::CipherSuite::AesGcm128Sha256),
        CipherSuite::Aes256GcmSha512_128 => Some(sframe::CipherSuite::AesGcm256Sha512),
        CipherSuite::Aes128CtrHmacSha256_80
        | CipherSuite::Aes128CtrHmacSha256_64ShortTag
        | CipherSuite::Aes128CtrHmacSha256_32ShortTag
        | CipherSuite::Aes256CtrHmacSha512_80
        | CipherSuite::Aes256CtrHmacSha512_64ShortTag
        | CipherSuite::Aes256CtrHmacSha512_32ShortTag => None,
        _ => None,
    }
}

/// `MediaFrameView::encrypt_into`, next CTR included.
pub struct Seal {
    key: EncryptionKey,
    counter: MonotonicCounter,
    len: usize,
}

impl Seal {
    pub fn new(suite: sframe::CipherSuite, len: usize) -> Self {
        let key = EncryptionKey::derive_from(suite, key_id(), BASE_KEY).unwrap();
        Self { key, counter: MonotonicCounter::with_start_value(FIRST_CTR, u64::MAX), len }
    }
}

impl Operation for Seal {
    type Input = Copied;

    fn input(&self) -> Copied {
        Copied { from: vec![FILL; self.len], to: Vec::with_capacity(self.len + 64) }
    }

    fn prepare(&mut self, frame: &mut Copied) {
        frame.refill(self.len);
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut Copied) {
        let Copied { from, to } = black_box(frame);
        let view = MediaFrameView::try_with_meta_data(&mut self.counter, from, &METADATA).unwrap();
        black_box(view.encrypt_into(&self.key, to).unwrap().sframe_cipher_text());
    }
}

/// `EncryptedFrameView::validated_decrypt_into`, header included: each CTR once, as in Sealframe.
///
/// The key store is a single key and the replay window is for a single sender: the cheapest that it
/// offers. Sealframe's receiver holds any number of senders.
pub struct Open {
    seal: Seal,
    key: DecryptionKey,
    replay: ReplayAttackProtection,
}

impl Open {
    pub fn new(suite: sframe::CipherSuite, len: usize) -> Self {
        let key = DecryptionKey::derive_from(suite, key_id(), BASE_KEY).unwrap();
        let replay = ReplayAttackProtection::new(key_id(), Tolerance::new(TOLERANCE));
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
        to.resize(*len, FILL);
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

/// `MediaFrame::encrypt`.
pub struct DefaultSeal(pub Seal);

impl Operation for DefaultSeal {
    type Input = Copied;

    fn input(&self) -> Copied {
        self.0.input()
    }

    fn prepare(&mut self, frame: &mut Copied) {
        self.0.prepare(frame);
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut Copied) {
        let Seal { key, counter, .. } = &mut self.0;
        let from = black_box(&frame.from);
        let frame = MediaFrame::try_with_meta_data(counter, from, METADATA).unwrap();
        black_box(frame.encrypt(key).unwrap().sframe_cipher_text());
    }
}

/// `EncryptedFrame::validated_decrypt`.
pub struct DefaultOpen(pub Open);

impl Operation for DefaultOpen {
    type Input = Copied;

    fn input(&self) -> Copied {
        self.0.input()
    }

    fn prepare(&mut self, frame: &mut Copied) {
        self.0.prepare(frame);
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut Copied) {
        let Open { key, replay, .. } = &mut self.0;
        let frame = EncryptedFrame::try_with_meta_data(black_box(&frame.from), METADATA).unwrap();
        black_box(frame.validated_decrypt(&*key, replay).unwrap().payload());
    }
}
