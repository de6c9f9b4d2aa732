//! SFrame (RFC 9605) frame encryption, in place.
//!
//! A [`Sender`] owns one KID's counter and seals; a [`Receiver`] holds the keys of many KIDs and
//! opens. The two walks line up:
//!
//! ```text
//! Sender::seal_in_place                      Receiver::open_in_place
//! 1 limit    blocks below KeyLimits          1 header   recognised, or Header::parse
//! 2 header   counted up since the last       2 key      KeyStore::select   derives, stores nothing
//! 3 aad      header ‖ metadata               3 replay   ReplayWindow::check           only reads
//! 4 nonce    sframe_salt XOR CTR             4 aad      header ‖ metadata
//! 5 AEAD     FrameKey::encrypt               5 AEAD     FrameKey::decrypt   the one point of trust
//! 6 count    CTR + 1, blocks                 6 commit   ReplayWindow::mark, KeyStore::adopt
//! ```
//!
//! ```text
//! before  ┌ headroom ≥ 17 ──────────────┬ prefix ┬ payload ────┬ tailroom ≥ 16 ┐
//! after   └ … ┌ prefix ┬ header 1..=17 ─┴────────┼ ciphertext ─┼ tag 4..=16 ┐ … ┘
//!                                                └ never moves ┘
//! ```
//!
//! | module | noun |
//! |---|---|
//! | `stream` | [`Stream`]: the kind of a frame; authenticated |
//! | `metadata` | [`Metadata`]: everything authenticated beside the header |
//! | `aad` | header and metadata, in the RFC's order |
//! | `seal`, `open` | the pseudocode of §4.4.3 and §4.4.4, byte for byte |
//! | `sender` | [`Sender`]: counter, limits, ratchet, rekey |
//! | `receiver` | [`Receiver`]: the six steps |
//! | `batch` | many frames of many senders in one call: [`seal_batch`], [`open_batch`] |
//! | `external_aead` | `ExternalAead`: the caller runs AES-GCM; feature `external-aead` |
//! | `policy` | [`KidLayout`], [`KeyPolicy`]: how far a receiver follows a ratchet |
//! | `key_store` | select, and adopt only after opening; the receiver's ratchet |
//! | `error` | [`SealError`], [`OpenError`], [`KeyError`] |
//!
//! [`FrameBuf`] and [`ReplayWindow`] are `sealframe-wire`'s: other formats use them too.
//!
//! # Why so
//! * *Select, open, commit.* Until the tag has been checked, every byte is a stranger's: it may
//!   choose a key, it may cost bounded work, it may not change state. So selecting takes `&self`,
//!   and a forged ratchet step is derived, tried and thrown away.
//! * One KID, one key: there is no trial decryption, because AES-GCM does not commit to its key.
//! * The kind of a frame (camera, microphone, screen; which one) is authenticated unless the caller
//!   opts out by name, so no server can play one stream as another. The SSRC is not part of it,
//!   because servers rewrite it.
//! * A counter cannot run backwards: a [`Sender`] is not `Clone`, has no setter, and moves to a new
//!   key only together with a new KID. A forked child cannot use its parent's either: see
//!   [`Sender`].
//! * A member that makes keys without end uses up only its own share of a receiver's:
//!   [`KeyPolicy::max_keys_each`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod aad;
mod batch;
mod error;
#[cfg(feature = "external-aead")]
mod external_aead;
mod key_store;
mod metadata;
mod open;
mod policy;
mod receiver;
mod seal;
mod sender;
mod stream;

pub use batch::{ToOpen, ToSeal, open_batch, seal_batch};
pub use error::{KeyError, OpenError, SealError};
#[cfg(feature = "external-aead")]
pub use external_aead::ExternalAead;
pub use metadata::Metadata;
pub use policy::{KeyPolicy, KidLayout};
pub use receiver::{Opened, Receiver};
pub use sealframe_wire::{FrameBuf, REPLAY_WINDOW, ReplayWindow};
pub use sender::{KeyUsage, Sender, SenderEvent};
pub use stream::{Stream, StreamKind};
