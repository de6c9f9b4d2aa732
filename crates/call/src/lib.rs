//! sealframe: end-to-end encryption for video conferences. A conference server forwards media that
//! it cannot read.
//!
//! This crate is the recommended API. It combines the layers and re-exports them:
//!
//! | layer | what it is for |
//! |---|---|
//! | [`wire`] | the SFrame header and KID fields, without any key: all that a server needs |
//! | [`crypto`] | cipher suites, key schedule, AEAD |
//! | [`media`] | [`Sender`] and [`Receiver`]: frames in place, ratchet, replay protection |
//! | `group` | exchanges keys and verifies members: a state machine without I/O |
//! | this crate | the types below |
//!
//! | type | purpose |
//! |---|---|
//! | `Call` | a call whose members exchange keys |
//! | [`SharedSecretCall`] | a call whose members share one secret |
//! | [`Frames`] | frames with keys from outside |
//! | `CallControl`, [`Sealer`], [`Opener`] | a call in parts, one per thread |
//!
//! Two members of a call, and a relay that forwards what it cannot read:
//!
#![cfg_attr(feature = "group", doc = "```")]
#![cfg_attr(not(feature = "group"), doc = "```ignore")]
//! use core::time::Duration;
//! use sealframe::group::{
//!     Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Role, UserId,
//!     verification::TrustStore,
//! };
//! use sealframe::{Action, Backend, Call, CipherSuite, Stream, StreamKind, Time};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut rng = sealframe_testkit::random::Random::new(1); // use the operating system's
//! # let rng = &mut rng;
//! let mut now = Time::START; // any clock that does not go back
//! let mut join = |name: &str| {
//!     let config = Config {
//!         group_id: b"the call's name".to_vec(),
//!         kem: Kem::X25519, // or Kem::XWing
//!         suite: CipherSuite::Aes128GcmSha256_128,
//!         address: name.as_bytes().to_vec(), // our address at the relay
//!         role: Role::Participant,
//!         permission: Permission::None,
//!         // A token or certificate by which others judge us. It must name or sign the identity.
//!         credential: name.as_bytes().to_vec(),
//!         sends: true,
//!         started_at: 1_800_000_000,
//!         policy: Policy::default(),
//!     };
//!     let identity = IdentityKey::generate(rng).expect("randomness");
//!     Call::join(config, Backend::recommended(), identity, TrustStore::new(), now, rng)
//! };
//! let mut calls = [join("Alice")?, join("Bob")?];
//!
//! // A client does this whenever a message arrives or the time of `Timeout` has come.
//! # for _ in 0..4 {
//! for us in 0..2 {
//!     loop {
//!         match calls[us].poll(now, rng) {
//!             Action::Send { message, .. } => {
//!                 calls[1 - us].handle_message(&message, now).unwrap_or_default();
//!             }
//!             Action::Event(Event::JoinRequested(request)) => {
//!                 // If the credential is valid and names the identity: see sealframe-credentials.
//!                 let user = UserId::new(request.credential)?;
//!                 let admission = Admission { user, permission: Permission::None };
//!                 calls[us].members().admit(request.session, admission, now)?;
//!             }
//!             Action::Event(_) => {} // shown to people
//!             Action::Timeout(_) => break,
//!         }
//!     }
//! }
//! # now += Duration::from_secs(2);
//! # }
//!
//! let [alice, bob] = &mut calls;
//! let camera = Stream::new(StreamKind::Camera, 0);
//! let mut frame = alice.seal_to_vec(b"a frame of Alice's camera", camera)?;
//! let from = alice.group().member_id();
//! assert_eq!(bob.open_in_place(from, &mut frame, camera)?.frame, b"a frame of Alice's camera");
//! assert_eq!(alice.call_code(), bob.call_code()); // sixty digits that people compare
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod announcement;
#[cfg(feature = "group")]
mod call;
#[cfg(feature = "group")]
mod control;
mod frames;
#[cfg(feature = "group")]
mod handles;
mod layout;
mod opener;
#[cfg(feature = "group")]
mod parking;
mod sealer;
mod secret;
mod shared_secret;
#[cfg(feature = "group")]
mod state;

pub use sealframe_crypto as crypto;
#[cfg(feature = "group")]
pub use sealframe_group as group;
pub use sealframe_media as media;
pub use sealframe_wire as wire;

pub use announcement::AnnouncementError;
#[cfg(feature = "group")]
pub use call::{Action, Call};
#[cfg(feature = "group")]
pub use control::{CallControl, ControlAction};
pub use frames::Frames;
#[cfg(feature = "group")]
pub use group::Time;
#[cfg(feature = "group")]
pub use handles::{Members, Verification};
pub use opener::{Failed, FrameError, MemberFrames, Opener};
#[cfg(feature = "group")]
pub use parking::Parked;
pub use sealer::Sealer;
pub use secret::SharedSecret;
pub use shared_secret::{SharedSecretCall, SharedSecretError};
#[cfg(feature = "group")]
pub use state::{CallState, Participant};

pub use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite, SuiteError, WeakKey};
#[cfg(feature = "external-aead")]
pub use sealframe_media::ExternalAead;
pub use sealframe_media::{
    FrameBuf, KeyError, KeyPolicy, KeyUsage, KidLayout, Metadata, OpenError, Opened, Receiver,
    SealError, Sender, SenderEvent, Stream, StreamKind,
};
pub use sealframe_wire::{
    Ctr, FrameView, Header, HeaderError, Kid, MemberId, MlsKid, MlsLayout, SenderKeyKid,
    SenderKeyLayout,
};
