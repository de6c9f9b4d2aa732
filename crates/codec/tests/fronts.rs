//! Fronts as the specifications define them, and frames that survive packetizers unchanged.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use proptest::{collection::vec, prelude::*};
use sealframe_codec::{MAX_FRONT, UnexpectedFrame, av1, h264};

mod h264_units {
    //! A frame after a sender's packetizer and a receiver's depacketizer: RFC 6184, as in browsers.

    /// The units of a frame, each from its header to the next start code, without trailing zeros:
    /// split at every place where `00 00 01` begins.
    pub(crate) fn split(frame: &[u8]) -> Vec<Vec<u8>> {
        let starts: Vec<usize> =
            (0..frame.len().saturating_sub(2)).filter(|&at| frame[at..at + 3] == [0, 0, 1]).collect();
        let ends = starts.iter().skip(1).copied().chain([frame.len()]);
        let trimmed = |unit: &[u8]| {
            let mut unit = unit.to_vec();
            while unit.last() == Some(&0) {
                unit.pop();
            }
            unit
        };
        let units = starts.iter().zip(ends).map(|(&start, end)| trimmed(&frame[start + 3..end]));
        units.filter(|unit| !unit.is_empty()).collect()
    }

    /// A frame at a receiver: each unit after a start code of four bytes.
    pub(crate) fn arrive(frame: &[u8]) -> Vec<u8> {
        split(frame).iter().flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat()).collect()
    }
}

mod av1_units {
    //! The AV1 RTP specification, §5: unsent OBUs are dropped, sizes are removed, and written
    //! again.

    /// Header, extension and payload of each OBU, by a parser that knows nothing of errors.
    fn split(frame: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut obus = Vec::new();
        let mut at = 0;
        while at < frame.len() {
            let header_len = if frame[at] & 4 == 0 { 1 } else { 2 };
            let header = frame[at..at + header_len].to_vec();
            at += header_len;
            let mut size = frame.len() - at;
            if header[0] & 2 != 0 {
                size = 0;
                for place in 0.. {
                    let byte = frame[at];
                    at += 1;
                    size += usize::from(byte & 127) << (7 * place);
                    if byte < 128 {
                        break;
                    }
                }
            }
            obus.push((header, frame[at..at + size].to_vec()));
            at += size;
        }
        obus
    }

    pub(crate) fn arrive(frame: &[u8]) -> Vec<u8> {
        let kept =
            split(frame).into_iter().filter(|(header, _)| ![2, 8, 15].contains(&(header[0] >> 3 & 15)));
        kept.flat_map(|(mut header, payload)| {
            header[0] |= 2;
            [header, sized(&payload, 1)].concat()
        })
        .collect()
    }

    /// After its size, which has at least this many bytes.
    pub(crate) fn sized(payload: &[u8], least: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut left = payload.len();
        loop {
            let byte = u8::try_from(left % 128).unwrap();
            left /= 128;
            if left == 0 && out.len() + 1 >= least {
                out.push(byte);
                break;
            }
            out.push(byte | 128);
        }
        [&out[..], payload].concat()
    }
}

/// A sealed frame of H.264 and its parts at a receiver.
fn through_h264(frame: &[u8], sealed: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (mut front, mut front_there) = (Vec::new(), Vec::new());
    h264::front(frame, &mut front).unwrap();
    let mut wire = front.clone();
    h264::escape(sealed, &mut wire);
    let mut arrived = h264_units::arrive(&wire);
    let rest = h264::front(&arrived, &mut front_there).unwrap();
    let len = h264::unescape(&front_there, &mut arrived[rest..]).unwrap();
    (front, front_there, arrived[rest..rest + len].to_vec())
}

fn through_av1(frame: &[u8], sealed: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (mut front, mut front_there) = (Vec::new(), Vec::new());
    av1::front(frame, &mut front).unwrap();
    let size = av1::Size::new(sealed.len()).unwrap();
    let arrived = av1_units::arrive(&[&front, size.as_bytes(), sealed].concat());
    let rest = av1::front(&arrived, &mut front_there).unwrap();
    let at = av1::sealed_at(&arrived[rest..]).unwrap();
    (front, front_there, arrived[rest + at..].to_vec())
}

#[test]
fn a_front_of_h264_ends_two_bytes_into_the_first_slice() {
    // Sequence and picture parameter set, then a slice of an IDR picture and one more; codes of
    // three and of four bytes.
    let frame = [
        0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 1, 0x65, 0xb8,
        0x00, 0x04, 0, 0, 1, 0x65, 0x11,
    ];
    let mut front = vec![9];
    let rest = h264::front(&frame, &mut front).unwrap();
    assert_eq!(
        front,
        [
            0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65,
            0xb8, 0x00
        ]
    );
    assert_eq!(frame[rest..], [0x04, 0, 0, 1, 0x65, 0x11]);
}

#[test]
fn what_is_escaped_has_no_start_code() {
    // Front, sealed bytes, and the bytes written after the front.
    let cases: [(&[u8], &[u8], &[u8]); 6] = [
        (&[1], &[1, 2, 3], &[1, 2, 3, 0x80]),
        (&[1], &[0, 0, 1], &[0, 0, 3, 1, 0x80]),
        (&[1], &[0, 0, 0, 0, 0, 4], &[0, 0, 3, 0, 0, 3, 0, 4, 0x80]),
        (&[1, 0], &[0, 2], &[0, 3, 2, 0x80]),
        (&[0, 0], &[3], &[3, 3, 0x80]),
        (&[1], &[7, 0, 0], &[7, 0, 0, 3, 0x80]),
    ];
    for (front, sealed, escaped) in cases {
        let mut wire = front.to_vec();
        h264::escape(sealed, &mut wire);
        assert_eq!(wire[front.len()..], *escaped);
        let len = h264::unescape(front, &mut wire[front.len()..]).unwrap();
        assert_eq!(wire[front.len()..][..len], *sealed);
    }
    assert_eq!(h264::unescape(&[], &mut []), Err(UnexpectedFrame));
    assert_eq!(h264::unescape(&[], &mut [1, 2]), Err(UnexpectedFrame));
}

#[test]
fn a_front_of_av1_ends_behind_the_header_of_the_first_frame() {
    // Temporal delimiter; sequence header, its size in two bytes; frame with an extension; a tile
    // group.
    let frame = [0x12, 0, 0x0a, 0x83, 0x00, 1, 2, 3, 0x36, 0x08, 2, 0xaa, 0xbb, 0x22, 1, 0xcc];
    let mut front = vec![9];
    let rest = av1::front(&frame, &mut front).unwrap();
    assert_eq!(front, [0x0a, 3, 1, 2, 3, 0x36, 0x08]);
    assert_eq!(frame[rest..], [2, 0xaa, 0xbb, 0x22, 1, 0xcc]);
}

#[test]
fn a_last_obu_without_a_size_gets_one() {
    let long = [&[0x30][..], &[5; 200]].concat();
    let sized_long = [&[0x32, 200, 1][..], &[5; 200]].concat();
    let cases: [(&[u8], &[u8]); 6] = [
        (&[0x12, 0, 0x30, 0x10, 1, 2, 3], &[0x12, 0, 0x32, 4, 0x10, 1, 2, 3]),
        (&[0x30, 0x10, 1], &[0x32, 2, 0x10, 1]),
        // With an extension; a frame header, then bytes that are not read.
        (&[0x0a, 1, 9, 0x34, 0x08, 7], &[0x0a, 1, 9, 0x36, 0x08, 1, 7]),
        (&[0x1a, 1, 7, 0x20, 8], &[0x1a, 1, 7, 0x20, 8]),
        (&[0x30], &[0x32, 0]),
        (&long, &sized_long),
    ];
    for (frame, sized) in cases {
        let mut buf = [frame, &[0xee; av1::Size::MAX_LEN]].concat();
        let len = av1::write_size(&mut buf, frame.len()).unwrap();
        assert_eq!(buf[..len], *sized);
        assert!(buf[len..].iter().all(|&byte| byte == 0xee));
        assert_eq!(av1::write_size(&mut buf, len), Ok(len), "it has one now");
        assert!(av1::front(sized, &mut Vec::new()).is_ok());
    }
    // No picture, not well made, no room.
    for (frame, room) in
        [(&[][..], 9), (&[0x12, 0], 9), (&[0x0a, 9, 1], 9), (&[0xb0, 1], 9), (&[0x30, 1], 0)]
    {
        let mut buf = [frame, &vec![0xee; room]].concat();
        let before = buf.clone();
        assert_eq!(av1::write_size(&mut buf, frame.len()), Err(UnexpectedFrame));
        assert_eq!(buf, before);
    }
}

#[test]
fn sizes_are_as_short_as_can_be() {
    for (size, bytes) in [
        (0, &[0][..]),
        (127, &[127]),
        (128, &[128, 1]),
        (16_383, &[255, 127]),
        (16_384, &[128, 128, 1]),
        (0xffff_ffff, &[255, 255, 255, 255, 15]),
    ] {
        assert_eq!(av1::Size::new(size).unwrap().as_bytes(), bytes);
    }
    assert!(av1::Size::new(1 << 32).is_none());
    assert_eq!(av1::sealed_at(&[2, 7, 7]), Ok(1));
    assert_eq!(av1::sealed_at(&[2, 7]), Err(UnexpectedFrame));
    assert_eq!(av1::sealed_at(&[1, 7, 7]), Err(UnexpectedFrame));
    assert_eq!(av1::sealed_at(&[0x80]), Err(UnexpectedFrame));
}

#[test]
fn frames_that_no_encoder_makes_are_refused() {
    let mut front = Vec::new();
    let long = [&[0, 0, 1, 6][..], &vec![5; MAX_FRONT], &[0, 0, 1, 0x65, 1, 2]].concat();
    let many = [&[0, 0, 1, 6, 5].repeat(40)[..], &[0, 0, 1, 0x65, 1, 2]].concat();
    for frame in [
        &[][..],
        &[0, 0, 1],
        &[0, 0, 1, 0x67, 1],
        &[7, 0, 0, 1, 0x65, 1, 2],
        &[0, 0, 1, 0x65, 1],
        &long,
        &many,
    ] {
        assert_eq!(h264::front(frame, &mut front), Err(UnexpectedFrame), "{frame:?}");
    }
    let long = [&[0x0a][..], &av1_units::sized(&vec![5; MAX_FRONT], 1), &[0x32, 0]].concat();
    let many = [&[0x2a, 0].repeat(40)[..], &[0x32, 0]].concat();
    let missing: [&[u8]; 7] =
        [&[], &[0x12, 0], &[0x0a, 9, 1], &[0xb2, 0], &[0x33, 0], &[0x30, 1, 2], &[0x36]];
    for frame in missing.into_iter().chain([&long[..], &many]) {
        assert_eq!(av1::front(frame, &mut front), Err(UnexpectedFrame), "{frame:?}");
    }
}

/// A unit's payload, with zeros and ones in it more often than chance has them; never with what
/// would be a start code, and not ending in zero.
fn unit(header: impl Strategy<Value = u8>, longest: usize) -> impl Strategy<Value = Vec<u8>> {
    (header, vec(prop_oneof![Just(0_u8), Just(1), 0..5_u8, any::<u8>()], 2..longest)).prop_map(
        |(header, payload)| {
            let mut unit = vec![header];
            let mut zeros = 0;
            for byte in payload {
                if zeros == 2 && byte <= 3 {
                    unit.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                unit.push(byte);
            }
            unit.push(0x80);
            unit
        },
    )
}

proptest! {
    #[test]
    fn h264_goes_through(
        before in vec((unit(prop_oneof![Just(0x67), Just(0x68), Just(6), Just(9)], 30), 0..4_usize), 0..5),
        slices in vec(unit(prop_oneof![Just(0x65), Just(0x41)], 80), 1..4),
        sealed in vec(prop_oneof![Just(0_u8), 0..5_u8, any::<u8>()], 0..200),
    ) {
        let mut frame = Vec::new();
        for (unit, zeros) in &before {
            frame.extend([0, 0, 1].iter().chain(unit).chain(&vec![0; *zeros]));
        }
        for slice in &slices {
            frame.extend([0, 0, 0, 1].iter().chain(slice));
        }
        let (front, front_there, sealed_there) = through_h264(&frame, &sealed);
        prop_assert_eq!(&front, &front_there);
        prop_assert_eq!(sealed_there, sealed);
        // The opened frame has the units of the frame.
        let rest = h264::front(&frame, &mut Vec::new()).unwrap();
        prop_assert_eq!(h264_units::split(&[&front, &frame[rest..]].concat()), h264_units::split(&frame));
    }

    #[test]
    fn av1_goes_through(
        before in vec((0..7_usize, vec(any::<u8>(), 0..200), 1..4_usize), 0..5),
        frame_header in prop_oneof![Just(vec![0x32]), Just(vec![0x36, 0x48]), Just(vec![0x1a])],
        payload in vec(any::<u8>(), 0..300),
        behind in vec(any::<u8>(), 0..100),
        sealed in vec(any::<u8>(), 0..40_000),
    ) {
        let mut frame = Vec::new();
        for (kind, payload, least) in &before {
            // Temporal delimiter, sequence header, metadata, tile list, padding, and two that are
            // reserved.
            frame.push([2_u8, 1, 5, 8, 15, 9, 14][*kind] << 3 | 2);
            frame.extend(av1_units::sized(payload, *least));
        }
        frame.extend(&frame_header);
        frame.extend(av1_units::sized(&payload, 1));
        frame.extend([0x22].into_iter().chain(av1_units::sized(&behind, 1)));
        let (front, front_there, sealed_there) = through_av1(&frame, &sealed);
        prop_assert_eq!(&front, &front_there);
        prop_assert_eq!(sealed_there, sealed);
        let rest = av1::front(&frame, &mut Vec::new()).unwrap();
        prop_assert_eq!(av1_units::arrive(&[&front, &frame[rest..]].concat()), av1_units::arrive(&frame));
    }

    #[test]
    fn no_bytes_are_too_strange(mut bytes in vec(prop_oneof![Just(0_u8), Just(1), Just(0x65), Just(0x32), any::<u8>()], 0..200)) {
        let mut front = Vec::new();
        if let Ok(rest) = h264::front(&bytes, &mut front) {
            prop_assert!(rest <= bytes.len());
            prop_assert!(front.len() <= rest + sealframe_codec::FRONT_GROWTH);
            let _ = h264::unescape(&front, &mut bytes[rest..]);
        }
        if let Ok(rest) = av1::front(&bytes, &mut front) {
            prop_assert!(rest <= bytes.len());
            prop_assert!(front.len() <= rest + sealframe_codec::FRONT_GROWTH);
            if let Ok(at) = av1::sealed_at(&bytes[rest..]) {
                prop_assert!(rest + at <= bytes.len());
            }
        }
    }
}

#[test]
fn every_three_bytes_are_looked_at() {
    let mut front = Vec::new();
    for number in 0..1_u32 << 24 {
        let [_, bytes @ ..] = number.to_be_bytes();
        let _ = av1::front(&bytes, &mut front);
        let _ = h264::front(&bytes, &mut front);
    }
}
