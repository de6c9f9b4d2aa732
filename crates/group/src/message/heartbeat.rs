//! The message that says how a member sees the call.

use alloc::vec::Vec;

use super::{MessageError, Reader};
use crate::{Identity, SessionId, hash::hash};

/// The speaker is alive, and sees the call like this (PROTOCOL.md §2.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Heartbeat {
    /// Counts the speaker's heartbeats, from 1.
    pub seq: u64,
    /// The newest generation that it has begun.
    pub newest: u64,
    /// The hash of the update that began it.
    pub update_hash: [u8; 32],
    /// The generation that it seals with.
    pub generation: u64,
    /// The ratchet step that it seals with.
    pub step: u32,
    /// Frames that it has sealed with that key.
    pub frames: u64,
    /// Who is in the call.
    pub roster_hash: [u8; 32],
    /// The newest generation of everybody.
    pub view_hash: [u8; 32],
    /// The highest counter of a lock or unlock.
    pub control: u64,
    /// Whether the call is locked.
    pub locked: bool,
    /// Which nonce the next one is.
    pub nonce_number: u8,
    /// Its present freshness nonce.
    pub nonce: [u8; 24],
}

impl Heartbeat {
    /// `roster_hash` of members given as session, identity and announce_hash, in any order.
    #[must_use]
    pub fn roster_hash(members: &[(SessionId, Identity, [u8; 32])]) -> [u8; 32] {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by_key(|(session, ..)| *session);
        let parts = sorted
            .iter()
            .flat_map(|(session, identity, announce)| [&session.0[..], &identity.0, announce]);
        hash("roster", &parts.collect::<Vec<_>>())
    }

    /// `view_hash` of members given as session, newest generation and update_hash, in any order.
    #[must_use]
    pub fn view_hash(members: &[(SessionId, u64, [u8; 32])]) -> [u8; 32] {
        let mut sorted = members.to_vec();
        sorted.sort_by_key(|(session, ..)| *session);
        let mut bytes = Vec::with_capacity(56 * sorted.len());
        for (session, newest, hash) in sorted {
            bytes.extend(session.0);
            bytes.extend(newest.to_be_bytes());
            bytes.extend(hash);
        }
        hash("view", &[&bytes])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.seq.to_be_bytes());
        out.extend(self.newest.to_be_bytes());
        out.extend(self.update_hash);
        out.extend(self.generation.to_be_bytes());
        out.extend(self.step.to_be_bytes());
        out.extend(self.frames.to_be_bytes());
        out.extend(self.roster_hash);
        out.extend(self.view_hash);
        out.extend(self.control.to_be_bytes());
        out.push(self.locked.into());
        out.push(self.nonce_number);
        out.extend(self.nonce);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let heartbeat = Self {
            seq: reader.u64()?,
            newest: reader.u64()?,
            update_hash: reader.array()?,
            generation: reader.u64()?,
            step: reader.u32()?,
            frames: reader.u64()?,
            roster_hash: reader.array()?,
            view_hash: reader.array()?,
            control: reader.u64()?,
            locked: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(MessageError::Malformed),
            },
            nonce_number: reader.u8()?,
            nonce: reader.array()?,
        };
        let fits = heartbeat.seq > 0
            && heartbeat.generation < 1 << 40
            && heartbeat.newest < 1 << 40
            && heartbeat.step < 256;
        if fits { Ok(heartbeat) } else { Err(MessageError::Malformed) }
    }
}
