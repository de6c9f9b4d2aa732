//! Departed sessions, members that are away, and refused sessions.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use super::member::Member;
use crate::{
    Identity, Permission, SessionId, Time, keys::received::Received, message::Status, sorted::SortedMap,
};

/// How long a member that is away is kept.
const AWAY_FOR: Duration = Duration::from_secs(3600);
/// How long a refused session is not put to the application again.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A session that has ended.
pub(crate) struct DepartedSession {
    pub(crate) session: SessionId,
    /// Its status in our rosters: left, removed or replaced.
    pub(crate) status: Status,
    pub(crate) at: Time,
    pub(crate) identity: Identity,
    pub(crate) permission: Permission,
    /// It gave proof of life to us, so it is not a recording of another call.
    pub(crate) was_live: bool,
    pub(crate) address: Box<[u8]>,
    /// Its announce if it was a moderator, to be forwarded with its orders.
    pub(crate) announce: Option<Box<[u8]>>,
    /// The signed message that ended it, or the announce of the session that took its place.
    pub(crate) proof: Option<Vec<u8>>,
    pub(crate) answered_at: Option<Time>,
    /// Only another member reported its leave, so it may still be in the call.
    pub(crate) is_hearsay: bool,
}

/// Sessions that have ended, newest last.
#[derive(Default)]
pub(crate) struct DepartedSessions {
    sessions: VecDeque<DepartedSession>,
}

impl DepartedSessions {
    const KEPT: usize = 256;

    pub(crate) fn push(&mut self, departed: DepartedSession) {
        if self.sessions.len() == Self::KEPT {
            self.sessions.pop_front();
        }
        self.sessions.push_back(departed);
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&DepartedSession> {
        self.sessions.iter().find(|departed| departed.session == session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut DepartedSession> {
        self.sessions.iter_mut().find(|departed| departed.session == session)
    }

    pub(crate) fn forget(&mut self, session: SessionId) {
        self.sessions.retain(|departed| departed.session != session);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &DepartedSession> {
        self.sessions.iter()
    }
}

/// A member that was lost or dropped.
pub(crate) struct AwayMember {
    pub(crate) member: Box<Member>,
    pub(crate) since: Time,
    /// Sequence number of our newest heartbeat when it went away. Naming a later one proves its
    /// return.
    pub(crate) our_seq: u32,
}

/// Members that were lost or dropped, and may return.
#[derive(Default)]
pub(crate) struct AwayMembers {
    members: SortedMap<SessionId, AwayMember>,
}

impl AwayMembers {
    pub(crate) fn insert(&mut self, away: AwayMember, most: usize) {
        self.members.insert(away.member.session, away);
        if self.members.len() > most {
            let oldest = self.members.iter().min_by_key(|(_, away)| away.since);
            if let Some(oldest) = oldest.map(|(&session, _)| session) {
                self.members.remove(&oldest);
            }
        }
    }

    /// Starts over for our new session, whose heartbeats count from 1.
    pub(crate) fn restart(&mut self) {
        for away in self.members.values_mut() {
            away.our_seq = 0;
            away.member.delivered.announce = false;
        }
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&AwayMember> {
        self.members.get(&session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut AwayMember> {
        self.members.get_mut(&session)
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> Option<AwayMember> {
        self.members.remove(&session)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SessionId, &AwayMember)> {
        self.members.iter()
    }

    /// Removes members that have been away for too long, and notes their wiped generations.
    pub(crate) fn expire(&mut self, wiped: &mut WipedKeys, now: Time) {
        self.members.retain(|session, away| {
            let stays = now < away.since + AWAY_FOR;
            if !stays {
                wiped.note(*session, &away.member.received);
            }
            stays
        });
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.members.values().map(|away| away.since + AWAY_FOR).min()
    }
}

/// Wiped generations of sessions that are not kept. If such a session is admitted again, none of
/// these opens twice.
#[derive(Default)]
pub(crate) struct WipedKeys {
    before: VecDeque<(SessionId, u32)>,
}

impl WipedKeys {
    const KEPT: usize = 256;

    pub(crate) fn note(&mut self, session: SessionId, received: &Received) {
        if self.before.len() == Self::KEPT {
            self.before.pop_front();
        }
        self.before.push_back((session, received.first_unopened()));
    }

    /// The first generation of this session that may still open.
    pub(crate) fn first_of(&self, session: SessionId) -> u32 {
        let known = self.before.iter().rev().find(|(other, _)| *other == session);
        known.map_or(0, |(_, generation)| *generation)
    }
}

/// A session that was refused.
struct Refusal {
    at: Time,
    by_application: bool,
    address: Box<[u8]>,
}

/// Sessions refused within the last minute.
#[derive(Default)]
pub(crate) struct Refused {
    by_us: SortedMap<SessionId, Refusal>,
}

impl Refused {
    const KEPT: usize = 256;

    /// Notes a refusal. Returns whether to send one: none was sent within the last minute.
    /// `by_application` says that the application decided, and is not asked again.
    pub(crate) fn note(
        &mut self,
        session: SessionId,
        address: &[u8],
        by_application: bool,
        now: Time,
    ) -> bool {
        self.by_us.retain(|_, refusal| now < refusal.at + REFUSED_FOR);
        if let Some(refusal) = self.by_us.get_mut(&session) {
            refusal.by_application |= by_application;
            return false;
        }
        if self.by_us.len() >= Self::KEPT {
            return false;
        }
        let refusal = Refusal { at: now, by_application, address: address.into() };
        self.by_us.insert(session, refusal);
        true
    }

    /// Whether the application refused it within the last minute.
    pub(crate) fn is_by_application(&self, session: SessionId, now: Time) -> bool {
        let known = self.by_us.get(&session).filter(|refusal| refusal.by_application);
        known.is_some_and(|refusal| now < refusal.at + REFUSED_FOR)
    }

    /// Whether it was refused within the last minute.
    pub(crate) fn contains(&self, session: SessionId, now: Time) -> bool {
        self.by_us.get(&session).is_some_and(|refusal| now < refusal.at + REFUSED_FOR)
    }

    /// Its address at the relay.
    pub(crate) fn address_of(&self, session: SessionId) -> Option<&[u8]> {
        self.by_us.get(&session).map(|refusal| &*refusal.address)
    }

    /// Forgets refusals that orders caused: those sessions may ask again.
    pub(crate) fn retain_those_by_application(&mut self) {
        self.by_us.retain(|_, refusal| refusal.by_application);
    }

    /// Forgets the refusal of a session that was then admitted.
    pub(crate) fn forget(&mut self, session: SessionId) {
        self.by_us.remove(&session);
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.by_us.keys().copied()
    }
}
