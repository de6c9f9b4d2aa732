//! Real clocks: timestamps that step back, rest, leap and wrap, on both sides of Jitsi's and
//! LiveKit's formats.
#![cfg(all(feature = "jitsi", feature = "livekit"))]
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use std::collections::BTreeSet;

use sealframe_profiles::{
    Backend, Codec, FrameInfo, OpenError, ReceiverPolicy, SealError, jitsi, livekit,
};

const SSRC: u32 = 0x1122_3344;

fn audio(timestamp: u32) -> FrameInfo {
    FrameInfo::audio(Some(Codec::Opus), SSRC, timestamp)
}

/// A sealed frame, and whether that came with a warning.
type Seal = dyn FnMut(&FrameInfo) -> Result<(Vec<u8>, bool), SealError>;
type Open = dyn FnMut(&[u8]) -> Result<(), OpenError>;

/// Either format's sender, with all nonces that it has used.
struct Sender {
    seal: Box<Seal>,
    ivs: BTreeSet<[u8; 12]>,
    warnings: usize,
}

impl Sender {
    fn both() -> [Self; 2] {
        let mut jitsi = jitsi::Sender::resume(jitsi::Config::new(Backend::recommended()), 60_000);
        jitsi.set_key(0, jitsi::Key::from_material(&[7; 32])).unwrap();
        let mut livekit = livekit::Sender::resume(livekit::Config::new(Backend::recommended()), 60_000);
        livekit.set_key(0, livekit::Key::hkdf(&[7; 32])).unwrap();
        let frame = b"\x78abc";
        [
            Box::new(move |info: &FrameInfo| {
                Ok((jitsi.seal_to_vec(frame, info)?, jitsi.poll_event().is_some()))
            }) as Box<Seal>,
            Box::new(move |info: &FrameInfo| {
                Ok((livekit.seal_to_vec(frame, info)?, livekit.poll_event().is_some()))
            }),
        ]
        .map(|seal| Self { seal, ivs: BTreeSet::new(), warnings: 0 })
    }

    /// Never with a nonce that it has used.
    fn seal(&mut self, info: &FrameInfo) -> Vec<u8> {
        let (sealed, warns) = (self.seal)(info).unwrap();
        let iv = sealed[sealed.len() - 14..sealed.len() - 2].try_into().unwrap();
        assert!(self.ivs.insert(iv), "a nonce twice");
        self.warnings += usize::from(warns);
        sealed
    }
}

/// Either format's receiver.
struct Receiver(Box<Open>);

impl Receiver {
    fn both() -> [Self; 2] {
        let mut jitsi = jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()));
        jitsi.set_key(0, jitsi::Key::from_material(&[7; 32]));
        let mut livekit = livekit::Receiver::new(livekit::Config::new(Backend::recommended()));
        livekit.set_key(0, livekit::Key::hkdf(&[7; 32]));
        [
            Box::new(move |frame: &[u8]| {
                jitsi.open_in_place(&mut frame.to_vec(), &info_of(frame)).map(|_| ())
            }) as Box<Open>,
            Box::new(move |frame: &[u8]| {
                livekit.open_in_place(&mut frame.to_vec(), &info_of(frame)).map(|_| ())
            }),
        ]
        .map(Self)
    }

    fn open(&mut self, frame: &[u8]) -> Result<(), OpenError> {
        (self.0)(frame)
    }
}

/// All frames here are of the same kind on the wire.
fn info_of(_: &[u8]) -> FrameInfo {
    audio(0)
}

fn pairs() -> impl Iterator<Item = (Sender, Receiver)> {
    Sender::both().into_iter().zip(Receiver::both())
}

/// Frames `between` each other, from `at` on; an opened frame does not open again.
fn flow(sender: &mut Sender, receiver: &mut Receiver, at: &mut u32, between: u32, frames: u32) {
    for number in 0..frames {
        *at = at.wrapping_add(between);
        let sealed = sender.seal(&audio(*at));
        assert_eq!(receiver.open(&sealed), Ok(()), "frame {number} of {frames}, at {at}");
        if number.is_multiple_of(97) {
            assert!(receiver.open(&sealed).is_err(), "twice");
        }
    }
}

#[test]
fn frames_in_decoding_order_open_and_warn_of_nothing() {
    // I P B B …: the first picture is not the earliest, and each group steps back; longer than
    // counts are without coming round.
    for (mut sender, mut receiver) in pairs() {
        for group in 0..23_000_u32 {
            for place in [3, 1, 2] {
                let sealed = sender.seal(&audio(900_000 + 3000 * (3 * group + place)));
                assert_eq!(receiver.open(&sealed), Ok(()), "group {group}");
            }
        }
        assert_eq!(sender.warnings, 0);
    }
}

#[test]
fn a_first_frame_that_is_not_the_earliest_warns_of_nothing() {
    for (mut sender, mut receiver) in pairs() {
        for at in [90_000, 87_000, 93_000, 84_000, 0, u32::MAX, 96_000] {
            let sealed = sender.seal(&audio(at));
            assert_eq!(receiver.open(&sealed), Ok(()), "{at}");
        }
        assert_eq!(sender.warnings, 0);
    }
}

#[test]
fn a_clock_that_is_set_back_two_minutes_is_followed_at_once() {
    for before in [1, 100, 500, 70_000] {
        for (mut sender, mut receiver) in pairs() {
            let mut at = 100_000_000;
            flow(&mut sender, &mut receiver, &mut at, 960, before);
            at -= 120 * 48_000;
            flow(&mut sender, &mut receiver, &mut at, 960, 7000);
            assert_eq!(sender.warnings, 0, "after {before}");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_often_seals_on_without_a_nonce_twice() {
    // Also back to long-used timestamps, and to any place: then a pass begins.
    for mut sender in Sender::both() {
        let mut at = 4_000_000_000_u32;
        for back in [3_600 * 48_000, 1_000_000, 48_000, 7_200 * 48_000, 1 << 31, 3 << 30, 1 << 20] {
            for _ in 0..30_000 {
                at = at.wrapping_add(960);
                sender.seal(&audio(at));
            }
            at = at.wrapping_sub(back);
        }
        assert_eq!(sender.warnings, 0);
    }
}

#[test]
fn two_clocks_of_one_stream_seal_on() {
    // Any use of timestamps by an application: 150,000 frames that go back and forth by ten
    // minutes.
    for mut sender in Sender::both() {
        for number in 0..75_000_u32 {
            sender.seal(&audio(960 * number));
            sender.seal(&audio(960 * number + 600 * 48_000));
        }
    }
}

#[test]
fn a_clock_that_stands_still_is_refused_also_after_it_was_set_back() {
    for mut sender in Sender::both() {
        sender.seal(&audio(100));
        sender.seal(&audio(99));
        for _ in 0..65_533 {
            sender.seal(&audio(100));
        }
        assert_eq!((sender.seal)(&audio(100)).unwrap_err(), SealError::NonceWouldRepeat);
        assert_eq!((sender.seal)(&audio(99)).unwrap_err(), SealError::NonceWouldRepeat);
        sender.seal(&audio(101));
    }
}

#[test]
fn a_camera_that_rests_for_hours_is_seen_again() {
    // After 13 and a quarter hours timestamps have wrapped to the same value, which they cannot
    // show.
    for (before, hours) in
        [(200, 7), (200, 12), (200, 13), (200, 20), (10, 7), (100_000, 7), (100_000, 10)]
    {
        for (mut sender, mut receiver) in pairs() {
            let mut at = 77_000_000;
            flow(&mut sender, &mut receiver, &mut at, 3000, before);
            at = at.wrapping_add(hours * 3600 % 47_721 * 90_000);
            // Until long after the earlier place is forgotten.
            flow(&mut sender, &mut receiver, &mut at, 3000, if before == 200 { 70_000 } else { 500 });
        }
    }
}

#[test]
fn sound_that_rests_for_hours_is_heard_again() {
    for hours in [13, 14, 20, 23, 37] {
        for (mut sender, mut receiver) in pairs() {
            let mut at = 77_000_000_u32;
            flow(&mut sender, &mut receiver, &mut at, 960, 500);
            let rest = u64::from(hours as u32) * 3600 * 48_000 % (1 << 32);
            at = at.wrapping_add(u32::try_from(rest).unwrap());
            flow(&mut sender, &mut receiver, &mut at, 960, 500);
        }
    }
}

/// Draws numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn nothing_opens_twice_whatever_is_sent_again_and_however_the_clock_goes() {
    for seed in 1..=6_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (mut sender, mut receiver) in pairs() {
            let (mut at, mut sent, mut opened) =
                (random.below(1 << 32) as u32, Vec::new(), BTreeSet::new());
            for _ in 0..25_000 {
                match random.below(4000) {
                    0 => at = at.wrapping_sub(random.below(1 << 24) as u32),
                    1 => at = at.wrapping_sub(random.below(1 << 31) as u32),
                    2 => at = at.wrapping_add(random.below(1 << 28) as u32),
                    _ => at = at.wrapping_add(960),
                }
                sent.push(sender.seal(&audio(at)));
                // Mostly the newest, sometimes none, often something old, or one that was held
                // back.
                let newest = sent.len() as u64 - 1;
                let which = match random.below(8) {
                    0 => continue,
                    1 => newest.saturating_sub(random.below(40)),
                    2 => newest.saturating_sub(random.below(3000)),
                    3 => random.below(newest + 1),
                    _ => newest,
                };
                if receiver.open(&sent[usize::try_from(which).unwrap()]).is_ok() {
                    assert!(opened.insert(which), "seed {seed}: frame {which} of {newest} twice");
                }
            }
            assert!(opened.len() > 12_000, "seed {seed}: {} open", opened.len());
        }
    }
}

#[test]
fn old_frames_stay_shut_where_their_counts_come_round() {
    // The next count identifies a clock that was set back, and a frame of 65,535 frames before has
    // the same count.
    for (mut sender, mut receiver) in pairs() {
        let mut all = Vec::new();
        for number in 0..140_000_u32 {
            let sealed = sender.seal(&audio(960 * number));
            assert_eq!(receiver.open(&sealed), Ok(()));
            all.push(sealed);
            if number.is_multiple_of(1000) {
                for back in [65_535 - 2048, 65_535 - 1, 65_535, 131_070 - 1, 131_070 - 700, 300] {
                    let Some(old) = number.checked_sub(back) else { continue };
                    assert!(receiver.open(&all[old as usize]).is_err(), "{old} at {number}");
                }
            }
        }
    }
}

#[test]
fn what_rested_opens_nothing_of_before_again() {
    for (mut sender, mut receiver) in pairs() {
        let mut all = Vec::new();
        let mut at = 77_000_000_u32;
        for part in 0..3 {
            for _ in 0..3000 {
                at = at.wrapping_add(3000);
                let sealed = sender.seal(&audio(at));
                assert_eq!(receiver.open(&sealed), Ok(()), "part {part}");
                all.push(sealed);
            }
            for old in &all {
                assert!(receiver.open(old).is_err());
            }
            at = at.wrapping_add(8 * 3600 * 90_000);
        }
    }
}

#[test]
fn a_clock_that_was_set_back_and_has_come_nearly_round_opens_nothing_again() {
    // Timestamps of long ago look then as if they were a little ahead of the newest.
    const BACK: [u32; 2] = [1 << 25, 1 << 30];
    for back in BACK {
        for (mut sender, mut receiver) in pairs() {
            let (mut at, mut all) = (1_u32 << 31, Vec::new());
            let forward = [back + (1 << 30), 1 << 30, 1 << 30, 3 << 28];
            for by in [0, back.wrapping_neg()].into_iter().chain(forward) {
                at = at.wrapping_add(by);
                for _ in 0..200 {
                    at = at.wrapping_add(960);
                    let sealed = sender.seal(&audio(at));
                    assert_eq!(receiver.open(&sealed), Ok(()), "{back}: at {at}");
                    all.push(sealed);
                }
                for (number, old) in all.iter().enumerate() {
                    assert!(receiver.open(old).is_err(), "{back}: {number} of {} at {at}", all.len());
                }
            }
        }
    }
}

#[test]
fn a_policy_of_replays_allowed_allows_them() {
    let policy = ReceiverPolicy { replay: sealframe_profiles::Replay::Allow, ..Default::default() };
    let mut receiver =
        jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()).with_policy(policy));
    receiver.set_key(0, jitsi::Key::from_material(&[7; 32]));
    let [mut sender, _] = Sender::both();
    let sealed = sender.seal(&audio(1));
    for _ in 0..3 {
        receiver.open_to_vec(&sealed, &audio(0)).unwrap();
    }
}
