//! Bundles: several messages to one recipient in one.

use alloc::vec::Vec;

use super::{error::MessageError, head::MAX_LEN};
use crate::encoding::{Reader, Write as _};

const BUNDLE: u8 = 0;

/// Packs messages into as few bundles as possible, in order. A message that is alone is not
/// wrapped.
#[must_use]
pub fn bundle(messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut bundles: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut len = MAX_LEN;
    for message in messages {
        let more = message.len() + 2;
        match bundles.last_mut() {
            Some(last) if len + more <= MAX_LEN => {
                len += more;
                last.push(message);
            }
            Some(_) | None => {
                len = 1 + more;
                bundles.push(alloc::vec![message]);
            }
        }
    }
    bundles.into_iter().map(join).collect()
}

fn join(mut messages: Vec<Vec<u8>>) -> Vec<u8> {
    if let [message] = &mut messages[..] {
        return core::mem::take(message);
    }
    let mut out = alloc::vec![BUNDLE];
    for message in &messages {
        out.string(message);
    }
    out
}

/// The messages of a bundle, or the message itself if it is not a bundle.
///
/// # Errors
/// [`MessageError::TooLong`]; [`MessageError::Malformed`] for a truncated bundle.
pub fn unbundle(bytes: &[u8]) -> Result<Vec<&[u8]>, MessageError> {
    if bytes.len() > MAX_LEN {
        return Err(MessageError::TooLong);
    }
    let mut reader = Reader::new(bytes);
    if reader.u8()? != BUNDLE {
        return Ok(alloc::vec![bytes]);
    }
    let mut messages = Vec::new();
    while reader.end().is_err() {
        messages.push(reader.string(MAX_LEN)?);
    }
    Ok(messages)
}
