//! SAS verifications between people, carried by the group's messages (PROTOCOL.md §7).

use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::{
    Group,
    verifications::{AGAIN_AFTER, SentMessage},
};
use crate::{
    Event, GroupError, Identity, Recipient, SessionId, Time, UserId,
    message::{Body, Verified},
    verification::{
        PairwiseCode, Party, SasError, SasEvent, SasMessage, SasProgress, TrustError,
        VerificationState, pairwise_code,
    },
};

/// Maximum number of messages that wait for randomness.
const MAX_RECEIVED: usize = 32;
impl Group {
    /// Starts an SAS verification with a member.
    ///
    /// # Errors
    /// [`SasError::NotOpen`] if there is no such member; [`SasError::AlreadyOpen`],
    /// [`SasError::TooMany`].
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

    /// Confirms that the emoji match, by our person's decision.
    ///
    /// # Errors
    /// As [`SasVerifications::confirm`](crate::verification::SasVerifications::confirm).
    pub fn confirm_sas(&mut self, session: SessionId, now: Time) -> Result<(), SasError> {
        let now = self.advance(now);
        let progress = self.verifications.sas.confirm(session, now)?;
        self.apply_sas_progress(session, progress, now);
        Ok(())
    }

    /// Cancels the verification, as the emoji differ or our person gave up.
    pub fn cancel_sas(&mut self, session: SessionId, now: Time) {
        let now = self.advance(now);
        if let Some(message) = self.verifications.sas.cancel(session) {
            self.send_sas(session, message, now);
        }
    }

    /// The code of 45 digits that is the same for us and this member in every call; `None` if there
    /// is no such member. `me` is the user id that the other member's application gives us. Takes
    /// about 0.1 s and 16 MiB.
    #[must_use]
    pub fn pairwise_code(&self, session: SessionId, me: &UserId) -> Option<PairwiseCode> {
        let member = self.members.get(&session)?;
        Some(pairwise_code((&self.core.identity(), me), (&member.identity(), &member.user)))
    }

    /// Marks this member's identity as verified, after people compared codes.
    ///
    /// # Errors
    /// [`TrustError`]; [`TrustError::Unknown`] if there is no such member.
    pub fn set_verified(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        let seconds = self.seconds(now);
        let member = self.members.get_mut(&session).ok_or(TrustError::Unknown)?;
        self.trust.mark_verified(&member.user, &member.identity(), seconds)?;
        member.verification = VerificationState::Verified;
        Ok(())
    }

    /// Accepts this member's changed identity, without verifying it.
    ///
    /// # Errors
    /// [`TrustError`]; [`TrustError::Unknown`] if there is no such member.
    pub fn accept_identity(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        let seconds = self.seconds(now);
        let member = self.members.get_mut(&session).ok_or(TrustError::Unknown)?;
        self.trust.accept_change(&member.user, &member.identity(), seconds)?;
        member.verification = VerificationState::Known;
        Ok(())
    }

    /// Looks up a newcomer's identity in the trust store, and stores it if the user is new.
    pub(super) fn observe_identity(
        &mut self,
        user: &UserId,
        identity: &Identity,
        now: Time,
    ) -> VerificationState {
        let seconds = self.seconds(now);
        // A user that cannot be stored counts as new again next time.
        self.trust.observe(user, identity, seconds).unwrap_or(VerificationState::New)
    }

    const fn seconds(&self, now: Time) -> u64 {
        self.core.config.started_at.saturating_add(now.since_start().as_secs())
    }

    /// Queues a member's message of a verification for the next [`poll`](Self::poll), which has
    /// randomness.
    pub(super) fn on_sas(&mut self, message: Verified<'_, SasMessage>) -> Result<(), GroupError> {
        if self.verifications.received.len() >= MAX_RECEIVED {
            return Err(GroupError::Busy);
        }
        self.verifications.received.push_back((message.session(), *message.body()));
        Ok(())
    }

    /// Handles queued messages, expires verifications, and resends messages that may be lost.
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

    /// Ends the verification with a member that is out of the call.
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
            Some(SasEvent::Started) => self.core.event(Event::SasStarted(session)),
            Some(SasEvent::Compare(sas)) => self.core.event(Event::SasReady { session, sas }),
            Some(SasEvent::Verified) => {
                // Both people just verified this identity, so a changed one is accepted.
                let given = self.clock.to_caller(now);
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
        self.verifications.sent.push(SentMessage {
            to: target,
            message: message.clone(),
            at: now,
            tries: 0,
        });
        self.core.out.send(Recipient::One(target), message);
    }

    fn party(&self, session: SessionId) -> Option<Party> {
        Some(Party { identity: self.members.get(&session)?.identity(), session })
    }
}
