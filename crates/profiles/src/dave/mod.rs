#![doc = include_str!("../../docs/dave.md")]
//!
//! # Inside
//! ```text
//! MLS-Exporter ──► BaseSecret ──► HashRatchet, a generation each 2^24 frames ──► AES-128-GCM key
//!
//! media with its encrypted runs in place ‖ tag (8) ‖ nonce ‖ readable ranges ‖ length ‖ FA FA
//! ```
//!
//! The MLS group, its gateway and the transitions are the application's; it exports a secret for
//! each sender and epoch, with [`EXPORTER_LABEL`] and [`exporter_context`]. Our own goes into a
//! [`Sender`], each other one into that member's [`Receiver`].
//!
//! | module | noun |
//! |---|---|
//! | `config` | [`Config`]: backend, and which NAL units stay readable |
//! | `ratchet` | [`BaseSecret`], [`HashRatchet`] |
//! | `plan` | which bytes stay readable, by codec; [`ClearUnits`] |
//! | `trailer` | [`Trailer`], [`ClearRange`]: the public part of a frame |
//! | `send_key` | a sender's key and its usage: nonces, blocks |
//! | `layout` | runs of bytes, put together and taken apart |
//! | `sender` | [`Sender`] |
//! | `epoch` | a sender's keys in one epoch |
//! | `receiver` | [`Receiver`] |
//! | `codes` | [`epoch_code`], [`pairwise_fingerprint`]: for people to compare |

mod codes;
mod config;
mod epoch;
mod layout;
mod plan;
mod ratchet;
mod receiver;
mod send_key;
mod sender;
mod trailer;

pub use codes::{
    CodeError, FINGERPRINT_LEN, displayable_code, epoch_code, key_fingerprint, pairwise_code,
    pairwise_fingerprint,
};
pub use config::Config;
pub use plan::ClearUnits;
pub use ratchet::{BASE_SECRET_LEN, BaseSecret, EXPORTER_LABEL, HashRatchet, exporter_context};
pub use receiver::{Opened, Receiver};
pub use sender::Sender;
pub use trailer::{ClearRange, Trailer};
