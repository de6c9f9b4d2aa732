//! How a call stands, as plain data.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;

use crate::{
    Failed, Frames,
    group::{Group, GroupState, MemberState, Time},
};

/// How a call stands, for an interface to show or for an organisation to keep: who takes part, how their frames are
/// protected, and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallState {
    /// Keys and people.
    pub group: GroupState,
    /// The media suite's number in RFC 9605's registry.
    pub suite: u16,
    /// Frames that we have sealed with our present key.
    pub sealed: u64,
    /// Everybody else, by member id.
    pub members: Vec<Participant>,
}

/// Another member, and what became of its frames.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Participant {
    /// Who it is, and what is known of it.
    pub member: MemberState,
    /// Frames of it that opened.
    pub opened: u64,
    /// Frames of it that did not, by reason.
    pub failed: Failed,
    /// The newest key of it that has opened a frame: generation and ratchet step.
    pub newest_key: Option<(u64, u64)>,
}

impl CallState {
    pub(crate) fn of(group: &Group, frames: &Frames, now: Time) -> Self {
        let suite: CipherSuite = group.suite();
        let members = group.member_states(now).into_iter().map(|member| {
            let of = frames.of_member(member.member_id);
            Participant { member, opened: of.opened, failed: of.failed, newest_key: of.newest }
        });
        Self {
            group: group.state(now),
            suite: suite.id(),
            sealed: frames.usage().frames,
            members: members.collect(),
        }
    }
}
