//! Other systems' formats for browsers: the interface for drop-in workers.
//!
//! A frame takes one call. JavaScript copies it into the [`Region`] in linear memory and calls
//! `seal` or `open` of one of the classes below, which work in place. Both return the offset of the
//! result, or a negative error code for [`error_name`]; the region's words hold the length of the
//! result. Only a frame longer than the reserved space takes a second call, [`Region::reserve`].
//!
//! It is a separate module, so that pages with sealframe's own calls do not load it. Each format is
//! a feature, as a drop-in worker needs only one.
#![forbid(unsafe_code)]

#[cfg(feature = "dave")]
mod dave;
mod error_code;
#[cfg(feature = "jitsi")]
mod jitsi;
mod label;
#[cfg(feature = "livekit")]
mod livekit;
mod region;

use sealframe_profiles::Backend;
use wasm_bindgen::prelude::*;

use error_code::ErrorCode;

#[cfg(feature = "dave")]
pub use dave::{DaveGeneration, DaveOpener, DaveSealer, code as dave_code, pairwise_fingerprint};
#[cfg(feature = "jitsi")]
pub use jitsi::JitsiCryptor;
#[cfg(feature = "livekit")]
pub use livekit::LiveKitCryptor;
pub use region::Region;

/// The AEAD backend. A build for vector instructions uses our own kernel.
#[cfg(target_feature = "simd128")]
const BACKEND: Backend = Backend::Kernel;
#[cfg(not(target_feature = "simd128"))]
const BACKEND: Backend = Backend::Portable;

/// The name of a negative result.
#[wasm_bindgen(js_name = errorName)]
#[must_use]
pub fn error_name(result: isize) -> String {
    ErrorCode::from_result(result).map_or_else(|| "Unknown".into(), String::from)
}

#[cfg(any(feature = "jitsi", feature = "livekit"))]
fn random<const N: usize>() -> Result<[u8; N], ErrorCode> {
    const { assert!(N <= 32, "no more is drawn") };
    // Draw more than is needed, because a few bytes may be zeros by chance.
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|_| ErrorCode::NoRandomness)?;
    // A broken generator, or a page's replacement of the browser's.
    if drawn == [0; 32] {
        return Err(ErrorCode::NoRandomness);
    }
    let mut bytes = [0; N];
    bytes.copy_from_slice(&drawn[..N]);
    Ok(bytes)
}
