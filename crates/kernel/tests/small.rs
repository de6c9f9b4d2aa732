//! Every instruction set at the edges of its blocks, without another library: quick enough for
//! Miri, which checks each access to memory.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;
use common::{NONCE, bytes, isas, keys, open, open_or_restore, seal};
use sealframe_kernel::{Frame, INTERLEAVE, Tag, open_interleaved, seal_interleaved};

/// Empty, a byte, around one block, around four and eight, and an incomplete block after those.
const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 63, 64, 129, 160];

#[test]
fn every_instruction_set_opens_what_it_sealed_and_restores_what_it_did_not() {
    for isa in isas() {
        for key in keys(isa) {
            for len in LENGTHS {
                let (clear, aad) = (bytes(len, 3), bytes(len % 20, 4));
                let mut data = clear.clone();
                let mut tag = seal(&key, &aad, &mut data);
                let sealed = data.clone();
                open(&key, &aad, &mut data, tag).unwrap();
                assert_eq!(data, clear, "{isa:?}, {len} bytes");
                tag[0] ^= 1;
                data.copy_from_slice(&sealed);
                open_or_restore(&key, &aad, &mut data, tag).unwrap_err();
                assert_eq!(data, sealed, "{isa:?}, {len} bytes");
            }
        }
    }
}

#[test]
fn frames_of_four_lengths_go_together() {
    for isa in isas() {
        for key in keys(isa) {
            let clear = [0, 17, 64, 160].map(|len| bytes(len, 5));
            let mut data = clear.clone();
            let tags =
                seal_interleaved(data.each_mut().map(|data| Frame::new(&key, NONCE, b"aad", data)));
            let tags: [Tag; INTERLEAVE] = tags.map(|tag| tag.unwrap());
            let opened = open_interleaved(
                data.each_mut().map(|data| Frame::new(&key, NONCE, b"aad", data)),
                tags,
            );
            assert_eq!(opened, [Ok(()); INTERLEAVE]);
            assert_eq!(data, clear);
        }
    }
}
