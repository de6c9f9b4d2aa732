//! `aad = header ‖ metadata`, in this order: RFC 9605 §4.4.3.

use alloc::vec::Vec;

use sealframe_wire::{EncodedHeader, Header};

use crate::{Metadata, metadata::LABEL_LEN};

/// Where the AAD is put together. Kept from frame to frame: nothing is allocated once the longest prefix
/// and application metadata have been seen.
///
/// Mostly there is neither, and a header and a label are two stores of fixed length.
pub(crate) struct AadBuf {
    short: [u8; Header::MAX_LEN + LABEL_WORD],
    long: Vec<u8>,
}

/// A label is stored as a whole word, of which it takes the first 5 bytes.
const LABEL_WORD: usize = 8;

impl AadBuf {
    /// The longest AAD without prefix and application metadata.
    pub(crate) const SHORT_LEN: usize = Header::MAX_LEN + LABEL_LEN;

    pub(crate) fn new() -> Self {
        Self { short: [0; Header::MAX_LEN + LABEL_WORD], long: Vec::new() }
    }

    /// The AAD of a frame that is being sealed.
    #[inline]
    pub(crate) fn of_encoded(
        &mut self,
        header: &EncodedHeader,
        metadata: &Metadata<'_>,
        prefix: &[u8],
    ) -> &[u8] {
        if !(prefix.is_empty() && metadata.application().is_empty()) {
            return self.assemble(header.as_bytes(), metadata, prefix);
        }
        let (label, label_len) = metadata.label();
        let (head, tail) = self.short.split_at_mut(Header::MAX_LEN);
        head.copy_from_slice(header.right_aligned());
        tail.copy_from_slice(&label.to_be_bytes());
        &self.short[header.start()..Header::MAX_LEN + label_len]
    }

    /// The AAD of a frame that is being opened: `sealed` is what follows the prefix, its header first.
    #[inline]
    pub(crate) fn of_received(
        &mut self,
        sealed: &[u8],
        header_len: usize,
        metadata: &Metadata<'_>,
        prefix: &[u8],
    ) -> &[u8] {
        let short = prefix.is_empty() && metadata.application().is_empty();
        let (true, Some(head)) = (short, sealed.first_chunk::<{ Header::MAX_LEN }>()) else {
            return self.assemble(&sealed[..header_len], metadata, prefix);
        };
        // What follows the header is overwritten by the label.
        let (label, label_len) = metadata.label();
        self.short[..Header::MAX_LEN].copy_from_slice(head);
        self.short[header_len..header_len + LABEL_WORD].copy_from_slice(&label.to_be_bytes());
        &self.short[..header_len + label_len]
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
