//! `decrypt(metadata, sframe_ciphertext)` of RFC 9605 §4.4.4, in place.

use sealframe_crypto::FrameKey;
use sealframe_wire::Header;

use crate::{Metadata, OpenError, metadata::AadBuf};

/// Returns the frame: `prefix ‖ payload`. `frame` holds prefix, header and tag, as the caller has
/// checked. On error it is as it was, or zeroed behind the header.
#[inline]
pub(crate) fn open<'f>(
    key: &FrameKey,
    nt: usize,
    header: Header,
    metadata: &Metadata<'_>,
    aad: &mut AadBuf,
    frame: &'f mut [u8],
) -> Result<&'f mut [u8], OpenError> {
    let encoded = header.encode();
    let header_len = encoded.as_bytes().len();

    let prefix_len = metadata.prefix_len();
    let payload_start = prefix_len + header_len;
    let payload_end = frame.len() - nt;

    let aad = aad.assemble(&encoded, metadata, &frame[..prefix_len]);
    let (payload, tag) = frame[payload_start..].split_at_mut(payload_end - payload_start);
    key.decrypt(header.ctr(), aad, payload, tag)?;

    // The prefix slides right, over the header, against the payload.
    if prefix_len > 0 {
        frame.copy_within(..prefix_len, header_len);
    }
    Ok(&mut frame[header_len..payload_end])
}
