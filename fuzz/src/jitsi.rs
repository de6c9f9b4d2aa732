//! Target `jitsi`: kind of frame and of input, then a sealed frame from anyone, or a frame to be
//! sealed and changed.

use sealframe_profiles::{
    Backend, Codec, FrameInfo, FrameType, OpenError, ReceiverEvent,
    jitsi::{Config, Key, Receiver, Sender},
};

use crate::{
    input::Input,
    jframe::{self, Chain, Refusal},
};

const MATERIAL: [u8; 32] = [0x5e; 32];
const EXTERNAL: [u8; 32] = [0x5f; 32];

/// A frame opens exactly if ring opens it with a key of the chain, the ratchet moves to that key, a
/// frame opens once, and a rejected frame changes nothing.
pub fn jitsi(data: &[u8]) {
    let mut input = Input::new(data);
    let (kind, mode) = (input.u8(), input.u8());
    let (clear, info) = match kind % 3 {
        0 => (1, FrameInfo::audio(Some(Codec::Opus), 7, 960)),
        1 => (10, FrameInfo::video(Some(Codec::Vp8), FrameType::Key, 7, 3000)),
        _ => (3, FrameInfo::video(Some(Codec::Vp8), FrameType::Delta, 7, 3000)),
    };
    let frame = if mode.is_multiple_of(2) {
        input.rest().to_vec()
    } else {
        let changes = input.take(usize::from(mode >> 4) % 5 * 2);
        let payload = [&[0x11; 10], input.rest()].concat();
        let mut sender = sender();
        for _ in 0..mode / 2 % 11 {
            sender.ratchet(3).expect("held");
        }
        if kind & 0x80 != 0 {
            sender.set_key(9, Key::external(&EXTERNAL).expect("32 bytes")).expect("another key");
        }
        let mut frame = sender.seal_to_vec(&payload, &info).expect("long enough");
        jframe::change(&mut frame, changes);
        frame
    };

    let expected = jframe::open(&chains(), 16, &frame, clear);
    let mut receiver = receiver();
    let before = receiver.expose_key(3).expect("held").to_vec();
    let mut buf = frame.clone();
    let result = receiver.open_in_place(&mut buf, &info).map(|opened| opened.frame.to_vec());
    match (result, expected) {
        (Ok(opened), Ok((step, payload))) => {
            assert_eq!(opened, payload);
            let steps = u8::try_from(step).expect("at most 8");
            let event = (steps > 0)
                .then_some(ReceiverEvent::Ratcheted { index: frame[frame.len() - 1], steps });
            assert_eq!(receiver.poll_event(), event);
            let again = receiver.open_to_vec(&frame, &info);
            assert!(matches!(again, Err(OpenError::Replayed { .. })), "{again:?}");
        }
        (Err(error), Err(refusal)) => {
            check(error, refusal);
            if error != OpenError::Unauthentic {
                assert_eq!(buf, frame);
            }
            assert_eq!(receiver.expose_key(3), Some(&before[..]));
            let genuine = sender().seal_to_vec(b"a genuine frame", &info).expect("long enough");
            assert_eq!(receiver.open_to_vec(&genuine, &info), Ok(b"a genuine frame".to_vec()));
        }
        (result, expected) => panic!("{result:?}, not {expected:?}"),
    }
}

pub(crate) fn check(error: OpenError, refusal: Refusal) {
    assert!(
        matches!(
            (error, refusal),
            (OpenError::TooShort, Refusal::TooShort)
                | (OpenError::NotThisFormat, Refusal::Trailer)
                | (OpenError::UnknownKey { .. }, Refusal::UnknownKey)
                | (OpenError::Unauthentic, Refusal::Unauthentic)
        ),
        "{error:?}, not {refusal:?}"
    );
}

fn sender() -> Sender {
    let mut sender = Sender::new(Config::new(Backend::recommended()));
    sender.set_key(3, Key::from_material(&MATERIAL)).expect("the first");
    sender
}

fn receiver() -> Receiver {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.set_key(3, Key::from_material(&MATERIAL));
    receiver.set_key(9, Key::external(&EXTERNAL).expect("32 bytes"));
    receiver
}

fn chains() -> [Chain; 2] {
    let mut material = MATERIAL.to_vec();
    let mut keys = Vec::new();
    for _ in 0..9 {
        keys.push(jframe::hkdf(b"JFrameEncryptionKey", &material, &[], 16));
        material = jframe::hkdf(b"JFrameRatchetKey", &material, &[], 32);
    }
    [Chain { index: 3, keys }, Chain { index: 9, keys: vec![EXTERNAL.to_vec()] }]
}
