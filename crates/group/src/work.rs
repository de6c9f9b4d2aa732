//! What is due: keys to be told, moved and asked for, heartbeats, and who is lost.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::time::Duration;

use rand_core::CryptoRng;
use sealframe_wire::SenderKeyKid;

use crate::{
    Departure, Event, Group, Output, Recipient, SessionId,
    group::jitter,
    member::{Member, Told},
    message::{self, Body, Heartbeat, KeyRequest, Reason},
    own_keys::{self, MAX_STEPS, Maker},
    randomness::TRY_AGAIN,
};

/// A member's requests are answered at most this often.
const ANSWER_EVERY: Duration = Duration::from_secs(1);
/// Heartbeats come sooner after joining, this long after it.
const EARLY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Heartbeats missed before a member is called silent.
const SILENT_AFTER: u32 = 3;

impl Group {
    /// Does what is due; what comes of it lies in `out`.
    pub(crate) fn work(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        self.lose(now);
        self.nonces.renew(self.config.policy.nonce_life, now, rng);
        if now >= self.times.timer_at {
            self.want_generation(Reason::Timer, now);
            self.set_timer(now, rng);
        }
        self.begin_if_due(now, rng);
        self.deliver_if_due(now, rng);
        if self.own.is_due(now) {
            self.apply(now, rng);
        }
        for (session, message) in self.own.send_again(now) {
            self.send(Recipient::One(session), message);
        }
        self.answer(now, rng);
        self.ask(now);
        self.retire(now);
        self.report_disputes(now);
        self.go_on_checking(now, rng);
        if now >= self.times.heartbeat_at {
            self.beat(now);
        }
    }

    /// When there is something to do next.
    pub(crate) fn next_at(&self, now: Duration) -> Duration {
        let policy = &self.config.policy;
        let times = &self.times;
        let of_members = self.members.values().flat_map(|member| {
            let heard_at = Duration::from(member.life.heard_at);
            let silent = (!member.life.is_silent).then(|| heard_at + policy.heartbeat * SILENT_AFTER);
            [
                silent,
                Some(member.lost_at(policy.heartbeat * policy.lost_after)),
                member.next_ask_at(),
                member.next_introduction_at(),
                member.updates.next_forgotten_at(),
                member.updates.next_retired_at(),
                member.roster.next_at(policy.dispute_after),
                member.view.next_at(policy.dispute_after),
            ]
        });
        let of_requests = self.requests.iter().filter_map(|session| self.members.get(session));
        let of_requests = of_requests
            .map(|member| Some(member.answered_at.map_or(now, |answered| answered.plus(ANSWER_EVERY))));
        let own = [
            times.deliver_at,
            times.begin_at.map(|(at, _)| at),
            Some(times.timer_at),
            Some(times.heartbeat_at),
            Some(self.nonces.next_at()),
            self.own.next_at(),
            self.checks.next_at(now),
            self.introductions.next_at(),
        ];
        own.into_iter().chain(of_members).chain(of_requests).flatten().min().unwrap_or(now)
    }

    fn set_timer(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        let life = self.config.policy.generation_life(self.members.len() + 1);
        self.times.timer_at = now + jitter(life, rng);
    }

    fn begin_if_due(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        let Some((_, reason)) = self.times.begin_at.filter(|&(at, _)| now >= at) else {
            return;
        };
        let Some(base_key) = own_keys::draw(self.config.suite, rng) else {
            self.times.begin_at = Some((now + TRY_AGAIN, reason));
            return;
        };
        self.times.begin_at = None;
        self.times.begun_at = Some(now);
        let policy = &self.config.policy;
        // A leave meanwhile keeps the deadline of the first.
        let first =
            [self.times.leave_at.take(), self.times.answered_leave_at].into_iter().flatten().min();
        self.times.answered_leave_at = first;
        let soon = now + policy.apply_after;
        let apply_at = first.map_or(soon, |left_at| soon.min(left_at + policy.longest_exposure));
        // One that is replaced leaves its deadline.
        let before = self.own.pending.as_ref().map(|next| next.apply_at);
        let apply_at = before.map_or(apply_at, |before| apply_at.min(before));

        let trusted = self.members.iter().filter(|(_, member)| self.is_trusted(member));
        let told: Vec<SessionId> = trusted.map(|(&session, _)| session).collect();
        self.introduce_ourselves(&told);
        let maker = Maker { head: &self.head, key: &self.key, roster_hash: self.roster_hash };
        let recipients = select(&self.members, &told);
        let messages = self.own.begin(&maker, reason, base_key, &recipients, apply_at, now, rng);
        for (session, member) in &mut self.members {
            member.told.pending = told.contains(session);
        }
        for message in messages {
            self.send(Recipient::All, message);
        }
        self.see_view(now);
    }

    /// The next key becomes the present one.
    fn apply(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        let Some((generation, base_key)) = self.own.apply() else { return };
        self.times.answered_leave_at = None;
        let mut is_missing = false;
        for member in self.members.values_mut() {
            member.told = Told { current: member.told.pending, pending: false, ..member.told };
            is_missing |= !member.told.current;
        }
        self.out.push_back(Output::Rekey { generation, base_key });
        if is_missing {
            self.want_delivery(now);
        }
        self.set_timer(now, rng);
    }

    /// Tells newcomers what we seal with, one step on.
    fn deliver_if_due(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        if self.times.deliver_at.is_none_or(|at| now < at) {
            return;
        }
        self.times.deliver_at = None;
        let newcomers: Vec<SessionId> = self
            .members
            .iter()
            .filter(|(_, member)| !member.told.current && self.is_trusted(member))
            .map(|(&session, _)| session)
            .collect();
        if newcomers.is_empty() {
            return;
        }
        self.times.delivered_at = Some(now);
        if self.own.current.step + 1 >= MAX_STEPS && self.own.current.frames > 0 {
            // Who hears nothing of us meanwhile would fall behind what it can follow.
            if self.own.pending.is_some() {
                return self.tell_next(&newcomers, now, rng);
            }
            self.times.begin_at = Some((now, Reason::Limit));
            return self.begin_if_due(now, rng);
        }
        if self.own.current.frames > 0 {
            self.own.ratchet();
            self.out.push_back(Output::Ratchet);
        }
        self.introduce_ourselves(&newcomers);
        self.tell(&newcomers, Reason::Join, now, rng);
    }

    /// Our announce, and who locked the call, unless they have been sent it.
    fn introduce_ourselves(&mut self, to: &[SessionId]) {
        for &session in to {
            let told = self.members.get_mut(&session).map(|member| &mut member.told.announce);
            if told.is_some_and(|told| core::mem::replace(told, true)) {
                continue;
            }
            self.send(Recipient::One(session), self.announce.clone());
            if let Some(words) = self.lock.words.clone() {
                self.send(Recipient::One(session), words);
            }
        }
    }

    /// Tells these members what we seal with and what comes next.
    fn tell(&mut self, to: &[SessionId], reason: Reason, now: Duration, rng: &mut impl CryptoRng) {
        let maker = Maker { head: &self.head, key: &self.key, roster_hash: self.roster_hash };
        let recipients = select(&self.members, to);
        let current = self.own.deliver_current(&maker, reason, &recipients, now, rng);
        // Whom the next key was told already has it.
        let lacks = |member: &Member| !member.told.pending || reason == Reason::Again;
        let recipients: BTreeMap<_, _> =
            recipients.into_iter().filter(|(_, member)| lacks(member)).collect();
        let next = if recipients.is_empty() {
            Vec::new()
        } else {
            self.own.deliver_pending(&maker, reason, &recipients, now, rng)
        };
        let has_next = self.own.pending.is_some();
        for session in to {
            if let Some(member) = self.members.get_mut(session) {
                member.told = Told { current: true, pending: has_next, ..member.told };
            }
        }
        let to = if let [session] = to { Recipient::One(*session) } else { Recipient::All };
        for message in current.into_iter().chain(next) {
            self.send(to, message);
        }
    }

    /// Tells newcomers what comes next, and not what we seal with.
    fn tell_next(&mut self, to: &[SessionId], now: Duration, rng: &mut impl CryptoRng) {
        let to: Vec<SessionId> =
            to.iter().copied().filter(|session| self.lacks_next(session)).collect();
        self.introduce_ourselves(&to);
        let maker = Maker { head: &self.head, key: &self.key, roster_hash: self.roster_hash };
        let recipients = select(&self.members, &to);
        let next = self.own.deliver_pending(&maker, Reason::Join, &recipients, now, rng);
        for session in to {
            if let Some(member) = self.members.get_mut(&session) {
                member.told.pending = true;
            }
        }
        for message in next {
            self.send(Recipient::All, message);
        }
    }

    fn lacks_next(&self, session: &SessionId) -> bool {
        self.members.get(session).is_some_and(|member| !member.told.pending)
    }

    /// Answers those who asked for keys.
    fn answer(&mut self, now: Duration, rng: &mut impl CryptoRng) {
        let due: Vec<SessionId> = self
            .requests
            .iter()
            .copied()
            .filter(|session| {
                self.members.get(session).is_some_and(|member| {
                    member.answered_at.is_none_or(|answered| now >= answered.plus(ANSWER_EVERY))
                })
            })
            .collect();
        for session in due {
            self.requests.remove(&session);
            let Some(member) = self.members.get_mut(&session) else { continue };
            member.answered_at = Some(now.into());
            member.told.announce = false;
            let is_told = member.told.current;
            self.introduce_ourselves(&[session]);
            // Who has just come in is told one step on, soon.
            if is_told && self.members.get(&session).is_some_and(|member| self.is_trusted(member)) {
                self.tell(&[session], Reason::Again, now, rng);
            }
        }
    }

    /// Asks for keys that have not come, and strangers who they are.
    fn ask(&mut self, now: Duration) {
        let mut targets = Vec::new();
        for (&session, member) in &mut self.members {
            if member.must_ask(now) {
                targets.push((session, member.updates.newest_seq()));
            }
        }
        targets.extend(core::mem::take(&mut self.strangers).into_iter().map(|session| (session, 0)));
        for (target, seq) in targets {
            let nonce = self.nonces.newest();
            let request = KeyRequest { target, seq, nonce_number: nonce.number, nonce: nonce.bytes };
            let message = message::sign(&self.head, &Body::KeyRequest(request), &self.key);
            self.send(Recipient::One(target), message);
        }
    }

    /// Wipes what newer keys have replaced, and what need not be known any more.
    fn retire(&mut self, now: Duration) {
        for member in self.members.values_mut() {
            member.updates.forget_noted(now);
            while let Some((generation, step)) = member.updates.retired(now) {
                let kid = SenderKeyKid { generation, sender: member.sender.into(), step: step.into() };
                self.out.push_back(Output::ForgetBefore(kid));
            }
        }
    }

    /// Says that we are there, and what we see.
    fn beat(&mut self, now: Duration) {
        self.times.heartbeats += 1;
        let nonce = self.nonces.newest();
        let heartbeat = Heartbeat {
            seq: self.times.heartbeats,
            newest: self.own.begun.generation,
            update_hash: self.own.begun.hash,
            generation: self.own.current.generation,
            step: self.own.current.step,
            frames: self.own.current.frames,
            roster_hash: self.roster_hash,
            view_hash: self.view_hash,
            control: self.lock.counter(),
            locked: self.lock.is_locked(),
            nonce_number: nonce.number,
            nonce: nonce.bytes,
        };
        let message = message::sign(&self.head, &Body::Heartbeat(heartbeat), &self.key);
        self.send(Recipient::All, message);
        let passed = now.saturating_sub(self.times.joined_at);
        let early =
            EARLY.iter().find(|&&early| early > passed).map(|&early| self.times.joined_at + early);
        self.times.heartbeat_at = early.unwrap_or(now + self.config.policy.heartbeat);
    }

    /// Who has not been heard for long is silent, then lost.
    fn lose(&mut self, now: Duration) {
        let policy = self.config.policy;
        let mut silent = Vec::new();
        let mut lost = Vec::new();
        for (&session, member) in &mut self.members {
            let heard_at = Duration::from(member.life.heard_at);
            if now >= member.lost_at(policy.heartbeat * policy.lost_after) {
                lost.push(session);
            } else if now >= heard_at + policy.heartbeat * SILENT_AFTER && !member.life.is_silent {
                member.life.is_silent = true;
                silent.push(session);
            }
        }
        for session in silent {
            self.event(Event::Silent(session));
        }
        for session in lost {
            // It is there: it was found above.
            let _ = self.depart(session, Departure::Lost, None, now);
        }
    }
}

/// The members with these sessions.
fn select<'m>(
    members: &'m BTreeMap<SessionId, Box<Member>>,
    sessions: &[SessionId],
) -> BTreeMap<SessionId, &'m Member> {
    let found = sessions.iter().filter_map(|session| Some((*session, &**members.get(session)?)));
    found.collect()
}
