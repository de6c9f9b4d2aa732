//! Nonces that do not repeat, room to the byte, and nothing allocated.
#![cfg(all(feature = "jitsi", feature = "livekit"))]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use sealframe_profiles::{
    Backend, Codec, FrameBuf, FrameInfo, FrameType, KeyError, SealError, SenderEvent, jitsi, livekit,
};
use sealframe_testkit::alloc::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn audio(ssrc: u32, timestamp: u32) -> FrameInfo {
    FrameInfo::audio(Some(Codec::Opus), ssrc, timestamp)
}

fn key(fill: u8) -> jitsi::Key {
    jitsi::Key::from_material(&[fill; 32])
}

fn sender() -> jitsi::Sender {
    let mut sender = jitsi::Sender::resume(jitsi::Config::new(Backend::recommended()), 60_000);
    sender.set_key(0, key(1)).unwrap();
    sender
}

fn iv(sealed: &[u8]) -> [u8; 12] {
    sealed[sealed.len() - 14..sealed.len() - 2].try_into().unwrap()
}

#[test]
fn the_65536th_frame_with_one_timestamp_is_refused() {
    let mut out = [0; 64];
    let mut sender = sender();
    let mut seal = |timestamp| sender.seal_into(b"x", &audio(7, timestamp), &mut out).map(|it| iv(it));
    let mut ivs = BTreeSet::new();
    for timestamp in [100, 200] {
        for _ in 0..65_535 {
            assert!(ivs.insert(seal(timestamp).unwrap()));
        }
        assert_eq!(seal(timestamp), Err(SealError::NonceWouldRepeat));
    }
    // Going back may repeat, going on does not.
    assert_eq!(seal(199), Err(SealError::NonceWouldRepeat));
    assert!(ivs.insert(seal(201).unwrap()));
    assert_eq!(sender.next_count(7), ((60_000 + 2 * 65_535 + 1) % 65_535) as u16);
    // Nor does another stream, or another key.
    assert!(sender.seal_into(b"x", &audio(8, 200), &mut out).is_ok());
    sender.ratchet(0).unwrap();
    assert!(sender.seal_into(b"x", &audio(7, 199), &mut out).is_ok());
}

#[test]
fn timestamps_come_round_once_and_a_warning_comes_before() {
    let mut out = [0; 64];
    let mut sender = sender();
    let mut ivs = BTreeSet::new();
    let start = 0xfff0_0000_u32;
    // 70,000 frames over nearly the whole circle: 13 hours of video.
    let step = u32::MAX / 70_000;
    let mut warned = 0;
    for frame in 0..70_000 {
        let info = audio(7, start.wrapping_add(frame * step));
        assert!(ivs.insert(iv(sender.seal_into(b"x", &info, &mut out).unwrap())));
        if let Some(SenderEvent::KeyNearlyExhausted { index }) = sender.poll_event() {
            assert_eq!((index, frame / 10_000), (0, 5));
            warned += 1;
        }
    }
    assert_eq!(warned, 1);
    let round = start.wrapping_add(70_000 * step);
    let error = sender.seal_into(b"x", &audio(7, round.wrapping_add(step)), &mut out).unwrap_err();
    assert_eq!(error, SealError::NonceWouldRepeat);
    sender.set_key(0, key(2)).unwrap();
    assert!(sender.seal_into(b"x", &audio(7, round.wrapping_add(step)), &mut out).is_ok());
}

#[test]
fn a_young_key_lets_timestamps_go_anywhere() {
    let mut out = [0; 64];
    let mut sender = sender();
    let mut ivs = BTreeSet::new();
    let mut timestamp = 5_u32;
    for _ in 0..65_535 {
        timestamp = timestamp.wrapping_mul(0x9e37_79b1).wrapping_add(12_345);
        assert!(ivs.insert(iv(sender.seal_into(b"x", &audio(7, timestamp), &mut out).unwrap())));
    }
    assert!(sender.seal_into(b"x", &audio(7, 5), &mut out).is_err());
}

#[test]
fn a_key_seals_at_one_index() {
    let mut sender = sender();
    assert_eq!(sender.set_key(16, key(1)), Ok(0), "the same key again, at 16 modulo 16");
    assert_eq!(sender.set_key(5, key(1)), Err(KeyError::SameKey));
    assert_eq!(sender.set_key(5, key(2)), Ok(5));
    let sealed = sender.seal_to_vec(b"x", &audio(7, 1)).unwrap();
    assert_eq!(sealed.last(), Some(&5));
    let count = sender.next_count(7);
    // Back to the first key: its own counts, not the second's.
    assert_eq!(sender.use_key(0), Ok(0));
    assert_eq!(sender.seal_to_vec(b"x", &audio(7, 1)).unwrap().last(), Some(&0));
    assert_eq!(sender.use_key(5), Ok(5));
    assert_eq!(sender.next_count(7), count);
    assert_eq!(sender.use_key(6), Err(KeyError::NoKey));
    assert!(sender.remove_key(5));
    assert_eq!(sender.seal_to_vec(b"x", &audio(7, 2)), Err(SealError::NoKey));
}

#[test]
fn a_new_key_seals_1024_streams_anew_and_no_nonce_comes_twice() {
    let mut sender = sender();
    let mut ivs = BTreeSet::new();
    let mut seal = |sender: &mut jitsi::Sender, ssrc| {
        let sealed = sender.seal_to_vec(b"x", &audio(ssrc, 5))?;
        assert!(ivs.insert((sealed.last().copied(), iv(&sealed))), "{ssrc}");
        Ok(())
    };
    for ssrc in 1..=1024 {
        assert_eq!(seal(&mut sender, ssrc), Ok(()));
    }
    assert_eq!(seal(&mut sender, 1025), Err(SealError::TooManyStreams));
    sender.set_key(1, key(2)).unwrap();
    assert_eq!(seal(&mut sender, 1), Ok(()), "one that the key before had");
    let count = sender.next_count(1);
    for ssrc in 1025..=2047 {
        assert_eq!(seal(&mut sender, ssrc), Ok(()));
    }
    assert_eq!(seal(&mut sender, 2048), Err(SealError::TooManyStreams));
    assert_eq!(sender.next_count(1), count, "it has made no room");
    // The first key has the counts of its streams still.
    sender.use_key(0).unwrap();
    for ssrc in 1..=1024 {
        assert_eq!(seal(&mut sender, ssrc), Ok(()));
    }
    assert_eq!(seal(&mut sender, 1025), Err(SealError::TooManyStreams));
    sender.use_key(1).unwrap();
    assert_eq!(seal(&mut sender, 1), Ok(()));
    sender.set_key(2, key(3)).unwrap();
    assert_eq!(seal(&mut sender, 2048), Ok(()));
    let count = sender.next_count(2048);
    // Those that the key before had no more either are the first to make room.
    sender.set_key(3, key(4)).unwrap();
    for ssrc in 3001..=4023 {
        assert_eq!(seal(&mut sender, ssrc), Ok(()));
    }
    assert_eq!(sender.next_count(2048), count);
}

#[test]
fn frames_shorter_than_their_clear_bytes_are_refused() {
    let mut sender = sender();
    let of = |frame_type| FrameInfo::video(Some(Codec::Vp8), frame_type, 1, 1);
    for (info, clear) in [(audio(1, 1), 1), (of(FrameType::Key), 10), (of(FrameType::Delta), 3)] {
        for len in 0..clear {
            assert_eq!(sender.seal_to_vec(&vec![0; len], &info), Err(SealError::TooShort));
        }
        assert_eq!(sender.seal_to_vec(&vec![0; clear], &info).unwrap().len(), clear + 30);
    }
    let mut livekit = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
    assert_eq!(livekit.seal_to_vec(b"frame", &audio(1, 1)), Err(SealError::NoKey));
    livekit.set_key(0, livekit::Key::hkdf(&[1; 16])).unwrap();
    assert_eq!(livekit.seal_to_vec(b"", &audio(1, 1)), Err(SealError::TooShort));
    let av1 = FrameInfo::video(Some(Codec::Av1), FrameType::Key, 1, 1);
    assert_eq!(livekit.seal_to_vec(b"frame", &av1), Err(SealError::UnsupportedCodec));
    let data =
        FrameBuf::new(&mut [0; 20], 0..4).map(|data| livekit.seal_data_in_place(data, 1).map(|_| ()));
    assert_eq!(data, Some(Err(SealError::NoKey)), "no prefix has been drawn");
}

#[test]
fn room_is_checked_to_the_byte_and_nothing_is_spent() {
    let mut sender = sender();
    let mut buf = [7; 50];
    let count = sender.next_count(7);
    let frame = FrameBuf::new(&mut buf[..39], 0..10).unwrap();
    let error = sender.seal_in_place(frame, &audio(7, 1)).unwrap_err();
    assert_eq!(error, SealError::NoTailroom { need: 30 });
    let error = sender.seal_into(&[7; 10], &audio(7, 1), &mut [0; 39]).unwrap_err();
    assert_eq!(error, SealError::OutputTooShort { need: 40 });
    assert_eq!((buf, sender.next_count(7)), ([7; 50], count));
    let frame = FrameBuf::new(&mut buf[5..45], 0..10).unwrap();
    assert_eq!(sender.seal_in_place(frame, &audio(7, 1)).unwrap().len(), 40);
    assert_eq!((&buf[..5], &buf[45..]), (&[7; 5][..], &[7; 5][..]));
}

#[test]
fn frames_stay_where_they_are_and_nothing_is_allocated() {
    for backend in Backend::available() {
        let options = livekit::Config::new(backend);
        let (mut jitsi, mut jitsi_receiver) = (
            jitsi::Sender::resume(jitsi::Config::new(backend), 0),
            jitsi::Receiver::new(jitsi::Config::new(backend)),
        );
        let (mut livekit, mut livekit_receiver) =
            (livekit::Sender::new(options.clone()), livekit::Receiver::new(options));
        jitsi.set_key(0, key(1)).unwrap();
        jitsi_receiver.set_key(0, key(1));
        livekit.set_key(0, livekit::Key::hkdf(&[1; 16])).unwrap();
        livekit_receiver.set_key(0, livekit::Key::hkdf(&[1; 16]));
        let vp8 = |timestamp| FrameInfo::video(Some(Codec::Vp8), FrameType::Key, 7, timestamp);
        let h264 = |timestamp| FrameInfo::video(Some(Codec::H264), FrameType::Key, 1, timestamp);
        let mut buf = vec![0; 400_000];
        for (round, len) in [200_000, 40, 160, 1200, 16_384, 200_000].into_iter().enumerate() {
            let timestamp = u32::try_from(round).unwrap() * 3000 + 1;
            let mut frame = vec![0x5a; len];
            frame[..6].copy_from_slice(&[0, 0, 0, 1, 0x65, 0x88]);
            let allocations = alloc::count(|| {
                for info in [vp8(timestamp), h264(timestamp)] {
                    for format in [0, 1] {
                        buf[..len].copy_from_slice(&frame);
                        let at = buf.as_ptr();
                        let place = FrameBuf::new(&mut buf, 0..len).unwrap();
                        let sealed = match format {
                            0 => jitsi.seal_in_place(place, &info).unwrap(),
                            _ => livekit.seal_in_place(place, &info).unwrap(),
                        };
                        assert_eq!(sealed.as_ptr(), at);
                        let opened = match format {
                            0 => jitsi_receiver.open_in_place(sealed, &info).unwrap(),
                            _ => livekit_receiver.open_in_place(sealed, &info).unwrap(),
                        };
                        assert_eq!(opened.frame.as_ptr(), at);
                        assert!(opened.frame == frame);
                    }
                }
            });
            // The first round is the warm-up: its frames are the longest, and begin their streams.
            assert!(allocations == 0 || round == 0, "{allocations} on {backend:?}, {len} bytes");
        }
    }
}
