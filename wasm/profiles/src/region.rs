//! The piece of linear memory in which frames are sealed and opened.
//!
//! ```text
//! ┌ frame, as JavaScript copied it ┬ room behind it ┐
//! ```

use sealframe_profiles::FrameBuf;
use wasm_bindgen::prelude::*;

use crate::error_code::ErrorCode;

/// Room for one frame at a time. JavaScript asks for it with [`reserve`](Self::reserve) and copies
/// a frame into linear memory there.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Region {
    bytes: Vec<u8>,
    result_len: usize,
}

#[wasm_bindgen]
impl Region {
    /// An empty one, which grows with the longest frame.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where in linear memory a frame of `len` bytes goes. Growing memory detaches its old buffer.
    pub fn reserve(&mut self, len: usize) -> *const u8 {
        let room = len + room_behind(len);
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        self.bytes.as_ptr()
    }

    /// Bytes of the last result.
    #[wasm_bindgen(getter, js_name = resultLength)]
    #[must_use]
    pub fn result_len(&self) -> usize {
        self.result_len
    }
}

impl Region {
    /// Does `work` on the frame, with room behind it. It says how many bytes it leaves at the
    /// beginning.
    pub(crate) fn work(
        &mut self,
        len: usize,
        work: impl FnOnce(FrameBuf<'_>) -> Result<usize, ErrorCode>,
    ) -> isize {
        let result =
            FrameBuf::new(&mut self.bytes, 0..len).ok_or(ErrorCode::NotReserved).and_then(work);
        match result {
            Ok(len) => {
                self.result_len = len;
                self.bytes.as_ptr().addr().cast_signed()
            }
            Err(code) => code.as_result(),
        }
    }
}

/// Bytes that sealing may add: a trailer, and in the worst of H.264 frames an escape for every
/// second byte, or a zero for every fourth of those that stay clear.
const fn room_behind(len: usize) -> usize {
    len / 2 + MAX_TRAILER
}

/// DAVE's, with its length in one byte, is the longest of all.
const MAX_TRAILER: usize = 512;
