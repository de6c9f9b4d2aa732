//! Target `codec`: the bytes are a frame of every codec.

use sealframe_codec::{
    Codec, FRONT_GROWTH, FrameKind,
    annex_b::{escape, escapes, has_start_code, unescape, units},
    av1, h264, h265,
};

/// Parsers agree with loops over every byte, and nothing that they return lies outside the frame.
pub fn codec(data: &[u8]) {
    annex_b(data);
    emulation_prevention(data);
    obus(data);
    fronts(data);
    for codec in Codec::ALL {
        let kind = codec.frame_kind(data);
        match codec {
            Codec::Opus => assert_eq!(kind, None),
            Codec::Vp8 => {
                let is_key = data.first().map(|tag| tag % 2 == 0);
                assert_eq!(kind.map(|kind| kind == FrameKind::Key), is_key);
            }
            Codec::Vp9 => assert_eq!(kind, vp9_kind(data)),
            Codec::H264 | Codec::H265 | Codec::Av1 => {}
        }
    }
}

/// Compares at every offset.
fn annex_b(data: &[u8]) {
    let codes: Vec<usize> =
        (0..data.len().saturating_sub(2)).filter(|&at| data[at..at + 3] == [0, 0, 1]).collect();
    assert_eq!(has_start_code(data), !codes.is_empty());
    let found: Vec<_> = units(data).collect();
    assert_eq!(
        found.iter().map(|unit| unit.at).collect::<Vec<_>>(),
        codes.iter().map(|at| at + 3).collect::<Vec<_>>()
    );
    let (mut h264_kinds, mut h265_kinds) = (Vec::new(), Vec::new());
    for (place, unit) in found.iter().enumerate() {
        let before = if place == 0 { 0 } else { found[place - 1].end() };
        let zero = unit.at > before + 3 && data[unit.at - 4] == 0;
        assert_eq!(unit.start, unit.at - 3 - usize::from(zero));
        assert_eq!(unit.end(), found.get(place + 1).map_or(data.len(), |next| next.start));
        assert_eq!(unit.bytes, &data[unit.at..unit.end()]);
        assert_eq!(h264::slice_front_len(unit), slice_front_len(unit.bytes));
        h264_kinds.extend(h264::kind(unit));
        h265_kinds.extend(h265::kind(unit));
        assert_eq!(h265::is_slice(unit), unit.bytes.first().is_some_and(|byte| byte >> 1 & 63 < 32));
    }
    let kind = |has_key: bool, has_slice: bool| match (has_key, has_slice) {
        (true, _) => Some(FrameKind::Key),
        (false, true) => Some(FrameKind::Delta),
        (false, false) => None,
    };
    let is_slice = |kind: &u8| [1, 2, 3, 4, 5, 20, 21].contains(kind);
    assert_eq!(h264::frame_kind(data), kind(h264_kinds.contains(&5), h264_kinds.iter().any(is_slice)));
    let is_key = |kind: &u8| (16..24).contains(kind);
    assert_eq!(
        h265::frame_kind(data),
        kind(h265_kinds.iter().any(is_key), h265_kinds.iter().any(|&kind| kind < 32))
    );
}

/// Length up to the end of three Exp-Golomb codes, read from a string of bits with escapes marked.
fn slice_front_len(unit: &[u8]) -> usize {
    let payload = unit.get(1..).unwrap_or_default();
    let bits: Vec<u8> =
        payload.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1)).collect();
    let (mut at, mut zeros, mut codes) = (0, 0, 0);
    while codes < 3 && at < bits.len() {
        if at % 8 == 0 && at >= 16 && payload[at / 8 - 2..].starts_with(&[0, 0, 3]) {
            at += 8;
        } else if bits[at] == 1 {
            (at, zeros, codes) = (at + 1 + zeros, 0, codes + 1);
        } else {
            (at, zeros) = (at + 1, zeros + 1);
            if zeros == 32 {
                return 0;
            }
        }
    }
    (at / 8 + 1).min(payload.len())
}

fn emulation_prevention(data: &[u8]) {
    let (mut escaped, mut zeros) = (Vec::new(), 0);
    for &byte in data {
        if zeros >= 2 && byte <= 3 {
            escaped.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        escaped.push(byte);
    }
    assert_eq!(escapes(data), escaped.len() - data.len());
    let mut buf = data.to_vec();
    buf.resize(escaped.len(), 0xaa);
    assert_eq!(escape(&mut buf, data.len()), Some(escaped.len()));
    assert_eq!(buf, escaped);
    assert!(!has_start_code(&buf));
    let len = unescape(&mut buf);
    assert_eq!(&buf[..len], data);
    if escaped.len() > data.len() {
        let mut short = data.to_vec();
        assert_eq!(escape(&mut short, data.len()), None);
        assert_eq!(short, data);
    }

    let (mut unescaped, mut at) = (Vec::<u8>::new(), 0);
    while at < data.len() {
        let is_escape = data[at..].starts_with(&[0, 0, 3]);
        unescaped.extend(if is_escape { &[0, 0][..] } else { &data[at..=at] });
        at += if is_escape { 3 } else { 1 };
    }
    let mut buf = data.to_vec();
    let len = unescape(&mut buf);
    assert_eq!(&buf[..len], unescaped);
}

/// OBUs follow each other without gaps and fill the frame, unless one is malformed.
fn obus(data: &[u8]) {
    let mut at = 0;
    for obu in av1::obus(data) {
        let Ok(obu) = obu else {
            assert_eq!(av1::obus(data).last().map(|last| last.is_err()), Some(true));
            return;
        };
        assert_eq!(obu.header, &data[at..obu.behind_header]);
        assert_eq!(obu.header.len(), if data[at] & 4 == 0 { 1 } else { 2 });
        assert_eq!(obu.has_size(), data[at] & 2 != 0);
        assert_eq!(obu.has_size(), obu.payload_at > obu.behind_header);
        assert_eq!(obu.payload, &data[obu.payload_at..][..obu.payload.len()]);
        if obu.has_size() {
            let size = &data[obu.behind_header..obu.payload_at];
            let value = size.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 127));
            assert_eq!(value, obu.payload.len() as u64);
            assert!(size.iter().rev().skip(1).all(|byte| byte & 128 != 0));
        }
        at = obu.payload_at + obu.payload.len();
    }
    assert_eq!(at, data.len());
}

/// Reads bit by bit.
fn vp9_kind(data: &[u8]) -> Option<FrameKind> {
    let mut bits = data.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1));
    let mut read =
        |count: u32| (0..count).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(bits.next()?)));
    if read(2)? != 2 || (read(2)? == 3 && read(1)? == 1) {
        return None;
    }
    if read(1)? == 1 || read(1)? == 1 {
        return Some(FrameKind::Delta);
    }
    read(2)?;
    (read(24)? == 0x49_8342).then_some(FrameKind::Key)
}

fn fronts(data: &[u8]) {
    let mut front = Vec::new();
    if let Ok(rest) = h264::front(data, &mut front) {
        assert!(rest <= data.len() && front.len() <= rest + FRONT_GROWTH);
        let mut wire = front.clone();
        h264::escape(&data[rest..], &mut wire);
        let len = h264::unescape(&front, &mut wire[front.len()..]).expect("escaped");
        assert_eq!(wire[front.len()..][..len], data[rest..]);
    }
    if let Ok(rest) = av1::front(data, &mut front) {
        assert!(rest <= data.len() && front.len() <= rest + FRONT_GROWTH);
        if let Ok(at) = av1::sealed_at(&data[rest..]) {
            assert!(rest + at <= data.len());
        }
    }
}
