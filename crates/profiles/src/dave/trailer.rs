//! The bytes after the media of a sealed frame.
//!
//! ```text
//! media ‖ tag (8) ‖ nonce ‖ { offset ‖ len }* ‖ trailer_len u8 ‖ FA FA
//!         └──────────────── trailer_len, 12..=255 ───────────────────┘
//! ```
//!
//! Nonce, offsets and lengths are in ULEB128.
//!
//! None of it is authenticated: it lists the authenticated bytes, and names the nonce.

use crate::OpenError;

/// Bytes of the tag.
pub(super) const TAG_LEN: usize = 8;
const MARKER: [u8; 2] = [0xfa; 2];
/// Tag, length and marker.
const FIXED_LEN: usize = TAG_LEN + 1 + MARKER.len();
/// Bytes of the longest trailer.
pub(super) const MAX_TRAILER_LEN: usize = 255;
/// Of a number of 64 bits.
const MAX_ULEB_LEN: usize = 10;

/// A run of bytes that stays readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what the format says of it")]
pub struct ClearRange {
    /// Where it begins in the media.
    pub offset: usize,
    /// How many bytes it has.
    pub len: usize,
}

impl ClearRange {
    /// Where it ends in the media. Ranges are made and checked so that this is no further than the
    /// media's end.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.offset + self.len
    }
}

/// The trailer of a sealed frame, which anyone can read and change.
#[derive(Clone, Copy, Debug)]
pub struct Trailer<'f> {
    media_len: usize,
    tag: [u8; TAG_LEN],
    nonce: u32,
    ranges: &'f [u8],
    /// Bytes of the ranges, if they are the media's front.
    front_len: Option<usize>,
}

impl<'f> Trailer<'f> {
    /// Reads and checks the trailer of a sealed frame: the ranges are in order, apart, and inside
    /// the media.
    ///
    /// Stricter than libdave in three points that no sender is in the way of: a number has no more
    /// bytes than it needs, a nonce has 32 bits, and a range ends with the media and not in the
    /// trailer.
    ///
    /// # Errors
    /// [`OpenError::TooShort`], [`OpenError::NotThisFormat`].
    #[inline]
    pub fn parse(sealed: &'f [u8]) -> Result<Self, OpenError> {
        let (rest, marker) = sealed.split_last_chunk().ok_or(OpenError::TooShort)?;
        let (&len, _) = rest.split_last().ok_or(OpenError::TooShort)?;
        let len = usize::from(len);
        if *marker != MARKER || len <= FIXED_LEN {
            return Err(OpenError::NotThisFormat);
        }
        let media_len = sealed.len().checked_sub(len).ok_or(OpenError::TooShort)?;
        let trailer = rest.get(media_len..rest.len() - 1).ok_or(OpenError::TooShort)?;
        let (&tag, numbers) = trailer.split_first_chunk().ok_or(OpenError::NotThisFormat)?;
        let (nonce, ranges) = read_uleb(numbers).ok_or(OpenError::NotThisFormat)?;
        let nonce = u32::try_from(nonce).map_err(|_| OpenError::NotThisFormat)?;
        let front_len = if ranges.is_empty() {
            Some(0)
        } else {
            check(ranges, media_len).ok_or(OpenError::NotThisFormat)?
        };
        Ok(Self { media_len, tag, nonce, ranges, front_len })
    }

    /// Bytes before the trailer.
    #[must_use]
    pub const fn media_len(&self) -> usize {
        self.media_len
    }

    /// The low 32 bits of the nonce; the highest 8 of them are the low ones of the generation.
    #[must_use]
    pub const fn nonce(&self) -> u32 {
        self.nonce
    }

    /// The runs of bytes that are readable and authenticated; all others are encrypted.
    pub fn ranges(&self) -> impl Iterator<Item = ClearRange> + use<'f> {
        let mut rest = self.ranges;
        core::iter::from_fn(move || {
            let (range, behind) = read_range(rest)?;
            rest = behind;
            Some(range)
        })
    }

    /// Bytes that are readable, if they are the media's first; `None` if they lie elsewhere.
    pub(super) const fn front_len(&self) -> Option<usize> {
        self.front_len
    }

    pub(super) const fn tag(&self) -> [u8; TAG_LEN] {
        self.tag
    }
}

/// Every range begins at or after the end of the previous one. Returns the total of their bytes, if
/// no other bytes lie before or between them.
fn check(mut ranges: &[u8], media_len: usize) -> Option<Option<usize>> {
    let (mut end, mut len) = (0, 0);
    while !ranges.is_empty() {
        let (range, rest) = read_range(ranges)?;
        if range.offset < end {
            return None;
        }
        end = range.offset.checked_add(range.len).filter(|&end| end <= media_len)?;
        len += range.len;
        ranges = rest;
    }
    Some((len == end).then_some(len))
}

fn read_range(bytes: &[u8]) -> Option<(ClearRange, &[u8])> {
    let (offset, bytes) = read_uleb(bytes)?;
    let (len, bytes) = read_uleb(bytes)?;
    let range = ClearRange { offset: offset.try_into().ok()?, len: len.try_into().ok()? };
    Some((range, bytes))
}

/// A number in as few bytes as it needs, and the bytes after it.
#[inline]
fn read_uleb(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, &byte) in bytes.iter().take(MAX_ULEB_LEN).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(place).ok()?;
        let shifted = bits << shift;
        if shifted >> shift != bits {
            return None;
        }
        value |= shifted;
        if byte & 0x80 == 0 {
            let is_minimal = byte != 0 || place == 0;
            return is_minimal.then_some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

/// Bytes of a number.
fn uleb_len(value: u64) -> usize {
    let bits = 64 - value.leading_zeros();
    (bits.max(1).div_ceil(7)) as usize
}

/// Writes a number and returns the bytes after it; `None` if there is no room.
fn write_uleb(mut value: u64, mut to: &mut [u8]) -> Option<&mut [u8]> {
    loop {
        let (first, rest) = to.split_first_mut()?;
        to = rest;
        *first = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            return Some(to);
        }
        *first |= 0x80;
    }
}

/// Bytes of the trailer for this nonce and these ranges, be it too long or not.
pub(super) fn trailer_len(nonce: u32, ranges: &[ClearRange]) -> usize {
    let ranges = ranges.iter().map(|range| uleb_len(range.offset as u64) + uleb_len(range.len as u64));
    FIXED_LEN + uleb_len(nonce.into()) + ranges.sum::<usize>()
}

/// Fills `to`, which has [`trailer_len`] bytes and is not too long. Only the first half of the tag
/// is sent.
pub(super) fn write(to: &mut [u8], tag: &[u8; 16], nonce: u32, ranges: &[ClearRange]) -> Option<()> {
    let len = u8::try_from(to.len()).ok()?;
    let (to_tag, to) = to.split_first_chunk_mut()?;
    *to_tag = *tag.first_chunk::<TAG_LEN>()?;
    let mut to = write_uleb(nonce.into(), to)?;
    for range in ranges {
        to = write_uleb(range.offset as u64, to)?;
        to = write_uleb(range.len as u64, to)?;
    }
    let to: &mut [u8; 1 + MARKER.len()] = to.try_into().ok()?;
    *to = [len, MARKER[0], MARKER[1]];
    Some(())
}
