//! The parameters of a WebCrypto operation that seals or opens a frame.

use sealframe::ExternalAead;

use crate::outcome::{Outcome, Words};

/// `header ‖ nonce[12] ‖ aad` of the last frame begun.
#[derive(Default)]
pub(crate) struct AeadParams(Vec<u8>);

impl AeadParams {
    /// Returns the offset of the bytes in linear memory.
    pub(crate) fn set(&mut self, of: &ExternalAead<'_>, prefix_len: usize, words: &mut Words) -> isize {
        let header = of.header.as_bytes();
        self.0.clear();
        self.0.extend_from_slice(header);
        self.0.extend_from_slice(&of.nonce);
        self.0.extend_from_slice(of.aad);
        words.set_kid(of.kid);
        words.set_ctr(of.ctr);
        words.set_len(Outcome::HeaderLength, header.len());
        words.set_len(Outcome::PrefixLength, prefix_len);
        words.set_len(Outcome::Length, self.0.len());
        self.0.as_ptr().addr().cast_signed()
    }
}
