//! A rejected frame that another key may open is unchanged, in every suite on every backend.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite, Unauthentic};
use sealframe_testkit::alloc::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const NONCE: [u8; 12] = [7; 12];

/// A key of each suite on each backend.
fn keys() -> Vec<(CipherSuite, Backend, AeadKey)> {
    let of = |suite: CipherSuite, backend| {
        let key = AeadKey::new(Cipher::new(suite, backend), &vec![3; suite.nk()]).unwrap();
        (suite, backend, key)
    };
    let on_each = |suite| Backend::available().map(move |backend| of(suite, backend));
    CipherSuite::ALL.into_iter().flat_map(on_each).collect()
}

fn seal(suite: CipherSuite, key: &AeadKey, len: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut sealed, mut tag) = (vec![5; len], vec![0; suite.nt()]);
    key.encrypt(NONCE, b"aad", &mut sealed, &mut tag).unwrap();
    (sealed, tag)
}

#[test]
fn what_is_refused_is_as_it_was_and_then_opens() {
    for (suite, backend, key) in keys() {
        for len in [0, 1, 40, 496, 497, 1200, 5000] {
            let ((sealed, tag), mut scratch) = (seal(suite, &key, len), vec![]);
            let mut data = sealed.clone();
            let mut refused = |nonce, aad: &[u8], tag: &[u8]| {
                let refused = key.decrypt_or_restore(nonce, aad, &mut data, tag, &mut scratch);
                assert_eq!(refused, Err(Unauthentic), "{suite:?} {backend:?} {len}");
                assert!(data == sealed, "{suite:?} {backend:?} {len}");
            };
            for bit in 0..8 * tag.len() {
                let mut forged = tag.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                refused(NONCE, b"aad", &forged);
            }
            refused([8; 12], b"aad", &tag);
            refused(NONCE, b"add", &tag);
            refused(NONCE, b"aad", &tag[1..]);
            key.decrypt_or_restore(NONCE, b"aad", &mut data, &tag, &mut scratch).unwrap();
            assert!(data == vec![5; len], "{suite:?} {backend:?} {len}");
        }
    }
}

#[test]
fn a_warm_scratch_is_not_allocated_again_and_holds_no_plaintext() {
    for (suite, backend, key) in keys() {
        let ((sealed, tag), mut scratch) = (seal(suite, &key, 1200), vec![]);
        let mut data = sealed.clone();
        key.decrypt_or_restore(NONCE, b"aad", &mut data, &tag, &mut scratch).unwrap();
        let allocations = alloc::count(|| {
            data.copy_from_slice(&sealed);
            key.decrypt_or_restore(NONCE, b"add", &mut data, &tag, &mut scratch).unwrap_err();
        });
        assert_eq!(allocations, 0, "{suite:?} {backend:?}");
        assert!(!scratch.windows(8).any(|bytes| bytes == [5; 8]), "no plaintext is left");
    }
}
