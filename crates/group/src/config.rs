//! Who a member is, in which call, and how.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;

use crate::{Kem, Permission, Policy, Role};

/// Who we are, in which call, and how.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by applications")]
pub struct Config {
    /// What the application calls the call; the same for all members.
    pub group_id: Vec<u8>,
    /// How base keys are encrypted; the same for all members.
    pub kem: Kem,
    /// How frames are sealed; the same for all members.
    pub suite: CipherSuite,
    /// What the relay calls us: where messages for us go. At most 255 bytes; everybody sees it.
    pub address: Vec<u8>,
    /// What we take part as; everybody sees it.
    pub role: Role,
    /// Whether the others let us lock, unlock and remove.
    pub permission: Permission,
    /// What the others judge us by. It must name or sign our identity: everybody receives it, and could show it.
    pub credential: Vec<u8>,
    /// Whether we send frames, or only listen. See [`Group::set_sending`](crate::Group::set_sending).
    pub sends: bool,
    /// Calendar time, in seconds since 1970, at which the times that are passed in begin.
    pub started_at: u64,
    /// Times and bounds.
    pub policy: Policy,
}
