//! `encrypt(CTR, KID, metadata, plaintext)` of RFC 9605 §4.4.3, in place.

use core::ops::Range;

use sealframe_crypto::FrameKey;
use sealframe_wire::{EncodedHeader, FrameBuf, Header};

use crate::{Metadata, SealError, aad::AadBuf};

/// Where a frame's parts come to lie in its buffer: `start..` prefix and header, `payload_start..`
/// ciphertext and tag, up to `end`.
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) payload_start: usize,
    pub(crate) end: usize,
}

impl Place {
    /// Finds room for everything in the buffer.
    #[inline(always)] // a part of the one hot door that calls it
    pub(crate) fn find(
        buf_len: usize,
        frame: &Range<usize>,
        metadata: &Metadata<'_>,
        header: &EncodedHeader,
        nt: usize,
    ) -> Result<Self, SealError> {
        let header_len = Header::MAX_LEN - header.start();
        let payload_start = frame.start + metadata.prefix_len();
        if payload_start > frame.end {
            return Err(SealError::PrefixTooLong);
        }
        let Some(start) = frame.start.checked_sub(header_len) else {
            return Err(SealError::NoHeadroom { need: header_len });
        };
        let end = frame.end + nt;
        if end > buf_len {
            return Err(SealError::NoTailroom { need: nt });
        }
        Ok(Self { start, payload_start, end })
    }

    /// Writes the header directly before the payload, at the end of `clear`, and before it the
    /// prefix, which slides left.
    #[inline(always)] // a part of the one hot door that calls it
    pub(crate) fn put_header(&self, clear: &mut [u8], metadata: &Metadata<'_>, header: &EncodedHeader) {
        match clear.last_chunk_mut() {
            // Without a prefix the whole right-aligned array is stored: a fixed length is cheaper.
            Some(against_payload) if metadata.prefix_len() == 0 => {
                *against_payload = *header.right_aligned();
            }
            _ => {
                let header = header.as_bytes();
                clear.copy_within(self.start + header.len().., self.start);
                clear[self.payload_start - header.len()..].copy_from_slice(header);
            }
        }
    }
}

/// Returns the sealed frame: `prefix ‖ header ‖ ciphertext ‖ tag`. On error the frame is unchanged.
#[inline(always)] // a part of the one hot door that calls it
pub(crate) fn seal<'f>(
    key: &FrameKey,
    nt: usize,
    header: &EncodedHeader,
    metadata: &Metadata<'_>,
    aad: &mut AadBuf,
    frame: FrameBuf<'f>,
) -> Result<&'f mut [u8], SealError> {
    let (buf, frame) = frame.into_parts();
    let place = Place::find(buf.len(), &frame, metadata, header, nt)?;
    let (clear, rest) = buf.split_at_mut(place.payload_start);
    let (payload, tag) =
        rest[..place.end - place.payload_start].split_at_mut(frame.end - place.payload_start);
    let aad = aad.for_sealing(header, metadata, &clear[frame.start..]);
    key.encrypt(header.header().ctr(), aad, payload, tag)?;
    place.put_header(clear, metadata, header);
    Ok(&mut buf[place.start..place.end])
}
