//! A counter never repeats, a key never seals too much.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;

use sealframe_crypto::{Cipher, CipherSuite};
use sealframe_media::{KeyError, KeyUsage, Metadata, SealError, Sender, SenderEvent};
use sealframe_wire::{Header, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

mod common;
use common::{CAMERA, CIPHER, SUITE, base_key, base_key_of, kid_of, layout, receiver};

fn resumed(suite: CipherSuite, frames: u64, blocks: u64) -> Sender {
    let usage = KeyUsage { frames, blocks, ..KeyUsage::default() };
    Sender::resume(Cipher::recommended(suite), layout(), kid_of(1), base_key_of(suite, 1), usage)
        .unwrap()
}

#[test]
fn frames_end_at_2_to_the_32() {
    for suite in CipherSuite::ALL {
        let mut sender = resumed(suite, (1 << 32) - 2, 0);
        let mut receiver = receiver(Cipher::recommended(suite), [1]);
        for left in [1, 0] {
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert_eq!(Header::parse(&frame).unwrap().ctr().get(), (1 << 32) - 1 - left);
            assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"x");
        }
        for _ in 0..3 {
            assert_eq!(sender.seal_to_vec(b"x", CAMERA), Err(SealError::KeyExhausted));
        }
        assert_eq!(sender.usage().frames, 1 << 32);
        // A new step begins at zero, under its own key.
        sender.ratchet().unwrap();
        assert_eq!(sender.usage(), KeyUsage::default());
        let frame = sender.seal_to_vec(b"y", CAMERA).unwrap();
        assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"y");
    }
}

#[test]
fn blocks_end_at_2_to_the_34() {
    // 100 bytes of payload are 7 blocks, the authenticated data 1 to 2, the tag 1.
    let spent = (1 << 34) - 10;
    assert_eq!(
        resumed(SUITE, 5, spent + 1).seal_to_vec(&[0; 100], CAMERA),
        Err(SealError::KeyExhausted)
    );
    let mut sender = resumed(SUITE, 5, spent);
    assert!(sender.seal_to_vec(&[0; 100], CAMERA).is_ok());
    assert_eq!(sender.seal_to_vec(&[], CAMERA), Err(SealError::KeyExhausted));
    // No stored usage makes a counter wrap.
    for usage in [u64::MAX, u64::MAX - 1, 1 << 34, 1 << 32] {
        let full = resumed(SUITE, usage, usage).seal_to_vec(b"", CAMERA);
        assert_eq!(full, Err(SealError::KeyExhausted));
    }
}

#[test]
fn blocks_are_never_undercounted() {
    let application = [0; 50];
    for (frame_len, prefix, application_len) in
        (0..200).flat_map(|len| [(len, 0, 0), (len, 0, 33), (len, 10, 0), (len, 3, 50)])
    {
        if prefix > frame_len {
            continue;
        }
        let mut sender = resumed(SUITE, 0, 0);
        let metadata = Metadata::from(CAMERA).with_prefix(prefix);
        let metadata = metadata.with_application(&application[..application_len]);
        let frame = vec![0; usize::from(frame_len)];
        let sealed = sender.seal_to_vec(&frame, metadata).unwrap();
        let header_len = sealed.len() - frame.len() - 16;
        let aad_len = header_len + 5 + usize::from(prefix) + application_len;
        let payload_len = frame.len() - usize::from(prefix);
        let exact = (payload_len.div_ceil(16) + aad_len.div_ceil(16) + 1) as u64;
        let counted = sender.usage().blocks;
        assert!((exact..=exact + 3).contains(&counted), "{frame_len} {prefix}: {exact} {counted}");
    }
}

#[test]
fn an_event_comes_once_at_three_quarters() {
    let warning = |sender: &mut Sender| {
        sender.seal_to_vec(b"x", CAMERA).unwrap();
        sender.poll_event()
    };
    let mut sender = resumed(SUITE, 3 * (1 << 30) - 2, 0);
    assert_eq!(warning(&mut sender), None);
    let event = Some(SenderEvent::KeyNearlyExhausted(sender.kid()));
    assert_eq!(warning(&mut sender), event);
    assert_eq!(warning(&mut sender), None);
    sender.ratchet().unwrap();
    assert_eq!(warning(&mut sender), None);

    let mut sender = resumed(SUITE, 0, 3 * (1 << 32) - 1);
    assert_eq!(warning(&mut sender), event);
}

#[test]
fn no_key_and_counter_seal_twice() {
    // Over every way to move on, each (KID, CTR) is seen once in a space without wrapping.
    let mut sender = Sender::new(CIPHER, layout(), kid_of(1), base_key(1)).unwrap();
    let mut seen = HashSet::new();
    for round in 0..40 {
        for _ in 0..10 {
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert!(seen.insert(Header::parse(&frame).unwrap()));
        }
        match round % 3 {
            0 => drop(sender.ratchet().unwrap()),
            1 => drop(sender.rekey(base_key(round)).unwrap()),
            _ => {}
        }
    }
    assert_eq!(seen.len(), 400);
}

#[test]
fn an_epoch_whose_kid_comes_round_again_repeats_no_counter() {
    // Four bits of epoch, and an application that gives every epoch the same base key.
    let layout = MlsLayout::new(4, 6).unwrap();
    let at = |epoch| MlsKid { context: 0, index: 3, epoch };
    let mut sender = Sender::new_mls(CIPHER, layout, at(0), &base_key(1)).unwrap();
    let mut seen = HashSet::new();
    let mut seal = |sender: &mut Sender| {
        let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
        assert!(seen.insert(Header::parse(&frame).unwrap()));
    };
    for epoch in 1..=40 {
        seal(&mut sender);
        sender.change_epoch(epoch, &base_key(1)).unwrap();
    }
    let usage = sender.usage();
    assert_eq!(usage, KeyUsage { first_ctr: 40, frames: 0, blocks: 0 });
    let mut sender = Sender::resume_mls(CIPHER, layout, at(40), &base_key(1), usage).unwrap();
    seal(&mut sender);
    assert_eq!(seen.len(), 41);
}

fn member_at(layout: MlsLayout, usage: KeyUsage) -> Result<Sender, KeyError> {
    let at = MlsKid { context: 0, index: 3, epoch: 40 };
    Sender::resume_mls(CIPHER, layout, at, &base_key(1), usage)
}

#[test]
fn an_mls_sender_resumes_where_it_was_however_far() {
    let layout = MlsLayout::new(4, 6).unwrap();
    for first_ctr in [0, 5, (1 << 32) - 1, 1 << 32, 3 << 40, u64::MAX - (1 << 32)] {
        for (frames, blocks) in [(0, 0), (1, 4), (3, 99), ((1 << 32) - 1, 0), (7, (1 << 34) - 9)] {
            let stored = KeyUsage { first_ctr, frames, blocks };
            let mut sender = member_at(layout, stored).unwrap();
            // Frames are never fewer blocks than they must have been.
            let usage = KeyUsage { blocks: blocks.max(4 * frames), ..stored };
            assert_eq!(sender.usage(), usage);
            let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
            assert_eq!(Header::parse(&frame).unwrap().ctr().get(), first_ctr + frames);
            let after = sender.usage();
            assert_eq!((after.first_ctr, after.frames), (first_ctr, frames + 1));
            assert_eq!(member_at(layout, after).unwrap().usage(), after);
            // The next epoch's key has sealed nothing yet, and its CTR goes on.
            let next = sender.change_epoch(41, &base_key(2));
            if first_ctr + frames < u64::MAX - (1 << 32) {
                next.unwrap();
                let first_ctr = first_ctr + frames + 1;
                assert_eq!(sender.usage(), KeyUsage { first_ctr, frames: 0, blocks: 0 });
            } else {
                assert_eq!(next, Err(KeyError::CtrExhausted));
                assert_eq!(sender.usage(), after);
            }
        }
    }
}

#[test]
fn frames_of_earlier_epochs_are_not_this_keys() {
    let layout = MlsLayout::new(4, 6).unwrap();
    let stored = KeyUsage { first_ctr: (1 << 32) - 1, frames: 0, blocks: 0 };
    let mut sender = member_at(layout, stored).unwrap();
    sender.seal_to_vec(&[0; 100_000], CAMERA).unwrap();
    assert_eq!(sender.poll_event(), None);
    assert!(sender.usage().blocks < 7000);
    // Its own are, also if no blocks were stored with them.
    let stored = KeyUsage { first_ctr: 5, frames: 3 << 30, blocks: 0 };
    let mut sender = member_at(layout, stored).unwrap();
    sender.seal_to_vec(b"x", CAMERA).unwrap();
    assert!(sender.poll_event().is_some());
    for frames in [1 << 32, (1 << 32) + 1, u64::MAX] {
        let stored = KeyUsage { first_ctr: 5, frames, blocks: 0 };
        let mut sender = member_at(layout, stored).unwrap();
        assert_eq!(sender.seal_to_vec(b"x", CAMERA), Err(SealError::KeyExhausted));
        // Not set back, so no later epoch begins below the stored usage.
        assert_eq!(sender.usage().next_ctr(), 5_u64.saturating_add(frames));
    }
}

#[test]
fn a_counter_that_would_wrap_is_refused() {
    let layout = MlsLayout::new(4, 6).unwrap();
    for first_ctr in [u64::MAX - (1 << 32) + 1, u64::MAX - 1, u64::MAX] {
        let made = member_at(layout, KeyUsage { first_ctr, ..KeyUsage::default() });
        assert_eq!(made.err(), Some(KeyError::CtrExhausted));
    }
    let last = KeyUsage { first_ctr: u64::MAX - (1 << 32), frames: (1 << 32) - 1, blocks: 0 };
    let mut sender = member_at(layout, last).unwrap();
    let frame = sender.seal_to_vec(b"x", CAMERA).unwrap();
    assert_eq!(Header::parse(&frame).unwrap().ctr().get(), u64::MAX - 1);
    assert_eq!(sender.seal_to_vec(b"x", CAMERA), Err(SealError::KeyExhausted));
}

#[test]
fn a_generation_is_used_once() {
    let mut sender = Sender::new(CIPHER, layout(), kid_of(1), base_key(1)).unwrap();
    sender.rekey_to(5, base_key(2)).unwrap();
    sender.ratchet().unwrap();
    sender.seal_to_vec(b"x", CAMERA).unwrap();
    let before = (sender.kid(), sender.usage());
    // The same generation again would begin at step 0 and CTR 0 of a KID that has sealed.
    for generation in [5, 4, 1, 0] {
        assert_eq!(sender.rekey_to(generation, base_key(3)), Err(KeyError::NotNewer));
        assert_eq!((sender.kid(), sender.usage()), before);
    }
    sender.rekey_to(6, base_key(3)).unwrap();
    assert_eq!(layout().split(sender.kid()), SenderKeyKid { generation: 6, ..kid_of(1) });
    assert_eq!(sender.usage(), KeyUsage::default());
    assert_eq!(sender.rekey_to(1 << 40, base_key(4)), Err(KeyError::KidOutOfRange));
    sender.rekey_to((1 << 40) - 1, base_key(4)).unwrap();
    assert_eq!(sender.rekey(base_key(5)), Err(KeyError::KidOutOfRange));
}

#[test]
fn what_is_refused_does_not_lie_in_the_output() {
    let clear = [0x77; 40];
    let mut out = [0; 100];
    let mut full = resumed(SUITE, 5, 1 << 34);
    assert_eq!(full.seal_into(&clear, CAMERA, &mut out).err(), Some(SealError::KeyExhausted));
    let mut sender = resumed(SUITE, 5, 0);
    let metadata = Metadata::from(CAMERA).with_prefix(41);
    assert_eq!(sender.seal_into(&clear, metadata, &mut out).err(), Some(SealError::PrefixTooLong));
    let error = sender.seal_into(&clear, CAMERA, &mut out[..50]).err();
    assert_eq!(error, Some(SealError::OutputTooShort { need: 3 + 40 + 16 }));
    assert_eq!(out, [0; 100]);
    assert_eq!(sender.usage().frames, 5);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let tiny = SenderKeyLayout::new(62, 1).unwrap(); // one bit of generation
    let kid = |generation, sender| SenderKeyKid { generation, sender, step: 0 };
    let made = Sender::new(CIPHER, tiny, kid(2, 0), base_key(1));
    assert_eq!(made.err(), Some(KeyError::KidOutOfRange));
    let made = Sender::new(CIPHER, tiny, kid(0, 1 << 62), base_key(1));
    assert_eq!(made.err(), Some(KeyError::KidOutOfRange));
    let mut sender = Sender::new(CIPHER, tiny, kid(1, 5), base_key(1)).unwrap();
    sender.seal_to_vec(b"x", CAMERA).unwrap();
    let before = (sender.kid(), sender.usage());
    assert_eq!(sender.rekey(base_key(2)), Err(KeyError::KidOutOfRange));
    assert_eq!(sender.change_epoch(9, &base_key(2)), Err(KeyError::WrongLayout));
    assert_eq!((sender.kid(), sender.usage()), before);

    let no_steps = SenderKeyLayout::new(8, 0).unwrap();
    let mut sender = Sender::new(CIPHER, no_steps, kid(0, 1), base_key(1)).unwrap();
    assert_eq!(sender.ratchet(), Err(KeyError::NoRatchet));

    let layout = MlsLayout::new(4, 6).unwrap();
    let at = MlsKid { context: 0, index: 3, epoch: 14 };
    let mut sender = Sender::new_mls(CIPHER, layout, at, &base_key(1)).unwrap();
    sender.seal_to_vec(b"x", CAMERA).unwrap();
    let before = (sender.kid(), sender.usage());
    assert_eq!(sender.ratchet(), Err(KeyError::NoRatchet));
    assert_eq!(sender.rekey(base_key(2)), Err(KeyError::WrongLayout));
    assert_eq!(sender.change_epoch(14, &base_key(2)), Err(KeyError::NotNewer));
    assert_eq!(sender.change_epoch(13, &base_key(2)), Err(KeyError::NotNewer));
    assert_eq!((sender.kid(), sender.usage()), before);
    assert!(sender.export_base_key().is_none());
    sender.change_epoch(30, &base_key(2)).unwrap();
    assert_eq!(sender.usage(), KeyUsage { first_ctr: 1, frames: 0, blocks: 0 });
}
