//! The configuration of a member.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;

use crate::{Kem, Permission, Policy, Role};

/// The configuration of our member in one call.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "applications construct it")]
pub struct Config {
    /// The application's name for the call; the same for all members.
    pub group_id: Vec<u8>,
    /// The KEM that base keys are encrypted with; the same for all members.
    pub kem: Kem,
    /// The media suite that frames are sealed with; the same for all members.
    pub suite: CipherSuite,
    /// Our address at the relay: where messages for us go. At most 255 bytes; visible to all.
    pub address: Vec<u8>,
    /// The role that we take part in; visible to all.
    pub role: Role,
    /// Whether the other members let us lock, unlock and remove.
    pub permission: Permission,
    /// The credential by which the other members decide on our admission. It must name or sign our
    /// identity, because everyone receives it and could present it. At most 4,096 bytes.
    pub credential: Vec<u8>,
    /// Whether we send frames or only listen. See
    /// [`Group::set_sending`](crate::Group::set_sending).
    pub sends: bool,
    /// Calendar time of the clock's start ([`Time::START`](crate::Time::START)), in seconds since
    /// 1970.
    pub started_at: u64,
    /// Times and bounds.
    pub policy: Policy,
}
