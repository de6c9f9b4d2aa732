//! Whose identity was seen before, and whose was verified.

use core::fmt;

use crate::{Identity, UserId, sorted::SortedMap};

/// Remembers the identity of each user: trust on first use, and a warning when it changes.
///
/// One identity for each user id. Somebody with several devices that have a key each needs a user id for each
/// (`alice/phone`), or every change of device is a changed identity.
///
/// At most [`CAPACITY`](Self::CAPACITY) users. Beyond that the one that was not verified and not seen for the
/// longest time is forgotten, so whoever can bring thousands of users into calls can make a change of those
/// look like a first sight; verified ones are never forgotten by themselves.
///
/// The application keeps [`to_bytes`](Self::to_bytes) between calls. Store it where nobody else writes: what it
/// says is believed. It tells whom one was in calls with, and holds no secret.
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

/// What is known of a user who comes with an identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum VerificationState {
    /// This user was not seen before.
    New,
    /// Seen before with this identity, which nobody verified.
    Known,
    /// People verified that this identity is this user's.
    Verified,
    /// Another identity than before: a new device, or somebody else.
    Changed {
        /// Whether the one before was verified.
        was_verified: bool,
    },
}

impl VerificationState {
    /// Whether to warn.
    #[must_use]
    pub const fn is_changed(self) -> bool {
        matches!(self, Self::Changed { .. })
    }
}

impl TrustStore {
    /// How many users it remembers.
    pub const CAPACITY: usize = 10_000;
    /// The longest user id, in bytes.
    pub const MAX_USER_ID_LEN: usize = 512;

    /// One that knows nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: SortedMap::new() }
    }

    /// What is known of `user` with `identity`. Changes nothing.
    #[must_use]
    pub fn judge(&self, user: &UserId, identity: &Identity) -> VerificationState {
        match self.entries.get(user) {
            None => VerificationState::New,
            Some(entry) if entry.identity != *identity => {
                VerificationState::Changed { was_verified: entry.verified }
            }
            Some(Entry { verified: true, .. }) => VerificationState::Verified,
            Some(_) => VerificationState::Known,
        }
    }

    /// The same, and remembers a new user, or that a known one was seen; `now` is in seconds of any calendar,
    /// the same in every call. A changed identity is not remembered: see [`accept_change`](Self::accept_change).
    ///
    /// # Errors
    /// [`TrustError::UserIdTooLong`] and [`TrustError::Full`]: it is a new user, who was not remembered.
    pub fn see(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: u64,
    ) -> Result<VerificationState, TrustError> {
        let standing = self.judge(user, identity);
        match standing {
            VerificationState::New => self.insert(user, Entry::new(*identity, now))?,
            VerificationState::Known | VerificationState::Verified => {
                if let Some(entry) = self.entries.get_mut(user) {
                    entry.last_seen = entry.last_seen.max(now);
                }
            }
            VerificationState::Changed { .. } => {}
        }
        Ok(standing)
    }

    /// People have verified that `identity` is `user`'s.
    ///
    /// # Errors
    /// [`TrustError::Changed`]: the store has another identity, whose change must be accepted first;
    /// [`TrustError::UserIdTooLong`], [`TrustError::Full`]. Nothing has changed.
    pub fn mark_verified(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: u64,
    ) -> Result<(), TrustError> {
        if self.see(user, identity, now)?.is_changed() {
            return Err(TrustError::Changed);
        }
        if let Some(entry) = self.entries.get_mut(user) {
            entry.verified = true;
        }
        Ok(())
    }

    /// Our person accepts that `user` now has `identity`, which is not verified thereby. If it is the one that
    /// the store has, nothing changes.
    ///
    /// # Errors
    /// [`TrustError::Unknown`]: the user is new, so nothing has changed.
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

    /// Forgets `user`, who is new from now on. Whether there was one.
    pub fn forget(&mut self, user: &UserId) -> bool {
        self.entries.remove(user).is_some()
    }

    /// When `user`'s present identity was first and last seen, in seconds.
    #[must_use]
    pub fn seen(&self, user: &UserId) -> Option<(u64, u64)> {
        self.entries.get(user).map(|entry| (entry.first_seen, entry.last_seen))
    }

    /// How many users it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows nobody.
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

/// Why the store did not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum TrustError {
    /// This user has another identity there.
    Changed,
    /// There is no such user.
    Unknown,
    /// It holds as many users as it may, and all are verified: forget one.
    Full,
    /// The user id has more than [`TrustStore::MAX_USER_ID_LEN`] bytes.
    UserIdTooLong,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "user is known with another identity",
            Self::Unknown => "user is not known",
            Self::Full => "trust store is full of verified users",
            Self::UserIdTooLong => "user id is too long",
        })
    }
}

impl core::error::Error for TrustError {}
