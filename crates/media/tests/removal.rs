//! Frames of wiped keys do not open, whether or not they arrived before.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_media::{KeyPolicy, OpenError, Receiver, Sender};
use sealframe_testkit::memory::{Secret, WatchingAllocator, freed_with};
use sealframe_wire::{MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

mod common;
use common::{CAMERA, CIPHER, base_key, kid_of, layout, receiver, sender};

#[global_allocator]
static ALLOCATOR: WatchingAllocator = WatchingAllocator;

/// Two frames of each of `steps` steps from `start` on.
fn two_of_each_step(start: u64, steps: usize) -> Vec<[Vec<u8>; 2]> {
    let at = SenderKeyKid { step: start, ..kid_of(1) };
    let mut sender = Sender::new(CIPHER, layout(), at, base_key(1)).unwrap();
    let mut two = |_| {
        let frames = [b"one", b"two"].map(|frame| sender.seal_to_vec(frame, CAMERA).unwrap());
        sender.ratchet().unwrap();
        frames
    };
    (0..steps).map(&mut two).collect()
}

/// A receiver that has the key of step `start`, and has opened the first frame of these steps.
fn after_opening(start: u64, frames: &[[Vec<u8>; 2]], opened: &[usize]) -> Receiver {
    let mut receiver = Receiver::new(CIPHER, layout());
    receiver.add_sender(SenderKeyKid { step: start, ..kid_of(1) }, base_key(1)).unwrap();
    for &step in opened {
        assert_eq!(receiver.open_to_vec(&frames[step][0], CAMERA).unwrap(), b"one");
    }
    receiver
}

#[test]
fn steps_before_are_wiped_however_far_a_policy_looks_ahead() {
    let policy = KeyPolicy { max_ahead: 200, keep_behind: 8, ..KeyPolicy::for_layout(layout().into()) };
    let frames = two_of_each_step(0, 151);
    for opened in [&[][..], &[0], &[0, 3]] {
        let mut receiver = Receiver::with_policy(CIPHER, layout(), policy).unwrap();
        receiver.add_sender(kid_of(1), base_key(1)).unwrap();
        for &step in opened {
            receiver.open_to_vec(&frames[step][0], CAMERA).unwrap();
        }
        receiver.remove_before(SenderKeyKid { step: 150, ..kid_of(1) });
        for step in [0, 3, 100, 149] {
            // Steps come round: by such a policy this one may be ahead, and its key is another
            // then.
            let result = receiver.open_to_vec(&frames[step][1], CAMERA);
            assert!(result.is_err(), "{opened:?} {step}: {result:?}");
        }
        assert_eq!(receiver.open_to_vec(&frames[150][1], CAMERA).unwrap(), b"two");
    }
}

#[test]
fn steps_before_are_wiped_whatever_was_seen() {
    // Steps wrap after 255.
    for start in [0, 5, 250] {
        let frames = two_of_each_step(start, 12);
        for opened in [&[][..], &[0], &[0, 1], &[3], &[5], &[0, 2, 7], &[8]] {
            for first in 0..12_usize {
                let mut receiver = after_opening(start, &frames, opened);
                let step = (start + first as u64) % 256;
                receiver.remove_before(SenderKeyKid { step, ..kid_of(1) });
                for (of, [one, two]) in frames.iter().enumerate() {
                    let result = receiver.open_to_vec(two, CAMERA);
                    if of >= first {
                        // The step itself and all that follow, late ones among them.
                        assert_eq!(result, Ok(b"two".to_vec()), "{start} {opened:?} {first} {of}");
                        // And its replay window was not forgotten.
                        let one = receiver.open_to_vec(one, CAMERA);
                        assert_eq!(
                            one.is_err(),
                            opened.contains(&of),
                            "{start} {opened:?} {first} {of}"
                        );
                    } else {
                        let erased = matches!(result, Err(OpenError::StepErased(_)));
                        assert!(erased, "{start} {opened:?} {first} {of}: {result:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_step_that_is_out_of_reach_takes_its_generation_with_it() {
    let frames = two_of_each_step(0, 70);
    for (first, is_reached) in [(64_usize, true), (65, false), (69, false)] {
        let mut receiver = after_opening(0, &frames, &[0]);
        let at = SenderKeyKid { step: first as u64, ..kid_of(1) };
        receiver.remove_before(at);
        let before = receiver.open_to_vec(&frames[first - 1][1], CAMERA);
        let of_it = receiver.open_to_vec(&frames[first][1], CAMERA);
        if is_reached {
            assert!(matches!(before, Err(OpenError::StepErased(_))), "{before:?}");
            assert_eq!(of_it.unwrap(), b"two");
        } else {
            assert!(matches!(before, Err(OpenError::UnknownKey(_))), "{before:?}");
            assert!(matches!(of_it, Err(OpenError::UnknownKey(_))), "{of_it:?}");
            // It is asked for again, and heals.
            let key = (0..first).fold(base_key(1), |key, _| key.ratchet());
            receiver.add_sender(at, key).unwrap();
            assert_eq!(receiver.open_to_vec(&frames[first][1], CAMERA).unwrap(), b"two");
        }
    }
}

#[test]
fn generations_before_are_wiped_and_others_are_not() {
    let of = |generation, sender| SenderKeyKid { generation, ..kid_of(sender) };
    let mut receiver = receiver(CIPHER, [2]);
    let mut senders = Vec::new();
    for generation in 0..4 {
        receiver.add_sender(of(generation, 1), base_key(10 + generation)).unwrap();
        let key = base_key(10 + generation);
        senders.push(Sender::new(CIPHER, layout(), of(generation, 1), key).unwrap());
    }
    let mut open = |receiver: &mut Receiver| -> Vec<bool> {
        let frames = senders.iter_mut().map(|sender| sender.seal_to_vec(b"x", CAMERA).unwrap());
        frames.map(|frame| receiver.open_to_vec(&frame, CAMERA).is_ok()).collect()
    };
    receiver.remove_before(of(0, 1));
    assert_eq!(open(&mut receiver), [true; 4]);
    receiver.remove_before(of(2, 1));
    assert_eq!(open(&mut receiver), [false, false, true, true]);
    // Steps that the layout cannot hold, and senders that are not held.
    receiver.remove_before(SenderKeyKid { step: 256, ..of(2, 1) });
    receiver.remove_before(of(u64::MAX, 7));
    receiver.remove_generation(1, 2);
    assert_eq!(open(&mut receiver), [false, false, false, true]);
    receiver.remove_before(of(9, 1));
    assert_eq!(open(&mut receiver), [false; 4]);
    let mut other = sender(CIPHER, 2);
    let frame = other.seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x");
}

#[test]
fn who_leaves_takes_all_steps_and_generations_with_it() {
    let frames = two_of_each_step(0, 10);
    let mut receiver = after_opening(0, &frames, &[9]);
    // Late frames open, up to eight steps behind.
    for (step, [one, _]) in frames.iter().enumerate() {
        assert_eq!(receiver.open_to_vec(one, CAMERA).is_ok(), (1..9).contains(&step), "{step}");
    }
    receiver.add_sender(SenderKeyKid { generation: 7, ..kid_of(1) }, base_key(7)).unwrap();
    receiver.add_sender(kid_of(2), base_key(2)).unwrap();
    receiver.remove_sender(1);
    for [_, two] in &frames {
        assert!(matches!(receiver.open_to_vec(two, CAMERA), Err(OpenError::UnknownKey(_))));
    }
    let frame = sender(CIPHER, 2).seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x");
    // Its numbers are free, and the room that it took.
    receiver.add_sender(kid_of(1), base_key(1)).unwrap();
    receiver.add_sender(SenderKeyKid { generation: 7, ..kid_of(1) }, base_key(7)).unwrap();
}

#[test]
fn nothing_is_removed_from_the_other_layout() {
    let mut one = receiver(CIPHER, [1]);
    one.remove_epoch(0);
    let frame = sender(CIPHER, 1).seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(one.open_to_vec(&frame, CAMERA).unwrap(), b"x");

    let mls = MlsLayout::new(4, 6).unwrap();
    let mut member = Receiver::new(CIPHER, mls);
    member.add_epoch(1, base_key(1)).unwrap();
    member.remove_sender(3);
    member.remove_generation(3, 0);
    member.remove_before(SenderKeyKid { generation: 1, ..kid_of(3) });
    let at = MlsKid { context: 0, index: 3, epoch: 1 };
    let mut sender = Sender::new_mls(CIPHER, mls, at, &base_key(1)).unwrap();
    let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(member.open_to_vec(&frame, CAMERA).unwrap(), b"x");
}

#[test]
fn a_layout_without_steps_has_none_before() {
    let layout = SenderKeyLayout::new(16, 0).unwrap();
    let mut receiver = Receiver::new(CIPHER, layout);
    receiver.add_sender(kid_of(1), base_key(1)).unwrap();
    receiver.remove_before(kid_of(1));
    let mut sender = Sender::new(CIPHER, layout, kid_of(1), base_key(1)).unwrap();
    let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x");
}

/// The base keys of all steps, looked at where they lay when they are freed.
#[test]
fn base_keys_are_wiped_as_steps_and_senders_go() {
    let steps = |step| (0..step).fold(base_key(1), |key, _| key.ratchet());
    let keys: Vec<_> = (0..12).map(steps).collect();
    let frames = two_of_each_step(0, 12);
    for (step, key) in keys.iter().enumerate() {
        let watched = Secret::of(key.expose_bytes());
        let freed = freed_with(&watched, || {
            let mut sender = sender(CIPHER, 1);
            for _ in 0..step {
                sender.ratchet().unwrap();
            }
            drop(sender.export_base_key());
            sender.rekey(base_key(2)).unwrap();

            let mut receiver = after_opening(0, &frames, &[0, 2, 11]);
            receiver.remove_sender(1);
            let mut receiver = after_opening(0, &frames, &[1]);
            receiver.remove_before(SenderKeyKid { step: 7, ..kid_of(1) });
            receiver.remove_generation(1, 0);
            drop(after_opening(0, &frames, &[5]));
            let policy = KeyPolicy { keep_behind: 0, ..KeyPolicy::for_layout(layout().into()) };
            drop(Receiver::with_policy(CIPHER, layout(), policy));
        });
        assert_eq!(freed, 0, "step {step}");
    }
}
