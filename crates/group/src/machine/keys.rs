//! Delivery of our keys and handling of other members' keys (PROTOCOL.md §4).

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use super::{Group, timers::Timer};
use crate::{
    Event, GroupError, KeyChange, KeyId, Recipient, SessionId, Time,
    keys::{
        own,
        received::{GenerationStart, HEADER_MESSAGE_LEN, Opened},
    },
    members::member::{Delivered, Member},
    message::{
        self, Ack, Addressee, Body, Entry, KeyUpdate, Message, Reason, Request, UpdateHeader, Verified,
        Wants, entry_info,
    },
    policy::OnMismatch,
    randomness::TRY_AGAIN,
};

/// Minimum interval between answers to one member's requests.
pub(super) const ANSWER_EVERY: Duration = Duration::from_secs(1);
/// A member that joined this recently may be present without proof of life.
const MAY_BE_NEW: Duration = Duration::from_secs(10);
/// Minimum interval between generations begun at one member's request.
const RENEW_EVERY: Duration = Duration::from_secs(4);
/// How long an ack waits for another message to the same member.
const ACK_WAIT: Duration = Duration::from_millis(50);
/// Joins are coalesced for this time multiplied by the number of members, up to the policy's bound,
/// so that small calls do not wait.
const COALESCE_EACH: Duration = Duration::from_millis(20);
/// A key for more recipients than this requests no acks.
const MAX_ACKS: usize = 256;

impl Group {
    /// Schedules a delivery: at once, unless one was made a moment ago.
    pub(super) fn schedule_delivery(&mut self, now: Time) {
        let among = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let wait = self.core.config.policy.coalesce_joins.min(COALESCE_EACH * among);
        let is_used = self.own.current.frames > 0;
        let last = self.delivered_at.filter(|_| is_used);
        let earliest = last.map_or(now, |at| at + wait);
        self.timers.set_sooner(Timer::Deliver, earliest.max(now));
    }

    /// Schedules a generation: at once, unless one began a moment ago.
    pub(super) fn schedule_generation(&mut self, reason: Reason, now: Time) {
        let earliest = self.began_at.map_or(now, |at| at + self.core.config.policy.coalesce_leaves);
        if self.timers.get(Timer::Begin).is_none() {
            self.begin_reason = reason;
        }
        self.timers.set_sooner(Timer::Begin, earliest.max(now));
    }

    /// Whether this member may be given our keys.
    fn is_trusted(&self, member: &Member) -> bool {
        match self.core.config.policy.on_mismatch {
            OnMismatch::Report => true,
            OnMismatch::Withhold => !member.roster.is_reported(),
        }
    }

    pub(super) fn begin_if_due(&mut self, now: Time, rng: &mut impl CryptoRng) {
        if !self.timers.take_due(Timer::Begin, now) {
            return;
        }
        if self.own.is_private() && !self.sends {
            // No member has the current key.
            self.left_at = None;
            return;
        }
        let Some(base_key) = own::draw(self.core.config.suite, rng) else {
            self.timers.set(Timer::Begin, now + TRY_AGAIN);
            return;
        };
        self.began_at = Some(now);
        if self.sends && self.own.is_private() {
            // Publish the private generation first: it precedes the next one in the chain.
            self.own.publish(&self.core, Reason::Leave, self.members.len() <= MAX_ACKS);
        }
        if !self.sends {
            return self.begin_private(base_key);
        }
        let policy = &self.core.config.policy;
        // A further leave keeps the deadline of the first, and a replaced generation passes on its
        // own.
        let first = [self.left_at.take(), self.answered_leave_at].into_iter().flatten().min();
        self.answered_leave_at = first;
        let soon = now + policy.switch_after;
        let switch_at = first.map_or(soon, |left_at| soon.min(left_at + policy.max_leave_delay));
        let before = self.own.pending.as_ref().map(|pending| pending.switch_at);
        let switch_at = before.map_or(switch_at, |before| switch_at.min(before));

        let recipients = self.members.len();
        let wants_ack = recipients <= MAX_ACKS;
        self.own.begin(&self.core, self.begin_reason, wants_ack, base_key, switch_at);
        let kept = [self.own.current.generation, self.own.newest_generation];
        let withheld = self.withheld();
        // Newcomers that await their delivery do not know us yet.
        for session in self.members_that(|member| !member.delivered.announce) {
            if !withheld.contains(&session) {
                self.introduce_to(session, now);
            }
        }
        for (session, member) in self.members.iter_mut() {
            member.retain_unacknowledged(&kept);
            member.delivered.pending = false;
            if withheld.contains(session) {
                continue;
            }
            if let Some((message, delivery)) = self.own.pending_for(&self.core, member, rng) {
                member.delivered.pending = true;
                member.note_delivery(delivery, wants_ack, now);
                self.core.out.send(Recipient::One(*session), message);
            }
        }
        self.timers.set(Timer::Switch, if recipients == 0 { now } else { switch_at });
        self.view_changed(now);
    }

    /// Members that are given no keys.
    fn withheld(&self) -> Vec<SessionId> {
        let withheld = self.members.iter().filter(|(_, member)| !self.is_trusted(member));
        withheld.map(|(&session, _)| session).collect()
    }

    /// Switches to a key that no member has, while we only listen.
    fn begin_private(&mut self, base_key: sealframe_crypto::BaseKey) {
        let (generation, base_key) = self.own.begin_private(base_key);
        (self.left_at, self.answered_leave_at) = (None, None);
        self.timers.stop(Timer::Switch);
        for member in self.members.values_mut() {
            member.delivered =
                Delivered { announce: member.delivered.announce, ..Delivered::default() };
            member.retain_unacknowledged(&[]);
        }
        self.core.change_keys(KeyChange::Rekey { generation: generation.into(), base_key });
    }

    /// Switches to the pending key when it is acknowledged or its deadline is reached.
    pub(super) fn switch_if_due(&mut self, now: Time, rng: &mut impl CryptoRng) {
        if !self.timers.take_due(Timer::Switch, now) {
            return;
        }
        let Some((generation, base_key)) = self.own.switch() else { return };
        self.answered_leave_at = None;
        let mut is_missing = false;
        for member in self.members.values_mut() {
            let Delivered { announce, pending, .. } = member.delivered;
            member.delivered = Delivered { announce, current: pending, pending: false };
            member.retain_unacknowledged(&[generation]);
            is_missing |= !pending;
        }
        self.core.change_keys(KeyChange::Rekey { generation: generation.into(), base_key });
        if is_missing {
            self.schedule_delivery(now);
        }
        self.set_rekey_timer(now, rng);
    }

    /// Ratchets the current key and delivers it to members that lack it.
    pub(super) fn deliver_if_due(&mut self, now: Time, rng: &mut impl CryptoRng) {
        if !self.timers.take_due(Timer::Deliver, now) || !self.sends {
            return;
        }
        let wants_ack = self.members.len() <= MAX_ACKS;
        if self.own.is_private() {
            self.own.publish(&self.core, Reason::Leave, wants_ack);
            self.view_changed(now);
            // Members that were in the call may open the frames sealed with it so far.
            let polled_at = self.polled_at;
            let here = |member: &Member| member.since < polled_at;
            let sessions = self.lacking(here);
            self.deliver(&sessions, wants_ack, now, rng);
        }
        let newcomers = self.lacking(|_| true);
        if newcomers.is_empty() {
            return;
        }
        self.delivered_at = Some(now);
        if self.own.current.frames > 0 {
            if !self.own.can_ratchet() {
                // Receivers that miss our messages meanwhile would fall further behind than they
                // can ratchet.
                if self.own.pending.is_none() {
                    self.begin_reason = Reason::Limit;
                    self.timers.set(Timer::Begin, now);
                    self.begin_if_due(now, rng);
                } else {
                    self.deliver_pending(&newcomers, wants_ack, now, rng);
                }
                return;
            }
            self.own.ratchet();
            self.core.change_keys(KeyChange::Ratchet);
            if self.own.is_near_step_limit() && self.own.pending.is_none() {
                // Begin early, so that newcomers need not wait for it.
                self.schedule_generation(Reason::Limit, now);
            }
        }
        self.deliver(&newcomers, wants_ack, now, rng);
    }

    /// Members that lack the current key and may have it.
    fn lacking(&self, which: impl Fn(&Member) -> bool) -> Vec<SessionId> {
        let lacking = self.members.iter().filter(|(_, member)| {
            !member.delivered.current && which(member) && self.is_trusted(member)
        });
        lacking.map(|(&session, _)| session).collect()
    }

    /// Delivers the current and the pending key to these members.
    fn deliver(&mut self, to: &[SessionId], wants_ack: bool, now: Time, rng: &mut impl CryptoRng) {
        for &session in to {
            self.introduce_to(session, now);
            let Some(member) = self.members.get_mut(&session) else { continue };
            let made = self.own.current_for(&self.core, wants_ack, member, rng);
            if let Some((message, delivery)) = made {
                member.note_delivery(delivery, wants_ack, now);
                self.core.out.send(Recipient::One(session), message);
            }
            member.delivered.current = true;
        }
        self.deliver_pending(to, wants_ack, now, rng);
    }

    fn deliver_pending(
        &mut self,
        to: &[SessionId],
        wants_ack: bool,
        now: Time,
        rng: &mut impl CryptoRng,
    ) {
        if self.own.pending.is_none() {
            return;
        }
        for &session in to {
            self.introduce_to(session, now);
            let Some(member) = self.members.get_mut(&session) else { continue };
            if member.delivered.pending {
                continue;
            }
            if let Some((message, delivery)) = self.own.pending_for(&self.core, member, rng) {
                member.note_delivery(delivery, wants_ack, now);
                self.core.out.send(Recipient::One(session), message);
            }
            member.delivered.pending = true;
        }
    }

    /// Resends keys that were not acknowledged.
    pub(super) fn repeat_deliveries(&mut self, now: Time, rng: &mut impl CryptoRng) {
        let is_due = |member: &Member| member.next_repeat_at().is_some_and(|at| now >= at);
        let due = self.members.iter().filter(|(_, member)| is_due(member));
        let due: Vec<SessionId> = due.map(|(&session, _)| session).collect();
        for session in due {
            let Some(member) = self.members.get_mut(&session) else { continue };
            if let Some(acked_at) = self.acked_at {
                member.defer_resends(acked_at);
            }
            for (generation, tries) in member.repeats(now) {
                let pending = self.own.pending.as_ref().map(|pending| pending.generation);
                let made = if generation == self.own.current.generation {
                    self.own.current_for(&self.core, true, member, rng)
                } else if Some(generation) == pending {
                    self.own.pending_for(&self.core, member, rng)
                } else {
                    None
                };
                // A key that is no longer used needs no ack.
                member.forget_delivery(generation);
                if let Some((message, delivery)) = made {
                    member.note_repeat(delivery, tries, now);
                    self.core.out.send(Recipient::One(session), message);
                }
            }
        }
    }

    /// Schedules the switch if all present members have acknowledged the pending key. A member that
    /// has just joined counts as present.
    pub(super) fn switch_if_acknowledged(&mut self, now: Time) {
        let Some(pending) = &self.own.pending else { return };
        let generation = pending.generation;
        let mut here = self
            .members
            .values()
            .filter(|member| member.presence.is_live() || now < member.since + MAY_BE_NEW);
        if self.members.len() <= MAX_ACKS && !here.any(|member| member.owes_ack_of(generation)) {
            self.timers.set_sooner(Timer::Switch, now);
        }
    }

    pub(super) fn on_ack(
        &mut self,
        session: SessionId,
        ack: &Ack,
        now: Time,
    ) -> Result<(), GroupError> {
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        if !member.acknowledge((ack.generation, ack.step), &ack.mac, now) {
            return Err(GroupError::Stale);
        }
        self.acked_at = Some(now);
        self.refusers.remove(&session);
        // An ack is not proof of life: any holder of the key could have made it.
        self.switch_if_acknowledged(now);
        Ok(())
    }

    fn acknowledge(&mut self, target: SessionId, opened: &Opened, now: Time) {
        let Opened { generation, step, mac, .. } = *opened;
        let ack = (target, Ack { generation, step, mac });
        if !self.acks.contains(&ack) {
            self.acks.push(ack);
        }
        self.timers.set_sooner(Timer::Acks, now + ACK_WAIT);
    }

    /// Sends acks that are due, and those to members that a message is queued for.
    pub(super) fn send_acks(&mut self, now: Time) {
        let is_due = self.timers.get(Timer::Acks).is_some_and(|at| now >= at);
        let mut rest = Vec::new();
        let delivers = self.sends && self.timers.get(Timer::Deliver).is_some();
        for (target, ack) in core::mem::take(&mut self.acks) {
            // Our key for this member follows in a moment and takes the ack along.
            let waits =
                delivers && self.members.get(&target).is_some_and(|member| !member.delivered.current);
            if is_due && !waits || self.core.out.has_message_for(target) {
                self.core.send(Recipient::One(target), &Body::Ack(ack));
            } else {
                rest.push((target, ack));
            }
        }
        self.acks = rest;
        if is_due {
            self.timers.stop(Timer::Acks);
            if let Some(at) = self.timers.get(Timer::Deliver).filter(|_| !self.acks.is_empty()) {
                self.timers.set(Timer::Acks, at.max(now) + ACK_WAIT);
            }
        }
    }

    pub(super) fn on_key_update(
        &mut self,
        session: SessionId,
        message: &Message<'_>,
        update: &KeyUpdate,
        now: Time,
    ) -> Result<(), GroupError> {
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        let signature = message.signature.ok_or(GroupError::Unauthentic)?;
        if let Some(opened) = member.received.find_repeated(update, &signature) {
            // Our ack was lost.
            if update.wants_ack {
                self.acknowledge(session, &opened, now);
            }
            return Ok(());
        }
        let core = &self.core;
        let (kem, suite, group) = (core.config.kem, core.config.suite, core.group);
        let entry = Entry::parse(message.entry)?;
        let (enc, ciphertext) = entry.parts(kem, suite.nh())?;
        let Some((secret, prekey)) = self.prekeys.find(entry.prekey_number) else {
            // The member does not know our newest prekey.
            self.send_heartbeat_to(session, false, now);
            return Err(GroupError::Stale);
        };
        let identity = member.identity();
        let to = Addressee { identity: core.identity(), session: core.session, prekey };
        let info = entry_info(&group, kem, suite, (&identity, session), &to);
        let base_key = secret.unwrap(suite, enc, ciphertext, &info, message.signed);
        let base_key = base_key.map_err(|_| GroupError::WrongKey)?;
        let bytes = base_key.expose_bytes();
        let (generation, step) = (update.generation, update.step);
        let key_commit = KeyUpdate::commit(bytes, &group, session, generation, step);
        if message.verify_update(&group, &identity, &key_commit).is_none() {
            return Err(GroupError::Unauthentic);
        }
        let hash = message.header_hash(&group, &key_commit);
        let mac = Ack::mac(bytes, &hash, core.session);
        let mut start = [0; 8];
        start.copy_from_slice(&signature[..8]);
        let opened = Opened { generation, step, key_commit, mac, signature: start };
        // The update shows that the member knows us.
        member.delivered.announce = true;
        self.refusers.remove(&session);
        if member.received.note(opened).is_err() {
            return Err(self.report_equivocation(session));
        }
        let start = if update.reason.begins_generation() {
            let shown =
                message::header_message(&message.bytes[..message.signed.len() + 64], &key_commit);
            let header = <[u8; HEADER_MESSAGE_LEN]>::try_from(&*shown).ok().map(Box::new);
            let before = (generation > 0).then_some(update.prev_hash);
            GenerationStart { generation, hash, before, header }
        } else {
            GenerationStart { generation, hash: update.prev_hash, before: None, header: None }
        };
        self.note_generation_start(session, start, now)?;
        if update.wants_ack {
            self.acknowledge(session, &opened, now);
        }
        let Some(member) = self.members.get_mut(&session) else { return Ok(()) };
        if generation >= member.received.newest().0 {
            member.cancel_key_requests();
        }
        if member.received.is_open(generation)? {
            return Ok(());
        }
        let id = member.member_id();
        if let Some(wiped) = member.received.open(generation, step, now) {
            if wiped == generation {
                return Err(GroupError::Stale);
            }
            self.core.change_keys(KeyChange::WipeGeneration { member: id, generation: wiped.into() });
        }
        let key = KeyId { generation: generation.into(), step: step.into() };
        self.core.change_keys(KeyChange::Install { member: id, key, base_key });
        Ok(())
    }

    /// Notes that a member has begun a generation, by its own message or by a forwarded header.
    pub(super) fn note_generation_start(
        &mut self,
        session: SessionId,
        start: GenerationStart,
        now: Time,
    ) -> Result<(), GroupError> {
        let Some(member) = self.members.get_mut(&session) else { return Ok(()) };
        let before = member.received.newest();
        if member.received.note_start(start).is_err() {
            return Err(self.report_equivocation(session));
        }
        if member.received.newest() != before {
            self.view_changed(now);
        }
        Ok(())
    }

    /// Handles a forwarded update header.
    pub(super) fn on_update_header(&mut self, message: &Message<'_>) -> Result<(), GroupError> {
        let now = self.polled_at;
        let session = message.head.session;
        let Body::UpdateHeader(UpdateHeader { update, key_commit }) = &message.body else {
            return Err(GroupError::NotAllowed);
        };
        let group = self.core.group;
        let member = self.members.get(&session).ok_or(GroupError::UnknownMember(session))?;
        if !update.reason.begins_generation() {
            return Err(GroupError::NotAllowed);
        }
        let hash = message.header_hash(&group, key_commit);
        let (newest, known) = member.received.newest();
        if newest == update.generation && bool::from(hash.ct_eq(&known)) {
            return Err(GroupError::Stale);
        }
        if message.verify(&group, &member.identity()).is_none() {
            return Err(GroupError::Unauthentic);
        }
        let header = <[u8; HEADER_MESSAGE_LEN]>::try_from(message.bytes).ok().map(Box::new);
        let before = (update.generation > 0).then_some(update.prev_hash);
        self.note_generation_start(
            session,
            GenerationStart { generation: update.generation, hash, before, header },
            now,
        )?;
        if let Some(member) = self.members.get_mut(&session)
            && member.presence.sends
            && update.generation > newest
        {
            member.request_keys_by(now);
        }
        Ok(())
    }

    /// Reports that a member signed two statements that contradict each other.
    pub(super) fn report_equivocation(&mut self, session: SessionId) -> GroupError {
        let member = self.members.get_mut(&session);
        let is_news =
            member.is_some_and(|member| !core::mem::replace(&mut member.has_equivocated, true));
        if is_news {
            self.core.event(Event::Equivocation(session));
        }
        GroupError::Equivocation
    }

    pub(super) fn on_request(&mut self, request: Verified<'_, Request>) -> Result<(), GroupError> {
        let (session, wants) = (request.session(), request.body().wants);
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        member.request = Some(member.request.map_or(wants, |before| before.and(wants)));
        Ok(())
    }

    /// Answers members' requests.
    pub(super) fn answer_requests(&mut self, now: Time, rng: &mut impl CryptoRng) {
        let is_due = |member: &Member| {
            member.request.is_some() && member.answered_at.is_none_or(|at| now >= at + ANSWER_EVERY)
        };
        let due = self.members.iter().filter(|(_, member)| is_due(member));
        let due: Vec<SessionId> = due.map(|(&session, _)| session).collect();
        for session in due {
            let Some(member) = self.members.get_mut(&session) else { continue };
            let Some(wants) = member.request.take() else { continue };
            member.answered_at = Some(now);
            if wants.has(Wants::ANNOUNCE) {
                self.core.out.send(Recipient::One(session), self.core.announce.clone());
            }
            if wants.has(Wants::HEARTBEAT) || wants.has(Wants::ANNOUNCE) {
                self.send_heartbeat(Recipient::One(session), false, now);
            }
            let Some(member) = self.members.get_mut(&session) else { continue };
            if wants.has(Wants::NEW_KEYS) {
                // A key that the member wiped does not open again, so it needs a new generation.
                let had = member.delivered.current || member.delivered.pending;
                if had && member.renewed_at.is_some_and(|at| now < at + RENEW_EVERY) {
                    continue;
                }
                if had {
                    member.renewed_at = Some(now);
                }
                member.delivered.current = false;
                member.delivered.pending = false;
                if had {
                    self.schedule_generation(Reason::Leave, now);
                    self.begin_if_due(now, rng);
                } else {
                    self.schedule_delivery(now);
                }
            } else if wants.has(Wants::KEYS) && self.sends {
                let was_delivered = member.delivered.current;
                member.delivered.pending = false;
                if was_delivered
                    && self.members.get(&session).is_some_and(|member| self.is_trusted(member))
                {
                    self.deliver(&[session], self.members.len() <= MAX_ACKS, now, rng);
                } else {
                    self.schedule_delivery(now);
                }
            }
        }
    }

    /// Requests keys that have not arrived.
    pub(super) fn send_requests(&mut self, now: Time) {
        let mut targets = Vec::new();
        for (&session, member) in self.members.iter_mut() {
            targets.extend(member.take_key_request(now).map(|wants| (session, wants)));
        }
        for (target, wants) in targets {
            let request = Request { target, wants };
            self.core.send(Recipient::One(target), &Body::Request(request));
        }
    }

    /// Wipes keys that newer ones have replaced.
    pub(super) fn wipe_retired(&mut self, now: Time) {
        for member in self.members.values_mut() {
            while let Some(key) = member.received.retired(now) {
                self.core.change_keys(KeyChange::WipeBefore { member: member.member_id(), key });
            }
        }
    }
}
