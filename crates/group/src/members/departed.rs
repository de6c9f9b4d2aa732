//! Sessions that have ended, those that are away, and those that were refused.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use super::member::Member;
use crate::{
    Identity, Permission, SessionId, Time, keys::received::Received, message::Status, sorted::SortedMap,
};

/// How long a session that is away is remembered.
const AWAY_FOR: Duration = Duration::from_secs(3600);
/// How long the application is not asked again about a session that it refused.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A session that has ended.
pub(crate) struct Departed {
    pub(crate) session: SessionId,
    /// What of it is to be told: left, removed or replaced.
    pub(crate) status: Status,
    pub(crate) at: Time,
    pub(crate) identity: Identity,
    pub(crate) permission: Permission,
    /// It has proved to be present here, so it is no recording of another call.
    pub(crate) was_live: bool,
    pub(crate) address: Box<[u8]>,
    /// Its announce, if it was a moderator: for those who are shown its orders.
    pub(crate) announce: Option<Box<[u8]>>,
    /// The signed message that ended it, or the announce of the session that took its place.
    pub(crate) proof: Option<Vec<u8>>,
    pub(crate) answered_at: Option<Time>,
    /// That it has left is another member's word: it may be here itself.
    pub(crate) is_hearsay: bool,
}

/// Sessions that have ended, newest last.
#[derive(Default)]
pub(crate) struct DepartedSessions {
    sessions: VecDeque<Departed>,
}

impl DepartedSessions {
    const KEPT: usize = 256;

    pub(crate) fn push(&mut self, departed: Departed) {
        if self.sessions.len() == Self::KEPT {
            self.sessions.pop_front();
        }
        self.sessions.push_back(departed);
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&Departed> {
        self.sessions.iter().find(|departed| departed.session == session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Departed> {
        self.sessions.iter_mut().find(|departed| departed.session == session)
    }

    pub(crate) fn forget(&mut self, session: SessionId) {
        self.sessions.retain(|departed| departed.session != session);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Departed> {
        self.sessions.iter()
    }
}

/// A member that was lost or dropped.
pub(crate) struct Away {
    pub(crate) member: Box<Member>,
    pub(crate) since: Time,
    /// Our newest heartbeat when it went: it proves to be back by one after that.
    pub(crate) our_seq: u32,
}

/// Members that were lost or dropped, and may come back.
#[derive(Default)]
pub(crate) struct AwayMembers {
    members: SortedMap<SessionId, Away>,
}

impl AwayMembers {
    pub(crate) fn insert(&mut self, away: Away, most: usize) {
        self.members.insert(away.member.session, away);
        if self.members.len() > most {
            let oldest = self.members.iter().min_by_key(|(_, away)| away.since);
            if let Some(oldest) = oldest.map(|(&session, _)| session) {
                self.members.remove(&oldest);
            }
        }
    }

    /// We have a new session, whose heartbeats count from the first.
    pub(crate) fn begin_anew(&mut self) {
        for away in self.members.values_mut() {
            away.our_seq = 0;
            away.member.delivered.announce = false;
        }
    }

    pub(crate) fn get(&self, session: SessionId) -> Option<&Away> {
        self.members.get(&session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Away> {
        self.members.get_mut(&session)
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Away> {
        self.members.remove(&session)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SessionId, &Away)> {
        self.members.iter()
    }

    /// Forgets members that have been away for too long; what must not be opened again of them is noted.
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

/// Which generations were open here of sessions that are not kept: should one be admitted again, none of them is opened twice.
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

    /// The first generation of this session that may be opened.
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

/// Sessions that were refused lately.
#[derive(Default)]
pub(crate) struct Refused {
    by_us: SortedMap<SessionId, Refusal>,
}

impl Refused {
    const KEPT: usize = 256;

    /// Notes a refusal; whether it is to be told, as none was lately. `by_application`: do not ask it again.
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

    /// Where to tell it.
    pub(crate) fn address_of(&self, session: SessionId) -> Option<&[u8]> {
        self.by_us.get(&session).map(|refusal| &*refusal.address)
    }

    /// What orders kept out may be asked about again.
    pub(crate) fn keep_those_by_application(&mut self) {
        self.by_us.retain(|_, refusal| refusal.by_application);
    }

    /// It was admitted after all.
    pub(crate) fn forget(&mut self, session: SessionId) {
        self.by_us.remove(&session);
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.by_us.keys().copied()
    }
}
