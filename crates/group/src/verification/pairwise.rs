//! The code of two people, derived like DAVE's.

use alloc::{vec, vec::Vec};

use scrypt::{Params, scrypt};

use super::{DigitCode, PairwiseCode};
use crate::{Identity, UserId};

/// DAVE's constant (discord/libdave, `js/src/PairwiseFingerprint.ts`).
const SALT: [u8; 16] =
    [0x24, 0xca, 0xb1, 0x7a, 0x7a, 0xf8, 0xec, 0x2b, 0x82, 0xb4, 0x12, 0xb9, 0x2d, 0xab, 0x19, 0x2e];

/// The code of two people. It is the same on both sides and in every call, as long as both keep
/// their identities.
///
/// scrypt makes the search for a colliding key expensive: about 0.1 s and 16 MiB for each guess.
/// Compute a code on demand only, away from media and off a page's main thread. With user ids of
/// eight bytes the hash is that of DAVE's pairwise fingerprints.
///
/// Source: PROTOCOL.md §7.
#[must_use]
pub fn pairwise_code(a: (&Identity, &UserId), b: (&Identity, &UserId)) -> PairwiseCode {
    DigitCode::from_hash(&fingerprint([record(&a.0.0, a.1.as_bytes()), record(&b.0.0, b.1.as_bytes())]))
}

/// `0000 ‖ key ‖ user id` if the user id has eight bytes, as in DAVE, otherwise
/// `0001 ‖ key ‖ length u64 ‖ user id`, so that no user id can be parsed as part of the other
/// record.
fn record(key: &[u8], user: &[u8]) -> Vec<u8> {
    if user.len() == 8 {
        [&[0, 0], key, user].concat()
    } else {
        [&[0, 1], key, &(user.len() as u64).to_be_bytes(), user].concat()
    }
}

/// scrypt of both records, the smaller first.
fn fingerprint(mut records: [Vec<u8>; 2]) -> Vec<u8> {
    if records[1] < records[0] {
        records.swap(0, 1);
    }
    let mut out = vec![0; 64];
    let params = Params::new(14, 8, 2);
    let done = params.is_ok_and(|params| scrypt(&records.concat(), &SALT, &params, &mut out).is_ok());
    assert!(done, "parameters and length are within scrypt's bounds");
    out
}

#[cfg(test)]
mod tests {
    use sealframe_testkit::hex;

    use super::{fingerprint, record};

    /// `PairwiseFingerprint-test.ts` of discord/libdave 52cd56d (MIT): inputs and outputs. The keys
    /// have other lengths than ours; the second pair sorts differently as text than as bytes.
    #[test]
    fn fingerprints_are_those_of_dave() {
        let zeros = [0; 65];
        let cases = [
            (
                (&zeros[..33], 1234_u64),
                (&zeros[..], 5678_u64),
                "8581f12c24874fc31b1c97457cc5bd29c007102d4ff78a3a7ea1b2880c6d60a4\
                 a95c02e888ae4a9cad90bfb8222df28829850e9e774fcc3006dc7906f20ba43c",
            ),
            (
                (&[0, 100], 1),
                (&[0, 20], 2),
                "8da9c28f164816f50d8c42e49fc3656a77f045bfb2e3c27ea2ffde948a0521d7\
                 f0a7eaf595b62e140453bf1fa54afda5c7101d47c1cda99aff9a221e5eabf72b",
            ),
        ];
        for ((key_a, user_a), (key_b, user_b), out) in cases {
            let a = record(key_a, &user_a.to_be_bytes());
            let b = record(key_b, &user_b.to_be_bytes());
            assert_eq!(hex::encode(&fingerprint([a.clone(), b.clone()])), out);
            assert_eq!(hex::encode(&fingerprint([b, a])), out);
        }
    }
}
