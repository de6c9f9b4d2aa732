//! Who is in the call: who applies and is let in, who is removed, who is out.

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use crate::{
    Admission, Applicant, Departure, Event, Group, GroupError, Output, Power, Recipient, SessionId,
    member::{Departed, Member},
    message::{self, Action, Announce, Body, Control, Message},
};

/// So long after it has left, a moderator's removals are still heard.
const HEARD_AFTER: Duration = Duration::from_secs(180);

impl Group {
    /// Lets an applicant in.
    ///
    /// # Errors
    /// [`GroupError::NoUser`] for a user without a name; [`GroupError::UnknownMember`] if nobody applied in this session;
    /// [`GroupError::Full`]. Whoever applied still waits.
    pub fn admit(
        &mut self,
        session: SessionId,
        admission: Admission,
        now: Duration,
    ) -> Result<(), GroupError> {
        if admission.user.0.is_empty() {
            return Err(GroupError::NoUser);
        }
        if self.members.len() + 1 >= self.config.policy.max_members {
            return Err(GroupError::Full);
        }
        let applicant = self.applicants.remove(&session);
        let (announce, words) = applicant.ok_or(GroupError::UnknownMember(session))?;
        let standing = self.see(&admission.user, &announce.identity, now);
        if standing.is_changed() {
            self.event(Event::IdentityChanged { session, standing });
        }
        self.strangers.remove(&session);
        let member = Member::new(&announce, words, admission, standing, now);
        self.members.insert(session, Box::new(member));
        self.event(Event::Joined(session));
        self.see_roster(now);
        self.want_delivery(now);
        Ok(())
    }

    /// Turns an applicant away. It may apply again.
    pub fn refuse(&mut self, session: SessionId) {
        self.applicants.remove(&session);
    }

    /// Drops a member because the application says so, for example because the server does. It does not come back.
    ///
    /// # Errors
    /// [`GroupError::UnknownMember`].
    pub fn drop_member(&mut self, session: SessionId, now: Duration) -> Result<(), GroupError> {
        self.applicants.remove(&session);
        self.depart(session, Departure::Dropped, None, now)
    }

    /// Removes a member for everybody.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`], [`GroupError::UnknownMember`].
    pub fn remove_member(&mut self, session: SessionId, now: Duration) -> Result<(), GroupError> {
        if !self.members.contains_key(&session) {
            return Err(GroupError::UnknownMember(session));
        }
        let words = self.control(Action::Remove(session))?;
        self.depart(session, Departure::Removed, Some(words), now)
    }

    /// Lets nobody in any more who has not been in this call.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`].
    pub fn lock(&mut self) -> Result<(), GroupError> {
        let words = self.control(Action::Lock)?;
        self.lock.close(self.head.session, words);
        self.event(Event::Locked { by: self.head.session });
        Ok(())
    }

    /// Lets newcomers apply again.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`].
    pub fn unlock(&mut self) -> Result<(), GroupError> {
        let words = self.control(Action::Unlock)?;
        self.lock.open(self.head.session, words);
        self.event(Event::Unlocked { by: self.head.session });
        Ok(())
    }

    fn control(&mut self, action: Action) -> Result<Vec<u8>, GroupError> {
        if self.config.power != Power::Moderator {
            return Err(GroupError::NotAllowed);
        }
        let control = Control { counter: self.lock.counter() + 1, action };
        let words = message::sign(&self.head, &Body::Control(control), &self.key);
        self.send(Recipient::All, words.clone());
        Ok(words)
    }

    /// Somebody applies.
    pub(crate) fn hear_announce(
        &mut self,
        message: &Message<'_>,
        announce: &Announce,
        bytes: &[u8],
        now: Duration,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let same = |known: &[u8]| if known == bytes { Ok(()) } else { Err(GroupError::InUse) };
        if let Some(member) = self.members.get(&session) {
            return same(&member.announce);
        }
        if let Some((_, known)) = self.applicants.get(&session) {
            return same(known);
        }
        if announce.media_suite != self.config.suite.id() {
            return Err(GroupError::OtherSuite);
        }
        let sender = announce.sender;
        if self.gone.senders.contains(&sender) {
            return Err(GroupError::Departed);
        }
        let in_use = sender == self.config.sender
            || self.members.values().any(|member| member.sender == sender)
            || self.applicants.values().any(|(applicant, _)| applicant.sender == sender);
        if in_use {
            return Err(GroupError::InUse);
        }
        if self.members.len() + 1 >= self.config.policy.max_members
            || self.applicants.len() >= self.config.policy.max_members
        {
            return Err(GroupError::Full);
        }
        if !self.stranger_allowance.take(now) {
            return Err(GroupError::Busy);
        }
        if !message.is_signed_by(&announce.identity) {
            return Err(GroupError::Unauthentic);
        }
        let is_known = self.known.contains(&announce.identity)
            || self.members.values().any(|member| member.identity() == announce.identity);
        if self.lock.is_locked() && !is_known {
            self.event(Event::LockedOut(announce.identity));
            return Err(GroupError::Locked);
        }
        self.applicants.insert(session, (announce.clone(), bytes.to_vec()));
        self.event(Event::Applied(Applicant::from((announce, session))));
        Ok(())
    }

    /// Something of a session that is no member. It cannot be verified; who it is may be asked.
    pub(crate) fn hear_stranger(&mut self, message: &Message<'_>, now: Duration) -> GroupError {
        let session = message.head.session;
        let is_request =
            matches!(&message.body, Body::KeyRequest(request) if request.target == self.head.session);
        let is_news = matches!(message.body, Body::Heartbeat(_) | Body::KeyUpdate(_)) || is_request;
        // Who has applied is known; it does not know us perhaps.
        let is_known = self.applicants.contains_key(&session);
        let is_full = self.strangers.len() >= self.config.policy.max_members;
        let may = is_news && (is_request || !is_known) && !is_full;
        if may && self.stranger_allowance.take(now) {
            if is_request {
                self.send(Recipient::One(session), self.announce.clone());
            }
            if !is_known {
                self.strangers.insert(session);
            }
        }
        GroupError::UnknownMember(session)
    }

    /// A moderator has locked or unlocked the call, or removed somebody.
    pub(crate) fn hear_control(
        &mut self,
        by: SessionId,
        control: &Control,
        bytes: &[u8],
        now: Duration,
    ) -> Result<(), GroupError> {
        let power = self.members.get(&by).map(|member| member.power);
        if power != Some(Power::Moderator) {
            return Err(GroupError::NotAllowed);
        }
        let is_locked = match control.action {
            Action::Remove(target) if target == self.head.session => {
                self.has_ended = true;
                self.event(Event::Removed { by });
                return Ok(());
            }
            Action::Remove(target) => {
                self.applicants.remove(&target);
                return self.depart(target, Departure::Removed, Some(bytes.to_vec()), now);
            }
            Action::Lock => true,
            Action::Unlock => false,
        };
        if !self.lock.is_newer(control.counter, by) {
            return Err(GroupError::Stale);
        }
        let was_locked = self.lock.is_locked();
        self.lock.set(control.counter, by, is_locked, bytes.to_vec());
        if is_locked != was_locked {
            self.event(if is_locked { Event::Locked { by } } else { Event::Unlocked { by } });
        }
        Ok(())
    }

    /// Something of somebody who is out. Whom it removed before, others may tell us only now.
    pub(crate) fn hear_departed(
        &mut self,
        message: &Message<'_>,
        bytes: &[u8],
        now: Duration,
    ) -> Result<(), GroupError> {
        let moderator = self.gone.get(message.head.session).and_then(|gone| gone.moderator);
        let (Some((identity, until)), Body::Control(Control { action: Action::Remove(target), .. })) =
            (moderator, &message.body)
        else {
            return Err(GroupError::Departed);
        };
        let is_heard = now < until && self.members.contains_key(target);
        if !is_heard || !self.stranger_allowance.take(now) || !message.is_signed_by(&identity) {
            return Err(GroupError::Departed);
        }
        self.depart(*target, Departure::Removed, Some(bytes.to_vec()), now)
    }

    /// If who locked the call is out, nobody who comes could believe its words: whoever may locks it again.
    fn keep_locked(&mut self, gone: SessionId) {
        if self.lock.is_locked_by(gone)
            && let Ok(words) = self.control(Action::Lock)
        {
            self.lock.close(self.head.session, words);
        }
    }

    /// Somebody is out. Its number and its session are used up.
    pub(crate) fn depart(
        &mut self,
        session: SessionId,
        why: Departure,
        words: Option<Vec<u8>>,
        now: Duration,
    ) -> Result<(), GroupError> {
        let member = self.members.remove(&session).ok_or(GroupError::UnknownMember(session))?;
        self.own.forget(session);
        self.end_check(session);
        self.requests.remove(&session);
        self.known.insert(member.identity());
        let may_remove = member.power == Power::Moderator && why != Departure::Removed;
        let moderator = may_remove.then(|| (member.identity(), now + HEARD_AFTER));
        self.gone.push(member.sender, Departed { session, words, moderator });
        self.out.push_back(Output::Forget { sender: member.sender });
        self.event(Event::Left { session, why });
        self.see_roster(now);
        self.times.leave_at.get_or_insert(now);
        self.want_generation(message::Reason::Leave, now);
        self.keep_locked(session);
        Ok(())
    }
}

impl From<(&Announce, SessionId)> for Applicant {
    fn from((announce, session): (&Announce, SessionId)) -> Self {
        Self {
            session,
            sender: announce.sender,
            identity: announce.identity,
            role: announce.role,
            credential: announce.credential.clone(),
        }
    }
}
