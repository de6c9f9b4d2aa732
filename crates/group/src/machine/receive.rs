//! Messages that come in: where they belong, and whether they are authentic.

use alloc::vec::Vec;
use core::{cmp::Reverse, time::Duration};

use super::{Group, sessions::counter_of};
use crate::{
    Event, GroupError, LeaveReason, MessageError, SessionId, Time,
    message::{
        self, Action, Body, Entry, Forward, Heartbeat, Message, Refusal, RefusalReason, Request, Status,
    },
};

/// Messages of sessions that are not known yet that are kept.
const MAX_EARLY: usize = 64;
/// How often a session that is not known is asked for its announce.
const ASK_STRANGER_EVERY: Duration = Duration::from_secs(5);
/// So long after it has joined a newcomer does not ask for announces: they are on their way to it.
const NEW_FOR: Duration = Duration::from_secs(1);
/// How often our announce goes to all because unknown sessions ask for it.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);
/// Sessions that were asked and are remembered.
const MAX_ASKED: usize = 256;
/// How often what is left of a session that has ended is answered.
const ANSWER_DEPARTED_EVERY: Duration = Duration::from_secs(10);
/// How often the same kind of refusal is told.
const TELL_REFUSAL_EVERY: Duration = Duration::from_secs(60);
/// How often a new session may begin.
const RESTART_EVERY: Duration = Duration::from_secs(10);
/// The wait doubles each time, up to this.
const RESTART_AT_LEAST: Duration = Duration::from_secs(600);

/// An order or a leave of a session that is not known yet, or an order of one that is not live yet.
pub(super) struct Early {
    pub(super) session: SessionId,
    pub(super) bytes: Vec<u8>,
    /// A live member has passed it on.
    is_vouched: bool,
}

impl Group {
    /// Takes a message or a bundle that the relay handed over. Its effects come out of [`poll`](Self::poll).
    ///
    /// # Errors
    /// [`GroupError`], of a bundle the first. What was rejected has changed nothing, except that an equivocation is reported and
    /// an unknown session may be asked who it is. Everything else of a bundle counts.
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
            return self.on_judged_message(&message, now);
        }
        Err(self.on_stranger_message(&message, now))
    }

    /// A message of a member, or so it says.
    fn on_member_message(&mut self, message: &Message<'_>, now: Time) -> Result<(), GroupError> {
        let session = message.head.session;
        let us = self.core.session;
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        // What has been said already, or not to us, costs nothing.
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
        // As long as not too much is forged, what others send in its name costs it nothing.
        let is_calm = self.forgeries.has_tokens(now);
        if !is_calm && !member.bucket.try_take(now) {
            return Err(GroupError::Busy);
        }
        let authentic = match &message.body {
            Body::Ack(ack) => return self.on_ack(session, ack, now),
            Body::KeyUpdate(update) => {
                let handled = self.on_key_update(session, message, update, now);
                if matches!(handled, Err(GroupError::Unauthentic | GroupError::WrongKey)) {
                    self.forgeries.try_take(now);
                    return handled;
                }
                handled
            }
            Body::Announce(_)
            | Body::Request(_)
            | Body::Heartbeat(_)
            | Body::Leave
            | Body::Order(_)
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. }
            | Body::UpdateHeader(_) => {
                if !message.is_signed_by(&self.core.group, &member.identity()) {
                    self.forgeries.try_take(now);
                    return Err(GroupError::Unauthentic);
                }
                Ok(())
            }
        };
        if is_calm {
            let member = self.members.get_mut(&session);
            if member.is_some_and(|member| !member.bucket.try_take(now)) {
                return Err(GroupError::Busy);
            }
        }
        authentic?;
        match &message.body {
            Body::KeyUpdate(_) | Body::Announce(_) | Body::Ack(_) => Ok(()),
            Body::Request(request) => self.on_request(session, request.wants),
            Body::Heartbeat(heartbeat) => self.on_heartbeat(session, message, heartbeat, now),
            Body::Leave => {
                self.depart(session, LeaveReason::Left, Some(message.bytes.to_vec()), now);
                Ok(())
            }
            Body::Order(order) => self.on_order(session, order, message.bytes, false, now),
            Body::Roster(roster) => self.on_roster(session, roster, now),
            Body::Forward(forward) => self.on_forward(session, forward, now),
            Body::Refusal(refusal) => {
                self.on_refusal(session, refusal.reason, true, now);
                Ok(())
            }
            Body::Sas { message, .. } => self.on_sas(session, *message),
            Body::UpdateHeader(_) => self.on_update_header(message),
        }
    }

    /// A message of a session that the application is judging: kept until it has.
    fn on_judged_message(&mut self, message: &Message<'_>, now: Time) -> Result<(), GroupError> {
        let session = message.head.session;
        let us = self.core.session;
        if !self.strangers.try_take(now) {
            return Err(GroupError::Busy);
        }
        let Some(judged) = self.waiting.get_mut(session) else {
            return Err(GroupError::UnknownMember(session));
        };
        let identity = judged.announce.identity;
        let is_signed = message.is_signed_by(&self.core.group, &identity);
        match &message.body {
            // It cannot be verified without opening it.
            Body::KeyUpdate(_) if Entry::parse(message.entry)?.recipient != us.member_id() => {
                Err(GroupError::NotForUs)
            }
            Body::KeyUpdate(_) => {
                if judged.keep(message.bytes) {
                    Ok(())
                } else {
                    Err(GroupError::Busy)
                }
            }
            Body::Ack(_) | Body::Announce(_) => Err(GroupError::UnknownMember(session)),
            Body::Heartbeat(_)
            | Body::Leave
            | Body::Request(_)
            | Body::Order(_)
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. }
            | Body::UpdateHeader(_)
                if !is_signed =>
            {
                Err(GroupError::Unauthentic)
            }
            Body::Heartbeat(heartbeat) => {
                judged.keep_heartbeat(heartbeat, message.bytes, now);
                Ok(())
            }
            Body::Leave => {
                self.on_leave_of_judged(session, Some(message.bytes));
                Ok(())
            }
            // A member's alone makes us begin a new session.
            Body::Refusal(Refusal { target, reason: RefusalReason::NumberInUse(_) })
                if *target == us =>
            {
                if judged.keep(message.bytes) {
                    Ok(())
                } else {
                    Err(GroupError::Busy)
                }
            }
            Body::Refusal(refusal) if refusal.target == us => {
                self.on_refusal(session, refusal.reason, false, now);
                Ok(())
            }
            Body::Refusal(_) => Err(GroupError::NotForUs),
            Body::Order(_) => {
                self.keep_early(session, message.bytes, false);
                Ok(())
            }
            Body::Request(request) if request.target == us => {
                // It does not know us yet, perhaps: what else it wants waits.
                let has_announce = request.wants.has(message::Wants::ANNOUNCE);
                if has_announce {
                    self.introduce_to(session, now);
                }
                let Some(judged) = self.waiting.get_mut(session) else { return Ok(()) };
                if has_announce || judged.keep(message.bytes) { Ok(()) } else { Err(GroupError::Busy) }
            }
            Body::Request(_) => Err(GroupError::NotForUs),
            Body::Roster(_) | Body::Forward(_) | Body::Sas { .. } | Body::UpdateHeader(_) => {
                if judged.keep(message.bytes) { Ok(()) } else { Err(GroupError::Busy) }
            }
        }
    }

    /// A message of a session that is not known: it cannot be verified; who it is may be asked.
    fn on_stranger_message(&mut self, message: &Message<'_>, now: Time) -> GroupError {
        let session = message.head.session;
        let unknown = GroupError::UnknownMember(session);
        if self.refused.contains(session, now) {
            return unknown;
        }
        match &message.body {
            Body::Leave | Body::Order(_) => self.keep_early(session, message.bytes, false),
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
                let asked = self.asked.get(&session);
                // In our first second all announces are on their way to us.
                let is_due = now >= self.expects_until()
                    && asked.is_none_or(|at| now >= *at + ASK_STRANGER_EVERY);
                if is_due && self.strangers.try_take(now) {
                    if self.asked.len() >= MAX_ASKED {
                        self.asked.clear();
                    }
                    self.asked.insert(session, now);
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

    /// Until when the announces of others are on their way to us. Not all come by themselves after a clash of numbers.
    fn expects_until(&self) -> Time {
        if self.restarted_at.is_some() { Time::START } else { self.joined_at + NEW_FOR }
    }

    /// Somebody who is not known does not know us. Its address is not known either: our announce goes to all.
    fn answer_stranger(&mut self, now: Time) {
        let is_due = self.announced_at.is_none_or(|at| now >= at + ANNOUNCE_EVERY);
        if is_due && self.strangers.try_take(now) {
            self.announced_at = Some(now);
            self.core.out.send(crate::Recipient::All, self.core.announce.clone());
        }
    }

    /// Keeps an order or a leave of a session that is not known yet, or not live. `is_vouched`: a
    /// live member has passed it on.
    pub(super) fn keep_early(&mut self, session: SessionId, bytes: &[u8], is_vouched: bool) {
        if let Some(early) = self.early.iter_mut().find(|early| early.bytes == bytes) {
            early.is_vouched |= is_vouched;
            return;
        }
        if self.early.len() == MAX_EARLY {
            self.early.pop_front();
        }
        self.early.push_back(Early { session, bytes: bytes.to_vec(), is_vouched });
    }

    /// What a session sent before it was known or live.
    pub(super) fn handle_early(&mut self, session: SessionId, now: Time) {
        for Early { bytes, is_vouched, .. } in self.take_early(session) {
            // What is of no use is dropped.
            let _ = match Message::parse(&bytes).map(|message| message.body) {
                Ok(Body::Order(order)) => self.on_order(session, &order, &bytes, is_vouched, now),
                Ok(_) | Err(_) => self.handle_one(&bytes, now),
            };
        }
    }

    /// What a session sent before it was known or live, its newest order first: an order that has been replaced since puts
    /// nobody out.
    fn take_early(&mut self, session: SessionId) -> Vec<Early> {
        let (mut theirs, others): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.early).into_iter().partition(|early| early.session == session);
        self.early = others.into();
        theirs.sort_by_key(|early| Reverse(counter_of(&early.bytes)));
        theirs
    }

    /// A session that is being judged leaves or is removed. If it has given orders it is judged for
    /// these, else it is forgotten; should its announce be played again, its leave is here.
    pub(super) fn on_leave_of_judged(&mut self, session: SessionId, leave: Option<&[u8]>) {
        let has_orders = self
            .early
            .iter()
            .any(|early| early.session == session && counter_of(&early.bytes).is_some());
        match self.waiting.get_mut(session) {
            Some(judged) if has_orders || judged.has_left => judged.has_left = true,
            Some(_) | None => {
                self.waiting.remove(session);
                if let Some(leave) = leave {
                    self.keep_early(session, leave, false);
                }
            }
        }
    }

    /// The orders that a session gave before it was known, in a call that it has left.
    pub(super) fn handle_orders_of_departed(&mut self, session: SessionId, now: Time) {
        for Early { bytes, is_vouched, .. } in self.take_early(session) {
            if let Ok(Message { body: Body::Order(order), .. }) = Message::parse(&bytes) {
                // What does not count is dropped.
                let _ = self.on_order(session, &order, &bytes, is_vouched, now);
            }
        }
    }

    /// A message of a session that has ended.
    fn on_departed_message(&mut self, message: &Message<'_>, now: Time) -> GroupError {
        let session = message.head.session;
        if let Body::Order(order) = &message.body {
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
        // A leave that is followed by a heartbeat is a recording, or out of order.
        if !is_alive || !is_due || departed.status == Status::Left || !self.strangers.try_take(now) {
            return GroupError::Departed;
        }
        if !message.is_signed_by(&self.core.group, &departed.identity) {
            return GroupError::Unauthentic;
        }
        departed.answered_at = Some(now);
        if let Some(proof) = departed.proof.clone() {
            // It may not know the moderator that has signed it.
            let by = Message::parse(&proof).map(|message| message.head.session);
            let announce = by.ok().and_then(|by| self.announce_of(by));
            for message in announce.into_iter().chain([proof]) {
                self.core.out.send(crate::Recipient::One(session), message);
            }
        }
        GroupError::Departed
    }

    /// The announce of a session that is or was a member, if it is kept.
    pub(super) fn announce_of(&self, session: SessionId) -> Option<Vec<u8>> {
        if session == self.core.session {
            return Some(self.core.announce.clone());
        }
        let away = self.away.get(session).map(|away| &*away.member.announce);
        let member = self.members.get(&session).map(|member| &*member.announce);
        let departed = self.departed.get(session).and_then(|gone| gone.announce.as_deref());
        member.or(away).or(departed).map(<[u8]>::to_vec)
    }

    /// Messages of others that a member passes on.
    fn on_forward(&mut self, from: SessionId, forward: &Forward, now: Time) -> Result<(), GroupError> {
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
        let (announces, mut others): (Vec<_>, Vec<_>) = parsed.iter().partition(is_announce);
        others.sort_by_key(|message| Reverse(counter_of(message.bytes)));
        for message in announces.into_iter().chain(others) {
            let session = message.head.session;
            if session == self.core.session {
                continue;
            }
            // Each signature costs the member that makes us check it.
            let member = self.members.get_mut(&from);
            if !member.is_some_and(|member| member.bucket.try_take(now)) {
                return Err(GroupError::Busy);
            }
            // What is of no use is dropped.
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

    /// A removed session shows why its removal does not count: an order with a lower counter has
    /// removed the moderator before. Of other orders it is no witness.
    fn on_forward_of_removed(
        &mut self,
        message: &Message<'_>,
        forward: &Forward,
        now: Time,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let Some(removed_at) = self.orders.removed_at(session) else { return Ok(()) };
        let departed = self.departed.get(session).ok_or(GroupError::Departed)?;
        if !self.strangers.try_take(now) {
            return Err(GroupError::Busy);
        }
        if !message.is_signed_by(&self.core.group, &departed.identity) {
            return Err(GroupError::Unauthentic);
        }
        let parsed = forward.messages.iter().filter_map(|bytes| Message::parse(bytes).ok());
        let parsed: Vec<_> =
            parsed.filter(|message| message.head.tag == self.core.group[..4]).collect();
        let earlier = |message: &&Message<'_>| match &message.body {
            Body::Order(order) => {
                matches!(order.action, Action::Remove { .. }) && order.counter < removed_at
            }
            Body::Announce(_)
            | Body::KeyUpdate(_)
            | Body::Request(_)
            | Body::Ack(_)
            | Body::Heartbeat(_)
            | Body::Leave
            | Body::Roster(_)
            | Body::Forward(_)
            | Body::Refusal(_)
            | Body::Sas { .. }
            | Body::UpdateHeader(_) => false,
        };
        let removals: Vec<_> = parsed.iter().filter(earlier).collect();
        for removal in removals {
            let (by, Body::Order(order)) = (removal.head.session, &removal.body) else { continue };
            if by == self.core.session || !self.strangers.try_take(now) {
                continue;
            }
            let is_announce = |message: &&Message<'_>| {
                message.head.session == by && matches!(message.body, Body::Announce(_))
            };
            // What is of no use is dropped.
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

    /// We are not a member for this session.
    pub(super) fn on_refusal(
        &mut self,
        by: SessionId,
        reason: RefusalReason,
        is_member: bool,
        now: Time,
    ) {
        let kind = match reason {
            RefusalReason::Refused => 1,
            RefusalReason::Locked => 2,
            RefusalReason::Removed => 3,
            RefusalReason::Full => 4,
            RefusalReason::NumberInUse(_) => 5,
            RefusalReason::OtherParameters => 6,
            RefusalReason::Replaced(_) => 7,
        };
        if let RefusalReason::NumberInUse(other) = reason
            && is_member
            && other != self.core.session
            && other.member_id() == self.core.member_id()
        {
            // One that has opened a key of ours has admitted us.
            if self.members.get(&by).is_some_and(|member| member.has_acknowledged()) {
                return;
            }
            let wait = RESTART_EVERY * 2_u32.saturating_pow(self.restarts.saturating_sub(1));
            let earliest = self.restarted_at.map_or(now, |at| at + wait.min(RESTART_AT_LEAST));
            self.timers.set_sooner(super::Timer::Restart, earliest.max(now));
            return;
        }
        if self.refusers.len() < MAX_ASKED {
            self.refusers.insert(by);
        }
        if is_member {
            self.be_refused_by(by, now);
        }
        let told = self.told_refusals.get(&kind);
        if told.is_none_or(|at| now >= *at + TELL_REFUSAL_EVERY) {
            self.told_refusals.insert(kind, now);
            self.core.event(Event::NotAdmitted { by, reason });
        }
    }

    /// Notes what a heartbeat says of the sender's generations.
    pub(super) fn note_newest(
        &mut self,
        session: SessionId,
        heartbeat: &Heartbeat,
        now: Time,
    ) -> Result<(), GroupError> {
        let begun = crate::keys::received::Begun {
            generation: heartbeat.newest,
            hash: heartbeat.update_hash,
            before: None,
            header: None,
        };
        self.note_begun(session, begun, now)
    }
}
