//! Four frames together are four frames alone.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_kernel::{Frame, INTERLEAVE, Key, Tag, Unauthentic, open_interleaved, seal_interleaved};

mod common;
use common::{NONCE, bytes, isas, keys, seal};

/// A frame of the test, and its sealed form when it is sealed alone.
struct Case<'k> {
    key: &'k Key,
    aad: Vec<u8>,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; 16],
}

impl<'k> Case<'k> {
    fn new(key: &'k Key, len: usize, aad_len: usize, seed: usize) -> Self {
        let (plain, aad) = (bytes(len, seed), bytes(aad_len, seed + 1));
        let mut sealed = plain.clone();
        let tag = seal(key, &aad, &mut sealed);
        Self { key, aad, plain, sealed, tag }
    }

    fn frame<'a>(&'a self, data: &'a mut [u8]) -> Frame<'a> {
        Frame::new(self.key, NONCE, &self.aad, data)
    }
}

fn agree(cases: &[Case<'_>; INTERLEAVE]) {
    let mut data = cases.each_ref().map(|case| case.plain.clone());
    let [a, b, c, d] = &mut data;
    let [of_a, of_b, of_c, of_d] = cases;
    let tags = seal_interleaved([of_a.frame(a), of_b.frame(b), of_c.frame(c), of_d.frame(d)]);
    for ((case, data), tag) in cases.iter().zip(&data).zip(tags) {
        assert_eq!((data, <[u8; 16]>::from(tag.unwrap())), (&case.sealed, case.tag));
    }
    let tags = cases.each_ref().map(|case| Tag::from(case.tag));
    let [a, b, c, d] = &mut data;
    let opened = open_interleaved([of_a.frame(a), of_b.frame(b), of_c.frame(c), of_d.frame(d)], tags);
    assert_eq!(opened, [Ok(()); INTERLEAVE]);
    for (case, data) in cases.iter().zip(&data) {
        assert_eq!(data, &case.plain);
    }

    for forged in 0..INTERLEAVE {
        let mut data = cases.each_ref().map(|case| case.sealed.clone());
        let mut tags = cases.each_ref().map(|case| case.tag);
        tags[forged][forged * 5] ^= 0x20;
        let [a, b, c, d] = &mut data;
        let frames = [of_a.frame(a), of_b.frame(b), of_c.frame(c), of_d.frame(d)];
        let opened = open_interleaved(frames, tags.map(Tag::from));
        for (at, case) in cases.iter().enumerate() {
            if at == forged {
                assert_eq!(opened[at], Err(Unauthentic));
                let is_wiped = data[at].iter().all(|&byte| byte == 0);
                assert!(data[at] == case.sealed || is_wiped, "no plaintext");
            } else {
                assert_eq!((opened[at], &data[at]), (Ok(()), &case.plain));
            }
        }
    }
}

/// Where a frame takes one vector more, in one isa or another, or goes alone.
const EDGES: &[usize] =
    if cfg!(miri) { &[0, 40, 177] } else { &[0, 1, 40, 48, 49, 111, 112, 113, 177, 513] };

#[test]
fn of_any_lengths() {
    for isa in isas() {
        for key in keys(isa) {
            for code in 0..EDGES.len().pow(4) {
                let len = |place: u32| EDGES[code / EDGES.len().pow(place) % EDGES.len()];
                agree(&[0, 1, 2, 3].map(|place| Case::new(&key, len(place), 12, place as usize)));
            }
        }
    }
}

#[test]
fn of_any_lengths_of_aad() {
    for isa in isas() {
        let [key, _] = keys(isa);
        for aad_len in (0..=64).step_by(if cfg!(miri) { 16 } else { 1 }) {
            let lens = [aad_len, 12, 64 - aad_len, aad_len / 2];
            agree(&[0, 1, 2, 3].map(|place| Case::new(&key, 40 + 16 * place, lens[place], place)));
        }
    }
}

#[test]
fn under_keys_of_any_kind() {
    let keys: Vec<Box<Key>> = isas().into_iter().flat_map(keys).collect();
    let count = keys.len();
    for code in 0..count.pow(4) {
        let key = |place: u32| &*keys[code / count.pow(place) % count];
        agree(&[0, 1, 2, 3].map(|place| Case::new(key(place), 33 + place as usize, 12, 5)));
    }
}

#[test]
fn some_instruction_sets_interleave_and_say_how_far() {
    for isa in isas() {
        let longest = isa.longest_interleaved();
        assert!(longest.is_some() || !isa.gains_from_interleaving());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(longest, (isa == sealframe_kernel::Isa::Vaes512).then_some(112));
    }
}
