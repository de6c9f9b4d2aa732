//! DAVE 1.1: `vectors/dave/`.

use serde::Deserialize;

use crate::{hex::Hex, rfc9605::read};

/// All of `dave.json`: what libdave's own tests expect.
#[derive(Deserialize, Debug)]
pub struct Published {
    /// Frames, and which of their bytes stay readable.
    pub clear_ranges: Vec<RangesVector>,
    /// Digits.
    pub displayable_code: Vec<CodeVector>,
    /// scrypt of two keys.
    pub pairwise_fingerprint: Vec<PairwiseVector>,
    /// One key and its user.
    #[serde(default)]
    pub key_fingerprint: Vec<KeyVector>,
}

/// A frame, and which of its bytes stay readable.
#[derive(Deserialize, Debug)]
pub struct RangesVector {
    /// Of libdave's test.
    pub name: String,
    /// By libdave's name.
    pub codec: String,
    /// As an encoder makes it.
    pub frame: Hex,
    /// How many there are.
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
    /// Digits.
    pub length: usize,
    /// Digits of a group.
    pub group: usize,
    /// Output.
    pub code: String,
}

/// Two keys and what is made of them.
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

/// A key, its user, and both put together.
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
    /// What MLS exports.
    pub base_secret: Hex,
    /// In order, not all of them.
    pub generations: Vec<GenerationVector>,
}

/// One generation.
#[derive(Deserialize, Debug)]
pub struct GenerationVector {
    /// Counted from 0.
    pub generation: u32,
    /// 16 bytes.
    pub key: Hex,
    /// 12 bytes, of which frames make no use.
    pub nonce: Hex,
}

/// One sealed frame.
#[derive(Deserialize, Debug)]
pub struct FrameVector {
    /// What is special.
    pub name: String,
    /// By libdave's name, or none.
    pub codec: Option<String>,
    /// Which units of H.264 and H.265 stay readable: `without picture` or `parameter sets`.
    pub clear: String,
    /// What MLS exports.
    pub base_secret: Hex,
    /// The nonce that is tried first.
    pub first_nonce: u64,
    /// The nonce that was used.
    pub nonce: u64,
    /// As an encoder makes it.
    pub frame: Hex,
    /// What is sent.
    pub sealed: Hex,
    /// Offset and length of what is readable.
    pub ranges: Vec<(usize, usize)>,
    /// What comes out.
    pub opened: Hex,
}

/// What libdave's tests expect: the file as it came, and more of the same tests.
#[must_use]
pub fn published() -> Vec<Published> {
    vec![
        read(include_str!("../vectors/dave/dave.json")),
        read(include_str!("../vectors/dave/libdave-more.json")),
    ]
}

/// What `make_frames.py` makes.
#[must_use]
pub fn made() -> Made {
    read(include_str!("../vectors/dave/frames.json"))
}
