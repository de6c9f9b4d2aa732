//! VP9: the beginning of the uncompressed header (VP9 Bitstream & Decoding Process Specification,
//! §6.2 and §7.2).

use crate::frame_kind::FrameKind;

const FRAME_MARKER: u8 = 2;
const SYNC_CODE: [u8; 3] = [0x49, 0x83, 0x42];

/// Of a frame or, in a superframe, of its first one. A frame that shows an earlier one counts as
/// delta. `None` if these bytes are no VP9: another frame marker, a reserved bit, or a key frame
/// without its sync code.
#[must_use]
pub fn frame_kind(frame: &[u8]) -> Option<FrameKind> {
    let first = *frame.first()?;
    let bit = |place: u8| first >> (7 - place) & 1;
    if first >> 6 != FRAME_MARKER {
        return None;
    }
    // Profile 3 has a reserved bit after the profile's two.
    let has_reserved = bit(2) & bit(3) == 1;
    let (at, reserved) = if has_reserved { (5, bit(4)) } else { (4, 0) };
    if reserved != 0 {
        return None;
    }
    let (show_existing_frame, non_key_frame) = (bit(at), bit(at + 1));
    if show_existing_frame == 1 || non_key_frame == 1 {
        return Some(FrameKind::Delta);
    }
    // frame_type, show_frame and error_resilient_mode end the first byte, except in profile 3.
    let header: [u8; 5] = [0, 1, 2, 3, 4].map(|at| frame.get(at).copied().unwrap_or_default());
    let bits = header.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    let sync_code = bits >> (32 - 24 - u32::from(at - 4)) & 0xff_ffff;
    let expected = SYNC_CODE.iter().fold(0_u64, |code, &byte| code << 8 | u64::from(byte));
    (sync_code == expected && frame.len() >= 4 + usize::from(has_reserved)).then_some(FrameKind::Key)
}
