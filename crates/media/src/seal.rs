//! `encrypt(CTR, KID, metadata, plaintext)` of RFC 9605 §4.4.4, in place.

use sealframe_crypto::FrameKey;
use sealframe_wire::Header;

use crate::{FrameBuf, Metadata, SealError, metadata::AadBuf};

/// Returns the sealed frame: `prefix ‖ header ‖ ciphertext ‖ tag`. On error the frame is as it was.
#[inline]
pub(crate) fn seal<'f>(
    key: &FrameKey,
    nt: usize,
    header: Header,
    metadata: &Metadata<'_>,
    aad: &mut AadBuf,
    FrameBuf { buf, frame }: FrameBuf<'f>,
) -> Result<&'f mut [u8], SealError> {
    let encoded = header.encode();
    let header_len = encoded.as_bytes().len();

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

    let aad = aad.assemble(&encoded, metadata, &buf[frame.start..payload_start]);
    let (payload, tag) = buf[payload_start..end].split_at_mut(frame.end - payload_start);
    key.encrypt(header.ctr(), aad, payload, tag)?;

    // The prefix slides left and the header takes its place against the payload.
    let scratch = payload_start.checked_sub(Header::MAX_LEN);
    match scratch {
        // Without a prefix the whole right-aligned array is stored: a fixed length is cheaper.
        Some(at) if payload_start == frame.start => {
            buf[at..payload_start].copy_from_slice(encoded.right_aligned());
        }
        _ => {
            buf.copy_within(frame.start..payload_start, start);
            buf[payload_start - header_len..payload_start].copy_from_slice(encoded.as_bytes());
        }
    }
    Ok(&mut buf[start..end])
}
