//! Heartbeats, presence of members, and members that are away (PROTOCOL.md §5).

use core::time::Duration;

use super::{Group, agreement::CompareAfter, timers::Timer};
use crate::{
    Event, GroupError, KeyChange, LeaveReason, Policy, Recipient, SessionId, Time,
    members::{admission::Applicant, departed::AwayMember, member::Member},
    message::{
        self, Body, Heartbeat, Message, Request, Verified, VerifiedBody, Wants, Witness, prefix,
    },
};

/// Heartbeat intervals without proof of life after which a member is unresponsive.
const UNRESPONSIVE_AFTER: u32 = 3;
/// Heartbeat intervals without proof of life after which a member is asked for it.
const ASKED_AFTER: u32 = 2;
/// Minimum interval between heartbeats to one member alone.
const ANSWER_EVERY: Duration = Duration::from_secs(1);
/// Time for a member's proof of life after our machine slept.
const EXCUSED: Duration = Duration::from_secs(20);
/// Time in which an older session of an identity must be heard.
const CONTEST: Duration = Duration::from_secs(30);
/// The first heartbeat after a reconnection is repeated after this part of T.
const REPEATED_WITHIN: u32 = 10;
/// In calls of up to this many members heartbeats are sent twice as often while one is
/// unresponsive.
const SMALL_CALL: usize = 64;
/// Every heartbeat carries prekeys of up to this length, bytes; larger ones are sent only while
/// new.
const SMALL_PREKEY: usize = 64;

impl Group {
    /// The heartbeat interval, T.
    fn heartbeat_interval(&self) -> Duration {
        self.core.config.policy.heartbeat_among(self.members.len() + 1)
    }

    pub(super) fn lost_after(&self) -> Duration {
        self.heartbeat_interval() * self.core.config.policy.missed_heartbeats_until_lost
    }

    pub(super) fn send_heartbeat_to_all(&mut self, now: Time) {
        let asks = self.asks_who_is_there(now);
        self.send_heartbeat(Recipient::All, asks, now);
        self.set_heartbeat_timer(now);
        self.heartbeats.forget_before(now - self.lost_after());
    }

    /// Whether our heartbeat asks for answers: after a break, members that are away here may not
    /// know that they are.
    pub(super) fn asks_who_is_there(&self, now: Time) -> bool {
        let until = self.reconnected_at.map(|at| at + self.heartbeat_interval());
        until.is_some_and(|until| now < until) && self.away.iter().next().is_some()
    }

    /// Sets the timer of the next heartbeat to all.
    pub(super) fn set_heartbeat_timer(&mut self, now: Time) {
        let interval = self.heartbeat_interval();
        // In small calls a member that was unreachable hears us soon after its return.
        let is_missed = self.members.len() <= SMALL_CALL
            && self.members.values().any(|member| member.presence.is_unresponsive);
        let usual = if is_missed { interval / 2 } else { interval };
        let soonest = interval / REPEATED_WITHIN;
        // Wait as long again as has passed since: after 1, 2, 4 and 8 s.
        let after_break = self.reconnected_at.map(|at| (now - at).max(soonest));
        let wait = after_break.map_or(usual, |wait| wait.min(usual));
        self.timers.set(Timer::Heartbeat, now + wait);
    }

    pub(super) fn send_heartbeat(&mut self, to: Recipient, wants_answer: bool, now: Time) {
        self.refresh_view();
        let (prekey_number, prekey) = self.prekeys.newest();
        let is_new = now < self.prekeys.next_at() - self.core.config.policy.prekey_life / 2;
        let has_prekey = prekey.len() <= SMALL_PREKEY || is_new || to != Recipient::All;
        let current = &self.own.current;
        let heartbeat = Heartbeat {
            is_locked: self.orders.is_locked(),
            sends: self.sends,
            wants_answer,
            generation: current.generation,
            step: current.step,
            frames: u32::try_from(current.frames).unwrap_or(u32::MAX),
            newest: self.own.newest_generation,
            update_hash: self.own.newest_update.hash,
            roster_hash: self.roster.now,
            view_hash: self.view.now,
            orders_hash: self.orders_hash.now,
            counter: self.orders.highest(),
            witness: self.witness_for(to),
            prekey_number,
            prekey: if has_prekey { prekey.to_vec() } else { alloc::vec::Vec::new() },
            seq: self.heartbeats.next_seq(),
        };
        let message = self.core.sign(&Body::Heartbeat(heartbeat));
        self.heartbeats.note(Heartbeat::hash(&message), now);
        self.core.out.send(to, message);
    }

    /// The witness of a heartbeat: to one session, the heartbeat that it sent last; to all, the one
    /// that any member sent last. Sessions that are not members are not named to others.
    fn witness_for(&self, to: Recipient) -> Witness {
        let last = match to {
            Recipient::All => None,
            Recipient::One(session) => {
                let away = self.away.get(session).map(|away| &away.member);
                let member = self.members.get(&session).or(away);
                let of_member = member.and_then(|member| member.presence.last());
                let applicant = || self.waiting.get(session).and_then(Applicant::last_heartbeat);
                let last = of_member.or_else(applicant);
                last.map(|(seq, hash)| Witness { session: prefix(session), seq, hash })
            }
        };
        last.unwrap_or(self.witness)
    }

    /// Sends a heartbeat to one session, unless one was sent within [`ANSWER_EVERY`].
    pub(super) fn send_heartbeat_to(&mut self, session: SessionId, wants_answer: bool, now: Time) {
        let away = self.away.get_mut(session).map(|away| &mut away.member);
        let Some(member) = self.members.get_mut(&session).or(away) else { return };
        if member.heartbeat_sent_at.is_some_and(|at| now < at + ANSWER_EVERY) {
            return;
        }
        member.heartbeat_sent_at = Some(now);
        self.send_heartbeat(Recipient::One(session), wants_answer, now);
    }

    pub(super) fn on_heartbeat(
        &mut self,
        message: Verified<'_, Heartbeat>,
        now: Time,
    ) -> Result<(), GroupError> {
        let (session, heartbeat) = (message.session(), message.body());
        let hash = Heartbeat::hash(message.bytes());
        let after = self.sent_after(&heartbeat.witness);
        let proves = after.is_some_and(|at| now < at + self.lost_after());
        let asks_after = (self.heartbeat_interval() * ASKED_AFTER).min(self.lost_after() / 2);
        let key_len = self.core.config.kem.key_len();
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        member.presence.note(heartbeat, hash, after);
        let is_unproved = now >= member.presence.silent_since(member.since) + asks_after;
        member.note_prekey(heartbeat, key_len);
        self.witness = Witness { session: prefix(session), seq: heartbeat.seq, hash };
        self.orders.note_counter(heartbeat.counter);
        if heartbeat.sends {
            // The key may be in transit, unless the connection was interrupted.
            let wait = if member.presence.is_unresponsive { 0 } else { 2 };
            let soon = now + Duration::from_secs(wait);
            match member.received.is_open(heartbeat.generation) {
                Ok(true) => {}
                Ok(false) => member.request_keys_by(soon),
                Err(_) => member.request_new_keys_by(soon),
            }
        }
        self.note_newest(session, heartbeat, now)?;
        self.compare(session, heartbeat, now);
        if proves {
            self.prove(session, now);
        }
        // A member that is present names ours in its answer.
        let asks = is_unproved && !proves;
        if heartbeat.wants_answer || asks {
            self.send_heartbeat_to(session, asks, now);
        }
        Ok(())
    }

    /// When we sent the heartbeat that this witness leads back to; its sender was present after
    /// that. A witness that leads back to none may be a recording, and recordings may name each
    /// other.
    fn sent_after(&self, witness: &Witness) -> Option<Time> {
        if witness.session == prefix(self.core.session) {
            return self.heartbeats.sent_at(witness.seq, &witness.hash);
        }
        self.members_with_prefix(witness.session)
            .find_map(|member| member.presence.heard_after(witness.seq, &witness.hash))
    }

    pub(super) fn members_with_prefix(&self, start: [u8; 8]) -> impl Iterator<Item = &Member> {
        let (mut first, mut last) = ([0; 16], [0xff; 16]);
        first[..8].copy_from_slice(&start);
        last[..8].copy_from_slice(&start);
        self.members.range(SessionId(first)..=SessionId(last)).map(|(_, member)| &**member)
    }

    /// Handles a member's proof of life.
    pub(super) fn prove(&mut self, session: SessionId, now: Time) {
        let Some(member) = self.members.get_mut(&session) else { return };
        let is_news = member.presence.prove(now);
        if core::mem::take(&mut member.presence.is_unresponsive) {
            // It has missed our rosters meanwhile.
            member.restart_comparisons(now);
            self.core.event(Event::Responsive(session));
        }
        if is_news {
            self.resolve_identity(session, now);
            self.handle_early(session, now);
        }
    }

    /// Replaces older sessions of an identity when a newer one becomes live.
    fn resolve_identity(&mut self, session: SessionId, now: Time) {
        let Some(member) = self.members.get(&session) else { return };
        let (identity, age) = (member.identity(), member.age());
        if identity == self.core.identity() {
            // An older session of ours, as a newer one would have ended this one. Our announce
            // tells it.
            self.replace(session, self.core.session, now);
            return;
        }
        let others = self.members.iter();
        let others =
            others.filter(|(other, member)| **other != session && member.identity() == identity);
        let others: alloc::vec::Vec<_> = others.map(|(&other, member)| (other, member.age())).collect();
        for (other, their_age) in others {
            if age > their_age {
                self.replace(other, session, now);
            } else if let Some(member) = self.members.get_mut(&session) {
                member.presence.contest = Some(now + CONTEST);
                self.send_heartbeat_to(other, true, now);
            }
        }
    }

    /// Ends session `old`, which session `new` of the same identity replaces.
    fn replace(&mut self, old: SessionId, new: SessionId, now: Time) {
        let proof = if new == self.core.session {
            Some(self.core.announce.clone())
        } else {
            self.members.get(&new).map(|member| member.announce.to_vec())
        };
        self.remove_departed(old, LeaveReason::Replaced, proof, now);
    }

    /// Marks silent members as unresponsive, then moves them away as lost.
    pub(super) fn expire_members(&mut self, now: Time) {
        let interval = self.heartbeat_interval();
        let missed = self.core.config.policy.missed_heartbeats_until_lost;
        let mut unresponsive = alloc::vec::Vec::new();
        let mut lost = alloc::vec::Vec::new();
        let mut contested = alloc::vec::Vec::new();
        for (&session, member) in self.members.iter_mut() {
            let silent_since = member.presence.silent_since(member.since);
            if now >= member.presence.lost_at(member.since, interval, missed) {
                lost.push(session);
            } else if now >= silent_since + interval * UNRESPONSIVE_AFTER
                && !member.presence.is_unresponsive
            {
                member.presence.is_unresponsive = true;
                unresponsive.push(session);
            }
            if member.presence.contest.is_some_and(|at| now >= at) {
                contested.push(session);
            }
        }
        for session in unresponsive {
            self.core.event(Event::Unresponsive(session));
        }
        for session in lost {
            self.move_to_away(session, LeaveReason::Lost, now);
        }
        for session in contested {
            self.end_contest(session, now);
        }
    }

    fn end_contest(&mut self, session: SessionId, now: Time) {
        let Some(member) = self.members.get_mut(&session) else { return };
        let Some(until) = member.presence.contest.take() else { return };
        let identity = member.identity();
        let others = self.members.iter();
        let others =
            others.filter(|(other, member)| **other != session && member.identity() == identity);
        let others: alloc::vec::Vec<_> =
            others.map(|(&other, member)| (other, member.presence.proved_at())).collect();
        let stays = others.iter().find(|(_, proved)| proved.is_some_and(|at| at + CONTEST > until));
        if let Some(&(other, _)) = stays {
            self.send_refusal(session, message::RefusalReason::Replaced(other));
            self.replace(session, other, now);
        } else {
            // The other session is silent, which does not end it for good.
            for (other, _) in others {
                self.move_to_away(other, LeaveReason::Lost, now);
            }
        }
    }

    /// Moves a member away: keys change without it, and it may return.
    pub(super) fn move_to_away(&mut self, session: SessionId, why: LeaveReason, now: Time) {
        let Some(mut member) = self.members.remove(&session) else { return };
        self.forget_member(&member);
        member.reset();
        member.presence.reset();
        let our_seq = self.heartbeats.seq();
        let most = self.core.config.policy.max_members;
        self.away.insert(AwayMember { member, since: now, our_seq }, most);
        self.core.event(Event::Left { session, why });
        self.after_leave(session, now);
    }

    /// Moves a member that refuses us away: no keys are exchanged until it returns, once it hears
    /// us.
    pub(super) fn move_away_refusing(&mut self, session: SessionId, now: Time) {
        self.move_to_away(session, LeaveReason::Lost, now);
        self.send_heartbeat_to(session, true, now);
    }

    /// Drops the state of a member that is out of the call, and wipes its keys.
    pub(super) fn forget_member(&mut self, member: &Member) {
        self.end_verification(member.session);
        self.acks.retain(|(to, _)| *to != member.session);
        self.core.change_keys(KeyChange::WipeMember { member: member.member_id() });
    }

    /// Handles a message of a session that is away.
    pub(super) fn on_away_message(
        &mut self,
        message: &Message<'_>,
        now: Time,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let Some(away) = self.away.get_mut(session) else {
            return Err(GroupError::UnknownMember(session));
        };
        if matches!(message.body, Body::Announce(_) | Body::Ack(_) | Body::KeyUpdate(_)) {
            // The member may not know that it is away.
            self.send_heartbeat_to(session, true, now);
            return Err(GroupError::Away);
        }
        if !away.member.bucket.try_take(now) {
            return Err(GroupError::Busy);
        }
        let Some(verified) = message.verify(&self.core.group, &away.member.identity()) else {
            self.forgeries.try_take(now);
            return Err(GroupError::Unauthentic);
        };
        let message = match verified {
            VerifiedBody::Leave(leave) => {
                self.on_leave(leave, now);
                return Ok(());
            }
            VerifiedBody::Order(order) => {
                return self.on_order(session, order.body(), order.bytes(), false, now);
            }
            VerifiedBody::Refusal(refusal) if refusal.body().target == self.core.session => {
                self.on_refusal(refusal, false, now);
                return Ok(());
            }
            VerifiedBody::Heartbeat(heartbeat) if heartbeat.body().seq > away.member.presence.seq() => {
                heartbeat
            }
            VerifiedBody::Heartbeat(_) => return Err(GroupError::Stale),
            VerifiedBody::Request(request) if request.body().target != self.core.session => {
                return Err(GroupError::NotForUs);
            }
            VerifiedBody::Request(request) => {
                let wants = request.body().wants;
                let answered = away.member.answered_at;
                let is_due = answered.is_none_or(|at| now >= at + super::keys::ANSWER_EVERY);
                if wants.has(Wants::ANNOUNCE) && is_due {
                    // The member does not know us.
                    away.member.answered_at = Some(now);
                    self.core.out.send(Recipient::One(session), self.core.announce.clone());
                }
                self.send_heartbeat_to(session, true, now);
                return Err(GroupError::Away);
            }
            VerifiedBody::Roster(_)
            | VerifiedBody::Forward(_)
            | VerifiedBody::Refusal(_)
            | VerifiedBody::Sas(_)
            | VerifiedBody::UpdateHeader => {
                self.send_heartbeat_to(session, true, now);
                return Err(GroupError::Away);
            }
        };
        let heartbeat = message.body();
        let Witness { session: named, seq, hash } = heartbeat.witness;
        let is_back = named == prefix(self.core.session)
            && seq > away.our_seq
            && self.heartbeats.sent_at(seq, &hash).is_some();
        if !is_back {
            // Note the heartbeat, so that a replay is useless later.
            away.member.presence.note(heartbeat, Heartbeat::hash(message.bytes()), None);
            self.send_heartbeat_to(session, true, now);
            return Err(GroupError::Away);
        }
        self.return_member(session, now)?;
        self.on_heartbeat(message, now)
    }

    /// Returns a member that was away to the call.
    fn return_member(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        let policy = self.core.config.policy;
        if self.members.len() + 1 >= policy.max_members {
            return Err(GroupError::Full);
        }
        let Some(away) = self.away.remove(session) else {
            return Err(GroupError::UnknownMember(session));
        };
        self.refusers.remove(&session);
        let mut member = away.member;
        member.since = now;
        member.request = None;
        // Send a heartbeat first, so that the member sees us again before it handles the rest.
        member.heartbeat_sent_at = None;
        self.members.insert(session, member);
        self.core.event(Event::Returned(session));
        self.send_heartbeat_to(session, false, now);
        let wants = Wants::NEW_KEYS;
        let request = Request { target: session, wants };
        self.core.send(Recipient::One(session), &Body::Request(request));
        if let Some(member) = self.members.get_mut(&session) {
            // Ask again in case the request is lost.
            member.request_new_keys_by(now + Duration::from_secs(5));
        }
        self.refresh_roster(now);
        self.schedule_delivery(now);
        Ok(())
    }

    /// Extends all deadlines after our machine slept, as messages that arrived meanwhile are not
    /// handled yet.
    pub(super) fn excuse_members(&mut self, now: Time) {
        let patience = self.heartbeat_interval() * UNRESPONSIVE_AFTER;
        let at_least = now + EXCUSED - patience;
        for member in self.members.values_mut() {
            let Member { presence, since, .. } = &mut **member;
            presence.excuse(since, at_least);
            member.restart_comparisons(now);
        }
        if !self.has_ended {
            self.timers.set_sooner(Timer::Heartbeat, now);
        }
    }

    /// When the next timeout of a member is due.
    pub(super) fn members_due_at(&mut self, now: Time) -> Option<Time> {
        let Policy { missed_heartbeats_until_lost: missed, mismatch_after, .. } =
            self.core.config.policy;
        let (interval, us) = (self.heartbeat_interval(), self.core.session);
        let among = self.members.len();
        self.members.due_at(now, |member| {
            let compare_after = CompareAfter::new(among, us, member.session, mismatch_after);
            timeouts_of(member, interval, missed, &compare_after).into_iter().flatten().min()
        })
    }
}

fn timeouts_of(
    member: &Member,
    interval: Duration,
    missed: u32,
    compare_after: &CompareAfter,
) -> [Option<Time>; 10] {
    let unresponsive = member.presence.silent_since(member.since) + interval * UNRESPONSIVE_AFTER;
    [
        Some(member.presence.lost_at(member.since, interval, missed)),
        (!member.presence.is_unresponsive).then_some(unresponsive),
        member.presence.contest,
        member.next_key_request_at(),
        member.next_repeat_at(),
        member
            .request
            .map(|_| member.answered_at.map_or(Time::START, |at| at + super::keys::ANSWER_EVERY)),
        member.received.next_retired_at(),
        member.roster.next_at(compare_after.roster),
        member.view.next_at(compare_after.roster),
        member.orders.next_at(compare_after.orders),
    ]
}
