//! sealframe for browsers: what an encoded-transform worker calls.
//!
//! Frames cross the border once each way. JavaScript asks for room with [`Call::reserve`], copies the
//! encoder's frame into linear memory there, calls [`Call::seal`] or [`Call::open`], which work in place,
//! and copies the result out:
//!
//! ```text
//! linear memory   ┌ headroom 17 ┬ frame ────────────────┬ tailroom 16 ┐
//!                               └ offset = reserve(len)
//! ```
//!
//! Both return the offset of the result, its length being [`Call::result_len`], or a negative number
//! that [`error_name`] spells. Nothing is allocated per frame once the longest has been seen.
#![forbid(unsafe_code)]

mod code;

use sealframe::{CallSecret, CipherSuite, FrameBuf, Metadata, SharedSecretCall, Stream, StreamKind};
use wasm_bindgen::prelude::*;
use zeroize::Zeroize;

use code::Code;

/// The suite of every call in the browser, for now: AES-128-GCM.
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// A member's side of a call whose members share one secret; see `sealframe::SharedSecretCall`.
#[wasm_bindgen]
pub struct Call {
    call: SharedSecretCall,
    region: Vec<u8>,
    result_len: usize,
}

#[wasm_bindgen]
impl Call {
    /// Enters a call as member `me`. `secret` has at least 16 bytes; this copy of it is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(mut secret: Vec<u8>, me: u16) -> Result<Self, String> {
        let parsed = CallSecret::from_bytes(&secret);
        secret.zeroize();
        let parsed = parsed.map_err(Code::of_call)?;
        let call = SharedSecretCall::new(SUITE, &parsed, me, random()?).map_err(Code::of_call)?;
        Ok(Self { call, region: Vec::new(), result_len: 0 })
    }

    /// Our present key, encrypted for those who have the secret; opaque to the server that relays it.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn announcement(&self) -> Result<Vec<u8>, String> {
        Ok(self.call.announcement(random()?))
    }

    /// Installs the key that member `from` announces.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = addMember)]
    pub fn add_member(&mut self, from: u16, announcement: &[u8]) -> Result<(), String> {
        Ok(self.call.add_member(from, announcement).map_err(Code::of_call)?)
    }

    /// Wipes the keys of a member who left.
    #[wasm_bindgen(js_name = removeMember)]
    pub fn remove_member(&mut self, member: u16) {
        self.call.remove_member(member);
    }

    /// Moves our key one ratchet step on, before a newcomer is told it.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn ratchet(&mut self) -> Result<(), String> {
        Ok(self.call.ratchet().map(drop).map_err(Code::of_call)?)
    }

    /// Where in linear memory a frame of `len` bytes goes. Growing memory detaches its old buffer.
    pub fn reserve(&mut self, len: usize) -> *const u8 {
        let room = FrameBuf::HEADROOM + len + FrameBuf::TAILROOM;
        if self.region.len() < room {
            self.region.resize(room, 0);
        }
        self.region.as_ptr().wrapping_add(FrameBuf::HEADROOM)
    }

    /// Seals the `len` bytes that were copied to where [`reserve`](Self::reserve) said. `kind`, `index`
    /// and `prefix` are those of `sealframe::Metadata`.
    pub fn seal(&mut self, len: usize, kind: u8, index: u16, prefix: u16) -> isize {
        let Some(metadata) = metadata(kind, index, prefix) else {
            return Code::UnknownStreamKind.as_result();
        };
        let at = FrameBuf::HEADROOM..FrameBuf::HEADROOM + len;
        let Some(frame) = FrameBuf::new(&mut self.region, at) else {
            return Code::NotReserved.as_result();
        };
        match self.call.seal_in_place(frame, metadata) {
            Ok(sealed) => {
                self.result_len = sealed.len();
                sealed.as_ptr().addr().cast_signed()
            }
            Err(error) => Code::of_seal(error).as_result(),
        }
    }

    /// Opens the `len` bytes that were copied to where [`reserve`](Self::reserve) said, from member
    /// `from`.
    pub fn open(&mut self, from: u16, len: usize, kind: u8, index: u16, prefix: u16) -> isize {
        let Some(metadata) = metadata(kind, index, prefix) else {
            return Code::UnknownStreamKind.as_result();
        };
        let frame = self.region.get_mut(FrameBuf::HEADROOM..);
        let Some(frame) = frame.and_then(|region| region.get_mut(..len)) else {
            return Code::NotReserved.as_result();
        };
        match self.call.open_in_place(from, frame, metadata) {
            Ok(opened) => {
                self.result_len = opened.frame.len();
                opened.frame.as_ptr().addr().cast_signed()
            }
            Err(error) => Code::of_call(error).as_result(),
        }
    }

    /// Bytes of the last result.
    #[wasm_bindgen(getter, js_name = resultLength)]
    #[must_use]
    pub fn result_len(&self) -> usize {
        self.result_len
    }
}

/// Spells a negative result of [`Call::seal`] or [`Call::open`].
#[wasm_bindgen(js_name = errorName)]
#[must_use]
pub fn error_name(result: isize) -> String {
    Code::of_result(result).map_or_else(|| "Unknown".into(), String::from)
}

fn metadata(kind: u8, index: u16, prefix: u16) -> Option<Metadata<'static>> {
    let stream = Stream::new(StreamKind::from_id(kind)?, index);
    Some(Metadata::from(stream).with_prefix(prefix))
}

fn random() -> Result<[u8; 32], Code> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Code::NoRandomness)?;
    Ok(bytes)
}
