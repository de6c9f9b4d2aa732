//! Start codes as receivers see them.

use sealframe_codec::{
    Codec,
    annex_b::{Unit, units},
    h264, h265,
};

/// Makes four bytes of every start code up to the first slice; returns the frame's new length, or the old one where there is
/// nothing to do or no room for it.
///
/// Whoever puts packets together again writes them so, whatever the encoder made, and in LiveKit's format they are authenticated.
///
/// Source: livekit/client-sdk-js 2.23, src/e2ee/worker/naluUtils.ts.
pub(crate) fn lengthen(buf: &mut [u8], len: usize, codec: Option<Codec>) -> usize {
    let is_slice: fn(&Unit<'_>) -> bool = match codec {
        Some(Codec::H264) => |unit| matches!(h264::kind(unit), Some(h264::SLICE | h264::IDR_SLICE)),
        Some(Codec::H265) => |unit| matches!(h265::kind(unit), Some(0..=9 | 16..=21)),
        Some(Codec::Opus | Codec::Vp8 | Codec::Vp9 | Codec::Av1) | None => return len,
    };
    let Some(frame) = buf.get(..len) else { return len };
    let mut short = Vec::new();
    let mut has_slice = false;
    for unit in units(frame) {
        if unit.at - unit.start == 3 {
            short.push(unit.start);
        }
        has_slice = is_slice(&unit);
        if has_slice {
            break;
        }
    }
    let longer = len + short.len();
    if !has_slice || buf.len() < longer {
        return len;
    }
    let mut end = len;
    for (before, start) in short.into_iter().enumerate().rev() {
        buf.copy_within(start..end, start + before + 1);
        buf[start + before] = 0;
        end = start;
    }
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_before_the_slice_are_long_and_nothing_else_has_changed() {
        let frame = [0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 8, 0, 0, 1, 0x65, 7, 0, 0, 1, 0x65, 6];
        let long = [0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 8, 0, 0, 0, 1, 0x65, 7, 0, 0, 1, 0x65, 6];
        let mut buf = [&frame[..], &[0xaa; 2]].concat();
        assert_eq!(lengthen(&mut buf, frame.len(), Some(Codec::H264)), long.len());
        assert_eq!(buf, long);
        assert_eq!(lengthen(&mut buf, long.len(), Some(Codec::H264)), long.len());
        assert_eq!(buf, long);
    }

    #[test]
    fn what_has_no_slice_no_room_or_another_codec_stays() {
        let frame = [0, 0, 1, 0x67, 9, 0, 0, 1, 0x68, 8];
        let slice = [0, 0, 1, 0x65, 9];
        for (frame, codec, room) in
            [(&frame[..], Codec::H264, 9), (&slice, Codec::H264, 0), (&slice, Codec::Vp8, 9)]
        {
            let mut buf = [frame, &vec![0xaa; room]].concat();
            let before = buf.clone();
            assert_eq!(lengthen(&mut buf, frame.len(), Some(codec)), frame.len());
            assert_eq!(buf, before);
        }
    }
}
