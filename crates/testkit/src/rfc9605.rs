//! The vectors of RFC 9605 and of draft-barnes-sframe-iana-256.

use serde::Deserialize;

use crate::hex::Hex;

/// One header: RFC 9605 appendix C.1.
#[derive(Deserialize, Debug)]
pub struct HeaderVector {
    /// KID.
    pub kid: u64,
    /// CTR.
    pub ctr: u64,
    /// The only encoding of both.
    pub encoded: Hex,
}

/// AES-CTR with HMAC: appendix C.2.
#[derive(Deserialize, Debug)]
pub struct CtrHmacVector {
    /// IANA's number.
    pub cipher_suite: u16,
    /// Nk bytes.
    pub key: Hex,
    /// Nn bytes.
    pub nonce: Hex,
    /// Authenticated data.
    pub aad: Hex,
    /// Plaintext.
    pub pt: Hex,
    /// Ciphertext and tag.
    pub ct: Hex,
}

/// A whole frame: appendix C.3.
#[derive(Deserialize, Debug)]
pub struct FrameVector {
    /// IANA's number.
    pub cipher_suite: u16,
    /// KID.
    pub kid: u64,
    /// CTR.
    pub ctr: u64,
    /// base_key.
    pub base_key: Hex,
    /// Nk bytes.
    pub sframe_key: Hex,
    /// Nn bytes.
    pub sframe_salt: Hex,
    /// Metadata.
    pub metadata: Hex,
    /// sframe_salt XOR CTR.
    pub nonce: Hex,
    /// Header and metadata.
    pub aad: Hex,
    /// Plaintext.
    pub pt: Hex,
    /// Header, ciphertext and tag.
    pub ct: Hex,
}

#[derive(Deserialize)]
struct Rfc {
    header: Vec<HeaderVector>,
    aes_ctr_hmac: Vec<CtrHmacVector>,
    aes_256_ctr_hmac: Vec<CtrHmacVector>,
    sframe: Vec<FrameVector>,
}

#[derive(Deserialize)]
struct Aes256 {
    sframe_aes_256_ctr_hmac: Vec<FrameVector>,
}

fn rfc() -> Rfc {
    read(include_str!("../vectors/rfc9605/test-vectors.json"))
}

/// All 289 headers.
#[must_use]
pub fn headers() -> Vec<HeaderVector> {
    rfc().header
}

/// All 3 + 3 AES-CTR-HMAC cases.
#[must_use]
pub fn ctr_hmac() -> Vec<CtrHmacVector> {
    let Rfc { aes_ctr_hmac, aes_256_ctr_hmac, .. } = rfc();
    aes_ctr_hmac.into_iter().chain(aes_256_ctr_hmac).collect()
}

/// All 5 + 3 frames.
#[must_use]
pub fn frames() -> Vec<FrameVector> {
    let more: Aes256 = read(include_str!("../vectors/rfc9605/test-vectors-aes256.json"));
    rfc().sframe.into_iter().chain(more.sframe_aes_256_ctr_hmac).collect()
}

#[expect(clippy::expect_used, reason = "the files are part of this crate")]
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> T {
    serde_json::from_str(json).expect("vector file")
}
