//! Snapshots of a group's state as plain data.

use alloc::vec::Vec;
use core::time::Duration;

use sealframe_crypto::CipherSuite;

use super::Group;
use crate::{
    Identity, Kem, KeyId, MemberId, Permission, Role, SessionId, Time, UserId,
    members::member::Member,
    message::Announce,
    verification::{CallCode, VerificationState},
};

/// A snapshot of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GroupState {
    /// Our session.
    pub session: SessionId,
    /// Our id in KIDs.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::identity::plain::as_number"))]
    pub member_id: MemberId,
    /// Our identity.
    pub identity: Identity,
    /// The KEM that keys are encrypted with.
    pub kem: Kem,
    /// The code that all members can compare.
    pub call_code: CallCode,
    /// Whether the call is locked.
    pub is_locked: bool,
    /// The key that we seal with.
    pub key: KeyId,
    /// Whether we send frames or only listen.
    pub sends: bool,
    /// Time until the latest switch to the pending generation, if there is one.
    pub next_key_within: Option<Duration>,
    /// Applicants: sessions that await the application's decision.
    pub waiting: Vec<SessionId>,
    /// Members that were lost or dropped, and may return.
    pub away: Vec<SessionId>,
    /// Whether we are out of the call.
    pub has_ended: bool,
}

/// A snapshot of another member.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MemberState {
    /// Its session.
    pub session: SessionId,
    /// Its id in KIDs.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::identity::plain::as_number"))]
    pub member_id: MemberId,
    /// Its address at the relay.
    pub address: Vec<u8>,
    /// Its user, as the application decided at admission.
    pub user: UserId,
    /// Its identity.
    pub identity: Identity,
    /// The verification state of that identity.
    pub verification: VerificationState,
    /// Its role.
    pub role: Role,
    /// Its permission.
    pub permission: Permission,
    /// How long it has been a member.
    pub since: Duration,
    /// Its newest generation that we hold, and the oldest step that opens.
    pub key: Option<KeyId>,
    /// How long we have held that key.
    pub key_since: Option<Duration>,
    /// Whether we have sent it our current key.
    pub has_our_key: bool,
    /// Whether it is live: it gave proof of life, so it is not a recording.
    pub is_live: bool,
    /// Time since its last proof of life.
    pub silent_for: Duration,
    /// Whether it says that it sends frames.
    pub sends: bool,
    /// Whether a roster mismatch with it is reported.
    pub roster_differs: bool,
    /// Whether it signed contradicting statements.
    pub has_equivocated: bool,
    /// Number of frames that it says it has sealed with its current key. The number that we opened
    /// should not stay far below.
    pub frames_sealed: Option<u64>,
}

impl Group {
    /// The media suite of the call.
    #[must_use]
    pub const fn suite(&self) -> CipherSuite {
        self.core.config.suite
    }

    /// A snapshot of the group.
    #[must_use]
    pub fn state(&self, now: Time) -> GroupState {
        let now = self.clock.read(now);
        let current = &self.own.current;
        let pending = self.own.pending.as_ref();
        GroupState {
            session: self.core.session,
            member_id: self.core.member_id(),
            identity: self.core.identity(),
            kem: self.core.config.kem,
            call_code: self.call_code(),
            is_locked: self.orders.is_locked(),
            key: KeyId { generation: current.generation.into(), step: current.step.into() },
            sends: self.sends,
            next_key_within: pending.map(|pending| pending.switch_at - now),
            waiting: self.waiting.iter().map(|(&session, _)| session).collect(),
            away: self.away.iter().map(|(&session, _)| session).collect(),
            has_ended: self.has_ended,
        }
    }

    /// Snapshots of the other members, ascending by session.
    #[must_use]
    pub fn member_states(&self, now: Time) -> Vec<MemberState> {
        let now = self.clock.read(now);
        self.members.values().map(|member| member_state(member, now)).collect()
    }
}

fn member_state(member: &Member, now: Time) -> MemberState {
    let newest = member.received.newest_open();
    MemberState {
        session: member.session,
        member_id: member.member_id(),
        address: Announce::address_in(&member.announce).to_vec(),
        user: member.user.clone(),
        identity: member.identity(),
        verification: member.verification,
        role: member.role,
        permission: member.permission,
        since: (now - member.since),
        key: newest.map(|(key, _)| key),
        key_since: newest.map(|(_, since)| now - since),
        has_our_key: member.delivered.current,
        is_live: member.presence.is_live(),
        silent_for: (now - member.presence.silent_since(member.since)),
        sends: member.presence.sends,
        roster_differs: member.roster.is_reported(),
        has_equivocated: member.has_equivocated,
        frames_sealed: member.presence.frames(),
    }
}
