//! The state of a call, as plain data.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;

use crate::{
    Failed, Frames,
    group::{Group, GroupState, MemberState, Time},
};

/// The state of a call, for a user interface or for an organisation's records: the members, the
/// protection of their frames, and any problems.
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

/// Another member, and counts of its frames.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Participant {
    /// The member, and what is known of it.
    pub member: MemberState,
    /// Number of its frames that opened.
    pub opened: u64,
    /// Number of its frames that did not open, by reason.
    pub failed: Failed,
    /// The newest of its keys that has opened a frame: generation and ratchet step.
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
