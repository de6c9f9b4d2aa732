//! libFuzzer's entry point to [`sealframe_fuzz::replay_order`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::replay_order(data));
