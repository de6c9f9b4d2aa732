//! The frame encryption that runs today: what Jitsi, LiveKit and Discord send, sealed and opened in place.
//!
//! An RFC 9605 call is better in every respect but one: the other clients of a running service do not speak it. These modules
//! do, so that a bot, a native client or a new web client takes part beside them, and so that a service moves one client
//! at a time.
//!
//! | module | speaks to |
//! |---|---|
//! | [`jitsi`] | lib-jitsi-meet |
//! | [`livekit`] | livekit-client, LiveKit's native cryptor, Element Call |
//! | [`dave`] | Discord's voice and video |
//!
//! Each has a `Sender` and a `Receiver` of the same shape as those of `sealframe-media`. What the formats share:
//!
//! | module | noun |
//! |---|---|
//! | `frame_info` | [`FrameInfo`]: what the application knows of a frame; some of it decides which bytes stay readable |
//! | `jframe` | the layout that Jitsi and LiveKit share: [`ReceiverPolicy`], [`Opened`] |
//! | `error` | [`SealError`], [`OpenError`], [`KeyError`] |
//! | `events` | [`SenderEvent`], [`ReceiverEvent`], [`ReceiverStats`] |
//!
//! # Why so
//! * We send what the peers send, byte for byte. We do not receive as they do: a candidate key of a ratchet is kept only
//!   after it has opened a frame, work for forged frames is bounded, and there is no way through for plaintext.
//! * Nonces are made in here, from a counter for each key and SSRC that never runs backwards; what would repeat is refused.
//! * A frame without bytes carries nothing. The peers pass it on unsealed; here it is refused, to
//!   be sealed ([`SealError::TooShort`]) and to be opened ([`OpenError::TooShort`]), whatever
//!   the codec, and changes and counts nothing. Drop it, and tell nobody.
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
