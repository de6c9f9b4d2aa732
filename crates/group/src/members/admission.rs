//! Applicants: sessions whose announce the application is judging (PROTOCOL.md §3).

use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    JoinRequest, SessionId, Time,
    message::{Announce, Heartbeat, Verified},
    sorted::SortedMap,
};

/// A session that awaits the application's decision.
pub(crate) struct Applicant {
    pub(crate) announce: Announce,
    pub(crate) message: Vec<u8>,
    heard_at: Time,
    /// The newest heartbeat by sequence number.
    heartbeat: Option<(u32, Vec<u8>)>,
    /// Its other messages, to be handled once it is admitted.
    messages: Vec<Vec<u8>>,
    /// It has left, and is applicant for its orders alone.
    pub(crate) has_left: bool,
}

impl Applicant {
    const MAX_KEPT: usize = 8;
    const MAX_KEPT_LEN: usize = 32 << 10;

    pub(crate) fn new(announce: Verified<'_, Announce>, has_left: bool, now: Time) -> Self {
        Self {
            announce: announce.body().clone(),
            message: announce.bytes().to_vec(),
            heard_at: now,
            heartbeat: None,
            messages: Vec::new(),
            has_left,
        }
    }

    /// Stores a heartbeat if it is the newest.
    pub(crate) fn store_heartbeat(&mut self, heartbeat: Verified<'_, Heartbeat>, now: Time) {
        let number = heartbeat.body().seq;
        if self.heartbeat.as_ref().is_none_or(|(seq, _)| number > *seq) {
            self.heartbeat = Some((number, heartbeat.bytes().to_vec()));
            self.heard_at = now;
        }
    }

    /// Sequence number and hash of the newest heartbeat.
    pub(crate) fn last_heartbeat(&self) -> Option<(u32, [u8; 8])> {
        self.heartbeat.as_ref().map(|(seq, bytes)| (*seq, Heartbeat::hash(bytes)))
    }

    /// Stores any other message. Returns whether there was room.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> bool {
        let len: usize = self.messages.iter().map(Vec::len).sum();
        let fits = self.messages.len() < Self::MAX_KEPT && len + bytes.len() <= Self::MAX_KEPT_LEN;
        if fits && !self.messages.iter().any(|messages| messages == bytes) {
            self.messages.push(bytes.to_vec());
        }
        fits
    }

    /// The stored messages, heartbeat first.
    pub(crate) fn into_messages(self) -> Vec<Vec<u8>> {
        let heartbeat = self.heartbeat.map(|(_, bytes)| bytes);
        heartbeat.into_iter().chain(self.messages).collect()
    }
}

/// All applicants.
#[derive(Default)]
pub(crate) struct Applicants {
    sessions: SortedMap<SessionId, Applicant>,
}

impl Applicants {
    pub(crate) fn insert(&mut self, session: SessionId, applicant: Applicant) {
        self.sessions.insert(session, applicant);
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&Applicant> {
        self.sessions.get(&session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Applicant> {
        self.sessions.get_mut(&session)
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Applicant> {
        self.sessions.remove(&session)
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SessionId, &Applicant)> {
        self.sessions.iter()
    }

    /// Removes applicants that were not heard for this long.
    pub(crate) fn expire(&mut self, after: Duration, now: Time) {
        self.sessions.retain(|_, applicant| now < applicant.heard_at + after);
    }

    pub(crate) fn next_at(&self, after: Duration) -> Option<Time> {
        self.sessions.values().map(|applicant| applicant.heard_at + after).min()
    }
}

impl JoinRequest {
    pub(crate) fn new(session: SessionId, announce: &Announce, has_left: bool) -> Self {
        Self {
            session,
            member_id: session.member_id(),
            identity: announce.identity,
            role: announce.role,
            address: announce.address.clone(),
            credential: announce.credential.clone(),
            has_left,
        }
    }
}
