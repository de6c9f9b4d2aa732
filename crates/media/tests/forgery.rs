//! An attacker's bytes change nothing, and cost little.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sealframe_crypto::{Cipher, CipherSuite};
use sealframe_media::{
    KeyError, KeyPolicy, KeyUsage, KidLayout, Metadata, OpenError, Receiver, Sender, Stream, StreamKind,
};
use sealframe_testkit::alloc::{self, CountingAllocator};
use sealframe_wire::{Ctr, Header, HeaderError, Kid, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

mod common;
use common::{CAMERA, CIPHER, base_key, base_key_of, kid_of, layout, receiver, sender};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Rejected, with the buffer unchanged or without plaintext.
fn refused(receiver: &mut Receiver, frame: &[u8], metadata: Metadata<'_>, clear: &[u8]) -> OpenError {
    let mut buf = frame.to_vec();
    let error = receiver.open_in_place(&mut buf, metadata).unwrap_err();
    if error != OpenError::Unauthentic {
        assert_eq!(buf, frame, "{error}: the frame is as it was");
    }
    let secret = &clear[metadata.prefix_len()..];
    if secret.len() >= 8 {
        assert!(!buf.windows(8).any(|at| at == &secret[..8]), "{error}: no plaintext");
    }
    error
}

#[test]
fn every_flipped_bit_is_refused_and_loses_nothing() {
    let clear: Vec<u8> = (0..64).collect();
    for suite in CipherSuite::ALL {
        for prefix in [0, 1, 10] {
            let metadata = Metadata::from(CAMERA).with_prefix(prefix);
            let mut receiver = receiver(Cipher::recommended(suite), [1, 2]);
            let genuine = sender(Cipher::recommended(suite), 1).seal_to_vec(&clear, metadata).unwrap();
            for bit in 0..genuine.len() * 8 {
                let mut forged = genuine.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                refused(&mut receiver, &forged, metadata, &clear);
            }
            for len in 0..genuine.len() {
                refused(&mut receiver, &genuine[..len], metadata, &clear);
            }
            refused(&mut receiver, &[&*genuine, &[0]].concat(), metadata, &clear);
            assert_eq!(receiver.open_to_vec(&genuine, metadata).unwrap(), clear);
            let replayed = refused(&mut receiver, &genuine, metadata, &clear);
            assert_eq!(replayed, OpenError::Replayed(Ctr::new(0)));
        }
    }
}

#[test]
fn each_kind_of_bad_input_has_its_error() {
    let clear = [0x77; 20];
    let raw = Metadata::from(CAMERA);
    let mut receiver = receiver(CIPHER, [1]);
    let mut sender = sender(CIPHER, 1);
    let genuine = sender.seal_to_vec(&clear, CAMERA).unwrap();
    let mut error = |frame: &[u8]| refused(&mut receiver, frame, raw, &clear);
    assert_eq!(error(&[]), OpenError::Header(HeaderError::Empty));
    assert_eq!(error(&genuine[..1]), OpenError::Header(HeaderError::Truncated));
    assert_eq!(error(&genuine[..3 + 15]), OpenError::TooShort);
    assert_eq!(error(&genuine[..3 + 16]), OpenError::Unauthentic);
    let not_minimal = [&[0xa0, 0x00, 0x01, 0x00], &genuine[3..]].concat();
    assert_eq!(error(&not_minimal), OpenError::Header(HeaderError::KidNotMinimal));
    let not_minimal = [&[0x98, 0x01, 0x00, 0x00], &genuine[3..]].concat();
    assert_eq!(error(&not_minimal), OpenError::Header(HeaderError::CtrNotMinimal));
    let with_header = |kid, ctr| {
        let header = Header::new(Kid::new(kid), Ctr::new(ctr)).encode();
        [header.as_bytes(), &genuine[3..]].concat()
    };
    assert_eq!(error(&with_header(0x200, 0)), OpenError::UnknownKey(Kid::new(0x200)));
    assert!(OpenError::UnknownKey(Kid::new(0x200)).is_retryable());
    assert_eq!(error(&with_header(0x100, 1)), OpenError::Unauthentic);
    assert_eq!(error(&with_header(0x101, 0)), OpenError::Unauthentic);
    assert_eq!(error(&with_header(0x100 + 65, 0)), OpenError::StepTooFar(Kid::new(0x141)));
    assert_eq!(error(&with_header(0x1ff, 0)), OpenError::StepErased(Kid::new(0x1ff)));
    let mut prefixed = |frame: &[u8]| refused(&mut receiver, frame, raw.with_prefix(9), &clear);
    assert_eq!(prefixed(&[0; 8]), OpenError::TooShort);
    assert_eq!(prefixed(&[0; 9]), OpenError::Header(HeaderError::Empty));
    assert_eq!(receiver.open_to_vec(&genuine, CAMERA).unwrap(), clear);
}

#[test]
fn a_stream_cannot_be_played_as_another() {
    let kinds = [1, 2, 3, 4, 5].map(|id| StreamKind::from_id(id).unwrap());
    let streams: Vec<Stream> =
        kinds.iter().flat_map(|&kind| [0, 1, 256].map(|index| Stream::new(kind, index))).collect();
    let mut receiver = receiver(CIPHER, [1]);
    let mut sender = sender(CIPHER, 1);
    for &made in &streams {
        let frame = sender.seal_to_vec(b"a frame of some length", made).unwrap();
        for &played in streams.iter().filter(|&&played| played != made) {
            let error = receiver.open_to_vec(&frame, played).unwrap_err();
            assert_eq!(error, OpenError::Unauthentic, "{made:?} as {played:?}");
        }
        let unlabelled = receiver.open_to_vec(&frame, Metadata::raw(&[])).unwrap_err();
        assert_eq!(unlabelled, OpenError::Unauthentic);
        assert_eq!(receiver.open_to_vec(&frame, made).unwrap(), b"a frame of some length");
    }
}

#[test]
fn metadata_has_one_reading() {
    // Bytes cannot be moved between prefix and application, nor the prefix shortened.
    let mut receiver = receiver(CIPHER, [1]);
    let mut sender = sender(CIPHER, 1);
    let stream = Metadata::from(CAMERA);
    let made = stream.with_prefix(2).with_application(b"cd");
    let frame = sender.seal_to_vec(b"abPAYLOAD", made).unwrap();
    for played in [
        stream.with_prefix(2).with_application(b"c"),
        stream.with_prefix(2).with_application(b"cde"),
        stream.with_prefix(2),
    ] {
        assert_eq!(receiver.open_to_vec(&frame, played), Err(OpenError::Unauthentic));
    }
    let moved = [b"a", &frame[2..]].concat();
    let played = stream.with_prefix(1).with_application(b"bcd");
    assert_eq!(receiver.open_to_vec(&moved, played), Err(OpenError::Unauthentic));
    assert_eq!(receiver.open_to_vec(&frame, made).unwrap(), b"abPAYLOAD");
}

#[test]
fn a_forged_step_changes_nothing() {
    let mut receiver = receiver(CIPHER, [1]);
    let mut sender = sender(CIPHER, 1);
    let genuine = sender.seal_to_vec(b"genuine", CAMERA).unwrap();
    for _ in 0..5 {
        for step in 0..=255 {
            let header = Header::new(Kid::new(0x100 | step), Ctr::new(u64::MAX)).encode();
            let forged = [header.as_bytes(), &[0x5a; 40]].concat();
            receiver.open_to_vec(&forged, CAMERA).unwrap_err();
        }
    }
    assert_eq!(receiver.open_to_vec(&genuine, CAMERA).unwrap(), b"genuine");
    sender.ratchet().unwrap();
    let next = sender.seal_to_vec(b"next", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&next, CAMERA).unwrap(), b"next");
}

#[test]
fn a_million_unknown_kids_cost_no_memory() {
    let mut receiver = receiver(CIPHER, 0..10);
    let mut kid = 0x9e37_79b9_7f4a_7c15_u64;
    let mut frame = [0x5a; 60];
    let mut open = |kid, ctr| {
        let header = Header::new(Kid::new(kid), Ctr::new(ctr)).encode();
        frame[..17].copy_from_slice(header.right_aligned());
        receiver.open_in_place(&mut frame[header.start()..], CAMERA).map(|_| ())
    };
    let allocations = alloc::count(|| {
        for _ in 0..1_000_000 {
            kid = kid.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // No such sender, no such generation, a step out of reach: rejected before anything is
            // derived.
            assert!(matches!(open(kid | 1 << 63, kid), Err(OpenError::UnknownKey(_))));
            assert!(matches!(open(0x100 + 65 + kid % 60, kid), Err(OpenError::StepTooFar(_))));
            assert!(matches!(open(0x100 + 129 + kid % 127, kid), Err(OpenError::StepErased(_))));
        }
    });
    assert_eq!(allocations, 0);
    // A step within reach is derived for the frame, and nothing of it stays.
    let kept = alloc::kept(|| {
        for ctr in 0..2_000 {
            assert_eq!(open(0x101 + ctr % 64, ctr), Err(OpenError::Unauthentic));
        }
    });
    assert_eq!(kept, 0);
}

/// A frame of an MLS member's encoder.
fn sealed_in(layout: MlsLayout, epoch: u64, index: u64, context: u64) -> Vec<u8> {
    let kid = MlsKid { context, index, epoch };
    let mut member = Sender::new_mls(CIPHER, layout, kid, &base_key(epoch)).unwrap();
    member.seal_to_vec(b"hi", CAMERA).unwrap()
}

#[test]
fn a_member_uses_up_its_own_share_of_keys_alone() {
    let layout = MlsLayout::new(4, 10).unwrap();
    let policy = KeyPolicy::for_layout(KidLayout::Mls(layout));
    assert_eq!((policy.max_keys, policy.max_keys_each), (16_384, 16));
    let mut receiver = Receiver::new(CIPHER, layout);
    for epoch in 1..=3 {
        receiver.add_epoch(epoch, base_key(epoch)).unwrap();
        for context in 0..30 {
            let opened = receiver.open_to_vec(&sealed_in(layout, epoch, 7, context), CAMERA);
            let expected = if context < 16 { Ok(b"hi".to_vec()) } else { Err(OpenError::TooManyKeys) };
            assert_eq!(opened, expected, "{epoch} {context}");
        }
        // Held senders stay audible, and so does everyone else.
        for (index, context) in [(8, 0), (8, 15), (6, 999), (0, 0), (1023, 0)] {
            let opened = receiver.open_to_vec(&sealed_in(layout, epoch, index, context), CAMERA);
            assert_eq!(opened.unwrap(), b"hi", "{epoch} {index} {context}");
        }
    }
    // Removed keys return their share.
    receiver.remove_epoch(2);
    receiver.add_epoch(18, base_key(18)).unwrap();
    for context in 30..46 {
        receiver.open_to_vec(&sealed_in(layout, 18, 7, context), CAMERA).unwrap();
    }
}

/// Under MLS every member can seal in every member's name.
#[test]
fn an_insider_cannot_use_up_the_keys_of_a_later_epoch() {
    let layout = MlsLayout::new(4, 10).unwrap();
    let policy = KeyPolicy { max_keys: 40, ..KeyPolicy::for_layout(KidLayout::Mls(layout)) };
    let mut receiver = Receiver::with_policy(CIPHER, layout, policy).unwrap();
    for epoch in 1..=3 {
        receiver.add_epoch(epoch, base_key(epoch)).unwrap();
        let opened = (0..60).filter(|&index| {
            let opened = receiver.open_to_vec(&sealed_in(layout, epoch, index, 0), CAMERA);
            assert!(opened.is_ok() || opened == Err(OpenError::TooManyKeys));
            opened.is_ok()
        });
        assert_eq!(opened.count(), 40, "epoch {epoch}");
    }
}

#[test]
fn a_sender_that_rekeys_without_end_uses_up_its_own_share_alone() {
    let layout = layout();
    let policy = KeyPolicy::for_layout(KidLayout::SenderKeys(layout));
    assert_eq!((policy.max_keys, policy.max_keys_each), (16_384, 256));
    let mut receiver = receiver(CIPHER, [1]);
    let of = |sender, generation| SenderKeyKid { generation, ..kid_of(sender) };
    for generation in 1..300 {
        let added = receiver.add_sender(of(1, generation), base_key(generation));
        assert_eq!(added.is_ok(), generation < 256, "{generation}");
        assert!(generation < 256 || added == Err(KeyError::TooManyKeys));
    }
    // It cannot ratchet: that is its own affair. Others can, and others come.
    let mut one = sender(CIPHER, 1);
    one.ratchet().unwrap();
    let frame = one.seal_to_vec(b"hi", CAMERA).unwrap();
    assert_eq!(receiver.open_to_vec(&frame, CAMERA), Err(OpenError::TooManyKeys));
    receiver.add_sender(kid_of(2), base_key(2)).unwrap();
    let mut two = sender(CIPHER, 2);
    for _ in 0..30 {
        two.ratchet().unwrap();
        let frame = two.seal_to_vec(b"hi", CAMERA).unwrap();
        assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"hi");
    }
    // Room for the two steps that it holds then.
    receiver.remove_generation(1, 99);
    assert_eq!(receiver.open_to_vec(&frame, CAMERA).unwrap(), b"hi");
    // Where KIDs have no sender, there is one share.
    let alone = SenderKeyLayout::new(0, 8).unwrap();
    let mut receiver = Receiver::new(CIPHER, alone);
    for generation in 0..1000 {
        receiver.add_sender(of(0, generation), base_key(generation)).unwrap();
    }
}

#[test]
fn the_bounds_on_keys_are_exact() {
    // One key, and one step behind: a further step takes two places, the next none.
    for (max_keys, max_keys_each, behind, follows) in [
        (2, 9, 1, true),
        (9, 2, 1, true),
        (1, 9, 1, false),
        (9, 1, 1, false),
        (1, 1, 0, true),
        (0, 9, 0, false),
        (9, 0, 0, false),
    ] {
        let policy = KeyPolicy { max_ahead: 9, keep_behind: behind, max_keys, max_keys_each };
        let mut receiver = Receiver::with_policy(CIPHER, layout(), policy).unwrap();
        let added = receiver.add_sender(kid_of(1), base_key(1));
        if max_keys.min(max_keys_each) == 0 {
            assert_eq!(added, Err(KeyError::TooManyKeys));
            continue;
        }
        added.unwrap();
        let mut sender = sender(CIPHER, 1);
        for round in 0..4 {
            sender.ratchet().unwrap();
            let frame = sender.seal_to_vec(b"hi", CAMERA).unwrap();
            let opened = receiver.open_to_vec(&frame, CAMERA);
            assert_eq!(opened.is_ok(), follows, "{policy:?} {round} {opened:?}");
            assert!(follows || opened == Err(OpenError::TooManyKeys));
        }
    }
    // A jump of five keeps the four steps between: six places, or none at all.
    for (max_keys, follows) in [(5, false), (6, true)] {
        let policy = KeyPolicy { max_ahead: 9, keep_behind: 8, max_keys, max_keys_each: 99 };
        let mut receiver = Receiver::with_policy(CIPHER, layout(), policy).unwrap();
        receiver.add_sender(kid_of(1), base_key(1)).unwrap();
        let mut sender = sender(CIPHER, 1);
        for _ in 0..5 {
            sender.ratchet().unwrap();
        }
        let frame = sender.seal_to_vec(b"hi", CAMERA).unwrap();
        assert_eq!(receiver.open_to_vec(&frame, CAMERA).is_ok(), follows, "{max_keys}");
    }
    // One sender more than fits.
    let policy = KeyPolicy { max_keys: 3, ..KeyPolicy::for_layout(layout().into()) };
    let mut receiver = Receiver::with_policy(CIPHER, layout(), policy).unwrap();
    for number in 1..=4 {
        let added = receiver.add_sender(kid_of(number), base_key(number));
        assert_eq!(added, if number < 4 { Ok(()) } else { Err(KeyError::TooManyKeys) });
    }
    receiver.remove_sender(2);
    receiver.add_sender(kid_of(4), base_key(4)).unwrap();
}

#[test]
fn a_key_of_another_suite_is_refused_at_every_door() {
    let other = || base_key_of(CipherSuite::Aes256GcmSha512_128, 1);
    let refused = Some(KeyError::OtherSuite);
    assert_eq!(Sender::new(CIPHER, layout(), kid_of(1), other()).err(), refused);
    let usage = KeyUsage::default();
    assert_eq!(Sender::resume(CIPHER, layout(), kid_of(1), other(), usage).err(), refused);
    let mls = MlsLayout::new(4, 10).unwrap();
    let at = MlsKid { context: 0, index: 7, epoch: 1 };
    assert_eq!(Sender::new_mls(CIPHER, mls, at, &other()).err(), refused);
    assert_eq!(Sender::resume_mls(CIPHER, mls, at, &other(), usage).err(), refused);

    let mut one = sender(CIPHER, 1);
    assert_eq!(one.rekey(other()).err(), refused);
    assert_eq!(one.rekey_to(9, other()).err(), refused);
    assert_eq!(one.kid(), layout().join(kid_of(1)).unwrap());
    let mut member = Sender::new_mls(CIPHER, mls, at, &base_key(1)).unwrap();
    assert_eq!(member.change_epoch(2, &other()).err(), refused);

    let mut listener = receiver(CIPHER, [1]);
    assert_eq!(listener.add_sender(kid_of(2), other()).err(), refused);
    listener.add_sender(kid_of(2), base_key(2)).unwrap();
    let mut of_group = Receiver::new(CIPHER, mls);
    of_group.add_epoch(1, base_key(1)).unwrap();
    assert_eq!(of_group.add_epoch(17, other()).err(), refused);
    // Nothing has changed.
    let frame = member.seal_to_vec(b"hi", CAMERA).unwrap();
    assert_eq!(of_group.open_to_vec(&frame, CAMERA).unwrap(), b"hi");
    let frame = one.seal_to_vec(b"hi", CAMERA).unwrap();
    assert_eq!(listener.open_to_vec(&frame, CAMERA).unwrap(), b"hi");
}

#[test]
fn a_frame_is_taken_from_its_sender_alone() {
    // Sender 1's frame has the sender in the middle of its KID, member 7's its index.
    let mut listener = receiver(CIPHER, [0, 1, 2]);
    for suffix in [&b""[..], b"prefixed"] {
        let metadata = Metadata::from(CAMERA).with_prefix(u16::try_from(suffix.len()).unwrap());
        for number in [0, 1, 2] {
            let mut frame = sender_at(number, 10 + suffix.len() as u64)
                .seal_to_vec(&[suffix, b"hi"].concat(), metadata)
                .unwrap();
            let kid = layout().join(kid_of(number)).unwrap();
            for other in [0, 1, 2, 3, 0x1_0001, 0x100].into_iter().filter(|&other| other != number) {
                let before = frame.clone();
                let opened = listener.open_in_place_from(other, &mut frame, metadata).map(|_| ());
                assert_eq!(opened, Err(OpenError::OtherSender(kid)));
                assert!(!OpenError::OtherSender(kid).is_retryable());
                assert_eq!(frame, before);
            }
            let opened = listener.open_in_place_from(number, &mut frame, metadata).unwrap();
            assert_eq!(opened.frame, [suffix, b"hi"].concat());
        }
    }
    let layout = MlsLayout::new(4, 10).unwrap();
    let mut of_group = Receiver::new(CIPHER, layout);
    of_group.add_epoch(5, base_key(5)).unwrap();
    let mut frame = sealed_in(layout, 5, 7, 3);
    for other in [0, 3, 5, 6, 8, 7 | 3 << 10] {
        let opened = of_group.open_in_place_from(other, &mut frame, CAMERA).map(|_| ());
        assert!(matches!(opened, Err(OpenError::OtherSender(_))), "{other}");
    }
    assert_eq!(of_group.open_in_place_from(7, &mut frame, CAMERA).unwrap().frame, b"hi");
}

/// A sender that has sealed this many frames.
fn sender_at(number: u64, frames: u64) -> Sender {
    let usage = KeyUsage { frames, ..KeyUsage::default() };
    Sender::resume(CIPHER, layout(), kid_of(number), base_key(number), usage).unwrap()
}

#[test]
fn our_own_frames_do_not_come_back() {
    // With sender keys, our own is not to be had: not before, not after.
    let mut receiver = receiver(CIPHER, [1, 2]).without_own(1);
    assert_eq!(receiver.add_sender(kid_of(1), base_key(1)), Err(KeyError::OwnKey));
    for (number, opens) in [(1, false), (2, true)] {
        let frame = sender(CIPHER, number).seal_to_vec(b"hi", CAMERA).unwrap();
        assert_eq!(receiver.open_to_vec(&frame, CAMERA).is_ok(), opens);
    }

    // Under MLS every member's key comes from the epoch's, our own too.
    let layout = MlsLayout::new(4, 10).unwrap();
    let seal = |index| {
        let kid = MlsKid { context: 0, index, epoch: 1 };
        let mut member = Sender::new_mls(CIPHER, layout, kid, &base_key(1)).unwrap();
        member.seal_to_vec(b"hi", CAMERA).unwrap()
    };
    let mut receiver = Receiver::new(CIPHER, layout);
    receiver.add_epoch(1, base_key(1)).unwrap();
    assert!(receiver.open_to_vec(&seal(7), CAMERA).is_ok(), "not told which we are");
    let mut receiver = receiver.without_own(7);
    let error = receiver.open_to_vec(&seal(7), CAMERA).unwrap_err();
    assert!(matches!(error, OpenError::UnknownKey(_)), "its key was held and is gone");
    assert_eq!(receiver.open_to_vec(&seal(8), CAMERA).unwrap(), b"hi");
}

proptest! {
    #[test]
    fn any_bytes_are_refused(
        id in 1_u16..=8,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        prefix in 0_u16..20,
        kid in prop::option::of(0x100_u64..0x300),
    ) {
        let suite = CipherSuite::from_id_allowing_short_tags(id).unwrap();
        let mut receiver = receiver(Cipher::recommended(suite), [1, 2]);
        let metadata = Metadata::from(CAMERA).with_prefix(prefix);
        // Half of them with a header that leads to a key.
        let frame = match kid {
            None => bytes,
            Some(kid) => {
                let header = Header::new(Kid::new(kid), Ctr::new(bytes.len() as u64)).encode();
                [&vec![0; usize::from(prefix)], header.as_bytes(), &*bytes].concat()
            }
        };
        let mut buf = frame.clone();
        let error = receiver.open_in_place(&mut buf, metadata).unwrap_err();
        prop_assert!(error == OpenError::Unauthentic || buf == frame);
        let genuine = sender(Cipher::recommended(suite), 1).seal_to_vec(&[1; 30], metadata).unwrap();
        prop_assert_eq!(receiver.open_to_vec(&genuine, metadata).unwrap(), vec![1; 30]);
    }
}

#[test]
fn a_policy_that_cannot_tell_steps_apart_is_refused() {
    let layout = layout();
    let policy = KeyPolicy::for_layout(KidLayout::SenderKeys(layout));
    assert_eq!((policy.max_ahead, policy.keep_behind), (64, 8));
    for (max_ahead, keep_behind, fits) in [(247, 8, true), (248, 8, false), (255, 0, true)] {
        let policy = KeyPolicy { max_ahead, keep_behind, ..policy };
        let made = Receiver::with_policy(CIPHER, layout, policy);
        assert_eq!(made.err(), (!fits).then_some(KeyError::PolicyTooWide));
    }
}

/// Senders that speak for a while are recognised by their headers' fronts; the sender of each frame
/// is still checked.
#[test]
fn however_long_a_sender_has_spoken_its_frames_are_no_others() {
    let mut senders = [1, 2, 1 << 15 | 1].map(|number| (number, sender(CIPHER, number)));
    let mut listener = receiver(CIPHER, senders.each_ref().map(|&(number, _)| number));
    for _ in 0..3 {
        for (number, sender) in &mut senders {
            for frame in 0..20 {
                let mut sealed = sender.seal_to_vec(&[frame], CAMERA).unwrap();
                for other in [0, 1, 2, 3, 1 << 15 | 1, *number | 1 << 16]
                    .into_iter()
                    .filter(|other| other != number)
                {
                    let opened = listener.open_in_place_from(other, &mut sealed, CAMERA).map(|_| ());
                    assert!(
                        matches!(opened, Err(OpenError::OtherSender(_))),
                        "{number} {other} {opened:?}"
                    );
                }
                let opened = listener.open_in_place_from(*number, &mut sealed, CAMERA).unwrap();
                assert_eq!(opened.frame, [frame]);
            }
        }
    }
}
