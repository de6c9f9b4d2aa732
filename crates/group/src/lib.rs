//! Who holds which `base_key` of a call, and who is who: a state machine without I/O.
//!
//! Each member draws a key of its own and gives it, encrypted, to exactly those who are in the call. Whoever joins is given
//! the next ratchet step; when somebody leaves, everybody draws a new key. `PROTOCOL.md`, beside this crate's sources, is
//! normative for every byte and every time; SECURITY.md says what is promised against whom.
//!
//! ```text
//! relay ──► handle_message ─┐              ┌─► Output::Send ─► relay
//! clock ───────────► poll ──┼─► Group ─────┼─► Output::Keys ─► our media sender and receiver
//! people ─► admit, lock, … ─┘              └─► Output::Event ─► people
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `machine` | [`Group`]: what happens when a message comes in, a person decides, or a time is reached |
//! | `members` | members, sessions that are judged, away or have ended, and the orders of moderators |
//! | `keys` | our prekeys and base keys, and the base keys of others |
//! | `agreement` | whether members see the same call |
//! | [`message`] | the bytes |
//! | [`verification`] | what people compare |
//!
//! It knows no frames: the crate `sealframe` puts both together as a `Call`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod agreement;
mod bucket;
mod clock;
mod config;
mod context;
mod encoding;
mod error;
mod hash;
mod identity;
mod keys;
mod machine;
mod members;
pub mod message;
mod output;
mod policy;
mod randomness;
mod sorted;
mod sparse;
pub mod verification;

pub use clock::Time;
pub use config::Config;
pub use error::GroupError;
pub use identity::{EmptyUserId, Identity, IdentityKey, SessionId, UserId};
pub use keys::kem::{Kem, KemError, KemSecret, wrap};
pub use machine::{
    Group,
    state::{GroupState, MemberState},
};
pub use message::{Head, MessageError, Reason, RefusalReason, Role};
pub use output::{
    Admission, EndReason, Event, JoinRequest, KeyChange, KeyId, LeaveReason, OpenChange, Output,
    Permission, Recipient, SealChange,
};
pub use policy::{OnMismatch, Policy, PolicyError};
pub use rand_core;
pub use sealframe_crypto::WeakKey;
pub use sealframe_wire::MemberId;
