//! A frame with room around it.

use core::{fmt, ops::Range};

use sealframe_crypto::CipherSuite;
use sealframe_wire::Header;

/// An encoder's frame inside a buffer: `headroom | frame | tailroom`.
///
/// The room is scratch: sealing overwrites some of it beyond what the sealed frame takes.
pub struct FrameBuf<'f> {
    pub(crate) buf: &'f mut [u8],
    pub(crate) frame: Range<usize>,
}

impl<'f> FrameBuf<'f> {
    /// Bytes before the frame that are enough for any header.
    pub const HEADROOM: usize = Header::MAX_LEN;
    /// Bytes behind the frame that are enough for the tag of any suite.
    pub const TAILROOM: usize = CipherSuite::MAX_NT;

    /// `frame` is where the encoder's bytes lie in `buf`; `None` if that is not inside.
    #[must_use]
    pub fn new(buf: &'f mut [u8], frame: Range<usize>) -> Option<Self> {
        (frame.start <= frame.end && frame.end <= buf.len()).then_some(Self { buf, frame })
    }

    /// The buffer, and where the frame lies in it: for formats with another layout than SFrame's.
    #[must_use]
    #[inline]
    pub fn into_parts(self) -> (&'f mut [u8], Range<usize>) {
        (self.buf, self.frame)
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.frame.end - self.frame.start
    }
}

impl fmt::Debug for FrameBuf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuf").field("frame", &self.frame).finish_non_exhaustive()
    }
}
