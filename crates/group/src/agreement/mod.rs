//! Comparison of rosters, views and orders between members (PROTOCOL.md §6).

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use crate::{Time, message::RosterEntry};

/// How long a member's view may lag behind ours because messages are in flight.
pub(crate) const LAG: Duration = Duration::from_secs(5);
/// A difference that persists this long is compared even if both sides keep changing.
const RESTLESS: Duration = Duration::from_secs(30);
/// Number of comparisons before a difference is reported.
pub(crate) const REPORT_AFTER: u8 = 3;
/// Maximum number of entries kept of a member's roster.
const MAX_KEPT: usize = 2048;
/// A session must stay unexplained this long before it is reported.
const SUSPECT_FOR: Duration = Duration::from_secs(8);
/// Delays between successive comparisons.
const AGAIN: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_secs(60),
];

/// A session that two members state differently, and their statements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) session: [u8; 8],
    pub(crate) ours: u32,
    pub(crate) theirs: u32,
}

/// Comparison of one member's hash with ours.
#[derive(Default)]
pub(crate) struct Comparison {
    differs: Option<Box<Difference>>,
}

/// A difference that is not resolved.
struct Difference {
    theirs: [u8; 32],
    ours: [u8; 32],
    /// When either side last changed.
    since: Time,
    /// When the difference began.
    first: Time,
    /// Number of comparisons started, and when the next is due.
    tries: u8,
    next_at: Option<Time>,
    is_reported: bool,
    /// The member's roster, if it has sent one.
    entries: Option<Vec<RosterEntry>>,
    /// The sessions unexplained at the last review, and since when.
    suspects: Vec<(Suspect, Time)>,
}

impl Comparison {
    /// Updates both hashes; `agrees` says whether they match, or did within [`LAG`]. Returns
    /// whether this retracts a report.
    pub(crate) fn update(&mut self, theirs: [u8; 32], ours: [u8; 32], agrees: bool, now: Time) -> bool {
        if agrees {
            return self.differs.take().is_some_and(|difference| difference.is_reported);
        }
        match &mut self.differs {
            Some(difference) if difference.theirs == theirs && difference.ours == ours => {}
            Some(difference) => {
                (difference.theirs, difference.ours) = (theirs, ours);
                difference.since = now;
            }
            None => {
                self.differs = Some(Box::new(Difference {
                    theirs,
                    ours,
                    since: now,
                    first: now,
                    tries: 0,
                    next_at: None,
                    is_reported: false,
                    entries: None,
                    suspects: Vec::new(),
                }));
            }
        }
        false
    }

    /// Updates our hash. Returns whether this retracts a report.
    pub(crate) fn update_ours(&mut self, ours: [u8; 32], now: Time) -> bool {
        let Some(theirs) = self.differs.as_ref().map(|difference| difference.theirs) else {
            return false;
        };
        self.update(theirs, ours, theirs == ours, now)
    }

    pub(crate) const fn differs(&self) -> bool {
        self.differs.is_some()
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.differs.as_ref().is_some_and(|difference| difference.is_reported)
    }

    /// Starts over after our machine slept: messages still to be handled may explain the
    /// difference.
    pub(crate) fn restart(&mut self, now: Time) {
        if let Some(difference) = &mut self.differs {
            (difference.since, difference.first) = (now, now);
            (difference.tries, difference.next_at, difference.entries) = (0, None, None);
            difference.suspects.clear();
        }
    }

    /// When the next comparison is due: the first `after` the last change, or [`RESTLESS`] after
    /// the difference began.
    pub(crate) fn next_at(&self, after: Duration) -> Option<Time> {
        let difference = self.differs.as_ref()?;
        let first = (difference.since + after).min(difference.first + RESTLESS);
        Some(difference.next_at.unwrap_or(first))
    }

    /// Whether a comparison is due now. If so, schedules the next.
    pub(crate) fn take_due(&mut self, after: Duration, now: Time) -> bool {
        if self.next_at(after).is_none_or(|at| at > now) {
            return false;
        }
        let Some(difference) = self.differs.as_mut() else { return false };
        let wait = AGAIN[usize::from(difference.tries).min(AGAIN.len() - 1)];
        difference.next_at = Some(now + wait);
        difference.tries = difference.tries.saturating_add(1);
        true
    }

    /// Stores entries of the member's roster.
    pub(crate) fn note_entries(&mut self, is_first_part: bool, entries: &[RosterEntry]) {
        if let Some(difference) = &mut self.differs {
            let kept = difference.entries.get_or_insert_default();
            if is_first_part {
                kept.clear();
            }
            kept.extend_from_slice(&entries[..entries.len().min(MAX_KEPT.saturating_sub(kept.len()))]);
        }
    }

    /// The member's roster, if it has sent one.
    pub(crate) fn entries(&self) -> Option<&[RosterEntry]> {
        self.differs.as_ref()?.entries.as_deref()
    }

    /// Number of comparisons started.
    pub(crate) fn tries(&self) -> u8 {
        self.differs.as_ref().map_or(0, |difference| difference.tries)
    }

    /// When the difference began.
    pub(crate) fn first(&self) -> Option<Time> {
        self.differs.as_ref().map(|difference| difference.first)
    }

    /// Takes the sessions unexplained now; returns those unexplained without change for
    /// [`SUSPECT_FOR`], none before [`REPORT_AFTER`] comparisons.
    pub(crate) fn review(&mut self, suspects: Vec<Suspect>, now: Time) -> Vec<[u8; 8]> {
        let Some(difference) = &mut self.differs else { return Vec::new() };
        let before = core::mem::take(&mut difference.suspects);
        let since = |suspect: &Suspect| {
            let known = before.iter().find(|(other, _)| other == suspect);
            known.map_or_else(|| now, |(_, since)| *since)
        };
        difference.suspects = suspects.into_iter().map(|suspect| (suspect, since(&suspect))).collect();
        if difference.tries < REPORT_AFTER {
            return Vec::new();
        }
        let suspects = difference.suspects.iter();
        let lasting = suspects.filter(|(_, since)| now >= *since + SUSPECT_FOR);
        lasting.map(|(suspect, _)| suspect.session).collect()
    }

    /// Marks the difference as reported. Returns whether it was not before.
    pub(crate) fn report(&mut self) -> bool {
        self.differs
            .as_mut()
            .is_some_and(|difference| !core::mem::replace(&mut difference.is_reported, true))
    }
}

/// Our current hash and recent ones, which other members may still hold.
pub(crate) struct RecentHashes {
    past: VecDeque<([u8; 32], Time)>,
    pub(crate) now: [u8; 32],
}

impl RecentHashes {
    const KEPT: usize = 128;

    pub(crate) const fn new() -> Self {
        Self { past: VecDeque::new(), now: [0; 32] }
    }

    /// Sets our hash. Returns whether it changed.
    pub(crate) fn set(&mut self, hash: [u8; 32], now: Time) -> bool {
        if hash == self.now {
            return false;
        }
        if self.past.len() == Self::KEPT {
            self.past.pop_front();
        }
        self.past.push_back((self.now, now));
        self.now = hash;
        true
    }

    /// Whether this is our hash, or was within [`LAG`].
    pub(crate) fn holds(&self, hash: &[u8; 32], now: Time) -> bool {
        *hash == self.now || self.past.iter().any(|(past, until)| past == hash && *until + LAG >= now)
    }
}
