//! Suites and key schedule against RFC 9605's vectors, on every backend.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{
    AeadKey, Backend, BaseKey, Cipher, CipherSuite, FrameKey, SuiteError, Unauthentic,
};
use sealframe_testkit::rfc9605;
use sealframe_wire::{Ctr, Kid};

#[test]
fn all_6_aes_ctr_hmac_vectors_both_ways() {
    let vectors = rfc9605::ctr_hmac();
    for vector in &vectors {
        let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
        for backend in Backend::available() {
            let key = AeadKey::new(Cipher::new(suite, backend), &vector.key).unwrap();
            let nonce: [u8; 12] = (*vector.nonce).try_into().unwrap();
            let mut body = vector.pt.0.clone();
            let mut tag = vec![0; suite.nt()];
            key.encrypt(nonce, &vector.aad, &mut body, &mut tag).unwrap();
            assert_eq!([&*body, &*tag].concat(), *vector.ct);
            key.decrypt(nonce, &vector.aad, &mut body, &tag).unwrap();
            assert_eq!(body, *vector.pt);
        }
    }
    assert_eq!(vectors.len(), 3 + 3);
    println!("ran {} AES-CTR-HMAC vectors on {} backends", vectors.len(), Backend::available().count());
}

#[test]
fn all_8_frames_by_their_keys_and_by_their_base_keys() {
    let vectors = rfc9605::frames();
    for vector in &vectors {
        let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
        assert_eq!(vector.sframe_key.len(), suite.nk());
        assert_eq!(vector.sframe_salt.len(), suite.nn());
        let header_len = vector.aad.len() - vector.metadata.len();
        for backend in Backend::available() {
            let cipher = Cipher::new(suite, backend);
            let mut tag = vec![0; suite.nt()];

            // With the vector's own sframe_key and nonce …
            let aead = AeadKey::new(cipher, &vector.sframe_key).unwrap();
            let mut by_key = vector.pt.0.clone();
            let nonce: [u8; 12] = (*vector.nonce).try_into().unwrap();
            aead.encrypt(nonce, &vector.aad, &mut by_key, &mut tag).unwrap();
            by_key.extend(&tag);
            assert_eq!(by_key, vector.ct[header_len..]);

            // … and with those derived from its base_key.
            let base_key = BaseKey::from_bytes_allowing_128_bits(suite, &vector.base_key).unwrap();
            let key = FrameKey::derive(backend, Kid::new(vector.kid), &base_key);
            let mut by_base_key = vector.pt.0.clone();
            key.encrypt(Ctr::new(vector.ctr), &vector.aad, &mut by_base_key, &mut tag).unwrap();
            by_base_key.extend(&tag);
            assert_eq!(by_base_key, vector.ct[header_len..]);
        }
    }
    assert_eq!(vectors.len(), 5 + 3);
    println!("ran {} frame vectors on {} backends", vectors.len(), Backend::available().count());
}

#[test]
fn only_the_whole_tag_verifies() {
    let full = [0x5a; 40];
    for suite in CipherSuite::ALL {
        for backend in Backend::available() {
            let key = AeadKey::new(Cipher::new(suite, backend), &vec![7; suite.nk()]).unwrap();
            let mut body = full;
            let mut tag = vec![0; suite.nt()];
            key.encrypt([1; 12], b"aad", &mut body, &mut tag).unwrap();
            let sealed = body;
            tag.resize(32, 0);
            for len in (0..32).filter(|&len| len != suite.nt()) {
                let refused = key.decrypt([1; 12], b"aad", &mut body, &tag[..len]);
                assert_eq!(refused, Err(Unauthentic), "{suite:?} tag of {len} bytes");
                assert!(body == sealed || body == [0; 40], "no plaintext");
                body = sealed;
            }
            assert_eq!(key.decrypt([1; 12], b"aad", &mut body, &tag[..suite.nt()]), Ok(()));
            assert_eq!(body, full);
        }
    }
}

#[test]
fn short_tags_are_asked_for_by_name() {
    for id in 0..=u16::MAX {
        let suite = CipherSuite::from_id(id);
        let any = CipherSuite::from_id_allowing_short_tags(id);
        match id {
            1 | 4 | 5 | 6 => {
                assert_eq!(suite.unwrap().id(), id);
                assert_eq!(suite, any);
            }
            2 | 3 | 7 | 8 => {
                assert_eq!(suite, Err(SuiteError::ShortTag { id }));
                assert_eq!(any.unwrap().id(), id);
                assert!(format!("{:?}", any.unwrap()).ends_with("ShortTag"));
            }
            0xf000.. => assert_eq!((suite, any), (any, Err(SuiteError::PrivateUse { id }))),
            _ => assert_eq!((suite, any), (any, Err(SuiteError::Unknown { id }))),
        }
    }
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    for suite in CipherSuite::ALL {
        for len in (0..130).filter(|&len| len != suite.nk()) {
            assert!(AeadKey::new(Cipher::recommended(suite), &vec![0; len]).is_none());
        }
    }
}
