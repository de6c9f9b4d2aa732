//! A forked child seals nothing with inherited keys: its parent continues with the same counters.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_media::{KeyError, KeyUsage, SealError, Sender, seal_batch};
use sealframe_testkit::fork::in_child;
use sealframe_wire::{Header, MlsKid, MlsLayout};

mod common;
use common::{CAMERA, CIPHER, base_key, kid_of, layout, receiver, sender};

/// Everything that would seal, or bring a key under which the parent may seal too.
fn seals_nothing(sender: &mut Sender) {
    let before = (sender.kid(), sender.usage());
    assert_eq!(sender.seal_to_vec(b"x", CAMERA), Err(SealError::Forked));
    assert_eq!(sender.seal_into(b"x", CAMERA, &mut [0; 99]).err(), Some(SealError::Forked));
    let mut buf = [0; 99];
    let frame = sealframe_media::FrameBuf::new(&mut buf, 17..20).unwrap();
    let to_seal = sealframe_media::ToSeal { sender: 0, frame, metadata: CAMERA.into() };
    seal_batch(&mut [&mut *sender], [to_seal], |_, sealed| {
        assert_eq!(sealed.err(), Some(SealError::Forked));
    });
    assert_eq!(sender.ratchet(), Err(KeyError::Forked));
    assert_eq!(sender.rekey(base_key(9)), Err(KeyError::Forked));
    assert_eq!(sender.rekey_to(9, base_key(9)), Err(KeyError::Forked));
    assert_eq!(sender.change_epoch(9, &base_key(9)), Err(KeyError::Forked));
    assert_eq!((sender.kid(), sender.usage()), before);
}

#[test]
fn only_the_process_that_began_a_key_seals_with_it() {
    let mut alice = sender(CIPHER, 1);
    alice.seal_to_vec(b"before", CAMERA).unwrap();
    let at = MlsKid { context: 0, index: 3, epoch: 1 };
    let mls = MlsLayout::new(4, 6).unwrap();
    let mut member = Sender::new_mls(CIPHER, mls, at, &base_key(1)).unwrap();
    let mut listener = receiver(CIPHER, [1, 2]);

    assert!(in_child(|| {
        seals_nothing(&mut alice);
        seals_nothing(&mut member);
        // A sender of its own seals without such a limit, and is useless to a child of the child.
        let mut own = sender(CIPHER, 2);
        let frame = own.seal_to_vec(b"the child's", CAMERA).unwrap();
        assert_eq!(listener.open_to_vec(&frame, CAMERA).unwrap(), b"the child's");
        let usage = KeyUsage { frames: (1 << 32) - 1, ..KeyUsage::default() };
        let mut last = Sender::resume(CIPHER, layout(), kid_of(3), base_key(3), usage).unwrap();
        assert!(last.seal_to_vec(b"x", CAMERA).is_ok());
        assert_eq!(last.seal_to_vec(b"x", CAMERA), Err(SealError::KeyExhausted));
        assert!(in_child(|| {
            seals_nothing(&mut alice);
            seals_nothing(&mut own);
            sender(CIPHER, 4).seal_to_vec(b"x", CAMERA).unwrap();
        }));
        own.ratchet().unwrap();
        own.rekey(base_key(5)).unwrap();
        own.seal_to_vec(b"x", CAMERA).unwrap();
    }));

    // The parent goes on, its counters with it.
    let frame = alice.seal_to_vec(b"after", CAMERA).unwrap();
    assert_eq!(Header::parse(&frame).unwrap().ctr().get(), 1);
    assert_eq!(alice.usage().frames, 2);
    assert_eq!(listener.open_to_vec(&frame, CAMERA).unwrap(), b"after");
    alice.ratchet().unwrap();
    member.change_epoch(2, &base_key(2)).unwrap();
    member.seal_to_vec(b"x", CAMERA).unwrap();
}
