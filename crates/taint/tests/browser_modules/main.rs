//! The very modules that browsers load, as `cargo wasm` makes them: neither a key nor what is in a frame decides a branch or an
//! address in them. Verdicts do, such as that on a tag, and nothing else.
//!
//! Not in here: what a browser's compiler makes of them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod frames;
mod group;
mod modules;
mod profiles;
