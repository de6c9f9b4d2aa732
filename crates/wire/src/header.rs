//! Reads and writes the header of RFC 9605 §4.3.

use core::fmt;

use crate::{Ctr, Kid};

/// Set in the config byte beside a field that follows in bytes of its own.
const EXTENDED: u8 = 0b1000;
/// The first value that no longer fits into the config byte.
const INLINE_END: u64 = 8;

/// The header of a sealed frame: which key, and which frame under that key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Header {
    kid: Kid,
    ctr: Ctr,
}

impl Header {
    /// The longest header, in bytes: config byte, eight bytes of KID, eight bytes of CTR.
    pub const MAX_LEN: usize = 17;

    /// A header for the frame `ctr` under the key `kid`. Both take any value.
    #[must_use]
    pub const fn new(kid: Kid, ctr: Ctr) -> Self {
        Self { kid, ctr }
    }

    /// Which key sealed the frame. Not authenticated until the frame has been opened.
    #[must_use]
    pub const fn kid(self) -> Kid {
        self.kid
    }

    /// Which frame under that key. Not authenticated until the frame has been opened.
    #[must_use]
    pub const fn ctr(self) -> Ctr {
        self.ctr
    }

    /// How many bytes this header takes on the wire: `1..=17`.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(self) -> usize {
        1 + field_len(self.kid.get()) + field_len(self.ctr.get())
    }

    /// Reads the header at the front of a sealed frame and ignores the bytes after it.
    ///
    /// Needs no key and allocates nothing: this is the call of a media server. Every accepted
    /// header is the only encoding of its values, so `parse` and [`encode`](Self::encode) are
    /// inverse.
    ///
    /// # Errors
    /// [`HeaderError`] when the bytes end too early or a field is longer than it needs to be.
    ///
    /// Source: RFC 9605 §4.3.
    #[inline]
    pub fn parse(frame: &[u8]) -> Result<Self, HeaderError> {
        Self::parse_with_len(frame).map(|(header, _)| header)
    }

    /// The header and how many bytes it took.
    #[inline]
    pub(crate) fn parse_with_len(frame: &[u8]) -> Result<(Self, usize), HeaderError> {
        // A short frame is widened, so that both fields can be read as whole words.
        let wide;
        let head: &[u8; Self::MAX_LEN] = match frame.first_chunk() {
            Some(head) => head,
            None => {
                wide = widen(frame);
                &wide
            }
        };
        let [config, ..] = *head;
        let (kid_nibble, ctr_nibble) = (config >> 4, config & 0xf);
        let kid_len = extended_len(kid_nibble);
        let len = 1 + kid_len + extended_len(ctr_nibble);
        if frame.len() < len {
            return Err(if frame.is_empty() { HeaderError::Empty } else { HeaderError::Truncated });
        }
        let kid = read_field(kid_nibble, head, 1).ok_or(HeaderError::KidNotMinimal)?;
        let ctr = read_field(ctr_nibble, head, 1 + kid_len).ok_or(HeaderError::CtrNotMinimal)?;
        Ok((Self::new(Kid::new(kid), Ctr::new(ctr)), len))
    }

    /// Writes the one minimal encoding of this header.
    ///
    /// Source: RFC 9605 §4.3.
    #[inline]
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a field length is at most 8, an inline value at most 7"
    )]
    pub fn encode(self) -> EncodedHeader {
        let (kid, ctr) = (self.kid.get(), self.ctr.get());
        let (kid_len, ctr_len) = (field_len(kid), field_len(ctr));
        let nibble = |value: u64, len: usize| match len {
            0 => value as u8,
            len => EXTENDED | (len - 1) as u8,
        };
        let config = nibble(kid, kid_len) << 4 | nibble(ctr, ctr_len);
        let start = Self::MAX_LEN - 1 - kid_len - ctr_len;
        // Config byte, KID and CTR as one number: stores at fixed places, which need not reach
        // memory.
        let kid = if kid_len == 0 { 0 } else { kid };
        let ctr = if ctr_len == 0 { 0 } else { ctr };
        let mut word = u128::from(kid) << (8 * ctr_len) | u128::from(ctr);
        if start > 0 {
            word |= u128::from(config) << (8 * (kid_len + ctr_len));
        }
        let mut bytes = [0; Self::MAX_LEN];
        let [first, rest @ ..] = &mut bytes;
        *first = config; // has no meaning unless the header takes all 17 bytes
        *rest = word.to_be_bytes();
        EncodedHeader { header: self, bytes, start }
    }
}

/// A header as bytes, held right-aligned so that it can be laid against a payload in one store.
#[derive(Clone, Copy)]
pub struct EncodedHeader {
    header: Header,
    bytes: [u8; Header::MAX_LEN],
    start: usize,
}

impl EncodedHeader {
    /// The encoded header.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Moves on to the next CTR of the same KID, which is mostly a matter of the last byte. Stays
    /// where it is at CTR 2^64 - 1.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
    pub fn advance(&mut self) {
        let ctr = self.header.ctr.get().wrapping_add(1);
        if ctr > INLINE_END && ctr as u8 != 0 {
            self.header.ctr = Ctr::new(ctr);
            let [.., last] = &mut self.bytes;
            *last = ctr as u8;
        } else {
            self.advance_beyond_last_byte();
        }
    }

    /// The CTR is still inline, or a byte above the last one changes.
    #[cold]
    fn advance_beyond_last_byte(&mut self) {
        let ctr = self.header.ctr.get().saturating_add(1);
        *self = Header::new(self.header.kid, Ctr::new(ctr)).encode();
    }

    /// The header, `1..=17` bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Where the header starts in [`right_aligned`](Self::right_aligned).
    #[inline]
    #[must_use]
    pub const fn start(&self) -> usize {
        self.start
    }

    /// All 17 bytes; those before [`start`](Self::start) have no meaning.
    #[inline]
    #[must_use]
    pub const fn right_aligned(&self) -> &[u8; Header::MAX_LEN] {
        &self.bytes
    }
}

/// Why bytes are no SFrame header. The frame can only be dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// There are no bytes.
    Empty,
    /// The config byte announces more bytes than there are.
    Truncated,
    /// The KID is written in more bytes than it needs.
    KidNotMinimal,
    /// The CTR is written in more bytes than it needs.
    CtrNotMinimal,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty frame",
            Self::Truncated => "frame ends inside its header",
            Self::KidNotMinimal => "kid is not minimally encoded",
            Self::CtrNotMinimal => "ctr is not minimally encoded",
        })
    }
}

impl core::error::Error for HeaderError {}

/// Bytes that `value` takes after the config byte: 0 when it fits inside, else `1..=8`.
const fn field_len(value: u64) -> usize {
    if value < INLINE_END { 0 } else { 8 - value.leading_zeros() as usize / 8 }
}

/// Bytes that a config nibble announces: 0 for an inline value, else `1..=8`.
#[inline]
fn extended_len(nibble: u8) -> usize {
    // A table, because this is on the path of every received frame.
    const LEN: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    LEN.get(usize::from(nibble & 0xf)).map_or(0, |&len| usize::from(len))
}

/// The value of one field, or `None` if a shorter encoding exists. `at` is where its bytes are, if
/// any.
#[inline]
fn read_field(nibble: u8, head: &[u8; Header::MAX_LEN], at: usize) -> Option<u64> {
    if nibble & EXTENDED == 0 {
        return Some(u64::from(nibble));
    }
    // Nibbles 8 to 15 announce 1 to 8 bytes.
    let value = word_at(head, at) >> (8 * (15 - nibble));
    // One byte less would do if the first is zero, none at all if the config byte can hold the
    // value.
    let first = head.get(at).map_or(0, |&byte| byte);
    (first != 0 && value >= INLINE_END).then_some(value)
}

/// The bytes of a short frame, and zeros.
#[cold]
fn widen(frame: &[u8]) -> [u8; Header::MAX_LEN] {
    let mut wide = [0; Header::MAX_LEN];
    for (to, from) in wide.iter_mut().zip(frame) {
        *to = *from;
    }
    wide
}

/// Eight bytes at `at`, big-endian.
#[inline]
fn word_at(bytes: &[u8; Header::MAX_LEN], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u64::from_be_bytes(*word))
}
