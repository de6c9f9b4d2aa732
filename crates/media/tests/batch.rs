//! A batch treats each frame like a call of its own.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sealframe_crypto::{Backend, Cipher, CipherSuite, Interleaving};
use sealframe_media::{
    FrameBuf, KeyPolicy, KeyUsage, Metadata, OpenError, Receiver, SealError, Sender, ToOpen, ToSeal,
    open_batch, seal_batch,
};

mod common;
use common::{CAMERA, base_key_of, kid_of, layout, receiver, sender};

fn ciphers() -> impl Iterator<Item = Cipher> {
    let with =
        |backend| move |suite| Cipher::new(suite, backend).with_interleaving(Interleaving::Always);
    Backend::available().flat_map(move |backend| CipherSuite::ALL.map(with(backend)))
}

fn senders(cipher: Cipher, count: u64) -> Vec<Sender> {
    (0..count).map(|of| sender(cipher, of)).collect()
}

/// A frame of the test: its sender, its length, and those of its prefix and application metadata.
#[derive(Clone, Copy, Debug)]
struct Spec {
    of: usize,
    len: usize,
    prefix: u16,
    application: bool,
}

impl Spec {
    fn metadata(self) -> Metadata<'static> {
        let metadata = Metadata::from(CAMERA).with_prefix(self.prefix);
        if self.application { metadata.with_application(b"application") } else { metadata }
    }

    fn buf(self) -> Vec<u8> {
        let mut buf = vec![0; FrameBuf::HEADROOM];
        buf.extend((0..self.len).map(|i| u8::try_from(i % 251).unwrap()));
        buf.resize(buf.len() + FrameBuf::TAILROOM, 0);
        buf
    }

    fn frame(self, buf: &mut [u8]) -> FrameBuf<'_> {
        FrameBuf::new(buf, FrameBuf::HEADROOM..FrameBuf::HEADROOM + self.len).unwrap()
    }
}

fn seal_alone(senders: &mut [Sender], specs: &[Spec]) -> Vec<Result<Vec<u8>, SealError>> {
    let seal = |spec: &Spec| {
        let mut buf = spec.buf();
        let sealed = senders[spec.of].seal_in_place(spec.frame(&mut buf), spec.metadata());
        sealed.map(|sealed| sealed.to_vec())
    };
    specs.iter().map(seal).collect()
}

fn seal_together(senders: &mut [Sender], specs: &[Spec]) -> Vec<Result<Vec<u8>, SealError>> {
    let mut bufs: Vec<Vec<u8>> = specs.iter().map(|spec| spec.buf()).collect();
    let mut results = vec![None; specs.len()];
    let frames = bufs.iter_mut().zip(specs).map(|(buf, spec)| ToSeal {
        sender: spec.of,
        frame: spec.frame(buf),
        metadata: spec.metadata(),
    });
    seal_batch(senders, frames, |at, sealed| {
        assert!(results[at].is_none(), "each once");
        results[at] = Some(sealed.map(|sealed| sealed.to_vec()));
    });
    results.into_iter().map(Option::unwrap).collect()
}

fn open_together(
    receiver: &mut Receiver,
    frames: &mut [Vec<u8>],
    metadata: impl Fn(usize) -> Metadata<'static>,
) -> Vec<Result<Vec<u8>, OpenError>> {
    let mut results = vec![None; frames.len()];
    let frames = frames.iter_mut().enumerate();
    let frames = frames.map(|(at, frame)| ToOpen { receiver: 0, frame, metadata: metadata(at) });
    open_batch(core::slice::from_mut(receiver), frames, |at, opened| {
        assert!(results[at].is_none(), "each once");
        results[at] = Some(opened.map(|opened| opened.frame.to_vec()));
    });
    results.into_iter().map(Option::unwrap).collect()
}

fn spec() -> impl Strategy<Value = Spec> {
    let len = prop_oneof![3 => 0..130_usize, 1 => 130..2000_usize];
    (0..4_usize, len, prop_oneof![4 => Just(0), 1 => 0..11_u16], prop::bool::weighted(0.1))
        .prop_map(|(of, len, prefix, application)| Spec { of, len, prefix, application })
}

proptest! {
    #[test]
    fn a_batch_makes_the_bytes_of_single_calls(
        cipher in prop::sample::select(ciphers().collect::<Vec<_>>()),
        specs in prop::collection::vec(spec(), 0..24),
    ) {
        let (mut alone, mut together) = (senders(cipher, 4), senders(cipher, 4));
        let expected = seal_alone(&mut alone, &specs);
        prop_assert_eq!(&seal_together(&mut together, &specs), &expected);
        for (alone, together) in alone.iter().zip(&together) {
            prop_assert_eq!(alone.usage(), together.usage());
        }

        let opens: Vec<usize> = (0..specs.len()).filter(|&at| expected[at].is_ok()).collect();
        let mut frames: Vec<_> = opens.iter().map(|&at| expected[at].clone().unwrap()).collect();
        let opened = open_together(&mut receiver(cipher, 0..4), &mut frames, |at| specs[opens[at]].metadata());
        for (at, opened) in opens.into_iter().zip(opened) {
            let end = FrameBuf::HEADROOM + specs[at].len;
            prop_assert_eq!(opened.unwrap(), &specs[at].buf()[FrameBuf::HEADROOM..end]);
        }
    }
}

fn short_frames(cipher: Cipher, count: usize) -> Vec<Vec<u8>> {
    let mut senders = senders(cipher, 4);
    let specs: Vec<_> =
        (0..count).map(|at| Spec { of: at % 4, len: 40 + at, prefix: 0, application: false }).collect();
    seal_together(&mut senders, &specs).into_iter().map(Result::unwrap).collect()
}

#[test]
fn of_two_with_one_ctr_one_opens() {
    for cipher in ciphers() {
        for twin in 1..8 {
            let mut frames = short_frames(cipher, 8);
            frames[twin] = frames[0].clone();
            let results = open_together(&mut receiver(cipher, 0..4), &mut frames, |_| CAMERA.into());
            let opened = [0, twin].into_iter().filter(|&at| results[at].is_ok()).count();
            assert_eq!(opened, 1, "{cipher:?} {twin}");
            let replayed = [0, twin].into_iter().find(|&at| results[at].is_err()).unwrap();
            assert!(matches!(results[replayed], Err(OpenError::Replayed(_))));
        }
    }
}

/// The same frame with its label given as application metadata: other arguments, the same AAD.
#[test]
fn a_twin_on_another_way_does_not_open_again() {
    for cipher in ciphers() {
        let mut frames = short_frames(cipher, 4);
        frames.insert(1, frames[0].clone());
        let results = open_together(&mut receiver(cipher, 0..4), &mut frames, |at| match at {
            1 => Metadata::raw(&[CAMERA.kind as u8, 0, 0, 0, 0]),
            _ => CAMERA.into(),
        });
        assert_eq!(results[..2].iter().filter(|result| result.is_ok()).count(), 1, "{cipher:?}");
        assert!(results[2..].iter().all(Result::is_ok));
    }
}

#[test]
fn a_forged_frame_does_the_others_no_harm_and_changes_nothing() {
    for cipher in ciphers() {
        for forged in 0..8 {
            for part in [0, 3, 10, 30, 50] {
                let mut receiver = receiver(cipher, 0..4);
                let mut frames = short_frames(cipher, 8);
                let genuine = frames[forged].clone();
                let byte = frames[forged].len().min(part + 1) - 1;
                frames[forged][byte] ^= 0x10;
                let results = open_together(&mut receiver, &mut frames, |_| CAMERA.into());
                for (at, result) in results.iter().enumerate() {
                    assert_eq!(result.is_ok(), at != forged, "{cipher:?} {forged} {part} {at}");
                }
                let plain: Vec<u8> = (0..40).collect();
                assert!(!frames[forged].windows(8).any(|bytes| plain.windows(8).any(|of| of == bytes)));
                let mut again = [genuine];
                open_together(&mut receiver, &mut again, |_| CAMERA.into()).remove(0).unwrap();
            }
        }
    }
}

/// While three frames wait for a fourth, one that cannot wait moves the ratchet on and their key
/// goes.
#[test]
fn a_key_may_go_while_frames_wait() {
    for cipher in ciphers() {
        let policy = KeyPolicy { keep_behind: 0, ..KeyPolicy::for_layout(layout().into()) };
        let mut receiver = Receiver::with_policy(cipher, layout(), policy).unwrap();
        receiver.add_sender(kid_of(0), base_key_of(cipher.suite, 0)).unwrap();
        receiver.add_sender(kid_of(1), base_key_of(cipher.suite, 1)).unwrap();
        let mut senders = senders(cipher, 2);
        let mut frames = vec![];
        for _ in 0..3 {
            frames.push(senders[0].seal_to_vec(&[7; 40], CAMERA).unwrap());
        }
        senders[0].ratchet().unwrap();
        frames.push(senders[0].seal_to_vec(&[7; 1200], CAMERA).unwrap());
        frames.push(senders[1].seal_to_vec(&[7; 40], CAMERA).unwrap());
        frames.push(senders[0].seal_to_vec(&[7; 40], CAMERA).unwrap());
        let results = open_together(&mut receiver, &mut frames, |_| CAMERA.into());
        assert!(results[3..].iter().all(Result::is_ok), "{cipher:?} {results:?}");
        for result in &results[..3] {
            // Opened before the key went, or after: never wrongly.
            assert!(matches!(result, Ok(_) | Err(OpenError::StepErased(_))), "{result:?}");
        }
    }
}

#[test]
fn each_frame_has_its_own_error() {
    for cipher in ciphers() {
        let mut senders = senders(cipher, 2);
        let usage = KeyUsage { frames: (1 << 32) - 2, ..KeyUsage::default() };
        senders[1] =
            Sender::resume(cipher, layout(), kid_of(1), base_key_of(cipher.suite, 1), usage).unwrap();
        let mut bufs = [[0_u8; 100]; 8];
        let mut results = [const { None }; 8];
        let frames = bufs.iter_mut().enumerate().map(|(at, buf)| {
            let frame = match at {
                2 => FrameBuf::new(buf, 0..40),
                3 => FrameBuf::new(buf, 60..100),
                _ => FrameBuf::new(buf, 20..60),
            };
            ToSeal { sender: usize::from(at > 4), frame: frame.unwrap(), metadata: CAMERA.into() }
        });
        seal_batch(&mut senders, frames, |at, sealed| results[at] = Some(sealed.map(|_| ())));
        let nt = cipher.suite.nt();
        let expected = [
            Ok(()),
            Ok(()),
            Err(SealError::NoHeadroom { need: 1 }),
            Err(SealError::NoTailroom { need: nt }),
            Ok(()),
            Ok(()),
            Err(SealError::KeyExhausted),
            Err(SealError::KeyExhausted),
        ];
        assert_eq!(results.map(Option::unwrap), expected, "{cipher:?}");
    }
}

/// A frame that falls out of the replay window while its batch is opened takes no other counter
/// with it.
#[test]
fn a_jump_inside_a_batch_marks_no_other_counter() {
    for cipher in ciphers() {
        let mut receiver = receiver(cipher, [0]);
        let seal = |ctr: u64| {
            let usage = KeyUsage { frames: ctr, ..KeyUsage::default() };
            let mut sender =
                Sender::resume(cipher, layout(), kid_of(0), base_key_of(cipher.suite, 0), usage)
                    .unwrap();
            sender.seal_to_vec(&[7; 40], CAMERA).unwrap()
        };
        let mut frames: Vec<_> = [5000, 100, 4999, 4998].map(seal).into();
        let results = open_together(&mut receiver, &mut frames, |_| CAMERA.into());
        assert!(results[0].is_ok() && results[2..].iter().all(Result::is_ok), "{cipher:?}");
        // 4196 has the bit of 100.
        let late = open_together(&mut receiver, &mut [seal(4196)], |_| CAMERA.into());
        assert!(late[0].is_ok(), "{cipher:?} {late:?}");
        let again = open_together(&mut receiver, &mut [seal(4196)], |_| CAMERA.into());
        assert!(matches!(again[0], Err(OpenError::Replayed(_))));
    }
}

/// A caller that panics over the first frame finds the other three spent.
#[test]
fn a_panic_over_one_frame_opens_no_other_twice() {
    for cipher in ciphers() {
        let mut receiver = receiver(cipher, 0..4);
        let frames = short_frames(cipher, 4);
        let mut first = frames.clone();
        let panicked = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            let frames = first.iter_mut();
            let frames = frames.map(|frame| ToOpen { receiver: 0, frame, metadata: CAMERA.into() });
            open_batch(core::slice::from_mut(&mut receiver), frames, |_, _| {
                std::panic::resume_unwind(Box::new(()))
            });
        }));
        assert!(panicked.is_err());
        for (first, frame) in first.iter().zip(&frames) {
            let opened = open_together(&mut receiver, &mut [frame.clone()], |_| CAMERA.into());
            // Either it is as it came and opens now, or it was opened and does not again.
            assert_eq!(opened[0].is_ok(), first == frame, "{cipher:?}");
        }
    }
}
