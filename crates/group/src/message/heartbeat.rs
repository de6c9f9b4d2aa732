//! The messages by which members show presence and compare what they see: heartbeat and roster.

use alloc::vec::Vec;

use super::error::MessageError;
use crate::{
    SessionId,
    encoding::{Reader, Write as _},
    hash::hash,
    sorted::sorted_by,
};

/// Shows that the sender is present, and its view of the call (PROTOCOL.md §2.5).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Heartbeat {
    /// Counts the session's heartbeats, from 1.
    pub seq: u32,
    /// Whether the call is locked.
    pub is_locked: bool,
    /// Whether the member sends frames or is about to.
    pub sends: bool,
    /// Whether the recipient should answer with a heartbeat.
    pub wants_answer: bool,
    /// The generation that the member seals with.
    pub generation: u32,
    /// The ratchet step that the member seals with.
    pub step: u8,
    /// Number of frames sealed with that key.
    pub frames: u32,
    /// The newest generation that the member has begun.
    pub newest: u32,
    /// header_hash of the update that began `newest`.
    pub update_hash: [u8; 32],
    /// Hash of the members of the call.
    pub roster_hash: [u8; 32],
    /// Hash of the newest generation of every member.
    pub view_hash: [u8; 32],
    /// Hash of the orders in force.
    pub orders_hash: [u8; 32],
    /// The highest order counter that the member has seen.
    pub counter: u32,
    /// The heartbeat that the member received last.
    pub witness: Witness,
    /// The number of the newest prekey.
    pub prekey_number: u16,
    /// The newest public prekey; empty if an earlier message carried it.
    pub prekey: Vec<u8>,
}

/// Names a heartbeat. Naming it proves that it was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Witness {
    /// The first bytes of the session that sent it.
    pub session: [u8; 8],
    /// Its sequence number; 0 if there is none.
    pub seq: u32,
    /// The first bytes of its [hash](Heartbeat::hash).
    pub hash: [u8; 8],
}

impl Heartbeat {
    /// The hash by which a witness names a whole heartbeat message.
    #[must_use]
    pub fn hash(message: &[u8]) -> [u8; 8] {
        let mut start = [0; 8];
        start.copy_from_slice(&hash("heartbeat", &[message])[..8]);
        start
    }

    /// `roster_hash` of members, each given by its announce_hash, in any order.
    #[must_use]
    pub fn roster_hash(members: &[[u8; 32]]) -> [u8; 32] {
        let sorted = sorted_by(members.iter().map(|hash| &hash[..]), Ord::cmp);
        hash("roster", &sorted)
    }

    /// `view_hash` of members, each given by announce_hash, newest generation and update_hash, in
    /// any order.
    #[must_use]
    pub fn view_hash(members: &[([u8; 32], u32, [u8; 32])]) -> [u8; 32] {
        let sorted = sorted_by(members, |(one, ..), (other, ..)| one.cmp(other));
        let mut bytes = Vec::with_capacity(68 * sorted.len());
        for (announce, newest, update) in sorted {
            bytes.extend(announce);
            bytes.extend(newest.to_be_bytes());
            bytes.extend(update);
        }
        hash("view", &[&bytes])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let flags = [(self.is_locked, LOCKED), (self.sends, SENDS), (self.wants_answer, ANSWER)];
        out.extend(self.seq.to_be_bytes());
        out.push(flags.iter().map(|&(is_set, bit)| u8::from(is_set) * bit).sum());
        out.extend(self.generation.to_be_bytes());
        out.push(self.step);
        out.extend(self.frames.to_be_bytes());
        out.extend(self.newest.to_be_bytes());
        out.extend(self.update_hash);
        out.extend(self.roster_hash);
        out.extend(self.view_hash);
        out.extend(self.orders_hash);
        out.extend(self.counter.to_be_bytes());
        out.extend(self.witness.session);
        out.extend(self.witness.seq.to_be_bytes());
        out.extend(self.witness.hash);
        out.extend(self.prekey_number.to_be_bytes());
        out.string(&self.prekey);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let seq = reader.u32()?;
        let flags = reader.u8()?;
        let heartbeat = Self {
            seq,
            is_locked: flags & LOCKED != 0,
            sends: flags & SENDS != 0,
            wants_answer: flags & ANSWER != 0,
            generation: reader.u32()?,
            step: reader.u8()?,
            frames: reader.u32()?,
            newest: reader.u32()?,
            update_hash: reader.array()?,
            roster_hash: reader.array()?,
            view_hash: reader.array()?,
            orders_hash: reader.array()?,
            counter: reader.u32()?,
            witness: Witness { session: reader.array()?, seq: reader.u32()?, hash: reader.array()? },
            prekey_number: reader.u16()?,
            prekey: reader.string(1216)?.to_vec(),
        };
        let fits = seq > 0
            && flags & !(LOCKED | SENDS | ANSWER) == 0
            && matches!(heartbeat.prekey.len(), 0 | 32 | 1216);
        if fits { Ok(heartbeat) } else { Err(MessageError::Malformed) }
    }
}

const LOCKED: u8 = 1;
const SENDS: u8 = 2;
const ANSWER: u8 = 4;

/// What a member knows about sessions (PROTOCOL.md §2.8).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Roster {
    /// Whether this answers a roster.
    pub is_answer: bool,
    /// The first session prefix covered.
    pub from: [u8; 8],
    /// The last session prefix covered, inclusive.
    pub to: [u8; 8],
    /// The sessions known in that range, ascending; at most [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub entries: Vec<RosterEntry>,
}

/// One session of a [`Roster`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct RosterEntry {
    /// The first bytes of the session.
    pub session: [u8; 8],
    /// The status of the session.
    pub status: Status,
    /// The newest generation known of the session.
    pub newest: u32,
    /// The first bytes of the header_hash of the update that began `newest`.
    pub update_hash: [u8; 4],
}

/// The status of a session at a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[repr(u8)]
pub enum Status {
    /// A live member.
    Live = 1,
    /// A member that is not live.
    NotLive = 2,
    /// An applicant: the application is judging it.
    Judging = 3,
    /// Refused by the application or because of its member id, or it refuses the sender of this
    /// status.
    Refused = 4,
    /// It has left.
    Left = 5,
    /// Removed, or locked out.
    Removed = 6,
    /// A newer session took its place.
    Replaced = 7,
    /// Lost or dropped; it may return.
    Away = 8,
}

impl Status {
    const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            1 => Self::Live,
            2 => Self::NotLive,
            3 => Self::Judging,
            4 => Self::Refused,
            5 => Self::Left,
            6 => Self::Removed,
            7 => Self::Replaced,
            8 => Self::Away,
            _ => return None,
        })
    }

    /// Whether the session is a member.
    #[must_use]
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Live | Self::NotLive)
    }
}

impl Roster {
    /// Maximum number of entries in one message.
    pub const MAX_ENTRIES: usize = 12_600 / Self::ENTRY_LEN;
    const ENTRY_LEN: usize = 17;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_answer));
        out.extend(self.from);
        out.extend(self.to);
        let mut entries = Vec::with_capacity(self.entries.len() * Self::ENTRY_LEN);
        for entry in &self.entries {
            entries.extend(entry.session);
            entries.push(entry.status as u8);
            entries.extend(entry.newest.to_be_bytes());
            entries.extend(entry.update_hash);
        }
        out.string(&entries);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let flags = reader.u8()?;
        let (from, to) = (reader.array()?, reader.array()?);
        let bytes = reader.string(Self::MAX_ENTRIES * Self::ENTRY_LEN)?;
        let mut entries = Vec::with_capacity(bytes.len() / Self::ENTRY_LEN);
        let mut rest = Reader::new(bytes);
        while rest.end().is_err() {
            entries.push(RosterEntry {
                session: rest.array()?,
                status: Status::from_id(rest.u8()?).ok_or(MessageError::Malformed)?,
                newest: rest.u32()?,
                update_hash: rest.array()?,
            });
        }
        let fits = flags < 2
            && entries.is_sorted_by(|a, b| a.session < b.session)
            && entries.iter().all(|entry| (from..=to).contains(&entry.session));
        if fits {
            Ok(Self { is_answer: flags == 1, from, to, entries })
        } else {
            Err(MessageError::Malformed)
        }
    }
}

/// The prefix of a session id that stands for it where space is scarce.
pub(crate) fn prefix(session: SessionId) -> [u8; 8] {
    let mut start = [0; 8];
    start.copy_from_slice(&session.0[..8]);
    start
}
