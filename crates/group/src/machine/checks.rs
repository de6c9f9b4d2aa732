//! Emoji checks between people, carried by the group's messages (PROTOCOL.md §7).

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use rand_core::CryptoRng;

use super::Group;
use crate::{
    Event, GroupError, Identity, Recipient, SessionId, Time, UserId,
    message::Body,
    verification::{
        CheckError, CheckEvent, CheckMessage, CheckProgress, Checks, PairwiseCode, Party, Standing,
        TrustError, pairwise_code,
    },
};

/// Messages that wait for randomness at once.
const MAX_RECEIVED: usize = 32;
/// When the newest message of a check goes out again, in case it was lost: nothing acknowledges it.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The emoji checks of a group.
pub(super) struct GroupChecks {
    checks: Checks,
    received: VecDeque<(SessionId, CheckMessage)>,
    sent: Vec<Sent>,
}

/// The newest message of a check with somebody.
struct Sent {
    to: SessionId,
    message: Vec<u8>,
    at: Time,
    tries: usize,
}

impl GroupChecks {
    pub(super) fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { checks: Checks::new(group_hash, us), received: VecDeque::new(), sent: Vec::new() }
    }

    pub(super) fn next_at(&self) -> Option<Time> {
        let again = self.sent.iter().map(|sent| sent.at + AGAIN_AFTER[sent.tries]);
        let received = (!self.received.is_empty()).then_some(Time::START);
        again.chain(received).chain(self.checks.next_expiry()).min()
    }
}

impl Group {
    /// Begins an emoji check with a member.
    ///
    /// # Errors
    /// [`CheckError::NotOpen`] if there is no such member; [`CheckError::AlreadyOpen`], [`CheckError::TooMany`].
    pub fn start_check(
        &mut self,
        session: SessionId,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<(), CheckError> {
        let now = self.advance(now);
        let them = self.party(session).ok_or(CheckError::NotOpen)?;
        let message = self.checks.checks.start(rng, them, now)?;
        self.send_check(session, message, now);
        Ok(())
    }

    /// Our person says that the rows are the same.
    ///
    /// # Errors
    /// As [`Checks::confirm`].
    pub fn confirm_check(&mut self, session: SessionId, now: Time) -> Result<(), CheckError> {
        let now = self.advance(now);
        let progress = self.checks.checks.confirm(session, now)?;
        self.continue_check(session, progress, now);
        Ok(())
    }

    /// Our person says that the rows differ, or gives up.
    pub fn cancel_check(&mut self, session: SessionId, now: Time) {
        let now = self.advance(now);
        if let Some(message) = self.checks.checks.cancel(session) {
            self.send_check(session, message, now);
        }
    }

    /// 45 digits that are the same for us and this member, in every call. Takes a tenth of a second and 16 MiB. `None` if there is
    /// no such member. `me` is our user, as the other's application calls us.
    #[must_use]
    pub fn pairwise_code(&self, session: SessionId, me: &UserId) -> Option<PairwiseCode> {
        let member = self.members.get(&session)?;
        Some(pairwise_code((&self.core.identity(), me), (&member.identity(), &member.user)))
    }

    /// People have compared codes: this member is who it says.
    ///
    /// # Errors
    /// [`TrustError`]; [`TrustError::Unknown`] if there is no such member.
    pub fn set_verified(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        let seconds = self.seconds(now);
        let member = self.members.get_mut(&session).ok_or(TrustError::Unknown)?;
        self.trust.mark_verified(&member.user, &member.identity(), seconds)?;
        member.standing = Standing::Verified;
        Ok(())
    }

    /// Our person accepts that this member has another identity than before. That does not verify it.
    ///
    /// # Errors
    /// [`TrustError`]; [`TrustError::Unknown`] if there is no such member.
    pub fn accept_identity(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        let seconds = self.seconds(now);
        let member = self.members.get_mut(&session).ok_or(TrustError::Unknown)?;
        self.trust.accept_change(&member.user, &member.identity(), seconds)?;
        member.standing = Standing::Known;
        Ok(())
    }

    /// Judges somebody who comes in, and remembers whom it has not seen before.
    pub(super) fn observe_identity(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: Time,
    ) -> Standing {
        let seconds = self.seconds(now);
        // One that cannot be remembered is as new the next time.
        self.trust.see(user, identity, seconds).unwrap_or(Standing::New)
    }

    const fn seconds(&self, now: Time) -> u64 {
        self.core.config.started_at.saturating_add(now.since_start().as_secs())
    }

    /// A member's message of a check: answered by the next [`poll`](Self::poll), which has randomness.
    pub(super) fn on_check(
        &mut self,
        from: SessionId,
        message: CheckMessage,
    ) -> Result<(), GroupError> {
        if self.checks.received.len() >= MAX_RECEIVED {
            return Err(GroupError::Busy);
        }
        self.checks.received.push_back((from, message));
        Ok(())
    }

    /// Answers what was heard, and sends again what may have been lost.
    pub(super) fn continue_checks(&mut self, now: Time, rng: &mut impl CryptoRng) {
        while let Some((from, message)) = self.checks.received.pop_front() {
            let Some(them) = self.party(from) else { continue };
            let progress = self.checks.checks.receive(rng, them, &message, now);
            self.continue_check(from, progress, now);
        }
        for (session, message) in self.checks.checks.expire(now) {
            self.send_check(session, message, now);
            self.core.event(Event::CheckFailed { session, error: CheckError::TimedOut });
        }
        let mut again = Vec::new();
        for sent in &mut self.checks.sent {
            if now >= sent.at + AGAIN_AFTER[sent.tries] {
                sent.tries += 1;
                again.push((sent.to, sent.message.clone()));
            }
        }
        self.checks.sent.retain(|sent| sent.tries < AGAIN_AFTER.len());
        for (to, message) in again {
            self.core.out.send(Recipient::One(to), message);
        }
    }

    /// A member is out, and so is its check.
    pub(super) fn end_checks(&mut self, session: SessionId) {
        let _ = self.checks.checks.cancel(session);
        self.checks.received.retain(|(from, _)| *from != session);
        self.checks.sent.retain(|sent| sent.to != session);
    }

    fn continue_check(&mut self, session: SessionId, progress: CheckProgress, now: Time) {
        if let Some(message) = progress.send {
            self.send_check(session, message, now);
        }
        match progress.event {
            None => {}
            Some(CheckEvent::Begun) => self.core.event(Event::CheckBegun(session)),
            Some(CheckEvent::Compare(sas)) => self.core.event(Event::CheckCompare { session, sas }),
            Some(CheckEvent::Verified) => {
                // Both people have just compared this identity: a changed one is accepted with that.
                let given = self.clock.to_given(now);
                let _ = self.accept_identity(session, given);
                let _ = self.set_verified(session, given);
                self.core.event(Event::CheckVerified(session));
            }
            Some(CheckEvent::Failed(error)) => self.core.event(Event::CheckFailed { session, error }),
        }
    }

    fn send_check(&mut self, target: SessionId, message: CheckMessage, now: Time) {
        let message = self.core.sign(&Body::Check { target, message });
        self.checks.sent.retain(|sent| sent.to != target);
        self.checks.sent.push(Sent { to: target, message: message.clone(), at: now, tries: 0 });
        self.core.out.send(Recipient::One(target), message);
    }

    fn party(&self, session: SessionId) -> Option<Party> {
        Some(Party { identity: self.members.get(&session)?.identity(), session })
    }
}
