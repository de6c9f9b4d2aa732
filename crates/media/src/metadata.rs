//! Everything that is authenticated beside the header.

use crate::Stream;

/// RFC 9605's `metadata`: authenticated with the frame, known to both sides, not sent.
///
/// Made from a [`Stream`], its bytes are
///
/// ```text
/// kind u8 ‖ index u16 ‖ prefix_len u16 ‖ prefix ‖ application      (big-endian)
/// ```
///
/// and made with [`raw`](Self::raw), `prefix ‖ application`. The prefix *is* sent, in clear before
/// the header; every bit of it is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a> {
    stream: Option<Stream>,
    prefix_len: u16,
    application: &'a [u8],
}

/// Bytes of the stream label: kind, index, prefix_len.
pub(crate) const LABEL_LEN: usize = 5;

impl<'a> Metadata<'a> {
    /// These bytes alone, for interop with other implementations of RFC 9605.
    ///
    /// They carry no label: unless `application` does, a server can play one stream of a sender as
    /// another.
    #[must_use]
    pub const fn raw(application: &'a [u8]) -> Self {
        Self { stream: None, prefix_len: 0, application }
    }

    /// Also authenticates `application`. Both sides must know it; its length has no bound.
    #[must_use]
    pub const fn with_application(self, application: &'a [u8]) -> Self {
        Self { application, ..self }
    }

    /// Leaves the first `prefix_len` bytes of the frame readable, for packetizers that parse the
    /// codec: VP8 1 (or 3 and 10), H.264 and H.265 their NAL headers. Both sides must know the
    /// length.
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

    /// Whether the label is all: neither prefix nor application metadata.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.prefix_len == 0 && self.application.is_empty()
    }

    pub(crate) const fn application(&self) -> &'a [u8] {
        self.application
    }

    /// The stream label in the first bytes of a word, and its length: 5, or 0 for raw metadata.
    #[inline]
    pub(crate) const fn label(&self) -> (u64, usize) {
        match self.stream {
            Some(Stream { kind, index }) => {
                let label = (kind as u64) << 56 | (index as u64) << 40 | (self.prefix_len as u64) << 24;
                (label, LABEL_LEN)
            }
            None => (0, 0),
        }
    }
}

impl From<Stream> for Metadata<'_> {
    fn from(stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::raw(&[]) }
    }
}
