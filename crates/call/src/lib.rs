//! sealframe: end-to-end encryption for video conferences. A conference server forwards media that it
//! cannot read.
//!
//! This crate is the paved path. It puts the layers together and re-exports them:
//!
//! | layer | what it is for |
//! |---|---|
//! | [`wire`] | the SFrame header and KID fields, without any key: all that a server needs |
//! | [`crypto`] | cipher suites, key schedule, AEAD |
//! | [`media`] | [`Sender`] and [`Receiver`]: frames in place, ratchet, replay protection |
//! | this crate | [`SharedSecretCall`]: members of a call that share one secret |
//!
//! ```
//! use sealframe::{CallSecret, CipherSuite, SharedSecretCall, Stream, StreamKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let random = |seed: u8| [seed; 32]; // an application asks its operating system
//! let suite = CipherSuite::Aes128GcmSha256_128;
//! let secret = CallSecret::from_bytes(&random(1))?; // from a link, after the '#'
//! let mut alice = SharedSecretCall::new(suite, &secret, 1, random(2))?;
//! let mut bob = SharedSecretCall::new(suite, &secret, 2, random(3))?;
//!
//! // A server relays announcements; it cannot read them.
//! bob.add_member(1, &alice.announcement(random(4)))?;
//!
//! let camera = Stream::new(StreamKind::Camera, 0);
//! let mut frame = alice.seal_to_vec(b"a frame of Alice's camera", camera)?;
//! let opened = bob.open_in_place(1, &mut frame, camera)?;
//! assert_eq!(opened.frame, b"a frame of Alice's camera");
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod announcement;
#[cfg(feature = "group")]
mod call;
mod frames;
#[cfg(feature = "group")]
mod parking;
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
pub use frames::{Failed, FrameError, Frames, MemberFrames};
#[cfg(feature = "group")]
pub use parking::Parked;
pub use shared_secret::{CallError, CallSecret, SharedSecretCall};
#[cfg(feature = "group")]
pub use state::{CallState, Participant};

pub use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite, SuiteError};
#[cfg(feature = "elsewhere")]
pub use sealframe_media::{Elsewhere, FRONT_LEN};
pub use sealframe_media::{
    FrameBuf, KeyError, KeyPolicy, KeyUsage, KidLayout, Metadata, OpenError, Opened, Receiver,
    SealError, Sender, SenderEvent, Stream, StreamKind,
};
pub use sealframe_wire::{
    Ctr, FrameView, Header, HeaderError, Kid, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout,
};
