//! The output of Jitsi's and LiveKit's own code: `vectors/jitsi/`, `vectors/livekit/`.

use serde::Deserialize;

use crate::{hex::Hex, rfc9605::read};

/// All of `jitsi-frames.json` except the rendering of key verification.
#[derive(Deserialize, Debug)]
pub struct Jitsi {
    /// Keys along ratchets.
    pub kdf: Vec<KeyChain>,
    /// Sealed frames.
    pub frames: Vec<FrameVector>,
}

/// All of `livekit-frames.json`.
#[derive(Deserialize, Debug)]
pub struct LiveKit {
    /// Keys along ratchets.
    pub kdf: Vec<KeyChain>,
    /// Sealed frames.
    pub frames: Vec<FrameVector>,
    /// Sealed frames from LiveKit's own tests.
    pub upstream_test_vectors: Vec<UpstreamVector>,
    /// Sealed data.
    pub data_packets: Vec<DataVector>,
    /// Frames that servers inject.
    pub sif_payloads: std::collections::BTreeMap<String, InjectedVector>,
}

/// All of `livekit-cpp-frames.json`.
#[derive(Deserialize, Debug)]
pub struct LiveKitNative {
    /// Sealed frames.
    pub frames: Vec<FrameVector>,
    /// IVs of one stream, in order.
    pub counter_sequence: Vec<IvVector>,
}

/// A ratchet.
#[derive(Deserialize, Debug)]
pub struct KeyChain {
    /// `HKDF` or `PBKDF2`; LiveKit only.
    pub kdf: Option<String>,
    /// LiveKit only.
    pub ratchet_salt: Option<String>,
    /// LiveKit only.
    pub key_size_bits: Option<u16>,
    /// In order, from 0.
    pub steps: Vec<KeyStep>,
}

/// One step of a ratchet.
#[derive(Deserialize, Debug)]
pub struct KeyStep {
    /// Key material.
    pub material: Hex,
    /// AES key.
    pub aes_key: Hex,
}

/// A sealed frame.
#[derive(Deserialize, Debug)]
pub struct FrameVector {
    /// The special property of this case.
    pub name: String,
    /// `HKDF` or `PBKDF2`; LiveKit only.
    pub kdf: Option<String>,
    /// Before the ratchet; absent if there was no ratchet.
    pub initial_material: Option<Hex>,
    /// Number of ratchet steps.
    #[serde(default)]
    pub ratchet_steps: u8,
    /// The key material that sealed it.
    pub material: Hex,
    /// LiveKit only.
    pub ratchet_salt: Option<String>,
    /// LiveKit only.
    pub key_size_bits: Option<u16>,
    /// The AES key that sealed it.
    pub aes_key: Hex,
    /// On the wire.
    pub key_index: u8,
    /// Before the modulo; Jitsi only.
    pub key_index_signalled: Option<u32>,
    /// `audio` or `video`.
    pub kind: String,
    /// Lower case.
    pub codec: String,
    /// `key` or `delta`; absent for sound and in native vectors.
    pub frame_type: Option<String>,
    /// Native vectors only.
    pub key_frame: Option<bool>,
    /// Absent: `ffffffff`.
    pub ssrc: Option<u32>,
    /// Absent: 0.
    pub rtp_timestamp: Option<u32>,
    /// Jitsi's count.
    pub send_counter: Option<u32>,
    /// LiveKit's count; native ones are 0.
    pub iv_counter: Option<u32>,
    /// The clear bytes.
    pub aad: Option<Hex>,
    /// The frame.
    pub plaintext: Hex,
    /// The sealed frame.
    pub encrypted: Hex,
    /// Appended after the sealed frame.
    pub metadata_trailer: Option<Hex>,
}

/// A sealed frame from LiveKit's own tests.
#[derive(Deserialize, Debug)]
pub struct UpstreamVector {
    /// For PBKDF2.
    pub passphrase: String,
    /// On the wire.
    pub key_index: u8,
    /// `key` or `delta`.
    pub frame_type: String,
    /// The frame.
    pub plaintext: Hex,
    /// The sealed frame.
    pub encrypted: Hex,
}

/// Sealed data.
#[derive(Deserialize, Debug)]
pub struct DataVector {
    /// HKDF input.
    pub material: Hex,
    /// On the wire.
    pub key_index: u8,
    /// 12 bytes.
    pub iv: Hex,
    /// The data.
    pub plaintext: Hex,
    /// Ciphertext and tag.
    pub encrypted_value: Hex,
    /// Of a data track.
    pub data_track_e2ee_extension: Hex,
}

/// A frame that servers inject.
#[derive(Deserialize, Debug)]
pub struct InjectedVector {
    /// Without the trailer.
    pub payload: Hex,
}

/// One IV of a sequence.
#[derive(Deserialize, Debug)]
pub struct IvVector {
    /// 12 bytes.
    pub iv: Hex,
}

/// 3 chains of 11 steps, 12 frames.
#[must_use]
pub fn jitsi() -> Jitsi {
    read(include_str!("../vectors/jitsi/jitsi-frames.json"))
}

/// 7 chains, 22 + 2 frames, 3 data packets, 5 injected frames.
#[must_use]
pub fn livekit() -> LiveKit {
    read(include_str!("../vectors/livekit/livekit-frames.json"))
}

/// 10 frames and 4 IVs.
#[must_use]
pub fn livekit_native() -> LiveKitNative {
    read(include_str!("../vectors/livekit/livekit-cpp-frames.json"))
}
