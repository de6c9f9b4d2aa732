//! `decrypt(metadata, sframe_ciphertext)` of RFC 9605 §4.4.4, in place.

use sealframe_crypto::{FrameKey, Unauthentic};
use sealframe_wire::Ctr;

/// Returns the payload of `body`, which is `ciphertext ‖ tag`. On error `body` is unchanged or
/// zeroed.
#[inline(always)] // a part of the one hot path that calls it
pub(crate) fn open<'f>(
    key: &FrameKey,
    ctr: Ctr,
    aad: &[u8],
    body: &'f mut [u8],
    payload_len: usize,
) -> Result<&'f mut [u8], Unauthentic> {
    let (payload, tag) = body.split_at_mut(payload_len);
    key.decrypt(ctr, aad, payload, tag)?;
    Ok(payload)
}
