//! Discord's format, DAVE 1.1.

use core::{fmt, time::Duration};

use sealframe_profiles::dave::{
    self, BASE_SECRET_LEN, BaseSecret, ClearUnits, Config, HashRatchet, Receiver, Sender,
};
use wasm_bindgen::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{BACKEND, error_code::ErrorCode, label, region::Region};

/// Seals the frames of all of our streams in one epoch.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DaveSealer {
    sender: Sender,
}

#[wasm_bindgen]
impl DaveSealer {
    /// Creates a sealer for a new epoch from the 16 bytes that the MLS group exports for us; this
    /// copy of them is wiped. In H.264 and H.265 either all units without a picture stay readable,
    /// or the parameter sets alone.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(base_secret: Vec<u8>, parameter_sets_alone: bool) -> Result<Self, String> {
        let alone = parameter_sets_alone.then_some(ClearUnits::ParameterSets);
        let config = Config::new(BACKEND).with_clear_units(alone.unwrap_or_default());
        Ok(Self { sender: Sender::new(config, taken(base_secret)?) })
    }

    /// Uses up all nonces up to this one, to continue after an earlier sealer of this epoch.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = skipTo)]
    pub fn skip_to(&mut self, nonce: u64) -> Result<(), String> {
        Ok(self.sender.skip_to(nonce).map_err(ErrorCode::from)?)
    }

    /// The last nonce used.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn nonces(&self) -> u64 {
        self.sender.nonces()
    }

    /// Seals the `len` bytes in the [`Region`]. Numbers as in `label.rs`.
    pub fn seal(&mut self, region: &mut Region, len: usize, codec_id: u8) -> isize {
        region.work(len, |frame| Ok(self.sender.seal_in_place(frame, label::codec(codec_id)?)?.len()))
    }
}

/// Opens the frames of one other member, in every epoch with a secret.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DaveOpener {
    receiver: Receiver,
    epoch: u64,
    nonce: u64,
}

impl Default for DaveOpener {
    fn default() -> Self {
        Self { receiver: Receiver::new(Config::new(BACKEND)), epoch: 0, nonce: 0 }
    }
}

#[wasm_bindgen]
impl DaveOpener {
    /// Creates an opener without secrets.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the 16 bytes that the group exports for this member in a new epoch; this copy of them
    /// is wiped. Secrets of earlier epochs are wiped 10 s later. `now_ms` is a time on any
    /// monotonic clock.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = addEpoch)]
    pub fn add_epoch(&mut self, epoch: u64, base_secret: Vec<u8>, now_ms: f64) -> Result<(), String> {
        self.receiver.add_epoch(epoch, taken(base_secret)?, duration(now_ms));
        Ok(())
    }

    /// Wipes all secrets.
    #[wasm_bindgen(js_name = removeAll)]
    pub fn remove_all(&mut self) {
        self.receiver.remove_all();
    }

    /// Opens the `len` bytes in the [`Region`].
    pub fn open(&mut self, region: &mut Region, len: usize, now_ms: f64) -> isize {
        region.work(len, |frame| {
            let (bytes, at) = frame.into_parts();
            let sealed = bytes.get_mut(at).ok_or(ErrorCode::NotReserved)?;
            let opened = self.receiver.open_in_place(sealed, duration(now_ms))?;
            (self.epoch, self.nonce) = (opened.epoch, opened.nonce);
            Ok(opened.frame.len())
        })
    }

    /// The epoch of the last frame opened.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The nonce of the last frame opened; the generation is above its 24 bits.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }
}

/// `key[16] ‖ nonce[12]` of one generation of a ratchet; wiped when freed.
#[wasm_bindgen]
pub struct DaveGeneration(Zeroizing<Vec<u8>>);

#[wasm_bindgen]
impl DaveGeneration {
    /// Derives a generation of the ratchet with this secret; this copy of it is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(base_secret: Vec<u8>, generation: u32) -> Result<Self, String> {
        let mut ratchet = HashRatchet::new(taken(base_secret)?);
        ratchet.advance_to(generation).ok_or(ErrorCode::KeyRefused)?;
        let mut both = Zeroizing::new(Vec::with_capacity(28));
        both.extend_from_slice(&*ratchet.expose_key());
        both.extend_from_slice(&*ratchet.expose_nonce());
        Ok(Self(both))
    }

    /// Offset of the 28 bytes in linear memory.
    #[must_use]
    pub fn offset(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

impl fmt::Debug for DaveGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DaveGeneration(..)")
    }
}

/// Digits for people to compare, in groups.
///
/// # Errors
/// The name of an error code.
#[wasm_bindgen(js_name = daveCode)]
pub fn code(bytes: &[u8], digits: usize, group: usize) -> Result<String, String> {
    Ok(dave::displayable_code(bytes, digits, group).map_err(|_| ErrorCode::DigitsRefused)?)
}

/// The fingerprint of two members' identity keys: 64 bytes, from which [`code()`] derives 45
/// digits. Takes a noticeable time.
///
/// # Errors
/// The name of an error code.
#[wasm_bindgen(js_name = davePairwiseFingerprint)]
pub fn pairwise_fingerprint(
    version: u16,
    key: &[u8],
    user: u64,
    other_key: &[u8],
    other_user: u64,
) -> Result<Vec<u8>, String> {
    let made = dave::pairwise_fingerprint(version, (key, user), (other_key, other_user));
    Ok(made.map_err(|_| ErrorCode::DigitsRefused)?.to_vec())
}

fn taken(mut base_secret: Vec<u8>) -> Result<BaseSecret, ErrorCode> {
    let taken =
        <&[u8; BASE_SECRET_LEN]>::try_from(base_secret.as_slice()).map(BaseSecret::from_exported);
    let taken = taken.map_err(|_| ErrorCode::KeyRefused);
    base_secret.zeroize();
    taken
}

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}
