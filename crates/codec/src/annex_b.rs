//! H.264 and H.265 in Annex B form: NAL units, each after a start code of three bytes or four
//! (ITU-T H.264 and H.265, Annex B).
//!
//! The iterator takes no unit for valid: it finds start codes, in linear time, in any bytes.

use core::iter::FusedIterator;

/// Of Annex B; a zero before it is part of it too.
pub(crate) const START_CODE: [u8; 3] = [0, 0, 1];
/// The byte inserted where three bytes would otherwise form a start code:
/// `emulation_prevention_three_byte`.
pub(crate) const ESCAPE: u8 = 3;

/// A NAL unit and its place in the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Unit<'f> {
    /// Where its start code begins in the frame: three bytes before the unit, or four if a zero is
    /// before those.
    pub start: usize,
    /// Where its header is in the frame.
    pub at: usize,
    /// From its header to the next start code, or to the end. Includes trailing zeros that belong
    /// to no start code. Empty if nothing follows the start code.
    pub bytes: &'f [u8],
}

impl Unit<'_> {
    /// Where it ends in the frame.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.at + self.bytes.len()
    }
}

/// The units of a frame, in order; see [`units`].
#[derive(Clone, Debug)]
pub struct Units<'f> {
    frame: &'f [u8],
    /// The next start code, as start and end.
    next: Option<(usize, usize)>,
}

/// The units of a frame, in order. Bytes before the first start code are of no unit. Allocates: no.
#[must_use]
pub fn units(frame: &[u8]) -> Units<'_> {
    Units { frame, next: start_code(frame, 0) }
}

impl<'f> Iterator for Units<'f> {
    type Item = Unit<'f>;

    fn next(&mut self) -> Option<Unit<'f>> {
        let (start, at) = self.next?;
        self.next = start_code(self.frame, at);
        let end = self.next.map_or(self.frame.len(), |(start, _)| start);
        Some(Unit { start, at, bytes: self.frame.get(at..end)? })
    }
}

impl FusedIterator for Units<'_> {}

/// Start and end of the first start code at or after `from`.
pub(crate) fn start_code(frame: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let zeros = two_zeros(frame, from)?;
        let behind = frame.get(zeros..)?;
        let run = behind.iter().position(|&byte| byte != 0)?;
        let one = zeros + run;
        if frame.get(one) == Some(&1) {
            return Some((if run > 2 { one - 3 } else { one - 2 }, one + 1));
        }
        from = one;
    }
}

/// Where the units of a frame begin, each at its header, in order. Looks no further than to the
/// next one, so the first units of a long frame are found in a moment. Allocates: no.
pub fn unit_starts(frame: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut from = 0;
    core::iter::from_fn(move || {
        let (_, at) = start_code(frame, from)?;
        from = at;
        (at < frame.len()).then_some(at)
    })
}

/// How many start codes in these bytes have three bytes, the ones that a frame begins with
/// included.
#[must_use]
pub fn short_start_codes(front: &[u8]) -> usize {
    let mut from = 0;
    let codes = core::iter::from_fn(|| {
        let code = start_code(front, from)?;
        from = code.1;
        Some(code)
    });
    codes.filter(|(start, at)| at - start == START_CODE.len()).count()
}

/// Inserts a zero before the first `short` start codes of three bytes in `buf[..len]`, because
/// receivers that reassemble packets write start codes of four bytes. Returns the new length.
/// `None`, with `buf` unchanged, if it has no room.
#[must_use]
pub fn lengthen_start_codes(buf: &mut [u8], len: usize, short: usize) -> Option<usize> {
    let longer = len.checked_add(short)?;
    buf.get(..longer)?;
    if short == 0 {
        return Some(len);
    }
    // The bytes are first moved to the end of the room that they will fill: writing never overtakes
    // reading.
    buf.copy_within(..len, short);
    let (mut to, mut from, mut zeros) = (0, short, 0);
    while to < from && from < longer {
        let byte = *buf.get(from)?;
        if byte == 1 && zeros == 2 {
            *buf.get_mut(to)? = 0;
            to += 1;
        }
        *buf.get_mut(to)? = byte;
        (to, from) = (to + 1, from + 1);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    Some(longer - (from - to))
}

/// Whether these bytes contain a start code, including one at their end.
#[must_use]
pub fn has_start_code(bytes: &[u8]) -> bool {
    start_code(bytes, 0).is_some()
}

/// The place of the first two zeros in a row, at or after `from`. Most frames have few.
fn two_zeros(bytes: &[u8], from: usize) -> Option<usize> {
    let at = skip::<16>(bytes, skip::<128>(bytes, from));
    bytes.get(at..)?.windows(2).position(|pair| pair == [0, 0]).map(|place| at + place)
}

/// The first place at or after `at` from which two zeros in a row begin within `N` bytes, or from
/// which fewer than `N` bytes are left.
#[inline]
fn skip<const N: usize>(bytes: &[u8], mut at: usize) -> usize {
    let chunk = |at: usize| bytes.get(at..)?.first_chunk::<N>();
    while let (Some(firsts), Some(seconds)) = (chunk(at), chunk(at + 1)) {
        // The least of all pairs, so that the compiler takes vectors.
        let pairs = firsts.iter().zip(seconds);
        if pairs.fold(u8::MAX, |least, (first, second)| least.min(first | second)) == 0 {
            break;
        }
        at += N;
    }
    at
}

/// Makes `00 00 03` of every two zeros before a byte up to 3, in `buf[..len]`, zeros being counted
/// from its beginning; returns the new length. `None`, and nothing has changed, if `buf` has no
/// room for that.
///
/// Two zeros at the end stay unescaped: the caller appends bytes that form no start code.
#[must_use]
pub fn escape(buf: &mut [u8], len: usize) -> Option<usize> {
    let extra = escapes(buf.get(..len)?);
    if extra == 0 {
        return Some(len);
    }
    buf.get(..len + extra)?;
    // The bytes are first moved to the end of the room that they will fill: writing never overtakes
    // reading.
    buf.copy_within(..len, extra);
    let (mut to, mut zeros) = (0, 0);
    for from in extra..len + extra {
        let byte = *buf.get(from)?;
        if zeros >= 2 && byte <= ESCAPE {
            *buf.get_mut(to)? = ESCAPE;
            to += 1;
            zeros = 0;
        }
        *buf.get_mut(to)? = byte;
        to += 1;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    Some(to)
}

/// How many bytes [`escape`] adds to these.
#[must_use]
pub fn escapes(bytes: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while let Some(zeros) = two_zeros(bytes, at) {
        at = zeros + 2;
        // After an escape the count of zeros begins again: continuing from the third byte does
        // that.
        count += usize::from(bytes.get(at).is_some_and(|&byte| byte <= ESCAPE));
    }
    count
}

/// Takes out the last byte of every `00 00 03`, zeros being counted from the beginning; returns how
/// many bytes are left, at the beginning.
///
/// The inverse of [`escape`], and stricter than nothing: three zeros pass, as does a `03` at the
/// end.
pub fn unescape(escaped: &mut [u8]) -> usize {
    let (mut len, mut moved) = (0, 0);
    while let Some(at) = escape_after(escaped, moved) {
        // What lies between the last escape and this one goes to the front.
        if moved != len {
            escaped.copy_within(moved..at, len);
        }
        len += at - moved;
        moved = at + 1;
    }
    if moved != len {
        escaped.copy_within(moved.., len);
    }
    len + escaped.len() - moved
}

/// How many bytes [`unescape`] would leave of these.
#[must_use]
pub fn unescaped_len(escaped: &[u8]) -> usize {
    let (mut len, mut from) = (escaped.len(), 0);
    while let Some(at) = escape_after(escaped, from) {
        len -= 1;
        from = at + 1;
    }
    len
}

/// The place of the first escape whose zeros are at or after `from`.
fn escape_after(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let zeros = two_zeros(bytes, from)?;
        if bytes.get(zeros + 2) == Some(&ESCAPE) {
            return Some(zeros + 2);
        }
        from = zeros + 1;
    }
}

/// The last `N` bytes as [`unescape`] would leave them; `None` if it would leave fewer.
#[must_use]
pub fn last_unescaped<const N: usize>(escaped: &[u8]) -> Option<[u8; N]> {
    if !has_escape_in_last::<N>(escaped) {
        return escaped.last_chunk().copied();
    }
    let mut bytes = [0; N];
    let mut rest = escaped;
    for byte in bytes.iter_mut().rev() {
        if let Some(before) = rest.strip_suffix(&[0, 0, ESCAPE]) {
            rest = rest.get(..before.len() + 2)?;
        }
        let (&last, before) = rest.split_last()?;
        (*byte, rest) = (last, before);
    }
    Some(bytes)
}

/// Whether an escape is among the last `N` bytes, or too few bytes precede them to decide.
fn has_escape_in_last<const N: usize>(bytes: &[u8]) -> bool {
    let behind = |back: usize| bytes.get(bytes.len().checked_sub(N)?.checked_sub(back)?..);
    let (Some(firsts), Some(seconds), Some(thirds)) = (behind(2), behind(1), behind(0)) else {
        return true;
    };
    let rows = firsts.iter().zip(seconds).zip(thirds).take(N);
    rows.fold(false, |any, ((first, second), third)| any | (first | second | third ^ ESCAPE == 0))
}
