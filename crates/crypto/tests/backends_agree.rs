//! All backends of a build make the same bytes.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sealframe_crypto::{Backend, BaseKey, CipherSuite, FrameKey, Unauthentic};
use sealframe_wire::{Ctr, Kid};

/// The same key on every backend.
fn keys(suite: CipherSuite, kid: u64, base_key: &[u8]) -> Vec<FrameKey> {
    let base_key = BaseKey::from_bytes(suite, base_key).unwrap();
    let key = |backend| FrameKey::derive(backend, Kid::new(kid), &base_key);
    Backend::available().map(key).collect()
}

/// Seals with each backend, opens the first one's result with each, and compares every byte.
fn agree(suite: CipherSuite, kid: u64, ctr: u64, base_key: &[u8], aad: &[u8], frame: &[u8]) {
    let keys = keys(suite, kid, base_key);
    let ctr = Ctr::new(ctr);
    let seal = |key: &FrameKey| {
        let (mut body, mut tag) = (frame.to_vec(), vec![0; suite.nt()]);
        key.encrypt(ctr, aad, &mut body, &mut tag).unwrap();
        (body, tag)
    };
    let (body, tag) = &seal(&keys[0]);
    for key in &keys[1..] {
        assert_eq!((body, tag), (&seal(key).0, &seal(key).1), "{suite:?}, {} bytes", frame.len());
    }
    for key in &keys {
        let mut opened = body.clone();
        key.decrypt(ctr, aad, &mut opened, tag).unwrap();
        assert_eq!(opened, frame);

        let mut forged = tag.clone();
        forged[0] ^= 1;
        let mut unopened = body.clone();
        assert_eq!(key.decrypt(ctr, aad, &mut unopened, &forged), Err(Unauthentic));
        assert!(unopened == *body || unopened.iter().all(|&byte| byte == 0), "no plaintext");
    }
}

#[test]
fn at_every_length_to_300_bytes() {
    let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
    for suite in CipherSuite::ALL {
        for len in 0..=300 {
            agree(suite, 7, len as u64, &[9; 32], &bytes[..len % 40], &bytes[..len]);
        }
    }
}

/// Enabling the kernel, which has had no review from outside, must not make anyone run it.
#[test]
fn the_recommended_backend_is_not_the_kernel() {
    let name = format!("{:?}", Backend::recommended());
    let is_alone = Backend::available().count() == 1;
    assert!(is_alone || name != "Kernel");
}

proptest! {
    #[test]
    fn on_any_input(
        suite in prop::sample::select(CipherSuite::ALL.to_vec()),
        kid in any::<u64>(), ctr in any::<u64>(),
        base_key in proptest::collection::vec(1..=u8::MAX, 32..80),
        aad in proptest::collection::vec(any::<u8>(), 0..100),
        frame in proptest::collection::vec(any::<u8>(), 0..5000),
    ) {
        agree(suite, kid, ctr, &base_key, &aad, &frame);
    }
}
