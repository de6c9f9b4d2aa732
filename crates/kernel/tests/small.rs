//! Every form at the edges of its blocks, without another library: quick enough for Miri, which checks each access to memory.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;
use common::{NONCE, bytes, forms, keys, open, open_or_restore, seal};
use sealframe_kernel::{Frame, TOGETHER, Tag, open_together, seal_together};

/// Nothing, a byte, around one block, around four and eight, and a rest behind those.
const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 63, 64, 129, 160];

#[test]
fn every_form_opens_what_it_sealed_and_restores_what_it_did_not() {
    for form in forms() {
        for key in keys(form) {
            for len in LENGTHS {
                let (clear, aad) = (bytes(len, 3), bytes(len % 20, 4));
                let mut data = clear.clone();
                let mut tag = seal(&key, &aad, &mut data);
                let sealed = data.clone();
                open(&key, &aad, &mut data, tag).unwrap();
                assert_eq!(data, clear, "{form:?}, {len} bytes");
                tag[0] ^= 1;
                data.copy_from_slice(&sealed);
                open_or_restore(&key, &aad, &mut data, tag).unwrap_err();
                assert_eq!(data, sealed, "{form:?}, {len} bytes");
            }
        }
    }
}

#[test]
fn frames_of_four_lengths_go_together() {
    for form in forms() {
        for key in keys(form) {
            let clear = [0, 17, 64, 160].map(|len| bytes(len, 5));
            let mut data = clear.clone();
            let tags = seal_together(data.each_mut().map(|data| Frame::new(&key, NONCE, b"aad", data)));
            let tags: [Tag; TOGETHER] = tags.map(|tag| tag.unwrap());
            let opened =
                open_together(data.each_mut().map(|data| Frame::new(&key, NONCE, b"aad", data)), tags);
            assert_eq!(opened, [Ok(()); TOGETHER]);
            assert_eq!(data, clear);
        }
    }
}
