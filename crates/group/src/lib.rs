//! Who holds which `base_key` of a call, and who is who: a state machine without I/O.
//!
//! The protocol is in `PROTOCOL.md`, beside this crate's sources.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod encoding;
mod hash;
mod identity;
mod kem;
pub mod message;
pub mod verification;

pub use identity::{Identity, IdentityKey, SessionId, UserId};
pub use kem::{Kem, KemError, KemSecret, wrap};
pub use message::{MessageError, Role};
