//! How a group stands, as plain data.

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

/// How a group stands.
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
    /// How keys are encrypted to their recipients.
    pub kem: Kem,
    /// What everybody can compare.
    pub call_code: CallCode,
    /// Whether newcomers are kept out.
    pub is_locked: bool,
    /// What we seal with.
    pub key: KeyId,
    /// Whether we send frames, or only listen.
    pub sends: bool,
    /// A new generation is on its way: until when it is used at the latest, from now.
    pub next_key_within: Option<Duration>,
    /// Sessions that the application is judging.
    pub waiting: Vec<SessionId>,
    /// Members that were lost or dropped, and may come back.
    pub away: Vec<SessionId>,
    /// Whether we are out.
    pub has_ended: bool,
}

/// What is known of another member.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MemberState {
    /// Its session.
    pub session: SessionId,
    /// Its id in KIDs.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::identity::plain::as_number"))]
    pub member_id: MemberId,
    /// What the relay calls it.
    pub address: Vec<u8>,
    /// Who it is, by the application's word.
    pub user: UserId,
    /// Who it is, by its signatures.
    pub identity: Identity,
    /// What is known of that identity.
    pub standing: VerificationState,
    /// What it is there for.
    pub role: Role,
    /// What it may do.
    pub permission: Permission,
    /// How long it has been in the call.
    pub since: Duration,
    /// Its newest key that we hold, from that step on.
    pub key: Option<KeyId>,
    /// How long we have held it.
    pub key_since: Option<Duration>,
    /// Whether it has been sent the key that we seal with.
    pub has_our_key: bool,
    /// Whether it has proved to be present, and is not a recording.
    pub is_live: bool,
    /// How long ago it last proved to be present.
    pub silent_for: Duration,
    /// Whether it sends frames, as it says.
    pub sends: bool,
    /// Whether it was reported to see other people in the call than we do.
    pub roster_differs: bool,
    /// Whether it told different people different things.
    pub has_equivocated: bool,
    /// Frames that it says it has sealed with its present key; what we opened should not stay far behind.
    pub frames_sealed: Option<u64>,
}

impl Group {
    /// The media suite of the call.
    #[must_use]
    pub const fn suite(&self) -> CipherSuite {
        self.core.config.suite
    }

    /// How the group stands.
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

    /// What is known of the others, by session.
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
        standing: member.standing,
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
