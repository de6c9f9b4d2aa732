//! The region of linear memory in which frames are sealed and opened.
//!
//! ```text
//! ┌ frame, as JavaScript copied it ┬ room behind it ┐
//! ```

use sealframe_profiles::FrameBuf;
use wasm_bindgen::prelude::*;

use crate::error_code::ErrorCode;

/// Space for one frame at a time. JavaScript reserves it with [`reserve`](Self::reserve) and copies
/// a frame into linear memory there.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Region {
    bytes: Vec<u8>,
    result_len: usize,
}

#[wasm_bindgen]
impl Region {
    /// Creates an empty region, which grows with the longest frame.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offset in linear memory for a frame of `len` bytes. Growing the memory detaches its old
    /// buffer.
    pub fn reserve(&mut self, len: usize) -> *const u8 {
        let room = len + room_behind(len);
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        self.bytes.as_ptr()
    }

    /// Length of the last result, bytes.
    #[wasm_bindgen(getter, js_name = resultLength)]
    #[must_use]
    pub fn result_len(&self) -> usize {
        self.result_len
    }
}

impl Region {
    /// Runs `work` on the frame and the space after it. `work` returns the length of its result at
    /// the start.
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

/// Maximum growth by sealing, bytes: a trailer, and in the worst H.264 frame an escape for every
/// second byte, or a zero for every fourth clear byte.
const fn room_behind(len: usize) -> usize {
    len / 2 + MAX_TRAILER
}

/// DAVE's trailer, whose length fits in one byte, is the longest.
const MAX_TRAILER: usize = 512;
