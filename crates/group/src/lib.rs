//! Who holds which `base_key` of a call, and who is who: a state machine without I/O.
//!
//! Each member draws a key of its own and gives it, encrypted, to exactly those who are in the call. Whoever joins is given
//! the next ratchet step; when somebody leaves, everybody draws a new key. `PROTOCOL.md`, beside this crate's sources, is
//! normative for every byte and every time; SECURITY.md says what is promised against whom.
//!
//! ```text
//! server ─► handle_message ─┐              ┌─► Output::Send ─► server
//! clock ───────────► poll ──┼─► Group ─────┼─► Output::{Ratchet, Rekey} ─► our media sender
//! people ─► admit, lock, … ─┘              ├─► Output::{Install, Forget, …} ─► our media receiver
//!                                          └─► Output::Event ─► people
//! ```
//!
//! [`Group`] is the machine, [`message`] its bytes, [`verification`] what people compare. It knows no frames: the crate
//! `sealframe` puts both together as a `Call`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod checks;
mod config;
mod disputes;
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
mod moment;
mod nonces;
mod output;
mod own_keys;
mod policy;
mod randomness;
mod roster;
mod state;
mod updates;
pub mod verification;
mod work;

pub use config::Config;
pub use error::GroupError;
pub use group::Group;
pub use identity::{EmptyUserId, Identity, IdentityKey, SessionId, UserId};
pub use kem::{Kem, KemError, KemSecret, wrap};
pub use message::{Head, MessageError, Reason, Role};
pub use output::{Admission, Applicant, Departure, Event, Output, Power, Recipient};
pub use policy::{OnDispute, Policy};
pub use rand_core;
pub use sealframe_crypto::WeakKey;
pub use state::{GroupState, MemberState};
