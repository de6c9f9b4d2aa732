//! Whether newcomers may come in.

use alloc::vec::Vec;

use crate::SessionId;

/// The newest lock or unlock: of two, the one with the higher counter holds, then that of the higher session.
#[derive(Default)]
pub(crate) struct Lock {
    at: (u64, SessionId),
    is_locked: bool,
    /// Signed, for those who have not heard.
    pub(crate) words: Option<Vec<u8>>,
}

impl Lock {
    /// Counters that one speaker may skip.
    const MOST_SKIPPED: u64 = 1024;

    pub(crate) const fn counter(&self) -> u64 {
        self.at.0
    }

    pub(crate) const fn is_locked(&self) -> bool {
        self.is_locked
    }

    pub(crate) fn is_locked_by(&self, session: SessionId) -> bool {
        self.is_locked && self.at.1 == session
    }

    pub(crate) fn is_newer(&self, counter: u64, by: SessionId) -> bool {
        (counter, by) > self.at && counter <= self.at.0.saturating_add(Self::MOST_SKIPPED)
    }

    /// As somebody else said.
    pub(crate) fn set(&mut self, counter: u64, by: SessionId, is_locked: bool, words: Vec<u8>) {
        (self.at, self.is_locked, self.words) = ((counter, by), is_locked, Some(words));
    }

    pub(crate) fn close(&mut self, by: SessionId, words: Vec<u8>) {
        self.set(self.at.0 + 1, by, true, words);
    }

    pub(crate) fn open(&mut self, by: SessionId, words: Vec<u8>) {
        self.set(self.at.0 + 1, by, false, words);
    }
}
