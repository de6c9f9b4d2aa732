//! What strangers can do to Jitsi's and LiveKit's receivers: cost them a little work.
#![cfg(all(feature = "jitsi", feature = "livekit"))]
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_profiles::{
    Backend, Codec, FrameInfo, FrameType, KeyError, OpenError, Opened, ReceiverEvent, ReceiverPolicy,
    ReceiverStats, Replay, jitsi, livekit,
};

const SSRC: u32 = 0x1122_3344;

/// Either format, so that each promise is tested of both.
enum Receiver {
    Jitsi(jitsi::Receiver),
    LiveKit(livekit::Receiver),
}

enum Sender {
    Jitsi(jitsi::Sender),
    LiveKit(livekit::Sender),
}

impl Sender {
    fn seal(&mut self, frame: &[u8], info: &FrameInfo) -> Vec<u8> {
        match self {
            Self::Jitsi(sender) => sender.seal_to_vec(frame, info).unwrap(),
            Self::LiveKit(sender) => sender.seal_to_vec(frame, info).unwrap(),
        }
    }

    fn set_key(&mut self, index: u32, material: u8) {
        match self {
            Self::Jitsi(sender) => sender.set_key(index, jitsi::Key::from_material(&[material; 32])),
            Self::LiveKit(sender) => sender.set_key(index, livekit::Key::hkdf(&[material; 32])),
        }
        .unwrap();
    }

    fn ratchet(&mut self, index: u32) {
        match self {
            Self::Jitsi(sender) => sender.ratchet(index).unwrap(),
            Self::LiveKit(sender) => sender.ratchet(index).unwrap(),
        };
    }
}

impl Receiver {
    fn open<'f>(&mut self, frame: &'f mut [u8], info: &FrameInfo) -> Result<Opened<'f>, OpenError> {
        match self {
            Self::Jitsi(receiver) => receiver.open_in_place(frame, info),
            Self::LiveKit(receiver) => receiver.open_in_place(frame, info),
        }
    }

    fn opens(&mut self, frame: &[u8], info: &FrameInfo) -> Vec<u8> {
        self.open(&mut frame.to_vec(), info).unwrap().frame.to_vec()
    }

    fn refuses(&mut self, frame: &[u8], info: &FrameInfo) -> OpenError {
        let mut buf = frame.to_vec();
        let error = self.open(&mut buf, info).unwrap_err();
        if error != OpenError::Unauthentic {
            assert_eq!(buf, frame, "{error:?} leaves the frame alone");
        }
        error
    }

    fn key(&self, index: u32) -> Vec<u8> {
        match self {
            Self::Jitsi(receiver) => receiver.expose_key(index),
            Self::LiveKit(receiver) => receiver.expose_key(index),
        }
        .unwrap()
        .to_vec()
    }

    fn stats(&self) -> ReceiverStats {
        match self {
            Self::Jitsi(receiver) => receiver.stats(),
            Self::LiveKit(receiver) => receiver.stats(),
        }
    }

    fn poll_event(&mut self) -> Option<ReceiverEvent> {
        match self {
            Self::Jitsi(receiver) => receiver.poll_event(),
            Self::LiveKit(receiver) => receiver.poll_event(),
        }
    }

    fn set_key(&mut self, index: u32, material: u8) {
        match self {
            Self::Jitsi(receiver) => {
                receiver.set_key(index, jitsi::Key::from_material(&[material; 32]))
            }
            Self::LiveKit(receiver) => receiver.set_key(index, livekit::Key::hkdf(&[material; 32])),
        };
    }

    fn remove_key(&mut self, index: u32) {
        match self {
            Self::Jitsi(receiver) => receiver.remove_key(index),
            Self::LiveKit(receiver) => receiver.remove_key(index),
        };
    }
}

/// A pair of each format with one key, at index 3.
fn pairs(policy: ReceiverPolicy) -> [(Sender, Receiver); 2] {
    let material = || jitsi::Key::from_material(&[7; 32]);
    let mut sender = jitsi::Sender::new(jitsi::Config::new(Backend::recommended()));
    let mut receiver =
        jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()).with_policy(policy));
    sender.set_key(3, material()).unwrap();
    receiver.set_key(3, material());
    let jitsi = (Sender::Jitsi(sender), Receiver::Jitsi(receiver));
    let key = || livekit::Key::hkdf(&[7; 32]);
    let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
    let mut receiver =
        livekit::Receiver::new(livekit::Config::new(Backend::recommended()).with_policy(policy));
    sender.set_key(3, key()).unwrap();
    receiver.set_key(3, key());
    [jitsi, (Sender::LiveKit(sender), Receiver::LiveKit(receiver))]
}

fn audio(timestamp: u32) -> FrameInfo {
    FrameInfo::audio(Some(Codec::Opus), SSRC, timestamp)
}

fn h264(timestamp: u32) -> FrameInfo {
    FrameInfo::video(Some(Codec::H264), FrameType::Delta, SSRC, timestamp)
}

#[test]
fn no_flipped_bit_opens_and_none_changes_anything() {
    let slice = [&[0, 0, 0, 1, 0x41, 0x9a][..], &[0; 30]].concat();
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        for (frame, info) in [(&b"a frame"[..], audio(960)), (&slice, h264(3000))] {
            let sealed = sender.seal(frame, &info);
            let key = receiver.key(3);
            for bit in 0..8 * sealed.len() {
                let mut forged = sealed.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                receiver.refuses(&forged, &info);
            }
            for len in 0..sealed.len() {
                receiver.refuses(&sealed[..len], &info);
                receiver.refuses(&sealed[sealed.len() - len..], &info);
            }
            let longer = [&sealed[..], &[0]].concat();
            receiver.refuses(&longer, &info);
            assert_eq!(receiver.key(3), key);
            assert_eq!(receiver.opens(&sealed, &info), frame);
        }
    }
}

#[test]
fn what_is_no_sealed_frame_is_refused_by_name() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        let info = audio(960);
        // Plaintext of any length never passes.
        for len in 0..31 {
            assert_eq!(receiver.refuses(&vec![0x78; len], &info), OpenError::TooShort, "{len}");
        }
        assert_eq!(receiver.refuses(&[0x78; 31], &info), OpenError::NotThisFormat);
        let sealed = sender.seal(b"a frame", &info);
        let at = sealed.len();
        // An IV of 16 bytes, as the peers would take it.
        let mut other = sealed.clone();
        other[at - 2] = 16;
        assert_eq!(receiver.refuses(&other, &info), OpenError::NotThisFormat);
        // An index outside the ring, and one without a key.
        let mut other = sealed.clone();
        other[at - 1] = 16;
        assert_eq!(receiver.refuses(&other, &info), OpenError::NotThisFormat);
        other[at - 1] = 4;
        let error = receiver.refuses(&other, &info);
        assert!(matches!(error, OpenError::UnknownKey { index: 4 }) && error.is_retryable());
        assert_eq!(receiver.poll_event(), Some(ReceiverEvent::UnknownKey { index: 4 }));
        receiver.refuses(&other, &info);
        assert_eq!(receiver.poll_event(), None, "told once");
        assert_eq!(receiver.opens(&sealed, &info), b"a frame");
        receiver.remove_key(3);
        assert!(matches!(receiver.refuses(&sealed, &info), OpenError::UnknownKey { .. }));
        let stats = receiver.stats();
        assert_eq!((stats.opened, stats.unknown_key, stats.replayed), (1, 3, 0));
    }
}

#[test]
fn what_is_too_short_without_its_escapes_stays_as_it_was() {
    let [_, (_, mut receiver)] = pairs(ReceiverPolicy::default());
    for escapes in 3..=9 {
        for (left, error) in [(29, OpenError::TooShort), (30, OpenError::Unauthentic)] {
            let zeros = [0, 0, 3].repeat(escapes);
            let rest = vec![0x55; left - 2 * escapes - 2];
            let frame = [&[0, 0, 0, 1, 0x41, 0x9a], &zeros[..], &rest, &[12, 3]].concat();
            assert_eq!(receiver.refuses(&frame, &h264(3000)), error, "{escapes} escapes, {left} left");
        }
    }
}

#[test]
fn a_frame_opens_once() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        let sealed: Vec<_> =
            (0..200).map(|frame| (sender.seal(b"a frame", &audio(960 * frame)), audio(0))).collect();
        // The first frame, then all but the next in reverse order: frames too far behind are
        // rejected, not opened twice.
        receiver.opens(&sealed[0].0, &sealed[0].1);
        for (frame, info) in sealed[2..].iter().rev().take(127) {
            receiver.opens(frame, info);
        }
        for (frame, info) in &sealed[73..] {
            assert!(matches!(receiver.refuses(frame, info), OpenError::Replayed { .. }));
        }
        receiver.opens(&sealed[1].0, &sealed[1].1);
        assert!(matches!(receiver.refuses(&sealed[0].0, &sealed[0].1), OpenError::TooOld { .. }));
    }
    let policy = ReceiverPolicy { replay: Replay::Allow, ..ReceiverPolicy::default() };
    for (mut sender, mut receiver) in pairs(policy) {
        let sealed = sender.seal(b"a frame", &audio(960));
        receiver.opens(&sealed, &audio(0));
        receiver.opens(&sealed, &audio(0));
    }
}

#[test]
fn a_frame_from_half_way_round_its_timestamps_stays_old() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        let first = sender.seal(b"a frame", &audio(0));
        receiver.opens(&first, &audio(0));
        for timestamp in [1 << 30, 1 << 31, (1 << 31) + 960] {
            receiver.opens(&sender.seal(b"a frame", &audio(timestamp)), &audio(0));
        }
        assert!(matches!(receiver.refuses(&first, &audio(0)), OpenError::TooOld { .. }));
        for frame in 2..=201 {
            let next = audio((1 << 31) + 960 * frame);
            receiver.opens(&sender.seal(b"a frame", &next), &audio(0));
        }
        assert!(matches!(receiver.refuses(&first, &audio(0)), OpenError::TooOld { .. }));
    }
}

#[test]
fn timestamps_may_come_round() {
    for (_, mut receiver) in pairs(ReceiverPolicy::default()) {
        // Twice, in steps of half the leap that is too far. Our senders reject that, so two senders
        // take turns.
        for frame in 0..64_u32 {
            let timestamp = frame.wrapping_mul(1 << 27);
            let (mut sender, _) = match receiver {
                Receiver::Jitsi(_) => pairs(ReceiverPolicy::default()).into_iter().next().unwrap(),
                Receiver::LiveKit(_) => pairs(ReceiverPolicy::default()).into_iter().last().unwrap(),
            };
            receiver.opens(&sender.seal(b"a frame", &audio(timestamp)), &audio(0));
        }
    }
}

#[test]
fn frames_without_timestamps_are_told_apart_by_their_counts() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        let mut last = Vec::new();
        for _ in 0..1000 {
            last = sender.seal(b"a frame", &audio(0));
            receiver.opens(&last, &audio(0));
        }
        assert!(matches!(receiver.refuses(&last, &audio(0)), OpenError::Replayed { .. }));
    }
}

#[test]
fn streams_do_not_disturb_each_other() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        for timestamp in 0..300_u32 {
            for ssrc in 0..5 {
                let info = FrameInfo::audio(None, ssrc, timestamp.wrapping_mul(0x1_0001 * ssrc));
                let sealed = sender.seal(b"a frame", &info);
                receiver.opens(&sealed, &info);
                assert!(matches!(receiver.refuses(&sealed, &info), OpenError::Replayed { .. }));
            }
        }
    }
}

#[test]
fn streams_make_room_and_what_they_opened_stays_shut() {
    let others = pairs(ReceiverPolicy::default());
    for ((mut sender, mut receiver), (mut other, _)) in
        pairs(ReceiverPolicy::default()).into_iter().zip(others)
    {
        let of = |ssrc, timestamp| FrameInfo::audio(None, ssrc, timestamp);
        let is_replay = |receiver: &mut Receiver, frame: &[u8]| {
            matches!(receiver.refuses(frame, &audio(0)), OpenError::Replayed { .. })
        };
        // Each of them goes on: they are streams.
        let frames: Vec<_> = (0..2048)
            .map(|number| sender.seal(b"a frame", &of(1 + number % 1024, 960 * (1 + number / 1024))))
            .collect();
        for frame in &frames {
            receiver.opens(frame, &audio(0));
        }
        // More than have a window, from another sender with the key; the same key at a second
        // index, to which a server can lead old frames.
        receiver.set_key(5, 7);
        let new: Vec<_> = (2000..3000).map(|ssrc| other.seal(b"a frame", &of(ssrc, 960))).collect();
        for frame in &new {
            receiver.opens(frame, &audio(0));
        }
        for frame in frames.iter().chain(&new) {
            let mut led = frame.clone();
            *led.last_mut().unwrap() = 5;
            assert!(is_replay(&mut receiver, frame) && is_replay(&mut receiver, &led));
        }
        // Streams that have not sent since the oldest key make room, and nothing of them can open.
        for (index, key) in [(4, 14), (3, 13), (5, 13)] {
            receiver.set_key(index, key);
        }
        for (index, key) in [(4, 14), (3, 13)] {
            other.set_key(index, key);
        }
        let last: Vec<_> = (5000..6024).map(|ssrc| other.seal(b"a frame", &of(ssrc, 960))).collect();
        for frame in &last {
            receiver.opens(frame, &audio(0));
        }
        assert!(last.iter().all(|frame| is_replay(&mut receiver, frame)));
    }
}

#[test]
fn a_ratchet_is_followed_as_far_as_the_window_and_not_beyond() {
    for steps in 1..=9_u8 {
        for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
            let early = sender.seal(b"before", &audio(1));
            (0..steps).for_each(|_| sender.ratchet(3));
            let sealed = sender.seal(b"a frame", &audio(2));
            let before = receiver.key(3);
            if steps > 8 {
                assert_eq!(receiver.refuses(&sealed, &audio(2)), OpenError::Unauthentic);
                assert_eq!(receiver.key(3), before);
                assert_eq!(receiver.opens(&early, &audio(1)), b"before");
                continue;
            }
            assert_eq!(receiver.opens(&sealed, &audio(2)), b"a frame");
            assert_eq!(receiver.poll_event(), Some(ReceiverEvent::Ratcheted { index: 3, steps }));
            assert_ne!(receiver.key(3), before);
            // Never back, except for frames of the previous step, and then on from there.
            if steps == 1 {
                assert_eq!(receiver.opens(&early, &audio(1)), b"before");
            } else {
                assert_eq!(receiver.refuses(&early, &audio(1)), OpenError::Unauthentic);
            }
            sender.ratchet(3);
            assert_eq!(receiver.opens(&sender.seal(b"next", &audio(3)), &audio(3)), b"next");
            // What did not open was tried with eight more.
            let tried = if steps == 1 { 1 } else { 8 };
            assert_eq!(receiver.stats().derivations, u64::from(steps) + tried, "each step once");
        }
    }
}

#[test]
fn ratchet_frames_with_escapes_are_taken_apart_once() {
    // The peer un-escapes a frame once for each try, and loses it. All zeros make escapes likely,
    // an SSRC of 1 certain.
    let [_, (mut sender, mut receiver)] = pairs(ReceiverPolicy::default());
    let slice = [&[0, 0, 0, 1, 0x41, 0x9a][..], &[0; 900]].concat();
    for timestamp in 1..20 {
        sender.ratchet(3);
        let info = FrameInfo::video(Some(Codec::H264), FrameType::Delta, 1, timestamp);
        let sealed = sender.seal(&slice, &info);
        assert!(sealed.len() > slice.len() + 30);
        assert_eq!(receiver.opens(&sealed, &info), slice);
    }
}

#[test]
fn forged_frames_cost_bounded_work_and_hide_no_ratchet() {
    for (mut sender, mut receiver) in pairs(ReceiverPolicy::default()) {
        let early = sender.seal(b"before", &audio(960));
        receiver.opens(&early, &audio(960));
        let key = receiver.key(3);
        let mut forged = sender.seal(b"forged", &audio(1920));
        forged[5] ^= 1;
        for _ in 0..10_000 {
            assert_eq!(receiver.refuses(&forged, &audio(0)), OpenError::Unauthentic);
        }
        let stats = receiver.stats();
        assert_eq!(stats.derivations, 8, "each step once");
        assert!(stats.trials <= 8 * (64 + 10_000 / 16 + 1), "{stats:?}");
        assert_eq!(receiver.key(3), key);
        assert_eq!(receiver.poll_event(), Some(ReceiverEvent::Failing { index: 3 }));
        assert_eq!(receiver.poll_event(), None);
        // No key has gone bad, and a step is found at the sixteenth frame at last.
        assert_eq!(receiver.opens(&sender.seal(b"after", &audio(2880)), &audio(0)), b"after");
        for _ in 0..100 {
            receiver.refuses(&forged, &audio(0));
        }
        sender.ratchet(3);
        let next = |at: u32| 3840 + 960 * at;
        let found = (0..16).position(|at| {
            receiver.open(&mut sender.seal(b"next", &audio(next(at))), &audio(0)).is_ok()
        });
        assert!(found.is_some());
        assert_eq!(receiver.opens(&sender.seal(b"then", &audio(50_000)), &audio(0)), b"then");
    }
}

#[test]
fn frames_without_a_slice_cost_no_more_than_those_that_open() {
    let [_, (mut sender, mut receiver)] = pairs(ReceiverPolicy::default());
    let forged = [&[0x5a; 100_000][..], &[12, 3]].concat();
    let mut timestamp = 0;
    for _ in 0..20 {
        for _ in 0..16 {
            timestamp += 960;
            receiver.opens(&sender.seal(b"a frame", &audio(timestamp)), &audio(0));
        }
        assert_eq!(receiver.refuses(&forged, &h264(timestamp)), OpenError::Unauthentic);
    }
    // Eight keys in two layouts.
    assert!(receiver.stats().trials <= 20 * 16, "{:?}", receiver.stats());

    let [_, (_, mut receiver)] = pairs(ReceiverPolicy::default());
    for _ in 0..10_000 {
        receiver.refuses(&forged[forged.len() - 40..], &h264(timestamp));
    }
    let searches = 16 * 1024 * 1024 / (40 + 1024);
    assert!(receiver.stats().trials <= searches + 2 * 8 * (64 + 10_000 / 16 + 1));
}

#[test]
fn a_slice_that_a_native_client_has_cut_off_is_searched_for_once_it_can_be_afforded() {
    let options = || livekit::Config::new(Backend::recommended()).with_peer(livekit::Peer::Native);
    let key = || livekit::Key::hkdf(&[7; 32]);
    let mut sender = livekit::Sender::new(options());
    sender.set_key(3, key()).unwrap();
    // After a unit of 300 bytes, so that 54 bytes stay readable.
    let key_frame = |len| {
        let unit = [&[0, 0, 0, 1, 6][..], &[0x77; 299]].concat();
        [&unit[..], &[0, 0, 0, 1, 0x65, 0xb8], &vec![0x33; len]].concat()
    };
    let mut receiver = livekit::Receiver::new(options());
    receiver.set_key(3, key());
    let frame = key_frame(60_000);
    for timestamp in [1, 2] {
        let sealed = sender.seal_to_vec(&frame, &h264(timestamp)).unwrap();
        assert!(receiver.open_to_vec(&sealed, &h264(0)).unwrap() == frame);
        assert_eq!(receiver.stats().trials, 255 - 54 + 1, "searched for once");
    }

    let mut receiver = livekit::Receiver::new(options());
    receiver.set_key(3, key());
    let frame = key_frame(100_000);
    let sealed = sender.seal_to_vec(&frame, &h264(3)).unwrap();
    let opened = receiver.open_to_vec(&sealed, &h264(0)).map(|_| ());
    assert_eq!(opened, Err(OpenError::Unauthentic));
    let plain = FrameInfo::video(Some(Codec::Vp8), FrameType::Delta, SSRC, 4);
    let other = sender.seal_to_vec(&vec![0x33; 10_000_000], &plain).unwrap();
    receiver.open_to_vec(&other, &plain).unwrap();
    assert!(receiver.open_to_vec(&sealed, &h264(0)).unwrap() == frame);
}

#[test]
fn a_policy_can_spread_the_steps_over_frames() {
    let policy = ReceiverPolicy { max_derivations_per_frame: 1, ..ReceiverPolicy::default() };
    for (mut sender, mut receiver) in pairs(policy) {
        (0..3).for_each(|_| sender.ratchet(3));
        for timestamp in 1..3 {
            let sealed = sender.seal(b"a frame", &audio(timestamp));
            assert_eq!(receiver.refuses(&sealed, &audio(0)), OpenError::Unauthentic);
            assert_eq!(receiver.stats().derivations, timestamp.into());
        }
        let sealed = sender.seal(b"a frame", &audio(3));
        assert_eq!(receiver.opens(&sealed, &audio(0)), b"a frame");
    }
    let policy = ReceiverPolicy { ratchet_window: 0, ..ReceiverPolicy::default() };
    for (mut sender, mut receiver) in pairs(policy) {
        sender.ratchet(3);
        let sealed = sender.seal(b"a frame", &audio(1));
        assert_eq!(receiver.refuses(&sealed, &audio(0)), OpenError::Unauthentic);
        assert_eq!(receiver.stats().trials, 0);
    }
}

#[test]
fn an_external_key_has_no_ratchet() {
    let external = || jitsi::Key::external(&[9; 32]).unwrap();
    let mut sender = jitsi::Sender::new(jitsi::Config::new(Backend::recommended()));
    let mut receiver = jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()));
    assert_eq!(sender.ratchet(0), Err(KeyError::NoKey));
    sender.set_key(0, external()).unwrap();
    receiver.set_key(0, external());
    assert_eq!(sender.ratchet(0), Err(KeyError::NoRatchet));
    assert_eq!(receiver.ratchet(0), Err(KeyError::NoRatchet));
    let sealed = sender.seal_to_vec(b"a frame", &audio(1)).unwrap();
    assert_eq!(receiver.open_to_vec(&sealed, &audio(1)).unwrap(), b"a frame");
    assert!(jitsi::Key::external(&[9; 24]).is_none());
    assert!(!format!("{:?} {sender:?} {receiver:?}", external()).contains('9'));
}
