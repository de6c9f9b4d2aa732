//! Nothing moves and nothing is allocated.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::slice::from_mut;

use sealframe_crypto::{Backend, Cipher, CipherSuite};
use sealframe_media::{
    FrameBuf, Metadata, Receiver, SealError, Sender, ToOpen, ToSeal, open_batch, seal_batch,
};
use sealframe_testkit::alloc::{self, CountingAllocator};
use sealframe_wire::{Ctr, Header};

mod common;
use common::{CAMERA, receiver, sender};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn pair(cipher: Cipher) -> (Sender, Receiver) {
    (sender(cipher, 3), receiver(cipher, [3]))
}

#[test]
fn the_payload_stays_and_nothing_is_allocated() {
    let mut buf = vec![0; FrameBuf::HEADROOM + (1 << 20) + FrameBuf::TAILROOM];
    for suite in CipherSuite::ALL {
        for backend in Backend::available() {
            let (mut sender, mut receiver) = pair(Cipher::new(suite, backend));
            let application = [7; 300];
            let longest = Metadata::from(CAMERA).with_application(&application).with_prefix(10);
            // Set-up: the longest metadata has been seen.
            let sealed = sender.seal_to_vec(&[0; 10], longest).unwrap();
            receiver.open_to_vec(&sealed, longest).unwrap();

            for prefix in [0, 1, 10] {
                let metadata = longest.with_prefix(prefix);
                for len in [10, 40, 160, 1200, 16_384, 200_000, 1 << 20] {
                    buf[FrameBuf::HEADROOM..FrameBuf::HEADROOM + len].fill(0x5a);
                    let payload = buf[FrameBuf::HEADROOM + usize::from(prefix)..].as_ptr();
                    let expected = vec![0x5a; len];
                    let ctr = Ctr::new(sender.usage().frames);
                    let header = Header::new(sender.kid(), ctr).len();
                    let allocations = alloc::count(|| {
                        let at = FrameBuf::HEADROOM..FrameBuf::HEADROOM + len;
                        let frame = FrameBuf::new(&mut buf, at).unwrap();
                        let sealed = sender.seal_in_place(frame, metadata).unwrap();
                        assert_eq!(sealed.len(), header + len + suite.nt());
                        assert_eq!(sealed[header + usize::from(prefix)..].as_ptr(), payload);
                        let opened = receiver.open_in_place(sealed, metadata).unwrap().frame;
                        assert_eq!(opened[usize::from(prefix)..].as_ptr(), payload);
                        assert!(opened == expected);
                    });
                    assert_eq!(allocations, 0, "{suite:?} on {backend:?}, {len} bytes");
                }
            }
        }
    }
}

#[test]
fn a_batch_allocates_nothing_and_moves_no_payload() {
    for suite in CipherSuite::ALL {
        for backend in Backend::available() {
            let cipher = Cipher::new(suite, backend);
            let mut senders = [3, 4].map(|of| sender(cipher, of));
            let mut receiver = receiver(cipher, [3, 4]);
            let mut bufs = [[0x5a_u8; FrameBuf::HEADROOM + 1200 + FrameBuf::TAILROOM]; 16];
            let end = |at: usize| FrameBuf::HEADROOM + [0, 40, 64, 160, 1200][at % 5];
            let payloads = bufs.each_ref().map(|buf| buf[FrameBuf::HEADROOM..].as_ptr());
            let mut starts = [0; 16];
            let allocations = alloc::count(|| {
                let frames = bufs.iter_mut().enumerate().map(|(at, buf)| {
                    let frame = FrameBuf::new(buf, FrameBuf::HEADROOM..end(at)).unwrap();
                    ToSeal { sender: at % 2, frame, metadata: CAMERA.into() }
                });
                seal_batch(&mut senders, frames, |at, sealed| {
                    let len = sealed.unwrap().len();
                    starts[at] = end(at) + suite.nt() - len;
                });
                let frames = bufs.iter_mut().enumerate().map(|(at, buf)| {
                    let frame = &mut buf[starts[at]..end(at) + suite.nt()];
                    ToOpen { receiver: 0, frame, metadata: CAMERA.into() }
                });
                open_batch(from_mut(&mut receiver), frames, |at, opened| {
                    let frame = opened.unwrap().frame;
                    assert_eq!(frame.as_ptr(), payloads[at]);
                    assert!(frame.iter().all(|&byte| byte == 0x5a));
                });
            });
            assert_eq!(allocations, 0, "{cipher:?}");
        }
    }
}

#[test]
fn the_counting_allocator_counts() {
    assert_eq!(alloc::count(|| drop(core::hint::black_box(vec![0_u8; 100]))), 1);
}

#[test]
fn room_is_checked_to_the_byte() {
    let suite = CipherSuite::Aes128GcmSha256_128;
    let (mut sender, _) = pair(Cipher::recommended(suite));
    let header_len = 1 + 2; // KID 0x300, CTR below 8
    let mut buf = [0; 100];
    let mut seal = |start: usize, len: usize| {
        let frame = FrameBuf::new(&mut buf[..start + 10 + len], start..start + 10).unwrap();
        sender.seal_in_place(frame, CAMERA).map(|sealed| sealed.len())
    };
    assert_eq!(seal(header_len - 1, 16), Err(SealError::NoHeadroom { need: header_len }));
    assert_eq!(seal(header_len, 15), Err(SealError::NoTailroom { need: 16 }));
    assert_eq!(seal(0, 16), Err(SealError::NoHeadroom { need: header_len }));
    assert_eq!(seal(header_len, 0), Err(SealError::NoTailroom { need: 16 }));
    assert_eq!(seal(header_len, 16), Ok(header_len + 10 + 16));

    let need = header_len + 10 + 16;
    let mut out = [0; 100];
    let too_short = sender.seal_into(&[0; 10], CAMERA, &mut out[..need - 1]);
    assert_eq!(too_short.unwrap_err(), SealError::OutputTooShort { need });
    assert_eq!(sender.seal_into(&[0; 10], CAMERA, &mut out).unwrap().len(), need);
    let prefixed = Metadata::from(CAMERA).with_prefix(11);
    assert_eq!(sender.seal_to_vec(&[0; 10], prefixed).unwrap_err(), SealError::PrefixTooLong);
    // Failing has sealed nothing: two frames, two counters.
    assert_eq!(sender.usage().frames, 2);

    assert!(FrameBuf::new(&mut buf, 50..101).is_none());
    #[expect(clippy::reversed_empty_ranges, reason = "what is tested")]
    let reversed = FrameBuf::new(&mut buf, 51..50);
    assert!(reversed.is_none());
}
