//! Emoji checks between people, carried by the group's messages (PROTOCOL.md §7).

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use rand_core::CryptoRng;

use super::Group;
use crate::{
    Event, GroupError, Identity, Recipient, SessionId, Time, UserId,
    message::{Body, Verified},
    verification::{
        PairwiseCode, Party, SasError, SasEvent, SasMessage, SasProgress, SasVerifications, TrustError,
        VerificationState, pairwise_code,
    },
};

/// Messages that wait for randomness at once.
const MAX_RECEIVED: usize = 32;
/// When the newest message of a check goes out again, in case it was lost: nothing acknowledges it.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The emoji checks of a group.
pub(super) struct GroupVerifications {
    sas: SasVerifications,
    received: VecDeque<(SessionId, SasMessage)>,
    sent: Vec<Sent>,
}

/// The newest message of a check with somebody.
struct Sent {
    to: SessionId,
    message: Vec<u8>,
    at: Time,
    tries: usize,
}

impl GroupVerifications {
    pub(super) fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { sas: SasVerifications::new(group_hash, us), received: VecDeque::new(), sent: Vec::new() }
    }

    pub(super) fn next_at(&self) -> Option<Time> {
        let again = self.sent.iter().map(|sent| sent.at + AGAIN_AFTER[sent.tries]);
        let received = (!self.received.is_empty()).then_some(Time::START);
        again.chain(received).chain(self.sas.next_expiry()).min()
    }
}

impl Group {
    /// Begins an emoji check with a member.
    ///
    /// # Errors
    /// [`SasError::NotOpen`] if there is no such member; [`SasError::AlreadyOpen`], [`SasError::TooMany`].
    pub fn start_sas(
        &mut self,
        session: SessionId,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<(), SasError> {
        let now = self.advance(now);
        let them = self.party(session).ok_or(SasError::NotOpen)?;
        let message = self.verifications.sas.start(rng, them, now)?;
        self.send_sas(session, message, now);
        Ok(())
    }

    /// Our person says that the rows are the same.
    ///
    /// # Errors
    /// As [`SasVerifications::confirm`].
    pub fn confirm_sas(&mut self, session: SessionId, now: Time) -> Result<(), SasError> {
        let now = self.advance(now);
        let progress = self.verifications.sas.confirm(session, now)?;
        self.apply_sas_progress(session, progress, now);
        Ok(())
    }

    /// Our person says that the rows differ, or gives up.
    pub fn cancel_sas(&mut self, session: SessionId, now: Time) {
        let now = self.advance(now);
        if let Some(message) = self.verifications.sas.cancel(session) {
            self.send_sas(session, message, now);
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
        member.standing = VerificationState::Verified;
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
        member.standing = VerificationState::Known;
        Ok(())
    }

    /// Judges somebody who comes in, and remembers whom it has not seen before.
    pub(super) fn observe_identity(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: Time,
    ) -> VerificationState {
        let seconds = self.seconds(now);
        // One that cannot be remembered is as new the next time.
        self.trust.see(user, identity, seconds).unwrap_or(VerificationState::New)
    }

    const fn seconds(&self, now: Time) -> u64 {
        self.core.config.started_at.saturating_add(now.since_start().as_secs())
    }

    /// A member's message of a check: answered by the next [`poll`](Self::poll), which has randomness.
    pub(super) fn on_sas(&mut self, message: Verified<'_, SasMessage>) -> Result<(), GroupError> {
        if self.verifications.received.len() >= MAX_RECEIVED {
            return Err(GroupError::Busy);
        }
        self.verifications.received.push_back((message.session(), *message.body()));
        Ok(())
    }

    /// Answers what was heard, and sends again what may have been lost.
    pub(super) fn advance_verifications(&mut self, now: Time, rng: &mut impl CryptoRng) {
        while let Some((from, message)) = self.verifications.received.pop_front() {
            let Some(them) = self.party(from) else { continue };
            let progress = self.verifications.sas.receive(rng, them, &message, now);
            self.apply_sas_progress(from, progress, now);
        }
        for (session, message) in self.verifications.sas.expire(now) {
            self.send_sas(session, message, now);
            self.core.event(Event::SasFailed { session, error: SasError::TimedOut });
        }
        let mut again = Vec::new();
        for sent in &mut self.verifications.sent {
            if now >= sent.at + AGAIN_AFTER[sent.tries] {
                sent.tries += 1;
                again.push((sent.to, sent.message.clone()));
            }
        }
        self.verifications.sent.retain(|sent| sent.tries < AGAIN_AFTER.len());
        for (to, message) in again {
            self.core.out.send(Recipient::One(to), message);
        }
    }

    /// A member is out, and so is its check.
    pub(super) fn end_verification(&mut self, session: SessionId) {
        let _ = self.verifications.sas.cancel(session);
        self.verifications.received.retain(|(from, _)| *from != session);
        self.verifications.sent.retain(|sent| sent.to != session);
    }

    fn apply_sas_progress(&mut self, session: SessionId, progress: SasProgress, now: Time) {
        if let Some(message) = progress.send {
            self.send_sas(session, message, now);
        }
        match progress.event {
            None => {}
            Some(SasEvent::Begun) => self.core.event(Event::SasStarted(session)),
            Some(SasEvent::Compare(sas)) => self.core.event(Event::SasReady { session, sas }),
            Some(SasEvent::Verified) => {
                // Both people have just compared this identity: a changed one is accepted with that.
                let given = self.clock.to_given(now);
                let _ = self.accept_identity(session, given);
                let _ = self.set_verified(session, given);
                self.core.event(Event::SasVerified(session));
            }
            Some(SasEvent::Failed(error)) => self.core.event(Event::SasFailed { session, error }),
        }
    }

    fn send_sas(&mut self, target: SessionId, message: SasMessage, now: Time) {
        let message = self.core.sign(&Body::Sas { target, message });
        self.verifications.sent.retain(|sent| sent.to != target);
        self.verifications.sent.push(Sent { to: target, message: message.clone(), at: now, tries: 0 });
        self.core.out.send(Recipient::One(target), message);
    }

    fn party(&self, session: SessionId) -> Option<Party> {
        Some(Party { identity: self.members.get(&session)?.identity(), session })
    }
}
