//! Ratchets, generations and epochs over a network that loses and reorders.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use sealframe_crypto::{Cipher, CipherSuite};
use sealframe_media::{KeyError, KeyPolicy, KidLayout, OpenError, Receiver, Sender};
use sealframe_wire::{MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

mod common;
use common::{CAMERA, CIPHER, SUITE, base_key, base_key_of, kid_of, layout, receiver, sender};

#[test]
fn a_receiver_follows_any_jump_that_it_allows() {
    let layout = layout();
    let policy = KeyPolicy {
        max_ahead: 255,
        keep_behind: 0,
        ..KeyPolicy::for_layout(KidLayout::SenderKeys(layout))
    };
    for suite in [SUITE, CipherSuite::Aes256CtrHmacSha512_80] {
        for skipped in 0..=254 {
            let mut receiver =
                Receiver::with_policy(Cipher::recommended(suite), layout, policy).unwrap();
            receiver.add_sender(kid_of(1), base_key_of(suite, 1)).unwrap();
            let mut sender = sender(Cipher::recommended(suite), 1);
            for _ in 0..=skipped {
                sender.ratchet().unwrap();
            }
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x", "{skipped}");
        }
    }
}

#[test]
fn steps_wrap_around_their_bits_for_ever() {
    for step_bits in [1, 2, 3, 8] {
        let layout = SenderKeyLayout::new(4, step_bits).unwrap();
        let mut sender = Sender::new(CIPHER, layout, kid_of(9), base_key(1)).unwrap();
        let mut receiver = Receiver::new(CIPHER, layout);
        receiver.add_sender(kid_of(9), base_key(1)).unwrap();
        for round in 0..600 {
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x", "{round}");
            assert!(!receiver.open_to_vec(&frame, CAMERA).unwrap_err().is_retryable());
            sender.ratchet().unwrap();
        }
    }
}

#[test]
fn late_frames_open_for_8_steps_and_then_never() {
    let mut sender = sender(CIPHER, 1);
    let mut frames = Vec::new();
    for _ in 0..=20 {
        frames.push(sender.seal_to_vec(b"first", CAMERA).unwrap());
        frames.push(sender.seal_to_vec(b"again", CAMERA).unwrap());
        sender.ratchet().unwrap();
    }
    // Straight to step 20: the eight steps before it are kept, older ones stay shut.
    let mut receiver = receiver(CIPHER, [1]);
    assert!(receiver.open_to_vec(&frames[40], CAMERA).is_ok());
    for step in 0..=20 {
        let opened = receiver.open_to_vec(&frames[2 * step + 1], CAMERA);
        if step >= 12 {
            assert_eq!(opened.unwrap(), b"again", "step {step}");
        } else {
            assert!(matches!(opened, Err(OpenError::StepErased(_))), "step {step}: {opened:?}");
        }
    }
    // And a late frame does not move the receiver back.
    let frame = sender.seal_to_vec(b"now", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"now");
}

#[test]
fn a_joiner_opens_nothing_older_than_its_join() {
    let mut sender = sender(CIPHER, 1);
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(sender.seal_to_vec(b"old", CAMERA).unwrap());
        sender.ratchet().unwrap();
    }
    let mut joiner = Receiver::new(CIPHER, layout());
    let now = layout().split(sender.kid());
    joiner.add_sender(now, sender.export_base_key().unwrap()).unwrap();
    for frame in &old {
        assert!(matches!(joiner.open_to_vec(frame, CAMERA), Err(OpenError::StepErased(_))));
    }
    let frame = sender.seal_to_vec(b"new", CAMERA).unwrap();
    assert_eq!(joiner.open_to_vec(&frame, CAMERA).unwrap(), b"new");
}

#[test]
fn a_leaver_opens_nothing_after_the_rekey() {
    let mut sender = sender(CIPHER, 1);
    let mut leaver = receiver(CIPHER, [1]);
    let mut stays = receiver(CIPHER, [1]);
    sender.rekey(base_key(100)).unwrap();
    let next = SenderKeyKid { generation: 1, ..kid_of(1) };
    stays.add_sender(next, base_key(100)).unwrap();
    for _ in 0..3 {
        let frame = sender.seal_to_vec(b"new", CAMERA).unwrap();
        assert!(matches!(leaver.open_to_vec(&frame, CAMERA), Err(OpenError::UnknownKey(_))));
        assert_eq!(stays.open_to_vec(&frame, CAMERA).unwrap(), b"new");
        sender.ratchet().unwrap();
    }
}

#[test]
fn two_generations_live_side_by_side() {
    let mut old = sender(CIPHER, 1);
    let mut new = sender(CIPHER, 1);
    new.rekey(base_key(2)).unwrap();
    let mut receiver = receiver(CIPHER, [1]);
    receiver.add_sender(SenderKeyKid { generation: 1, ..kid_of(1) }, base_key(2)).unwrap();
    for _ in 0..5 {
        for sender in [&mut new, &mut old] {
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert!(receiver.open_to_vec(&frame, CAMERA).is_ok());
            sender.ratchet().unwrap();
        }
    }
    receiver.remove_generation(1, 0);
    let shut = old.seal_to_vec(b"x", CAMERA).unwrap();
    assert!(matches!(receiver.open_to_vec(&shut, CAMERA), Err(OpenError::UnknownKey(_))));
    let open = new.seal_to_vec(b"x", CAMERA).unwrap();
    assert!(receiver.open_to_vec(&open, CAMERA).is_ok());
    receiver.remove_sender(1);
    let shut = new.seal_to_vec(b"x", CAMERA).unwrap();
    assert!(matches!(receiver.open_to_vec(&shut, CAMERA), Err(OpenError::UnknownKey(_))));
}

#[test]
fn removing_one_sender_leaves_the_others() {
    let mut receiver = receiver(CIPHER, 0..50);
    let mut senders: Vec<Sender> = (0..50).map(|number| sender(CIPHER, number)).collect();
    for gone in [0, 49, 25, 7, 8] {
        receiver.remove_sender(gone);
        senders[gone as usize].ratchet().unwrap();
    }
    for (number, sender) in senders.iter_mut().enumerate() {
        let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
        let gone = [0, 49, 25, 7, 8].contains(&number);
        assert_eq!(receiver.open_to_vec(&frame, CAMERA).is_ok(), !gone, "{number}");
    }
}

#[test]
fn a_kid_holds_one_key_only() {
    let mut receiver = receiver(CIPHER, [1]);
    for kid in [kid_of(1), SenderKeyKid { step: 3, ..kid_of(1) }] {
        assert_eq!(receiver.add_sender(kid, base_key(1)), Err(KeyError::KidInUse));
        assert_eq!(receiver.add_sender(kid, base_key(2)), Err(KeyError::KidInUse));
    }
    let wide = SenderKeyKid { sender: 1 << 16, ..kid_of(1) };
    assert_eq!(receiver.add_sender(wide, base_key(2)), Err(KeyError::KidOutOfRange));
    assert_eq!(receiver.add_epoch(1, base_key(2)), Err(KeyError::WrongLayout));
    let frame = sender(CIPHER, 1).seal_to_vec(b"x", CAMERA).unwrap();
    assert!(receiver.open_to_vec(&frame, CAMERA).is_ok());
}

#[test]
fn an_mls_epoch_replaces_the_one_whose_low_bits_it_has() {
    let layout = MlsLayout::new(2, 6).unwrap();
    let at = |epoch| MlsKid { context: 0, index: 5, epoch };
    let frame_of = |epoch| {
        let mut sender = Sender::new_mls(CIPHER, layout, at(epoch), &base_key(epoch)).unwrap();
        sender.seal_to_vec(b"x", CAMERA).unwrap()
    };
    let mut receiver = Receiver::new(CIPHER, layout);
    for epoch in 0..4 {
        receiver.add_epoch(epoch, base_key(epoch)).unwrap();
    }
    for epoch in 0..4 {
        assert!(receiver.open_to_vec(&frame_of(epoch), CAMERA).is_ok());
    }
    assert_eq!(receiver.add_epoch(0, base_key(9)), Err(KeyError::KidInUse));
    receiver.add_epoch(4, base_key(4)).unwrap();
    assert_eq!(receiver.open_to_vec(&frame_of(0), CAMERA), Err(OpenError::Unauthentic));
    assert!(receiver.open_to_vec(&frame_of(4), CAMERA).is_ok());
    assert_eq!(receiver.add_epoch(0, base_key(0)), Err(KeyError::NotNewer));
    receiver.remove_epoch(4);
    assert!(matches!(receiver.open_to_vec(&frame_of(4), CAMERA), Err(OpenError::UnknownKey(_))));
    // Others are untouched: their frames were opened before and are remembered.
    assert!(matches!(receiver.open_to_vec(&frame_of(3), CAMERA), Err(OpenError::Replayed(_))));
    assert_eq!(receiver.add_sender(kid_of(1), base_key(1)), Err(KeyError::WrongLayout));
}

#[test]
fn any_order_inside_the_window_opens_the_same_frames() {
    let mut sender = sender(CIPHER, 1);
    let frames: Vec<Vec<u8>> = (0..2048_u32)
        .map(|number| {
            if number % 300 == 299 {
                sender.ratchet().unwrap();
            }
            sender.seal_to_vec(&number.to_be_bytes(), CAMERA).unwrap()
        })
        .collect();
    // Multiplying by an odd number modulo a power of two visits every place once.
    for stride in [1, 3, 1021, 2047] {
        let mut receiver = receiver(CIPHER, [1]);
        for place in 0..2048 {
            let place = place * stride % 2048;
            let opened = receiver.open_to_vec(&frames[place], CAMERA);
            assert_eq!(opened.unwrap(), (place as u32).to_be_bytes(), "stride {stride}");
        }
        for frame in &frames {
            let again = receiver.open_to_vec(frame, CAMERA);
            assert!(matches!(again, Err(OpenError::Replayed(_))));
        }
    }
}

#[test]
fn edge_sizes_of_frames() {
    for suite in CipherSuite::ALL {
        let mut sender = sender(Cipher::recommended(suite), 1);
        let mut receiver = receiver(Cipher::recommended(suite), [1]);
        for len in (0..=70).chain([1 << 20]) {
            let clear = vec![0xf8; len];
            let sealed = sender.seal_to_vec(&clear, CAMERA).unwrap();
            assert_eq!(receiver.open_to_vec(&sealed, CAMERA).unwrap(), clear, "{suite:?} {len}");
        }
    }
}
