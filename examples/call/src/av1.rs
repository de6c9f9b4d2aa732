//! AV1's RTP payload format (AV1 RTP specification §4), as far as needed to find where a picture
//! sealed in compatible framing begins.

/// Offset in `payload` of the sealed bytes, just after the OBU header, if the first OBU with a
/// picture begins in this packet.
///
/// ```text
/// | Z Y W W N - - - | length | OBU | length | OBU ...      with W the last of W OBUs has no length
/// ```
pub(crate) fn picture_start(payload: &[u8]) -> Option<usize> {
    let first = payload.first()?;
    let (continues, count) = (first & 0x80 != 0, usize::from(first >> 4 & 3));
    let mut at = 1;
    for number in 1.. {
        let len =
            if number == count { payload.len().checked_sub(at)? } else { leb128(payload, &mut at)? };
        let header = *payload.get(at)?;
        let is_picture = matches!(header >> 3 & 15, 3 | 6) && !(continues && number == 1);
        if is_picture {
            return Some(at + if header & 4 == 0 { 1 } else { 2 });
        }
        if number == count {
            return None;
        }
        at += len;
    }
    None
}

fn leb128(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for place in 0..4 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::picture_start;

    #[test]
    fn a_picture_begins_in_the_first_obu_that_is_a_frame() {
        for (payload, at) in [
            (&[0x10, 0x30, 9][..], Some(2)),
            (&[0x10, 0x34, 8, 9], Some(3)),
            (&[0x28, 2, 0x08, 1, 0x30, 9], Some(5)),
            (&[0x00, 2, 0x08, 1, 2, 0x18, 9], Some(6)),
            // A continuation; only a sequence header; truncated.
            (&[0x90, 0x30, 9], None),
            (&[0x10, 0x08, 1], None),
            (&[0x20, 0x82, 0x01], None),
            (&[0x20, 2, 0x08], None),
            (&[0x00], None),
            (&[], None),
        ] {
            assert_eq!(picture_start(payload), at, "{payload:?}");
        }
    }
}
