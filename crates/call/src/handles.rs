//! The decisions of people and applications in a call, by subject.

use crate::group::{
    Admission, Group, GroupError, SessionId, Time, UserId,
    rand_core::CryptoRng,
    verification::{PairwiseCode, SasError, TrustError, TrustStore},
};

/// The members of a call.
#[derive(Debug)]
pub struct Members<'c> {
    pub(crate) group: &'c mut Group,
}

impl Members<'_> {
    /// Admits a session that [asked to join](crate::group::Event::JoinRequested).
    ///
    /// # Errors
    /// Those of [`Group::admit`].
    pub fn admit(
        &mut self,
        session: SessionId,
        admission: Admission,
        now: Time,
    ) -> Result<(), GroupError> {
        self.group.admit(session, admission, now)
    }

    /// Refuses a session that asked to join.
    pub fn refuse(&mut self, session: SessionId, now: Time) {
        self.group.refuse(session, now);
    }

    /// Drops a member that the application knows to be gone, for example from the relay. It returns
    /// as soon as it proves that it is live.
    ///
    /// # Errors
    /// [`GroupError::UnknownMember`].
    pub fn drop_member(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        self.group.drop_member(session, now)
    }

    /// Like [`drop_member`](Self::drop_member), for every member with this relay address.
    pub fn drop_address(&mut self, address: &[u8], now: Time) {
        let sessions: alloc::vec::Vec<_> = self.group.sessions_at(address).collect();
        for session in sessions {
            // The member exists: it was found above.
            let _ = self.group.drop_member(session, now);
        }
    }

    /// Removes a member for everybody.
    ///
    /// # Errors
    /// Those of [`Group::remove_member`].
    pub fn remove(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        self.group.remove_member(session, now)
    }

    /// Locks the call: only identities that are in the call now are admitted.
    ///
    /// # Errors
    /// Those of [`Group::lock`].
    pub fn lock(&mut self, now: Time) -> Result<(), GroupError> {
        self.group.lock(now)
    }

    /// Lets newcomers ask to join again.
    ///
    /// # Errors
    /// Those of [`Group::unlock`].
    pub fn unlock(&mut self, now: Time) -> Result<(), GroupError> {
        self.group.unlock(now)
    }
}

/// The verification of people.
#[derive(Debug)]
pub struct Verification<'c> {
    pub(crate) group: &'c mut Group,
}

impl Verification<'_> {
    /// Starts an emoji comparison with a member.
    ///
    /// # Errors
    /// Those of [`Group::start_sas`].
    pub fn start(
        &mut self,
        session: SessionId,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<(), SasError> {
        self.group.start_sas(session, now, rng)
    }

    /// Confirms that our person sees the same emoji.
    ///
    /// # Errors
    /// Those of [`Group::confirm_sas`].
    pub fn confirm(&mut self, session: SessionId, now: Time) -> Result<(), SasError> {
        self.group.confirm_sas(session, now)
    }

    /// Cancels: our person sees other emoji, or gives up.
    pub fn cancel(&mut self, session: SessionId, now: Time) {
        self.group.cancel_sas(session, now);
    }

    /// Like [`Group::pairwise_code`].
    #[must_use]
    pub fn pairwise_code(&self, session: SessionId, me: &UserId) -> Option<PairwiseCode> {
        self.group.pairwise_code(session, me)
    }

    /// Marks a member as verified: people have compared codes.
    ///
    /// # Errors
    /// Those of [`Group::set_verified`].
    pub fn set_verified(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        self.group.set_verified(session, now)
    }

    /// Accepts a member's changed identity. That does not verify it.
    ///
    /// # Errors
    /// Those of [`Group::accept_identity`].
    pub fn accept_identity(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        self.group.accept_identity(session, now)
    }

    /// The trust store, to be stored.
    #[must_use]
    pub const fn trust(&self) -> &TrustStore {
        self.group.trust()
    }
}
