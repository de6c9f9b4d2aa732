//! VP8: the frame tag (RFC 6386, §9.1), which RTP packetizers and servers look at.

use crate::frame_kind::FrameKind;

/// Bytes of an uncompressed header: the tag, and in a key frame start code, width and height.
#[must_use]
pub const fn header_len(kind: FrameKind) -> usize {
    match kind {
        FrameKind::Key => 10,
        FrameKind::Delta => 3,
    }
}

/// By the lowest bit of the first byte; `None` if there is none. Does not check that the rest is
/// VP8.
#[must_use]
pub fn frame_kind(frame: &[u8]) -> Option<FrameKind> {
    frame.first().map(|tag| if tag & 1 == 0 { FrameKind::Key } else { FrameKind::Delta })
}
