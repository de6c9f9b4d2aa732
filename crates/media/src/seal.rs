//! `encrypt(CTR, KID, metadata, plaintext)` of RFC 9605 §4.4.4, in place.

use sealframe_crypto::FrameKey;
use sealframe_wire::{EncodedHeader, Header};

use crate::{FrameBuf, Metadata, SealError, aad::AadBuf};

/// Returns the sealed frame: `prefix ‖ header ‖ ciphertext ‖ tag`. On error the frame is as it was.
#[inline(always)] // a part of the one hot door that calls it
pub(crate) fn seal<'f>(
    key: &FrameKey,
    nt: usize,
    header: &EncodedHeader,
    metadata: &Metadata<'_>,
    aad: &mut AadBuf,
    FrameBuf { buf, frame }: FrameBuf<'f>,
) -> Result<&'f mut [u8], SealError> {
    let header_len = Header::MAX_LEN - header.start();
    let payload_start = frame.start + metadata.prefix_len();
    if payload_start > frame.end {
        return Err(SealError::PrefixTooLong);
    }
    let Some(start) = frame.start.checked_sub(header_len) else {
        return Err(SealError::NoHeadroom { need: header_len });
    };
    let end = frame.end + nt;
    if end > buf.len() {
        return Err(SealError::NoTailroom { need: nt });
    }

    let (clear, rest) = buf.split_at_mut(payload_start);
    let (payload, tag) = rest[..end - payload_start].split_at_mut(frame.end - payload_start);
    let aad = aad.of_encoded(header, metadata, &clear[frame.start..]);
    key.encrypt(header.header().ctr(), aad, payload, tag)?;

    // The prefix slides left and the header takes its place against the payload.
    match clear.last_chunk_mut() {
        // Without a prefix the whole right-aligned array is stored: a fixed length is cheaper.
        Some(against_payload) if metadata.prefix_len() == 0 => {
            *against_payload = *header.right_aligned();
        }
        _ => {
            clear.copy_within(frame.start.., start);
            clear[payload_start - header_len..].copy_from_slice(header.as_bytes());
        }
    }
    Ok(&mut buf[start..end])
}
