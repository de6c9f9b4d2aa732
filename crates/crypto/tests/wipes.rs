//! Expanded keys are gone from memory once their owner is dropped, whichever library allocated
//! them. Reads the process's own memory, so Linux. `wipes_in_place.rs` looks at secrets with a
//! known address.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use core::hint::black_box;
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
};

use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite, FrameKey};
use sealframe_testkit::rfc9605::{self, FrameVector};
use sealframe_wire::Kid;
use sha2::{
    block_api::{Sha256VarCore, Sha512VarCore},
    digest::{
        block_api::{Block, VariableOutputCore},
        common::hazmat::SerializableState,
    },
};

/// How often `needle` lies in writable memory, stacks aside. It is given XOR 0xa5 and memory is
/// compared in the same disguise, in one buffer that is cleared again, so that the search does not
/// find itself.
fn on_the_heap(masked_needle: &[u8]) -> usize {
    const CHUNK: usize = 1 << 20;
    let mut chunk = vec![0; CHUNK];
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    // Test threads have their stacks in anonymous mappings of 2 MiB, main's is named.
    for line in maps.lines().filter(|line| line.contains(" rw-p ") && !line.contains("[stack]")) {
        let (start, end) = line.split_whitespace().next().unwrap().split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        let here = (&raw const at).addr() as u64;
        if (at..end).contains(&here) {
            continue;
        }
        while at < end {
            let len = CHUNK.min((end - at) as usize);
            memory.seek(SeekFrom::Start(at)).unwrap();
            if memory.read_exact(&mut chunk[..len]).is_err() {
                break;
            }
            chunk[..len].iter_mut().for_each(|byte| *byte ^= 0xa5);
            let found = chunk[..len].windows(masked_needle.len());
            count += found.filter(|&at| at == masked_needle).count();
            chunk.fill(0);
            // Neighbouring chunks overlap by all of a needle but one byte.
            at += if len < CHUNK { len } else { len + 1 - masked_needle.len() } as u64;
        }
    }
    count
}

fn masked(secret: &[u8]) -> Vec<u8> {
    secret.iter().map(|byte| byte ^ 0xa5).collect()
}

/// One test: two at once would find each other's copies of memory.
#[test]
fn secrets_are_wiped_when_dropped() {
    // The first search's buffer is mapped for itself, those that follow lie on the heap: all shall
    // be alike.
    on_the_heap(&[0; 32]);
    for vector in rfc9605::frames() {
        frame_keys_are_wiped(&vector);
    }
}

fn frame_keys_are_wiped(vector: &FrameVector) {
    let suite = CipherSuite::from_id_allowing_short_tags(vector.cipher_suite).unwrap();
    // AES's first round key is the first 16 bytes of the key: with hardware AES all libraries keep
    // the round keys in this form.
    for backend in Backend::available() {
        is_wiped(vector, Cipher::new(suite, backend), &masked(&vector.sframe_key[..16]));
    }
    for pad in [0x36, 0x5c] {
        let state = match vector.sframe_key.len() {
            48 => hmac_state::<Sha256VarCore>(&vector.sframe_key[16..], pad),
            96 => hmac_state::<Sha512VarCore>(&vector.sframe_key[32..], pad),
            _ => return,
        };
        is_wiped(vector, Cipher::recommended(suite), &masked(&state));
    }
}

/// What HMAC's inner or outer hash is in memory after its block of key. The key is as long as the
/// hash.
fn hmac_state<H: VariableOutputCore + SerializableState>(key: &[u8], pad: u8) -> Vec<u8> {
    let mut block = Block::<H>::default();
    block.fill(pad);
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let mut hash = H::new(key.len()).unwrap();
    hash.update_blocks(&[block]);
    hash.serialize()[..key.len()].to_vec()
}

fn is_wiped(vector: &FrameVector, cipher: Cipher, needle: &[u8]) {
    let base_key = BaseKey::from_bytes_allowing_128_bits(cipher.suite, &vector.base_key).unwrap();
    let before = on_the_heap(needle);
    let key = FrameKey::derive(cipher.backend, Kid::new(vector.kid), &base_key);
    let during = on_the_heap(needle);
    drop(black_box(key));
    assert_eq!(on_the_heap(needle), before, "{cipher:?}");
    assert!(during > before, "the search finds a living key");
}
