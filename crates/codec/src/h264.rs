//! H.264 in Annex B form: NAL units, each after a start code (ITU-T H.264, Annex B and §7.3.1).

use alloc::vec::Vec;

use crate::{
    annex_b::{ESCAPE, START_CODE, Unit, units},
    frame_kind::FrameKind,
    front::{FRONT_GROWTH, MAX_FRONT, UnexpectedFrame, append},
};

/// Bytes of a unit's header.
pub const HEADER_LEN: usize = 1;
/// `nal_unit_type` of a slice of a picture that others are needed for.
pub const SLICE: u8 = 1;
/// `nal_unit_type` of a slice of a picture that can be decoded without others.
pub const IDR_SLICE: u8 = 5;
/// `nal_unit_type` of supplemental enhancement information.
pub const SEI: u8 = 6;
/// `nal_unit_type` of a sequence parameter set.
pub const SPS: u8 = 7;
/// `nal_unit_type` of a picture parameter set.
pub const PPS: u8 = 8;

/// Ends an escaped unit: no packetizer keeps zeros at an end.
const STOP: u8 = 0x80;
/// Bytes of a slice that stay readable: its header, and `first_mb_in_slice`, `slice_type` and
/// `pic_parameter_set_id`.
const SLICE_FRONT: usize = 3;

/// `nal_unit_type`, 5 bits; `None` if the unit has no header.
#[must_use]
pub fn kind(unit: &Unit<'_>) -> Option<u8> {
    unit.bytes.first().map(|header| header & 0x1f)
}

/// Key if the frame has a slice of an IDR picture, delta if it has only others, data partitions and
/// the slices of extensions included; `None` if it has no slice.
#[must_use]
pub fn frame_kind(frame: &[u8]) -> Option<FrameKind> {
    let slices =
        units(frame).filter_map(|unit| kind(&unit)).filter(|kind| matches!(kind, 1..=5 | 20 | 21));
    FrameKind::from_slices(slices.map(|kind| kind == IDR_SLICE))
}

/// Bytes after the header of a slice that cover three Exp-Golomb codes, which receivers read:
/// `first_mb_in_slice`, `slice_type` and `pic_parameter_set_id`. One byte more than needed if the
/// last code ends with a byte, as in libdave; never more than the unit has. 0 if the codes are
/// longer than any encoder makes them.
///
/// Source: §7.3.3 and §9.1; discord/libdave, `cpp/src/codec_utils.cpp`.
#[must_use]
pub fn slice_front_len(unit: &Unit<'_>) -> usize {
    let payload = unit.bytes.get(HEADER_LEN..).unwrap_or_default();
    let (mut bit, mut zeros, mut codes) = (0, 0, 0);
    while codes < 3 {
        let at = bit / 8;
        let Some(&byte) = payload.get(at) else { break };
        let before = at.checked_sub(2).and_then(|from| payload.get(from..at));
        if bit % 8 == 0 && byte == ESCAPE && before == Some(&[0, 0]) {
            bit += 8;
        } else if byte & 0x80 >> (bit % 8) == 0 {
            zeros += 1;
            bit += 1;
            if zeros == 32 {
                return 0;
            }
        } else {
            codes += 1;
            bit += 1 + zeros;
            zeros = 0;
        }
    }
    payload.len().min(bit / 8 + 1)
}

/// Writes what stays readable of a frame, or of a sealed one as it arrived, and returns where the
/// rest begins. Looks no further than there.
///
/// # Errors
/// [`UnexpectedFrame`] if there is no slice, if bytes precede the first start code, or if too many
/// bytes precede the slice.
pub fn front(frame: &[u8], front: &mut Vec<u8>) -> Result<usize, UnexpectedFrame> {
    front.clear();
    let mut at = unit_after(frame, 0).ok_or(UnexpectedFrame)?;
    let before = frame.get(..at - START_CODE.len()).ok_or(UnexpectedFrame)?;
    if before.iter().any(|&byte| byte != 0) {
        return Err(UnexpectedFrame);
    }
    for _ in 0..FRONT_GROWTH {
        let is_slice = frame.get(at).is_some_and(|header| matches!(header & 0x1f, SLICE | IDR_SLICE));
        let next =
            if is_slice { at + SLICE_FRONT } else { unit_after(frame, at).ok_or(UnexpectedFrame)? };
        let end = if is_slice { next } else { next - START_CODE.len() };
        let unit = frame.get(at..end).ok_or(UnexpectedFrame)?;
        // Zeros after a unit belong to no unit.
        let len = if is_slice {
            unit.len()
        } else {
            unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
        };
        let unit = unit.get(..len).ok_or(UnexpectedFrame)?;
        if front.len() + len > MAX_FRONT {
            return Err(UnexpectedFrame);
        }
        if !unit.is_empty() {
            append(front, &[0]);
            append(front, &START_CODE);
            append(front, unit);
        }
        if is_slice {
            return Ok(next);
        }
        at = next;
    }
    Err(UnexpectedFrame)
}

/// The place of the first unit whose start code is at or after `from`. Fronts are short, and so is
/// the browser's module: it does without the search for start codes in whole frames.
fn unit_after(frame: &[u8], from: usize) -> Option<usize> {
    let rest = frame.get(from..)?;
    let start = rest.windows(START_CODE.len()).position(|bytes| bytes == START_CODE)?;
    Some(from + start + START_CODE.len())
}

/// Appends sealed bytes to a front, escaped so that they contain no start code, form none with the
/// front, and do not end in a zero.
pub fn escape(sealed: &[u8], wire: &mut Vec<u8>) {
    let mut zeros = zeros_at_end(wire);
    for &byte in sealed {
        if zeros >= 2 && byte <= ESCAPE {
            wire.push(ESCAPE);
            zeros = 0;
        }
        wire.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    if zeros >= 2 {
        // The next bytes are not a start code, but three such bytes occur in no unit either.
        wire.push(ESCAPE);
    }
    wire.push(STOP);
}

/// Reverses [`escape`] on the bytes after a front; returns the number of sealed bytes, which are at
/// the beginning.
///
/// # Errors
/// [`UnexpectedFrame`] if it does not end as it should.
pub fn unescape(front: &[u8], escaped: &mut [u8]) -> Result<usize, UnexpectedFrame> {
    let (&mut last, _) = escaped.split_last_mut().ok_or(UnexpectedFrame)?;
    if last != STOP {
        return Err(UnexpectedFrame);
    }
    let mut zeros = zeros_at_end(front);
    let mut len = 0;
    for from in 0..escaped.len() - 1 {
        let Some(&byte) = escaped.get(from) else { break };
        if zeros >= 2 && byte == ESCAPE {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        if let Some(to) = escaped.get_mut(len) {
            *to = byte;
        }
        len += 1;
    }
    Ok(len)
}

fn zeros_at_end(bytes: &[u8]) -> usize {
    bytes.iter().rev().take(2).take_while(|&&byte| byte == 0).count()
}
