//! Who holds which `base_key` of a call, and who is who: a state machine without I/O.
//!
//! The protocol is in `PROTOCOL.md`, beside this crate's sources.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod checks;
mod encoding;
mod error;
mod group;
mod hash;
mod identity;
mod incoming;
mod kem;
mod lock;
mod member;
pub mod message;
mod nonces;
mod output;
mod own_keys;
mod policy;
mod state;
pub mod verification;
mod work;

pub use error::GroupError;
pub use group::{Config, Group};
pub use identity::{Identity, IdentityKey, SessionId, UserId};
pub use kem::{Kem, KemError, KemSecret, wrap};
pub use message::{Head, MessageError, Reason, Role};
pub use output::{Admission, Applicant, Departure, Event, Output, Power, Recipient};
pub use policy::{OnDispute, Policy};
pub use rand_core;
pub use state::{GroupState, MemberState};
