//! Which bytes of a frame stay readable, so that packetizers and depacketizers accept it, and which
//! are rewritten.

use alloc::vec::Vec;
use core::ops::Range;

use sealframe_codec::{
    Codec, FrameKind,
    annex_b::{Unit, units},
    av1::{self, Size, obus},
    h264, h265, vp8,
};

use super::ClearRange;

/// Which NAL units of H.264 and H.265 stay readable as a whole. Of all others the header does, and
/// of slices what depacketizers look for.
///
/// Receivers open both: the frame itself lists its readable bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum ClearUnits {
    /// Units that the standard gives no picture: parameter sets, and also delimiters and
    /// supplemental enhancement information, which may carry captions. What libdave sends, less the
    /// data partitions and the slices of extensions that it leaves readable.
    #[default]
    WithoutPicture,
    /// Parameter sets alone: all that depacketizers read.
    ParameterSets,
}

/// The number of readable bytes at the front of a frame; `None` for a codec that keeps others
/// readable too. For VP8 it is the whole header of a key frame, or the byte that shows that a frame
/// is not one; 0 if even that is missing.
#[inline]
pub(super) fn front_len(codec: Option<Codec>, frame: &[u8]) -> Option<usize> {
    let len = match codec {
        Some(Codec::H264 | Codec::H265 | Codec::Av1) => return None,
        Some(Codec::Vp8) => match vp8::frame_kind(frame) {
            Some(FrameKind::Key) => vp8::header_len(FrameKind::Key),
            Some(FrameKind::Delta) => 1,
            None => 0,
        },
        Some(Codec::Opus | Codec::Vp9) | None => 0,
    };
    Some(len.min(frame.len()))
}

/// The layout of a frame whose readable bytes are not only its front. Reused for every frame, for
/// its memory.
#[derive(Default)]
pub(super) struct Plan {
    /// What stays readable, one after the other: the AAD.
    pub(super) clear: Vec<u8>,
    /// Where in the media that lies.
    pub(super) ranges: Vec<ClearRange>,
    /// The runs to be encrypted, as places in the frame.
    pub(super) runs: Vec<Range<usize>>,
    /// Bytes of the media.
    pub(super) media_len: usize,
}

impl Plan {
    /// Plans a frame. One that is not made as its codec's frames are is encrypted whole.
    pub(super) fn make(&mut self, codec: Option<Codec>, clear_units: ClearUnits, frame: &[u8]) {
        self.reset();
        let made = match codec {
            Some(Codec::H264) => self.units(frame, |unit| h264_clear_len(unit, clear_units)),
            Some(Codec::H265) => self.units(frame, |unit| h265_clear_len(unit, clear_units)),
            Some(Codec::Av1) => self.av1(frame),
            Some(Codec::Opus | Codec::Vp8 | Codec::Vp9) | None => None,
        };
        if made.is_none() {
            self.reset();
            self.seal(0..frame.len());
        }
    }

    /// Bytes that are to be encrypted.
    pub(super) const fn payload_len(&self) -> usize {
        self.media_len - self.clear.len()
    }

    /// Whether the bytes to be encrypted lie in the frame where they will lie in the media, in one
    /// piece.
    pub(super) fn is_in_place(&self) -> bool {
        self.runs.len() <= 1 && self.runs_in_media().eq(self.runs.iter().cloned())
    }

    /// The runs where they will lie in the media.
    pub(super) fn runs_in_media(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        runs_between(&self.ranges, self.media_len)
    }

    fn reset(&mut self) {
        self.clear.clear();
        self.ranges.clear();
        self.runs.clear();
        self.media_len = 0;
    }

    fn clear(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if last.end() == self.media_len => last.len += bytes.len(),
            _ => self.ranges.push(ClearRange { offset: self.media_len, len: bytes.len() }),
        }
        self.clear.extend_from_slice(bytes);
        self.media_len += bytes.len();
    }

    fn seal(&mut self, run: Range<usize>) {
        self.media_len += run.len();
        if !run.is_empty() {
            self.runs.push(run);
        }
    }

    /// Start codes become four bytes long, as depacketizers make them. `None` if there is no unit,
    /// or if bytes precede the first.
    fn units(&mut self, frame: &[u8], clear_len: impl Fn(&Unit<'_>) -> usize) -> Option<()> {
        let first = units(frame).next()?;
        if frame[..first.start].iter().any(|&byte| byte != 0) {
            return None;
        }
        for unit in units(frame).filter(|unit| !unit.bytes.is_empty()) {
            let len = clear_len(&unit).min(unit.bytes.len());
            self.clear(&[0, 0, 0, 1]);
            self.clear(&unit.bytes[..len]);
            self.seal(unit.at + len..unit.end());
        }
        (self.media_len > 0).then_some(())
    }

    /// OBUs that packetizers drop are left out, sizes become minimal, and the last OBU, which the
    /// trailer will follow, has none. `None` if an OBU is not well made.
    fn av1(&mut self, frame: &[u8]) -> Option<()> {
        if obus(frame).any(|obu| obu.is_err()) {
            return None;
        }
        let mut carried = obus(frame).flatten().filter(av1::Obu::is_carried).peekable();
        while let Some(obu) = carried.next() {
            let (&first, extension) = obu.header.split_first()?;
            let is_last = carried.peek().is_none();
            self.clear(&[if is_last { first & !av1::HAS_SIZE } else { first }]);
            self.clear(extension);
            if !is_last {
                self.clear(Size::new(obu.payload.len())?.as_bytes());
            }
            self.seal(obu.payload_at..obu.payload_at + obu.payload.len());
        }
        Some(())
    }
}

/// The runs between checked ranges, without empty ones.
pub(super) fn runs_between(
    ranges: &[ClearRange],
    media_len: usize,
) -> impl DoubleEndedIterator<Item = Range<usize>> {
    let start = |place: usize| place.checked_sub(1).map_or(0, |before| ranges[before].end());
    let end = move |place: usize| ranges.get(place).map_or(media_len, |range| range.offset);
    (0..=ranges.len()).map(move |place| start(place)..end(place)).filter(|run| !run.is_empty())
}

fn h264_clear_len(unit: &Unit<'_>, clear_units: ClearUnits) -> usize {
    let is_clear = |kind| match clear_units {
        ClearUnits::WithoutPicture => (h264::SEI..=16).contains(&kind),
        // Extension and subset of a sequence parameter set are 13 and 15.
        ClearUnits::ParameterSets => matches!(kind, h264::SPS | h264::PPS | 13 | 15),
    };
    match h264::kind(unit) {
        Some(h264::SLICE | h264::IDR_SLICE) => h264::HEADER_LEN + h264::slice_front_len(unit),
        Some(kind) if is_clear(kind) => unit.bytes.len(),
        _ => h264::HEADER_LEN,
    }
}

fn h265_clear_len(unit: &Unit<'_>, clear_units: ClearUnits) -> usize {
    let last_clear = match clear_units {
        ClearUnits::WithoutPicture => h265::LAST_SPECIFIED,
        ClearUnits::ParameterSets => h265::PPS,
    };
    match h265::kind(unit) {
        Some(kind) if (h265::VPS..=last_clear).contains(&kind) => unit.bytes.len(),
        _ => h265::HEADER_LEN,
    }
}
