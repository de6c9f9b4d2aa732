//! NIST's and Wycheproof's known answers for AES-GCM, on every backend.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite, Unauthentic};
use sealframe_testkit::aes_gcm::{self, GcmVector};

fn check(backend: Backend, GcmVector { key, nonce, aad, ct, tag, pt }: &GcmVector) {
    let suite = match key.len() {
        16 => CipherSuite::Aes128GcmSha256_128,
        _ => CipherSuite::Aes256GcmSha512_128,
    };
    let key = AeadKey::new(Cipher::new(suite, backend), key).unwrap();
    let mut opened = ct.clone();
    let verdict = key.decrypt(*nonce, aad, &mut opened, tag);
    let Some(pt) = pt else {
        assert_eq!(verdict, Err(Unauthentic));
        assert!(opened == *ct || opened.iter().all(|&byte| byte == 0), "no plaintext");
        return;
    };
    assert_eq!((verdict, &opened), (Ok(()), pt));
    let mut made = [0; 16];
    key.encrypt(*nonce, aad, &mut opened, &mut made).unwrap();
    assert_eq!((&opened, &made), (ct, tag));
}

#[test]
fn all_1500_of_nist_on_every_backend() {
    let vectors = aes_gcm::nist();
    assert_eq!(vectors.len(), 1500);
    assert_eq!(vectors.iter().filter(|vector| vector.pt.is_none()).count(), 387);
    for backend in Backend::available() {
        vectors.iter().for_each(|vector| check(backend, vector));
    }
}

#[test]
fn all_133_of_wycheproof_on_every_backend() {
    let vectors = aes_gcm::wycheproof();
    assert_eq!(vectors.len(), 133);
    for backend in Backend::available() {
        vectors.iter().for_each(|vector| check(backend, vector));
    }
}
