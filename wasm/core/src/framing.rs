//! How much of a frame stays readable, by agreement of all members and never by a guess.
//!
//! Framing and codec are authenticated with every frame: a server that makes a receiver take one
//! for the other gets nothing opened, and no decoder is given what another codec's encoder made.

use sealframe::{Metadata, Stream, StreamKind};

/// What a page says of a frame, in numbers.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    stream: Stream,
    application: [u8; 2],
    pub(crate) readable: Readable,
}

/// What of a frame can be read.
#[derive(Clone, Copy)]
pub(crate) enum Readable {
    /// A copy of so many of its first bytes, in front of all of it: what WebCrypto opens is the
    /// frame then, and nothing has to be put before it.
    Prefix(u16),
    /// What comes before the picture, which is left out of what is encrypted.
    Front(Parsed),
}

/// A codec whose frames packetizers take apart.
#[derive(Clone, Copy)]
pub(crate) enum Parsed {
    H264,
    Av1,
}

impl Label {
    /// As in [`FrameCore::seal`](crate::FrameCore::seal); `None` for numbers that mean nothing.
    pub(crate) fn new(kind: u8, index: u16, framing: u8, codec_id: u8) -> Option<Self> {
        let stream = Stream::new(StreamKind::from_id(kind)?, index);
        let readable = match (framing, codec_id) {
            // Compatible: a receiver of VP8 takes key or delta frame from the first byte. Servers
            // read VP9's payload descriptor, and nothing of sound.
            (1, VP8) => Readable::Prefix(1),
            (1, OPUS | VP9 | RED) => Readable::Prefix(0),
            (1, H264) => Readable::Front(Parsed::H264),
            (1, AV1) => Readable::Front(Parsed::Av1),
            (0, OPUS | VP8 | VP9 | H264 | AV1 | RED) => Readable::Prefix(0),
            _ => return None,
        };
        Some(Self { stream, application: [framing, codec_id], readable })
    }

    pub(crate) fn metadata(&self, prefix_len: u16) -> Metadata<'_> {
        Metadata::from(self.stream).with_prefix(prefix_len).with_application(&self.application)
    }

    /// So many bytes in front of an opened frame are no part of it.
    pub(crate) const fn copy_len(&self) -> usize {
        match self.readable {
            Readable::Prefix(prefix_len) => prefix_len as usize,
            Readable::Front(_) => 0,
        }
    }
}

/// The longest prefix of any codec.
pub(crate) const MAX_PREFIX_LEN: usize = 1;

const OPUS: u8 = 1;
const VP8: u8 = 2;
const VP9: u8 = 3;
const H264: u8 = 4;
const AV1: u8 = 6;
/// Blocks of Opus, the newest last (RFC 2198).
const RED: u8 = 7;
