//! What LiveKit's clients append to a sealed frame of video, for the receiving application: "packet
//! trailers".
//!
//! ```text
//! sealed frame ‖ { tag ‖ len ‖ value, each byte XOR FF } ‖ len of all this XOR FF ‖ "LKTS"
//! ```
//!
//! None of it is encrypted or authenticated: every relay reads it and may change it.
//!
//! Source: livekit/client-sdk-js, src/frameMetadata.

use alloc::vec::Vec;

const MAGIC: &[u8; 4] = b"LKTS";
/// Magic and length.
const ENVELOPE_LEN: usize = MAGIC.len() + 1;
const USER_TIMESTAMP: u8 = 1;
const FRAME_ID: u8 = 2;
const USER_DATA: u8 = 3;

/// Metadata of one frame. Not authentic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "written by applications")]
pub struct FrameMetadata {
    /// Microseconds, of a clock that the applications agree on.
    pub user_timestamp: Option<u64>,
    /// The application's number for the frame.
    pub frame_id: Option<u32>,
    /// The application's bytes.
    pub user_data: Option<Vec<u8>>,
}

impl FrameMetadata {
    /// The metadata after a sealed frame, and the frame's length without them; `None` if there are
    /// none.
    #[must_use]
    pub fn split(frame: &[u8]) -> Option<(usize, Self)> {
        let len = len_without(frame);
        let mut rest = frame.get(len..frame.len() - ENVELOPE_LEN.min(frame.len() - len))?;
        if len == frame.len() {
            return None;
        }
        let mut metadata = Self::default();
        while let [tag, value_len, behind @ ..] = rest {
            let (value, behind) = behind.split_at_checked(usize::from(!value_len))?;
            let value: Vec<u8> = value.iter().map(|byte| !byte).collect();
            match !tag {
                USER_TIMESTAMP => {
                    metadata.user_timestamp = Some(u64::from_be_bytes(value.try_into().ok()?));
                }
                FRAME_ID => metadata.frame_id = Some(u32::from_be_bytes(value.try_into().ok()?)),
                USER_DATA => metadata.user_data = Some(value),
                _ => {}
            }
            rest = behind;
        }
        rest.is_empty().then_some((len, metadata))
    }

    /// Appends the metadata to a sealed frame; `None`, and nothing is appended, if they take more
    /// than 255 bytes.
    pub fn append(&self, frame: &mut Vec<u8>) -> Option<()> {
        let mut entries = Vec::new();
        let mut entry = |tag: u8, value: &[u8]| {
            entries.extend([tag, u8::try_from(value.len()).ok()?]);
            entries.extend(value);
            Some(())
        };
        if let Some(timestamp) = self.user_timestamp {
            entry(USER_TIMESTAMP, &timestamp.to_be_bytes())?;
        }
        if let Some(id) = self.frame_id {
            entry(FRAME_ID, &id.to_be_bytes())?;
        }
        if let Some(data) = &self.user_data {
            entry(USER_DATA, data)?;
        }
        let len = u8::try_from(entries.len() + ENVELOPE_LEN).ok()?;
        frame.extend(entries.iter().map(|byte| !byte));
        frame.push(!len);
        frame.extend(MAGIC);
        Some(())
    }
}

/// The length of a sealed frame without trailing metadata. No sealed frame ends like them.
#[inline]
pub(super) fn len_without(frame: &[u8]) -> usize {
    match frame {
        [.., len, b'L', b'K', b'T', b'S'] if usize::from(!len) >= ENVELOPE_LEN => {
            frame.len().checked_sub(usize::from(!len)).unwrap_or(frame.len())
        }
        _ => frame.len(),
    }
}
