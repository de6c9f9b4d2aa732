//! Nothing is allocated for a frame, and a key is wiped when it is dropped.
#![expect(clippy::unwrap_used, reason = "a test")]

use sealframe_kernel::{Frame, Key, open_together, seal_together};
use sealframe_testkit::alloc::{self, CountingAllocator};

mod common;
use common::{NONCE, bytes, forms, keys, open, seal};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn nothing_is_allocated_for_a_frame() {
    let aad = bytes(70, 1);
    let mut data = vec![0; 200_000];
    let mut four = [[0; 100]; 4];
    for form in forms() {
        for key in keys(form) {
            let allocations = alloc::count(|| {
                for len in [0, 40, 160, 1200, 16_384, 200_000] {
                    let tag = seal(&key, &aad, &mut data[..len]);
                    open(&key, &aad[1..], &mut data[..len], tag).unwrap_err();
                    let tag = seal(&key, &aad, &mut data[..len]);
                    open(&key, &aad, &mut data[..len], tag).unwrap();
                }
                let frames = four.each_mut().map(|data| Frame::new(&key, NONCE, &aad, data));
                let tags = seal_together(frames).map(Result::unwrap);
                let frames = four.each_mut().map(|data| Frame::new(&key, NONCE, &aad, data));
                let opened = open_together(frames, tags);
                assert!(opened.iter().all(Result::is_ok));
            });
            assert_eq!(allocations, 0, "{form:?}");
        }
    }
}

/// Bytes of a key but for what is no secret and lies behind: which functions it is for.
const SECRET_LEN: usize = if cfg!(target_arch = "wasm32") { size_of::<Key>() } else { (64 + 15) * 16 };

/// Bytes that may be left: nothing is ever written to the 12 of padding in the form for WebAssembly.
const LEFT: core::ops::RangeInclusive<usize> =
    if cfg!(target_arch = "wasm32") { 0..=12 } else { 0..=0 };

#[test]
#[expect(unsafe_code, reason = "reads what is about to be freed")]
fn a_dropped_key_is_wiped() {
    for form in forms() {
        let key = core::mem::ManuallyDrop::new(keys(form));
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
        assert!(LEFT.contains(&secret()), "{form:?}");
    }
}

#[test]
fn keys_can_be_shared_and_say_nothing_of_themselves() {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Key>();
    let [key, _] = keys(forms()[0]);
    assert_eq!(format!("{key:?} {:?}", Frame::new(&key, NONCE, &[], &mut [])), "Key(..) Frame(..)");
}
