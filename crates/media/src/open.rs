//! `decrypt(metadata, sframe_ciphertext)` of RFC 9605 §4.4.4, in place.

use sealframe_crypto::FrameKey;
use sealframe_wire::Ctr;

use crate::{Metadata, OpenError, aad::AadBuf};

/// Returns the frame: `prefix ‖ payload`. On error it is as it was, or zeroed behind the header.
///
/// The caller has parsed the header: `frame` is `prefix ‖ header ‖ body`, and `body` has at least `nt` bytes.
#[inline(always)] // a part of the one hot door that calls it
pub(crate) fn open<'f>(
    key: &FrameKey,
    nt: usize,
    ctr: Ctr,
    metadata: &Metadata<'_>,
    aad: &mut AadBuf,
    frame: &'f mut [u8],
    body_start: usize,
) -> Result<&'f mut [u8], OpenError> {
    let prefix_len = metadata.prefix_len();
    let header_len = body_start - prefix_len;
    let payload_end = frame.len() - nt;

    let (prefix, sealed) = frame.split_at(prefix_len);
    let aad = aad.of_received(sealed, header_len, metadata, prefix);
    let (payload, tag) = frame[body_start..].split_at_mut(payload_end - body_start);
    key.decrypt(ctr, aad, payload, tag)?;

    // The prefix slides right, over the header, against the payload.
    if prefix_len > 0 {
        frame.copy_within(..prefix_len, header_len);
    }
    Ok(&mut frame[header_len..payload_end])
}
