//! Frames whose AES-GCM the caller runs: the same bytes, the same checks, no repeated nonce.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{HashMap, HashSet};

use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite};
use sealframe_media::{ExternalAead, KeyUsage, Metadata, OpenError, Receiver, SealError, Sender};
use sealframe_wire::{Ctr, HeaderError, Kid};

mod common;
use common::{CAMERA, CIPHER, base_key, kid_of, layout, receiver, sender};

/// Another AES-GCM.
fn aead(suite: CipherSuite, key: Option<&[u8]>) -> AeadKey {
    AeadKey::new(Cipher::new(suite, Backend::Portable), key.unwrap()).unwrap()
}

const GCM: [CipherSuite; 2] = [CipherSuite::Aes128GcmSha256_128, CipherSuite::Aes256GcmSha512_128];

#[test]
fn externally_sealed_frames_have_the_same_bytes() {
    for suite in GCM {
        for (prefix, application) in [(0, &b""[..]), (1, b""), (3, b"app"), (0, b"app")] {
            let metadata = Metadata::from(CAMERA).with_prefix(prefix).with_application(application);
            let clear: Vec<u8> = (0..100).collect();
            let expected = sender(Cipher::recommended(suite), 1).seal_to_vec(&clear, metadata).unwrap();

            let mut sender = sender(Cipher::recommended(suite), 1);
            let key = aead(suite, sender.expose_key());
            let (front, payload) = clear.split_at(usize::from(prefix));
            let told = sender.begin_external_seal(front, payload.len(), metadata).unwrap();
            let (mut body, mut tag) = (payload.to_vec(), [0; 16]);
            key.encrypt(told.nonce, told.aad, &mut body, &mut tag).unwrap();
            assert_eq!([front, told.header.as_bytes(), &body, &tag].concat(), expected);
            assert_eq!(sender.usage().frames, 1);
        }
    }
}

#[test]
fn an_externally_opened_frame_opens_once() {
    for suite in GCM {
        let metadata = Metadata::from(CAMERA).with_prefix(2);
        let mut sender = sender(Cipher::recommended(suite), 1);
        let mut receiver = receiver(Cipher::recommended(suite), [1, 2]);
        let wire = sender.seal_to_vec(b"clear payload", metadata).unwrap();
        for front in [2 + 3, 2 + 17, wire.len()] {
            let ExternalAead { kid, ctr, header, nonce, aad, .. } =
                receiver.begin_external_open(&wire[..front], wire.len(), metadata).unwrap();
            let (body, tag) = wire[2 + header.as_bytes().len()..].split_at(13 - 2);
            let mut body = body.to_vec();
            let aad = aad.to_vec();
            let key = aead(suite, receiver.expose_key(kid));
            key.decrypt(nonce, &aad, &mut body, tag).unwrap();
            assert_eq!(body, b"ear payload");
            assert_eq!(ctr, Ctr::new(0));
        }
        let (kid, ctr) = (sender.kid(), Ctr::new(0));
        receiver.finish_external_open(kid, ctr).unwrap();
        assert_eq!(receiver.finish_external_open(kid, ctr), Err(OpenError::Replayed(ctr)));
        let again = receiver.begin_external_open(&wire, wire.len(), metadata).err();
        assert_eq!(again, Some(OpenError::Replayed(ctr)));
        assert_eq!(receiver.open_to_vec(&wire, metadata), Err(OpenError::Replayed(ctr)));
        // A key that goes while the work is in flight.
        receiver.remove_sender(1);
        assert_eq!(receiver.finish_external_open(kid, Ctr::new(1)), Err(OpenError::UnknownKey(kid)));
        assert!(receiver.expose_key(kid).is_none());
    }
}

#[test]
fn internal_and_external_sealing_share_one_counter() {
    let mut sender = sender(CIPHER, 1);
    let mut seen = HashSet::new();
    for round in 0..30 {
        if round % 3 == 0 {
            sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert!(seen.insert(sender.usage().frames - 1));
        } else {
            let told = sender.begin_external_seal(b"", 1, CAMERA).unwrap();
            assert!(seen.insert(told.ctr.get()));
        }
    }
    let usage = KeyUsage { blocks: (1 << 34) - 3, ..KeyUsage::default() };
    let mut full = Sender::resume(CIPHER, layout(), kid_of(1), base_key(1), usage).unwrap();
    assert_eq!(full.begin_external_seal(b"", 100, CAMERA).err(), Some(SealError::KeyExhausted));
    assert_eq!(full.usage(), usage);
}

#[test]
fn what_does_not_fit_is_refused() {
    let metadata = Metadata::from(CAMERA).with_prefix(2);
    let mut sender = sender(CIPHER, 1);
    assert_eq!(sender.begin_external_seal(b"a", 9, metadata).err(), Some(SealError::PrefixTooLong));
    assert_eq!(sender.begin_external_seal(b"abc", 9, metadata).err(), Some(SealError::PrefixTooLong));
    let mut receiver = receiver(CIPHER, [2]);
    let wire = sender.seal_to_vec(b"clear", metadata).unwrap();
    let mut open = |front: &[u8], len| receiver.begin_external_open(front, len, metadata).err();
    assert_eq!(open(&wire, wire.len()), Some(OpenError::UnknownKey(sender.kid())));
    assert_eq!(open(&wire, 2 + 3 + 15), Some(OpenError::TooShort));
    assert_eq!(open(b"a", 100), Some(OpenError::TooShort));
    assert_eq!(open(b"ab", 100), Some(OpenError::Header(HeaderError::Empty)));
    // A step that is not held yet is not derived here.
    let mut receiver = common::receiver(CIPHER, [1]);
    sender.ratchet().unwrap();
    let wire = sender.seal_to_vec(b"clear", metadata).unwrap();
    let refused = receiver.begin_external_open(&wire, wire.len(), metadata).err();
    assert_eq!(refused, Some(OpenError::UnknownKey(sender.kid())));
    assert_eq!(receiver.open_to_vec(&wire, metadata).unwrap(), b"clear");
    assert!(
        receiver.begin_external_open(&wire, wire.len(), metadata).is_err(),
        "and now it has been opened"
    );
    // The suites without AES-GCM have no key that WebCrypto could take.
    let ctr = CipherSuite::Aes128CtrHmacSha256_80;
    assert!(common::sender(Cipher::recommended(ctr), 1).expose_key().is_none());
}

#[test]
fn who_keeps_a_copy_of_a_key_is_told_of_its_end() {
    let mut sender = sender(CIPHER, 1);
    let mut receiver = receiver(CIPHER, [1, 2]);
    let mut copies: HashMap<Kid, Vec<u8>> = HashMap::new();
    let mut erasures = receiver.erasures();
    let mut ended = 0;
    // Step bits come round twice: a KID has three keys, one after the other.
    for _ in 0..600 {
        let wire = sender.seal_to_vec(b"x", CAMERA).unwrap();
        receiver.open_to_vec(&wire, CAMERA).unwrap();
        if receiver.erasures() != erasures {
            erasures = receiver.erasures();
            ended += copies.len();
            copies.clear();
        }
        for (kid, copy) in &copies {
            assert_eq!(receiver.expose_key(*kid), Some(&copy[..]), "a copy of what is held");
        }
        copies.insert(sender.kid(), receiver.expose_key(sender.kid()).unwrap().to_vec());
        sender.ratchet().unwrap();
    }
    assert!(ended > 500);
    for remove in [(|receiver| receiver.remove_generation(1, 0)) as fn(&mut Receiver), |receiver| {
        receiver.remove_sender(2)
    }] {
        let before = receiver.erasures();
        remove(&mut receiver);
        assert_ne!(receiver.erasures(), before);
        let after = receiver.erasures();
        remove(&mut receiver);
        assert_eq!(receiver.erasures(), after, "nothing more to erase");
    }
}
