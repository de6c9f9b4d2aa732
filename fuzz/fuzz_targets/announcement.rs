//! libFuzzer's entry point to [`sealframe_fuzz::announcement`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::announcement(data));
