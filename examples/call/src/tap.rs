//! The view of a server that forwards a call without holding a key.

use std::collections::BTreeMap;

use sealframe_wire::Header;
use serde::Serialize;

use crate::message::{MemberId, TrackId};
use crate::peer::Arrival;
use crate::{av1, h264, vp8, vp9};

/// Bytes kept of the latest start of a frame in each stream.
const SHOWN: usize = 48;

/// Without a Dependency Descriptor, a copy of this many bytes of a VP8 frame precedes it, by which
/// receivers tell key frames apart.
const VP8_CLEAR: usize = 1;

/// Counters and the latest bytes of every announced track. Simulcast layers count as one.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    streams: BTreeMap<TrackId, Stream>,
}

/// The server's view of one stream.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Stream {
    /// Of the latest packet.
    codec: &'static str,
    packets: u64,
    bytes: u64,
    latest: Option<FrameStart>,
}

/// The start of the latest packet in which a frame began.
#[derive(Clone, Debug, Serialize)]
struct FrameStart {
    /// The first bytes of the RTP payload.
    hex: String,
    /// Bytes before the SFrame header: payload descriptor and clear codec bytes.
    before: usize,
    /// The fields of the SFrame header; `None` if there is no readable header.
    header: Option<HeaderFields>,
}

/// KID and CTR are decimal text, because JavaScript numbers do not hold 64 bits.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
struct HeaderFields {
    kid: String,
    ctr: String,
    len: usize,
}

/// A stream and its sender, as `/tap` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct StreamReport {
    #[serde(flatten)]
    track: TrackId,
    #[serde(flatten)]
    stream: Stream,
}

impl Tap {
    /// Counts one forwarded packet.
    pub(crate) fn see(&mut self, track: TrackId, arrival: &Arrival) {
        let codec = arrival.codec_name();
        let format = match arrival.dependency() {
            Some(descriptor) if arrival.is_raw => Format::Raw { starts: descriptor.starts_frame() },
            descriptor => Format::Of { codec, is_described: descriptor.is_some() },
        };
        self.note(track, codec, format, &arrival.rtp.payload);
    }

    fn note(&mut self, track: TrackId, codec: &'static str, format: Format, payload: &[u8]) {
        let stream = self.streams.entry(track).or_default();
        stream.codec = codec;
        stream.packets += 1;
        stream.bytes += payload.len() as u64;
        if let Some(before) = sframe_offset(format, payload) {
            stream.latest = Some(FrameStart::read(payload, before));
        }
    }

    /// Forgets the tracks of a participant for which `is_kept` returns false.
    pub(crate) fn forget(&mut self, from: MemberId, is_kept: impl Fn(TrackId) -> bool) {
        self.streams.retain(|track, _| track.from != from || is_kept(*track));
    }

    /// The streams of these participants.
    pub(crate) fn report(&self, members: &[MemberId]) -> Vec<StreamReport> {
        let here = self.streams.iter().filter(|(track, _)| members.contains(&track.from));
        here.map(|(&track, stream)| StreamReport { track, stream: stream.clone() }).collect()
    }
}

/// How payloads carry frames.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// Pieces of frames and nothing else.
    Raw {
        /// Whether a frame begins in this packet.
        starts: bool,
    },
    /// In the codec's payload format.
    Of {
        /// Its name.
        codec: &'static str,
        /// Whether there is a Dependency Descriptor.
        is_described: bool,
    },
}

impl FrameStart {
    fn read(payload: &[u8], before: usize) -> Self {
        let shown = &payload[..payload.len().min(SHOWN)];
        let sealed = payload.get(before..).unwrap_or_default();
        Self {
            hex: shown.iter().map(|byte| format!("{byte:02x}")).collect(),
            before,
            header: Header::parse(sealed).ok().map(|header| HeaderFields {
                kid: header.kid().get().to_string(),
                ctr: header.ctr().get().to_string(),
                len: header.len(),
            }),
        }
    }
}

/// Offset of the SFrame header in `payload`, if a frame begins there and a header is possible.
fn sframe_offset(format: Format, payload: &[u8]) -> Option<usize> {
    match format {
        Format::Raw { starts } => starts.then_some(0),
        // One Opus packet is one frame.
        Format::Of { codec: "opus", .. } => Some(0),
        // The Dependency Descriptor marks key frames, so the page leaves nothing in clear.
        Format::Of { codec: "vp8", is_described } => {
            let clear = if is_described { 0 } else { VP8_CLEAR };
            vp8::frame_start(payload).map(|descriptor| descriptor + clear)
        }
        Format::Of { codec: "vp9", .. } => vp9::frame_start(payload),
        Format::Of { codec: "h264", .. } => h264::picture_start(payload),
        Format::Of { codec: "av1", .. } => av1::picture_start(payload),
        Format::Of { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, FrameStart, HeaderFields, MemberId, Tap, TrackId, sframe_offset};
    use crate::message::{Address, Stay, StreamKind, Track};

    /// KID 7 in the first byte, CTR 0x0102 in two bytes after it.
    const HEADER: [u8; 3] = [0x79, 0x01, 0x02];

    const fn member(visit: u64) -> MemberId {
        MemberId { stay: Stay(1), address: Address([1; 16]), visit }
    }

    const SCREEN: TrackId =
        TrackId { from: member(1), track: Track { kind: StreamKind::Screen, index: 2 } };

    fn of(codec: &'static str) -> Format {
        Format::Of { codec, is_described: false }
    }

    #[test]
    fn kid_and_ctr_are_read_after_descriptor_and_clear_byte() {
        let video = [&[0x10, 0x50][..], &HEADER, &[0xee; 20]].concat();
        assert_eq!(sframe_offset(of("vp8"), &video), Some(2));
        let seen = FrameStart::read(&video, 2);
        let expected = HeaderFields { kid: "7".to_owned(), ctr: "258".to_owned(), len: 3 };
        assert_eq!(seen.header, Some(expected));
    }

    #[test]
    fn headers_are_read_only_where_they_are_possible() {
        assert_eq!(sframe_offset(of("opus"), &HEADER), Some(0));
        assert_eq!(sframe_offset(of("vp9"), &[0x08, 0x79]), Some(1));
        let described = Format::Of { codec: "vp8", is_described: true };
        assert_eq!(sframe_offset(described, &[0x10, 0x79]), Some(1));
        assert_eq!(sframe_offset(Format::Raw { starts: true }, &HEADER), Some(0));
        assert_eq!(sframe_offset(Format::Raw { starts: false }, &HEADER), None);
        assert_eq!(sframe_offset(of("h264"), &[0x65, 1, 2, 0x79]), Some(3));
        assert_eq!(sframe_offset(of("av1"), &[0x10, 0x30, 0x79]), Some(2));
        assert_eq!(sframe_offset(of(""), &HEADER), None);
    }

    #[test]
    fn any_bytes_are_counted_without_a_panic() {
        let mut tap = Tap::default();
        for codec in ["opus", "vp8", "vp9", "h264", "av1", ""] {
            for byte in 0..=255 {
                for len in 0..6 {
                    tap.note(SCREEN, codec, of(codec), &[byte; 6][..len]);
                    tap.note(SCREEN, codec, Format::Raw { starts: true }, &[byte; 6][..len]);
                }
            }
        }
        let counts: Vec<u64> = tap.report(&[member(1)]).iter().map(|r| r.stream.packets).collect();
        assert_eq!(counts, [6 * 256 * 6 * 2]);
    }

    #[test]
    fn a_report_shows_one_room_only() {
        let mut tap = Tap::default();
        tap.note(SCREEN, "vp8", of("vp8"), &HEADER);
        assert!(tap.report(&[member(2)]).is_empty());
    }
}
