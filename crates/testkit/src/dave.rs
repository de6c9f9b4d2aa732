//! DAVE 1.1: `vectors/dave/`.

use serde::Deserialize;

use crate::{hex::Hex, rfc9605::read};

/// All of `dave.json`: the expectations of libdave's own tests.
#[derive(Deserialize, Debug)]
pub struct Published {
    /// Frames, and the byte ranges that stay readable.
    pub clear_ranges: Vec<RangesVector>,
    /// Codes of decimal digits.
    pub displayable_code: Vec<CodeVector>,
    /// Fingerprints of two keys by scrypt.
    pub pairwise_fingerprint: Vec<PairwiseVector>,
    /// Fingerprints of one key and its user.
    #[serde(default)]
    pub key_fingerprint: Vec<KeyVector>,
}

/// A frame, and the byte ranges that stay readable.
#[derive(Deserialize, Debug)]
pub struct RangesVector {
    /// From libdave's test.
    pub name: String,
    /// libdave's name.
    pub codec: String,
    /// The encoder's output.
    pub frame: Hex,
    /// Number of ranges.
    pub unencrypted_range_count: usize,
    /// Offset and length.
    pub unencrypted_ranges: Vec<(usize, usize)>,
    /// The first bytes of the media, where the test has them.
    pub expected_clear_bytes: Option<Hex>,
}

/// Bytes and their digits.
#[derive(Deserialize, Debug)]
pub struct CodeVector {
    /// Input.
    pub data: Hex,
    /// Number of digits.
    pub length: usize,
    /// Digits per group.
    pub group: usize,
    /// Output.
    pub code: String,
}

/// Two keys and their fingerprint.
#[derive(Deserialize, Debug)]
pub struct PairwiseVector {
    /// Input.
    pub version: u16,
    /// Input.
    pub key_1: Hex,
    /// Input.
    pub user_1: u64,
    /// Input.
    pub key_2: Hex,
    /// Input.
    pub user_2: u64,
    /// Output.
    pub scrypt_output: Hex,
}

/// A key, its user, and their fingerprint.
#[derive(Deserialize, Debug)]
pub struct KeyVector {
    /// Input.
    pub version: u16,
    /// Input.
    pub key: Hex,
    /// Input.
    pub user: u64,
    /// Output.
    pub fingerprint: Hex,
}

/// All of `frames.json`: made for this library.
#[derive(Deserialize, Debug)]
pub struct Made {
    /// Keys along hash ratchets.
    pub ratchets: Vec<RatchetVector>,
    /// Sealed frames.
    pub frames: Vec<FrameVector>,
}

/// One hash ratchet.
#[derive(Deserialize, Debug)]
pub struct RatchetVector {
    /// The secret exported by MLS.
    pub base_secret: Hex,
    /// In order, but not all.
    pub generations: Vec<GenerationVector>,
}

/// One generation.
#[derive(Deserialize, Debug)]
pub struct GenerationVector {
    /// Counted from 0.
    pub generation: u32,
    /// 16 bytes.
    pub key: Hex,
    /// 12 bytes, which frames do not use.
    pub nonce: Hex,
}

/// One sealed frame.
#[derive(Deserialize, Debug)]
pub struct FrameVector {
    /// The special property of this case.
    pub name: String,
    /// libdave's name, or none.
    pub codec: Option<String>,
    /// The units of H.264 and H.265 that stay readable: `without picture` or `parameter sets`.
    pub clear: String,
    /// The secret exported by MLS.
    pub base_secret: Hex,
    /// The nonce that is tried first.
    pub first_nonce: u64,
    /// The nonce that was used.
    pub nonce: u64,
    /// The encoder's output.
    pub frame: Hex,
    /// The sealed frame.
    pub sealed: Hex,
    /// Offset and length of the readable ranges.
    pub ranges: Vec<(usize, usize)>,
    /// The opened frame.
    pub opened: Hex,
}

/// The expectations of libdave's tests: the original file, and more of the same tests.
#[must_use]
pub fn published() -> Vec<Published> {
    vec![
        read(include_str!("../vectors/dave/dave.json")),
        read(include_str!("../vectors/dave/libdave-more.json")),
    ]
}

/// The output of `make_frames.py`.
#[must_use]
pub fn made() -> Made {
    read(include_str!("../vectors/dave/frames.json"))
}
