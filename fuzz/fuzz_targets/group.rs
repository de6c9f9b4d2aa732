//! libFuzzer's entry point to [`sealframe_fuzz::group`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::group(data));
