#![doc = include_str!("../../docs/livekit.md")]

mod config;
pub mod data;
pub mod frame_metadata;
pub mod injected;
mod key;
mod layout;
mod receiver;
mod sender;

pub use config::{Config, KeySize, Peer};
pub use key::Key;
pub use receiver::Receiver;
pub use sender::Sender;
