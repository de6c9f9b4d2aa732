//! Key frames and units, by their first bytes as encoders write them, and by loops that look at
//! every byte.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use proptest::{collection::vec, prelude::*};
use sealframe_codec::{
    Codec, FrameKind,
    annex_b::{escape, escapes, has_start_code, last_unescaped, unescape, unescaped_len, units},
    h264, h265, opus,
};

const KEY: Option<FrameKind> = Some(FrameKind::Key);
const DELTA: Option<FrameKind> = Some(FrameKind::Delta);

/// Units as the specification's syntax has them: where `00 00 01` is, written with a comparison at
/// every place.
fn units_of(frame: &[u8]) -> Vec<(usize, usize, usize)> {
    let codes: Vec<usize> =
        (0..frame.len().saturating_sub(2)).filter(|&at| frame[at..at + 3] == [0, 0, 1]).collect();
    let begin = |place: usize, code: usize| {
        let least = if place == 0 { 0 } else { codes[place - 1] + 3 };
        if code > least && frame[code - 1] == 0 { code - 1 } else { code }
    };
    let starts: Vec<usize> =
        codes.iter().enumerate().map(|(place, &code)| begin(place, code)).collect();
    let ends = starts.iter().skip(1).copied().chain([frame.len()]);
    starts.iter().zip(&codes).zip(ends).map(|((&start, &code), end)| (start, code + 3, end)).collect()
}

/// `00 00 03` for every two zeros before a byte up to 3.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut zeros = 0;
    for &byte in bytes {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { (zeros + 1).min(2) } else { 0 };
        out.push(byte);
    }
    out
}

/// Every `00 00 03` without its `03`, left to right.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(&[0, 0, 3]) {
            out.extend([0, 0]);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[test]
fn key_frames_are_told_by_their_own_bytes() {
    let cases: [(Codec, &[u8], Option<FrameKind>); 30] = [
        (Codec::Opus, &[0x78, 1], None),
        (Codec::Vp8, &[], None),
        (Codec::Vp8, &[0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a], KEY),
        (Codec::Vp8, &[0x31, 0x02, 0x00], DELTA),
        (Codec::Vp9, &[], None),
        (Codec::Vp9, &[0x82, 0x49, 0x83, 0x42, 0x00], KEY),
        (Codec::Vp9, &[0x82, 0x49, 0x83], None),
        (Codec::Vp9, &[0x82, 0x49, 0x83, 0x43, 0x00], None),
        (Codec::Vp9, &[0x86, 0x00, 0x40], DELTA),
        (Codec::Vp9, &[0x88], DELTA), // shows an earlier frame
        (Codec::Vp9, &[0xb1, 0x24, 0xc1, 0xa1, 0x00], KEY), // profile 3, a bit later
        (Codec::Vp9, &[0xb9, 0x24, 0xc1, 0xa1, 0x00], None), // its reserved bit
        (Codec::Vp9, &[0x42, 0x49, 0x83, 0x42, 0x00], None),
        (Codec::H264, &[], None),
        (Codec::H264, &[0, 0, 1], None),
        (Codec::H264, &[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65, 0x88], KEY),
        (Codec::H264, &[0, 0, 0, 1, 0x09, 0x30, 0, 0, 0, 1, 0x41, 0x9a], DELTA),
        (Codec::H264, &[0, 0, 1, 0x42, 1], DELTA), // data partition
        (Codec::H264, &[0, 0, 1, 0x67, 1], None),
        // IDR_W_RADL
        (Codec::H265, &[0, 0, 1, 0x40, 1, 0, 0, 1, 0x42, 1, 0, 0, 1, 0x26, 1, 0xaf], KEY),
        (Codec::H265, &[0, 0, 1, 0x2a, 1, 0xaf], KEY), // CRA
        (Codec::H265, &[0, 0, 1, 0x02, 1, 0xd0], DELTA),
        (Codec::H265, &[0, 0, 1, 0x4e, 1, 5], None),
        (Codec::Av1, &[], None),
        (Codec::Av1, &[0x12, 0, 0x0a, 2, 0x00, 0x00, 0x32, 2, 0x10, 0x00], KEY),
        (Codec::Av1, &[0x12, 0, 0x32, 2, 0x30, 0x00], DELTA),
        (Codec::Av1, &[0x32, 2, 0x90, 0x00], DELTA), // shows an earlier frame
        (Codec::Av1, &[0x0a, 2, 0x18, 0x00, 0x32, 2, 0x30, 0x00], KEY), // a still picture
        (Codec::Av1, &[0x32, 0], None),
        (Codec::Av1, &[0x32, 9, 0], None),
    ];
    for (codec, frame, kind) in cases {
        assert_eq!(codec.frame_kind(frame), kind, "{codec:?} {frame:02x?}");
    }
}

#[test]
fn start_codes_have_three_bytes_or_four() {
    let frame = [9, 0, 0, 0, 0, 1, 0x67, 7, 0, 0, 0, 1, 0x68, 0, 0, 1, 0, 0, 1, 0x65, 0, 0, 1];
    let found: Vec<_> = units(&frame).map(|unit| (unit.start, unit.at, unit.bytes.to_vec())).collect();
    assert_eq!(
        found,
        [
            (2, 6, vec![0x67, 7]),
            (8, 12, vec![0x68]),
            (13, 16, vec![]),
            (16, 19, vec![0x65]),
            (20, 23, vec![])
        ]
    );
    let kinds: Vec<_> = units(&frame).map(|unit| h264::kind(&unit)).collect();
    assert_eq!(kinds, [Some(7), Some(8), None, Some(5), None]);
    let kinds: Vec<_> = units(&frame).map(|unit| h265::kind(&unit)).collect();
    assert_eq!(kinds, [Some(51), Some(52), None, Some(50), None]);
}

#[test]
fn a_slices_front_covers_three_codes() {
    // The bytes after the header; how many of them cover the codes.
    let cases: [(&[u8], usize); 10] = [
        (&[], 0),
        (&[0xe0], 1),
        (&[0xe0, 1], 1),
        (&[0x47, 0x60, 1], 2),
        (&[0x88, 0x84, 0x21], 2),
        (&[0xff, 0xff], 1),
        (&[0x24, 0x90, 0x00, 1], 2),          // nine bits
        (&[0, 0, 3, 0x80, 0, 0xe0, 0xfa], 6), // an escape among leading zeros
        (&[0, 0, 3, 0, 0, 3, 1, 1], 0),       // no code is so long
        (&[0x01], 1),                         // cut off
    ];
    for (payload, len) in cases {
        let frame = [&[0, 0, 1, 0x65][..], payload].concat();
        let unit = units(&frame).next().unwrap();
        assert_eq!(h264::slice_front_len(&unit), len, "{payload:02x?}");
    }
}

#[test]
fn the_first_byte_of_opus_has_three_fields() {
    let toc = opus::Toc::from_packet(&opus::SILENCE).unwrap();
    assert_eq!((toc.config, toc.is_stereo, toc.code), (31, false, 0));
    let toc = opus::Toc::from_packet(&[0x7f]).unwrap();
    assert_eq!((toc.config, toc.is_stereo, toc.code), (15, true, 3));
    assert_eq!(opus::Toc::from_packet(&[]), None);
}

/// Bytes with zeros and small numbers in them more often than chance has them.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![3 => Just(0_u8), 1 => Just(1), 1 => Just(3), 1 => 0..5_u8, 1 => any::<u8>()],
        0..most,
    )
}

fn last<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.last_chunk().copied()
}

proptest! {
    #[test]
    fn units_are_where_every_place_is_compared(frame in prop_oneof![bytes(60), vec(any::<u8>(), 0..60)]) {
        let found: Vec<_> = units(&frame).map(|unit| (unit.start, unit.at, unit.end())).collect();
        prop_assert_eq!(&found, &units_of(&frame));
        prop_assert_eq!(has_start_code(&frame), !found.is_empty());
        for unit in units(&frame) {
            prop_assert_eq!(unit.bytes, &frame[unit.at..unit.end()]);
            prop_assert!(h264::slice_front_len(&unit) <= unit.bytes.len().saturating_sub(1));
        }
        for codec in Codec::ALL {
            let _ = codec.frame_kind(&frame);
        }
    }

    #[test]
    fn escapes_are_put_in_and_taken_out(tail in bytes(80), room in 0..40_usize) {
        let expected = escaped(&tail);
        prop_assert_eq!(escapes(&tail), expected.len() - tail.len());
        let mut buf = tail.clone();
        buf.resize(tail.len() + room, 0xaa);
        let before = buf.clone();
        match escape(&mut buf, tail.len()) {
            Some(len) => {
                prop_assert_eq!(&buf[..len], &expected);
                prop_assert!(!has_start_code(&buf[..len]));
                let back = unescape(&mut buf[..len]);
                prop_assert_eq!(&buf[..back], &tail);
            }
            None => {
                prop_assert!(expected.len() > buf.len());
                prop_assert_eq!(buf, before);
            }
        }
    }

    #[test]
    fn whatever_was_escaped_is_unescaped_left_to_right(mut wire in bytes(80)) {
        let expected = unescaped(&wire);
        prop_assert_eq!(unescaped_len(&wire), expected.len());
        prop_assert_eq!(last_unescaped::<4>(&wire), last(&expected));
        prop_assert_eq!(last_unescaped::<0>(&wire), last(&expected));
        let len = unescape(&mut wire);
        prop_assert_eq!(&wire[..len], &expected);
    }
}
