//! Keeps a forked child from sealing with its parent's counters.

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
/// A fork copies a sender with its counter: parent and child would seal with the same nonces. So
/// the counts of each process lie in a range of its own, and a child's range lies below its
/// parent's. One comparison with the end of the process's range enforces the key's limit and stops
/// inherited counts from sealing:
///
/// ```text
///                child's range              parent's range
/// ──────────────┬ 0 … 2^34 ┬───────────────┬ 0 … 2^34 ┬──────►
///                          └ end there      └──────────┴ all beyond the child's end
/// ```
///
/// A `pthread_atfork` handler moves the range. A child made without the C library, by a bare
/// `clone`, is not noticed, nor is a copy of a whole virtual machine. On targets without fork there
/// is one range.
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
    /// A count that begins in this process, after `blocks` blocks. A count beyond its limit is
    /// exhausted, however far beyond it is.
    #[must_use]
    pub fn begin(blocks: u64) -> Self {
        #[cfg(unix)]
        watch();
        Self(start() + blocks.min(LIMIT + 1))
    }

    /// The count after `more` blocks; `None` beyond the limit of every key, or if a parent process
    /// began it.
    #[inline(always)] // a part of the hot doors
    #[must_use]
    pub fn after(&self, more: u64) -> Option<Self> {
        let next = self.0.saturating_add(more);
        (next <= end()).then_some(Self(next))
    }

    /// A mark that no key reaches.
    pub const NEVER: Self = Self(u64::MAX);

    /// Whether this count has reached `mark`, or another process began it.
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

    /// Whether a parent process began it and may still use it.
    #[cold]
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0 - self.get() != start()
    }
}

/// Moves the range in every child from now on.
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

/// After 2^26 processes, each the child of the previous one, no range is left and nothing is
/// sealed.
#[cfg(unix)]
extern "C" fn in_child() {
    let end = END.load(Ordering::Relaxed);
    END.store(if end > ROOM + LIMIT { end - ROOM } else { 0 }, Ordering::Relaxed);
}
