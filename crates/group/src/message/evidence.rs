//! The message that hands on what others signed.

use alloc::vec::Vec;

use super::{KeyUpdate, MessageError, Reader};
use crate::encoding::Write as _;

/// Headers of key updates with their signatures, as they came from others (PROTOCOL.md §2.8).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Evidence {
    /// Each `header ‖ signature`.
    pub updates: Vec<[u8; Self::UPDATE_LEN]>,
}

impl Evidence {
    /// Bytes of a header with its signature.
    pub const UPDATE_LEN: usize = KeyUpdate::HEADER_LEN + 64;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(u16::try_from(self.updates.len()).unwrap_or(u16::MAX).to_be_bytes());
        for update in self.updates.iter().take(usize::from(u16::MAX)) {
            out.string(update);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let count = reader.u16()?;
        let mut updates = Vec::new();
        for _ in 0..count {
            let update = reader.string(Self::UPDATE_LEN)?;
            updates.push(update.try_into().map_err(|_| MessageError::Malformed)?);
        }
        Ok(Self { updates })
    }
}
