//! Every key and every frame that Jitsi's own code made, through the public door, on every backend.
#![cfg(feature = "jitsi")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use sealframe_profiles::{Backend, FrameInfo, OpenError, ReceiverEvent, jitsi};
use sealframe_testkit::jframe;

mod common;

fn key(material: &[u8]) -> jitsi::Key {
    jitsi::Key::from_material(material.try_into().unwrap())
}

#[test]
fn every_step_of_every_key_chain() {
    let mut steps = 0;
    for chain in jframe::jitsi().kdf {
        let mut sender = jitsi::Sender::new(jitsi::Config::new(Backend::recommended()));
        let mut receiver = jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()));
        sender.set_key(0, key(&chain.steps[0].material)).unwrap();
        receiver.set_key(0, key(&chain.steps[0].material));
        for (number, step) in chain.steps.iter().enumerate() {
            if number > 0 {
                sender.ratchet(0).unwrap();
                receiver.ratchet(0).unwrap();
            }
            assert_eq!(sender.expose_key(0).unwrap(), &*step.material);
            assert_eq!(receiver.expose_key(0).unwrap(), &*step.material);
            // The AES key shows in its frames.
            let info = FrameInfo::audio(None, 7, u32::try_from(960 * number).unwrap());
            let mut external =
                jitsi::Sender::resume(jitsi::Config::new(Backend::recommended()), sender.next_count(7));
            external.set_key(0, jitsi::Key::external(&step.aes_key).unwrap()).unwrap();
            let sealed = sender.seal_to_vec(b"a frame", &info).unwrap();
            assert_eq!(external.seal_to_vec(b"a frame", &info).unwrap(), sealed);
            assert_eq!(receiver.open_to_vec(&sealed, &info).unwrap(), b"a frame");
            steps += 1;
        }
    }
    assert_eq!(steps, 33);
}

#[test]
fn every_frame_is_made_and_opened() {
    let mut frames = 0;
    for backend in Backend::available() {
        for vector in jframe::jitsi().frames {
            let name = &vector.name;
            let info = common::info(&vector);
            let count = u16::try_from(vector.send_counter.unwrap()).unwrap();
            let initial = vector.initial_material.as_deref().unwrap();
            let index = vector.key_index_signalled.unwrap();
            let mut sender = jitsi::Sender::resume(jitsi::Config::new(backend), count);
            assert_eq!(sender.set_key(index, key(initial)).unwrap(), vector.key_index);
            for _ in 0..vector.ratchet_steps {
                sender.ratchet(index).unwrap();
            }
            let sealed = sender.seal_to_vec(&vector.plaintext, &info).unwrap();
            assert_eq!(sealed, *vector.encrypted, "{name} on {backend:?}");
            assert_eq!(sender.next_count(info.ssrc), (count + 1) % 65_535);

            // Known at its step, then found by trying.
            let mut receiver = jitsi::Receiver::new(jitsi::Config::new(backend));
            receiver.set_key(index, key(&vector.material));
            opens(&mut receiver, &vector, &info);
            let mut receiver = jitsi::Receiver::new(jitsi::Config::new(backend));
            receiver.set_key(index, key(initial));
            if vector.ratchet_steps <= jitsi::MAX_RATCHET_WINDOW {
                opens(&mut receiver, &vector, &info);
                let event = (vector.ratchet_steps > 0).then_some(ReceiverEvent::Ratcheted {
                    index: vector.key_index,
                    steps: vector.ratchet_steps,
                });
                assert_eq!(receiver.poll_event(), event);
                assert_eq!(receiver.expose_key(index).unwrap(), &*vector.material);
            } else {
                let error = receiver.open_to_vec(&vector.encrypted, &info).unwrap_err();
                assert_eq!(error, OpenError::Unauthentic);
                assert_eq!(receiver.expose_key(index).unwrap(), initial);
            }
            frames += 1;
        }
    }
    assert_eq!(frames, 12 * Backend::available().count());
}

fn opens(receiver: &mut jitsi::Receiver, vector: &jframe::FrameVector, info: &FrameInfo) {
    let mut frame = vector.encrypted.to_vec();
    let opened = receiver.open_in_place(&mut frame, info).unwrap();
    assert_eq!((opened.index, opened.ssrc), (vector.key_index, info.ssrc), "{}", vector.name);
    assert_eq!((opened.rtp_timestamp, Some(opened.count)), (info.rtp_timestamp, vector.send_counter));
    assert_eq!(opened.frame, &*vector.plaintext);
    let again = receiver.open_to_vec(&vector.encrypted, info).unwrap_err();
    assert!(matches!(again, OpenError::Replayed { .. }), "{again:?}");
}
