//! The same bytes as another library at all lengths; no access outside the data; no forgery opens.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_kernel::{Key, Unauthentic};

mod common;
use common::{Reference, bytes, isas, keys, open, open_or_restore, seal};

/// Bytes around the data that must stay.
const GUARD: usize = 80;

/// Seals and opens `len` bytes that begin `shift` bytes into a buffer.
fn agree(key: &Key, reference: &Reference, aad: &[u8], len: usize, shift: usize) {
    let plain = bytes(len, len);
    let mut expected = plain.clone();
    let expected_tag = reference.seal(aad, &mut expected);

    let mut buf = vec![0xa5; GUARD + shift + len + GUARD];
    let at = GUARD + shift..GUARD + shift + len;
    buf[at.clone()].copy_from_slice(&plain);
    let tag = seal(key, aad, &mut buf[at.clone()]);
    assert!(buf[at.clone()] == expected, "ciphertext of {len} bytes, {} of AAD", aad.len());
    assert_eq!(tag, expected_tag, "tag of {len} bytes, {} of AAD", aad.len());
    open(key, aad, &mut buf[at.clone()], tag).unwrap();
    assert!(buf[at.clone()] == plain, "plaintext of {len} bytes, {} of AAD", aad.len());
    let is_guard = |byte: &u8| *byte == 0xa5;
    assert!(buf[..at.start].iter().all(is_guard) && buf[at.end..].iter().all(is_guard), "{len}");
}

/// Lengths where a block, a vector, a run or the powers of H end, in one isa or another.
fn edges() -> Vec<usize> {
    let mut edges: Vec<usize> = (0..=40).collect();
    let blocks = [
        3, 4, 7, 8, 11, 15, 16, 23, 24, 31, 32, 47, 48, 61, 62, 63, 64, 65, 66, 94, 95, 126, 127, 128,
        129, 190, 191, 254, 255, 256,
    ];
    edges.extend(blocks.iter().flat_map(|blocks| blocks * 16 - 1..=blocks * 16 + 1));
    edges
}

#[test]
fn at_every_length_to_4096() {
    for isa in isas() {
        for (key, reference) in keys(isa).iter().zip(&Reference::pair()) {
            for len in 0..=4096 {
                // Every length of AAD to 64 comes with 63 lengths of data.
                agree(key, reference, &bytes(len % 65, 7), len, len % 3);
            }
        }
    }
}

#[test]
fn at_every_length_of_aad_to_64_with_every_edge() {
    for isa in isas() {
        for (key, reference) in keys(isa).iter().zip(&Reference::pair()) {
            for len in edges() {
                for aad_len in 0..=64 {
                    agree(key, reference, &bytes(aad_len, 8), len, 0);
                }
            }
        }
    }
}

#[test]
fn wherever_the_data_begin() {
    for isa in isas() {
        for (key, reference) in keys(isa).iter().zip(&Reference::pair()) {
            for len in [0, 1, 15, 16, 40, 49, 160, 497, 1200, 2031] {
                for shift in 0..64 {
                    agree(key, reference, &bytes(12, 9), len, shift);
                }
            }
        }
    }
}

#[test]
fn long_frames_and_long_aad() {
    for isa in isas() {
        for (key, reference) in keys(isa).iter().zip(&Reference::pair()) {
            for len in [16_384, 65_537, 200_000, 1 << 20] {
                agree(key, reference, &bytes(12, 10), len, 1);
            }
            for aad_len in [65, 1008, 1023, 1024, 1025, 1040, 1041, 2048, 2064, 2065, 5000] {
                for len in [0, 40, 160, 1200] {
                    agree(key, reference, &bytes(aad_len, 11), len, 0);
                }
            }
        }
    }
}

/// A rejected frame that fits into registers is not stored; a longer one is wiped.
#[test]
fn every_flipped_bit_is_refused_and_nothing_comes_out() {
    for isa in isas() {
        for key in keys(isa) {
            for len in [0, 1, 40, 160, 496, 1200] {
                let (plain, aad) = (bytes(len, 3), bytes(20, 4));
                let mut sealed = plain.clone();
                let tag = seal(&key, &aad, &mut sealed);
                let refused = |aad: &[u8], data: &[u8], tag| {
                    let mut opened = data.to_vec();
                    assert_eq!(open(&key, aad, &mut opened, tag), Err(Unauthentic));
                    assert!(opened == data || opened.iter().all(|&byte| byte == 0), "{isa:?} {len}");
                    let mut restored = data.to_vec();
                    assert_eq!(open_or_restore(&key, aad, &mut restored, tag), Err(Unauthentic));
                    assert!(restored == data, "{isa:?} {len}");
                };
                for bit in 0..128 {
                    let mut forged = tag;
                    forged[bit / 8] ^= 1 << (bit % 8);
                    refused(&aad, &sealed, forged);
                }
                for bit in (0..8 * len).step_by(if len > 160 { 13 } else { 1 }) {
                    let mut forged = sealed.clone();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    refused(&aad, &forged, tag);
                }
                for bit in 0..8 * aad.len() {
                    let mut forged = aad.clone();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    refused(&forged, &sealed, tag);
                }
                refused(&aad[1..], &sealed, tag);
                if len > 0 {
                    refused(&aad, &sealed[..len - 1], tag);
                }
                open_or_restore(&key, &aad, &mut sealed, tag).unwrap();
                assert!(sealed == plain, "{isa:?} {len}");
            }
        }
    }
}

/// Data that begin directly after unreadable memory, and data that end directly before it: vectors
/// extend past a frame, masked out.
#[test]
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "protected pages")]
fn beyond_the_data_nothing_is_touched() {
    const PAGE: usize = 4096;
    // SAFETY: a fresh mapping of five pages, whose first and last are made inaccessible.
    let pages: &mut [u8] = unsafe {
        let (read_write, private) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let start = libc::mmap(core::ptr::null_mut(), 5 * PAGE, read_write, private, -1, 0);
        assert_ne!(start, libc::MAP_FAILED);
        let start = start.cast::<u8>();
        assert_eq!(libc::mprotect(start.cast(), PAGE, libc::PROT_NONE), 0);
        assert_eq!(libc::mprotect(start.add(4 * PAGE).cast(), PAGE, libc::PROT_NONE), 0);
        core::slice::from_raw_parts_mut(start.add(PAGE), 3 * PAGE)
    };
    for isa in isas() {
        for key in keys(isa) {
            for len in (0..700).chain([1200, 4095, 4096, 8192]) {
                for at in [0..len, pages.len() - len..pages.len()] {
                    // The AAD lies at the other end.
                    let aad_len = len % 33;
                    let (aad, data) = match at.start {
                        0 => {
                            let split = pages.len() - aad_len;
                            let (front, aad) = pages.split_at_mut(split);
                            (aad, &mut front[at])
                        }
                        start => {
                            let (front, data) = pages.split_at_mut(start);
                            (&mut front[..aad_len], data)
                        }
                    };
                    let tag = seal(&key, aad, data);
                    open(&key, aad, data, tag).unwrap();
                }
            }
        }
    }
}
