//! Ratchet steps, KID layouts and MLS epochs, for which RFC 9605 has no vectors: `vectors/keys/`.

use serde::{Deserialize, Deserializer, de::Error};

use crate::{hex::Hex, rfc9605::read};

/// All of `keys.json`.
#[derive(Deserialize, Debug)]
pub struct Keys {
    /// Base keys along ratchets, each with a sealed frame.
    pub ratchet: Vec<RatchetVector>,
    /// KIDs of RFC 9605 §5.1, and fields that do not fit.
    pub sender_key_kids: Vec<SenderKeyKidVector>,
    /// KIDs of RFC 9605 §5.2, and fields that do not fit.
    pub mls_kids: Vec<MlsKidVector>,
    /// Sealed frames of MLS members.
    pub mls_frames: Vec<MlsVector>,
    /// Frames that must not open.
    pub refused: Vec<RefusedVector>,
}

/// One ratchet.
#[derive(Deserialize, Debug)]
pub struct RatchetVector {
    /// IANA's number.
    pub cipher_suite: u16,
    /// R.
    pub step_bits: u8,
    /// Bits between generation and step.
    pub sender_bits: u8,
    /// Field of the KID.
    pub generation: Number,
    /// Field of the KID.
    pub sender: Number,
    /// In ratchet order, but not all.
    pub steps: Vec<StepVector>,
}

/// One step of a ratchet.
#[derive(Deserialize, Debug)]
pub struct StepVector {
    /// Counted from the base key, not wrapped.
    pub step: Number,
    /// `base_key[step]`.
    pub base_key: Hex,
    /// A frame sealed at this step.
    #[serde(flatten)]
    pub frame: KeyFrame,
}

/// A frame and the key that sealed it.
#[derive(Deserialize, Debug)]
pub struct KeyFrame {
    /// KID.
    pub kid: Number,
    /// Nk bytes.
    pub sframe_key: Hex,
    /// Nn bytes.
    pub sframe_salt: Hex,
    /// CTR.
    pub ctr: Number,
    /// Metadata.
    pub metadata: Hex,
    /// Plaintext.
    pub pt: Hex,
    /// Header, ciphertext and tag.
    pub ct: Hex,
}

/// Fields of a sender-key KID.
#[derive(Deserialize, Debug)]
pub struct SenderKeyKidVector {
    /// R.
    pub step_bits: u8,
    /// Bits between generation and step.
    pub sender_bits: u8,
    /// Field.
    pub generation: Number,
    /// Field.
    pub sender: Number,
    /// Field.
    pub step: Number,
    /// `None` if a field does not fit.
    pub kid: Option<Number>,
}

/// Fields of an MLS KID.
#[derive(Deserialize, Debug)]
pub struct MlsKidVector {
    /// E.
    pub epoch_bits: u8,
    /// S.
    pub index_bits: u8,
    /// Field.
    pub context: Number,
    /// Field.
    pub index: Number,
    /// The whole epoch.
    pub epoch: Number,
    /// `None` if a field does not fit.
    pub kid: Option<Number>,
}

/// One epoch and some of its members.
#[derive(Deserialize, Debug)]
pub struct MlsVector {
    /// IANA's number.
    pub cipher_suite: u16,
    /// E.
    pub epoch_bits: u8,
    /// S.
    pub index_bits: u8,
    /// The whole epoch.
    pub epoch: Number,
    /// The epoch's base key.
    pub base_key: Hex,
    /// A frame of each member.
    pub frames: Vec<MlsFrame>,
}

/// A frame of one member.
#[derive(Deserialize, Debug)]
pub struct MlsFrame {
    /// Leaf index.
    pub index: Number,
    /// Field of the KID.
    pub context: Number,
    /// The frame.
    #[serde(flatten)]
    pub frame: KeyFrame,
}

/// A genuine frame and altered copies of it.
#[derive(Deserialize, Debug)]
pub struct RefusedVector {
    /// IANA's number.
    pub cipher_suite: u16,
    /// KID.
    pub kid: Number,
    /// CTR.
    pub ctr: Number,
    /// The receiver's base key.
    pub base_key: Hex,
    /// Metadata of the genuine frame.
    pub metadata: Hex,
    /// Plaintext of the genuine frame.
    pub pt: Hex,
    /// The genuine frame, which opens.
    pub ct: Hex,
    /// Frames that must not open.
    pub cases: Vec<RefusedCase>,
}

/// One frame that must not open.
#[derive(Deserialize, Debug)]
pub struct RefusedCase {
    /// The alteration.
    pub name: String,
    /// The metadata that the receiver assumes.
    pub metadata: Hex,
    /// The received frame.
    pub ct: Hex,
}

/// 64 bits, written as `"0x…"` because JSON's numbers lose some of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(pub u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let number = digits.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        number.map(Self).ok_or_else(|| D::Error::custom("not a hexadecimal number"))
    }
}

/// All of the file.
#[must_use]
pub fn all() -> Keys {
    read(include_str!("../vectors/keys/keys.json"))
}
