//! One member's frames: their sender, their counts, and our own key.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe::{
    BaseKey, Cipher, CipherSuite, FrameError, Frames, KeyError, MemberFrames, MemberId, OpenError,
    SenderKeyKid, Stream, StreamKind,
};

const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

fn key(number: u16, generation: u64) -> BaseKey {
    let info: [&[u8]; 2] = [&number.to_be_bytes(), &generation.to_be_bytes()];
    BaseKey::derive(SUITE, b"a secret of tests", &info).unwrap()
}

fn kid(number: u16, generation: u64, step: u64) -> SenderKeyKid {
    SenderKeyKid { generation, sender: number.into(), step }
}

fn member(number: u16) -> Frames {
    Frames::new(Cipher::recommended(SUITE), MemberId::new(number), key(number, 0)).unwrap()
}

fn hear(bob: &mut Frames, from: &mut Frames) {
    let mut frame = from.seal_to_vec(b"hi", CAMERA).unwrap();
    assert_eq!(bob.open_in_place(from.me(), &mut frame, CAMERA).unwrap().frame, b"hi");
}

/// All counts except the frames' numbers, for a comparison.
fn counts(of: MemberFrames) -> (u64, [u32; 4], Option<(u64, u64)>) {
    let failed = [of.failed.unknown_key, of.failed.unauthentic, of.failed.replayed, of.failed.other];
    (of.opened, failed, of.newest)
}

#[test]
fn our_own_frames_never_open() {
    let mut alice = member(7);
    for (generation, step) in [(0, 0), (0, 3), (9, 0)] {
        let installed = alice.install(kid(7, generation, step), key(7, generation));
        assert_eq!(installed, Err(KeyError::OwnKey));
    }
    // A server that reflects our frames to us, as ours or as another member's.
    let frame = alice.seal_to_vec(b"hi", CAMERA).unwrap();
    let own = alice.open_in_place(MemberId::new(7), &mut frame.clone(), CAMERA).map(|_| ());
    assert!(matches!(own, Err(FrameError::Open(OpenError::UnknownKey(_)))), "{own:?}");
    alice.install(kid(8, 0, 0), key(8, 0)).unwrap();
    let others = alice.open_in_place(MemberId::new(8), &mut frame.clone(), CAMERA).map(|_| ());
    assert_eq!(others, Err(FrameError::OtherMember));
}

#[test]
fn frames_of_many_members_are_counted_separately() {
    let mut bob = member(9);
    // Ids of which several share a slot of any small table.
    let numbers: Vec<u16> = (0..100).chain((1..40).map(|n| n * 1024 + 3)).filter(|&n| n != 9).collect();
    let mut members: Vec<Frames> = numbers.iter().map(|&number| member(number)).collect();
    for &number in &numbers {
        bob.install(kid(number, 0, 0), key(number, 0)).unwrap();
        assert_eq!(bob.of_member(MemberId::new(number)), MemberFrames::default());
    }
    for round in 1..=5_u64 {
        for (place, member) in members.iter_mut().enumerate() {
            for _ in 0..=place % 3 {
                hear(&mut bob, member);
            }
        }
        for (place, &number) in numbers.iter().enumerate() {
            let opened = round * (place as u64 % 3 + 1);
            assert_eq!(
                counts(bob.of_member(MemberId::new(number))),
                (opened, [0; 4], Some((0, 0))),
                "{number}"
            );
        }
        let told = core::iter::from_fn(|| bob.poll_newer()).count();
        assert_eq!(
            told,
            if round == 1 { numbers.len() } else { 0 },
            "each newest key is reported once"
        );
    }
    // Every third member leaves; the others' counts stay, and a returning member starts at zero.
    for &number in numbers.iter().step_by(3) {
        bob.forget(MemberId::new(number));
        assert_eq!(bob.of_member(MemberId::new(number)), MemberFrames::default());
    }
    for (place, &number) in numbers.iter().enumerate() {
        let opened = if place % 3 == 0 { 0 } else { 5 * (place as u64 % 3 + 1) };
        assert_eq!(bob.of_member(MemberId::new(number)).opened, opened, "{number}");
        if place % 3 == 0 {
            members[place].rekey_to(1, key(number, 1)).unwrap();
            bob.install(kid(number, 1, 0), key(number, 1)).unwrap();
        }
        hear(&mut bob, &mut members[place]);
        assert_eq!(bob.of_member(MemberId::new(number)).opened, opened + 1, "{number}");
    }
    assert_eq!(bob.of_member(MemberId::new(9)), MemberFrames::default());
    assert_eq!(bob.of_member(MemberId::new(60_000)), MemberFrames::default());
}

#[test]
fn a_newer_key_is_reported_once_and_an_older_one_never() {
    let mut bob = member(2);
    let mut alice = member(1);
    bob.install(kid(1, 0, 0), key(1, 0)).unwrap();
    assert_eq!(bob.poll_newer(), None);
    hear(&mut bob, &mut alice);
    hear(&mut bob, &mut alice);
    assert_eq!((bob.poll_newer(), bob.poll_newer()), (Some(kid(1, 0, 0)), None));
    let mut late = alice.seal_to_vec(b"late", CAMERA).unwrap();
    alice.ratchet().unwrap();
    alice.ratchet().unwrap();
    hear(&mut bob, &mut alice);
    assert_eq!(bob.open_in_place(MemberId::new(1), &mut late, CAMERA).unwrap().frame, b"late");
    assert_eq!((bob.poll_newer(), bob.poll_newer()), (Some(kid(1, 0, 2)), None));
    hear(&mut bob, &mut alice);
    assert_eq!(bob.poll_newer(), None);
    assert_eq!(counts(bob.of_member(MemberId::new(1))), (5, [0; 4], Some((0, 2))));
    // Of two unreported keys, the newer one is reported.
    let mut late = alice.seal_to_vec(b"late", CAMERA).unwrap();
    bob.install(kid(1, 5, 0), key(1, 5)).unwrap();
    alice.ratchet().unwrap();
    hear(&mut bob, &mut alice);
    alice.rekey_to(5, key(1, 5)).unwrap();
    hear(&mut bob, &mut alice);
    assert_eq!(bob.open_in_place(MemberId::new(1), &mut late, CAMERA).unwrap().frame, b"late");
    assert_eq!((bob.poll_newer(), bob.poll_newer()), (Some(kid(1, 5, 0)), None));
    assert_eq!(counts(bob.of_member(MemberId::new(1))), (8, [0; 4], Some((5, 0))));
    bob.forget_before(kid(1, 5, 0));
    hear(&mut bob, &mut alice);
    // A member that has left has no newer key.
    alice.ratchet().unwrap();
    hear(&mut bob, &mut alice);
    bob.forget(MemberId::new(1));
    assert_eq!(bob.poll_newer(), None);
}

#[test]
fn frames_that_do_not_open_are_counted_by_reason() {
    let mut bob = member(2);
    let mut alice = member(1);
    let genuine = alice.seal_to_vec(b"a frame", CAMERA).unwrap();
    let open = |bob: &mut Frames, from, frame: &[u8]| {
        bob.open_in_place(from, &mut frame.to_vec(), CAMERA).map(|_| ())
    };
    // Without a key of the member nothing is counted.
    assert!(open(&mut bob, MemberId::new(1), &genuine).unwrap_err().is_retryable());
    assert_eq!(bob.of_member(MemberId::new(1)), MemberFrames::default());
    bob.install(kid(1, 0, 0), key(1, 0)).unwrap();
    bob.install(kid(3, 0, 0), key(3, 0)).unwrap();

    let mut forged = genuine.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        open(&mut bob, MemberId::new(1), &forged),
        Err(FrameError::Open(OpenError::Unauthentic))
    );
    open(&mut bob, MemberId::new(1), &genuine).unwrap();
    assert!(matches!(
        open(&mut bob, MemberId::new(1), &genuine),
        Err(FrameError::Open(OpenError::Replayed(_)))
    ));
    let unknown = open(&mut bob, MemberId::new(1), &[0xb0, 1, 0, 1, 0, 9, 9]).unwrap_err();
    assert!(matches!(unknown, FrameError::Open(OpenError::TooShort)), "{unknown:?}");
    alice.rekey_to(1, key(1, 1)).unwrap();
    let next = alice.seal_to_vec(b"a frame", CAMERA).unwrap();
    assert!(matches!(
        open(&mut bob, MemberId::new(1), &next),
        Err(FrameError::Open(OpenError::UnknownKey(_)))
    ));
    assert_eq!(counts(bob.of_member(MemberId::new(1))), (1, [1, 1, 1, 1], Some((0, 0))));
    // The member that the server names is only its claim.
    assert_eq!(open(&mut bob, MemberId::new(3), &genuine), Err(FrameError::OtherMember));
    assert_eq!(bob.of_member(MemberId::new(3)), MemberFrames::default());
}

#[test]
fn a_holder_of_a_copy_of_our_key_learns_of_its_replacement() {
    let mut alice = member(1);
    let first = alice.erasures();
    alice.ratchet().unwrap();
    let ratcheted = alice.erasures();
    alice.rekey_to(1, key(1, 1)).unwrap();
    assert!(first != ratcheted && ratcheted != alice.erasures());
}
