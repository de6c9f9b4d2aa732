//! The parameters of a WebCrypto operation that seals or opens a frame.

use sealframe::ExternalAead;

/// `header ‖ nonce[12] ‖ aad`, and the boundaries between them.
#[derive(Default)]
pub(crate) struct AeadParams {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kid: u64,
    pub(crate) ctr: u64,
    pub(crate) header_len: usize,
    pub(crate) prefix_len: usize,
}

impl AeadParams {
    /// Returns the offset of the bytes in linear memory.
    pub(crate) fn set(&mut self, of: &ExternalAead<'_>, prefix_len: usize) -> isize {
        let header = of.header.as_bytes();
        self.bytes.clear();
        self.bytes.extend_from_slice(header);
        self.bytes.extend_from_slice(&of.nonce);
        self.bytes.extend_from_slice(of.aad);
        (self.kid, self.ctr) = (of.kid.get(), of.ctr.get());
        (self.header_len, self.prefix_len) = (header.len(), prefix_len);
        self.bytes.as_ptr().addr().cast_signed()
    }
}
