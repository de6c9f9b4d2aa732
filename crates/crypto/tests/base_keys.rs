//! The conditions on a key: enough bytes for the suite, and not all zeros.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{BaseKey, Cipher, CipherSuite, FrameKey, KeyLimits, WeakKey};
use sealframe_testkit::rfc9605;
use sealframe_wire::{Ctr, Kid};

#[test]
fn a_base_key_is_as_long_as_its_suite_is_strong() {
    for suite in CipherSuite::ALL {
        let need = if matches!(suite.id(), 1..=4) { 16 } else { 32 };
        assert_eq!(suite.min_base_key_len(), need, "{suite:?}");
        for len in 0..=130 {
            let bytes = vec![1; len];
            let short = |need| (len < need).then_some(WeakKey::TooShort { need });
            assert_eq!(BaseKey::from_bytes(suite, &bytes).err(), short(need), "{suite:?} {len}");
            let allowing = BaseKey::from_bytes_allowing_128_bits(suite, &bytes);
            assert_eq!(allowing.err(), short(16), "{suite:?} {len}");
            assert_eq!(BaseKey::derive(suite, &bytes, &[]).err(), short(16), "{suite:?} {len}");
        }
        // Keys that the suite itself makes, and those that MLS exports for it, are long enough.
        assert!(suite.nh() >= need && suite.nk() >= need);
    }
}

#[test]
fn nothing_but_zeros_is_no_key() {
    for suite in CipherSuite::ALL {
        for len in [32, 33, 64, 96] {
            let mut bytes = vec![0; len];
            let zeros = Some(WeakKey::Zeros);
            assert_eq!(BaseKey::from_bytes(suite, &bytes).err(), zeros);
            assert_eq!(BaseKey::from_bytes_allowing_128_bits(suite, &bytes).err(), zeros);
            assert_eq!(BaseKey::derive(suite, &bytes, &[b"info"]).err(), zeros);
            for place in 0..len {
                bytes[place] = 0x80;
                assert_eq!(BaseKey::from_bytes(suite, &bytes).unwrap().expose_bytes(), bytes);
                bytes[place] = 0;
            }
        }
    }
}

#[test]
fn a_key_and_what_comes_of_it_are_of_one_suite() {
    for suite in CipherSuite::ALL {
        let key = BaseKey::from_bytes(suite, &[7; 64]).unwrap();
        let derived = BaseKey::derive(suite, &[7; 64], &[b"info"]).unwrap();
        for key in [key.duplicate(), key.ratchet(), derived, key] {
            assert_eq!(key.suite(), suite);
        }
    }
}

/// `sframe_salt XOR CTR`, the whole of it: both words of the salt and all 64 bits of the CTR.
#[test]
fn every_bit_of_a_counter_is_in_the_nonce() {
    for vector in rfc9605::frames() {
        let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
        let cipher = Cipher::recommended(suite);
        let base_key = BaseKey::from_bytes_allowing_128_bits(suite, &vector.base_key).unwrap();
        let key = FrameKey::derive(cipher.backend, Kid::new(vector.kid), &base_key);
        let aead = sealframe_crypto::AeadKey::new(cipher, &vector.sframe_key).unwrap();
        for ctr in (0..64).map(|bit| 1 << bit).chain([0, 0x0123_4567_89ab_cdef, u64::MAX]) {
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&u64::to_be_bytes(ctr));
            nonce.iter_mut().zip(&*vector.sframe_salt).for_each(|(nonce, salt)| *nonce ^= salt);
            let (mut by_ctr, mut by_nonce) = (vector.pt.0.clone(), vector.pt.0.clone());
            let (mut tag, mut same) = (vec![0; suite.nt()], vec![0; suite.nt()]);
            key.encrypt(Ctr::new(ctr), b"aad", &mut by_ctr, &mut tag).unwrap();
            aead.encrypt(nonce, b"aad", &mut by_nonce, &mut same).unwrap();
            assert_eq!((by_ctr, tag), (by_nonce, same), "{suite:?} {ctr:#x}");
        }
    }
}

#[test]
fn a_count_of_blocks_ends_with_the_key() {
    use sealframe_crypto::BlockCount;
    let limit = KeyLimits::OF_ANY_SUITE.blocks;
    assert_eq!(limit, 1 << 34);
    let begun = BlockCount::begin(limit - 10);
    assert_eq!(begun.after(10).unwrap().get(), limit);
    assert!(begun.after(11).is_none());
    assert!(begun.after(u64::MAX >> 4).is_none());
    assert!(BlockCount::begin(limit).after(1).is_none());
    for beyond in [limit + 1, limit + 2, u64::MAX] {
        let count = BlockCount::begin(beyond);
        assert_eq!(count.get(), limit + 1);
        assert!(count.after(0).is_none());
        assert!(!count.is_inherited());
    }
    assert!(BlockCount::begin(5).has_reached(&BlockCount::begin(5)));
    assert!(!BlockCount::begin(4).has_reached(&BlockCount::begin(5)));
    assert!(!BlockCount::begin(u64::MAX).has_reached(&BlockCount::NEVER));
}
