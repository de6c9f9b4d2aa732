//! The region of linear memory in which frames are sealed and opened.
//!
//! ```text
//! ┌ frame, as JavaScript copied it ┬ room behind it ┐
//! ```

use sealframe_profiles::FrameBuf;
use wasm_bindgen::prelude::*;

use crate::error_code::ErrorCode;

/// The index of each word of 32 bits that JavaScript reads. A test compares them with `OUTCOME` in
/// `shared/ids.ts`.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Offset in linear memory for the next frame.
    Room = 0,
    /// The longest frame that fits there; for a longer one, call `reserve` first.
    RoomLength = 1,
    /// Length of the last result, bytes.
    Length = 2,
}

/// Space for one frame at a time, and the words that hold its offset and the result.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Region {
    bytes: Vec<u8>,
    words: Box<[u32; 3]>,
}

#[wasm_bindgen]
impl Region {
    /// Creates an empty region, which grows with the longest frame.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        let mut region = Self::default();
        region.reserve(0);
        region
    }

    /// Offset in linear memory of the words, valid as long as this object.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn outcome(&self) -> *const u32 {
        self.words.as_ptr()
    }

    /// Reserves space for a frame of `len` bytes. Growing the memory detaches its old buffer.
    pub fn reserve(&mut self, len: usize) {
        let room = len + room_behind(len);
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
            self.set(Outcome::Room, self.bytes.as_ptr().addr());
            self.set(Outcome::RoomLength, len);
        }
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
                self.set(Outcome::Length, len);
                self.bytes.as_ptr().addr().cast_signed()
            }
            Err(code) => code.as_result(),
        }
    }

    fn set(&mut self, word: Outcome, value: usize) {
        // Linear memory has no more than 2^32 bytes.
        self.words[word as usize] = u32::try_from(value).unwrap_or(u32::MAX);
    }
}

/// Maximum growth by sealing, bytes: a trailer, and in the worst H.264 frame an escape for every
/// second byte, or a zero for every fourth clear byte.
const fn room_behind(len: usize) -> usize {
    len / 2 + MAX_TRAILER
}

/// DAVE's trailer, whose length fits in one byte, is the longest.
const MAX_TRAILER: usize = 512;
