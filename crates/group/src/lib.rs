//! Key management for the members of a call: a state machine without I/O that decides which
//! sessions are members and which of them hold which `base_key`.
//!
//! Each member draws its own key and delivers it, encrypted, to exactly the members of the call. A
//! newcomer receives the next ratchet step; when a member leaves, every other member draws a new
//! key. `PROTOCOL.md`, beside this crate's sources, is normative for every byte and every duration;
//! SECURITY.md states the promises and the attackers they hold against.
//!
//! ```text
//! relay ──► handle_message ─┐              ┌─► Output::Send ─► relay
//! clock ───────────► poll ──┼─► Group ─────┼─► Output::Keys ─► our media sender and receiver
//! people ─► admit, lock, … ─┘              └─► Output::Event ─► people
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `machine` | [`Group`]: reactions to messages, people's decisions and timeouts |
//! | `members` | members, sessions awaiting admission, away or departed, and moderators' orders |
//! | `keys` | our prekeys and base keys, and other members' base keys |
//! | `agreement` | comparison of what members see of the call |
//! | [`message`] | encoding and signatures |
//! | [`verification`] | codes and emoji that people compare, and the trust store |
//!
//! The crate has no notion of frames: the crate `sealframe` combines it with the media path as
//! `Call`.
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
