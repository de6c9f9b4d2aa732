//! Tags of 8 bytes: those of aes-gcm open, no other 8 bytes do, and a rejected frame is unchanged.
#![expect(clippy::unwrap_used, reason = "a test")]

use aes_gcm::{
    AeadInOut, AesGcm, KeyInit,
    aead::consts::{U8, U12},
    aes::{Aes128, Aes256},
};
use sealframe_kernel::{Frame, Key, Unauthentic};

mod common;
use common::{NONCE, bytes, isas, keys, seal};

fn open_short(key: &Key, aad: &[u8], data: &mut [u8], tag: [u8; 8]) -> Result<(), Unauthentic> {
    Frame::new(key, NONCE, aad, data).open_short(tag)
}

/// What aes-gcm makes with the keys of [`keys`].
fn seal_short(key_len: usize, aad: &[u8], data: &mut [u8]) -> [u8; 8] {
    let key = bytes(key_len, 1);
    let nonce = NONCE.into();
    let tag = if key_len == 16 {
        let key = AesGcm::<Aes128, U12, U8>::new_from_slice(&key).unwrap();
        key.encrypt_inout_detached(&nonce, aad, data.into())
    } else {
        let key = AesGcm::<Aes256, U12, U8>::new_from_slice(&key).unwrap();
        key.encrypt_inout_detached(&nonce, aad, data.into())
    };
    tag.unwrap().into()
}

#[test]
fn what_another_library_seals_opens_at_every_length_to_2100() {
    for len in (0..=2100).chain([4096, 16_384, 65_537]) {
        let (plain, aad) = (bytes(len, 3), bytes(len % 65, 4));
        for (place, key_len) in [16, 32].into_iter().enumerate() {
            let mut sealed = plain.clone();
            let tag = seal_short(key_len, &aad, &mut sealed);
            for isa in isas() {
                let key = &keys(isa)[place];
                let mut data = sealed.clone();
                let mut forged = tag;
                forged[len % 8] ^= 1;
                assert_eq!(open_short(key, &aad, &mut data, forged), Err(Unauthentic));
                assert!(data == sealed, "{isa:?} {len}");
                open_short(key, &aad, &mut data, tag).unwrap();
                assert!(data == plain, "{isa:?} {len}");
            }
        }
    }
}

/// The last 8 bytes of a whole tag are not passed, so the first 8 alone decide.
#[test]
fn the_first_8_bytes_decide_and_each_of_their_bits_counts() {
    for isa in isas() {
        for key in keys(isa) {
            for len in [0, 1, 40, 496, 497, 1200, 2100, 16_384] {
                let (plain, aad) = (bytes(len, 3), bytes(20, 4));
                let mut sealed = plain.clone();
                let tag = *seal(&key, &aad, &mut sealed).first_chunk().unwrap();
                let refused = |aad: &[u8], given: &[u8], tag| {
                    let mut data = given.to_vec();
                    assert_eq!(open_short(&key, aad, &mut data, tag), Err(Unauthentic));
                    assert!(data == given, "{isa:?} {len}");
                };
                for bit in 0..64 {
                    let mut forged = tag;
                    forged[bit / 8] ^= 1 << (bit % 8);
                    refused(&aad, &sealed, forged);
                }
                for bit in (0..8 * len).step_by(1 + len / 7) {
                    let mut forged = sealed.clone();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    refused(&aad, &forged, tag);
                }
                refused(&aad[1..], &sealed, tag);
                refused(&aad, &sealed, [0; 8]);
                open_short(&key, &aad, &mut sealed, tag).unwrap();
                assert!(sealed == plain);
            }
        }
    }
}
