//! What is known of another member.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use crate::{
    Admission, GroupError, Identity, Role, SessionId,
    message::{Announce, Evidence, Heartbeat},
    nonces::Nonce,
    verification::Standing,
};

/// Updates of which a member's are told apart: later ones may come this much earlier.
const RECENT: usize = 8;
/// Generations of a member that are open at once: the one in use, those that are on their way, and old ones for late frames.
const OPEN_GENERATIONS: usize = 8;

/// Wiped generations that are remembered one by one.
const MAX_WIPED_EARLY: usize = 32;

pub(crate) struct Member {
    pub(crate) sender: u16,
    pub(crate) role: Role,
    pub(crate) identity: Identity,
    pub(crate) admission: Admission,
    /// What was known of it when it came in, unless people have decided since.
    pub(crate) standing: Standing,
    /// As it was received, to be shown to others. The KEM key lies in it.
    pub(crate) announce: Box<[u8]>,
    pub(crate) nonce: Nonce,
    pub(crate) since: Duration,
    /// What of ours it has been told.
    pub(crate) told: Told,
    pub(crate) updates: Updates,
    pub(crate) life: Life,
    pub(crate) roster: Agreement,
    pub(crate) view: Agreement,
    pub(crate) has_equivocated: bool,
    /// When its keys are to be asked for, unless they come.
    pub(crate) ask_at: Option<Duration>,
    pub(crate) asked_at: Option<Duration>,
    pub(crate) answered_at: Option<Duration>,
    pub(crate) introduced_at: Option<Duration>,
    pub(crate) allowance: Allowance,
}

/// Whether a member has been sent our announce, our present key, and the next one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) announce: bool,
    pub(crate) current: bool,
    pub(crate) pending: bool,
}

impl Member {
    /// `announce_hash`, worked out anew: it is needed when somebody comes or goes.
    pub(crate) fn announce_hash(&self) -> [u8; 32] {
        Announce::hash(&self.announce)
    }

    pub(crate) fn kem_key(&self) -> &[u8] {
        Announce::kem_key_in(&self.announce)
    }

    pub(crate) fn new(
        announce: &Announce,
        message: Vec<u8>,
        admission: Admission,
        standing: Standing,
        now: Duration,
    ) -> Self {
        Self {
            sender: announce.sender,
            role: announce.role,
            identity: announce.identity,
            admission,
            standing,
            announce: message.into(),
            nonce: Nonce { number: announce.nonce_number, bytes: announce.nonce },
            since: now,
            told: Told::default(),
            updates: Updates::default(),
            life: Life::new(now),
            roster: Agreement::default(),
            view: Agreement::default(),
            has_equivocated: false,
            ask_at: None,
            asked_at: None,
            answered_at: None,
            introduced_at: None,
            allowance: Allowance::of_member(now),
        }
    }
}

/// The updates of a member that have come in.
#[derive(Default)]
pub(crate) struct Updates {
    /// By `seq`.
    recent: Vec<Recent>,
    open: Vec<OpenGeneration>,
    begun: Option<Begun>,
    /// The newest generation that has been wiped with all before it.
    wiped: Option<u64>,
    /// Generations that have been wiped before older ones.
    wiped_early: Vec<u64>,
    /// The newest generation that has opened a frame.
    in_use: Option<u64>,
    /// Keys that have opened a frame, and when what came before them is wiped.
    retiring: Vec<(u64, u32, Duration)>,
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
    pub(crate) since: Duration,
}

/// The newest generation that was begun, as far as we know.
pub(crate) struct Begun {
    pub(crate) generation: u64,
    pub(crate) hash: [u8; 32],
    /// Its update with the signature, if it came to us itself.
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
            None if self.recent.len() == RECENT && seq < self.recent[0].seq => Err(GroupError::Stale),
            None => Ok(None),
        }
    }

    /// Notes an update that has been checked.
    pub(crate) fn note(&mut self, seq: u64, hash: [u8; 32], mac: Option<[u8; 16]>) {
        if let Some(recent) = self.recent.iter_mut().find(|recent| recent.seq == seq) {
            recent.mac = recent.mac.or(mac);
            return;
        }
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        let place = self.recent.partition_point(|recent| recent.seq < seq);
        insert(&mut self.recent, place, Recent { seq, hash, mac });
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
        let is_wiped = self.wiped.is_some_and(|wiped| generation <= wiped);
        if is_wiped || self.wiped_early.contains(&generation) {
            return Err(GroupError::Stale);
        }
        Ok(self.open.iter().any(|open| open.generation == generation))
    }

    /// Notes that a generation is open from a step on; a generation that must be wiped for it.
    pub(crate) fn open(&mut self, generation: u64, step: u32, now: Duration) -> Option<u64> {
        let place = self.open.partition_point(|open| open.generation < generation);
        insert(&mut self.open, place, OpenGeneration { generation, step, since: now });
        if self.open.len() <= OPEN_GENERATIONS {
            return None;
        }
        // The oldest, but not the one in use: there may be many newer that were replaced before they were used.
        let place = usize::from(Some(self.open[0].generation) == self.in_use);
        let oldest = self.open.remove(place).generation;
        if self.wiped_early.len() == MAX_WIPED_EARLY {
            self.wiped = self.wiped.max(Some(self.wiped_early.remove(0)));
        }
        self.wiped_early.push(oldest);
        Some(oldest)
    }

    /// A frame has opened with this key, the newest so far: what came before it is wiped at that time.
    pub(crate) fn retire_before(&mut self, generation: u64, step: u32, at: Duration) {
        self.in_use = self.in_use.max(Some(generation));
        if self.retiring.len() < OPEN_GENERATIONS {
            let last = self.retiring.len();
            insert(&mut self.retiring, last, (generation, step, at));
        }
    }

    /// The key before which everything is to be wiped now.
    pub(crate) fn retired(&mut self, now: Duration) -> Option<(u64, u32)> {
        let &(generation, step, at) = self.retiring.first()?;
        if now < at {
            return None;
        }
        self.retiring.remove(0);
        self.retiring.shrink_to_fit();
        let gone = self.open.partition_point(|open| open.generation < generation);
        self.open.drain(..gone);
        self.open.shrink_to_fit();
        self.wiped = self.wiped.max(generation.checked_sub(1));
        let wiped = self.wiped;
        self.wiped_early.retain(|&early| Some(early) > wiped);
        Some((generation, step))
    }

    pub(crate) fn next_retired_at(&self) -> Option<Duration> {
        self.retiring.first().map(|&(.., at)| at)
    }

    pub(crate) fn newest_open(&self) -> Option<OpenGeneration> {
        self.open.last().copied()
    }
}

/// Whether a member is there.
pub(crate) struct Life {
    pub(crate) heard_at: Duration,
    pub(crate) heartbeat_seq: u64,
    pub(crate) is_silent: bool,
    /// It has shown that it knows our announce: it is there now, not in a recording.
    pub(crate) is_fresh: bool,
    /// What it says that it seals with: generation, step, frames.
    pub(crate) sealing: Option<(u64, u32, u64)>,
}

impl Life {
    const fn new(now: Duration) -> Self {
        Self { heard_at: now, heartbeat_seq: 0, is_silent: false, is_fresh: false, sealing: None }
    }

    pub(crate) fn note(&mut self, heartbeat: &Heartbeat) {
        self.heartbeat_seq = heartbeat.seq;
        self.sealing = Some((heartbeat.generation, heartbeat.step, heartbeat.frames));
    }
}

/// Whether a member sees the same as we do.
#[derive(Default)]
pub(crate) struct Agreement {
    /// What it said last, if that is not what we see.
    dispute: Option<Box<Dispute>>,
    pub(crate) is_reported: bool,
}

struct Dispute {
    said: [u8; 32],
    since: Duration,
}

impl Agreement {
    /// It said this; `agrees` says whether we see or saw lately the same. Whether a report is to be taken back.
    pub(crate) fn hear(&mut self, said: [u8; 32], agrees: bool, now: Duration) -> bool {
        if agrees {
            self.dispute = None;
            return core::mem::take(&mut self.is_reported);
        }
        let since = self.dispute.as_ref().map_or(now, |dispute| dispute.since);
        self.dispute = Some(Box::new(Dispute { said, since }));
        false
    }

    /// Whether this is what it said last, and we did not see it.
    pub(crate) fn is_about(&self, hash: &[u8; 32]) -> bool {
        self.dispute.as_ref().is_some_and(|dispute| dispute.said == *hash)
    }

    /// When it will be time to report it.
    pub(crate) fn next_at(&self, after: Duration) -> Option<Duration> {
        let dispute = self.dispute.as_ref().filter(|_| !self.is_reported);
        dispute.map(|dispute| dispute.since + after)
    }

    /// Whether it is time to report it.
    pub(crate) fn is_due(&mut self, after: Duration, now: Duration) -> bool {
        let is_due = self.next_at(after).is_some_and(|at| now >= at);
        self.is_reported |= is_due;
        is_due
    }
}

/// How much somebody may say: a burst, and so much a second after it.
pub(crate) struct Allowance {
    left: u32,
    at: Duration,
    burst: u32,
    per_second: u32,
}

impl Allowance {
    /// For a member.
    pub(crate) const fn of_member(now: Duration) -> Self {
        Self { left: 100, at: now, burst: 100, per_second: 20 }
    }

    /// For all who are no members together: whoever joins a large call hears from many at once.
    pub(crate) const fn of_strangers(now: Duration) -> Self {
        Self { left: 512, at: now, burst: 512, per_second: 64 }
    }

    /// Takes one message's worth, if there is.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_millis();
        let more = u32::try_from(passed * u128::from(self.per_second) / 1000).unwrap_or(self.burst);
        if more > 0 {
            self.left = self.burst.min(self.left.saturating_add(more));
            self.at = now;
        }
        let may = self.left > 0;
        self.left -= u32::from(may);
        may
    }
}

/// Keeps what was said lately apart from what is said now: other members may see it a little later.
pub(crate) struct History {
    past: VecDeque<([u8; 32], Duration)>,
}

impl History {
    const KEPT: usize = 64;

    pub(crate) const fn new() -> Self {
        Self { past: VecDeque::new() }
    }

    /// `hash` has held until now.
    pub(crate) fn push(&mut self, hash: [u8; 32], now: Duration) {
        if self.past.len() == Self::KEPT {
            self.past.pop_front();
        }
        self.past.push_back((hash, now));
    }

    pub(crate) fn held(&self, hash: &[u8; 32], within: Duration, now: Duration) -> bool {
        self.past.iter().any(|(past, until)| past == hash && *until + within >= now)
    }
}

/// What is left of those who are out.
#[derive(Default)]
pub(crate) struct Gone {
    /// Numbers that have been given: none is given twice.
    pub(crate) senders: alloc::collections::BTreeSet<u16>,
    /// The newest of them, with the signed words that ended them, for members who have not heard.
    pub(crate) recent: VecDeque<(SessionId, Option<Vec<u8>>)>,
}

impl Gone {
    const KEPT: usize = 64;

    pub(crate) fn push(&mut self, session: SessionId, sender: u16, words: Option<Vec<u8>>) {
        self.senders.insert(sender);
        if self.recent.len() == Self::KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((session, words));
    }

    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.recent.iter().any(|(gone, _)| *gone == session)
    }
}

/// Grows a vector by what is needed: there is one for each member, and mostly it holds one thing.
fn insert<T>(into: &mut Vec<T>, place: usize, value: T) {
    into.reserve_exact(1);
    into.insert(place, value);
}
