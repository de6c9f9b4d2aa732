//! libFuzzer's entry point to [`sealframe_fuzz::group_message`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::group_message(data));
