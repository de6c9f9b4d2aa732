//! What is known of another member.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use crate::{
    Admission, Identity, Power, Role, SessionId, UserId,
    disputes::Agreement,
    message::{Announce, Heartbeat},
    moment::Moment,
    nonces::Nonce,
    updates::Updates,
    verification::Standing,
};

/// A member's keys are asked for at most this often.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A member that goes on seeing another call is shown what we know this often.
const INTRODUCE_AGAIN: Duration = Duration::from_secs(60);

pub(crate) struct Member {
    pub(crate) sender: u16,
    pub(crate) role: Role,
    pub(crate) user: UserId,
    pub(crate) power: Power,
    /// What was known of it when it came in, unless people have decided since.
    pub(crate) standing: Standing,
    /// As it was received, to be shown to others. Its identity and its KEM key lie in it.
    pub(crate) announce: Box<[u8]>,
    pub(crate) nonce: Nonce,
    pub(crate) since: Moment,
    /// What of ours it has been told.
    pub(crate) told: Told,
    pub(crate) updates: Updates,
    pub(crate) life: Life,
    pub(crate) roster: Agreement,
    pub(crate) view: Agreement,
    pub(crate) has_equivocated: bool,
    /// When its keys are to be asked for, unless they come.
    ask_at: Option<Moment>,
    asked_at: Option<Moment>,
    pub(crate) answered_at: Option<Moment>,
    pub(crate) introduced_at: Option<Moment>,
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

    pub(crate) fn identity(&self) -> Identity {
        Announce::identity_in(&self.announce)
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
            user: admission.user,
            power: admission.power,
            standing,
            announce: message.into(),
            nonce: Nonce { number: announce.nonce_number, bytes: announce.nonce },
            since: now.into(),
            told: Told::default(),
            updates: Updates::default(),
            life: Life::new(now),
            roster: Agreement::default(),
            view: Agreement::default(),
            has_equivocated: false,
            // Its keys are on their way.
            ask_at: Some((now + Duration::from_millis(1500)).into()),
            asked_at: None,
            answered_at: None,
            introduced_at: None,
            allowance: Allowance::of_member(now),
        }
    }

    /// When it is lost, unless it is heard before. Of who has not shown that it knows us, what is heard may be a recording.
    pub(crate) fn lost_at(&self, after: Duration) -> Duration {
        let last = if self.life.is_fresh { self.life.heard_at } else { self.since };
        last.plus(after)
    }

    /// Its keys are to be asked for, unless they come before.
    pub(crate) fn ask_by(&mut self, at: Duration) {
        self.ask_at.get_or_insert(at.into());
    }

    /// Its keys have come.
    pub(crate) const fn ask_no_more(&mut self) {
        self.ask_at = None;
    }

    /// When its keys are asked for next.
    pub(crate) fn next_ask_at(&self) -> Option<Duration> {
        let ask_at = self.ask_at?.into();
        Some(self.asked_at.map_or(ask_at, |asked| ask_at.max(asked.plus(ASK_EVERY))))
    }

    /// When it is shown next what we know of others, if it goes on seeing another call.
    pub(crate) fn next_introduction_at(&self) -> Option<Duration> {
        let owes = self.roster.is_reported() || self.view.is_reported();
        self.introduced_at.filter(|_| owes).map(|at| at.plus(INTRODUCE_AGAIN))
    }

    /// Whether its keys are asked for now, and again until they come.
    pub(crate) fn must_ask(&mut self, now: Duration) -> bool {
        let is_due = self.next_ask_at().is_some_and(|at| now >= at);
        if is_due {
            self.asked_at = Some(now.into());
            self.ask_at = Some((now + ASK_EVERY).into());
        }
        is_due
    }
}

/// Whether a member is there.
pub(crate) struct Life {
    pub(crate) heard_at: Moment,
    /// Of its newest heartbeat; 0 before the first.
    pub(crate) heartbeat_seq: u64,
    pub(crate) is_silent: bool,
    /// It has acknowledged a key of ours, or seen us in the call: it is there now, not in a recording.
    pub(crate) is_fresh: bool,
    frames_sealed: u64,
}

impl Life {
    fn new(now: Duration) -> Self {
        Self {
            heard_at: now.into(),
            heartbeat_seq: 0,
            is_silent: false,
            is_fresh: false,
            frames_sealed: 0,
        }
    }

    pub(crate) fn note(&mut self, heartbeat: &Heartbeat) {
        self.heartbeat_seq = heartbeat.seq;
        self.frames_sealed = heartbeat.frames;
    }

    /// How many frames it says that it has sealed with its present key, if it has said.
    pub(crate) fn frames_sealed(&self) -> Option<u64> {
        (self.heartbeat_seq > 0).then_some(self.frames_sealed)
    }
}

/// How much somebody may say: a burst, and so much a second after it.
pub(crate) struct Allowance {
    left: u16,
    at: Moment,
    rate: Rate,
}

#[derive(Clone, Copy)]
enum Rate {
    /// Of one member.
    Member,
    /// Of all who are no members together: whoever joins a large call hears from many at once.
    Strangers,
    /// Of all who say something in a member's name that it has not signed.
    Forgers,
}

impl Rate {
    const fn burst(self) -> u16 {
        match self {
            Self::Member => 100,
            Self::Strangers | Self::Forgers => 512,
        }
    }

    const fn per_second(self) -> u32 {
        match self {
            Self::Member => 20,
            Self::Strangers => 64,
            Self::Forgers => 200,
        }
    }
}

impl Allowance {
    pub(crate) fn of_member(now: Duration) -> Self {
        Self::new(Rate::Member, now)
    }

    pub(crate) fn of_strangers(now: Duration) -> Self {
        Self::new(Rate::Strangers, now)
    }

    pub(crate) fn of_forgers(now: Duration) -> Self {
        Self::new(Rate::Forgers, now)
    }

    fn new(rate: Rate, now: Duration) -> Self {
        Self { left: rate.burst(), at: now.into(), rate }
    }

    /// Whether there is one message's worth. Time that is not yet worth one is kept for the next look: however unevenly messages
    /// come, nothing of the rate is lost.
    pub(crate) fn has_left(&mut self, now: Duration) -> bool {
        let each = Duration::from_secs(1) / self.rate.per_second();
        let passed = now.saturating_sub(self.at.into());
        let more = u16::try_from(passed.as_nanos() / each.as_nanos()).unwrap_or(u16::MAX);
        let full = self.rate.burst() - self.left;
        if more >= full {
            self.left = self.rate.burst();
            self.at = now.into();
        } else {
            self.left += more;
            self.at = self.at.plus(each * u32::from(more)).into();
        }
        self.left > 0
    }

    /// Takes one message's worth, if there is.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let may = self.has_left(now);
        self.left -= u16::from(may);
        may
    }
}

/// What is left of those who are out.
#[derive(Default)]
pub(crate) struct Gone {
    /// Numbers that have been given: none is given twice.
    pub(crate) senders: alloc::collections::BTreeSet<u16>,
    /// The newest of them.
    recent: VecDeque<Departed>,
}

pub(crate) struct Departed {
    pub(crate) session: SessionId,
    /// The signed words that ended it, for members who have not heard.
    pub(crate) words: Option<Vec<u8>>,
    /// Who it was and until when its removals are heard, if it could remove others.
    pub(crate) moderator: Option<(Identity, Duration)>,
}

impl Gone {
    const KEPT: usize = 64;

    pub(crate) fn push(&mut self, sender: u16, departed: Departed) {
        self.senders.insert(sender);
        if self.recent.len() == Self::KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(departed);
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&Departed> {
        self.recent.iter().find(|gone| gone.session == session)
    }

    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.get(session).is_some()
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.recent.iter().filter_map(|gone| gone.words.as_ref())
    }
}
