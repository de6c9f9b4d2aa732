//! A call's secret is wiped from memory.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

use core::hint::black_box;

use sealframe::{
    BaseKey, Cipher, CipherSuite, MemberId, SharedSecret, SharedSecretCall, Stream, StreamKind,
};
use sealframe_testkit::memory::{Secret, WatchingAllocator, freed_with};

#[global_allocator]
static ALLOCATOR: WatchingAllocator = WatchingAllocator;

const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

#[test]
fn a_call_secret_is_wiped() {
    let bytes: Vec<u8> = (0..64_u8).map(|place| place.wrapping_mul(37) ^ 0xbe).collect();
    let watched = Secret::of(&bytes);
    assert_eq!(
        freed_with(&watched, || drop(black_box(bytes.clone()))),
        1,
        "a secret that is not wiped is found"
    );
    let secret = SharedSecret::from_bytes(&bytes).unwrap();
    for suite in CipherSuite::ALL {
        let freed = freed_with(&watched, || {
            drop(black_box(
                SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(1), [1; 32])
                    .unwrap(),
            ));
        });
        assert_eq!(freed, 0, "{suite:?}, the call's copy");
    }
    assert_eq!(freed_with(&watched, || drop(black_box(secret))), 0);
}

/// Searches everything that a call frees for the base keys of two members.
#[test]
fn base_keys_are_wiped_on_their_way() {
    let suite = CipherSuite::Aes128GcmSha256_128;
    let bytes = [5; 32];
    let secret = SharedSecret::from_bytes(&bytes).unwrap();
    // As documented: derived from the secret, the member id and the randomness.
    let info: [&[u8]; 3] = [b"sealframe shared secret 1 sender", &[0, 1], &[7; 32]];
    let key = BaseKey::derive(suite, &bytes, &info).unwrap();
    for key in [key.ratchet(), key] {
        let watched = Secret::of(key.expose_bytes());
        let freed = freed_with(&watched, || {
            let mut alice =
                SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(1), [7; 32])
                    .unwrap();
            let mut bob =
                SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(2), [8; 32])
                    .unwrap();
            bob.add_member(MemberId::new(1), &alice.announcement([3; 32])).unwrap();
            for _ in 0..20 {
                let mut frame = alice.seal_to_vec(b"hi", CAMERA).unwrap();
                assert_eq!(
                    bob.open_in_place(MemberId::new(1), &mut frame, CAMERA).unwrap().frame,
                    b"hi"
                );
                alice.ratchet().unwrap();
                drop(alice.announcement([4; 32]));
            }
            bob.remove_member(MemberId::new(1));
        });
        assert_eq!(freed, 0);
    }
}
