//! The tags of suites 1 to 3 and 6 to 8 against the `hmac` crate, at every length near a block's
//! end.
#![expect(clippy::unwrap_used, reason = "a test")]

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sealframe_crypto::{AeadKey, Cipher, CipherSuite};
use sha2::{Sha256, Sha512};

const NONCE: [u8; 12] = *b"twelve bytes";

/// RFC 9605 §4.5.1, line by line.
fn tag<H: EagerHash>(auth_key: &[u8], nt: usize, aad: &[u8], ct: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<H>::new_from_slice(auth_key).unwrap();
    hmac.update(&(aad.len() as u64).to_be_bytes());
    hmac.update(&(ct.len() as u64).to_be_bytes());
    hmac.update(&(nt as u64).to_be_bytes());
    hmac.update(&NONCE);
    hmac.update(aad);
    hmac.update(ct);
    hmac.finalize().into_bytes()[..nt].to_vec()
}

fn agrees<H: EagerHash>(suite: CipherSuite, nka: usize, aad_lens: &[usize]) {
    let bytes: Vec<u8> = (0..=255).cycle().take(600).collect();
    let key = &bytes[..suite.nk()];
    let aead = AeadKey::new(Cipher::recommended(suite), key).unwrap();
    for &aad_len in aad_lens {
        let aad = &bytes[..aad_len];
        for len in 0..=2 * 128 + 17 {
            let mut body = bytes[..len].to_vec();
            let mut made = vec![0; suite.nt()];
            aead.encrypt(NONCE, aad, &mut body, &mut made).unwrap();
            assert_eq!(
                made,
                tag::<H>(&key[nka..], suite.nt(), aad, &body),
                "{suite:?} {aad_len} {len}"
            );
            aead.decrypt(NONCE, aad, &mut body, &made).unwrap();
            assert_eq!(body, bytes[..len]);
        }
    }
}

#[test]
fn tags_are_those_of_the_hmac_crate() {
    // 36 bytes precede the AAD: it ends inside a block, near the end of one, and much later.
    let aad_lens = [0, 1, 12, 27, 28, 29, 60, 91, 92, 93, 150, 219, 220, 221, 600];
    for suite in CipherSuite::ALL {
        match suite.nk() {
            48 => agrees::<Sha256>(suite, 16, &aad_lens),
            96 => agrees::<Sha512>(suite, 32, &aad_lens),
            _ => {}
        }
    }
}
