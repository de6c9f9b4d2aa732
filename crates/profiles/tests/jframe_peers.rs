//! Peers whose IVs show no order, peers that have just ratcheted, and keys whose steps take long.
#![cfg(all(feature = "jitsi", feature = "livekit"))]
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite};
use sealframe_profiles::{
    Codec, FrameInfo, FrameType, OpenError, ReceiverEvent, ReceiverPolicy, SealError, jitsi, livekit,
};

const KEY: [u8; 16] = [0x42; 16];

fn audio() -> FrameInfo {
    FrameInfo::audio(Some(Codec::Opus), 0, 0)
}

/// Draws numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn iv(&mut self) -> [u8; 12] {
        let (front, back) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        [&front[..], &back[..4]].concat().try_into().unwrap()
    }
}

/// A frame of sound with any IV.
fn sealed(aes_key: &[u8], iv: [u8; 12]) -> Vec<u8> {
    let key = AeadKey::new(Cipher::recommended(CipherSuite::Aes128GcmSha256_128), aes_key).unwrap();
    let (mut payload, mut tag) = (*b" 20 ms of Opus", [0; 16]);
    key.encrypt(iv, b"\x78", &mut payload, &mut tag).unwrap();
    [&b"\x78"[..], &payload, &tag, &iv, &[12, 0]].concat()
}

/// A receiver of either format, and the AES key of its frames.
enum Receiver {
    Jitsi(jitsi::Receiver),
    LiveKit(livekit::Receiver),
}

impl Receiver {
    fn both() -> [(Self, Vec<u8>); 2] {
        let mut jitsi = jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()));
        jitsi.set_key(0, jitsi::Key::external(&KEY).unwrap());
        let mut livekit = livekit::Receiver::new(livekit::Config::new(Backend::recommended()));
        livekit.set_key(0, livekit::Key::hkdf(&KEY));
        let aes_key = livekit.expose_next(0).unwrap()[..16].to_vec();
        [(Self::Jitsi(jitsi), KEY.to_vec()), (Self::LiveKit(livekit), aes_key)]
    }

    fn open(&mut self, frame: &[u8]) -> Result<(), OpenError> {
        match self {
            Self::Jitsi(receiver) => receiver.open_to_vec(frame, &audio()).map(|_| ()),
            Self::LiveKit(receiver) => receiver.open_to_vec(frame, &audio()).map(|_| ()),
        }
    }
}

fn is_replay(result: Result<(), OpenError>) -> bool {
    matches!(result, Err(OpenError::Replayed { .. }))
}

#[test]
fn five_minutes_of_random_ivs_open_and_none_of_the_last_minute_again() {
    for (mut receiver, key) in Receiver::both() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let frames: Vec<_> = (0..15_000).map(|_| sealed(&key, random.iv())).collect();
        for (number, frame) in frames.iter().enumerate() {
            assert_eq!(receiver.open(frame), Ok(()), "{number}");
            if number.is_multiple_of(50) {
                for back in [0, 1, 500, 3000, 4095] {
                    let Some(old) = number.checked_sub(back) else { continue };
                    assert!(receiver.open(&frames[old]).is_err(), "{old} at {number}");
                }
            }
        }
        assert!(frames[frames.len() - 4096..].iter().all(|frame| receiver.open(frame).is_err()));
    }
}

#[test]
fn random_ssrcs_with_counts_as_peers_have_them_open_too() {
    // Each frame as of a sender that has only just begun.
    for (mut receiver, key) in Receiver::both() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut frames = Vec::new();
        for number in 0..8000_u32 {
            let (ssrc, timestamp) = (random.next() as u32, random.next() as u32);
            let count = random.next() as u32 % 65_535;
            let third = match receiver {
                Receiver::Jitsi(_) => count,
                Receiver::LiveKit(_) => timestamp.wrapping_sub(count),
            };
            let iv = [ssrc, timestamp, third].map(u32::to_be_bytes).concat();
            frames.push(sealed(&key, iv.try_into().unwrap()));
            let newest = frames.len() - 1;
            assert_eq!(receiver.open(&frames[newest]), Ok(()), "{number}");
            assert!(is_replay(receiver.open(&frames[newest])));
            assert!(is_replay(receiver.open(&frames[newest - newest.min(1024 + 4095)])), "{number}");
        }
    }
}

#[test]
fn more_streams_than_there_are_windows_open_each_frame_once() {
    for (mut receiver, key) in Receiver::both() {
        let is_jitsi = matches!(receiver, Receiver::Jitsi(_));
        let frame = |ssrc: u32, count: u32| {
            let timestamp = 960 * count;
            let third = if is_jitsi { count } else { timestamp.wrapping_sub(count) };
            let iv = [ssrc, timestamp, third].map(u32::to_be_bytes).concat();
            sealed(&key, iv.try_into().unwrap())
        };
        // Streams of more than one frame keep their windows, which leaves the last ones none.
        let streams = (0..1024).flat_map(|ssrc| [(ssrc, 1), (ssrc, 2)]);
        let others = (1024..3000).map(|ssrc| (ssrc, 1));
        for (ssrc, count) in streams.clone().chain(others.clone()) {
            let frame = frame(ssrc, count);
            assert_eq!(receiver.open(&frame), Ok(()), "{ssrc} {count}");
            assert!(receiver.open(&frame).is_err(), "{ssrc} {count} twice");
        }
        for (ssrc, count) in streams.chain(others) {
            assert!(receiver.open(&frame(ssrc, count)).is_err(), "{ssrc} {count}");
        }
    }
}

#[test]
fn random_ivs_do_not_make_an_ordered_stream_forget() {
    let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
    sender.set_key(0, livekit::Key::hkdf(&KEY)).unwrap();
    let [_, (mut receiver, key)] = Receiver::both();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let ordered = |sender: &mut livekit::Sender, at| {
        let info = FrameInfo::audio(Some(Codec::Opus), 7, at);
        sender.seal_to_vec(b"\x78 20 ms of Opus", &info).unwrap()
    };
    // The client restarts as one of another kind, and as the same kind, under the same key.
    let mut before = Vec::new();
    for at in 0..300 {
        before.push(ordered(&mut sender, 960 * at));
        assert_eq!(receiver.open(before.last().unwrap()), Ok(()));
    }
    for number in 0..10_000_u32 {
        // Half of them look like the first frame of a stream.
        let mut iv = random.iv();
        if number.is_multiple_of(2) {
            iv.copy_within(4..8, 8);
        }
        assert_eq!(receiver.open(&sealed(&key, iv)), Ok(()), "{number}");
    }
    for frame in &before {
        assert!(receiver.open(frame).is_err());
    }
    for at in 300..600 {
        let frame = ordered(&mut sender, 960 * at);
        assert_eq!(receiver.open(&frame), Ok(()));
        assert!(receiver.open(&frame).is_err());
    }
}

#[test]
fn one_ssrc_with_eight_random_bytes_opens() {
    for (mut receiver, key) in Receiver::both() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut opened = 0;
        for number in 0..5000 {
            let mut iv = random.iv();
            iv[..4].copy_from_slice(&[0, 0, 0, number as u8 % 3]);
            let frame = sealed(&key, iv);
            opened += u32::from(receiver.open(&frame).is_ok());
            assert!(receiver.open(&frame).is_err());
        }
        // One in 64 looks as if it were in order.
        assert!(opened > 4900, "{opened}");
    }
}

#[test]
fn forged_ivs_take_nobodys_place() {
    for (mut receiver, key) in Receiver::both() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let first = sealed(&key, random.iv());
        assert_eq!(receiver.open(&first), Ok(()));
        for _ in 0..6000 {
            let mut forged = sealed(&key, random.iv());
            forged[3] ^= 1;
            assert_eq!(receiver.open(&forged), Err(OpenError::Unauthentic));
        }
        assert!(is_replay(receiver.open(&first)));
    }
}

const PICTURE: [u8; 40] = [0x11; 40];

/// A call of two streams in Jitsi's format.
struct Call {
    sender: jitsi::Sender,
    receiver: jitsi::Receiver,
    at: u32,
}

impl Call {
    fn new() -> Self {
        let key = || jitsi::Key::from_material(&[7; 32]);
        let (mut sender, mut receiver) = (
            jitsi::Sender::new(jitsi::Config::new(Backend::recommended())),
            jitsi::Receiver::new(jitsi::Config::new(Backend::recommended())),
        );
        sender.set_key(0, key()).unwrap();
        receiver.set_key(0, key());
        Self { sender, receiver, at: 0 }
    }

    fn sound(&mut self) -> Vec<u8> {
        self.at += 960;
        self.sender.seal_to_vec(b"\x78sound", &FrameInfo::audio(None, 1, self.at)).unwrap()
    }

    fn picture(&mut self) -> Vec<u8> {
        self.at += 960;
        let info = FrameInfo::video(Some(Codec::Vp8), FrameType::Delta, 2, self.at);
        self.sender.seal_to_vec(&PICTURE, &info).unwrap()
    }

    fn hear(&mut self, frame: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.receiver.open_to_vec(frame, &audio())
    }

    fn see(&mut self, frame: &[u8]) -> Result<Vec<u8>, OpenError> {
        let info = FrameInfo::video(Some(Codec::Vp8), FrameType::Delta, 0, 0);
        self.receiver.open_to_vec(frame, &info)
    }
}

#[test]
fn pictures_from_before_a_ratchet_open_for_a_moment_after_it() {
    let mut call = Call::new();
    for _ in 0..3 {
        let (sound, picture) = (call.sound(), call.picture());
        assert!(call.hear(&sound).is_ok() && call.see(&picture).is_ok());
    }
    let late: Vec<_> = (0..3).map(|_| call.picture()).collect();
    let (too_late, tail) = (call.picture(), call.sound());
    call.sender.ratchet(0).unwrap();
    let early = call.sound();
    assert_eq!(call.hear(&early).unwrap(), b"\x78sound");
    assert_eq!(call.receiver.poll_event(), Some(ReceiverEvent::Ratcheted { index: 0, steps: 1 }));
    let present = call.receiver.expose_key(0).unwrap().to_vec();
    for late in &late {
        assert_eq!(call.see(late).unwrap(), PICTURE);
        assert!(matches!(call.see(late), Err(OpenError::Replayed { .. })), "once");
    }
    // A frame of the previous step moves nothing back.
    assert_eq!(call.receiver.expose_key(0).unwrap(), present);
    assert_eq!(call.receiver.poll_event(), None);
    for _ in 0..200 {
        let sound = call.sound();
        assert!(call.hear(&sound).is_ok());
    }
    assert!(call.hear(&tail).is_err(), "too old by then, and nothing worse");
    for _ in 0..56 {
        let picture = call.picture();
        assert!(call.see(&picture).is_ok());
    }
    assert_eq!(call.see(&too_late), Err(OpenError::Unauthentic), "the moment is over");
}

#[test]
fn the_step_before_is_kept_for_ratchets_by_order_too() {
    let mut call = Call::new();
    let late = call.picture();
    call.sender.ratchet(0).unwrap();
    call.receiver.ratchet(0).unwrap();
    let early = call.sound();
    assert!(call.hear(&early).is_ok() && call.see(&late).is_ok());

    // Where a page derives the steps: by the material of the next one.
    let key = || livekit::Key::hkdf(&KEY);
    let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
    let mut receiver = livekit::Receiver::new(livekit::Config::new(Backend::recommended()));
    sender.set_key(0, key()).unwrap();
    receiver.set_key(0, key());
    let of = |ssrc| FrameInfo::audio(None, ssrc, 960);
    let late = sender.seal_to_vec(b"late", &of(1)).unwrap();
    sender.ratchet(0).unwrap();
    let derived = sender.expose_next(0).unwrap().try_into().unwrap();
    assert_eq!(receiver.ratchet_to(0, livekit::Key::hkdf_derived(&derived)), 0);
    let early = sender.seal_to_vec(b"early", &of(2)).unwrap();
    assert_eq!(receiver.open_to_vec(&early, &audio()).unwrap(), b"early");
    assert_eq!(receiver.open_to_vec(&late, &audio()).unwrap(), b"late");
    assert_eq!(receiver.stats().derivations, 0);
    sender.ratchet(0).unwrap();
    let next = sender.seal_to_vec(b"next", &of(2)).unwrap();
    assert_eq!(receiver.open_to_vec(&next, &audio()).unwrap(), b"next");
    assert_eq!(receiver.ratchet_to(5, key()), 5, "where there was none it is set");
}

#[test]
fn one_forged_frame_costs_one_step_that_takes_long() {
    let key = || livekit::Key::from_passphrase("a passphrase").unwrap();
    let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
    let mut receiver = livekit::Receiver::new(livekit::Config::new(Backend::recommended()));
    sender.set_key(0, key()).unwrap();
    receiver.set_key(0, key());
    let mut forged = sender.seal_to_vec(b"a frame", &audio()).unwrap();
    forged[2] ^= 1;
    assert_eq!(receiver.open_to_vec(&forged, &audio()), Err(OpenError::Unauthentic));
    assert_eq!(receiver.stats().derivations, 1);
    // A sender that has ratcheted three steps is found at the second frame: one step was derived
    // before.
    (0..3).for_each(|_| _ = sender.ratchet(0).unwrap());
    let frames =
        [1, 2].map(|at| sender.seal_to_vec(b"a frame", &FrameInfo::audio(None, 0, at)).unwrap());
    assert_eq!(receiver.open_to_vec(&frames[0], &audio()), Err(OpenError::Unauthentic));
    assert_eq!(receiver.open_to_vec(&frames[1], &audio()).unwrap(), b"a frame");
    assert_eq!(
        ReceiverPolicy::default().max_derivations_per_frame,
        8,
        "that takes microseconds with HKDF"
    );
}

#[test]
fn a_frame_without_bytes_is_refused_and_counts_as_nothing() {
    let mut call = Call::new();
    let options = livekit::Config::new(Backend::recommended());
    let mut sender = livekit::Sender::new(options.clone());
    let mut receiver = livekit::Receiver::new(options);
    sender.set_key(0, livekit::Key::hkdf(&KEY)).unwrap();
    receiver.set_key(0, livekit::Key::hkdf(&KEY));
    let codecs = Codec::ALL.into_iter().map(Some).chain([None]);
    for codec in codecs {
        for frame_type in [FrameType::Key, FrameType::Delta, FrameType::Empty] {
            let info = FrameInfo::video(codec, frame_type, 1, 1);
            let refused = sender.seal_to_vec(b"", &info).unwrap_err();
            if codec != Some(Codec::Av1) {
                assert_eq!(refused, SealError::TooShort, "{info:?}");
            }
            assert_eq!(call.sender.seal_to_vec(b"", &info), Err(SealError::TooShort));
            assert_eq!(receiver.open_to_vec(b"", &info), Err(OpenError::TooShort));
            assert_eq!(call.receiver.open_to_vec(b"", &info), Err(OpenError::TooShort));
        }
    }
    assert_eq!(receiver.stats(), Default::default());
    assert_eq!(call.receiver.stats(), Default::default());
    assert_eq!(sender.next_count(1), 0);
}
