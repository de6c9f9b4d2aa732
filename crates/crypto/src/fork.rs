//! What one process may seal, and its child may not.

#[cfg(unix)]
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::KeyLimits;

/// Room between the counts of a process and those of its child: more than any key may seal.
const ROOM: u64 = 1 << 36;
/// Where the counts of the first process begin.
const FIRST: u64 = 1 << 62;

const LIMIT: u64 = KeyLimits::OF_ANY_SUITE.blocks;
const _: () = assert!(LIMIT + 1 < ROOM && FIRST.is_multiple_of(ROOM), "counts can be told apart");

/// The blocks that a key has sealed. Only the process that began the count can go on with it.
///
/// A fork copies a sender with its counter: parent and child would seal with the same nonces. So a
/// process's counts lie in a range of their own, and a child's range lies below its parent's. One
/// comparison, that with the end of the process's range, holds the key's limit and keeps what was
/// inherited from sealing:
///
/// ```text
///                child's range              parent's range
/// ──────────────┬ 0 … 2^34 ┬───────────────┬ 0 … 2^34 ┬──────►
///                          └ end there      └──────────┴ all beyond the child's end
/// ```
///
/// The range moves in a handler of `pthread_atfork`: a child that was made past the C library, by a
/// bare `clone`, is not seen, nor is a copy of a whole virtual machine. Where there is no fork,
/// there is one range.
///
/// Source: RFC 9605 §9.1 (no nonce twice).
#[derive(Debug)]
pub struct BlockCount(u64);

/// Where the range of this process ends.
#[cfg(unix)]
static END: AtomicU64 = AtomicU64::new(FIRST + LIMIT);

#[inline(always)]
fn end() -> u64 {
    #[cfg(unix)]
    return END.load(Ordering::Relaxed);
    #[cfg(not(unix))]
    return FIRST + LIMIT;
}

/// Where the range of this process begins.
fn start() -> u64 {
    end().saturating_sub(LIMIT)
}

impl BlockCount {
    /// A count that begins in this process, after so many blocks; beyond its limit a key is
    /// exhausted, no matter how far.
    #[must_use]
    pub fn begin(blocks: u64) -> Self {
        #[cfg(unix)]
        watch();
        Self(start() + blocks.min(LIMIT + 1))
    }

    /// The count after `more` blocks; `None` beyond the limit of every key, or if a parent has
    /// begun it.
    #[inline(always)] // a part of the hot doors
    #[must_use]
    pub fn after(&self, more: u64) -> Option<Self> {
        let next = self.0.saturating_add(more);
        (next <= end()).then_some(Self(next))
    }

    /// Not reached by any key.
    pub const NEVER: Self = Self(u64::MAX);

    /// Whether it is that count, of the same process, or beyond.
    #[inline(always)] // a part of the hot doors
    #[must_use]
    pub const fn has_reached(&self, mark: &Self) -> bool {
        self.0 >= mark.0
    }

    /// The blocks.
    #[inline]
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.0 % ROOM
    }

    /// Whether it was begun by a parent, who may go on with it.
    #[cold]
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0 - self.get() != start()
    }
}

/// Has the range moved in every child from now on.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the C library's door")]
fn watch() {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    if !IS_WATCHED.load(Ordering::Acquire) {
        // SAFETY: the handler touches one atomic number. Registered twice, it moves the range
        // twice.
        let failed = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        IS_WATCHED.store(failed == 0, Ordering::Release);
    }
}

/// After 2^26 processes, each the child of the last, there is no range left and nothing is sealed.
#[cfg(unix)]
extern "C" fn in_child() {
    let end = END.load(Ordering::Relaxed);
    END.store(if end > ROOM + LIMIT { end - ROOM } else { 0 }, Ordering::Relaxed);
}
