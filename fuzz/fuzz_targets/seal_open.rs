//! libFuzzer's entry point to [`sealframe_fuzz::seal_open`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::seal_open(data));
