#![doc = include_str!("../../docs/livekit.md")]

pub mod data;
pub mod frame_metadata;
pub mod injected;
mod key;
mod layout;
mod options;
mod receiver;
mod sender;

pub use key::Key;
pub use options::{KeySize, Options, Peer};
pub use receiver::Receiver;
pub use sender::Sender;
