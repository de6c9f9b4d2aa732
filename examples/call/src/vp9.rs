//! VP9's RTP payload descriptor (RFC 9628 §4.2), as far as needed to find where a frame begins.

/// Length in bytes of the descriptor at the front of `payload`, if a frame begins in this packet.
///
/// `None` for a later packet of a frame, and for bytes too short to be a descriptor.
///
/// ```text
/// | I P L F B E V Z | I: | M PictureID (7 or 15 bits) | L: | T U S D | L, not F: | TL0PICIDX |
///                   | P and F: | P_DIFF N |, until N is 0 | V: scalability structure |
/// ```
pub(crate) fn frame_start(payload: &[u8]) -> Option<usize> {
    let first = *payload.first()?;
    let has = |bit: u8| first & bit != 0;
    if !has(0x08) {
        return None;
    }
    let mut len = 1;
    if has(0x80) {
        let long_picture_id = payload.get(len)? & 0x80 != 0;
        len += if long_picture_id { 2 } else { 1 };
    }
    if has(0x20) {
        len += if has(0x10) { 1 } else { 2 };
    }
    if has(0x40) && has(0x10) {
        while payload.get(len)? & 0x01 != 0 {
            len += 1;
        }
        len += 1;
    }
    if has(0x02) {
        len += structure_len(payload.get(len..)?)?;
    }
    (payload.len() > len).then_some(len)
}

/// Length in bytes of a scalability structure.
///
/// ```text
/// | N_S Y G - | Y: | WIDTH HEIGHT |, N_S + 1 times | G: | N_G | and N_G times: | T U R - |
///                                                                            | P_DIFF |, R times
/// ```
fn structure_len(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    let layers = usize::from(first >> 5) + 1;
    let mut len = 1;
    if first & 0x10 != 0 {
        len += 4 * layers;
    }
    if first & 0x08 != 0 {
        let pictures = *bytes.get(len)?;
        len += 1;
        for _ in 0..pictures {
            let references = usize::from(bytes.get(len)? >> 2 & 0x03);
            len += 1 + references;
        }
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::frame_start;

    /// All fields: long picture id, layers, a structure of two layers and two pictures.
    const WHOLE: [u8; 21] =
        [0xaa, 0x81, 2, 3, 4, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0x04, 1, 0x08, 1, 2, 0xff];

    #[test]
    fn every_optional_field_is_skipped() {
        assert_eq!(frame_start(&[0x08, 0xff]), Some(1));
        assert_eq!(frame_start(&[0x88, 0x7f, 0xff]), Some(2));
        assert_eq!(frame_start(&[0x88, 0x80, 1, 0xff]), Some(3));
        assert_eq!(frame_start(&[0x28, 1, 2, 0xff]), Some(3));
        assert_eq!(frame_start(&[0x38, 1, 0xff]), Some(2));
        assert_eq!(frame_start(&[0x58, 3, 5, 2, 0xff]), Some(4));
        assert_eq!(frame_start(&WHOLE), Some(WHOLE.len() - 1));
    }

    #[test]
    fn later_packets_of_a_frame_are_not_starts() {
        assert_eq!(frame_start(&[0x00, 0xff]), None);
        assert_eq!(frame_start(&[0x84, 0x7f, 0xff]), None);
    }

    #[test]
    fn short_bytes_are_not_starts() {
        for len in 0..WHOLE.len() {
            assert_eq!(frame_start(&WHOLE[..len]), None, "{len} bytes");
        }
    }
}
