//! How much of a frame stays readable, by agreement of all members and never by a guess.
//!
//! Framing and codec are authenticated with every frame: a server that makes a receiver take one for the other gets
//! nothing opened, and no decoder is given what another codec's encoder made.

use sealframe::{Metadata, Stream, StreamKind};

/// What a page says of a frame, in numbers.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    stream: Stream,
    prefix_len: u16,
    application: [u8; 2],
}

impl Label {
    /// `kind` is that of `StreamKind`; framing 0 full, 1 compatible; codec 1 Opus, 2 VP8, 3 VP9, 6 AV1, 4 H.264.
    pub(crate) fn new(kind: u8, index: u16, framing: u8, codec: u8) -> Option<Self> {
        let stream = Stream::new(StreamKind::from_id(kind)?, index);
        let prefix_len = match (framing, codec) {
            // Compatible: a receiver of VP8 takes key or delta frame from the first byte. Servers read VP9's payload
            // descriptor, and nothing of Opus.
            (1, VP8) => 1,
            (1, OPUS | VP9) => 0,
            (0, OPUS | VP8 | VP9 | H264 | AV1) => 0,
            _ => return None,
        };
        Some(Self { stream, prefix_len, application: [framing, codec] })
    }

    pub(crate) const fn prefix_len(&self) -> usize {
        self.prefix_len as usize
    }

    pub(crate) fn metadata(&self) -> Metadata<'_> {
        Metadata::from(self.stream).with_prefix(self.prefix_len).with_application(&self.application)
    }
}

/// The longest prefix of any codec.
pub(crate) const MAX_PREFIX_LEN: usize = 1;

const OPUS: u8 = 1;
const VP8: u8 = 2;
const VP9: u8 = 3;
const H264: u8 = 4;
const AV1: u8 = 6;
