//! H.264's RTP payload format (RFC 6184 §5), as far as needed to find where a picture sealed in
//! compatible framing begins.

/// Bytes of a slice that stay readable, starting with its header.
const CLEAR: usize = 3;

/// Offset in `payload` of the sealed bytes, if the first slice of a picture begins in this packet.
///
/// ```text
/// one unit     | header | 2 bytes | sealed
/// aggregated   | indicator | length (2) | unit | length (2) | unit ...
/// fragmented   | indicator | S E R type | 2 bytes | sealed
/// ```
pub(crate) fn picture_start(payload: &[u8]) -> Option<usize> {
    match payload.first()? & 0x1f {
        1 | 5 => Some(CLEAR),
        24 => {
            let mut at = 1;
            loop {
                let len = usize::from(u16::from_be_bytes(payload.get(at..at + 2)?.try_into().ok()?));
                at += 2;
                if matches!(payload.get(at)? & 0x1f, 1 | 5) {
                    return Some(at + CLEAR);
                }
                at += len;
            }
        }
        28 => {
            let header = payload.get(1)?;
            // The clear bytes include the unit's own header.
            (header & 0x80 != 0 && matches!(header & 0x1f, 1 | 5)).then_some(1 + CLEAR)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::picture_start;

    #[test]
    fn a_picture_begins_with_its_first_slice() {
        for (payload, at) in [
            (&[0x65, 1, 2, 9][..], Some(3)),
            (&[0x41, 1, 2, 9], Some(3)),
            (&[0x67, 1, 2, 9], None),
            (&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68], None),
            (&[0x78, 0, 2, 0x67, 1, 0, 4, 0x65, 1, 2, 9], Some(10)),
            (&[0x7c, 0x85, 1, 2, 9], Some(4)),
            (&[0x7c, 0x05, 1, 2, 9], None),
            (&[0x7c, 0x87, 1, 2, 9], None),
            (&[0x7c], None),
            (&[0x78, 0], None),
            (&[], None),
        ] {
            assert_eq!(picture_start(payload), at, "{payload:?}");
        }
    }
}
