//! `aad = header ‖ metadata`, in this order: RFC 9605 §4.4.3.

use alloc::vec::Vec;
use core::ops::{Index, Range};

use sealframe_wire::{EncodedHeader, Header};

use crate::{Metadata, metadata::LABEL_LEN};

/// Where the AAD is put together. Kept from frame to frame: nothing is allocated once the longest
/// prefix and application metadata have been seen.
///
/// Most frames have neither, so `short` suffices.
pub(crate) struct AadBuf {
    short: ShortAad,
    long: Vec<u8>,
}

/// The AAD of a frame without prefix and application metadata: a header and a label, in two stores
/// of fixed length.
#[derive(Clone, Copy, Default)]
pub(crate) struct ShortAad([u8; Header::MAX_LEN + LABEL_WORD]);

/// A label is stored as a whole word, of which the first 5 bytes count.
const LABEL_WORD: usize = 8;

impl ShortAad {
    pub(crate) const fn new() -> Self {
        Self([0; Header::MAX_LEN + LABEL_WORD])
    }

    /// The AAD of a frame that is being sealed.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn for_sealing(&mut self, header: &EncodedHeader, metadata: &Metadata<'_>) -> &[u8] {
        let (label, label_len) = metadata.label();
        let (head, tail) = self.0.split_at_mut(Header::MAX_LEN);
        head.copy_from_slice(header.right_aligned());
        tail.copy_from_slice(&label.to_be_bytes());
        &self.0[header.start()..Header::MAX_LEN + label_len]
    }

    /// The AAD of a frame that is being opened and that begins with these bytes, its header first.
    #[inline(always)] // a part of the hot doors
    pub(crate) fn for_opening(
        &mut self,
        head: &[u8; Header::MAX_LEN],
        header_len: usize,
        metadata: &Metadata<'_>,
    ) -> &[u8] {
        // The label overwrites the bytes after the header.
        let (label, label_len) = metadata.label();
        self.0[..Header::MAX_LEN].copy_from_slice(head);
        self.0[header_len..header_len + LABEL_WORD].copy_from_slice(&label.to_be_bytes());
        &self.0[..header_len + label_len]
    }
}

impl Index<Range<usize>> for ShortAad {
    type Output = [u8];

    fn index(&self, range: Range<usize>) -> &[u8] {
        &self.0[range]
    }
}

impl AadBuf {
    /// The longest AAD without prefix and application metadata.
    pub(crate) const SHORT_LEN: usize = Header::MAX_LEN + LABEL_LEN;

    pub(crate) const fn new() -> Self {
        Self { short: ShortAad::new(), long: Vec::new() }
    }

    /// The AAD of a frame that is being sealed.
    #[inline]
    pub(crate) fn for_sealing(
        &mut self,
        header: &EncodedHeader,
        metadata: &Metadata<'_>,
        prefix: &[u8],
    ) -> &[u8] {
        if metadata.is_short() {
            self.short.for_sealing(header, metadata)
        } else {
            self.assemble(header.as_bytes(), metadata, prefix)
        }
    }

    /// The AAD of a frame that is being opened: `sealed` is the frame without the prefix, its
    /// header first.
    #[inline]
    pub(crate) fn for_opening(
        &mut self,
        sealed: &[u8],
        header_len: usize,
        metadata: &Metadata<'_>,
        prefix: &[u8],
    ) -> &[u8] {
        if !metadata.is_short() {
            return self.assemble(&sealed[..header_len], metadata, prefix);
        }
        let wide;
        let head = match sealed.first_chunk() {
            Some(head) => head,
            None => {
                wide = widen(sealed);
                &wide
            }
        };
        self.short.for_opening(head, header_len, metadata)
    }

    #[cold]
    fn assemble(&mut self, header: &[u8], metadata: &Metadata<'_>, prefix: &[u8]) -> &[u8] {
        let (label, label_len) = metadata.label();
        self.long.clear();
        // For the longest header, so that a growing CTR does not make it grow.
        self.long.reserve(Self::SHORT_LEN + prefix.len() + metadata.application().len());
        self.long.extend_from_slice(header);
        self.long.extend_from_slice(&label.to_be_bytes()[..label_len]);
        self.long.extend_from_slice(prefix);
        self.long.extend_from_slice(metadata.application());
        &self.long
    }
}

/// A frame that is shorter than the longest header, and zeros.
#[cold]
fn widen(sealed: &[u8]) -> [u8; Header::MAX_LEN] {
    let mut wide = [0; Header::MAX_LEN];
    wide[..sealed.len()].copy_from_slice(sealed);
    wide
}
