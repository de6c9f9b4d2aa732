//! Ratchets, MLS epochs and rejected frames against independent vectors.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{BaseKey, Cipher, CipherSuite, KeyLimits};
use sealframe_media::{KeyPolicy, KeyUsage, KidLayout, Metadata, Receiver, SealError, Sender};
use sealframe_testkit::{
    hex,
    keys::{self, KeyFrame, MlsFrame},
};
use sealframe_wire::{MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

fn suite(id: u16) -> CipherSuite {
    CipherSuite::from_id_allowing_short_tags(id).unwrap()
}

fn usage(frame: &KeyFrame) -> KeyUsage {
    KeyUsage { frames: frame.ctr.0, ..KeyUsage::default() }
}

#[test]
fn all_312_ratchet_steps() {
    let (mut ran, mut sealed) = (0, 0);
    for vector in &keys::all().ratchet {
        let suite = suite(vector.cipher_suite);
        let layout = SenderKeyLayout::new(vector.sender_bits, vector.step_bits).unwrap();
        let start = SenderKeyKid { generation: vector.generation.0, sender: vector.sender.0, step: 0 };
        let first = || BaseKey::from_bytes(suite, &vector.steps[0].base_key).unwrap();
        assert_eq!(vector.steps[0].step.0, 0);

        // One sender walks the whole ratchet; one receiver follows it by the KIDs alone.
        let mut sender = Sender::new(Cipher::recommended(suite), layout, start, first()).unwrap();
        let policy = KeyPolicy {
            max_ahead: u8::try_from((1_u64 << vector.step_bits) - 1).unwrap(),
            keep_behind: 0,
            ..KeyPolicy::for_layout(KidLayout::SenderKeys(layout))
        };
        let mut receiver = Receiver::with_policy(Cipher::recommended(suite), layout, policy).unwrap();
        receiver.add_sender(start, first()).unwrap();
        let mut at = 0;
        for step in &vector.steps {
            while at < step.step.0 {
                sender.ratchet().unwrap();
                at += 1;
            }
            let exported = sender.export_base_key().unwrap();
            assert_eq!(hex::encode(exported.expose_bytes()), hex::encode(&step.base_key));
            assert_eq!(sender.kid().get(), step.frame.kid.0);

            let metadata = Metadata::raw(&step.frame.metadata);
            let opened = receiver.open_to_vec(&step.frame.ct, metadata);
            assert_eq!(opened.unwrap(), *step.frame.pt);
            ran += 1;
            // A sender that goes on from the vector's CTR seals the same bytes, if it may go on.
            let kid = layout.split(sender.kid());
            let resumed =
                Sender::resume(Cipher::recommended(suite), layout, kid, exported, usage(&step.frame));
            let again = resumed.unwrap().seal_to_vec(&step.frame.pt, metadata);
            match again {
                Ok(again) => {
                    assert_eq!(hex::encode(&again), hex::encode(&step.frame.ct));
                    sealed += 1;
                }
                Err(error) => {
                    assert_eq!(error, SealError::KeyExhausted);
                    assert!(step.frame.ctr.0 >= KeyLimits::OF_ANY_SUITE.frames - 1);
                }
            }
        }
    }
    assert_eq!((ran, sealed), (312, 216));
    println!("opened {ran} ratchet steps and sealed {sealed}");
}

#[test]
fn all_72_mls_frames() {
    let mut ran = 0;
    for vector in &keys::all().mls_frames {
        let suite = suite(vector.cipher_suite);
        let layout = MlsLayout::new(vector.epoch_bits, vector.index_bits).unwrap();
        let base_key = BaseKey::from_bytes(suite, &vector.base_key).unwrap();
        assert_eq!(vector.base_key.len(), suite.nk());
        let mut receiver = Receiver::new(Cipher::recommended(suite), layout);
        receiver
            .add_epoch(vector.epoch.0, BaseKey::from_bytes(suite, &vector.base_key).unwrap())
            .unwrap();
        for MlsFrame { index, context, frame } in &vector.frames {
            let kid = MlsKid { context: context.0, index: index.0, epoch: vector.epoch.0 };
            let metadata = Metadata::raw(&frame.metadata);
            let mut sender =
                Sender::new_mls(Cipher::recommended(suite), layout, kid, &base_key).unwrap();
            assert_eq!(sender.kid().get(), frame.kid.0);
            // An MLS sender starts at CTR 0: it gets to the vector's by sealing.
            if frame.ctr.0 < 1000 {
                for _ in 0..frame.ctr.0 {
                    sender.seal_to_vec(b"", metadata).unwrap();
                }
                let sealed = sender.seal_to_vec(&frame.pt, metadata).unwrap();
                assert_eq!(hex::encode(&sealed), hex::encode(&frame.ct));
            }
            assert_eq!(receiver.open_to_vec(&frame.ct, metadata).unwrap(), *frame.pt);
            ran += 1;
        }
    }
    assert_eq!(ran, 72);
    println!("ran {ran} MLS frames");
}

#[test]
fn all_574_refused_frames() {
    let mut ran = 0;
    for vector in &keys::all().refused {
        let suite = suite(vector.cipher_suite);
        let layout = SenderKeyLayout::new(0, 0).unwrap();
        let mut receiver = Receiver::new(Cipher::recommended(suite), layout);
        let kid = SenderKeyKid { generation: vector.kid.0, ..SenderKeyKid::default() };
        receiver.add_sender(kid, BaseKey::from_bytes(suite, &vector.base_key).unwrap()).unwrap();
        for case in &vector.cases {
            let refused = receiver.open_to_vec(&case.ct, Metadata::raw(&case.metadata));
            assert!(refused.is_err(), "suite {}: {}", vector.cipher_suite, case.name);
            ran += 1;
        }
        // None of them has moved the receiver.
        let opened = receiver.open_to_vec(&vector.ct, Metadata::raw(&vector.metadata));
        assert_eq!(opened.unwrap(), *vector.pt);
    }
    assert_eq!(ran, 574);
    println!("ran {ran} refused frames");
}
