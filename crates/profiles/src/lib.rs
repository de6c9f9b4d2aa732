//! Deployed formats: seals and opens the frames of Jitsi, LiveKit and Discord in place.
//!
//! An RFC 9605 call is better in every respect but one: the other clients of a running service do
//! not speak it. These modules do, so that a bot, a native client or a new web client takes part
//! beside them, and so that a service moves one client at a time.
//!
//! | module | speaks to |
//! |---|---|
//! | [`jitsi`] | lib-jitsi-meet |
//! | [`livekit`] | livekit-client, LiveKit's native cryptor, Element Call |
//! | [`dave`] | Discord's voice and video |
//!
//! Each is made with a `Config` that names a backend and has a `Sender` and a `Receiver` shaped
//! like those of `sealframe-media`: `set_key`, `ratchet`, `seal_in_place`, `open_in_place`,
//! `poll_event`. DAVE's keys belong to epochs and ratchet by themselves, so a DAVE sender is made
//! with its key, and a receiver has `add_epoch`. What the formats share:
//!
//! | module | noun |
//! |---|---|
//! | `frame_info` | [`FrameInfo`]: the application's knowledge of a frame, such as its codec |
//! | `jframe` | the layout that Jitsi and LiveKit share: [`ReceiverPolicy`], [`Opened`] |
//! | `error` | [`SealError`], [`OpenError`], [`KeyError`] |
//! | `events` | [`SenderEvent`], [`ReceiverEvent`], [`ReceiverStats`] |
//!
//! # Why so
//! * We send the peers' frames, byte for byte. We do not receive like them: a candidate key of a
//!   ratchet is kept only after it has opened a frame, work for forged frames is bounded, and
//!   plaintext never passes.
//! * Nonces are made here, from a counter for each key and SSRC that never runs backwards; a
//!   repeated nonce is rejected.
//! * A frame without bytes carries nothing. The peers pass it on unsealed; here sealing it fails
//!   with [`SealError::TooShort`] and opening it with [`OpenError::TooShort`], for every codec, and
//!   nothing changes or counts. Drop it without a report.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "dave")]
pub mod dave;
mod error;
mod events;
mod frame_info;
#[cfg(any(feature = "jitsi", feature = "livekit"))]
mod jframe;
#[cfg(feature = "jitsi")]
pub mod jitsi;
#[cfg(feature = "livekit")]
pub mod livekit;

pub use error::{KeyError, OpenError, SealError};
pub use events::{ReceiverEvent, ReceiverStats, SenderEvent};
pub use frame_info::{FrameInfo, FrameType};
#[cfg(any(feature = "jitsi", feature = "livekit"))]
pub use jframe::{Opened, ReceiverPolicy, Replay};
pub use sealframe_codec::Codec;
pub use sealframe_crypto::Backend;
pub use sealframe_wire::FrameBuf;
