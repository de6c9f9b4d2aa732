//! A sealed frame as a server sees it.

use crate::{Header, HeaderError};

/// A sealed frame, split where the readable part ends.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FrameView<'a> {
    /// The sealing key and the frame's place in its order; not authenticated without the key.
    pub header: Header,
    /// Ciphertext and tag, opaque to everyone without the key.
    pub body: &'a [u8],
}

impl<'a> FrameView<'a> {
    /// Splits a sealed frame. Copies: none.
    ///
    /// # Errors
    /// As [`Header::parse`].
    #[inline]
    pub fn parse(frame: &'a [u8]) -> Result<Self, HeaderError> {
        let (header, len) = Header::parse_with_len(frame)?;
        let body = frame.get(len..).unwrap_or_default();
        Ok(Self { header, body })
    }
}
