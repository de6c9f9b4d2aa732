//! What a server, or any relay, can do to DAVE's frames.
#![cfg(feature = "dave")]
#![expect(clippy::unwrap_used, reason = "a test")]

mod dave_common;

use dave_common::{NOW, frames, payload, receiver, receivers, secret, sender};
use sealframe_profiles::{
    Backend, Codec, FrameBuf, OpenError, SealError,
    dave::{Config, Receiver, Sender, Trailer},
};

/// Rejected: the buffer is unchanged.
fn refused(receiver: &mut Receiver, forged: &[u8]) -> OpenError {
    let mut buf = forged.to_vec();
    let error = receiver.open_in_place(&mut buf, NOW).unwrap_err();
    assert_eq!(buf, forged, "a refused frame has changed");
    error
}

fn media_len(sealed: &[u8]) -> usize {
    Trailer::parse(sealed).unwrap().media_len()
}

/// Media and a trailer of the given numbers, as they come; the tag is zero.
fn with_trailer(media: &[u8], numbers: &[u8]) -> Vec<u8> {
    let len = u8::try_from(8 + numbers.len() + 3).unwrap();
    [media, &[0; 8], numbers, &[len, 0xfa, 0xfa]].concat()
}

#[test]
fn every_flipped_bit_of_media_and_tag_is_refused() {
    for (codec, frame) in frames() {
        let sealed = sender().seal_to_vec(&frame, codec).unwrap();
        for mut receiver in receivers() {
            for at in 0..media_len(&sealed) + 8 {
                for bit in 0..8 {
                    let mut forged = sealed.clone();
                    forged[at] ^= 1 << bit;
                    let error = refused(&mut receiver, &forged);
                    assert_eq!(error, OpenError::Unauthentic, "{codec:?} {at}");
                }
            }
            assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), frame);
            assert_eq!(receiver.stats().derivations, 0);
        }
    }
}

#[test]
fn no_change_to_the_trailer_opens_another_frame() {
    let mut unchanged = 0;
    for (codec, frame) in frames() {
        let sealed = sender().seal_to_vec(&frame, codec).unwrap();
        for at in media_len(&sealed) + 8..sealed.len() {
            for byte in 0..=255 {
                let mut forged = sealed.clone();
                forged[at] = byte;
                let mut receiver = receiver();
                let mut buf = forged.clone();
                match receiver.open_in_place(&mut buf, NOW) {
                    Ok(opened) => {
                        assert_eq!(opened.frame, frame);
                        unchanged += usize::from(forged != sealed);
                    }
                    Err(_) => {
                        assert_eq!(buf, forged);
                        assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), frame);
                    }
                }
            }
        }
    }
    assert_eq!(unchanged, 0);
}

#[test]
fn a_length_that_lies_is_refused() {
    for (codec, frame) in frames() {
        let sealed = sender().seal_to_vec(&frame, codec).unwrap();
        let at = sealed.len() - 3;
        for len in (0..=255).filter(|&len| len != sealed[at]) {
            let mut forged = sealed.clone();
            forged[at] = len;
            refused(&mut receiver(), &forged);
        }
    }
}

#[test]
fn every_piece_of_a_frame_is_refused() {
    for (codec, frame) in frames() {
        let sealed = sender().seal_to_vec(&frame, codec).unwrap();
        let mut receiver = receiver();
        for len in 0..sealed.len() {
            refused(&mut receiver, &sealed[..len]);
            refused(&mut receiver, &sealed[sealed.len() - len..]);
        }
        assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), frame);
    }
}

#[test]
fn ranges_are_in_order_apart_and_inside_the_media() {
    let media = payload(100);
    let cases: [(&[u8], OpenError); 16] = [
        // Well-formed, but not sealed by a member.
        (&[1], OpenError::Unauthentic),
        (&[1, 0, 10], OpenError::Unauthentic),
        (&[1, 0, 100], OpenError::Unauthentic),
        (&[1, 0, 10, 10, 5, 50, 50], OpenError::Unauthentic),
        (&[1, 3, 0, 3, 0, 100, 0], OpenError::Unauthentic),
        // Overlapping, out of order, past the media, in the trailer.
        (&[1, 0, 10, 9, 5], OpenError::NotThisFormat),
        (&[1, 50, 10, 0, 5], OpenError::NotThisFormat),
        (&[1, 0, 101], OpenError::NotThisFormat),
        (&[1, 101, 0], OpenError::NotThisFormat),
        (&[1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], OpenError::NotThisFormat),
        (&[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], OpenError::NotThisFormat),
        // Half a range, half a number, a number that is longer than it need be or has more bits
        // than it may.
        (&[1, 0], OpenError::NotThisFormat),
        (&[1, 0, 0x80], OpenError::NotThisFormat),
        (&[0x81, 0x00], OpenError::NotThisFormat),
        (&[1, 0, 0x8a, 0x00], OpenError::NotThisFormat),
        (&[0xff, 0xff, 0xff, 0xff, 0x1f], OpenError::NotThisFormat),
    ];
    for (numbers, error) in cases {
        let forged = with_trailer(&media, numbers);
        assert_eq!(refused(&mut receiver(), &forged), error, "{numbers:02x?}");
    }
    assert_eq!(refused(&mut receiver(), &with_trailer(&media, &[])), OpenError::NotThisFormat);
    assert_eq!(refused(&mut receiver(), &with_trailer(&[], &[1])), OpenError::Unauthentic);
}

/// No format with readable ranges outside the AAD can do better. The result is still the sender's
/// bytes, each kind in its order.
#[test]
fn runs_that_are_moved_among_readable_bytes_still_open() {
    let frame = frames()[3].1.clone();
    let sealed = sender().seal_to_vec(&frame, Codec::H264).unwrap();
    let trailer = Trailer::parse(&sealed).unwrap();
    let ranges: Vec<_> = trailer.ranges().collect();
    assert_eq!((ranges.len(), ranges[0].offset), (2, 0));
    // The readable bytes first, then the encrypted ones.
    let clear = [&sealed[..ranges[0].len], &sealed[ranges[1].offset..ranges[1].end()]].concat();
    let encrypted =
        [&sealed[ranges[0].len..ranges[1].offset], &sealed[ranges[1].end()..media_len(&sealed)]]
            .concat();
    let mut moved =
        with_trailer(&[&clear[..], &encrypted].concat(), &[1, 0, u8::try_from(clear.len()).unwrap()]);
    let tag_at = media_len(&moved);
    let genuine_tag = &sealed[media_len(&sealed)..][..8];
    moved[tag_at..tag_at + 8].copy_from_slice(genuine_tag);
    let opened = receiver().open_to_vec(&moved, NOW).unwrap();
    assert_ne!(opened, frame);
    let (mut bytes, mut expected) = (opened, frame);
    bytes.sort_unstable();
    expected.sort_unstable();
    assert_eq!(bytes, expected);
}

#[test]
fn silence_from_a_server_is_told_apart_and_not_handed_out() {
    let silence = [0xf8, 0xff, 0xfe];
    assert_eq!(refused(&mut receiver(), &silence), OpenError::Injected);
    assert_eq!(
        refused(&mut Receiver::new(Config::new(Backend::recommended())), &silence),
        OpenError::Injected
    );
    assert_eq!(refused(&mut receiver(), &silence[..2]), OpenError::TooShort);
    for other in [&[0xf8, 0xff, 0xff][..], &[0xf8, 0xff, 0xfe, 0]] {
        assert_eq!(refused(&mut receiver(), other), OpenError::NotThisFormat);
    }
    // A member's own silence is a frame like others.
    let sealed = sender().seal_to_vec(&silence, Codec::Opus).unwrap();
    assert_eq!(sealed.len(), 3 + 12);
    assert_eq!(receiver().open_to_vec(&sealed, NOW).unwrap(), silence);
}

#[test]
fn plaintext_does_not_pass() {
    for (_, frame) in frames() {
        assert_eq!(refused(&mut receiver(), &frame), OpenError::NotThisFormat);
        let marked = [&frame[..], &[12, 0xfa, 0xfa]].concat();
        assert!(matches!(
            refused(&mut receiver(), &marked),
            OpenError::NotThisFormat | OpenError::Unauthentic | OpenError::StepTooFar { .. }
        ));
    }
    assert_eq!(refused(&mut receiver(), &[]), OpenError::TooShort);
}

#[test]
fn a_picture_of_too_many_slices_is_not_sealed() {
    let slice = [&[0, 0, 1, 0x65, 0xb8][..], &payload(20)].concat();
    for (count, fits) in [(60, true), (82, true), (83, false), (100, false), (1000, false)] {
        let frame = slice.repeat(count);
        let mut sender = sender();
        let mut buf = frame.clone();
        buf.resize(frame.len() + Sender::TAILROOM + count, 0x77);
        let before = buf.clone();
        let sealed =
            sender.seal_in_place(FrameBuf::new(&mut buf, 0..frame.len()).unwrap(), Codec::H264);
        if fits {
            let sealed = sealed.unwrap().to_vec();
            let trailer = Trailer::parse(&sealed).unwrap();
            assert_eq!(trailer.ranges().count(), count);
            assert!(sealed.len() - trailer.media_len() <= 255);
            assert_eq!(receiver().open_to_vec(&sealed, NOW).unwrap().len(), frame.len() + count);
        } else {
            assert_eq!(sealed, Err(SealError::TooManyRanges));
            assert_eq!((buf, sender.nonces()), (before, 0));
        }
    }
}

#[test]
fn a_key_of_another_sender_or_epoch_opens_nothing() {
    let sealed = sender().seal_to_vec(b"a frame", None).unwrap();
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    assert!(matches!(refused(&mut receiver, &sealed), OpenError::UnknownKey { .. }));
    receiver.add_epoch(1, secret(2), NOW);
    assert_eq!(refused(&mut receiver, &sealed), OpenError::Unauthentic);
    receiver.add_epoch(2, secret(1), NOW);
    assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), b"a frame");
}
