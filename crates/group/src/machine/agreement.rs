//! Exchange and comparison of rosters, views and orders (PROTOCOL.md §6).

use alloc::vec::Vec;
use core::time::Duration;

use super::Group;
use crate::{
    Event, GroupError, Permission, Recipient, SessionId, Time,
    agreement::{Comparison, REPORT_AFTER, Suspect},
    members::{member::Member, orders::SignedOrder},
    message::{Body, Forward, Heartbeat, Message, Roster, RosterEntry, Status, Verified, prefix},
    sorted::SortedMap,
};

/// Orders that differ for this long are forwarded.
const ORDERS_AFTER: Duration = Duration::from_secs(1);
/// Comparisons are spread out: each pair of members waits up to 256 times this long.
const SPREAD: Duration = Duration::from_millis(16);
/// A session may be away at one side for this long before the difference is reported.
const MAY_BE_AWAY: Duration = Duration::from_secs(100);
/// A member that gives proof of life this long after a difference began should have answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Minimum interval between answers to one member's rosters.
const ANSWER_EVERY: Duration = Duration::from_secs(4);
/// Maximum number of messages forwarded for one roster; the next one shows what is still missing.
const MAX_FORWARDED: usize = 64;
/// A session that joined this recently need not be known to all members.
const IS_NEW: Duration = Duration::from_secs(5);

/// How long differences must last before members exchange rosters or orders.
pub(super) struct CompareAfter {
    pub(super) roster: Duration,
    pub(super) orders: Duration,
}

impl CompareAfter {
    /// Adds a delay of up to a few seconds that depends on the pair, so that a newcomer does not
    /// receive everything from every member.
    pub(super) fn new(among: usize, us: SessionId, with: SessionId, mismatch_after: Duration) -> Self {
        let spread = SPREAD * u32::from(with.0[15] ^ us.0[15]);
        let spread = if among > 2 { spread } else { Duration::ZERO };
        Self { roster: mismatch_after + spread, orders: ORDERS_AFTER + spread }
    }
}

/// Whether a member gave proof of life long enough after a difference began that it should have
/// answered.
fn should_have_answered(member: &Member, difference: &Comparison) -> bool {
    let first = difference.first().unwrap_or_default();
    member.presence.proved_at().is_some_and(|at| at > first + ANSWER_WITHIN)
}

/// Our status of a session, and its newest generation.
struct Known {
    status: Status,
    newest: u32,
    update_hash: [u8; 32],
}

impl Group {
    fn compare_after(&self, with: SessionId) -> CompareAfter {
        let mismatch_after = self.core.config.policy.mismatch_after;
        CompareAfter::new(self.members.len(), self.core.session, with, mismatch_after)
    }

    /// Compares the hashes of a heartbeat with ours.
    pub(super) fn compare(&mut self, session: SessionId, heartbeat: &Heartbeat, now: Time) {
        self.refresh_view();
        let Some(member) = self.members.get_mut(&session) else { return };
        let (ours, theirs) = (self.orders_hash.now, heartbeat.orders_hash);
        member.orders.update(theirs, ours, self.orders_hash.holds(&theirs, now), now);
        // With its first heartbeat a session knows no other member.
        if heartbeat.seq == 1 {
            return;
        }
        let theirs = heartbeat.roster_hash;
        let agrees = self.roster.holds(&theirs, now);
        let is_taken_back = member.roster.update(theirs, self.roster.now, agrees, now);
        if agrees {
            let theirs = heartbeat.view_hash;
            member.view.update(theirs, self.view.now, self.view.holds(&theirs, now), now);
        }
        if is_taken_back {
            self.retract_mismatch(session, now);
        }
    }

    /// Retracts the report of a roster mismatch. The member may have been given no keys meanwhile.
    fn retract_mismatch(&mut self, session: SessionId, now: Time) {
        self.core.event(Event::RosterAgrees(session));
        self.schedule_delivery(now);
    }

    pub(super) fn members_that(&self, which: impl Fn(&Member) -> bool) -> Vec<SessionId> {
        let members = self.members.iter().filter(|(_, member)| which(member));
        members.map(|(&session, _)| session).collect()
    }

    pub(super) fn roster_changed(&mut self, now: Time) {
        let hash = self.roster.now;
        for session in self.members_that(|member| member.roster.differs()) {
            let member = self.members.get_mut(&session);
            if member.is_some_and(|member| member.roster.update_ours(hash, now)) {
                self.retract_mismatch(session, now);
            }
        }
    }

    /// Notes that the view changed: a member joined, left or began a generation. The hash is
    /// computed only when it is sent or compared, because after a leave the view changes with each
    /// member's update.
    pub(super) fn view_changed(&mut self, now: Time) {
        let first = self.view_changed.map_or(now, |(first, _)| first);
        self.view_changed = Some((first, now));
    }

    pub(super) fn refresh_view(&mut self) {
        let Some((first, last)) = self.view_changed.take() else { return };
        let of_member = |member: &Member| {
            let (generation, hash) = member.received.newest();
            (member.announce_hash(), generation, hash)
        };
        let mut view: Vec<_> = self.members.values().map(|member| of_member(member)).collect();
        view.push((self.core.announce_hash, self.own.newest_generation, self.own.newest_update.hash));
        if self.view.set(Heartbeat::view_hash(&view), first) {
            let hash = self.view.now;
            for session in self.members_that(|member| member.view.differs()) {
                if let Some(member) = self.members.get_mut(&session) {
                    member.view.update_ours(hash, last);
                }
            }
        }
    }

    /// Exchanges rosters and orders with members whose hashes have differed for long enough.
    pub(super) fn compare_if_due(&mut self, now: Time) {
        self.refresh_view();
        let differing = self.members_that(|member| {
            member.roster.differs() || member.view.differs() || member.orders.differs()
        });
        for session in differing {
            let after = self.compare_after(session);
            let Some(member) = self.members.get_mut(&session) else { continue };
            let roster = member.roster.take_due(after.roster, now);
            let view = member.view.take_due(after.roster, now);
            let orders = member.orders.take_due(after.orders, now);
            let is_lasting =
                member.orders.tries() > REPORT_AFTER && should_have_answered(member, &member.orders);
            if orders && is_lasting && member.orders.report() {
                self.core.event(Event::OrdersDiffer(session));
            }
            if orders {
                self.forward_orders(session);
            }
            if roster || view {
                self.send_roster(session, false);
            }
            if roster {
                self.report_silence(session);
            }
        }
    }

    /// Reports a live member whose roster differs and that does not send it.
    fn report_silence(&mut self, session: SessionId) {
        let Some(member) = self.members.get_mut(&session) else { return };
        let is_silent =
            should_have_answered(member, &member.roster) && member.roster.entries().is_none();
        if is_silent && member.roster.tries() > REPORT_AFTER + 2 && member.roster.report() {
            self.core.event(Event::RosterMismatch { with: session, sessions: Vec::new() });
        }
    }

    /// Our status of every known session, by session prefix.
    fn known_sessions(&self) -> SortedMap<[u8; 8], Known> {
        let nothing = (0, [0; 32]);
        let known = |status, (newest, update_hash)| Known { status, newest, update_hash };
        let mut sessions = SortedMap::new();
        for session in self.refused.sessions() {
            sessions.insert(prefix(session), known(Status::Refused, nothing));
        }
        for departed in self.departed.iter() {
            sessions.insert(prefix(departed.session), known(departed.status, nothing));
        }
        for (&session, _) in self.away.iter() {
            let is_refuser = self.refusers.contains_key(&session);
            let status = if is_refuser { Status::Refused } else { Status::Away };
            sessions.insert(prefix(session), known(status, nothing));
        }
        for (&session, applicant) in self.waiting.iter() {
            let status = if applicant.has_left { Status::Left } else { Status::Judging };
            sessions.insert(prefix(session), known(status, nothing));
        }
        for (&session, member) in self.members.iter() {
            let is_live = member.presence.is_live();
            let status = if is_live { Status::Live } else { Status::NotLive };
            sessions.insert(prefix(session), known(status, member.received.newest()));
        }
        let newest = (self.own.newest_generation, self.own.newest_update.hash);
        sessions.insert(prefix(self.core.session), known(Status::Live, newest));
        sessions
    }

    /// Sends a member our roster.
    fn send_roster(&mut self, to: SessionId, is_answer: bool) {
        let entries = self.known_sessions();
        let entries = entries.iter().map(|(&session, known)| {
            let &Known { status, newest, update_hash: [a, b, c, d, ..] } = known;
            RosterEntry { session, status, newest, update_hash: [a, b, c, d] }
        });
        let entries: Vec<RosterEntry> = entries.collect();
        let mut from = [0; 8];
        let mut parts = entries.chunks(Roster::MAX_ENTRIES).peekable();
        while let Some(part) = parts.next() {
            let last = part.last().map_or([0xff; 8], |entry| entry.session);
            let to_session = if parts.peek().is_some() { last } else { [0xff; 8] };
            let roster = Roster { is_answer, from, to: to_session, entries: part.to_vec() };
            from = u64::from_be_bytes(to_session).saturating_add(1).to_be_bytes();
            self.core.send(Recipient::One(to), &Body::Roster(roster));
        }
    }

    /// Handles a member's roster.
    pub(super) fn on_roster(
        &mut self,
        roster: Verified<'_, Roster>,
        now: Time,
    ) -> Result<(), GroupError> {
        let (with, roster) = (roster.session(), roster.body());
        let is_first_part = roster.from == [0; 8];
        if let Some(member) = self.members.get_mut(&with) {
            member.roster.note_entries(is_first_part, &roster.entries);
            member.view.note_entries(is_first_part, &roster.entries);
        }
        self.forward_missing(with, roster, now);
        if !roster.is_answer && is_first_part {
            let Some(member) = self.members.get_mut(&with) else { return Ok(()) };
            if member.roster_at.is_none_or(|at| now >= at + ANSWER_EVERY) {
                member.roster_at = Some(now);
                self.send_roster(with, true);
            }
        }
        if roster.to == [0xff; 8] {
            self.review(with, now);
        }
        Ok(())
    }

    /// Forwards what the sender of a roster lacks, and requests what we lack.
    fn forward_missing(&mut self, to: SessionId, roster: &Roster, now: Time) {
        let theirs: SortedMap<[u8; 8], &RosterEntry> =
            roster.entries.iter().map(|entry| (entry.session, entry)).collect();
        let is_covered = |session: SessionId| (roster.from..=roster.to).contains(&prefix(session));
        let mut messages: Vec<Vec<u8>> = Vec::new();
        if is_covered(self.core.session) && !theirs.contains_key(&prefix(self.core.session)) {
            messages.push(self.core.announce.clone());
        }
        for (&session, member) in self.members.iter_mut() {
            if session == to || !is_covered(session) {
                continue;
            }
            let Some(entry) = theirs.get(&prefix(session)) else {
                // A session that is not live may be a recording, so it is not introduced to others.
                if member.presence.is_live() {
                    messages.push(member.announce.to_vec());
                }
                continue;
            };
            if !entry.status.is_member() {
                continue;
            }
            let (newest, hash) = member.received.newest();
            let is_other = entry.newest == newest && hash[..4] != entry.update_hash;
            if is_other || newest > entry.newest {
                let header = member.received.newest_start().and_then(|start| start.header.as_ref());
                messages.extend(header.map(|header| header.to_vec()));
            } else if entry.newest > newest && member.presence.sends {
                member.request_keys_by(now);
            }
        }
        if let Some(entry) = theirs.get(&prefix(self.core.session)) {
            let begun = (self.own.newest_generation, &self.own.newest_update.hash[..4]);
            if entry.status.is_member() && begun != (entry.newest, &entry.update_hash[..]) {
                messages.push(self.own.newest_update.header_message());
            }
        }
        for departed in self.departed.iter() {
            let entry = theirs.get(&prefix(departed.session));
            let is_in = entry.is_some_and(|entry| {
                entry.status.is_member() || matches!(entry.status, Status::Judging | Status::Away)
            });
            if is_in && let Some(proof) = &departed.proof {
                let by = Message::parse(proof).map(|message| message.head.session);
                let is_order = by.is_ok_and(|by| by != departed.session);
                let announce = by.ok().filter(|_| is_order).and_then(|by| self.announce_of(by));
                messages.extend(announce.filter(|announce| !messages.contains(announce)));
                messages.push(proof.clone());
            }
        }
        messages.truncate(MAX_FORWARDED);
        self.forward(Recipient::One(to), messages);
    }

    /// Forwards all orders in force, and the ended removals of moderators, which still void those
    /// moderators' later orders. Announces of live signers go first, in a separate forward: a
    /// signer whose announce comes in the same forward as its orders is judged for these alone.
    fn forward_orders(&mut self, to: SessionId) {
        let (here, gone) = self.orders_to_show();
        self.forward(Recipient::One(to), here);
        self.forward(Recipient::One(to), gone);
    }

    /// Forwards all our orders, with the announces of their signers, to all members.
    pub(super) fn forward_orders_to_all(&mut self) {
        let (here, gone) = self.orders_to_show();
        self.forward(Recipient::All, here.into_iter().chain(gone).collect());
    }

    /// The announces of live signers; then those of the other signers, the orders in force and the
    /// ended removals of moderators.
    fn orders_to_show(&self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut here, mut gone): (Vec<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
        let may_have_ordered = |removal: &&SignedOrder| {
            let departed = self.departed.get(removal.order.action.target());
            departed.is_none_or(|departed| departed.permission == Permission::Moderator)
        };
        let ended = self.orders.ended_removals().filter(may_have_ordered);
        let orders: Vec<_> = self.orders.iter().chain(ended).collect();
        for order in &orders {
            let is_live = |session| {
                let member = self.members.get(&session);
                member.is_some_and(|member| member.presence.is_live())
            };
            let list = if is_live(order.by) { &mut here } else { &mut gone };
            let announce = self.announce_of(order.by).filter(|_| order.by != self.core.session);
            list.extend(announce.filter(|announce| !list.contains(announce)));
        }
        gone.extend(orders.iter().map(|order| order.message.to_vec()));
        (here, gone)
    }

    /// Forwards messages in as few forwards as possible, in order.
    fn forward(&mut self, to: Recipient, messages: Vec<Vec<u8>>) {
        let mut part: Vec<Vec<u8>> = Vec::new();
        let mut len = 0;
        for message in messages {
            if len + message.len() + 2 > Forward::MAX_LEN {
                let messages = core::mem::take(&mut part);
                self.core.send(to, &Body::Forward(Forward { messages }));
                len = 0;
            }
            len += message.len() + 2;
            part.push(message);
        }
        if !part.is_empty() {
            self.core.send(to, &Body::Forward(Forward { messages: part }));
        }
    }

    /// Reviews the differences after a member's roster arrived, and reports those that persist.
    fn review(&mut self, with: SessionId, now: Time) {
        let known = self.known_sessions();
        let Some(member) = self.members.get(&with) else { return };
        if let (Some(entries), Some(first)) = (member.roster.entries(), member.roster.first()) {
            let unexplained = self.unexplained(entries, &known, first, now);
            let Some(member) = self.members.get_mut(&with) else { return };
            let sessions = member.roster.review(unexplained, now);
            if !sessions.is_empty() && member.roster.report() {
                self.core.event(Event::RosterMismatch { with, sessions });
            }
        }
        let Some(member) = self.members.get(&with) else { return };
        if let (Some(entries), Some(first)) = (member.view.entries(), member.view.first()) {
            // If a session has been silent since the difference began, its last statement may have
            // reached one side alone.
            let is_heard = |session: [u8; 8]| {
                let mut members = self.members_with_prefix(session);
                session == prefix(self.core.session)
                    || members.any(|member| member.presence.proved_at().is_some_and(|at| at > first))
            };
            let differs = entries.iter().filter_map(|entry| {
                let known = known.get(&entry.session)?;
                let is_live = [known.status, entry.status] == [Status::Live; 2];
                let is_same =
                    (known.newest, &known.update_hash[..4]) == (entry.newest, &entry.update_hash[..]);
                let (session, ours, theirs) = (entry.session, known.newest, entry.newest);
                let counts = is_live && (ours == theirs || is_heard(session));
                (counts && !is_same).then_some(Suspect { session, ours, theirs })
            });
            let suspects = differs.collect();
            let Some(member) = self.members.get_mut(&with) else { return };
            let sessions = member.view.review(suspects, now);
            if !sessions.is_empty() && member.view.report() {
                self.core.event(Event::ViewMismatch { with, sessions });
            }
        }
    }

    /// The sessions that only one side sees without an explanation.
    fn unexplained(
        &self,
        theirs: &[RosterEntry],
        ours: &SortedMap<[u8; 8], Known>,
        first: Time,
        now: Time,
    ) -> Vec<Suspect> {
        let theirs: SortedMap<[u8; 8], Status> =
            theirs.iter().map(|entry| (entry.session, entry.status)).collect();
        let is_member = |status: Option<Status>| status.is_some_and(Status::is_member);
        let all = ours.keys().chain(theirs.keys().filter(|session| !ours.contains_key(*session)));
        let mut unexplained = Vec::new();
        for &session in all {
            let our_status = ours.get(&session).map(|known| known.status);
            let their_status = theirs.get(&session).copied();
            if is_member(our_status) == is_member(their_status) {
                continue;
            }
            let other = if is_member(our_status) { their_status } else { our_status };
            let is_doubtful = [our_status, their_status].contains(&Some(Status::NotLive));
            let is_explained = match other {
                None if is_doubtful => true,
                None => {
                    // It may have joined after the member sent its roster.
                    let mut members = self.members_with_prefix(session);
                    members.any(|member| member.since > now - IS_NEW)
                }
                Some(Status::Away) => now < first + MAY_BE_AWAY,
                Some(
                    Status::Live
                    | Status::NotLive
                    | Status::Judging
                    | Status::Refused
                    | Status::Left
                    | Status::Removed
                    | Status::Replaced,
                ) => true,
            };
            if !is_explained {
                unexplained.push(Suspect { session, ours: 0, theirs: 0 });
            }
        }
        unexplained
    }
}
