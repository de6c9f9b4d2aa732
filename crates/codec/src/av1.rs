//! AV1 in low-overhead form: OBUs (AV1 Bitstream & Decoding Process Specification, §5.3).

use alloc::vec::Vec;

use crate::{
    frame_kind::FrameKind,
    front::{FRONT_GROWTH, MAX_FRONT, UnexpectedFrame, append},
};

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

const HAS_EXTENSION: u8 = 4;
/// `obu_has_size_field`, in the first byte of a header.
pub const HAS_SIZE: u8 = 2;
/// The type of a size field, as in the specification (§4.10.5).
const MAX_SIZE_LEN: usize = 8;

/// One OBU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Obu<'f> {
    /// The header, with the extension if present: one byte or two.
    pub header: &'f [u8],
    /// Where in the frame its size is, if it has one; otherwise its payload.
    pub behind_header: usize,
    /// Where in the frame its payload is.
    pub payload_at: usize,
    /// The payload, after header and size.
    pub payload: &'f [u8],
}

impl Obu<'_> {
    /// `obu_type`
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.header.first().map_or(0, |header| header >> 3 & 15)
    }

    /// Whether its size stands before its payload.
    #[must_use]
    pub fn has_size(&self) -> bool {
        self.header.first().is_some_and(|header| header & HAS_SIZE != 0)
    }

    /// Whether a picture begins in it.
    fn is_frame(&self) -> bool {
        matches!(self.kind(), FRAME | FRAME_HEADER)
    }

    /// Whether RTP packets carry it (AV1 RTP specification, §5).
    #[must_use]
    pub fn is_carried(&self) -> bool {
        !matches!(self.kind(), TEMPORAL_DELIMITER | TILE_LIST | PADDING)
    }
}

/// The OBUs of a frame, in order. One without a size reaches to the end. Ends after an error.
/// Allocates: no.
pub fn obus(frame: &[u8]) -> impl Iterator<Item = Result<Obu<'_>, UnexpectedFrame>> {
    let mut at = Some(0);
    core::iter::from_fn(move || {
        let start = at.take().filter(|&start| start < frame.len())?;
        let obu = obu_at(frame, start);
        at = obu.as_ref().map(|(_, end)| *end);
        Some(obu.map(|(obu, _)| obu).ok_or(UnexpectedFrame))
    })
}

/// The OBU at a place, and where it ends.
fn obu_at(frame: &[u8], start: usize) -> Option<(Obu<'_>, usize)> {
    let first = *frame.get(start)?;
    // The highest bit is forbidden, the lowest reserved.
    if first & 0x81 != 0 {
        return None;
    }
    let behind_header = start + if first & HAS_EXTENSION == 0 { 1 } else { 2 };
    let header = frame.get(start..behind_header)?;
    let behind = frame.get(behind_header..)?;
    let (size, size_len) = if first & HAS_SIZE == 0 { (behind.len(), 0) } else { parse_size(behind)? };
    let payload_at = behind_header + size_len;
    let end = payload_at.checked_add(size)?;
    let payload = frame.get(payload_at..end)?;
    Some((Obu { header, behind_header, payload_at, payload }, end))
}

/// A size in LEB128 (§4.10.5) and its length in bytes; `None` if it is truncated or exceeds 32
/// bits.
fn parse_size(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut size = 0_u64;
    for (place, &byte) in bytes.iter().take(MAX_SIZE_LEN).enumerate() {
        size |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let size = u32::try_from(size).ok()?;
            return Some((usize::try_from(size).ok()?, place + 1));
        }
    }
    None
}

/// A size in LEB128, as short as possible.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl Size {
    /// Bytes of the longest.
    pub const MAX_LEN: usize = 5;

    /// `None` if the size exceeds 32 bits.
    #[must_use]
    pub fn new(size: usize) -> Option<Self> {
        let mut left = u32::try_from(size).ok()?;
        let mut made = Self { bytes: [0; Self::MAX_LEN], len: 0 };
        for byte in &mut made.bytes {
            *byte = (left & 0x7f).to_le_bytes()[0];
            made.len += 1;
            left >>= 7;
            if left == 0 {
                break;
            }
            *byte |= 0x80;
        }
        Some(made)
    }

    /// One byte to five.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The kind of the first frame in it. A frame that shows an earlier one counts as delta. `None` if
/// it has no frame, or a malformed OBU before it.
#[must_use]
pub fn frame_kind(frame: &[u8]) -> Option<FrameKind> {
    let mut is_still = false;
    for obu in obus(frame) {
        let obu = obu.ok()?;
        let first = obu.payload.first();
        if obu.kind() == SEQUENCE_HEADER {
            // seq_profile, still_picture, reduced_still_picture_header
            is_still = first? & 8 != 0;
        } else if obu.is_frame() {
            // show_existing_frame, frame_type: a still picture has neither before it
            let is_key = is_still || first? & 0xe0 == 0;
            return Some(if is_key { FrameKind::Key } else { FrameKind::Delta });
        }
    }
    None
}

/// Gives the first OBU with a picture in the frame `buf[..len]` a size if it has none, which only
/// the last one of a frame may (§5.2). Receivers write sizes, so that is how they see it. Returns
/// the frame's length then; it is at most [`Size::MAX_LEN`] longer.
///
/// # Errors
/// [`UnexpectedFrame`] if an OBU up to the picture is malformed, if there is no picture, or if
/// `buf` has no room.
pub fn write_size(buf: &mut [u8], len: usize) -> Result<usize, UnexpectedFrame> {
    let (mut header_at, mut without) = (0, None);
    for obu in obus(buf.get(..len).ok_or(UnexpectedFrame)?) {
        let obu = obu?;
        if obu.is_frame() {
            without = Some((obu.has_size(), obu.payload_at, obu.payload.len()));
            break;
        }
        header_at = obu.payload_at + obu.payload.len();
    }
    let (has_size, at, size) = without.ok_or(UnexpectedFrame)?;
    if has_size {
        return Ok(len);
    }
    let size = Size::new(size).ok_or(UnexpectedFrame)?;
    let size = size.as_bytes();
    let longer = len + size.len();
    let frame = buf.get_mut(..longer).ok_or(UnexpectedFrame)?;
    frame.copy_within(at..len, at + size.len());
    frame.get_mut(at..at + size.len()).ok_or(UnexpectedFrame)?.copy_from_slice(size);
    *frame.get_mut(header_at).ok_or(UnexpectedFrame)? |= HAS_SIZE;
    Ok(longer)
}

/// Writes what stays readable of a frame, or of a sealed one as it arrived, and returns where the
/// rest begins: at the size of the first OBU with a picture in it. [`write_size`] comes before it
/// when a frame is sealed.
///
/// # Errors
/// [`UnexpectedFrame`] if there is no picture, if its OBU has no size, or if too many bytes precede
/// it.
pub fn front(frame: &[u8], front: &mut Vec<u8>) -> Result<usize, UnexpectedFrame> {
    front.clear();
    for (count, obu) in obus(frame).enumerate() {
        let obu = obu?;
        if count == FRONT_GROWTH
            || front.len() + obu.header.len() + obu.payload.len() > MAX_FRONT && !obu.is_frame()
        {
            return Err(UnexpectedFrame);
        }
        if obu.is_frame() {
            append(front, obu.header);
            return if obu.has_size() { Ok(obu.behind_header) } else { Err(UnexpectedFrame) };
        }
        if obu.is_carried() {
            let (&first, extension) = obu.header.split_first().ok_or(UnexpectedFrame)?;
            append(front, &[first | HAS_SIZE]);
            append(front, extension);
            append(front, Size::new(obu.payload.len()).ok_or(UnexpectedFrame)?.as_bytes());
            append(front, obu.payload);
        }
    }
    Err(UnexpectedFrame)
}

/// The place in the rest of a sealed frame at which the sealed bytes begin: after a size that
/// reaches to the end.
///
/// # Errors
/// [`UnexpectedFrame`] if it does not.
pub fn sealed_at(rest: &[u8]) -> Result<usize, UnexpectedFrame> {
    let (size, len) = parse_size(rest).ok_or(UnexpectedFrame)?;
    if rest.len() - len == size { Ok(len) } else { Err(UnexpectedFrame) }
}
