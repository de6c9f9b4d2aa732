//! Who sees another call than we do.

use alloc::{
    boxed::Box,
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};
use core::time::Duration;

use crate::{
    Event, Group, Recipient, SessionId,
    member::Member,
    message::{self, Body, Evidence, Heartbeat, KeyUpdate},
    moment::Moment,
    policy::OnDispute,
};

/// How long what somebody sees may differ from what we see because messages take their time.
const LAG: Duration = Duration::from_secs(5);

/// Who is in the call now is said this soon after that has changed: what was said before may have crossed other news.
const SAY_WITHIN: Duration = Duration::from_secs(3);
/// Between one member that is shown it and the next.
const INTRODUCE_PACE: Duration = Duration::from_millis(250);

/// Whether a member sees the same as we do.
#[derive(Default)]
pub(crate) struct Agreement {
    /// What it said last, if that is not what we see.
    dispute: Option<Box<Dispute>>,
}

struct Dispute {
    said: [u8; 32],
    since: Moment,
    is_reported: bool,
}

impl Agreement {
    /// It said this; `agrees` says whether we see or saw lately the same. Whether a report is to be taken back.
    pub(crate) fn hear(&mut self, said: [u8; 32], agrees: bool, now: Duration) -> bool {
        if agrees {
            return self.dispute.take().is_some_and(|dispute| dispute.is_reported);
        }
        match &mut self.dispute {
            Some(dispute) => dispute.said = said,
            None => {
                let dispute = Dispute { said, since: now.into(), is_reported: false };
                self.dispute = Some(Box::new(dispute));
            }
        }
        false
    }

    /// Whether this is what it said last, and we did not see it.
    fn is_about(&self, hash: &[u8; 32]) -> bool {
        self.dispute.as_ref().is_some_and(|dispute| dispute.said == *hash)
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.dispute.as_ref().is_some_and(|dispute| dispute.is_reported)
    }

    /// When it will be time to report it.
    pub(crate) fn next_at(&self, after: Duration) -> Option<Duration> {
        let dispute = self.dispute.as_ref().filter(|dispute| !dispute.is_reported);
        dispute.map(|dispute| dispute.since.plus(after))
    }

    /// Whether it is to be reported now; it is from now on.
    fn must_report(&mut self, after: Duration, now: Duration) -> bool {
        let is_due = self.next_at(after).is_some_and(|at| now >= at);
        if let Some(dispute) = &mut self.dispute {
            dispute.is_reported |= is_due;
        }
        is_due
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

/// Members that are to be shown what we know of others. When many see another call than we do, many are at once, and what each
/// is shown grows with the call: so one after the other. The first are those whose sessions follow ours: each member
/// begins with another.
pub(crate) struct Introductions {
    waiting: BTreeSet<SessionId>,
    last: SessionId,
    next_at: Duration,
}

impl Introductions {
    pub(crate) const fn new(us: SessionId) -> Self {
        Self { waiting: BTreeSet::new(), last: us, next_at: Duration::ZERO }
    }

    pub(crate) fn next_at(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    fn next(&mut self, now: Duration) -> Option<SessionId> {
        if now < self.next_at {
            return None;
        }
        let following =
            self.waiting.range(self.last..).next().or_else(|| self.waiting.first()).copied()?;
        self.waiting.remove(&following);
        self.last = following;
        Some(following)
    }
}

impl Group {
    /// The roster has changed, and so has the view.
    pub(crate) fn see_roster(&mut self, now: Duration) {
        let members = self.members.iter();
        let mut roster: Vec<_> = members
            .map(|(&session, member)| (session, member.identity(), member.announce_hash()))
            .collect();
        roster.push((self.head.session, self.key.public(), self.announce_hash));
        self.rosters.push(self.roster_hash, now);
        self.roster_hash = Heartbeat::roster_hash(&roster);
        self.times.heartbeat_at = self.times.heartbeat_at.min(now + SAY_WITHIN);
        let mut agree = Vec::new();
        for (&session, member) in &mut self.members {
            if member.roster.is_about(&self.roster_hash) {
                member.life.is_fresh = true;
                if member.roster.hear(self.roster_hash, true, now) {
                    agree.push(session);
                }
            }
        }
        for session in agree {
            self.agree(session, now);
        }
        self.see_view(now);
    }

    /// A member whose roster was in dispute sees the same as we do. It may have been told no keys meanwhile.
    fn agree(&mut self, session: SessionId, now: Duration) {
        self.event(Event::RosterAgrees(session));
        self.want_delivery(now);
    }

    /// Somebody has begun a generation.
    pub(crate) fn see_view(&mut self, now: Duration) {
        let nothing = (0, [0; 32]);
        let members = self.members.iter().map(|(&session, member)| {
            let begun = member.updates.begun().map_or(nothing, |begun| (begun.generation, begun.hash));
            (session, begun.0, begun.1)
        });
        let mut view: Vec<_> = members.collect();
        view.push((self.head.session, self.own.begun.generation, self.own.begun.hash));
        self.views.push(self.view_hash, now);
        self.view_hash = Heartbeat::view_hash(&view);
        for member in self.members.values_mut() {
            if member.view.is_about(&self.view_hash) {
                member.view.hear(self.view_hash, true, now);
            }
        }
    }

    /// Members that may be told our keys.
    pub(crate) fn is_trusted(&self, member: &Member) -> bool {
        self.config.policy.on_dispute == OnDispute::Report || !member.roster.is_reported()
    }

    /// A member says who it sees in the call. Whether we see or saw lately the same.
    pub(crate) fn hear_roster(&mut self, session: SessionId, said: [u8; 32], now: Duration) -> bool {
        let is_now = said == self.roster_hash;
        let agrees = is_now || self.rosters.held(&said, LAG, now);
        if let Some(member) = self.members.get_mut(&session) {
            member.life.is_fresh |= is_now;
            if member.roster.hear(said, agrees, now) {
                self.agree(session, now);
            }
        }
        agrees
    }

    pub(crate) fn hear_view(&mut self, session: SessionId, said: [u8; 32], now: Duration) {
        let agrees = said == self.view_hash || self.views.held(&said, LAG, now);
        if let Some(member) = self.members.get_mut(&session) {
            member.view.hear(said, agrees, now);
        }
    }

    /// Reports who goes on seeing another call, and shows it what we know, soon.
    pub(crate) fn report_disputes(&mut self, now: Duration) {
        let after = self.config.policy.dispute_after;
        let mut rosters = Vec::new();
        for (&session, member) in &mut self.members {
            let roster = member.roster.must_report(after, now);
            let view = member.view.must_report(after, now);
            if roster {
                rosters.push(session);
            }
            let is_owed = member.next_introduction_at().is_some_and(|at| now >= at);
            if roster || view || is_owed {
                member.introduced_at = Some(now.into());
                self.introductions.waiting.insert(session);
            }
        }
        for session in rosters {
            self.event(Event::RosterMismatch(session));
        }
        self.introduce_one(now);
    }

    /// Shows what we know to the next member that still sees another call.
    fn introduce_one(&mut self, now: Duration) {
        while let Some(session) = self.introductions.next(now) {
            let Some(member) = self.members.get(&session) else { continue };
            let (roster, view) = (member.roster.is_reported(), member.view.is_reported());
            if roster {
                self.introduce_others(session);
            } else if view {
                self.show_evidence(session);
            } else {
                continue;
            }
            self.introductions.next_at = now + INTRODUCE_PACE;
        }
    }

    /// Hands on the announces of those who are in, and the words of those who are out.
    fn introduce_others(&mut self, to: SessionId) {
        let members = self.members.iter().filter(|(session, _)| **session != to);
        let mut words: Vec<Vec<u8>> = members.map(|(_, member)| member.announce.to_vec()).collect();
        words.push(self.announce.clone());
        words.extend(self.gone.words().cloned());
        words.extend(self.lock.words.clone());
        for message in words {
            self.send(Recipient::One(to), message);
        }
    }

    /// Hands on what others have signed of the generations that they began.
    fn show_evidence(&mut self, to: SessionId) {
        let signed = |member: &Member| Some(**member.updates.begun()?.signed.as_ref()?);
        let mut updates: Vec<_> = self.members.values().filter_map(|member| signed(member)).collect();
        updates.push(*self.own.begun.signed);
        const { assert!(Evidence::UPDATE_LEN == KeyUpdate::HEADER_LEN + 64) };
        let message = message::sign(&self.head, &Body::Evidence(Evidence { updates }), &self.key);
        self.send(Recipient::One(to), message);
    }
}
