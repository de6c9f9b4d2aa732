//! A forked child seals nothing with inherited keys: its parent continues with the same nonces.
#![cfg(all(unix, feature = "dave", feature = "jitsi", feature = "livekit"))]
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_profiles::{
    Backend, Codec, FrameBuf, FrameInfo, KeyError, SealError,
    dave::{self, BaseSecret},
    jitsi, livekit,
};
use sealframe_testkit::fork::in_child;

const FORKED: Option<SealError> = Some(SealError::Forked);

fn audio(timestamp: u32) -> FrameInfo {
    FrameInfo::audio(Some(Codec::Opus), 7, timestamp)
}

fn secret() -> BaseSecret {
    BaseSecret::from_exported(&[0x42; 16])
}

fn jitsi_key(fill: u8) -> jitsi::Key {
    jitsi::Key::from_material(&[fill; 32])
}

fn livekit_key(fill: u8) -> livekit::Key {
    livekit::Key::hkdf(&[fill; 32])
}

#[test]
fn only_the_process_that_began_a_dave_epoch_seals_in_it() {
    let begin = || dave::Sender::new(dave::Config::new(Backend::recommended()), secret());
    let seals_nothing = |sender: &mut dave::Sender| {
        let before = sender.nonces();
        for codec in [Some(Codec::Opus), Some(Codec::Vp8), Some(Codec::H264), None] {
            let frame = [0, 0, 1, 0x65, 8, 8, 8, 8, 8, 8, 8, 8];
            assert_eq!(sender.seal_to_vec(&frame, codec).err(), FORKED, "{codec:?}");
            let mut buf = [0; 160 + dave::Sender::TAILROOM];
            let frame = FrameBuf::new(&mut buf, 0..160).unwrap();
            assert_eq!(sender.seal_in_place(frame, codec).err(), FORKED, "{codec:?}");
        }
        for nonce in [before, before + 1, 1 << 24, 5 << 24] {
            assert_eq!(sender.skip_to(nonce), Err(KeyError::Forked), "{nonce}");
        }
        assert_eq!(sender.nonces(), before);
    };

    let mut sender = begin();
    // The next frame is of another generation: its key would have to be derived.
    let mut at_edge = begin();
    at_edge.skip_to((1 << 24) - 1).unwrap();
    let mut unused = begin();
    sender.seal_to_vec(b"before", Codec::Opus).unwrap();
    assert!(in_child(|| {
        seals_nothing(&mut sender);
        seals_nothing(&mut at_edge);
        seals_nothing(&mut unused);
        // The child's own sender seals, and is useless to a child of the child.
        let mut own = begin();
        own.seal_to_vec(b"x", Codec::Opus).unwrap();
        assert!(in_child(|| {
            seals_nothing(&mut sender);
            seals_nothing(&mut own);
        }));
        own.skip_to(1 << 24).unwrap();
        own.seal_to_vec(b"x", Codec::Opus).unwrap();
    }));

    // The parent goes on, its nonces with it.
    sender.seal_to_vec(b"after", Codec::Opus).unwrap();
    assert_eq!(sender.nonces(), 2);
    at_edge.seal_to_vec(b"after", Codec::Opus).unwrap();
    unused.skip_to(1 << 24).unwrap();
}

#[test]
fn only_the_process_that_began_a_jitsi_sender_seals_with_it() {
    let seals_nothing = |sender: &mut jitsi::Sender| {
        let before = sender.next_count(7);
        let mut buf = [0; 3 + jitsi::Sender::OVERHEAD];
        let frame = FrameBuf::new(&mut buf, 0..3).unwrap();
        assert_eq!(sender.seal_in_place(frame, &audio(9)).err(), FORKED);
        assert_eq!(sender.seal_into(b"x", &audio(9), &mut [0; 99]).err(), FORKED);
        assert_eq!(sender.seal_to_vec(b"x", &audio(9)).err(), FORKED);
        // Neither an old key nor a new one: the parent may get the same.
        assert_eq!(sender.set_key(0, jitsi_key(1)), Err(KeyError::Forked));
        assert_eq!(sender.set_key(2, jitsi_key(3)), Err(KeyError::Forked));
        assert_eq!(sender.use_key(0), Err(KeyError::Forked));
        assert_eq!(sender.ratchet(0), Err(KeyError::Forked));
        assert_eq!(sender.next_count(7), before);
        assert_eq!(sender.poll_event(), None);
    };
    let begin = || {
        let mut sender = jitsi::Sender::resume(jitsi::Config::new(Backend::recommended()), 0);
        sender.set_key(0, jitsi_key(1)).unwrap();
        sender
    };

    let mut sender = begin();
    sender.seal_to_vec(b"before", &audio(1)).unwrap();
    let mut keyless = jitsi::Sender::new(jitsi::Config::new(Backend::recommended()));
    let material = sender.expose_key(0).unwrap().to_vec();
    assert!(in_child(|| {
        seals_nothing(&mut sender);
        assert_eq!(keyless.set_key(0, jitsi_key(1)), Err(KeyError::Forked));
        // A child can still read and wipe.
        assert_eq!(sender.expose_key(0), Some(&*material));
        assert!(sender.remove_key(0));
        assert_eq!(sender.set_key(0, jitsi_key(1)), Err(KeyError::Forked));
        let mut own = begin();
        own.seal_to_vec(b"x", &audio(1)).unwrap();
        assert!(in_child(|| seals_nothing(&mut own)));
        own.ratchet(0).unwrap();
        own.set_key(1, jitsi_key(2)).unwrap();
        own.seal_to_vec(b"x", &audio(1)).unwrap();
    }));

    sender.seal_to_vec(b"after", &audio(2)).unwrap();
    assert_eq!(sender.next_count(7), 2);
    sender.ratchet(0).unwrap();
    sender.set_key(1, jitsi_key(2)).unwrap();
    sender.seal_to_vec(b"after", &audio(2)).unwrap();
    keyless.set_key(0, jitsi_key(9)).unwrap();
    keyless.seal_to_vec(b"after", &audio(2)).unwrap();
}

#[test]
fn only_the_process_that_began_a_livekit_sender_seals_with_it() {
    let seals_nothing = |sender: &mut livekit::Sender| {
        let before = (sender.next_count(7), sender.next_count(8));
        assert_eq!(sender.seal_to_vec(b"x", &audio(9)).err(), FORKED);
        assert_eq!(sender.seal_into(b"x", &audio(9), &mut [0; 99]).err(), FORKED);
        let mut buf = [0; 99];
        let data = FrameBuf::new(&mut buf, 0..3).unwrap();
        assert_eq!(sender.seal_data_in_place(data, 9).err(), FORKED);
        assert_eq!(sender.set_key(0, livekit_key(1)), Err(KeyError::Forked));
        assert_eq!(sender.set_key(2, livekit_key(3)), Err(KeyError::Forked));
        assert_eq!(sender.use_key(0), Err(KeyError::Forked));
        assert_eq!(sender.move_key(0, 2), Err(KeyError::Forked));
        assert_eq!(sender.ratchet(0), Err(KeyError::Forked));
        assert_eq!((sender.next_count(7), sender.next_count(8)), before);
    };
    let begin = || {
        let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
        sender.begin_data(8);
        sender.set_key(0, livekit_key(1)).unwrap();
        sender
    };

    let mut sender = begin();
    sender.seal_to_vec(b"before", &audio(1)).unwrap();
    assert!(in_child(|| {
        seals_nothing(&mut sender);
        let mut own = begin();
        own.seal_to_vec(b"x", &audio(1)).unwrap();
        assert!(in_child(|| seals_nothing(&mut own)));
        own.move_key(0, 1).unwrap();
        own.seal_to_vec(b"x", &audio(1)).unwrap();
    }));

    sender.seal_to_vec(b"after", &audio(2)).unwrap();
    assert_eq!(sender.next_count(7), 2);
    sender.ratchet(0).unwrap();
    sender.move_key(0, 1).unwrap();
    sender.seal_to_vec(b"after", &audio(2)).unwrap();
}
