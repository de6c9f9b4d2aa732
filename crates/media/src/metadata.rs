//! Everything that is authenticated beside the header, and the AAD made of it.

use alloc::vec::Vec;

use sealframe_wire::{EncodedHeader, Header};

use crate::Stream;

/// RFC 9605's `metadata`: authenticated with the frame, known to both sides, not sent.
///
/// Made from a [`Stream`], its bytes are
///
/// ```text
/// kind u8 ‖ index u16 ‖ prefix_len u16 ‖ prefix ‖ application      (big-endian)
/// ```
///
/// and made with [`raw`](Self::raw), `prefix ‖ application`. The prefix *is* sent, in clear in front of
/// the header; every bit of it is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a> {
    stream: Option<Stream>,
    prefix_len: u16,
    application: &'a [u8],
}

/// Bytes of the stream label: kind, index, prefix_len.
const LABEL_LEN: usize = 5;

impl<'a> Metadata<'a> {
    /// Nothing but these bytes, for interop with other implementations of RFC 9605.
    ///
    /// It says nothing of what the frame is: unless `application` does, a server can play one stream
    /// of a sender as another.
    #[must_use]
    pub const fn raw(application: &'a [u8]) -> Self {
        Self { stream: None, prefix_len: 0, application }
    }

    /// Authenticates `application` besides. Both sides must know it; its length is not bounded.
    #[must_use]
    pub const fn with_application(self, application: &'a [u8]) -> Self {
        Self { application, ..self }
    }

    /// Leaves the first `prefix_len` bytes of the frame readable, for packetizers that parse the codec:
    /// VP8 1 (or 3 and 10), H.264 and H.265 their NAL headers. Both sides must know the length.
    #[must_use]
    pub const fn with_prefix(self, prefix_len: u16) -> Self {
        Self { prefix_len, ..self }
    }

    /// How many bytes of the frame stay readable.
    #[inline]
    #[must_use]
    pub const fn prefix_len(&self) -> usize {
        self.prefix_len as usize
    }

    /// Bytes of the AAD beside the prefix, at most.
    #[inline]
    pub(crate) const fn overhead(&self) -> usize {
        Header::MAX_LEN + LABEL_LEN + self.application.len()
    }
}

impl From<Stream> for Metadata<'_> {
    fn from(stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::raw(&[]) }
    }
}

/// Where the AAD is put together: `header ‖ metadata`, in this order (RFC 9605 §4.4.3).
///
/// Kept from frame to frame, so that nothing is allocated once the longest metadata has been seen.
pub(crate) struct AadBuf(Vec<u8>);

impl AadBuf {
    pub(crate) fn new() -> Self {
        Self(alloc::vec![0; 128])
    }

    /// The header is laid right-aligned before the metadata, so both start at fixed places.
    #[inline]
    pub(crate) fn assemble(
        &mut self,
        header: &EncodedHeader,
        metadata: &Metadata<'_>,
        prefix: &[u8],
    ) -> &[u8] {
        let longest = metadata.overhead() + prefix.len();
        if self.0.len() < longest {
            self.0.resize(longest, 0);
        }
        let buf = self.0.as_mut_slice();
        buf[..Header::MAX_LEN].copy_from_slice(header.right_aligned());
        let mut end = Header::MAX_LEN;
        if let Some(Stream { kind, index }) = metadata.stream {
            buf[end] = kind as u8;
            buf[end + 1..end + 3].copy_from_slice(&index.to_be_bytes());
            buf[end + 3..end + 5].copy_from_slice(&metadata.prefix_len.to_be_bytes());
            end += LABEL_LEN;
        }
        for part in [prefix, metadata.application] {
            if !part.is_empty() {
                buf[end..end + part.len()].copy_from_slice(part);
                end += part.len();
            }
        }
        &buf[header.start()..end]
    }
}
