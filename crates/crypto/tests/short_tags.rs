//! Tags of 64 bits: every backend opens a frame by the first 8 bytes of its whole tag, and by no
//! others.
#![cfg(feature = "short-tags")]
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite, ShortTagKey, Unauthentic};
use sealframe_testkit::alloc::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const KEY: [u8; 16] = *b"a key of 16 byte";
const NONCE: [u8; 12] = [7; 12];

fn seal(aad: &[u8], frame: &[u8]) -> (Vec<u8>, [u8; 8]) {
    let cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, Backend::recommended());
    let (mut sealed, mut tag) = (frame.to_vec(), [0; 16]);
    AeadKey::new(cipher, &KEY).unwrap().encrypt(NONCE, aad, &mut sealed, &mut tag).unwrap();
    (sealed, *tag.first_chunk().unwrap())
}

#[test]
fn every_backend_opens_every_length() {
    let bytes: Vec<u8> = (0..=250).cycle().take(70_000).collect();
    for backend in Backend::available() {
        let (key, mut scratch) = (ShortTagKey::new(backend, &KEY), vec![]);
        for len in (0..=700).chain([1200, 4095, 16_384, 70_000]) {
            let (aad, frame) = (&bytes[..len % 40], &bytes[..len]);
            let (mut data, tag) = seal(aad, frame);
            key.decrypt(NONCE, aad, &mut data, tag, &mut scratch).unwrap();
            assert!(data == frame, "{backend:?} {len}");
        }
    }
}

#[test]
fn what_is_forged_is_refused_and_stays_as_it_was() {
    for backend in Backend::available() {
        let (key, mut scratch) = (ShortTagKey::new(backend, &KEY), vec![]);
        for len in [0, 1, 40, 600, 1200] {
            let (sealed, tag) = seal(b"aad", &vec![5; len]);
            let mut refused = |nonce, aad: &[u8], given: &[u8], tag| {
                let mut data = given.to_vec();
                let opened = key.decrypt(nonce, aad, &mut data, tag, &mut scratch);
                assert_eq!(opened, Err(Unauthentic), "{backend:?} {len}");
                assert!(data == given, "{backend:?} {len}");
                assert!(scratch.is_empty() || scratch == given, "no plaintext is left");
            };
            for bit in 0..64 {
                let mut forged = tag;
                forged[bit / 8] ^= 1 << (bit % 8);
                refused(NONCE, b"aad", &sealed, forged);
            }
            for bit in (0..8 * len).step_by(7) {
                let mut forged = sealed.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                refused(NONCE, b"aad", &forged, tag);
            }
            refused(NONCE, b"add", &sealed, tag);
            refused([8; 12], b"aad", &sealed, tag);
        }
    }
}

#[test]
fn a_warm_scratch_is_not_allocated_again() {
    let (sealed, tag) = seal(b"", &[5; 1200]);
    for backend in Backend::available() {
        let (key, mut scratch) = (ShortTagKey::new(backend, &KEY), vec![]);
        let mut data = sealed.clone();
        key.decrypt(NONCE, b"", &mut data, tag, &mut scratch).unwrap();
        let allocations = alloc::count(|| {
            data.copy_from_slice(&sealed);
            key.decrypt(NONCE, b"", &mut data, tag, &mut scratch).unwrap();
            data.copy_from_slice(&sealed);
            key.decrypt(NONCE, b"", &mut data, [0; 8], &mut scratch).unwrap_err();
        });
        assert_eq!(allocations, 0, "{backend:?}");
        assert!(!scratch.windows(8).any(|bytes| bytes == [5; 8]), "no plaintext is left");
    }
}
