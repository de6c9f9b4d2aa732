//! Nothing is allocated for a frame, a key is wiped when it is dropped, and so are its words once
//! it has been expanded.
#![expect(clippy::unwrap_used, reason = "a test")]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use core::hint::black_box;

use sealframe_kernel::{Frame, Key, open_interleaved, seal_interleaved};
use sealframe_testkit::alloc::{self, CountingAllocator};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use sealframe_testkit::memory::{Secret, left_on_stack};

mod common;
use common::{NONCE, bytes, isas, keys, open, seal};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn nothing_is_allocated_for_a_frame() {
    let aad = bytes(70, 1);
    let mut data = vec![0; 200_000];
    let mut four = [[0; 100]; 4];
    for isa in isas() {
        for key in keys(isa) {
            let allocations = alloc::count(|| {
                for len in [0, 40, 160, 1200, 16_384, 200_000] {
                    let tag = seal(&key, &aad, &mut data[..len]);
                    open(&key, &aad[1..], &mut data[..len], tag).unwrap_err();
                    let tag = seal(&key, &aad, &mut data[..len]);
                    open(&key, &aad, &mut data[..len], tag).unwrap();
                }
                let frames = four.each_mut().map(|data| Frame::new(&key, NONCE, &aad, data));
                let tags = seal_interleaved(frames).map(Result::unwrap);
                let frames = four.each_mut().map(|data| Frame::new(&key, NONCE, &aad, data));
                let opened = open_interleaved(frames, tags);
                assert!(opened.iter().all(Result::is_ok));
            });
            assert_eq!(allocations, 0, "{isa:?}");
        }
    }
}

/// Bytes of a key except the public pointer to its vtable after them.
const SECRET_LEN: usize = if cfg!(target_arch = "wasm32") { size_of::<Key>() } else { (64 + 15) * 16 };

/// Bytes that may be left: nothing is ever written to the 12 of padding in the instruction set for
/// WebAssembly.
const LEFT: core::ops::RangeInclusive<usize> =
    if cfg!(target_arch = "wasm32") { 0..=12 } else { 0..=0 };

#[test]
#[expect(unsafe_code, reason = "reads what is about to be freed")]
fn a_dropped_key_is_wiped() {
    for isa in isas() {
        let key = core::mem::ManuallyDrop::new(keys(isa));
        let [key, _] = &*key;
        let start: *const Key = &raw const **key;
        let secret = || {
            // SAFETY: the box is not freed, only its contents are dropped, and they stay readable.
            let bytes = unsafe { core::slice::from_raw_parts(start.cast::<u8>(), SECRET_LEN) };
            bytes.iter().filter(|&&byte| byte != 0).count()
        };
        assert!(secret() > 600, "an expanded key has few zeros");
        // SAFETY: it is in a ManuallyDrop, so it is not dropped again.
        unsafe { start.cast_mut().drop_in_place() };
        assert!(LEFT.contains(&secret()), "{isa:?}");
    }
}

#[test]
fn keys_can_be_shared_and_say_nothing_of_themselves() {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Key>();
    let [key, _] = keys(isas()[0]);
    assert_eq!(format!("{key:?} {:?}", Frame::new(&key, NONCE, &[], &mut [])), "Key(..) Frame(..)");
}

/// Keys of FIPS 197, appendix A, and words that follow from them: the first four, the first four
/// that are not given, the last four.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const EXPANSIONS: [(&[u8], [u128; 3]); 2] = [
    (
        &0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes(),
        [
            0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c,
            0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605,
            0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6,
        ],
    ),
    (
        &[
            0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77,
            0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14,
            0xdf, 0xf4,
        ],
        [
            0x603d_eb10_15ca_71be_2b73_aef0_857d_7781,
            0x9ba3_5411_8e69_25af_a51a_8b5f_2067_fcde,
            0xfe48_90d1_e618_8d0b_046d_f344_706c_631e,
        ],
    ),
];

/// The words are on the stack while a key is expanded; the key itself is not. (An emulated program
/// cannot look at its own stack.)
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn an_expansion_leaves_no_words_of_the_key_on_the_stack() {
    for isa in isas() {
        for (key, words) in EXPANSIONS {
            for words in words {
                let watched = Secret::of(&words.to_be_bytes());
                let left = left_on_stack(&watched, || {
                    core::mem::forget(black_box(Key::with_isa(isa, key)));
                });
                assert_eq!(left, 0, "{isa:?} {words:x}");
            }
        }
    }
}
