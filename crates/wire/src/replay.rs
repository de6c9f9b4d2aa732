//! Which counters have been opened already.

use core::fmt;

use crate::Ctr;

/// How many counters a [`ReplayWindow`] covers, 2,048: the newest opened one and those before it.
///
/// At 170 frames a second this is 12 seconds. Older counters are rejected: a frame inside the
/// window opens once, a frame behind it never.
pub const REPLAY_WINDOW: u64 = WORDS as u64 * 64;

const WORDS: usize = 32;

/// A ring of bits: `seen[ctr mod 2048]` for every `ctr` in `newest - 2047..=newest`.
///
/// The empty window is `newest = 0` with no bit set, so no extra state marks the first frame.
///
/// A receiver keeps one window for each key: [`check`](Self::check) before a frame is opened,
/// [`mark`](Self::mark) after its tag was right.
pub struct ReplayWindow {
    newest: u64,
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// An empty window: every counter may be opened.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: 0, seen: [0; WORDS] }
    }

    /// Whether `ctr` may be opened. Only reads: the CTR is not authenticated yet.
    ///
    /// # Errors
    /// [`ReplayError`]; the counter must not be opened.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "`place` returns a word below WORDS")]
    pub fn check(&self, ctr: Ctr) -> Result<(), ReplayError> {
        let Some(behind) = self.newest.checked_sub(ctr.get()) else {
            return Ok(());
        };
        if behind >= REPLAY_WINDOW {
            return Err(ReplayError::TooOld(ctr));
        }
        let (word, bit) = place(ctr.get());
        if self.seen[word] & bit != 0 {
            return Err(ReplayError::Replayed(ctr));
        }
        Ok(())
    }

    /// Marks a CTR that passed [`check`](Self::check) and whose frame has been opened. Does nothing
    /// if later marks have moved the window past it.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "`place` returns a word below WORDS")]
    pub fn mark(&mut self, ctr: Ctr) {
        let ctr = ctr.get();
        if ctr > self.newest {
            if ctr != self.newest + 1 {
                self.forget_skipped(ctr);
            }
            self.newest = ctr;
        } else if self.newest - ctr >= REPLAY_WINDOW {
            return;
        }
        let (word, bit) = place(ctr);
        // A bit that is set here for `ctr - 2048` now means `ctr`.
        self.seen[word] |= bit;
    }

    /// Clears the bits of the counters between `newest` and `ctr`, which have not been opened.
    #[cold]
    #[expect(clippy::indexing_slicing, reason = "`place` returns a word below WORDS")]
    fn forget_skipped(&mut self, ctr: u64) {
        if ctr - self.newest >= REPLAY_WINDOW {
            self.seen = [0; WORDS];
            return;
        }
        let mut at = self.newest + 1;
        while at < ctr {
            let offset = at % 64;
            let span = (64 - offset).min(ctr - at);
            let ones = u64::MAX >> (64 - span);
            self.seen[place(at).0] &= !(ones << offset);
            at += span;
        }
    }
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReplayWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayWindow").field("newest", &self.newest).finish_non_exhaustive()
    }
}

/// Why a counter must not be opened again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum ReplayError {
    /// This CTR has been opened before.
    Replayed(Ctr),
    /// This CTR is [`REPLAY_WINDOW`] or more behind the newest opened one.
    TooOld(Ctr),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replayed(ctr) => write!(f, "ctr {ctr} has been opened before"),
            Self::TooOld(ctr) => write!(f, "ctr {ctr} is behind the replay window"),
        }
    }
}

impl core::error::Error for ReplayError {}

/// The index of the word and the bit of a counter.
#[inline]
const fn place(ctr: u64) -> (usize, u64) {
    ((ctr / 64 % WORDS as u64) as usize, 1 << (ctr % 64))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::BTreeSet, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// The oracle: a set of everything seen, and the newest.
    #[derive(Default)]
    struct Model {
        seen: BTreeSet<u64>,
    }

    impl Model {
        fn may_open(&self, ctr: u64) -> bool {
            let newest = self.seen.last().copied().unwrap_or(0);
            ctr > newest || (newest - ctr < REPLAY_WINDOW && !self.seen.contains(&ctr))
        }
    }

    fn agree(counters: impl IntoIterator<Item = u64>) {
        let (mut window, mut model) = (ReplayWindow::new(), Model::default());
        for ctr in counters {
            let open = window.check(Ctr::new(ctr)).is_ok();
            assert_eq!(open, model.may_open(ctr), "ctr {ctr}");
            if open {
                window.mark(Ctr::new(ctr));
                model.seen.insert(ctr);
            }
        }
    }

    #[test]
    fn the_edges_are_exact() {
        let mut window = ReplayWindow::new();
        let at = |ctr| Ctr::new(ctr);
        window.mark(at(5000));
        assert_eq!(window.check(at(5000)), Err(ReplayError::Replayed(at(5000))));
        assert_eq!(window.check(at(5001)), Ok(()));
        assert_eq!(window.check(at(5000 - 2047)), Ok(()));
        assert_eq!(window.check(at(5000 - 2048)), Err(ReplayError::TooOld(at(2952))));
        window.mark(at(u64::MAX));
        assert_eq!(window.check(at(u64::MAX)), Err(ReplayError::Replayed(at(u64::MAX))));
        assert_eq!(window.check(at(u64::MAX - 2047)), Ok(()));
        assert_eq!(window.check(at(u64::MAX - 2048)), Err(ReplayError::TooOld(at(u64::MAX - 2048))));
    }

    #[test]
    fn every_jump_around_the_window_agrees_with_a_set() {
        for jump in (0_u64..130).chain(1900..2200).chain([4095, 4096, 4097]) {
            for start in [0, 1, 63, 64, 2047, 2048] {
                let newest = start + jump;
                let probe = newest.saturating_sub(2100)..newest + 3;
                agree([start, newest].into_iter().chain(probe));
            }
        }
    }

    proptest! {
        #[test]
        fn any_sequence_agrees_with_a_set(
            start in prop_oneof![Just(0u64), any::<u64>()],
            steps in proptest::collection::vec(prop_oneof![-3000i64..3000, -70i64..70], 1..300),
        ) {
            let mut at = start;
            let counters: Vec<u64> = steps.iter().map(|step| {
                at = at.saturating_add_signed(*step);
                at
            }).collect();
            agree(counters);
        }
    }
}
