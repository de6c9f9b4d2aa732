//! A cache of verdicts.

use core::{fmt, num::NonZeroUsize};
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

use crate::{IDENTITY_LENGTH, Judge, Refusal, Verified, checked_length};

/// The key of a verdict: SHA-256 of all arguments except the time.
type Key = [u8; SHA256_OUTPUT_LEN];

struct Kept {
    verified: Verified,
    judged_at: u64,
    revision: u64,
}

/// A judge that caches positive verdicts: the same credential, identity and call again cost one
/// SHA-256.
///
/// The number of verdicts is bounded, and the least recently used one is evicted. Refusals are not
/// cached, so an attacker cannot evict others. A verdict is not reused after its expiry, after
/// [`Judge::revision`] changed, at an earlier time than it was made at, nor longer than the limit
/// of [`Cached::with_max_age`].
pub struct Cached<J> {
    judge: J,
    kept: Mutex<LruCache<Key, Kept>>,
    max_age: u64,
}

impl<J: fmt::Debug> fmt::Debug for Cached<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("judge", &self.judge).field("max_age", &self.max_age).finish()
    }
}

impl<J: Judge> Cached<J> {
    /// Caches at most `capacity` verdicts, each for five minutes.
    #[must_use]
    pub fn new(judge: J, capacity: NonZeroUsize) -> Self {
        Self { judge, kept: Mutex::new(LruCache::new(capacity)), max_age: 300 }
    }

    /// For how many seconds a verdict is reused.
    #[must_use]
    pub const fn with_max_age(mut self, seconds: u64) -> Self {
        self.max_age = seconds;
        self
    }

    /// The wrapped judge, to replace what it trusts.
    #[must_use]
    pub const fn judge_behind(&self) -> &J {
        &self.judge
    }

    /// Number of cached verdicts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no verdict is cached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn known(&self, key: &Key, now: u64) -> Option<Verified> {
        let revision = self.judge.revision();
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get(key)?;
        let age = now.checked_sub(kept.judged_at);
        let holds = kept.revision == revision
            && age.is_some_and(|age| age < self.max_age)
            && kept.verified.expires_at.is_none_or(|end| now < end);
        if holds {
            return Some(kept.verified.clone());
        }
        all.pop(key);
        None
    }
}

impl<J: Judge> Judge for Cached<J> {
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        checked_length(credential)?;
        let key = key_of(identity, group_id, credential);
        if let Some(verified) = self.known(&key, now) {
            return Ok(verified);
        }
        // Read before judging: a replacement in the meantime makes this verdict outdated.
        let revision = self.judge.revision();
        let verified = self.judge.judge(identity, group_id, credential, now)?;
        let kept = Kept { verified: verified.clone(), judged_at: now, revision };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(key, kept);
        Ok(verified)
    }

    fn revision(&self) -> u64 {
        self.judge.revision()
    }
}

fn key_of(identity: &[u8; IDENTITY_LENGTH], group_id: &[u8], credential: &[u8]) -> Key {
    let mut hash = Context::new(&SHA256);
    hash.update(identity);
    // With the length, so that no byte of one can be taken for a byte of the other.
    hash.update(&(group_id.len() as u64).to_be_bytes());
    hash.update(group_id);
    hash.update(credential);
    let mut key = [0; SHA256_OUTPUT_LEN];
    key.copy_from_slice(hash.finish().as_ref());
    key
}
