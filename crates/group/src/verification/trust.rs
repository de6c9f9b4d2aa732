//! The store of identities that were seen and verified.

use core::fmt;

use crate::{Identity, UserId, sorted::SortedMap};

/// Stores the identity of each user: trust on first use, and a warning on change.
///
/// A user id has one identity. A person whose devices have a key each needs a user id for each
/// (`alice/phone`); otherwise every change of device is a changed identity.
///
/// The store holds at most [`CAPACITY`](Self::CAPACITY) users. Beyond that the unverified user that
/// was not seen for the longest time is evicted. An attacker that brings thousands of users into
/// calls can thus make a changed identity look new; verified users are never evicted.
///
/// The application stores [`to_bytes`](Self::to_bytes) between calls. Store it where no one else
/// can write, because its content is trusted. It reveals the other users of past calls, and holds
/// no secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TrustStore {
    pub(super) entries: SortedMap<UserId, Entry>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) identity: Identity,
    pub(super) verified: bool,
    pub(super) first_seen: u64,
    pub(super) last_seen: u64,
}

/// The verification state of a user with an identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum VerificationState {
    /// The user was not seen before.
    New,
    /// The user was seen before with this identity, which is not verified.
    Known,
    /// A person verified that the identity is this user's.
    Verified,
    /// The user had another identity before: this is a new device or an impostor.
    Changed {
        /// Whether the previous identity was verified.
        was_verified: bool,
    },
}

impl VerificationState {
    /// Whether to warn the person.
    #[must_use]
    pub const fn is_changed(self) -> bool {
        matches!(self, Self::Changed { .. })
    }
}

impl TrustStore {
    /// Maximum number of users.
    pub const CAPACITY: usize = 10_000;
    /// Maximum length of a user id, bytes.
    pub const MAX_USER_ID_LEN: usize = 512;

    /// An empty store.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: SortedMap::new() }
    }

    /// The verification state of `user` with `identity`. Changes nothing.
    #[must_use]
    pub fn state_of(&self, user: &UserId, identity: &Identity) -> VerificationState {
        match self.entries.get(user) {
            None => VerificationState::New,
            Some(entry) if entry.identity != *identity => {
                VerificationState::Changed { was_verified: entry.verified }
            }
            Some(Entry { verified: true, .. }) => VerificationState::Verified,
            Some(_) => VerificationState::Known,
        }
    }

    /// Like [`state_of`](Self::state_of), but also stores a new user, or when a known one was seen.
    /// `now` is in seconds on one calendar in every call. A changed identity is not stored: see
    /// [`accept_change`](Self::accept_change).
    ///
    /// # Errors
    /// [`TrustError::UserIdTooLong`] and [`TrustError::Full`] if the user is new and cannot be
    /// stored.
    pub fn observe(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: u64,
    ) -> Result<VerificationState, TrustError> {
        let verification = self.state_of(user, identity);
        match verification {
            VerificationState::New => self.insert(user, Entry::new(*identity, now))?,
            VerificationState::Known | VerificationState::Verified => {
                if let Some(entry) = self.entries.get_mut(user) {
                    entry.last_seen = entry.last_seen.max(now);
                }
            }
            VerificationState::Changed { .. } => {}
        }
        Ok(verification)
    }

    /// Marks `identity` as verified to be `user`'s.
    ///
    /// # Errors
    /// [`TrustError::Changed`] if the store has another identity, whose change must be accepted
    /// first; [`TrustError::UserIdTooLong`], [`TrustError::Full`]. Nothing has changed.
    pub fn mark_verified(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: u64,
    ) -> Result<(), TrustError> {
        if self.observe(user, identity, now)?.is_changed() {
            return Err(TrustError::Changed);
        }
        if let Some(entry) = self.entries.get_mut(user) {
            entry.verified = true;
        }
        Ok(())
    }

    /// Accepts that `user` now has `identity`, without verifying it. Nothing changes if the store
    /// already has that identity.
    ///
    /// # Errors
    /// [`TrustError::Unknown`] if the user is new. Nothing has changed.
    pub fn accept_change(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: u64,
    ) -> Result<(), TrustError> {
        let entry = self.entries.get_mut(user).ok_or(TrustError::Unknown)?;
        if entry.identity != *identity {
            *entry = Entry::new(*identity, now);
        }
        Ok(())
    }

    /// Removes `user`, who then counts as new. Returns whether the store had the user.
    pub fn forget(&mut self, user: &UserId) -> bool {
        self.entries.remove(user).is_some()
    }

    /// When `user`'s current identity was first and last seen, in seconds.
    #[must_use]
    pub fn seen(&self, user: &UserId) -> Option<(u64, u64)> {
        self.entries.get(user).map(|entry| (entry.first_seen, entry.last_seen))
    }

    /// Number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn insert(&mut self, user: &UserId, entry: Entry) -> Result<(), TrustError> {
        if user.as_bytes().len() > Self::MAX_USER_ID_LEN {
            return Err(TrustError::UserIdTooLong);
        }
        if self.entries.len() >= Self::CAPACITY {
            let unverified = self.entries.iter().filter(|(_, entry)| !entry.verified);
            let oldest =
                unverified.min_by_key(|(_, entry)| entry.last_seen).map(|(user, _)| user.clone());
            self.entries.remove(&oldest.ok_or(TrustError::Full)?);
        }
        self.entries.insert(user.clone(), entry);
        Ok(())
    }
}

impl Entry {
    const fn new(identity: Identity, now: u64) -> Self {
        Self { identity, verified: false, first_seen: now, last_seen: now }
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustStore").field("users", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Errors of the trust store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum TrustError {
    /// The store has another identity for this user.
    Changed,
    /// The user is not in the store.
    Unknown,
    /// The store is full of verified users: [`forget`](TrustStore::forget) one.
    Full,
    /// The user id has more than [`TrustStore::MAX_USER_ID_LEN`] bytes.
    UserIdTooLong,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "user has another identity in the trust store",
            Self::Unknown => "user is not in the trust store",
            Self::Full => "trust store is full of verified users",
            Self::UserIdTooLong => "user id is too long",
        })
    }
}

impl core::error::Error for TrustError {}
