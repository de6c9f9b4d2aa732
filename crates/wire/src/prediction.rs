//! The header that a stream's next frame probably has.

use crate::{Ctr, Header, Kid};

/// A KID and the length of its CTR: the next header of a stream mostly has both of the last one.
///
/// Recognising such a header takes one comparison and two shifts, a fifth of the cost of parsing.
/// It is only a shortcut: [`Header::parse`] reads every recognised header the same.
#[derive(Clone, Copy, Debug)]
pub struct HeaderPrediction {
    last: Header,
    len: u8,
    /// Config byte and KID, at the top of a word.
    front: u64,
    /// Bits of config byte and KID: 8 to 56.
    front_bits: u8,
    /// Bits of a word after them.
    behind_front: u8,
    /// Bits of a word that are no CTR, once it has been shifted to the top.
    behind_ctr: u8,
    /// The smallest CTR of this length.
    floor: u64,
}

impl HeaderPrediction {
    /// Longer headers are not predicted.
    const MAX_LEN: usize = 8;

    /// Recognises nothing.
    pub const NONE: Self = Self {
        last: Header::new(Kid::new(0), Ctr::new(0)),
        len: 0,
        front: 0,
        front_bits: 0,
        behind_front: 0,
        behind_ctr: 0,
        floor: u64::MAX,
    };

    /// What follows `last`: [`NONE`](Self::NONE) for a CTR inside the config byte, or a header of
    /// more than 8 bytes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "lengths up to 8")]
    pub fn after(last: Header) -> Self {
        let len = last.len();
        let ctr_len = len - Header::new(last.kid(), Ctr::new(0)).len();
        if ctr_len == 0 || len > Self::MAX_LEN {
            return Self::NONE;
        }
        let front_bits = 8 * (len - ctr_len) as u8;
        let behind_front = 64 - front_bits;
        let mut first_word = [0; 8];
        for (to, from) in first_word.iter_mut().zip(last.encode().as_bytes()) {
            *to = *from;
        }
        Self {
            last,
            len: len as u8,
            front: u64::from_be_bytes(first_word) >> behind_front << behind_front,
            front_bits,
            behind_front,
            behind_ctr: 64 - 8 * ctr_len as u8,
            floor: if ctr_len == 1 { 8 } else { 1 << (8 * (ctr_len - 1)) },
        }
    }

    /// The header in front of `frame`, if it matches the prediction. `None` says nothing about the
    /// frame.
    #[inline]
    #[must_use]
    pub fn recognise(&self, frame: &[u8]) -> Option<Header> {
        let word = u64::from_be_bytes(*frame.first_chunk()?);
        if (word ^ self.front) >> self.behind_front != 0 {
            return None;
        }
        let ctr = word << self.front_bits >> self.behind_ctr;
        (ctr >= self.floor).then(|| Header::new(self.last.kid(), Ctr::new(ctr)))
    }

    /// Bytes of every header that is recognised.
    #[inline]
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        self.len as usize
    }
}
