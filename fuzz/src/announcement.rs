//! Target `announcement`: set-up, then an announcement as the server delivers it.

use sealframe::crypto::FrameKey;
use sealframe::{
    AnnouncementError, BaseKey, Cipher, CipherSuite, Ctr, KeyError, Kid, MemberId, OpenError,
    SenderKeyKid, SenderKeyLayout, SharedSecret, SharedSecretCall, SharedSecretError, Stream,
    StreamKind,
};

use crate::{input::Input, keys::cipher, label::Label, reference};

const SECRET: [u8; 32] = [0x5e; 32];
const LAYOUT: SenderKeyLayout = SenderKeyLayout::new(16, 8).unwrap();
const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

/// An announcement is accepted exactly if encrypting its contents again gives the same bytes;
/// otherwise nothing changes.
pub fn announcement(data: &[u8]) {
    let mut input = Input::new(data);
    let suite = cipher(input.u8()).suite;
    let (from, mode) = (MemberId::new(u16::from(input.u8() % 6)), input.u8());
    // Every other input changes a genuine announcement of member 4.
    let message = if mode.is_multiple_of(2) {
        input.rest().to_vec()
    } else {
        let mut message = member(suite, MemberId::new(4)).announcement([mode; 32]);
        for (byte, change) in message.iter_mut().zip(input.rest()) {
            *byte ^= change;
        }
        message
    };

    let (us, other) = (MemberId::new(1), MemberId::new(2));
    let mut bob = member(suite, us);
    let mut alice = member(suite, other);
    bob.add_member(other, &alice.announcement([2; 32])).expect("genuine");
    let frame = alice.seal_to_vec(b"a frame", CAMERA).expect("short");

    let expected = judge(suite, from, &message);
    let result = bob.add_member(from, &message);
    assert_eq!(result, expected.as_ref().map(|_| ()).map_err(|error| *error));

    // Held keys stay, and their frames have not been counted as opened.
    opens_once(&mut bob, other, &frame);
    match expected {
        Ok((kid, base_key)) => {
            let label = Label { stream: Some(CAMERA), prefix_len: 0, application: Vec::new() };
            let cipher = Cipher::recommended(suite);
            let frame = reference::seal(cipher, &base_key, kid, Ctr::new(9), &label, b"a frame");
            opens_once(&mut bob, from, &frame);
            let again = bob.add_member(from, &message);
            assert_eq!(again, Err(SharedSecretError::Key(KeyError::KidInUse)));
        }
        Err(_) => {
            for newcomer in [3, 4].map(MemberId::new) {
                let mut carol = member(suite, newcomer);
                bob.add_member(newcomer, &carol.announcement([3; 32])).expect("genuine");
                let frame = carol.seal_to_vec(b"a frame", CAMERA).expect("short");
                opens_once(&mut bob, newcomer, &frame);
            }
        }
    }
}

fn member(suite: CipherSuite, id: MemberId) -> SharedSecretCall {
    let secret = SharedSecret::from_bytes(&SECRET).expect("32 bytes");
    let entropy = [id.get().to_be_bytes()[1]; 32];
    SharedSecretCall::new(Cipher::recommended(suite), &secret, id, entropy).expect("32 bytes")
}

fn opens_once(bob: &mut SharedSecretCall, from: MemberId, frame: &[u8]) {
    let other =
        bob.open_in_place(MemberId::new(from.get() + 1), &mut frame.to_vec(), CAMERA).map(|_| ());
    assert_eq!(other, Err(SharedSecretError::OtherMember));
    let opened =
        bob.open_in_place(from, &mut frame.to_vec(), CAMERA).map(|opened| opened.frame.to_vec());
    assert_eq!(opened, Ok(b"a frame".to_vec()));
    let again = bob.open_in_place(from, &mut frame.to_vec(), CAMERA).map(|_| ());
    assert!(matches!(again, Err(SharedSecretError::Open(OpenError::Replayed(_)))));
}

/// The verdict on an announcement of a member 1 that holds member 2's key.
fn judge(
    suite: CipherSuite,
    from: MemberId,
    message: &[u8],
) -> Result<(Kid, BaseKey), SharedSecretError> {
    let (kid, base_key) = unwrap(suite, message).map_err(SharedSecretError::Announcement)?;
    let SenderKeyKid { generation, sender, .. } = LAYOUT.split(kid);
    if from == MemberId::new(1) || sender != u64::from(from) {
        return Err(SharedSecretError::Announcement(AnnouncementError::WrongSender));
    }
    if (generation, sender) == (0, 2) {
        return Err(SharedSecretError::Key(KeyError::KidInUse));
    }
    Ok((kid, base_key))
}

/// `version u8 = 1 ‖ suite u16 ‖ kid u64 ‖ salt[32] ‖ base_key[Nh] encrypted ‖ tag[16]`
fn unwrap(suite: CipherSuite, message: &[u8]) -> Result<(Kid, BaseKey), AnnouncementError> {
    match message {
        [] => return Err(AnnouncementError::Malformed),
        [1, ..] => {}
        _ => return Err(AnnouncementError::UnknownVersion),
    }
    if message.len() < 43 + 16 {
        return Err(AnnouncementError::Malformed);
    }
    if message[1..3] != [0, u8::try_from(suite.id()).expect("at most 8")] {
        return Err(AnnouncementError::OtherSuite);
    }
    if message.len() != 43 + suite.nh() + 16 {
        return Err(AnnouncementError::Malformed);
    }
    // As for frames: encrypting zeros reveals the keystream, and encrypting the key reproduces the
    // message.
    let keystream = wrap(&message[..43], &vec![0; suite.nh()]);
    let base_key: Vec<u8> = keystream[43..].iter().zip(&message[43..]).map(|(a, b)| a ^ b).collect();
    let base_key = &base_key[..suite.nh()];
    if wrap(&message[..43], base_key) != message {
        return Err(AnnouncementError::WrongSecret);
    }
    let kid = message[3..11].iter().fold(0, |kid, byte| kid << 8 | u64::from(*byte));
    let base_key = BaseKey::from_bytes(suite, base_key).map_err(|_| AnnouncementError::WeakKey)?;
    Ok((Kid::new(kid), base_key))
}

fn wrap(head: &[u8], base_key: &[u8]) -> Vec<u8> {
    let suite = CipherSuite::Aes256GcmSha512_128;
    let info: [&[u8]; 2] = [b"sealframe shared secret 1 announcement", &head[11..43]];
    let key = BaseKey::derive(suite, &SECRET, &info).expect("32 bytes");
    let backend = reference::other_backend(Cipher::recommended(suite)).backend;
    let key = FrameKey::derive(backend, Kid::new(0), &key);
    let (mut body, mut tag) = (base_key.to_vec(), vec![0; 16]);
    key.encrypt(Ctr::new(0), head, &mut body, &mut tag).expect("short");
    [head, &body, &tag].concat()
}
