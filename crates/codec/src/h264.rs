//! H.264 in Annex B form: NAL units, each behind a start code (ITU-T H.264, Annex B and §7.3.1).

use alloc::vec::Vec;

use crate::{FRONT_GROWTH, MAX_FRONT, UnexpectedFrame, append};

/// Of Annex B; a zero before it is part of it too.
const START_CODE: [u8; 3] = [0, 0, 1];
/// Ends an escaped unit: no packetizer keeps zeros at an end.
const STOP: u8 = 0x80;
/// What is put into three bytes that would mean something else.
const ESCAPE: u8 = 3;
/// Bytes of a slice that stay readable: its header, and `first_mb_in_slice`, `slice_type` and `pic_parameter_set_id`.
const SLICE_FRONT: usize = 3;

/// Writes what stays readable of a frame, or of a sealed one as it arrived, and returns where the rest begins. Looks no
/// further than there.
///
/// # Errors
/// [`UnexpectedFrame`] if there is no slice, if bytes precede the first start code, or if there is too much before the slice.
pub fn front(frame: &[u8], front: &mut Vec<u8>) -> Result<usize, UnexpectedFrame> {
    front.clear();
    let mut at = unit_after(frame, 0).ok_or(UnexpectedFrame)?;
    let before = frame.get(..at - START_CODE.len()).ok_or(UnexpectedFrame)?;
    if before.iter().any(|&byte| byte != 0) {
        return Err(UnexpectedFrame);
    }
    for _ in 0..FRONT_GROWTH {
        let is_slice = frame.get(at).is_some_and(|header| matches!(header & 0x1f, 1 | 5));
        let next =
            if is_slice { at + SLICE_FRONT } else { unit_after(frame, at).ok_or(UnexpectedFrame)? };
        let end = if is_slice { next } else { next - START_CODE.len() };
        let unit = frame.get(at..end).ok_or(UnexpectedFrame)?;
        // Zeros behind a unit are of no unit.
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

/// Where the first unit begins whose start code is at or behind `from`.
fn unit_after(frame: &[u8], from: usize) -> Option<usize> {
    let rest = frame.get(from..)?;
    let start = rest.windows(START_CODE.len()).position(|bytes| bytes == START_CODE)?;
    Some(from + start + START_CODE.len())
}

/// Appends sealed bytes behind a front so that no start code is in them, nor made with the front, and no zero at the end.
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
        // What follows is no start code, but no unit has three such bytes either.
        wire.push(ESCAPE);
    }
    wire.push(STOP);
}

/// Takes back what [`escape`] did to what is behind a front; returns how many sealed bytes there are now, at the beginning.
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
