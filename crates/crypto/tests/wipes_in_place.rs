//! Secrets are wiped where they lay: the very memory is looked at, when it is freed, and the stack
//! after a derivation.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use core::{hint::black_box, mem::ManuallyDrop};

use hmac::{Hmac, KeyInit, Mac};
use sealframe_crypto::{AeadKey, Backend, BaseKey, Cipher, CipherSuite, FrameKey};
use sealframe_testkit::{
    memory::{Secret, WatchingAllocator, freed_with, left_on_stack},
    rfc9605::{self, FrameVector},
};
use sealframe_wire::Kid;
use sha2::{Sha256, Sha512};

#[global_allocator]
static ALLOCATOR: WatchingAllocator = WatchingAllocator;

/// Bytes in which no 8 repeat.
fn bytes(len: u8) -> Vec<u8> {
    (0..len).map(|place| place.wrapping_mul(37) ^ 0xbe).collect()
}

fn base_key(vector: &FrameVector) -> BaseKey {
    let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
    BaseKey::from_bytes_allowing_128_bits(suite, &vector.base_key).unwrap()
}

fn derive(vector: &FrameVector, backend: Backend) -> FrameKey {
    FrameKey::derive(backend, Kid::new(vector.kid), &base_key(vector))
}

#[test]
fn no_base_key_is_freed_as_it_was() {
    for suite in CipherSuite::ALL {
        let secret = bytes(64);
        let watched = Secret::of(&secret);
        let unwiped = freed_with(&watched, || drop(black_box(secret.clone())));
        assert_eq!(unwiped, 1, "what is not wiped is found");

        let key = BaseKey::from_bytes(suite, &secret).unwrap();
        let (copy, next) = (key.duplicate(), key.ratchet());
        assert_eq!(freed_with(&watched, || drop(black_box(key))), 0, "{suite:?}");
        assert_eq!(freed_with(&watched, || drop(black_box(copy))), 0, "{suite:?}");
        let watched = Secret::of(next.expose_bytes());
        assert_eq!(freed_with(&watched, || drop(black_box(next))), 0, "{suite:?}");
    }
}

#[test]
fn no_salt_is_freed_as_it_was() {
    for vector in rfc9605::frames() {
        let watched = Secret::of(&vector.sframe_salt);
        for backend in Backend::available() {
            let leaked = Box::new(ManuallyDrop::new(derive(&vector, backend)));
            assert_eq!(freed_with(&watched, || drop(leaked)), 1, "a living salt is found");
            let key = Box::new(derive(&vector, backend));
            assert_eq!(freed_with(&watched, || drop(black_box(key))), 0, "{backend:?}");
        }
    }
}

#[test]
fn no_expanded_key_is_freed_as_it_was() {
    for vector in rfc9605::frames() {
        // AES's first round key is the front of the key itself.
        let watched = Secret::of(&vector.sframe_key[..16]);
        for backend in Backend::available() {
            let key = derive(&vector, backend);
            assert_eq!(freed_with(&watched, || drop(black_box(key))), 0, "{backend:?}");
        }
    }
}

/// `HMAC(key, data)` with the suite's hash.
fn hmac(suite: CipherSuite, key: &[u8], data: &[u8]) -> Vec<u8> {
    if suite.nh() == 32 {
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(data);
        mac.finalize().into_bytes().to_vec()
    } else {
        let mac = Hmac::<Sha512>::new_from_slice(key).unwrap().chain_update(data);
        mac.finalize().into_bytes().to_vec()
    }
}

/// The secrets on the stack while a frame key is derived, by name.
fn on_the_stack(vector: &FrameVector) -> Vec<(&'static str, Vec<u8>)> {
    let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
    let padded = |key: &[u8], pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let prk = hmac(suite, &[0; 64][..suite.nh()], &vector.base_key);
    let mut secrets = vec![
        ("inner block of HMAC under the PRK", padded(&prk, 0x36)),
        ("outer block of HMAC under the PRK", padded(&prk, 0x5c)),
        ("PRK", prk),
        ("sframe_key", vector.sframe_key.0.clone()),
    ];
    if suite.nk() > 32 {
        let auth_key = &vector.sframe_key[suite.nk() - suite.nh()..];
        secrets.push(("authentication key", auth_key.to_vec()));
        secrets.push(("inner block of HMAC", padded(auth_key, 0x36)));
        secrets.push(("outer block of HMAC", padded(auth_key, 0x5c)));
    }
    secrets
}

#[test]
fn a_derivation_leaves_nothing_on_the_stack() {
    for vector in rfc9605::frames() {
        for (name, secret) in on_the_stack(&vector) {
            let watched = Secret::of(&secret);
            for backend in Backend::available() {
                let key = base_key(&vector);
                let left = left_on_stack(&watched, || {
                    let key = FrameKey::derive(backend, Kid::new(vector.kid), &key);
                    core::mem::forget(black_box(key));
                });
                assert_eq!(left, 0, "{name}, suite {}, {backend:?}", vector.cipher_suite);

                let cipher = Cipher::new(key.suite(), backend);
                let left = left_on_stack(&watched, || {
                    core::mem::forget(black_box(AeadKey::new(cipher, &vector.sframe_key)));
                });
                assert_eq!(left, 0, "{name} alone, suite {}, {backend:?}", vector.cipher_suite);
            }
            let key = base_key(&vector);
            let left = left_on_stack(&watched, || core::mem::forget(black_box(key.ratchet())));
            assert_eq!(left, 0, "{name} and the ratchet, suite {}", vector.cipher_suite);
        }
    }
}

/// The search of the stack finds a secret that is there.
#[test]
fn what_is_left_on_the_stack_is_found() {
    let secret = bytes(32);
    let found = left_on_stack(&Secret::of(&secret), || {
        let copy: [u8; 32] = *secret.first_chunk().unwrap();
        black_box(&copy);
    });
    assert!(found > 0);
}
