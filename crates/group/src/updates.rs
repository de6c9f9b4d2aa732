//! The key updates of a member that have come in.

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use crate::{GroupError, message::Evidence, moment::Moment};

/// Updates of a member that are told apart: so many may come before one that was sent earlier.
const RECENT: usize = 8;
/// So long after the last update they are told apart, and what began a generation can be shown to others: longer than
/// somebody can be in a call without being heard.
const KEPT_FOR: Duration = Duration::from_secs(180);
/// Generations of a member that are open at once: the one in use, those that are on their way, and old ones for late frames.
const OPEN_GENERATIONS: usize = 8;

/// Wiped generations that are remembered one by one.
const MAX_WIPED_EARLY: usize = 32;

/// The updates of a member that have come in.
#[derive(Default)]
pub(crate) struct Updates {
    /// The newest, by `seq`.
    recent: Vec<Recent>,
    /// Earlier ones are refused.
    oldest_seq: u64,
    noted_at: Option<Moment>,
    open: Vec<OpenGeneration>,
    begun: Option<Begun>,
    /// All generations before this have been wiped.
    wiped_before: u64,
    /// Generations that have been wiped before older ones.
    wiped_early: Vec<u64>,
    /// Keys that have opened a frame, and when what came before them is wiped.
    retiring: Vec<(u64, u32, Moment)>,
}

#[derive(Clone, Copy)]
pub(crate) struct Recent {
    pub(crate) seq: u64,
    pub(crate) hash: [u8; 32],
    /// What says that it was opened.
    pub(crate) mac: Option<[u8; 16]>,
}

/// A generation of which a key was installed.
#[derive(Clone, Copy)]
pub(crate) struct OpenGeneration {
    pub(crate) generation: u64,
    pub(crate) step: u32,
    pub(crate) since: Moment,
    has_opened_a_frame: bool,
}

/// The newest generation that was begun, as far as we know.
pub(crate) struct Begun {
    pub(crate) generation: u64,
    pub(crate) hash: [u8; 32],
    /// Its update with the signature, if it came to us itself, not long ago.
    pub(crate) signed: Option<Box<[u8; Evidence::UPDATE_LEN]>>,
}

impl Updates {
    /// Whether an update with this number may still come; what is known of it if it has.
    ///
    /// # Errors
    /// [`GroupError::Equivocation`], [`GroupError::Stale`].
    pub(crate) fn check(&self, seq: u64, hash: &[u8; 32]) -> Result<Option<Recent>, GroupError> {
        match self.recent.iter().find(|recent| recent.seq == seq) {
            Some(recent) if recent.hash == *hash => Ok(Some(*recent)),
            Some(_) => Err(GroupError::Equivocation),
            None if seq < self.oldest_seq => Err(GroupError::Stale),
            None => Ok(None),
        }
    }

    /// Notes an update that has been checked.
    pub(crate) fn note(&mut self, seq: u64, hash: [u8; 32], mac: Option<[u8; 16]>, now: Duration) {
        self.noted_at = Some(now.into());
        if let Some(recent) = self.recent.iter_mut().find(|recent| recent.seq == seq) {
            recent.mac = recent.mac.or(mac);
            return;
        }
        let place = self.recent.partition_point(|recent| recent.seq < seq);
        insert(&mut self.recent, place, Recent { seq, hash, mac });
        if self.recent.len() > RECENT {
            self.oldest_seq = self.recent.remove(0).seq + 1;
        }
    }

    pub(crate) fn next_forgotten_at(&self) -> Option<Duration> {
        self.noted_at.map(|noted| noted.plus(KEPT_FOR))
    }

    /// Forgets what is kept for a while only.
    pub(crate) fn forget_noted(&mut self, now: Duration) {
        if self.noted_at.is_some_and(|noted| now >= noted.plus(KEPT_FOR)) {
            self.noted_at = None;
            self.oldest_seq = self.newest_seq();
            self.recent.drain(..self.recent.len() - 1);
            self.recent.shrink_to_fit();
            if let Some(begun) = &mut self.begun {
                begun.signed = None;
            }
        }
    }

    pub(crate) fn newest_seq(&self) -> u64 {
        self.recent.last().map_or(0, |recent| recent.seq)
    }

    pub(crate) const fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// Notes that a generation has begun, unless a later one is known. Whether the one before it, whose update has this
    /// hash, is known.
    ///
    /// # Errors
    /// [`GroupError::Equivocation`] if it has begun with another update.
    pub(crate) fn begin(
        &mut self,
        begun: Begun,
        before: Option<&[u8; 32]>,
    ) -> Result<bool, GroupError> {
        match &mut self.begun {
            Some(known) if known.generation > begun.generation => {}
            Some(known) if known.generation == begun.generation => {
                if known.hash != begun.hash {
                    return Err(GroupError::Equivocation);
                }
                known.signed = known.signed.take().or(begun.signed);
            }
            Some(known) => {
                let is_known = before.is_none_or(|before| *before == known.hash);
                *known = begun;
                return Ok(is_known);
            }
            None => self.begun = Some(begun),
        }
        Ok(true)
    }

    /// Whether a generation is open, or may be opened.
    ///
    /// # Errors
    /// [`GroupError::Stale`] for what has been wiped: its frames would open once more.
    pub(crate) fn is_open(&self, generation: u64) -> Result<bool, GroupError> {
        if generation < self.wiped_before || self.wiped_early.contains(&generation) {
            return Err(GroupError::Stale);
        }
        Ok(self.open.iter().any(|open| open.generation == generation))
    }

    /// Notes that a generation is open from a step on; a generation that must be wiped for it.
    pub(crate) fn open(&mut self, generation: u64, step: u32, now: Duration) -> Option<u64> {
        let place = self.open.partition_point(|open| open.generation < generation);
        let open = OpenGeneration { generation, step, since: now.into(), has_opened_a_frame: false };
        insert(&mut self.open, place, open);
        if self.open.len() <= OPEN_GENERATIONS {
            return None;
        }
        // The oldest, but not the one in use: there may be many newer that were replaced before they were used.
        let used = self.open.iter().rposition(|open| open.has_opened_a_frame);
        let place = usize::from(used == Some(0));
        let oldest = self.open.remove(place).generation;
        if self.wiped_early.len() == MAX_WIPED_EARLY {
            self.wiped_before = self.wiped_before.max(self.wiped_early.remove(0) + 1);
        }
        self.wiped_early.push(oldest);
        Some(oldest)
    }

    /// A frame has opened with this key, the newest so far: what came before it is wiped at that time.
    pub(crate) fn retire_before(&mut self, generation: u64, step: u32, at: Duration) {
        if let Some(open) = self.open.iter_mut().find(|open| open.generation == generation) {
            open.has_opened_a_frame = true;
        }
        if self.retiring.len() == OPEN_GENERATIONS {
            // The newest stands for the one before it.
            self.retiring.pop();
        }
        let last = self.retiring.len();
        insert(&mut self.retiring, last, (generation, step, at.into()));
    }

    /// The key before which everything is to be wiped now.
    pub(crate) fn retired(&mut self, now: Duration) -> Option<(u64, u32)> {
        let &(generation, step, at) = self.retiring.first()?;
        if now < at.into() {
            return None;
        }
        self.retiring.remove(0);
        self.retiring.shrink_to_fit();
        let gone = self.open.partition_point(|open| open.generation < generation);
        self.open.drain(..gone);
        self.open.shrink_to_fit();
        self.wiped_before = self.wiped_before.max(generation);
        let before = self.wiped_before;
        self.wiped_early.retain(|&early| early >= before);
        Some((generation, step))
    }

    pub(crate) fn next_retired_at(&self) -> Option<Duration> {
        self.retiring.first().map(|&(.., at)| at.into())
    }

    pub(crate) fn newest_open(&self) -> Option<OpenGeneration> {
        self.open.last().copied()
    }
}

/// Grows a vector by what is needed: there is one for each member, and mostly it holds one thing.
fn insert<T>(into: &mut Vec<T>, place: usize, value: T) {
    into.reserve_exact(1);
    into.insert(place, value);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const NOW: Duration = Duration::from_secs(1);
    const MAC: Option<[u8; 16]> = Some([7; 16]);

    #[test]
    fn the_last_eight_are_told_apart_and_the_last_one_later() {
        let mut updates = Updates::default();
        for seq in [3, 1, 2, 4, 6, 5, 7, 9, 10] {
            assert!(updates.check(seq, &[1; 32]).unwrap().is_none(), "{seq} is new");
            updates.note(seq, [1; 32], MAC, NOW);
        }
        assert_eq!(updates.check(1, &[1; 32]).err(), Some(GroupError::Stale));
        // One that is too late pushes none out.
        let mut full = Updates::default();
        for seq in [10, 11, 12, 13, 14, 15, 16, 17, 5] {
            full.note(seq, [1; 32], MAC, NOW);
        }
        assert!(full.check(10, &[1; 32]).unwrap().is_some());
        for seq in [2, 3, 4, 5, 6, 7, 9, 10] {
            assert_eq!(updates.check(seq, &[1; 32]).unwrap().unwrap().mac, MAC);
            assert_eq!(updates.check(seq, &[2; 32]).err(), Some(GroupError::Equivocation));
        }
        assert!(updates.check(8, &[1; 32]).unwrap().is_none());

        updates.forget_noted(NOW + KEPT_FOR - Duration::from_millis(1));
        assert!(updates.check(2, &[1; 32]).is_ok());
        updates.forget_noted(NOW + KEPT_FOR);
        assert!((0..10).all(|seq| updates.check(seq, &[1; 32]).err() == Some(GroupError::Stale)));
        assert_eq!(updates.check(10, &[2; 32]).err(), Some(GroupError::Equivocation));
        assert!(updates.check(11, &[1; 32]).unwrap().is_none());
        assert_eq!(updates.next_forgotten_at(), None);
    }

    #[test]
    fn the_newest_of_many_keys_retires_what_is_before_it() {
        let mut updates = Updates::default();
        updates.open(0, 0, NOW);
        for step in 0..12 {
            updates.retire_before(0, step, NOW);
        }
        let mut last = None;
        while let Some(retired) = updates.retired(NOW) {
            last = Some(retired);
        }
        assert_eq!(last, Some((0, 11)));
    }

    #[test]
    fn a_generation_that_two_updates_begin_is_noticed_however_late() {
        let mut updates = Updates::default();
        let begun = |hash| Begun { generation: 4, hash, signed: Some(Box::new([0; 238])) };
        updates.note(1, [1; 32], None, NOW);
        updates.begin(begun([1; 32]), None).unwrap();
        assert!(updates.begun().unwrap().signed.is_some());
        updates.forget_noted(NOW + KEPT_FOR);
        assert!(updates.begun().unwrap().signed.is_none());
        assert_eq!(updates.begin(begun([2; 32]), None), Err(GroupError::Equivocation));
    }

    #[test]
    fn the_generation_in_use_stays_when_newer_ones_push_out_old_ones() {
        let mut updates = Updates::default();
        updates.open(0, 0, NOW);
        updates.retire_before(0, 0, NOW);
        for generation in 1..8 {
            assert_eq!(updates.open(generation, 0, NOW), None);
        }
        assert_eq!(updates.open(8, 0, NOW), Some(1));
        assert_eq!(updates.is_open(0), Ok(true));
        assert_eq!(updates.is_open(1), Err(GroupError::Stale));
        assert_eq!(updates.is_open(9), Ok(false));
        updates.retire_before(5, 0, NOW);
        assert_eq!(updates.open(9, 0, NOW), Some(0));
    }
}
