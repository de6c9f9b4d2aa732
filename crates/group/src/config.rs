//! Who a member is, in which call, and how.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;

use crate::{Kem, Policy, Power, Role};

/// Who we are, in which call, and how.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by applications")]
pub struct Config {
    /// What the application calls the call; the same for all members.
    pub group_id: Vec<u8>,
    /// How base keys are encrypted; the same for all members.
    pub kem: Kem,
    /// How frames are sealed; the same for all members.
    pub suite: CipherSuite,
    /// Our number in KIDs: no other session of the call has had it.
    pub sender: u16,
    /// What we are there for; everybody sees it.
    pub role: Role,
    /// Whether the others let us lock, unlock and remove.
    pub power: Power,
    /// What the others judge us by.
    pub credential: Vec<u8>,
    /// Calendar time, in seconds, at which the times that are passed in begin: to tell when people were seen.
    pub started_at: u64,
    /// Times and bounds.
    pub policy: Policy,
}
