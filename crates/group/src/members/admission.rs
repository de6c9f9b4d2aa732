//! Sessions that the application is judging (PROTOCOL.md §3).

use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;

use crate::{
    JoinRequest, SessionId, Time,
    message::{Announce, Heartbeat, Verified},
};

/// A session that is being judged.
pub(crate) struct Judged {
    pub(crate) announce: Announce,
    pub(crate) message: Vec<u8>,
    heard_at: Time,
    /// The newest heartbeat, by number.
    heartbeat: Option<(u32, Vec<u8>)>,
    /// What else it sent meanwhile, to be handled when it is admitted.
    kept: Vec<Vec<u8>>,
    /// It is judged for its orders alone.
    pub(crate) has_left: bool,
}

impl Judged {
    const MAX_KEPT: usize = 8;
    const MAX_KEPT_LEN: usize = 32 << 10;

    pub(crate) fn new(announce: Verified<'_, Announce>, has_left: bool, now: Time) -> Self {
        Self {
            announce: announce.body().clone(),
            message: announce.bytes().to_vec(),
            heard_at: now,
            heartbeat: None,
            kept: Vec::new(),
            has_left,
        }
    }

    /// Keeps a heartbeat if it is the newest.
    pub(crate) fn keep_heartbeat(&mut self, heartbeat: Verified<'_, Heartbeat>, now: Time) {
        let number = heartbeat.body().seq;
        if self.heartbeat.as_ref().is_none_or(|(seq, _)| number > *seq) {
            self.heartbeat = Some((number, heartbeat.bytes().to_vec()));
            self.heard_at = now;
        }
    }

    /// Number and hash of the heartbeat that came last.
    pub(crate) fn last_heartbeat(&self) -> Option<(u32, [u8; 8])> {
        self.heartbeat.as_ref().map(|(seq, bytes)| (*seq, Heartbeat::hash(bytes)))
    }

    /// Keeps any other message; whether there was room.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> bool {
        let len: usize = self.kept.iter().map(Vec::len).sum();
        let fits = self.kept.len() < Self::MAX_KEPT && len + bytes.len() <= Self::MAX_KEPT_LEN;
        if fits && !self.kept.iter().any(|kept| kept == bytes) {
            self.kept.push(bytes.to_vec());
        }
        fits
    }

    /// What was kept, heartbeat first.
    pub(crate) fn into_kept(self) -> Vec<Vec<u8>> {
        let heartbeat = self.heartbeat.map(|(_, bytes)| bytes);
        heartbeat.into_iter().chain(self.kept).collect()
    }
}

/// All sessions that are being judged.
#[derive(Default)]
pub(crate) struct Waiting {
    sessions: BTreeMap<SessionId, Judged>,
}

impl Waiting {
    pub(crate) fn insert(&mut self, session: SessionId, judged: Judged) {
        self.sessions.insert(session, judged);
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&Judged> {
        self.sessions.get(&session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Judged> {
        self.sessions.get_mut(&session)
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Judged> {
        self.sessions.remove(&session)
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SessionId, &Judged)> {
        self.sessions.iter()
    }

    /// Forgets sessions of which nothing came for this long.
    pub(crate) fn expire(&mut self, after: Duration, now: Time) {
        self.sessions.retain(|_, judged| now < judged.heard_at + after);
    }

    pub(crate) fn next_at(&self, after: Duration) -> Option<Time> {
        self.sessions.values().map(|judged| judged.heard_at + after).min()
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
