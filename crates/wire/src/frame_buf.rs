//! A frame with room around it.

use core::{fmt, ops::Range};

use crate::Header;

/// An encoder's frame inside a buffer: `headroom | frame | tailroom`.
///
/// Sealing may overwrite the whole room, more of it than the sealed frame takes.
pub struct FrameBuf<'f> {
    buf: &'f mut [u8],
    frame: Range<usize>,
}

impl<'f> FrameBuf<'f> {
    /// Bytes of headroom that are enough for any SFrame header.
    pub const HEADROOM: usize = Header::MAX_LEN;
    /// Bytes of tailroom that are enough for the tag of any SFrame cipher suite.
    pub const TAILROOM: usize = 16;

    /// `frame` is the range of the encoder's bytes in `buf`; `None` if `buf` does not contain it.
    #[must_use]
    #[inline]
    pub fn new(buf: &'f mut [u8], frame: Range<usize>) -> Option<Self> {
        (frame.start <= frame.end && frame.end <= buf.len()).then_some(Self { buf, frame })
    }

    /// The buffer, and the range of the frame in it.
    #[must_use]
    #[inline]
    pub fn into_parts(self) -> (&'f mut [u8], Range<usize>) {
        (self.buf, self.frame)
    }

    /// Bytes of the frame.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.frame.end - self.frame.start
    }

    /// Whether the frame has no bytes.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for FrameBuf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuf").field("frame", &self.frame).finish_non_exhaustive()
    }
}
