//! The base keys received from a member.

use alloc::{boxed::Box, vec::Vec};

use crate::{GroupError, KeyId, Time, message::KeyUpdate, sparse::SparseVec};

/// Number of keys whose acks are kept, to be resent.
const RECENT: usize = 4;
/// Generations of a member that are open at once: the one in use, newer ones not used yet, and
/// older ones for late frames.
const OPEN_GENERATIONS: usize = 8;
/// Maximum number of wiped generations noted individually.
const MAX_WIPED_EARLY: usize = 32;

/// Length of an update header message, bytes.
pub(crate) const HEADER_MESSAGE_LEN: usize = KeyUpdate::HEADER_LEN + crate::message::SIGNATURE_LEN;

/// The keys received from a member.
#[derive(Default)]
pub(crate) struct Received {
    recent: Vec<Opened>,
    open: Vec<OpenGeneration>,
    newest_start: Option<GenerationStart>,
    /// All generations before this one were wiped.
    wiped_before: u32,
    /// Generations wiped although older ones are open.
    wiped_early: SparseVec<u32>,
    /// Keys that have opened a frame, and when the keys before them are wiped.
    retiring: SparseVec<(u32, u8, Time)>,
}

/// A key whose entry was opened.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) generation: u32,
    pub(crate) step: u8,
    pub(crate) key_commit: [u8; 32],
    pub(crate) mac: [u8; 8],
    /// The first bytes of the signature, by which a resent update is recognised.
    pub(crate) signature: [u8; 8],
}

/// A generation with an installed key.
#[derive(Clone, Copy)]
struct OpenGeneration {
    generation: u32,
    step: u8,
    since: Time,
    has_opened_a_frame: bool,
}

/// The start of a generation, as far as we know it.
pub(crate) struct GenerationStart {
    pub(crate) generation: u32,
    pub(crate) hash: [u8; 32],
    /// The hash of the generation before it, if known.
    pub(crate) before: Option<[u8; 32]>,
    /// Its update header message, if we hold it.
    pub(crate) header: Option<Box<[u8; HEADER_MESSAGE_LEN]>>,
}

impl Received {
    /// The key that an earlier copy of the same update delivered, if any.
    pub(crate) fn find_repeated(&self, update: &KeyUpdate, signature: &[u8; 64]) -> Option<Opened> {
        let same = |opened: &&Opened| {
            opened.generation == update.generation
                && opened.step == update.step
                && signature.starts_with(&opened.signature)
        };
        self.recent.iter().find(same).copied()
    }

    /// Notes a key whose entry was opened.
    ///
    /// # Errors
    /// [`GroupError::Equivocation`] if another key had the same generation and step.
    pub(crate) fn note(&mut self, opened: Opened) -> Result<(), GroupError> {
        let same =
            |known: &&mut Opened| known.generation == opened.generation && known.step == opened.step;
        if let Some(known) = self.recent.iter_mut().find(same) {
            if known.key_commit != opened.key_commit {
                return Err(GroupError::Equivocation);
            }
            *known = opened;
            return Ok(());
        }
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        push(&mut self.recent, opened);
        Ok(())
    }

    pub(crate) const fn newest_start(&self) -> Option<&GenerationStart> {
        self.newest_start.as_ref()
    }

    /// The newest generation and its hash; zeros if none is known.
    pub(crate) fn newest(&self) -> (u32, [u8; 32]) {
        self.newest_start.as_ref().map_or((0, [0; 32]), |start| (start.generation, start.hash))
    }

    /// Notes the start of a generation, unless a later one is known.
    ///
    /// # Errors
    /// [`GroupError::Equivocation`] if it contradicts an earlier statement of the member.
    pub(crate) fn note_start(&mut self, start: GenerationStart) -> Result<(), GroupError> {
        let Some(known) = &mut self.newest_start else {
            self.newest_start = Some(start);
            return Ok(());
        };
        if known.generation == start.generation {
            let before = known.before.or(start.before);
            let contradicts = start.before.is_some_and(|hash| before != Some(hash));
            if known.hash != start.hash || contradicts {
                return Err(GroupError::Equivocation);
            }
            known.before = before;
            known.header = known.header.take().or(start.header);
        } else if known.generation < start.generation {
            let below = (known.generation + 1 == start.generation).then_some(known.hash);
            if below.is_some() && start.before.is_some_and(|before| Some(before) != below) {
                return Err(GroupError::Equivocation);
            }
            *known = GenerationStart { before: start.before.or(below), ..start };
        }
        Ok(())
    }

    /// Whether a generation is open; `false` if it may be opened.
    ///
    /// # Errors
    /// [`GroupError::Stale`] if it was wiped: its frames would open once more.
    pub(crate) fn is_open(&self, generation: u32) -> Result<bool, GroupError> {
        if generation < self.wiped_before || self.wiped_early.contains(&generation) {
            return Err(GroupError::Stale);
        }
        Ok(self.open.iter().any(|open| open.generation == generation))
    }

    /// Notes that a generation is open from this step on. Returns a generation that must be wiped
    /// to make room.
    pub(crate) fn open(&mut self, generation: u32, step: u8, now: Time) -> Option<u32> {
        let place = self.open.partition_point(|open| open.generation < generation);
        let open = OpenGeneration { generation, step, since: now, has_opened_a_frame: false };
        self.open.reserve_exact(1);
        self.open.insert(place, open);
        if self.open.len() <= OPEN_GENERATIONS {
            return None;
        }
        // Wipe the oldest, but not the one in use: many newer ones may have been replaced unused.
        let used = self.open.iter().rposition(|open| open.has_opened_a_frame);
        let place = usize::from(used == Some(0));
        let oldest = self.open.remove(place).generation;
        if self.wiped_early.len() == MAX_WIPED_EARLY {
            let first = self.wiped_early.with(|wiped| wiped.remove(0));
            self.wiped_before = self.wiped_before.max(first + 1);
        }
        self.wiped_early.with(|wiped| wiped.push(oldest));
        Some(oldest)
    }

    /// The first generation after all that were open.
    pub(crate) fn first_unopened(&self) -> u32 {
        let newest = self.open.last().map(|open| open.generation);
        newest.map_or(0, |newest| newest.saturating_add(1)).max(self.wiped_before)
    }

    /// Marks all generations before this one as wiped.
    pub(crate) fn reject_before(&mut self, generation: u32) {
        self.wiped_before = self.wiped_before.max(generation);
    }

    /// Marks every open generation as wiped, as the member is away.
    pub(crate) fn close(&mut self) {
        self.wiped_before = self.first_unopened();
        self.recent = Vec::new();
        self.open = Vec::new();
        self.wiped_early = SparseVec::default();
        self.retiring = SparseVec::default();
    }

    /// Notes that a frame opened with this key, the newest so far. Older keys are wiped at `at`.
    pub(crate) fn retire_before(&mut self, generation: u32, step: u8, at: Time) {
        if let Some(open) = self.open.iter_mut().find(|open| open.generation == generation) {
            open.has_opened_a_frame = true;
        }
        self.retiring.with(|retiring| {
            if retiring.len() == OPEN_GENERATIONS {
                // The newest also retires the one before it.
                retiring.pop();
            }
            retiring.push((generation, step, at));
        });
    }

    /// The key whose predecessors are to be wiped now.
    pub(crate) fn retired(&mut self, now: Time) -> Option<KeyId> {
        let &(generation, step, at) = self.retiring.first()?;
        if now < at {
            return None;
        }
        self.retiring.with(|retiring| retiring.remove(0));
        let gone = self.open.partition_point(|open| open.generation < generation);
        self.open.drain(..gone);
        self.open.shrink_to_fit();
        self.wiped_before = self.wiped_before.max(generation);
        let before = self.wiped_before;
        self.wiped_early.with(|wiped| wiped.retain(|&early| early >= before));
        Some(KeyId { generation: generation.into(), step: step.into() })
    }

    pub(crate) fn next_retired_at(&self) -> Option<Time> {
        self.retiring.first().map(|&(.., at)| at)
    }

    /// The newest open key, and since when it has been open.
    pub(crate) fn newest_open(&self) -> Option<(KeyId, Time)> {
        let open = self.open.last()?;
        Some((KeyId { generation: open.generation.into(), step: open.step.into() }, open.since))
    }
}

/// Pushes without spare capacity: each member has such a vector, and it mostly holds one element.
fn push<T>(into: &mut Vec<T>, value: T) {
    into.reserve_exact(1);
    into.push(value);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const NOW: Time = Time::at(core::time::Duration::from_secs(1));

    fn start(generation: u32, hash: u8, before: Option<u8>) -> GenerationStart {
        GenerationStart {
            generation,
            hash: [hash; 32],
            before: before.map(|hash| [hash; 32]),
            header: None,
        }
    }

    #[test]
    fn two_chains_of_one_member_contradict_each_other() {
        let mut received = Received::default();
        received.note_start(start(4, 4, Some(3))).unwrap();
        assert_eq!(received.note_start(start(4, 9, None)), Err(GroupError::Equivocation));
        assert_eq!(received.note_start(start(5, 5, Some(9))), Err(GroupError::Equivocation));
        // The heartbeat arrives first, the update later.
        received.note_start(start(5, 5, None)).unwrap();
        assert_eq!(received.note_start(start(5, 5, Some(9))), Err(GroupError::Equivocation));
        received.note_start(start(5, 5, Some(4))).unwrap();
        // Generations in between were not delivered to us.
        received.note_start(start(9, 9, Some(8))).unwrap();
        received.note_start(start(5, 7, None)).unwrap();
        assert_eq!(received.newest(), (9, [9; 32]));
    }

    #[test]
    fn two_keys_with_one_step_contradict_each_other() {
        let mut received = Received::default();
        let opened =
            Opened { generation: 1, step: 2, key_commit: [1; 32], mac: [0; 8], signature: [7; 8] };
        received.note(opened).unwrap();
        received.note(opened).unwrap();
        assert_eq!(
            received.note(Opened { key_commit: [2; 32], ..opened }),
            Err(GroupError::Equivocation)
        );
        for step in 3..7 {
            received.note(Opened { step, ..opened }).unwrap();
        }
        assert_eq!(received.recent.len(), RECENT);
    }

    #[test]
    fn the_newest_of_many_keys_retires_the_older_ones() {
        let mut received = Received::default();
        received.open(0, 0, NOW);
        for step in 0..12 {
            received.retire_before(0, step, NOW);
        }
        let mut last = None;
        while let Some(retired) = received.retired(NOW) {
            last = Some(retired);
        }
        assert_eq!(last, Some(KeyId { generation: 0, step: 11 }));
    }

    #[test]
    fn the_generation_in_use_stays_when_newer_ones_evict_old_ones() {
        let mut received = Received::default();
        received.open(0, 0, NOW);
        received.retire_before(0, 0, NOW);
        for generation in 1..8 {
            assert_eq!(received.open(generation, 0, NOW), None);
        }
        assert_eq!(received.open(8, 0, NOW), Some(1));
        assert_eq!(received.is_open(0), Ok(true));
        assert_eq!(received.is_open(1), Err(GroupError::Stale));
        assert_eq!(received.is_open(9), Ok(false));
        received.retire_before(5, 0, NOW);
        assert_eq!(received.open(9, 0, NOW), Some(0));
    }

    #[test]
    fn a_closed_generation_is_not_opened_again() {
        let mut received = Received::default();
        received.note_start(start(3, 3, None)).unwrap();
        received.open(2, 0, NOW);
        received.close();
        assert!((0..3).all(|generation| received.is_open(generation) == Err(GroupError::Stale)));
        // Generation 3 has begun, and was never open here.
        assert_eq!(received.is_open(3), Ok(false));
    }
}
