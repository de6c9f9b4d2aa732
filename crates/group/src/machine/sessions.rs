//! Admission and departure of sessions (PROTOCOL.md §3).

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use super::Group;
use crate::{
    Admission, EndReason, Event, GroupError, Identity, JoinRequest, LeaveReason, Permission, Recipient,
    SessionId, Time,
    members::{admission::Applicant, departed::DepartedSession, early::Early, member::Member},
    message::{Announce, Body, Heartbeat, Message, Reason, Refusal, RefusalReason, Status},
};

/// Maximum number of concurrent sessions of one identity. The newest replaces the others once it is
/// live.
const MAX_SESSIONS: usize = 3;

impl Group {
    /// Handles an announce, sent by its session or forwarded. `signs_orders` says that it was
    /// forwarded together with orders that it signed.
    pub(super) fn on_announce(
        &mut self,
        message: &Message<'_>,
        announce: &Announce,
        signs_orders: bool,
        now: Time,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let group = self.core.group;
        if !Announce::hash_of(&group, message.bytes).starts_with(&session.0) {
            return Err(GroupError::Unauthentic);
        }
        if self.members.contains_key(&session) || self.away.get(session).is_some() {
            return Ok(());
        }
        if let Some(applicant) = self.waiting.get_mut(session) {
            if applicant.has_left && !signs_orders {
                // The session itself is in the call after all.
                applicant.has_left = false;
                let request = JoinRequest::new(session, &applicant.announce, false);
                self.core.event(Event::JoinRequested(request));
            }
            return Ok(());
        }
        if self.refused.is_by_application(session, now) {
            return Err(GroupError::Refused);
        }
        if !self.strangers.try_take(now) {
            return Err(GroupError::Busy);
        }
        let Some(verified) = message.verify_announce(&group) else {
            return Err(GroupError::Unauthentic);
        };
        // A newer session of our own identity: another window, or the reloaded page.
        let age = (announce.joined_at, session);
        if announce.identity == self.core.identity() && age > (self.core.joined_at, self.core.session) {
            self.end(EndReason::Replaced { by: session });
            return Ok(());
        }
        self.requested_announces.remove(&session);
        // Another member reported its leave, but the session itself is in the call.
        self.departed.forget(session);
        if !signs_orders && self.has_left_early(session, announce) {
            return Err(GroupError::Departed);
        }
        if !signs_orders && let Err((reason, error)) = self.check_admission(session, announce) {
            if reason == RefusalReason::Locked && !self.refused.contains(session, now) {
                self.core.event(Event::LockedOut(announce.identity));
            }
            self.refuse_with(session, &announce.address, reason, false, now);
            return Err(error);
        }
        if self.waiting.len() >= self.core.config.policy.max_members {
            return Err(GroupError::Full);
        }
        let applicant = Applicant::new(verified, signs_orders, now);
        self.waiting.insert(session, applicant);
        let request = JoinRequest::new(session, announce, signs_orders);
        self.core.event(Event::JoinRequested(request));
        Ok(())
    }

    /// Whether a leave of this session arrived before its announce.
    fn has_left_early(&mut self, session: SessionId, announce: &Announce) -> bool {
        let group = self.core.group;
        let is_its_leave = |early: &Early| {
            early.session == session
                && Message::parse(&early.bytes).is_ok_and(|message| {
                    message.body == Body::Leave && message.is_signed_by(&group, &announce.identity)
                })
        };
        self.early.iter().any(is_its_leave)
    }

    /// Checks whether the application may be asked about a session.
    fn check_admission(
        &self,
        session: SessionId,
        announce: &Announce,
    ) -> Result<(), (RefusalReason, GroupError)> {
        let config = &self.core.config;
        if announce.kem != config.kem {
            return Err((RefusalReason::OtherParameters, GroupError::OtherKem));
        }
        if announce.media_suite != config.suite.id() {
            return Err((RefusalReason::OtherParameters, GroupError::OtherSuite));
        }
        if self.orders.removal_of(session, &announce.identity).is_some() {
            return Err((RefusalReason::Removed, GroupError::Removed));
        }
        if !self.orders.allows(&announce.identity) {
            return Err((RefusalReason::Locked, GroupError::Locked));
        }
        if let Some(owner) = self.owner_of(session) {
            return Err((RefusalReason::MemberIdInUse(owner), GroupError::InUse));
        }
        let is_full = self.members.len() + 1 >= config.policy.max_members
            || self.waiting.len() >= config.policy.max_members;
        let sessions = self.sessions_of(&announce.identity);
        if sessions >= MAX_SESSIONS || is_full && sessions == 0 {
            return Err((RefusalReason::Full, GroupError::Full));
        }
        Ok(())
    }

    /// Number of members and applicants with this identity.
    fn sessions_of(&self, identity: &Identity) -> usize {
        let members = self.members.values().filter(|member| member.identity() == *identity);
        let applicant =
            self.waiting.iter().filter(|(_, applicant)| applicant.announce.identity == *identity);
        members.count() + applicant.filter(|(_, applicant)| !applicant.has_left).count()
    }

    /// Another session with the member id of this one.
    pub(super) fn owner_of(&self, session: SessionId) -> Option<SessionId> {
        let member_id = session.member_id();
        let ours = [self.core.session].into_iter();
        let waiting = self.waiting.iter().filter(|(_, applicant)| !applicant.has_left);
        let waiting = waiting.map(|(&session, _)| session);
        let away = self.away.iter().map(|(&session, _)| session);
        let mut others = ours.chain(self.members_with_id(member_id)).chain(waiting).chain(away);
        others.find(|other| *other != session && other.member_id() == member_id)
    }

    /// Admits an applicant.
    ///
    /// # Errors
    /// [`GroupError::UnknownMember`] if the session is not, or no longer, an applicant.
    /// [`GroupError::Locked`], [`GroupError::Removed`], [`GroupError::Full`] or
    /// [`GroupError::InUse`] if that changed since it asked; it is told so, and may ask again.
    pub fn admit(
        &mut self,
        session: SessionId,
        admission: Admission,
        now: Time,
    ) -> Result<(), GroupError> {
        if self.has_ended {
            return Err(GroupError::Ended);
        }
        let now = self.advance(now);
        let applicant = self.waiting.remove(session).ok_or(GroupError::UnknownMember(session))?;
        if applicant.has_left {
            self.departed.push(DepartedSession {
                session,
                status: Status::Left,
                at: Time::START,
                identity: applicant.announce.identity,
                permission: admission.permission,
                was_live: false,
                address: applicant.announce.address.as_slice().into(),
                announce: Some(applicant.message.into()),
                proof: None,
                answered_at: None,
                is_hearsay: true,
            });
            self.handle_orders_of_departed(session, now);
            return Ok(());
        }
        if let Err((reason, error)) = self.check_admission(session, &applicant.announce) {
            self.refuse_with(session, &applicant.announce.address, reason, false, now);
            return Err(error);
        }
        let verification = self.observe_identity(&admission.user, &applicant.announce.identity, now);
        if verification.is_changed() {
            self.core.event(Event::IdentityChanged { session, verification });
        }
        self.refused.forget(session);
        let (announce, message) = (applicant.announce.clone(), applicant.message.clone());
        let mut member =
            Member::new(&self.core.group, &announce, message, admission, verification, now);
        member.received.reject_before(self.wiped.first_of(session));
        self.members.insert(session, Box::new(member));
        self.core.event(Event::Joined(session));
        self.refresh_roster(now);
        for bytes in applicant.into_messages() {
            // Messages that are rejected are dropped.
            let _ = self.handle_one(&bytes, now);
        }
        self.handle_early(session, now);
        if self.refusers.contains_key(&session) {
            self.move_away_refusing(session, now);
            return Ok(());
        }
        if let Some(member) = self.members.get_mut(&session) {
            // A member that sent only its first heartbeat, to all, may not know us. Any other
            // heartbeat answers our announce.
            member.delivered.announce |= member.presence.seq() != 1;
            // Its keys are in transit; ask for them only if they do not arrive.
            if member.received.newest_open().is_none() && member.presence.sends {
                member.request_keys_by(now + Duration::from_secs(2));
            }
        }
        if !self.sends {
            // If we send frames, our announce goes with our key.
            self.introduce_to(session, now);
        }
        self.schedule_delivery(now);
        Ok(())
    }

    /// Sends a session our announce and a heartbeat, unless it is a member that received them.
    pub(super) fn introduce_to(&mut self, session: SessionId, now: Time) {
        let member = self.members.get_mut(&session);
        let is_known =
            member.is_some_and(|member| core::mem::replace(&mut member.delivered.announce, true));
        if is_known {
            return;
        }
        self.core.out.send(Recipient::One(session), self.core.announce.clone());
        let member = self.members.get(&session);
        let sends = member.is_none_or(|member| member.presence.sends);
        // Its proof of life is awaited to replace another session, or because its orders wait for
        // it.
        let is_awaited = member.is_some_and(|member| {
            let identity = member.identity();
            let mut others = self.members.iter().filter(|(other, _)| **other != session);
            member.permission == Permission::Moderator
                || others.any(|(_, other)| other.identity() == identity)
        });
        if self.sends || sends || is_awaited {
            self.send_heartbeat(Recipient::One(session), is_awaited, now);
        }
    }

    /// Refuses an applicant. It may ask again after a minute.
    pub fn refuse(&mut self, session: SessionId, now: Time) {
        let now = self.advance(now);
        if let Some(applicant) = self.waiting.remove(session) {
            let address = applicant.announce.address;
            self.refuse_with(session, &address, RefusalReason::Refused, true, now);
        }
    }

    pub(super) fn refuse_with(
        &mut self,
        session: SessionId,
        address: &[u8],
        reason: RefusalReason,
        by_application: bool,
        now: Time,
    ) {
        if self.refused.note(session, address, by_application, now) {
            // The session may not know us.
            self.core.out.send(Recipient::One(session), self.core.announce.clone());
            self.send_refusal(session, reason);
        }
    }

    pub(super) fn send_refusal(&mut self, target: SessionId, reason: RefusalReason) {
        self.core.send(Recipient::One(target), &Body::Refusal(Refusal { target, reason }));
    }

    /// Drops a member that the application believes gone, for example on the relay's word. Keys
    /// change at once. If that was a mistake, or the member reconnects, it returns as soon as it
    /// gives proof of life.
    ///
    /// # Errors
    /// [`GroupError::UnknownMember`].
    pub fn drop_member(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        let now = self.advance(now);
        if self.waiting.remove(session).is_some() {
            return Ok(());
        }
        if !self.members.contains_key(&session) {
            return Err(GroupError::UnknownMember(session));
        }
        self.move_to_away(session, LeaveReason::Dropped, now);
        Ok(())
    }

    /// Ends a session, which then cannot return.
    pub(super) fn remove_departed(
        &mut self,
        session: SessionId,
        why: LeaveReason,
        proof: Option<Vec<u8>>,
        now: Time,
    ) {
        let status = match why {
            LeaveReason::Left | LeaveReason::Dropped | LeaveReason::Lost => Status::Left,
            LeaveReason::Removed | LeaveReason::LockedOut => Status::Removed,
            LeaveReason::Replaced => Status::Replaced,
        };
        let member = self.members.remove(&session);
        let was_member = member.is_some();
        let away = || self.away.remove(session).map(|away| away.member);
        let Some(member) = member.or_else(away) else {
            // A session that was never admitted leaves no state behind except its orders.
            self.on_leave_of_applicant(session, None);
            return;
        };
        if was_member {
            self.forget_member(&member);
        }
        let (identity, permission) = (member.identity(), member.permission);
        let was_live = member.presence.was_live();
        let announce = member.announce;
        self.refusers.remove(&session);
        self.departed.push(DepartedSession {
            session,
            status,
            at: now,
            identity,
            permission,
            was_live,
            address: Announce::address_in(&announce).into(),
            announce: (permission == Permission::Moderator).then_some(announce),
            proof,
            answered_at: None,
            is_hearsay: false,
        });
        if was_member {
            self.core.event(Event::Left { session, why });
            self.after_leave(session, now);
        }
    }

    /// Updates the roster and keys after a member left or went away.
    pub(super) fn after_leave(&mut self, session: SessionId, now: Time) {
        self.refresh_roster(now);
        self.left_at.get_or_insert(now);
        self.schedule_generation(Reason::Leave, now);
        self.relock_after(session);
    }

    /// Ends the group, as we are out of the call.
    pub(super) fn end(&mut self, reason: EndReason) {
        self.has_ended = true;
        self.core.event(Event::Ended(reason));
    }

    /// Recomputes the roster hash, and notes that the view changed.
    pub(super) fn refresh_roster(&mut self, now: Time) {
        let members = self.members.values();
        let mut hashes: Vec<_> = members.map(|member| member.announce_hash()).collect();
        hashes.push(self.core.announce_hash);
        if self.roster.set(Heartbeat::roster_hash(&hashes), now) {
            self.roster_changed(now);
        }
        self.view_changed(now);
    }
}
