//! What people and applications decide in a call, by subject.

use crate::group::{
    Admission, Group, GroupError, SessionId, Time, UserId,
    rand_core::CryptoRng,
    verification::{PairwiseCode, SasError, TrustError, TrustStore},
};

/// Who may be in the call.
#[derive(Debug)]
pub struct Members<'c> {
    pub(crate) group: &'c mut Group,
}

impl Members<'_> {
    /// Admits a session that [asked for it](crate::group::Event::JoinRequested).
    ///
    /// # Errors
    /// As [`Group::admit`].
    pub fn admit(
        &mut self,
        session: SessionId,
        admission: Admission,
        now: Time,
    ) -> Result<(), GroupError> {
        self.group.admit(session, admission, now)
    }

    /// Refuses a session that asked to be admitted.
    pub fn refuse(&mut self, session: SessionId, now: Time) {
        self.group.refuse(session, now);
    }

    /// The application says that a member is gone, for example because the relay does. It is in again as soon as it shows that it
    /// is present.
    ///
    /// # Errors
    /// [`GroupError::UnknownMember`].
    pub fn drop_member(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        self.group.drop_member(session, now)
    }

    /// As [`drop_member`](Self::drop_member), of every member that the relay calls so.
    pub fn drop_address(&mut self, address: &[u8], now: Time) {
        let sessions: alloc::vec::Vec<_> = self.group.sessions_at(address).collect();
        for session in sessions {
            // It is there: it was found above.
            let _ = self.group.drop_member(session, now);
        }
    }

    /// Removes a member for everybody.
    ///
    /// # Errors
    /// As [`Group::remove_member`].
    pub fn remove(&mut self, session: SessionId, now: Time) -> Result<(), GroupError> {
        self.group.remove_member(session, now)
    }

    /// Admits nobody any more whose identity is not in the call now.
    ///
    /// # Errors
    /// As [`Group::lock`].
    pub fn lock(&mut self, now: Time) -> Result<(), GroupError> {
        self.group.lock(now)
    }

    /// Lets newcomers ask to be admitted again.
    ///
    /// # Errors
    /// As [`Group::unlock`].
    pub fn unlock(&mut self, now: Time) -> Result<(), GroupError> {
        self.group.unlock(now)
    }
}

/// Whether people are who they say.
#[derive(Debug)]
pub struct Verification<'c> {
    pub(crate) group: &'c mut Group,
}

impl Verification<'_> {
    /// Begins to compare emoji with a member.
    ///
    /// # Errors
    /// As [`Group::start_sas`].
    pub fn start(
        &mut self,
        session: SessionId,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<(), SasError> {
        self.group.start_sas(session, now, rng)
    }

    /// Our person sees the same emoji.
    ///
    /// # Errors
    /// As [`Group::confirm_sas`].
    pub fn confirm(&mut self, session: SessionId, now: Time) -> Result<(), SasError> {
        self.group.confirm_sas(session, now)
    }

    /// Our person sees others, or gives up.
    pub fn cancel(&mut self, session: SessionId, now: Time) {
        self.group.cancel_sas(session, now);
    }

    /// As [`Group::pairwise_code`].
    #[must_use]
    pub fn pairwise_code(&self, session: SessionId, me: &UserId) -> Option<PairwiseCode> {
        self.group.pairwise_code(session, me)
    }

    /// People have compared codes: this member is who it says.
    ///
    /// # Errors
    /// As [`Group::set_verified`].
    pub fn set_verified(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        self.group.set_verified(session, now)
    }

    /// Our person accepts that a member has another identity than before. That does not verify it.
    ///
    /// # Errors
    /// As [`Group::accept_identity`].
    pub fn accept_identity(&mut self, session: SessionId, now: Time) -> Result<(), TrustError> {
        self.group.accept_identity(session, now)
    }

    /// What is known of people, to be stored.
    #[must_use]
    pub const fn trust(&self) -> &TrustStore {
        self.group.trust()
    }
}
