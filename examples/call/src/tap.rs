//! What a server sees that forwards a call without holding a key.

use std::collections::BTreeMap;

use sealframe_wire::Header;
use serde::Serialize;
use str0m::format::Codec;

use crate::message::{Kind, MemberId};
use crate::vp8;

/// Bytes kept of the latest frame start of each stream.
const SHOWN: usize = 48;

/// VP8 leaves this many bytes of a frame in clear, so that receivers tell key frames apart.
const VP8_CLEAR: usize = 1;

/// Counters and the latest bytes of every stream, by participant and kind.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    streams: BTreeMap<(MemberId, Kind), Stream>,
}

/// One stream through the server's eyes.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Stream {
    packets: u64,
    bytes: u64,
    latest: Option<FrameStart>,
}

/// The front of the latest packet in which a frame began.
#[derive(Clone, Debug, Serialize)]
struct FrameStart {
    /// The first bytes of the RTP payload.
    hex: String,
    /// Bytes before the SFrame header: payload descriptor and clear codec bytes.
    before: usize,
    /// What the SFrame header says; `None` if there is no header to be read.
    header: Option<HeaderFields>,
}

/// KID and CTR are decimal text, because JavaScript's numbers do not hold 64 bits.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
struct HeaderFields {
    kid: String,
    ctr: String,
    len: usize,
}

/// A stream and whose it is, as `/tap` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct StreamReport {
    from: MemberId,
    kind: Kind,
    #[serde(flatten)]
    stream: Stream,
}

impl Tap {
    /// Looks at one RTP payload on its way through.
    pub(crate) fn see(&mut self, from: MemberId, kind: Kind, codec: Codec, payload: &[u8]) {
        let stream = self.streams.entry((from, kind)).or_default();
        stream.packets += 1;
        stream.bytes += payload.len() as u64;
        if let Some(before) = sframe_offset(codec, payload) {
            stream.latest = Some(FrameStart::read(payload, before));
        }
    }

    /// Forgets a participant who left.
    pub(crate) fn forget(&mut self, from: MemberId) {
        self.streams.retain(|(id, _), _| *id != from);
    }

    /// The streams of these participants.
    pub(crate) fn report(&self, members: &[MemberId]) -> Vec<StreamReport> {
        let here = self.streams.iter().filter(|((id, _), _)| members.contains(id));
        here.map(|(&(from, kind), stream)| StreamReport { from, kind, stream: stream.clone() })
            .collect()
    }
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

/// Where the SFrame header lies in `payload`, if a frame begins in it and this server reads its codec's packets.
fn sframe_offset(codec: Codec, payload: &[u8]) -> Option<usize> {
    match codec {
        // One Opus packet is one frame.
        Codec::Opus => Some(0),
        Codec::Vp8 => vp8::frame_start(payload).map(|descriptor| descriptor + VP8_CLEAR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Codec, FrameStart, HeaderFields, Kind, MemberId, Tap, sframe_offset};

    /// KID 7 in the first byte, CTR 0x0102 in two bytes after it.
    const HEADER: [u8; 3] = [0x79, 0x01, 0x02];

    #[test]
    fn kid_and_ctr_are_read_behind_descriptor_and_clear_byte() {
        let video = [&[0x10, 0x50][..], &HEADER, &[0xee; 20]].concat();
        let at = sframe_offset(Codec::Vp8, &video);
        assert_eq!(at, Some(2));
        let seen = FrameStart::read(&video, 2);
        let expected = HeaderFields { kid: "7".to_owned(), ctr: "258".to_owned(), len: 3 };
        assert_eq!(seen.header, Some(expected));
    }

    #[test]
    fn any_bytes_are_counted_and_none_break_it() {
        let mut tap = Tap::default();
        for byte in 0..=255 {
            for len in 0..6 {
                tap.see(MemberId(1), Kind::Audio, Codec::Opus, &[byte; 6][..len]);
                tap.see(MemberId(1), Kind::Video, Codec::Vp8, &[byte; 6][..len]);
            }
        }
        let counts: Vec<u64> = tap.report(&[MemberId(1)]).iter().map(|r| r.stream.packets).collect();
        assert_eq!(counts, [256 * 6, 256 * 6]);
    }

    #[test]
    fn one_room_is_not_shown_to_another() {
        let mut tap = Tap::default();
        tap.see(MemberId(1), Kind::Audio, Codec::Opus, &HEADER);
        assert!(tap.report(&[MemberId(2)]).is_empty());
    }
}
