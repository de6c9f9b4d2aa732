//! Which bytes of a frame stay readable, and whether the rest is escaped.
//!
//! Sources: livekit/client-sdk-js, src/e2ee/worker/FrameCryptor.ts and naluUtils.ts; webrtc-sdk/webrtc,
//! api/crypto/frame_crypto_transformer.cc.

use sealframe_codec::Codec;
use sealframe_media::SealError;

use super::Peer;
use crate::{
    FrameInfo, FrameType,
    jframe::{Layout, OVERHEAD, Search},
};

/// Bytes of a slice that stay readable.
const SLICE_FRONT: usize = 2;

/// How `peer` seals this frame.
pub(super) fn to_seal(peer: Peer, info: &FrameInfo, frame: &[u8]) -> Result<Layout, SealError> {
    let kind = match (info.frame_type, info.codec, peer) {
        (FrameType::Audio, ..) => return Ok(Layout::plain(1)),
        (_, Some(Codec::Av1), Peer::JavaScript) => return Err(SealError::UnsupportedCodec),
        (_, Some(Codec::Vp9), _) => return Ok(Layout::plain(0)),
        (_, Some(Codec::Vp8), Peer::JavaScript) => return Ok(by_type(info)),
        (_, Some(Codec::Vp8), Peer::Native) => {
            return Ok(Layout::plain(if info.frame_type == FrameType::Key { 10 } else { 3 }));
        }
        (_, Some(Codec::H264), Peer::Native) => return Ok(native_h264(frame)),
        (_, _, Peer::Native) => return Ok(Layout::plain(0)),
        (_, Some(Codec::H264), Peer::JavaScript) => SliceOf::H264,
        (_, Some(Codec::H265), Peer::JavaScript) => SliceOf::H265,
        (_, _, Peer::JavaScript) => SliceOf::Either,
    };
    Ok(match slice_as_javascript_sees_it(frame, kind) {
        Some(at) => Layout::escaped(at + SLICE_FRONT),
        None => by_type(info),
    })
}

/// Ways in which a frame may have been sealed.
pub(super) struct Ways {
    layouts: [Layout; 3],
    len: usize,
    /// Whether the clear bytes can also be any number below 256, as [`native_h264`] has it.
    pub(super) search: Search,
}

impl Ways {
    const fn one(layout: Layout) -> Self {
        Self { layouts: [layout; 3], len: 1, search: Search::No }
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
pub(super) fn to_open(info: &FrameInfo, frame: &[u8]) -> Ways {
    match (info.frame_type, info.codec) {
        (FrameType::Audio, _) => Ways::one(Layout::plain(1)),
        (_, Some(Codec::Vp8)) => Ways::one(by_type(info)),
        (_, Some(Codec::Vp9 | Codec::Av1)) => Ways::one(Layout::plain(0)),
        (_, Some(Codec::H264)) => to_open_units(info, frame, SliceOf::H264),
        (_, Some(Codec::H265)) => to_open_units(info, frame, SliceOf::H265),
        (_, Some(Codec::Opus) | None) => to_open_units(info, frame, SliceOf::Either),
    }
}

fn to_open_units(info: &FrameInfo, frame: &[u8], of: SliceOf) -> Ways {
    let as_javascript = slice_as_javascript_sees_it(frame, of);
    if let Some(at) = as_javascript {
        let ways = Ways::one(Layout::escaped(at + SLICE_FRONT));
        // In the frame itself the slice may be too short to be seen.
        let is_tiny = frame.len() <= at + SLICE_FRONT + OVERHEAD + 1;
        return if is_tiny { ways.or(by_type(info)) } else { ways };
    }
    let native = match of {
        SliceOf::H264 => native_h264(frame),
        SliceOf::H265 | SliceOf::Either => Layout::plain(0),
    };
    let mut ways = match of {
        SliceOf::H264 | SliceOf::H265 => Ways::one(native).or(by_type(info)),
        SliceOf::Either => Ways::one(by_type(info)).or(native),
    };
    if !matches!(of, SliceOf::Either) {
        ways.search = Search::CutOff;
    }
    ways
}

/// The rule of VP8, and of whatever is not known.
const fn by_type(info: &FrameInfo) -> Layout {
    Layout::plain(match info.frame_type {
        FrameType::Audio => 1,
        FrameType::Key => 10,
        FrameType::Delta => 3,
        FrameType::Empty => 0,
    })
}

/// Up to the first slice, in eight bits.
fn native_h264(frame: &[u8]) -> Layout {
    let mut units = UnitStarts::of(frame);
    let slice = units.find(|&at| SliceOf::H264.has(frame[at]));
    Layout::escaped(slice.map_or(0, |at| (at + SLICE_FRONT) & 0xff))
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

/// Where the first slice is, for a reader that takes nothing but zeros before the first start code, and does not see a
/// unit of less than four bytes at the end.
fn slice_as_javascript_sees_it(frame: &[u8], of: SliceOf) -> Option<usize> {
    let mut units = UnitStarts::of(frame).peekable();
    let first = *units.peek()?;
    let has_other_bytes = frame[..first - 3].iter().any(|&byte| byte != 0);
    let slice = units.find(|&at| of.has(frame[at]))?;
    (!has_other_bytes && slice + 3 < frame.len()).then_some(slice)
}

/// Where units begin: behind 00 00 01, in the frame.
struct UnitStarts<'f> {
    frame: &'f [u8],
    at: usize,
}

impl<'f> UnitStarts<'f> {
    const fn of(frame: &'f [u8]) -> Self {
        Self { frame, at: 0 }
    }
}

impl Iterator for UnitStarts<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let rest = self.frame.get(self.at..)?;
        let found = rest.windows(3).position(|bytes| bytes == [0, 0, 1])?;
        self.at += found + 3;
        (self.at < self.frame.len()).then_some(self.at)
    }
}
