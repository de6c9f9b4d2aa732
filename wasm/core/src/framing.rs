//! The readable prefix of a frame, by agreement of all members and never by a guess.
//!
//! Framing and codec are authenticated with every frame. If a server makes a receiver mistake one
//! for another, the frame does not open, and no decoder receives the output of another codec's
//! encoder.

use sealframe::{Metadata, Stream, StreamKind};

/// The page's statement about a frame, as numbers.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    stream: Stream,
    application: [u8; 2],
    pub(crate) readable: Readable,
}

/// The readable part of a frame.
#[derive(Clone, Copy)]
pub(crate) enum Readable {
    /// A copy of this many first bytes, in front of the whole frame: WebCrypto's output is then the
    /// whole frame, and nothing is prepended to it.
    Prefix(u16),
    /// The units before the picture, which are not encrypted.
    Front(Parsed),
}

/// A codec whose frames packetizers split.
#[derive(Clone, Copy)]
pub(crate) enum Parsed {
    H264,
    Av1,
}

impl Label {
    /// Numbers as in [`FrameCore::seal`](crate::FrameCore::seal); `None` for undefined ones.
    pub(crate) fn new(kind: u8, index: u16, framing: u8, codec_id: u8) -> Option<Self> {
        let stream = Stream::new(StreamKind::from_id(kind)?, index);
        let readable = match (framing, codec_id) {
            // Compatible: VP8 receivers read key or delta frame from the first byte. Servers read
            // VP9's payload descriptor instead, and no bytes of audio.
            (1, VP8) => Readable::Prefix(1),
            (1, OPUS | VP9 | RED) => Readable::Prefix(0),
            (1, H264) => Readable::Front(Parsed::H264),
            (1, AV1) => Readable::Front(Parsed::Av1),
            (0, OPUS | VP8 | VP9 | H264 | AV1 | RED) => Readable::Prefix(0),
            _ => return None,
        };
        Some(Self { stream, application: [framing, codec_id], readable })
    }

    /// Like [`new`](Self::new), with the length of the readable prefix; `None` also for a codec
    /// whose readable part is not a prefix.
    pub(crate) fn with_prefix(kind: u8, index: u16, framing: u8, codec_id: u8) -> Option<(Self, u16)> {
        let label = Self::new(kind, index, framing, codec_id)?;
        match label.readable {
            Readable::Prefix(prefix_len) => Some((label, prefix_len)),
            Readable::Front(_) => None,
        }
    }

    pub(crate) fn metadata(&self, prefix_len: u16) -> Metadata<'_> {
        Metadata::from(self.stream).with_prefix(prefix_len).with_application(&self.application)
    }

    /// Number of bytes in front of an opened frame that are not part of it.
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
