//! Frames of H.264 and H.265 as sealed for LiveKit's clients, and as these clients receive them
//! from packets: start codes of four bytes, the slice found in the bytes whatever codec is
//! declared.
//!
//! wasm/test/peers/units.test.mjs has livekit-client's own worker open and seal what encoders make.
#![cfg(feature = "livekit")]
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_profiles::{
    Backend, Codec, FrameBuf, FrameInfo, FrameType, SealError,
    livekit::{Config, Key, Peer, Receiver, Sender},
};

fn info(codec: Option<Codec>, timestamp: u32) -> FrameInfo {
    FrameInfo::video(codec, FrameType::Key, 0x1122_3344, timestamp)
}

fn sender(peer: Peer) -> Sender {
    let mut sender = Sender::new(Config::new(Backend::recommended()).with_peer(peer));
    sender.set_key(0, Key::hkdf(&[7; 32])).unwrap();
    sender
}

fn receiver() -> Receiver {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.set_key(0, Key::hkdf(&[7; 32]));
    receiver
}

/// A frame after RTP's packets: each unit after four bytes.
fn through_packets(frame: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for (at, &byte) in frame.iter().enumerate() {
        let is_short = frame[at..].starts_with(&[0, 0, 1]) && !frame[..at].ends_with(&[0]);
        out.extend(is_short.then_some(0));
        out.push(byte);
    }
    out
}

/// Units after start codes of this length each.
fn frame(codes: usize, units: &[&[u8]]) -> Vec<u8> {
    let code = &[0, 0, 0, 1][4 - codes..];
    units.iter().flat_map(|unit| [code, unit].concat()).collect()
}

const SLICE: &[u8] = &[0x65, 0xb8, 0x10, 0x33, 0x33, 0x33, 0x33, 0x33];
const SEI: &[u8] = &[0x06, 5, 2, 9, 9, 0x80];
const AUD: &[u8] = &[0x09, 0xf0];
const H265_VPS: &[u8] = &[0x40, 1, 0x0c];
const H265_IDR: &[u8] = &[0x26, 1, 0xaf, 0x33, 0x33, 0x33, 0x33, 0x33];

/// Frames, and where in them, written long, the clear bytes end.
fn cases() -> Vec<(Vec<&'static [u8]>, usize)> {
    vec![
        (vec![SLICE], 6),
        (vec![SLICE, SLICE], 6),
        (vec![&[0x67, 0x42, 9], &[0x68, 0xce], SLICE], 4 + 3 + 4 + 2 + 6),
        // These read as slices of H.265: they are none.
        (vec![SEI, SLICE], 4 + 6 + 6),
        (vec![AUD, SEI, SLICE, SLICE], 4 + 2 + 4 + 6 + 6),
        (vec![&[0x27, 0x42, 9], &[0x28, 0xce, 1, 1], SLICE], 4 + 3 + 4 + 4 + 6),
        (vec![H265_VPS, H265_IDR, H265_IDR], 4 + 3 + 6),
        // Slices of three and two bytes, at the end.
        (vec![AUD, &[0x41, 0x9a, 0x80]], 4 + 2 + 6),
        (vec![&[0x41, 0x9a]], 6),
    ]
}

#[test]
fn clear_bytes_are_sealed_as_packets_bring_them() {
    for (units, clear) in cases() {
        for codes in [3, 4] {
            let (given, long) = (frame(codes, &units), frame(4, &units));
            for codec in [Some(Codec::H264), Some(Codec::H265), None] {
                let mut sender = sender(Peer::JavaScript);
                let room = sender.room(&given, &info(codec, 1)).unwrap();
                let sealed = sender.seal_to_vec(&given, &info(codec, 1)).unwrap();
                assert!(sealed.len() <= given.len() + room);
                assert_eq!(sealed[..clear], long[..clear], "{units:x?} as {codec:?}");
                assert_eq!(through_packets(&sealed), sealed, "{units:x?}");
                let opened = receiver().open_to_vec(&sealed, &info(codec, 0)).unwrap();
                assert_eq!(
                    opened,
                    [&long[..clear], &given[clear - clear_growth(&given, &units, clear)..]].concat()
                );
            }
        }
    }
}

/// How many bytes the clear ones have grown by.
fn clear_growth(given: &[u8], units: &[&[u8]], clear: usize) -> usize {
    let is_short = !given.starts_with(&[0, 0, 0, 1]);
    let (mut at, mut before) = (0, 0);
    for unit in units {
        before += usize::from(at < clear);
        at += 4 + unit.len();
        if at >= clear {
            break;
        }
    }
    if is_short { before } else { 0 }
}

#[test]
fn sealing_in_place_needs_room_for_the_longer_codes_and_spends_nothing_without() {
    let given = frame(3, &[&[0x67, 0x42, 9], SLICE]);
    let info = info(Some(Codec::H264), 1);
    let mut sender = sender(Peer::JavaScript);
    let room = sender.room(&given, &info).unwrap();
    let mut buf = [&[9; 5][..], &given, &vec![7; room]].concat();
    let before = buf.clone();
    let (start, end) = (5, 5 + given.len());
    let short = FrameBuf::new(&mut buf[..end + room - 1], start..end).unwrap();
    assert_eq!(sender.seal_in_place(short, &info), Err(SealError::NoTailroom { need: room }));
    assert_eq!((&buf, sender.next_count(info.ssrc)), (&before, 0));
    let whole = FrameBuf::new(&mut buf, start..end).unwrap();
    let sealed = sender.seal_in_place(whole, &info).unwrap().to_vec();
    assert_eq!(buf[..start], [9; 5]);
    let opened = receiver().open_to_vec(&sealed, &info).unwrap();
    assert_eq!(opened, frame(4, &[&[0x67, 0x42, 9], SLICE]));
    let mut out = vec![0; given.len() + room];
    let mut again = self::sender(Peer::JavaScript);
    assert_eq!(again.seal_into(&given, &info, &mut out).unwrap(), sealed);
}

#[test]
fn what_has_no_slice_or_something_before_it_goes_by_its_type() {
    for given in
        [&[0, 0, 1, 0x67, 9, 9, 9, 9, 9, 9, 9][..], &[7, 0, 0, 1, 0x65, 1, 2, 3, 4, 5, 6, 7], &[9; 20]]
    {
        let mut sender = sender(Peer::JavaScript);
        let sealed = sender.seal_to_vec(given, &info(Some(Codec::H264), 1)).unwrap();
        assert_eq!((&sealed[..10], sealed.len()), (&given[..10], given.len() + 30));
        assert_eq!(receiver().open_to_vec(&sealed, &info(Some(Codec::H264), 0)).unwrap(), given);
    }
}

#[test]
fn frames_of_livekit_client_before_2_23_open() {
    // It took the SEI of a frame of undeclared codec for a slice of H.265: two bytes of that stayed
    // readable.
    let given = frame(4, &[SEI, SLICE]);
    let key = Key::hkdf(&[7; 32]);
    let mut receiver = receiver();
    receiver.set_key(0, key);
    let aes_key = receiver.expose_next(0).unwrap()[..16].to_vec();
    let key = sealframe_crypto::AeadKey::new(
        sealframe_crypto::Cipher::recommended(sealframe_crypto::CipherSuite::Aes128GcmSha256_128),
        &aes_key,
    );
    let (clear, mut payload, mut tag) = (&given[..6], given[6..].to_vec(), [0; 16]);
    let iv = [0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4, 1, 2, 3, 4];
    key.unwrap().encrypt(iv, clear, &mut payload, &mut tag).unwrap();
    let mut tail = [&payload[..], &tag, &iv, &[12, 0]].concat();
    let len = tail.len();
    tail.resize(2 * len, 0);
    let len = sealframe_codec::annex_b::escape(&mut tail, len).unwrap();
    let sealed = [clear, &tail[..len]].concat();
    assert_eq!(receiver.open_to_vec(&sealed, &info(None, 0)).unwrap(), given);
}

#[test]
fn native_clients_of_today_and_before_m137_are_understood_in_h265() {
    // Today: up to two bytes into the first slice, the rest escaped.
    let given = frame(3, &[H265_VPS, H265_IDR]);
    let long = [&frame(4, &[H265_VPS])[..], &[0, 0, 0, 1], H265_IDR].concat();
    let h265 = |timestamp| info(Some(Codec::H265), timestamp);
    let mut native = sender(Peer::Native);
    let sealed = native.seal_to_vec(&given, &h265(1)).unwrap();
    assert_eq!(sealed[..13], long[..13]);
    assert_eq!(sealed, sender(Peer::JavaScript).seal_to_vec(&given, &h265(1)).unwrap());
    assert_eq!(receiver().open_to_vec(&sealed, &h265(0)).unwrap(), long);
    // Its first slice lies beyond byte 253: a search finds where it cuts off.
    let unit = [&[0x4e, 1][..], &[0x77; 300]].concat();
    let far = frame(4, &[&unit, H265_IDR]);
    let sealed = native.seal_to_vec(&far, &h265(2)).unwrap();
    assert_eq!(receiver().open_to_vec(&sealed, &h265(0)).unwrap(), far);
    // Before m137: nothing readable, nothing escaped. The layout of VP9.
    let vp9 = info(Some(Codec::Vp9), 3);
    let sealed = native.seal_to_vec(&far, &vp9).unwrap();
    assert_eq!(receiver().open_to_vec(&sealed, &h265(0)).unwrap(), far);
}

#[test]
fn there_is_room_for_however_many_codes_become_longer() {
    // Parameter sets of two bytes: the frame grows by half of their bytes and hardly by escapes.
    for sets in [1, 30, 300] {
        let units: Vec<&[u8]> =
            core::iter::repeat_n(&[0x68, 0xce][..], sets).chain([&[0x65, 0xb8][..]]).collect();
        let given = frame(3, &units);
        let mut sender = sender(Peer::JavaScript);
        let sealed = sender.seal_to_vec(&given, &info(Some(Codec::H264), 1)).unwrap();
        let opened = receiver().open_to_vec(&sealed, &info(Some(Codec::H264), 0)).unwrap();
        assert_eq!(opened, frame(4, &units), "{sets}");
    }
}

#[test]
fn native_clients_frames_without_a_slice_open_with_their_escapes() {
    let sps = [&[0x67][..], &[0x77; 60_000]].concat();
    let vps = [H265_VPS, &[0x77; 60_000]].concat();
    for (codec, unit) in [(Codec::H264, sps), (Codec::H265, vps)] {
        let given = frame(4, &[&unit]);
        let (mut native, mut receiver) = (sender(Peer::Native), receiver());
        let mut escaped = 0;
        for timestamp in 1.. {
            let info = info(Some(codec), timestamp);
            let sealed = native.seal_to_vec(&given, &info).unwrap();
            assert!(receiver.open_to_vec(&sealed, &info).unwrap() == given, "{codec:?}");
            escaped += usize::from(sealed.len() > given.len() + Sender::OVERHEAD);
            if escaped == 2 {
                break;
            }
        }
    }
}

#[test]
fn a_slice_that_livekit_client_is_too_short_for_is_sealed_by_type() {
    // It wants four bytes of a unit to see it: ten bytes of this key frame stay readable, the
    // slice's first among them.
    let given = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 0xb8, 0x80];
    let mut receiver = receiver();
    let aes_key = receiver.expose_next(0).unwrap()[..16].to_vec();
    let key = sealframe_crypto::AeadKey::new(
        sealframe_crypto::Cipher::recommended(sealframe_crypto::CipherSuite::Aes128GcmSha256_128),
        &aes_key,
    );
    let (clear, mut payload, mut tag) = (&given[..10], given[10..].to_vec(), [0; 16]);
    let iv = [0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4, 1, 2, 3, 4];
    key.unwrap().encrypt(iv, clear, &mut payload, &mut tag).unwrap();
    let sealed = [clear, &payload, &tag, &iv, &[12, 0]].concat();
    assert_eq!(receiver.open_to_vec(&sealed, &info(Some(Codec::H264), 0)).unwrap(), given);
}
