//! The modules that browsers load, as `cargo wasm` builds them: neither a key nor a frame's content
//! decides a branch or an address in them. Only verdicts do, such as that on a tag.
//!
//! Not covered: the output of a browser's compiler.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod frames;
mod group;
mod modules;
mod profiles;
