//! libFuzzer's entry point to [`sealframe_fuzz::livekit_data`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealframe_fuzz::livekit_data(data));
