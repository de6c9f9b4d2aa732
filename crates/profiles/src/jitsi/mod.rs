#![doc = include_str!("../../docs/jitsi.md")]

mod config;
mod key;
mod receiver;
mod sender;

pub use config::Config;
pub use key::Key;
pub use receiver::Receiver;
pub use sender::Sender;

use crate::{FrameInfo, FrameType, jframe::Layout};

/// Keys that are held at once.
pub const RING_SIZE: u16 = 16;
/// Ratchet steps that a receiver follows at most.
pub const MAX_RATCHET_WINDOW: u8 = 8;

/// By the type of the frame alone, for every codec.
///
/// Source: jitsi/lib-jitsi-meet, modules/e2ee/Context.ts.
const fn layout(info: &FrameInfo) -> Layout {
    Layout::plain(match info.frame_type {
        FrameType::Audio => 1,
        FrameType::Key => 10,
        FrameType::Delta | FrameType::Empty => 3,
    })
}
