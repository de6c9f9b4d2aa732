//! Which bytes of a frame stay readable, and whether the rest is escaped.
//!
//! Sources: livekit/client-sdk-js 2.23, src/e2ee/worker/FrameCryptor.ts and naluUtils.ts;
//! webrtc-sdk/webrtc m125 and m137, api/crypto/frame_crypto_transformer.cc.
//!
//! Readable bytes are authenticated, and receivers that reassemble packets write start codes of
//! four bytes. So a sender writes them itself, and seals the frame as a receiver will see it.

use sealframe_codec::{Codec, annex_b};

use super::Peer;
use crate::{
    FrameInfo, FrameType, SealError,
    jframe::{Layout, OVERHEAD, Search},
};

/// Bytes of a slice that stay readable.
const SLICE_FRONT: usize = 2;

/// How this frame is sealed for `peer`: as its newest release, and the other one's, will look at
/// the sealed frame.
pub(super) fn to_seal(peer: Peer, info: &FrameInfo, frame: &[u8]) -> Result<Layout, SealError> {
    Ok(match (info.frame_type, info.codec, peer) {
        (FrameType::Audio, ..) => Layout::plain(1),
        (_, Some(Codec::Av1), Peer::JavaScript) => return Err(SealError::UnsupportedCodec),
        (_, Some(Codec::Vp9), _) => Layout::plain(0),
        (_, Some(Codec::Vp8), Peer::JavaScript) => by_type(info),
        (_, Some(Codec::Vp8), Peer::Native) => {
            Layout::plain(if info.frame_type == FrameType::Key { 10 } else { 3 })
        }
        (_, Some(Codec::H264), Peer::Native) => native_units(frame, SliceOf::H264),
        (_, Some(Codec::H265), Peer::Native) => native_units(frame, SliceOf::H265),
        (_, _, Peer::Native) => Layout::plain(0),
        (_, _, Peer::JavaScript) => match slice_of_any(frame, SLICE_FRONT) {
            Some(at) => up_to_slice(frame, at),
            None => by_type(info),
        },
    })
}

/// Up to the slice at `at`, with start codes as packets are put together again.
fn up_to_slice(frame: &[u8], at: usize) -> Layout {
    let short_codes = annex_b::short_start_codes(&frame[..at]);
    Layout { short_codes, ..Layout::escaped(at + SLICE_FRONT + short_codes) }
}

/// That a frame of units may have been sealed in, one found by a search included.
const MAX_LAYOUTS: usize = 5;

/// Layouts in which a frame may have been sealed.
pub(super) struct LayoutCandidates {
    layouts: [Layout; MAX_LAYOUTS],
    len: usize,
    /// Whether the clear bytes can also be any number below 256, as in [`native_units`].
    pub(super) search: Search,
}

impl LayoutCandidates {
    const fn one(layout: Layout) -> Self {
        Self { layouts: [layout; MAX_LAYOUTS], len: 1, search: Search::No }
    }

    pub(super) fn or(mut self, layout: Layout) -> Self {
        if self.len < self.layouts.len() && !self.as_slice().contains(&layout) {
            self.layouts[self.len] = layout;
            self.len += 1;
        }
        self
    }

    pub(super) fn as_slice(&self) -> &[Layout] {
        &self.layouts[..self.len]
    }
}

/// How the sealed frame `frame` can be laid out, by either peer, likely ways first.
#[inline]
pub(super) fn to_open(info: &FrameInfo, frame: &[u8]) -> LayoutCandidates {
    match (info.frame_type, info.codec) {
        (FrameType::Audio, _) => LayoutCandidates::one(Layout::plain(1)),
        (_, Some(Codec::Vp8)) => LayoutCandidates::one(by_type(info)),
        (_, Some(Codec::Vp9 | Codec::Av1)) => LayoutCandidates::one(Layout::plain(0)),
        (_, Some(Codec::H264)) => to_open_units(info, frame, SliceOf::H264),
        (_, Some(Codec::H265)) => to_open_units(info, frame, SliceOf::H265),
        (_, Some(Codec::Opus) | None) => to_open_units(info, frame, SliceOf::Either),
    }
}

fn to_open_units(info: &FrameInfo, frame: &[u8], of: SliceOf) -> LayoutCandidates {
    // By livekit-client since 2.23, and before, when it took the first unit that could be a slice
    // for one.
    let (newest, older) = (slice_of_any(frame, SEEN), slice(frame, of, SEEN));
    if let (Some(at), Some(other)) = (newest, older) {
        let candidates = LayoutCandidates::one(Layout::escaped(at + SLICE_FRONT));
        let candidates =
            if other == at { candidates } else { candidates.or(Layout::escaped(other + SLICE_FRONT)) };
        // In the frame itself the slice may be too short to be seen.
        let is_tiny = frame.len() <= at + SLICE_FRONT + OVERHEAD + 1;
        return if is_tiny { candidates.or(by_type(info)) } else { candidates };
    }
    let mut candidates = match of {
        SliceOf::H264 => LayoutCandidates::one(native_units(frame, of)).or(by_type(info)),
        // Native clients before m137 leave nothing readable and escape nothing.
        SliceOf::H265 => {
            LayoutCandidates::one(native_units(frame, of)).or(Layout::plain(0)).or(by_type(info))
        }
        SliceOf::Either => LayoutCandidates::one(by_type(info)).or(Layout::plain(0)),
    };
    if let Some(at) = newest {
        candidates = candidates.or(Layout::escaped(at + SLICE_FRONT));
    }
    if !matches!(of, SliceOf::Either) {
        candidates.search = Search::CutOff;
    }
    candidates
}

/// The rule for VP8, and for unknown codecs.
const fn by_type(info: &FrameInfo) -> Layout {
    Layout::plain(match info.frame_type {
        FrameType::Audio => 1,
        FrameType::Key => 10,
        FrameType::Delta => 3,
        FrameType::Empty => 0,
    })
}

/// Up to the first slice, in eight bits. Bytes before the first start code do not count.
fn native_units(frame: &[u8], of: SliceOf) -> Layout {
    let mut starts = annex_b::unit_starts(frame);
    let Some(at) = starts.find(|&at| of.has(frame[at])) else { return Layout::escaped(0) };
    let layout = up_to_slice(frame, at);
    Layout { clear: layout.clear & 0xff, ..layout }
}

/// Which units are slices.
#[derive(Clone, Copy)]
enum SliceOf {
    H264,
    H265,
    /// Whichever the first such unit is of.
    Either,
}

impl SliceOf {
    /// Whether a unit with this first byte is one.
    const fn has(self, header: u8) -> bool {
        let is_h264 = matches!(header & 0x1f, 1 | 5);
        let is_h265 = matches!(header >> 1 & 0x3f, 0..=9 | 16..=21);
        match self {
            Self::H264 => is_h264,
            Self::H265 => is_h265,
            Self::Either => is_h264 || is_h265,
        }
    }
}

/// Bytes that livekit-client wants of a unit at the end of a frame to see it.
const SEEN: usize = 4;

/// The slice up to which a frame stays readable: the first of H.264 anywhere, else the first of
/// H.265. Units of H.264 that are not slices can look like slices of H.265, but not the reverse.
/// The declared codec does not count. Ignores units of less than `least` bytes at the end.
fn slice_of_any(frame: &[u8], least: usize) -> Option<usize> {
    slice(frame, SliceOf::H264, least).or_else(|| slice(frame, SliceOf::H265, least))
}

/// Where the first slice is; `None` too if anything but zeros comes before the first start code.
fn slice(frame: &[u8], of: SliceOf, least: usize) -> Option<usize> {
    let mut starts = annex_b::unit_starts(frame).peekable();
    let before = &frame[..*starts.peek()? - 3];
    let at = starts.find(|&at| of.has(frame[at]) && at + least <= frame.len())?;
    before.iter().all(|&byte| byte == 0).then_some(at)
}
