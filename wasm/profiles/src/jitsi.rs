//! Jitsi's format.

use sealframe_profiles::jitsi::{Config, Key, Receiver, Sender};
use wasm_bindgen::prelude::*;
use zeroize::Zeroize;

use crate::{BACKEND, error_code::ErrorCode, label::label, random, region::Region};

/// A participant's keys, with our sealer or another participant's opener.
#[wasm_bindgen]
#[derive(Debug)]
pub struct JitsiCryptor {
    sender: Sender,
    receiver: Receiver,
}

#[wasm_bindgen]
impl JitsiCryptor {
    /// Creates it without keys. Frame counts start at random values unless given.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(first_count: Option<u16>) -> Result<Self, String> {
        let first_count = match first_count {
            Some(count) => count,
            None => u16::from_be_bytes(random()?),
        };
        let config = Config::new(BACKEND);
        Ok(Self {
            sender: Sender::resume(config.clone(), first_count),
            receiver: Receiver::new(config),
        })
    }

    /// Sets 32 bytes of key material and makes this the sealing key. This copy of them is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = setKey)]
    pub fn set_key(&mut self, index: u32, mut material: Vec<u8>) -> Result<u8, String> {
        let keys = <&[u8; 32]>::try_from(material.as_slice())
            .map(|material| (Key::from_material(material), Key::from_material(material)));
        material.zeroize();
        let (to_seal, to_open) = keys.map_err(|_| ErrorCode::KeyRefused)?;
        let index = self.sender.set_key(index, to_seal).map_err(ErrorCode::from)?;
        self.receiver.set_key(index.into(), to_open);
        Ok(index)
    }

    /// Wipes a key.
    #[wasm_bindgen(js_name = removeKey)]
    pub fn remove_key(&mut self, index: u32) {
        self.sender.remove_key(index);
        self.receiver.remove_key(index);
    }

    /// Ratchets a key by one step.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn ratchet(&mut self, index: u32) -> Result<(), String> {
        self.sender.ratchet(index).map_err(ErrorCode::from)?;
        self.receiver.ratchet(index).map_err(ErrorCode::from)?;
        Ok(())
    }

    /// Drops the replay state of a stream that has ended; its frames would open again.
    #[wasm_bindgen(js_name = forgetStream)]
    pub fn forget_stream(&mut self, ssrc: u32) {
        self.receiver.forget_stream(ssrc);
    }

    /// Offset in linear memory of the 32 bytes of a key's current material; 0 if there is none.
    /// JavaScript must wipe its copy.
    #[wasm_bindgen(js_name = keyOffset)]
    #[must_use]
    pub fn key_offset(&self, index: u32) -> *const u8 {
        self.sender.expose_key(index).map_or(core::ptr::null(), <[u8]>::as_ptr)
    }

    /// Seals the `len` bytes in the [`Region`]. Numbers as in `label.rs`.
    pub fn seal(
        &mut self,
        region: &mut Region,
        len: usize,
        frame_type: u8,
        ssrc: u32,
        rtp_timestamp: u32,
    ) -> isize {
        region.work(len, |frame| {
            let info = label(ANY, frame_type, ssrc, rtp_timestamp)?;
            Ok(self.sender.seal_in_place(frame, &info)?.len())
        })
    }

    /// Opens the `len` bytes in the [`Region`].
    pub fn open(&mut self, region: &mut Region, len: usize, frame_type: u8) -> isize {
        region.work(len, |frame| {
            let info = label(ANY, frame_type, 0, 0)?;
            let (bytes, at) = frame.into_parts();
            let sealed = bytes.get_mut(at).ok_or(ErrorCode::NotReserved)?;
            Ok(self.receiver.open_in_place(sealed, &info)?.frame.len())
        })
    }
}

/// The label of a frame; its codec does not matter in this format.
const ANY: u8 = 0;
