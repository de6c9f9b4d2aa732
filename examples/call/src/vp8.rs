//! VP8's RTP payload descriptor (RFC 7741 §4.2), as far as needed to find where a frame begins.

/// Length in bytes of the descriptor at the front of `payload`, if a frame begins in this packet.
///
/// `None` for a later packet of a frame, and for bytes too short to be a descriptor.
///
/// ```text
/// | X R N S R PID | X: | I L T K … | I: | M PictureID (7, 15 bits) | L: | TL0PICIDX | T, K: | … |
/// ```
pub(crate) fn frame_start(payload: &[u8]) -> Option<usize> {
    let first = *payload.first()?;
    let starts_partition = first & 0x10 != 0;
    let partition = first & 0x07;
    if !starts_partition || partition != 0 {
        return None;
    }
    let mut len = 1;
    if first & 0x80 != 0 {
        let present = *payload.get(len)?;
        len += 1;
        if present & 0x80 != 0 {
            let long_picture_id = payload.get(len)? & 0x80 != 0;
            len += if long_picture_id { 2 } else { 1 };
        }
        if present & 0x40 != 0 {
            len += 1;
        }
        if present & 0x30 != 0 {
            len += 1;
        }
    }
    (payload.len() > len).then_some(len)
}

#[cfg(test)]
mod tests {
    use super::frame_start;

    #[test]
    fn every_optional_field_is_skipped() {
        assert_eq!(frame_start(&[0x10, 0xff]), Some(1));
        assert_eq!(frame_start(&[0x90, 0x00, 0xff]), Some(2));
        assert_eq!(frame_start(&[0x90, 0x80, 0x7f, 0xff]), Some(3));
        assert_eq!(frame_start(&[0x90, 0x80, 0x80, 0x01, 0xff]), Some(4));
        assert_eq!(frame_start(&[0x90, 0xf0, 0x80, 1, 2, 3, 0xff]), Some(6));
        assert_eq!(frame_start(&[0x90, 0x10, 3, 0xff]), Some(3));
    }

    #[test]
    fn later_packets_of_a_frame_are_not_starts() {
        assert_eq!(frame_start(&[0x00, 0xff]), None);
        assert_eq!(frame_start(&[0x11, 0xff]), None);
        assert_eq!(frame_start(&[0x80, 0x80, 0x7f, 0xff]), None);
    }

    #[test]
    fn short_bytes_are_not_starts() {
        let whole = [0x90, 0xf0, 0x80, 1, 2, 3, 0xff];
        for len in 0..whole.len() {
            assert_eq!(frame_start(&whole[..len]), None, "{len} bytes");
        }
    }
}
