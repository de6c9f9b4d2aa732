//! A call whose members share one secret, with a malicious server.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use proptest::prelude::*;
use sealframe::{
    AnnouncementError, Backend, BaseKey, Cipher, CipherSuite, Ctr, Header, KeyError, Kid, MemberId,
    Metadata, OpenError, SharedSecret, SharedSecretCall, SharedSecretError, Stream, StreamKind,
    WeakKey, crypto::FrameKey,
};

const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

fn member(secret: u8, number: u16, entropy: u8) -> SharedSecretCall {
    let secret = SharedSecret::from_bytes(&[secret; 32]).unwrap();
    SharedSecretCall::new(Cipher::recommended(SUITE), &secret, MemberId::new(number), [entropy; 32])
        .unwrap()
}

#[test]
fn three_members_hear_each_other() {
    for suite in CipherSuite::ALL {
        let secret = SharedSecret::from_bytes(&[1; 32]).unwrap();
        let mut members: Vec<SharedSecretCall> = (1..=3_u8)
            .map(|n| {
                SharedSecretCall::new(
                    Cipher::recommended(suite),
                    &secret,
                    MemberId::new(n.into()),
                    [n; 32],
                )
                .unwrap()
            })
            .collect();
        for from in 0..3 {
            let announcement = members[from].announcement([9 + from as u8; 32]);
            for to in (0..3).filter(|&to| to != from) {
                members[to].add_member(MemberId::new(from as u16 + 1), &announcement).unwrap();
            }
        }
        for from in 0..3 {
            let metadata = Metadata::from(CAMERA).with_prefix(1);
            let sealed = members[from].seal_to_vec(b"hello", metadata).unwrap();
            assert_eq!(sealed[0], b'h');
            for to in (0..3).filter(|&to| to != from) {
                let mut frame = sealed.clone();
                let number = from as u16 + 1;
                let opened =
                    members[to].open_in_place(MemberId::new(number), &mut frame, metadata).unwrap();
                assert_eq!(opened.frame, b"hello");
            }
        }
    }
}

#[test]
fn another_secret_opens_nothing() {
    let mut alice = member(1, 1, 10);
    let mut stranger = member(2, 2, 20);
    let refused = stranger.add_member(MemberId::new(1), &alice.announcement([3; 32]));
    assert_eq!(refused, Err(SharedSecretError::Announcement(AnnouncementError::WrongSecret)));
    let mut frame = alice.seal_to_vec(b"hello", CAMERA).unwrap();
    let opened = stranger.open_in_place(MemberId::new(1), &mut frame, CAMERA);
    assert!(matches!(opened, Err(SharedSecretError::Open(OpenError::UnknownKey(_)))));
}

#[test]
fn a_secret_must_be_as_long_as_its_suite_requires() {
    for len in 0..40 {
        let secret = SharedSecret::from_bytes(&vec![1; len]);
        let short = |need| WeakKey::TooShort { need };
        let Ok(secret) = secret else {
            assert_eq!((secret.err(), len < 16), (Some(short(16)), true), "{len}");
            continue;
        };
        assert!(len >= 16, "{len}");
        for suite in CipherSuite::ALL {
            let need = if matches!(suite.id(), 1..=4) { 16 } else { 32 };
            let entered =
                SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(1), [1; 32]);
            let expected = (len < need).then_some(SharedSecretError::Secret(short(need)));
            assert_eq!(entered.err(), expected, "{suite:?} {len}");
        }
    }
    for len in [16, 32, 64] {
        let zeros = SharedSecret::from_bytes(&vec![0; len]).err();
        assert_eq!(zeros, Some(WeakKey::Zeros), "{len}");
    }
    let secret = SharedSecret::from_bytes(&[1; 32]).unwrap();
    let entered = SharedSecretCall::new(Cipher::recommended(SUITE), &secret, MemberId::new(1), [0; 32]);
    assert_eq!(entered.err(), Some(SharedSecretError::NoRandomness));
}

/// Both sides must use the same suite; another suite with keys of the same length does not match.
#[test]
fn an_announcement_of_another_suite_is_refused() {
    let secret = SharedSecret::from_bytes(&[1; 32]).unwrap();
    let of = |suite, number| SharedSecretCall::new(suite, &secret, number, [7; 32]).unwrap();
    for theirs in CipherSuite::ALL {
        let announcement = of(Cipher::recommended(theirs), MemberId::new(1)).announcement([3; 32]);
        for ours in CipherSuite::ALL {
            let added = of(Cipher::recommended(ours), MemberId::new(2))
                .add_member(MemberId::new(1), &announcement);
            let other = Err(SharedSecretError::Announcement(AnnouncementError::OtherSuite));
            assert_eq!(added, if ours == theirs { Ok(()) } else { other }, "{theirs:?} {ours:?}");
        }
    }
}

#[test]
fn a_key_of_zeros_is_not_announced() {
    // A member with the secret wraps an all-zero key.
    let (secret, salt) = ([1; 32], [4; 32]);
    let wrap = CipherSuite::Aes256GcmSha512_128;
    let info: [&[u8]; 2] = [b"sealframe shared secret 1 announcement", &salt];
    let key = BaseKey::derive(wrap, &secret, &info).unwrap();
    let key = FrameKey::derive(Backend::recommended(), Kid::new(0), &key);
    let mut announcement = vec![1, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0];
    announcement.extend(salt);
    for (byte, expected) in
        [(5, Ok(())), (0, Err(SharedSecretError::Announcement(AnnouncementError::WeakKey)))]
    {
        let (mut base_key, mut tag) = ([byte; 32], [0; 16]);
        key.encrypt(Ctr::new(0), &announcement, &mut base_key, &mut tag).unwrap();
        let message = [&*announcement, &base_key, &tag].concat();
        assert_eq!(member(1, 2, 20).add_member(MemberId::new(1), &message), expected);
    }
}

#[test]
fn a_newcomer_receives_the_current_step_only() {
    let mut alice = member(1, 1, 10);
    let mut bob = member(1, 2, 20);
    bob.add_member(MemberId::new(1), &alice.announcement([3; 32])).unwrap();
    let old = alice.seal_to_vec(b"before", CAMERA).unwrap();
    alice.ratchet().unwrap();
    let mut carol = member(1, 3, 30);
    carol.add_member(MemberId::new(1), &alice.announcement([4; 32])).unwrap();
    let new = alice.seal_to_vec(b"after", CAMERA).unwrap();
    let mut before = old.clone();

    let opened = carol.open_in_place(MemberId::new(1), &mut before, CAMERA);
    assert!(matches!(opened, Err(SharedSecretError::Open(OpenError::StepErased(_)))));
    for member in [&mut bob, &mut carol] {
        assert_eq!(
            member.open_in_place(MemberId::new(1), &mut new.clone(), CAMERA).unwrap().frame,
            b"after"
        );
    }
    assert_eq!(bob.open_in_place(MemberId::new(1), &mut old.clone(), CAMERA).unwrap().frame, b"before");
}

#[test]
fn a_member_that_is_silent_while_many_join_is_not_lost() {
    let mut alice = member(1, 1, 10);
    let mut bob = member(1, 2, 20);
    bob.add_member(MemberId::new(1), &alice.announcement([3; 32])).unwrap();
    for _ in 0..200 {
        alice.ratchet().unwrap();
    }
    let mut frame = alice.seal_to_vec(b"at last", CAMERA).unwrap();
    assert_eq!(bob.open_in_place(MemberId::new(1), &mut frame, CAMERA).unwrap().frame, b"at last");
}

#[test]
fn announcements_of_one_key_differ_and_no_two_keys_share_a_salt() {
    let salt = |announcement: &[u8]| announcement[11..43].to_vec();
    let alice = member(1, 1, 10);
    assert_ne!(salt(&alice.announcement([3; 32])), salt(&alice.announcement([4; 32])));
    // Even if the randomness repeats.
    assert_ne!(salt(&alice.announcement([3; 32])), salt(&member(1, 1, 11).announcement([3; 32])));
    assert_ne!(salt(&alice.announcement([3; 32])), salt(&member(1, 2, 10).announcement([3; 32])));
}

#[test]
fn a_server_cannot_swap_members_or_reflect_announcements() {
    let mut alice = member(1, 1, 10);
    let bob = member(1, 2, 20);
    let mut carol = member(1, 3, 30);
    let of_alice = alice.announcement([3; 32]);
    let of_bob = bob.announcement([4; 32]);
    let wrong_sender = Err(SharedSecretError::Announcement(AnnouncementError::WrongSender));
    assert_eq!(carol.add_member(MemberId::new(2), &of_alice), wrong_sender);
    assert_eq!(alice.add_member(MemberId::new(1), &of_alice), wrong_sender);
    assert_eq!(alice.add_member(MemberId::new(2), &of_alice), wrong_sender);
    carol.add_member(MemberId::new(1), &of_alice).unwrap();
    carol.add_member(MemberId::new(2), &of_bob).unwrap();
    assert_eq!(
        carol.add_member(MemberId::new(2), &of_bob),
        Err(SharedSecretError::Key(KeyError::KidInUse))
    );

    let frame = alice.seal_to_vec(b"alice", CAMERA).unwrap();
    let mut played = frame.clone();
    let as_bob = carol.open_in_place(MemberId::new(2), &mut played, CAMERA);
    assert_eq!(as_bob.err(), Some(SharedSecretError::OtherMember));
    assert_eq!(
        carol.open_in_place(MemberId::new(1), &mut frame.clone(), CAMERA).unwrap().frame,
        b"alice"
    );
    carol.remove_member(MemberId::new(1));
    let mut late = frame.clone();
    let gone = carol.open_in_place(MemberId::new(1), &mut late, CAMERA);
    assert!(matches!(gone, Err(SharedSecretError::Open(OpenError::UnknownKey(_)))));
}

#[test]
fn frames_of_a_member_made_to_leave_and_join_again_are_not_replayed() {
    let mut alice = member(1, 1, 10);
    let mut bob = member(1, 2, 20);
    let announcement = alice.announcement([3; 32]);
    bob.add_member(MemberId::new(1), &announcement).unwrap();
    let frame = alice.seal_to_vec(b"once", CAMERA).unwrap();
    assert_eq!(bob.open_in_place(MemberId::new(1), &mut frame.clone(), CAMERA).unwrap().frame, b"once");
    bob.remove_member(MemberId::new(1));
    assert_eq!(bob.add_member(MemberId::new(1), &announcement), Err(SharedSecretError::Departed));
    assert!(bob.open_in_place(MemberId::new(1), &mut frame.clone(), CAMERA).is_err());
}

#[test]
fn a_returning_member_repeats_no_nonce() {
    // The same id and secret but other randomness, so another key.
    let frames = [10, 11].map(|entropy| {
        let sealed = member(1, 1, entropy).seal_to_vec(&[0; 40], CAMERA).unwrap();
        assert_eq!(Header::parse(&sealed).unwrap().ctr().get(), 0);
        sealed
    });
    assert_ne!(frames[0][3..], frames[1][3..]);
}

#[test]
fn every_bit_of_an_announcement_counts() {
    let alice = member(1, 1, 10);
    let genuine = alice.announcement([3; 32]);
    let mut bob = member(1, 2, 20);
    for bit in 0..genuine.len() * 8 {
        let mut forged = genuine.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(
            matches!(
                bob.add_member(MemberId::new(1), &forged),
                Err(SharedSecretError::Announcement(_))
            ),
            "{bit}"
        );
    }
    for len in 0..genuine.len() {
        let cut = bob.add_member(MemberId::new(1), &genuine[..len]);
        assert!(matches!(cut, Err(SharedSecretError::Announcement(_))), "{len}");
    }
    assert!(bob.add_member(MemberId::new(1), &[&*genuine, &[0]].concat()).is_err());
    bob.add_member(MemberId::new(1), &genuine).unwrap();
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_not_an_announcement(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(member(1, 2, 20).add_member(MemberId::new(1), &bytes).is_err());
    }
}
