//! The encoding of a trust store.
//!
//! ```text
//! store = version u8 = 1 ‖ count u32 ‖ entries, strictly ascending by user id
//! entry = user id x<1..512> ‖ identity[32] ‖ verified u8 = 0 or 1 ‖ first seen u64 ‖ last seen u64
//! ```
//!
//! Integers are big-endian. Each store has exactly one encoding.

use alloc::vec::Vec;
use core::fmt;

use super::{TrustStore, trust::Entry};
use crate::{Identity, UserId};

const VERSION: u8 = 1;

impl TrustStore {
    /// Encodes the store, to be kept where no one else can write: 51 bytes for each user, plus the
    /// user ids.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "below CAPACITY and MAX_USER_ID_LEN")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(VERSION);
        out.extend((self.entries.len() as u32).to_be_bytes());
        for (user, entry) in self.entries.iter() {
            out.extend((user.as_bytes().len() as u16).to_be_bytes());
            out.extend(user.as_bytes());
            out.extend(entry.identity.0);
            out.push(u8::from(entry.verified));
            out.extend(entry.first_seen.to_be_bytes());
            out.extend(entry.last_seen.to_be_bytes());
        }
        out
    }

    /// Decodes a store that [`to_bytes`](Self::to_bytes) encoded.
    ///
    /// # Errors
    /// [`TrustBytesError`]; a store is decoded whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrustBytesError> {
        let (&[version], rest) = bytes.split_first_chunk().ok_or(TrustBytesError::Malformed)?;
        if version != VERSION {
            return Err(TrustBytesError::UnknownVersion);
        }
        let (store, rest) = decode(rest).ok_or(TrustBytesError::Malformed)?;
        if rest.is_empty() { Ok(store) } else { Err(TrustBytesError::Malformed) }
    }
}

fn decode(bytes: &[u8]) -> Option<(TrustStore, &[u8])> {
    let (&count, mut rest) = bytes.split_first_chunk()?;
    let mut store = TrustStore::new();
    let count = usize::try_from(u32::from_be_bytes(count)).ok()?;
    if count > TrustStore::CAPACITY {
        return None;
    }
    for _ in 0..count {
        let (user, entry, after) = decode_entry(rest)?;
        if store.entries.last_key().is_some_and(|last| *last >= user) {
            return None;
        }
        store.entries.insert(user, entry);
        rest = after;
    }
    Some((store, rest))
}

fn decode_entry(bytes: &[u8]) -> Option<(UserId, Entry, &[u8])> {
    let (&len, rest) = bytes.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes(len));
    if len > TrustStore::MAX_USER_ID_LEN {
        return None;
    }
    let (user, rest) = rest.split_at_checked(len)?;
    let user = UserId::new(user).ok()?;
    let (&identity, rest) = rest.split_first_chunk()?;
    let (&[verified], rest) = rest.split_first_chunk()?;
    let (&first_seen, rest) = rest.split_first_chunk()?;
    let (&last_seen, rest) = rest.split_first_chunk()?;
    let entry = Entry {
        identity: Identity(identity),
        verified: verified == 1,
        first_seen: u64::from_be_bytes(first_seen),
        last_seen: u64::from_be_bytes(last_seen),
    };
    let sane = verified <= 1 && entry.first_seen <= entry.last_seen;
    sane.then_some((user, entry, rest))
}

/// Why bytes are not a valid trust store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TrustBytesError {
    /// They are truncated, too long, out of order, or have impossible values.
    Malformed,
    /// A later version of this library made them.
    UnknownVersion,
}

impl fmt::Display for TrustBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a valid trust store",
            Self::UnknownVersion => "trust store has an unknown version",
        })
    }
}

impl core::error::Error for TrustBytesError {}
