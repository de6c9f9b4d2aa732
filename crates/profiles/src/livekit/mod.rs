#![doc = include_str!("../../docs/livekit.md")]

pub mod data;
pub mod frame_metadata;
pub mod injected;
mod key;
mod options;
mod receiver;
mod sender;
mod shape;

pub use key::Key;
pub use options::{KeySize, Options, Peer};
pub use receiver::Receiver;
pub use sender::Sender;
