//! Generations, epochs and replays of DAVE's frames: the ends of the windows, by the clock that is
//! handed in.
#![cfg(feature = "dave")]
#![expect(clippy::unwrap_used, reason = "a test")]

mod dave_common;

use core::time::Duration;

use dave_common::{NOW, frames, payload, receiver, receivers, secret, sender};
use sealframe_profiles::{
    Backend, KeyError, OpenError,
    dave::{Config, Receiver, Sender},
};

const GRACE: Duration = Duration::from_secs(10);
const MICROSECOND: Duration = Duration::from_micros(1);
/// Late enough for any generation.
const LATE: Duration = Duration::from_secs(400 * 24 * 3600);

/// A sender's frame with this nonce.
fn frame(sender: &mut Sender, nonce: u64) -> Vec<u8> {
    sender.skip_to(nonce - 1).unwrap();
    sender.seal_to_vec(&nonce.to_be_bytes(), None).unwrap()
}

/// The frame of this nonce, by a sender that has sealed nothing before.
fn of(nonce: u64) -> Vec<u8> {
    frame(&mut sender(), nonce)
}

fn opens(receiver: &mut Receiver, nonce: u64, now: Duration) {
    assert_eq!(receiver.open_to_vec(&of(nonce), now), Ok(nonce.to_be_bytes().to_vec()));
}

fn error(receiver: &mut Receiver, nonce: u64, now: Duration) -> OpenError {
    receiver.open_to_vec(&of(nonce), now).unwrap_err()
}

#[test]
fn each_nonce_opens_once_inside_the_window() {
    let mut receiver = receiver();
    for nonce in [1, 3, 2, 7, 5, 6, 4, 2000, 1000] {
        opens(&mut receiver, nonce, NOW);
        assert!(
            matches!(error(&mut receiver, nonce, NOW), OpenError::Replayed { count } if count == nonce)
        );
    }
    opens(&mut receiver, 3000, NOW);
    opens(&mut receiver, 3000 - 2047, NOW);
    assert!(matches!(error(&mut receiver, 3000 - 2048, NOW), OpenError::TooOld { .. }));
    assert_eq!(receiver.stats().opened, 11);
    assert_eq!(receiver.stats().replayed, 10);
}

#[test]
fn all_streams_share_one_counter() {
    let (mut sender, mut receiver) = (sender(), receiver());
    for (expected, (codec, frame)) in (1..).zip(frames()) {
        let mut sealed = sender.seal_to_vec(&frame, codec).unwrap();
        assert_eq!(receiver.open_in_place(&mut sealed, NOW).unwrap().nonce, expected);
        assert_eq!(sender.nonces(), expected);
    }
}

#[test]
fn a_sender_goes_forward_only() {
    let mut sender = sender();
    sender.skip_to(9).unwrap();
    assert_eq!(sender.skip_to(8), Err(KeyError::NotNewer));
    assert_eq!(sender.nonces(), 9);
    assert_eq!(sender.skip_to(1 << 56), Err(KeyError::OutOfRange));
    assert_eq!(sender.nonces(), 9);
}

#[test]
fn generations_change_in_midstream_and_may_come_late() {
    let mut receiver = receiver();
    let last = (1 << 24) - 1;
    opens(&mut receiver, last - 1, NOW);
    opens(&mut receiver, last + 1, NOW);
    opens(&mut receiver, last, NOW + GRACE - MICROSECOND);
    assert_eq!(receiver.stats().derivations, 1);
    // The old key is gone. By the bits that are sent it would be a generation far ahead.
    assert!(matches!(error(&mut receiver, last - 2, NOW + GRACE), OpenError::StepTooFar { .. }));
    opens(&mut receiver, last + 2, NOW + GRACE);
}

#[test]
fn a_generation_is_erased_ten_seconds_after_any_newer_one_opened() {
    let mut receiver = receiver();
    let at = |generation: u64, low: u64| (generation << 24) + low;
    let start = NOW + LATE;
    opens(&mut receiver, at(0, 0xff_ff00), start);
    opens(&mut receiver, at(1, 1), start + GRACE / 2);
    opens(&mut receiver, at(2, 1), start + GRACE);
    // Generation 0 is erased in the middle of generation 1's grace period. Held keys detect
    // replays.
    assert!(matches!(error(&mut receiver, at(1, 1), start + GRACE * 3 / 2), OpenError::TooOld { .. }));
    assert!(matches!(
        error(&mut receiver, at(0, 0xff_ff01), start + GRACE * 3 / 2),
        OpenError::StepTooFar { .. }
    ));
    assert!(matches!(error(&mut receiver, at(1, 2), start + GRACE * 2), OpenError::StepTooFar { .. }));
    opens(&mut receiver, at(2, 2), start + GRACE * 2);
}

#[test]
fn generations_wrap_and_go_on() {
    let mut receiver = receiver();
    let mut sender = sender();
    let mut now = NOW + LATE;
    for generation in [100_u64, 255, 256, 257, 500, 512, 600] {
        let nonce = (generation << 24) + 5;
        let sealed = frame(&mut sender, nonce);
        let mut buf = sealed.clone();
        let opened = receiver.open_in_place(&mut buf, now).unwrap();
        assert_eq!((opened.nonce, opened.generation()), (nonce, generation));
        now += GRACE;
        receiver.erase_old(now);
        assert!(receiver.open_to_vec(&sealed, now).is_err());
    }
}

#[test]
fn a_frame_is_at_most_250_generations_ahead() {
    let late = NOW + LATE;
    opens(&mut receiver(), (250 << 24) + 1, late);
    let mut receiver = receiver();
    assert!(matches!(
        error(&mut receiver, (251 << 24) + 1, late),
        OpenError::StepTooFar { generation: 251 }
    ));
    assert_eq!(receiver.stats().derivations, 0);
    opens(&mut receiver, (1 << 24) + 1, late);
    opens(&mut receiver, (251 << 24) + 1, late);
}

#[test]
fn a_young_epoch_has_had_no_time_for_late_generations() {
    let mut receiver = receiver();
    assert!(matches!(error(&mut receiver, (2 << 24) + 1, NOW), OpenError::StepTooFar { .. }));
    assert_eq!(receiver.stats().derivations, 0);
    // 2^24 frames at four times libdave's rate.
    let day = Duration::from_secs(24 * 3600);
    opens(&mut receiver, (4 << 24) + 1, NOW + day);
    assert!(matches!(error(&mut receiver, (5 << 24) + 1, NOW + day), OpenError::StepTooFar { .. }));
    // A clock that runs back makes frames fail, and does no other harm.
    assert!(matches!(
        error(&mut receiver, (5 << 24) + 1, Duration::ZERO),
        OpenError::StepTooFar { .. }
    ));
    opens(&mut receiver, (4 << 24) + 2, NOW + day);
}

#[test]
fn forged_generations_change_nothing_and_cost_little() {
    let mut receiver = receiver();
    let late = NOW + LATE;
    opens(&mut receiver, 1, late);
    for generation in 1..=250_u64 {
        let mut forged = of((generation << 24) + 1);
        forged[0] ^= 1;
        assert_eq!(receiver.open_to_vec(&forged, late), Err(OpenError::Unauthentic));
    }
    assert_eq!(receiver.stats().derivations, (1..=250).sum::<u64>());
    // None was kept, none was taken for the newest, and nothing is erased for it.
    opens(&mut receiver, 2, late + 2 * GRACE);
    assert!(matches!(error(&mut receiver, (251 << 24) + 1, late), OpenError::StepTooFar { .. }));
    opens(&mut receiver, (250 << 24) + 1, late + 2 * GRACE);
}

#[test]
fn an_old_epoch_opens_for_ten_seconds_after_a_new_one_was_added() {
    let mut old = Sender::new(Config::new(Backend::recommended()), secret(1));
    let mut new = Sender::new(Config::new(Backend::recommended()), secret(2));
    let mut receiver = receiver();
    let seal = |sender: &mut Sender| sender.seal_to_vec(b"a frame", None).unwrap();
    receiver.add_epoch(2, secret(2), NOW);
    for epoch in [1, 2, 1] {
        let mut sealed = seal(if epoch == 1 { &mut old } else { &mut new });
        let opened = receiver.open_in_place(&mut sealed, NOW + GRACE - MICROSECOND).unwrap();
        assert_eq!(opened.epoch, epoch);
    }
    let replayed = seal(&mut new);
    receiver.open_to_vec(&replayed, NOW + GRACE).unwrap();
    assert!(matches!(receiver.open_to_vec(&replayed, NOW + GRACE), Err(OpenError::Replayed { .. })));
    // The old key is gone; under the new one, where this nonce has not come yet, it is tried.
    assert_eq!(receiver.open_to_vec(&seal(&mut old), NOW + GRACE), Err(OpenError::Unauthentic));
    receiver.remove_all();
    assert!(matches!(receiver.open_to_vec(&seal(&mut new), NOW), Err(OpenError::UnknownKey { .. })));
}

/// The newest epoch's key is tried first, and its result is undone, for frames of every length.
#[test]
fn frames_of_any_length_open_under_an_old_epoch_on_every_backend() {
    for mut receiver in receivers() {
        receiver.add_epoch(2, secret(2), NOW);
        let mut sender = sender();
        for len in [0, 1, 40, 300, 600, 1200, 70_000] {
            let sealed = sender.seal_to_vec(&payload(len), None).unwrap();
            let mut forged = sealed.clone();
            forged[len] ^= 1;
            let before = forged.clone();
            let error = receiver.open_in_place(&mut forged, NOW).unwrap_err();
            assert_eq!((error, forged), (OpenError::Unauthentic, before));
            assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), payload(len));
        }
    }
}

#[test]
fn of_many_epochs_the_oldest_goes() {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    for number in 0..17_u8 {
        receiver.add_epoch(number.into(), secret(number), NOW);
    }
    for number in 0..17_u8 {
        let mut sealed = Sender::new(Config::new(Backend::recommended()), secret(number))
            .seal_to_vec(b"a frame", None)
            .unwrap();
        match receiver.open_in_place(&mut sealed, NOW) {
            Ok(opened) => assert_eq!(opened.epoch, number.into()),
            Err(error) => assert_eq!((number, error), (0, OpenError::Unauthentic)),
        }
    }
}

#[test]
fn a_clock_at_its_end_is_no_reason_to_panic() {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.add_epoch(1, secret(1), Duration::MAX);
    receiver.add_epoch(2, secret(1), Duration::MAX);
    opens(&mut receiver, (1 << 24) + 1, Duration::MAX);
}
