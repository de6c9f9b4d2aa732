//! libFuzzer's entry point to [`sealframe_fuzz::open`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::open(data));
