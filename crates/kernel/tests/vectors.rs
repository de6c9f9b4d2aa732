//! NIST's and Wycheproof's known answers, in every instruction set.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use sealframe_kernel::{Frame, Isa, Key, Unauthentic};
use sealframe_testkit::aes_gcm::{self, GcmVector};

mod common;

fn check(isa: Isa, vector: &GcmVector) {
    let GcmVector { key, nonce, aad, ct, tag, pt } = vector;
    let key = Key::with_isa(isa, key).unwrap();
    check_short(&key, vector);
    let mut opened = ct.clone();
    let verdict = Frame::new(&key, *nonce, aad, &mut opened).open((*tag).into());
    let Some(pt) = pt else {
        assert_eq!(verdict, Err(Unauthentic));
        assert_eq!(&opened, ct, "they are short: nothing is stored");
        return;
    };
    assert_eq!((verdict, &opened), (Ok(()), pt), "{isa:?}");
    let made: [u8; 16] = Frame::new(&key, *nonce, aad, &mut opened).seal().unwrap().into();
    assert_eq!((&opened, &made), (ct, tag), "{isa:?}");
}

/// By the first 8 bytes of the tag. Of a tag that is wrong they may be right.
fn check_short(key: &Key, GcmVector { nonce, aad, ct, tag, pt, .. }: &GcmVector) {
    let mut opened = ct.clone();
    let verdict = Frame::new(key, *nonce, aad, &mut opened).open_short(*tag.first_chunk().unwrap());
    match (pt, verdict) {
        (Some(pt), Ok(())) => assert_eq!(&opened, pt),
        (None, Err(Unauthentic)) => assert_eq!(&opened, ct),
        (None, Ok(())) => {
            let whole: [u8; 16] = Frame::new(key, *nonce, aad, &mut opened).seal().unwrap().into();
            assert!(whole[..8] == tag[..8] && whole[8..] != tag[8..]);
        }
        (Some(_), Err(Unauthentic)) => panic!("a right tag"),
    }
}

#[test]
fn all_1633_known_answers_in_every_instruction_set() {
    let vectors = [aes_gcm::nist(), aes_gcm::wycheproof()].concat();
    assert_eq!(vectors.len(), 1500 + 133);
    for isa in common::isas() {
        vectors.iter().for_each(|vector| check(isa, vector));
    }
}

#[test]
fn a_key_of_another_length_is_refused() {
    for isa in common::isas() {
        for len in (0..64).filter(|len| ![16, 32].contains(len)) {
            assert!(Key::with_isa(isa, &vec![1; len]).is_none());
        }
    }
}

#[test]
fn the_fastest_instruction_set_is_chosen() {
    assert_eq!(Isa::best(), common::isas().first().copied());
}
