//! Dispatch and authentication of received messages.

use alloc::vec::Vec;
use core::time::Duration;

use super::Group;
use crate::{
    Event, GroupError, LeaveReason, MessageError, SessionId, Time,
    members::early::{Early, counter_of},
    message::{
        self, Action, Body, Entry, Forward, Heartbeat, Message, Order, Refusal, RefusalReason, Request,
        Status, Verified, VerifiedBody,
    },
    sorted::sorted_by,
};

/// Maximum number of messages buffered for unknown sessions.
const MAX_EARLY: usize = 64;
/// Minimum interval between requests for one unknown session's announce.
const ASK_STRANGER_EVERY: Duration = Duration::from_secs(5);
/// A newcomer does not request announces for this long after it joined, as they are in transit.
const NEW_FOR: Duration = Duration::from_secs(1);
/// Minimum interval between announces to all at the request of unknown sessions.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);
/// Maximum number of unknown sessions whose announce requests are noted.
const MAX_ASKED: usize = 256;
/// Minimum interval between answers to one departed session.
const ANSWER_DEPARTED_EVERY: Duration = Duration::from_secs(10);
/// Minimum interval between reports of the same kind of refusal.
const REPORT_REFUSAL_EVERY: Duration = Duration::from_secs(60);
/// Delay before another new session may begin.
const RESTART_EVERY: Duration = Duration::from_secs(10);
/// The delay doubles each time up to this.
const RESTART_AT_LEAST: Duration = Duration::from_secs(600);

impl Group {
    /// Handles a message or a bundle from the relay. [`poll`](Self::poll) returns the effects.
    ///
    /// # Errors
    /// [`GroupError`]; for a bundle, the first one. A rejected message changes nothing, except that
    /// an equivocation is reported and an unknown session's announce may be requested. The other
    /// messages of the bundle are handled.
    pub fn handle_message(&mut self, bytes: &[u8], now: Time) -> Result<(), GroupError> {
        if self.has_ended {
            return Err(GroupError::Ended);
        }
        let now = self.advance(now);
        let mut result = Ok(());
        for message in message::unbundle(bytes)? {
            let handled = self.handle_one(message, now);
            result = result.and(handled);
        }
        result
    }

    pub(super) fn handle_one(&mut self, bytes: &[u8], now: Time) -> Result<(), GroupError> {
        if self.has_ended {
            return Err(GroupError::Ended);
        }
        let message = Message::parse(bytes)?;
        if message.head.tag != self.core.group[..4] {
            return Err(GroupError::OtherGroup);
        }
        if let Body::Heartbeat(heartbeat) = &message.body
            && ![0, self.core.config.kem.key_len()].contains(&heartbeat.prekey.len())
        {
            return Err(MessageError::Malformed.into());
        }
        let session = message.head.session;
        if session == self.core.session {
            return Err(GroupError::Own);
        }
        if self.departed.get(session).is_some_and(|departed| !departed.is_hearsay) {
            return Err(self.on_departed_message(&message, now));
        }
        if let Body::Announce(announce) = &message.body {
            return self.on_announce(&message, announce, false, now);
        }
        if self.members.contains_key(&session) {
            return self.on_member_message(&message, now);
        }
        if self.away.get(session).is_some() {
            return self.on_away_message(&message, now);
        }
        if self.waiting.get(session).is_some() {
            return self.on_applicant_message(&message, now);
        }
        Err(self.on_stranger_message(&message, now))
    }

    /// Handles a message that claims to be a member's.
    fn on_member_message(&mut self, message: &Message<'_>, now: Time) -> Result<(), GroupError> {
        let session = message.head.session;
        let us = self.core.session;
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        // Reject stale messages and those for others before they cost tokens.
        match &message.body {
            Body::Heartbeat(heartbeat) if heartbeat.seq <= member.presence.seq() => {
                return Err(GroupError::Stale);
            }
            Body::Request(Request { target, .. })
            | Body::Sas { target, .. }
            | Body::Refusal(Refusal { target, .. })
                if *target != us =>
            {
                return Err(GroupError::NotForUs);
            }
            Body::KeyUpdate(_) if Entry::parse(message.entry)?.recipient != us.member_id() => {
                return Err(GroupError::NotForUs);
            }
            Body::Announce(_)
            | Body::KeyUpdate(_)
            | Body::Request(_)
            | Body::Ack(_)
            | Body::Heartbeat(_)
            | Body::Leave
            | Body::Order(_)
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. }
            | Body::UpdateHeader(_) => {}
        }
        // While forgeries are rare, those in its name cost the member no tokens.
        let is_calm = self.forgeries.has_tokens(now);
        if !is_calm && !member.bucket.try_take(now) {
            return Err(GroupError::Busy);
        }
        if let Body::Ack(ack) = &message.body {
            return self.on_ack(session, ack, now);
        }
        // Only its key shows whether a key update is authentic.
        if let Body::KeyUpdate(update) = &message.body {
            let handled = self.on_key_update(session, message, update, now);
            if matches!(handled, Err(GroupError::Unauthentic | GroupError::WrongKey)) {
                self.forgeries.try_take(now);
                return handled;
            }
            self.charge(session, is_calm, now)?;
            return handled;
        }
        let Some(verified) = message.verify(&self.core.group, &member.identity()) else {
            self.forgeries.try_take(now);
            return Err(GroupError::Unauthentic);
        };
        self.charge(session, is_calm, now)?;
        match verified {
            VerifiedBody::Request(request) => self.on_request(request),
            VerifiedBody::Heartbeat(heartbeat) => self.on_heartbeat(heartbeat, now),
            VerifiedBody::Leave(leave) => {
                self.on_leave(leave, now);
                Ok(())
            }
            VerifiedBody::Order(order) => {
                self.on_order(session, order.body(), order.bytes(), false, now)
            }
            VerifiedBody::Roster(roster) => self.on_roster(roster, now),
            VerifiedBody::Forward(forward) => self.on_forward(forward, now),
            VerifiedBody::Refusal(refusal) => {
                self.on_refusal(refusal, true, now);
                Ok(())
            }
            VerifiedBody::Sas(message) => self.on_sas(message),
            VerifiedBody::UpdateHeader => self.on_update_header(message),
        }
    }

    /// Charges the sender of an authentic message one token, unless it was charged already.
    fn charge(&mut self, session: SessionId, is_due: bool, now: Time) -> Result<(), GroupError> {
        let member = self.members.get_mut(&session).filter(|_| is_due);
        if member.is_some_and(|member| !member.bucket.try_take(now)) {
            return Err(GroupError::Busy);
        }
        Ok(())
    }

    /// Handles the leave of a member or of a session that is away.
    pub(super) fn on_leave(&mut self, leave: Verified<'_, ()>, now: Time) {
        let proof = Some(leave.bytes().to_vec());
        self.remove_departed(leave.session(), LeaveReason::Left, proof, now);
    }

    /// Handles a message of an applicant: stored until the application has decided.
    fn on_applicant_message(&mut self, message: &Message<'_>, now: Time) -> Result<(), GroupError> {
        let session = message.head.session;
        let us = self.core.session;
        if !self.strangers.try_take(now) {
            return Err(GroupError::Busy);
        }
        let Some(applicant) = self.waiting.get_mut(session) else {
            return Err(GroupError::UnknownMember(session));
        };
        // A key update can be verified only by opening it, so it waits.
        if let Body::KeyUpdate(_) = message.body {
            if Entry::parse(message.entry)?.recipient != us.member_id() {
                return Err(GroupError::NotForUs);
            }
            return if applicant.store(message.bytes) { Ok(()) } else { Err(GroupError::Busy) };
        }
        if let Body::Ack(_) | Body::Announce(_) = message.body {
            return Err(GroupError::UnknownMember(session));
        }
        let identity = applicant.announce.identity;
        let Some(verified) = message.verify(&self.core.group, &identity) else {
            return Err(GroupError::Unauthentic);
        };
        match verified {
            VerifiedBody::Heartbeat(heartbeat) => {
                applicant.store_heartbeat(heartbeat, now);
                Ok(())
            }
            VerifiedBody::Leave(leave) => {
                self.on_leave_of_applicant(session, Some(leave));
                Ok(())
            }
            VerifiedBody::Refusal(refusal) if refusal.body().target != us => Err(GroupError::NotForUs),
            // Only a member's refusal makes us begin a new session.
            VerifiedBody::Refusal(refusal)
                if matches!(refusal.body().reason, RefusalReason::MemberIdInUse(_)) =>
            {
                if applicant.store(message.bytes) { Ok(()) } else { Err(GroupError::Busy) }
            }
            VerifiedBody::Refusal(refusal) => {
                self.on_refusal(refusal, false, now);
                Ok(())
            }
            VerifiedBody::Order(order) => {
                self.buffer_early(session, order.bytes(), false);
                Ok(())
            }
            VerifiedBody::Request(request) if request.body().target == us => {
                // The applicant may not know us yet, so it gets our announce; its other requests
                // wait.
                let has_announce = request.body().wants.has(message::Wants::ANNOUNCE);
                if has_announce {
                    self.introduce_to(session, now);
                }
                let Some(applicant) = self.waiting.get_mut(session) else { return Ok(()) };
                if has_announce || applicant.store(message.bytes) {
                    Ok(())
                } else {
                    Err(GroupError::Busy)
                }
            }
            VerifiedBody::Request(_) => Err(GroupError::NotForUs),
            VerifiedBody::Roster(_)
            | VerifiedBody::Forward(_)
            | VerifiedBody::Sas(_)
            | VerifiedBody::UpdateHeader => {
                if applicant.store(message.bytes) {
                    Ok(())
                } else {
                    Err(GroupError::Busy)
                }
            }
        }
    }

    /// Handles a message of an unknown session. It cannot be verified, but its announce may be
    /// requested.
    fn on_stranger_message(&mut self, message: &Message<'_>, now: Time) -> GroupError {
        let session = message.head.session;
        let unknown = GroupError::UnknownMember(session);
        if self.refused.contains(session, now) {
            return unknown;
        }
        match &message.body {
            Body::Leave | Body::Order(_) => self.buffer_early(session, message.bytes, false),
            Body::Request(Request { target, .. }) if *target != self.core.session => {
                return GroupError::NotForUs;
            }
            Body::KeyUpdate(_)
                if Entry::parse(message.entry)
                    .is_ok_and(|entry| entry.recipient != self.core.member_id()) =>
            {
                return GroupError::NotForUs;
            }
            Body::Heartbeat(_) | Body::KeyUpdate(_) | Body::Request(_) => {
                if let Body::Request(request) = &message.body
                    && request.wants.has(message::Wants::ANNOUNCE)
                {
                    self.answer_stranger(now);
                }
                let asked = self.requested_announces.get(&session);
                // In our first second all announces are in transit.
                let is_due = now >= self.expects_announces_until()
                    && asked.is_none_or(|at| now >= *at + ASK_STRANGER_EVERY);
                if is_due && self.strangers.try_take(now) {
                    if self.requested_announces.len() >= MAX_ASKED {
                        self.requested_announces.clear();
                    }
                    self.requested_announces.insert(session, now);
                    let request = Request { target: session, wants: message::Wants::ANNOUNCE };
                    self.core.send(crate::Recipient::One(session), &Body::Request(request));
                }
            }
            Body::Announce(_)
            | Body::Ack(_)
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. }
            | Body::UpdateHeader(_) => {}
        }
        unknown
    }

    /// Until when other members' announces are in transit to us. After a clash of member ids not
    /// all arrive without a request.
    fn expects_announces_until(&self) -> Time {
        if self.restarted_at.is_some() { Time::START } else { self.joined_at + NEW_FOR }
    }

    /// Answers an unknown session that does not know us. Its address is unknown, so our announce
    /// goes to all.
    fn answer_stranger(&mut self, now: Time) {
        let is_due = self.announced_at.is_none_or(|at| now >= at + ANNOUNCE_EVERY);
        if is_due && self.strangers.try_take(now) {
            self.announced_at = Some(now);
            self.core.out.send(crate::Recipient::All, self.core.announce.clone());
        }
    }

    /// Buffers an order or leave of a session that is unknown or not live yet. `is_vouched` says
    /// that a live member forwarded it.
    pub(super) fn buffer_early(&mut self, session: SessionId, bytes: &[u8], is_vouched: bool) {
        if let Some(early) = self.early.iter_mut().find(|early| early.bytes == bytes) {
            early.is_vouched |= is_vouched;
            return;
        }
        if self.early.len() == MAX_EARLY {
            self.early.pop_front();
        }
        self.early.push_back(Early { session, bytes: bytes.to_vec(), is_vouched });
    }

    /// Handles the messages that a session sent before it was known or live.
    pub(super) fn handle_early(&mut self, session: SessionId, now: Time) {
        for Early { bytes, is_vouched, .. } in self.take_early(session) {
            // Messages that are rejected are dropped.
            let message = Message::parse(&bytes).map(|message| message.body);
            let _ = if let Ok(Body::Order(order)) = message {
                self.on_order(session, &order, &bytes, is_vouched, now)
            } else {
                self.handle_one(&bytes, now)
            };
        }
    }

    /// Takes the messages that a session sent before it was known or live, its newest order first,
    /// so that a superseded order expels no member.
    fn take_early(&mut self, session: SessionId) -> Vec<Early> {
        let (theirs, others): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.early).into_iter().partition(|early| early.session == session);
        self.early = others.into();
        sorted_by(theirs, |one, other| counter_of(&other.bytes).cmp(&counter_of(&one.bytes)))
    }

    /// Handles the leave or removal of an applicant. If it has signed orders it is judged for
    /// these. Otherwise it is removed, and its leave is kept in case its announce is replayed.
    pub(super) fn on_leave_of_applicant(
        &mut self,
        session: SessionId,
        leave: Option<Verified<'_, ()>>,
    ) {
        let has_orders = self
            .early
            .iter()
            .any(|early| early.session == session && counter_of(&early.bytes).is_some());
        match self.waiting.get_mut(session) {
            Some(applicant) if has_orders || applicant.has_left => applicant.has_left = true,
            Some(_) | None => {
                self.waiting.remove(session);
                if let Some(leave) = leave {
                    self.buffer_early(session, leave.bytes(), false);
                }
            }
        }
    }

    /// Handles the orders that a departed session signed before it was known.
    pub(super) fn handle_orders_of_departed(&mut self, session: SessionId, now: Time) {
        for Early { bytes, is_vouched, .. } in self.take_early(session) {
            if let Ok(Message { body: Body::Order(order), .. }) = Message::parse(&bytes) {
                // Orders that do not count are dropped.
                let _ = self.on_order(session, &order, &bytes, is_vouched, now);
            }
        }
    }

    /// Handles a message of a departed session.
    fn on_departed_message(&mut self, message: &Message<'_>, now: Time) -> GroupError {
        let session = message.head.session;
        if let Body::Order(order) = &message.body {
            if !self.strangers.try_take(now) {
                return GroupError::Busy;
            }
            let handled = self.on_order(session, order, message.bytes, false, now);
            return handled.err().unwrap_or(GroupError::Departed);
        }
        if let Body::Forward(forward) = &message.body {
            let handled = self.on_forward_of_removed(message, forward, now);
            return handled.err().unwrap_or(GroupError::Departed);
        }
        let Some(departed) = self.departed.get_mut(session) else { return GroupError::Departed };
        let is_alive = matches!(message.body, Body::Heartbeat(_) | Body::Request(_));
        let is_due = departed.answered_at.is_none_or(|at| now >= at + ANSWER_DEPARTED_EVERY);
        // A heartbeat of a session that left is a replay or out of order.
        if !is_alive || !is_due || departed.status == Status::Left || !self.strangers.try_take(now) {
            return GroupError::Departed;
        }
        if message.verify(&self.core.group, &departed.identity).is_none() {
            return GroupError::Unauthentic;
        }
        departed.answered_at = Some(now);
        if let Some(proof) = departed.proof.clone() {
            // The session may not know the moderator that signed the proof.
            let by = Message::parse(&proof).map(|message| message.head.session);
            let announce = by.ok().and_then(|by| self.announce_of(by));
            for message in announce.into_iter().chain([proof]) {
                self.core.out.send(crate::Recipient::One(session), message);
            }
        }
        GroupError::Departed
    }

    /// The announce of a current or former member, if we hold it.
    pub(super) fn announce_of(&self, session: SessionId) -> Option<Vec<u8>> {
        if session == self.core.session {
            return Some(self.core.announce.clone());
        }
        let away = self.away.get(session).map(|away| &*away.member.announce);
        let member = self.members.get(&session).map(|member| &*member.announce);
        let departed = self.departed.get(session).and_then(|gone| gone.announce.as_deref());
        member.or(away).or(departed).map(<[u8]>::to_vec)
    }

    /// Handles messages that a member forwards.
    fn on_forward(&mut self, forward: Verified<'_, Forward>, now: Time) -> Result<(), GroupError> {
        let (from, forward) = (forward.session(), forward.body());
        let is_vouched = self.members.get(&from).is_some_and(|member| member.presence.is_live());
        let parsed = forward.messages.iter().filter_map(|bytes| Message::parse(bytes).ok());
        let parsed: Vec<_> =
            parsed.filter(|message| message.head.tag == self.core.group[..4]).collect();
        let signs_orders = |session: SessionId| {
            parsed.iter().any(|message| {
                message.head.session == session && matches!(message.body, Body::Order(_))
            })
        };
        let is_announce = |message: &&Message<'_>| matches!(message.body, Body::Announce(_));
        let (announces, others): (Vec<_>, Vec<_>) = parsed.iter().partition(is_announce);
        let others =
            sorted_by(others, |one, other| counter_of(other.bytes).cmp(&counter_of(one.bytes)));
        for message in announces.into_iter().chain(others) {
            let session = message.head.session;
            if session == self.core.session {
                continue;
            }
            // Each signature to verify costs the forwarding member a token.
            let member = self.members.get_mut(&from);
            if !member.is_some_and(|member| member.bucket.try_take(now)) {
                return Err(GroupError::Busy);
            }
            // Messages that are rejected are dropped.
            let _ = match &message.body {
                Body::Announce(_) if self.departed.get(session).is_some() => Ok(()),
                Body::Announce(announce) => {
                    self.on_announce(message, announce, signs_orders(session), now)
                }
                Body::Order(order) => self.on_order(session, order, message.bytes, is_vouched, now),
                Body::Leave => self.handle_one(message.bytes, now),
                Body::UpdateHeader(_) => self.on_update_header(message),
                Body::KeyUpdate(_)
                | Body::Request(_)
                | Body::Ack(_)
                | Body::Heartbeat(_)
                | Body::Roster(_)
                | Body::Forward(_)
                | Body::Refusal(_)
                | Body::Sas { .. } => Err(GroupError::NotAllowed),
            };
        }
        Ok(())
    }

    /// Handles the orders that a removed session forwards to show that its removal does not count:
    /// an order with a lower counter has removed the moderator before. Its other orders are
    /// ignored.
    fn on_forward_of_removed(
        &mut self,
        message: &Message<'_>,
        forward: &Forward,
        now: Time,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let Some(removed_at) = self.orders.removed_at(session) else { return Ok(()) };
        let departed = self.departed.get(session).filter(|departed| departed.was_live);
        let departed = departed.ok_or(GroupError::Departed)?;
        if !self.strangers.try_take(now) {
            return Err(GroupError::Busy);
        }
        if message.verify(&self.core.group, &departed.identity).is_none() {
            return Err(GroupError::Unauthentic);
        }
        let parsed = forward.messages.iter().filter_map(|bytes| Message::parse(bytes).ok());
        let parsed: Vec<_> =
            parsed.filter(|message| message.head.tag == self.core.group[..4]).collect();
        let is_earlier =
            |order: &Order| matches!(order.action, Action::Remove { .. }) && order.counter < removed_at;
        let earlier = |message: &&Message<'_>| {
            if let Body::Order(order) = &message.body { is_earlier(order) } else { false }
        };
        let removals: Vec<_> = parsed.iter().filter(earlier).collect();
        for removal in removals {
            let (by, Body::Order(order)) = (removal.head.session, &removal.body) else { continue };
            // A removed session does not vouch for itself.
            if by == self.core.session || by == session || !self.strangers.try_take(now) {
                continue;
            }
            let is_announce = |message: &&Message<'_>| {
                message.head.session == by && matches!(message.body, Body::Announce(_))
            };
            // Messages that are rejected are dropped.
            if let Some(introduction) = parsed.iter().find(is_announce)
                && let Body::Announce(announce) = &introduction.body
                && self.departed.get(by).is_none()
            {
                let _ = self.on_announce(introduction, announce, true, now);
            }
            let _ = self.on_order(by, order, removal.bytes, true, now);
        }
        Ok(())
    }

    /// Handles the refusal of a session to admit us.
    pub(super) fn on_refusal(&mut self, refusal: Verified<'_, Refusal>, is_member: bool, now: Time) {
        let (by, reason) = (refusal.session(), refusal.body().reason);
        let kind = match reason {
            RefusalReason::Refused => 1,
            RefusalReason::Locked => 2,
            RefusalReason::Removed => 3,
            RefusalReason::Full => 4,
            RefusalReason::MemberIdInUse(_) => 5,
            RefusalReason::OtherParameters => 6,
            RefusalReason::Replaced(_) => 7,
        };
        if let RefusalReason::MemberIdInUse(other) = reason
            && is_member
            && other != self.core.session
            && other.member_id() == self.core.member_id()
        {
            // A session that has acknowledged a key of ours has admitted us.
            if self.members.get(&by).is_some_and(|member| member.has_acknowledged()) {
                return;
            }
            let wait = RESTART_EVERY * 2_u32.saturating_pow(self.restarts.saturating_sub(1));
            let earliest = self.restarted_at.map_or(now, |at| at + wait.min(RESTART_AT_LEAST));
            self.timers.set_sooner(super::Timer::Restart, earliest.max(now));
            return;
        }
        if self.refusers.len() < MAX_ASKED {
            self.refusers.insert(by, ());
        }
        if is_member {
            self.move_away_refusing(by, now);
        }
        let told = self.reported_refusals.get(&kind);
        if told.is_none_or(|at| now >= *at + REPORT_REFUSAL_EVERY) {
            self.reported_refusals.insert(kind, now);
            self.core.event(Event::NotAdmitted { by, reason });
        }
    }

    /// Notes the newest generation that a heartbeat states.
    pub(super) fn note_newest(
        &mut self,
        session: SessionId,
        heartbeat: &Heartbeat,
        now: Time,
    ) -> Result<(), GroupError> {
        let start = crate::keys::received::GenerationStart {
            generation: heartbeat.newest,
            hash: heartbeat.update_hash,
            before: None,
            header: None,
        };
        self.note_generation_start(session, start, now)
    }
}
