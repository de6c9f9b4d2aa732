//! Keys that come in other ways than most do what keys do.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_profiles::{
    Backend, Codec, FrameBuf, FrameInfo, KeyError, OpenError,
    livekit::{Config, Key, Receiver, Sender, data::DataChannel},
};

const MATERIAL: [u8; 32] = [0x42; 32];

fn keys(of: fn() -> Key, derived: fn(&[u8; 32]) -> Key) -> (Key, Key) {
    let mut sender = Sender::new(Config::new(Backend::recommended()));
    sender.set_key(0, of()).unwrap();
    let next: &[u8; 32] = sender.expose_next(0).unwrap().try_into().unwrap();
    (of(), derived(next))
}

#[test]
fn too_few_bytes_make_no_key() {
    for len in 0..40 {
        assert_eq!(Key::hkdf_of(&MATERIAL.repeat(2)[..len]).is_some(), len >= Key::MIN_HKDF_LEN);
        assert_eq!(Key::pbkdf2(&MATERIAL.repeat(2)[..len]).is_some(), len > 0);
    }
    assert!(Key::from_passphrase("").is_none());
    assert!(Key::from_passphrase("p").is_some(), "weak, but nobody else's by accident");
}

#[test]
fn derived_keys_seal_open_and_ratchet_as_the_keys_themselves() {
    let hkdf = || keys(|| Key::hkdf(&MATERIAL), Key::hkdf_derived);
    let pbkdf2 = || keys(|| Key::from_passphrase("a passphrase").unwrap(), Key::pbkdf2_derived);
    let info = FrameInfo::audio(Some(Codec::Opus), 7, 960);
    for both in [&hkdf as &dyn Fn() -> (Key, Key), &pbkdf2] {
        let [mut sender, mut same] = [
            Sender::new(Config::new(Backend::recommended())),
            Sender::new(Config::new(Backend::recommended())),
        ];
        let mut receiver = Receiver::new(Config::new(Backend::recommended()));
        let ((key, derived), (_, to_open)) = (both(), both());
        sender.set_key(3, key).unwrap();
        same.set_key(3, derived).unwrap();
        receiver.set_key(3, to_open);
        for step in 0..3 {
            if step > 0 {
                sender.ratchet(3).unwrap();
                same.ratchet(3).unwrap();
                assert_eq!(sender.expose_key(3), same.expose_key(3));
            }
            assert_eq!(sender.expose_next(3), same.expose_next(3));
            let sealed = sender.seal_to_vec(b"a frame", &info).unwrap();
            assert_eq!(same.seal_to_vec(b"a frame", &info).unwrap(), sealed);
            assert_eq!(receiver.open_to_vec(&sealed, &info).unwrap(), b"a frame", "step {step}");
            assert_eq!(receiver.expose_next(3), sender.expose_next(3));
        }
    }
}

#[test]
fn a_key_at_another_index_counts_on() {
    let info = FrameInfo::audio(Some(Codec::Opus), 7, 960);
    let mut sender = Sender::new(Config::new(Backend::recommended()));
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    sender.set_key(0, Key::hkdf(&MATERIAL)).unwrap();
    for index in [0, 5] {
        receiver.set_key(index, Key::hkdf(&MATERIAL));
    }
    let before = sender.seal_to_vec(b"a frame", &info).unwrap();
    assert_eq!(sender.set_key(5, Key::hkdf(&MATERIAL)), Err(KeyError::SameKey));
    assert_eq!(sender.move_key(1, 5), Err(KeyError::NoKey));
    assert_eq!(sender.move_key(0, 16 + 5), Ok(5));
    assert_eq!(sender.next_count(7), 1);
    let after = sender.seal_to_vec(b"a frame", &info).unwrap();
    assert_ne!(before[before.len() - 14..before.len() - 2], after[after.len() - 14..after.len() - 2]);
    assert_eq!(after.last(), Some(&5));
    for sealed in [before, after] {
        assert_eq!(receiver.open_to_vec(&sealed, &info).unwrap(), b"a frame");
    }
    assert_eq!(sender.use_key(0), Err(KeyError::NoKey));
}

/// A sender of data that restarts.
fn data_sender(prefix: u32) -> Sender {
    let mut sender = Sender::new(Config::new(Backend::recommended()));
    sender.set_key(0, Key::hkdf(&MATERIAL)).unwrap();
    sender.begin_data(prefix);
    sender
}

/// IV and value.
fn sealed_data(sender: &mut Sender, now_ms: u32) -> ([u8; 12], Vec<u8>) {
    let mut buf = [7; 4 + 16];
    let sealed = sender.seal_data_in_place(FrameBuf::new(&mut buf, 0..4).unwrap(), now_ms).unwrap();
    (sealed.iv, sealed.value.to_vec())
}

fn open_data(
    receiver: &mut Receiver,
    channel: DataChannel,
    (iv, value): &([u8; 12], Vec<u8>),
) -> Result<(), OpenError> {
    receiver.open_data_in_place(channel, 0, *iv, &mut value.clone()).map(|_| ())
}

#[test]
fn data_of_a_peer_that_has_reloaded_open() {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.set_key(0, Key::hkdf(&MATERIAL));
    let mut before = data_sender(1);
    for number in 0..129 {
        let data = sealed_data(&mut before, 3_600_000 + number);
        assert_eq!(open_data(&mut receiver, DataChannel::Packets, &data), Ok(()));
    }
    let data = sealed_data(&mut data_sender(2), 5_000);
    assert_eq!(open_data(&mut receiver, DataChannel::Packets, &data), Ok(()));
}

#[test]
fn data_open_once_4096_back() {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.set_key(0, Key::hkdf(&MATERIAL));
    let mut sender = data_sender(1);
    let data: Vec<_> = (0..4097).map(|_| sealed_data(&mut sender, 5_000)).collect();
    let is_replay = |result| matches!(result, Err(OpenError::Replayed { .. }));
    let tracks = [DataChannel::Track(1), DataChannel::Track(2)];
    // A forged one marks nothing.
    let mut forged = data[1].clone();
    forged.1[0] ^= 1;
    assert_eq!(open_data(&mut receiver, DataChannel::Packets, &forged), Err(OpenError::Unauthentic));
    for (number, one) in data.iter().enumerate() {
        for channel in [DataChannel::Packets, tracks[number % 2]] {
            assert_eq!(open_data(&mut receiver, channel, one), Ok(()));
        }
    }
    for one in &data[1..] {
        for channel in [DataChannel::Packets, tracks[0], tracks[1]] {
            assert!(is_replay(open_data(&mut receiver, channel, one)));
        }
    }
    assert_eq!(open_data(&mut receiver, DataChannel::Packets, &data[0]), Ok(()), "further back");
}
