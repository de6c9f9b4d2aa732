//! How a group stands, as plain data.

use alloc::vec::Vec;
use core::time::Duration;

use sealframe_crypto::CipherSuite;

use crate::{
    Group, Identity, Kem, Power, Role, SessionId, UserId,
    member::Member,
    verification::{CallCode, Standing},
};

/// How a group stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GroupState {
    /// Our session.
    pub session: SessionId,
    /// Our number in KIDs.
    pub sender: u16,
    /// Our identity.
    pub identity: Identity,
    /// How keys are encrypted to their recipients.
    pub kem: Kem,
    /// What everybody can compare.
    pub call_code: CallCode,
    /// Whether newcomers are kept out.
    pub is_locked: bool,
    /// The generation and ratchet step that we seal with.
    pub key: (u64, u32),
    /// A new generation is on its way: until when it is used at the latest, from now.
    pub next_key_within: Option<Duration>,
    /// Who waits for a decision.
    pub applicants: Vec<SessionId>,
    /// Whether we have been removed.
    pub has_ended: bool,
}

/// What is known of another member.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MemberState {
    /// Its session.
    pub session: SessionId,
    /// Its number in KIDs.
    pub sender: u16,
    /// Who it is, by the application's word.
    pub user: UserId,
    /// Who it is, by its signatures.
    pub identity: Identity,
    /// What is known of that identity.
    pub standing: Standing,
    /// What it is there for.
    pub role: Role,
    /// What it may do.
    pub power: Power,
    /// How long it has been in the call.
    pub since: Duration,
    /// Its newest key that we hold: generation, and ratchet step from which on.
    pub key: Option<(u64, u32)>,
    /// How long we have held it.
    pub key_since: Option<Duration>,
    /// Whether it has been sent the key that we seal with.
    pub has_our_key: bool,
    /// Whether it has shown that it is here now, not in a recording.
    pub is_fresh: bool,
    /// How long nothing authentic has come from it.
    pub silent_for: Duration,
    /// Whether it has been seeing other people in the call than we do.
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
        self.config.suite
    }

    /// How the group stands.
    #[must_use]
    pub fn state(&self, now: Duration) -> GroupState {
        GroupState {
            session: self.head.session,
            sender: self.config.sender,
            identity: self.key.public(),
            kem: self.head.kem,
            call_code: self.call_code(),
            is_locked: self.lock.is_locked(),
            key: (self.own.current.generation, self.own.current.step),
            next_key_within: self.own.pending.as_ref().map(|next| next.apply_at.saturating_sub(now)),
            applicants: self.applicants.keys().copied().collect(),
            has_ended: self.has_ended,
        }
    }

    /// What is known of the others, by session.
    #[must_use]
    pub fn member_states(&self, now: Duration) -> Vec<MemberState> {
        self.members.iter().map(|(&session, member)| member_state(session, member, now)).collect()
    }
}

fn member_state(session: SessionId, member: &Member, now: Duration) -> MemberState {
    let open = member.updates.newest_open();
    MemberState {
        session,
        sender: member.sender,
        user: member.user.clone(),
        identity: member.identity(),
        standing: member.standing,
        role: member.role,
        power: member.power,
        since: now.saturating_sub(member.since.into()),
        key: open.map(|open| (open.generation, open.step)),
        key_since: open.map(|open| now.saturating_sub(open.since.into())),
        has_our_key: member.told.current,
        is_fresh: member.life.is_fresh,
        silent_for: now.saturating_sub(member.life.heard_at.into()),
        roster_differs: member.roster.is_reported(),
        has_equivocated: member.has_equivocated,
        frames_sealed: member.life.frames_sealed(),
    }
}
