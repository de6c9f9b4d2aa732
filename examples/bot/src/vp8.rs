//! The start of a VP8 frame (RFC 6386 §9.1), which sealed frames leave readable.

/// Whether a frame depends on no other. Not authentic before the frame is opened.
pub(crate) fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Width and height of a key frame, in pixels.
pub(crate) fn size(frame: &[u8]) -> Option<(u16, u16)> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, width, scaled_width, height, scaled_height, ..] = frame else {
        return None;
    };
    let size = |low, high| u16::from_le_bytes([low, high]) & 0x3fff; // above: scaling for display
    is_key(frame).then_some((size(width, scaled_width), size(height, scaled_height)))
}

#[cfg(test)]
mod tests {
    use super::{is_key, size};

    #[test]
    fn key_frames_tell_their_size() {
        let key = [0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xf0, 0x00, 9];
        assert_eq!(size(&key), Some((320, 240)));
        let mut delta = key;
        delta[0] |= 1;
        assert!(!is_key(&delta));
        assert_eq!(size(&delta), None);
        assert_eq!(size(&key[..9]), None);
        assert!(!is_key(&[]));
    }
}
