//! Whole frames against RFC 9605's vectors, through the doors that users use.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite};
use sealframe_media::{FrameBuf, KeyUsage, Metadata, Receiver, Sender};
use sealframe_testkit::rfc9605;
use sealframe_wire::{SenderKeyKid, SenderKeyLayout};

#[test]
fn all_8_frames_sealed_and_opened() {
    let layout = SenderKeyLayout::new(0, 0).unwrap(); // a KID is a generation, and nothing else
    let vectors = rfc9605::frames();
    for vector in &vectors {
        let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
        let kid = SenderKeyKid { generation: vector.kid, ..SenderKeyKid::default() };
        let metadata = Metadata::raw(&vector.metadata);
        for backend in Backend::available() {
            let cipher = Cipher::new(suite, backend);
            let sender = || {
                let base_key = BaseKey::from_bytes_allowing_128_bits(suite, &vector.base_key).unwrap();
                let usage = KeyUsage { frames: vector.ctr, ..KeyUsage::default() };
                Sender::resume(cipher, layout, kid, base_key, usage).unwrap()
            };
            let receiver = || {
                let mut receiver = Receiver::new(cipher, layout);
                receiver
                    .add_sender(
                        kid,
                        BaseKey::from_bytes_allowing_128_bits(suite, &vector.base_key).unwrap(),
                    )
                    .unwrap();
                receiver
            };

            let end = FrameBuf::HEADROOM + vector.pt.len();
            let mut buf = [&[0; FrameBuf::HEADROOM], &*vector.pt, &[0; FrameBuf::TAILROOM]].concat();
            let frame = FrameBuf::new(&mut buf, FrameBuf::HEADROOM..end).unwrap();
            assert_eq!(sender().seal_in_place(frame, metadata).unwrap(), &*vector.ct);
            let mut out = [0; 100];
            assert_eq!(sender().seal_into(&vector.pt, metadata, &mut out).unwrap(), &*vector.ct);
            assert_eq!(sender().seal_to_vec(&vector.pt, metadata).unwrap(), *vector.ct);

            let mut frame = vector.ct.0.clone();
            let opened = receiver().open_in_place(&mut frame, metadata).unwrap().frame.to_vec();
            assert_eq!(opened, *vector.pt);
            assert_eq!(receiver().open_to_vec(&vector.ct, metadata).unwrap(), *vector.pt);
        }
    }
    assert_eq!(vectors.len(), 5 + 3);
    println!("ran {} frame vectors on 2 backends", vectors.len());
}
