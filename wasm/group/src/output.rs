//! The outputs of a group, one at a time, in pieces that JavaScript reads.

use sealframe_crypto::BaseKey;
use sealframe_group::{KeyChange, MemberId, Output, Recipient, SessionId};
use wasm_bindgen::prelude::*;

use crate::event;

/// The kind of an output.
#[wasm_bindgen]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Task {
    /// Nothing is left to do until [`until`](crate::Group::until), unless a message or call comes
    /// first.
    Wait = 0,
    /// Send [`bytes`](crate::Group::bytes) to the server, for [`to`](crate::Group::to).
    Send = 1,
    /// Advance our sender by one ratchet step.
    Ratchet = 2,
    /// Move our sender to [`generation`](crate::Group::generation) with the key.
    Rekey = 3,
    /// Add the key for frames of member [`member_id`](crate::Group::member_id), at this generation
    /// from this step on.
    Install = 4,
    /// Wipe that member's keys before this generation and step.
    WipeBefore = 5,
    /// Wipe all keys of that member.
    WipeMember = 6,
    /// Tell the page [`event`](crate::Group::event).
    Event = 7,
    /// Wipe [`generation`](crate::Group::generation) of that member.
    WipeGeneration = 8,
    /// Create a new sender with this id, and the key as generation 0.
    Restart = 9,
}

/// The pieces of the last task.
#[derive(Default)]
pub(crate) struct Pieces {
    pub(crate) member: MemberId,
    pub(crate) generation: u64,
    pub(crate) step: u32,
    pub(crate) key: Option<BaseKey>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) to: Option<SessionId>,
    pub(crate) event: String,
    pub(crate) until: f64,
}

impl Pieces {
    pub(crate) fn take(output: Output) -> (Task, Self) {
        let mut of = Self::default();
        let task = match output {
            Output::Send { to, message } => {
                of.bytes = message;
                of.to = match to {
                    Recipient::All => None,
                    Recipient::One(session) => Some(session),
                };
                Task::Send
            }
            Output::Keys(change) => return Self::take_keys(change),
            Output::Event(event) => {
                of.event = event::json(&event);
                Task::Event
            }
            Output::Timeout(until) => {
                of.until = until.since_start().as_secs_f64() * 1000.0;
                Task::Wait
            }
        };
        (task, of)
    }

    fn take_keys(change: KeyChange) -> (Task, Self) {
        let mut of = Self::default();
        let task = match change {
            KeyChange::Ratchet => Task::Ratchet,
            KeyChange::Rekey { generation, base_key } => {
                (of.generation, of.key) = (generation, Some(base_key));
                Task::Rekey
            }
            KeyChange::Restart { member, base_key } => {
                (of.member, of.key) = (member, Some(base_key));
                Task::Restart
            }
            KeyChange::Install { member, key, base_key } => {
                (of.member, of.generation, of.step) = (member, key.generation, key.step);
                of.key = Some(base_key);
                Task::Install
            }
            KeyChange::WipeGeneration { member, generation } => {
                (of.member, of.generation) = (member, generation);
                Task::WipeGeneration
            }
            KeyChange::WipeBefore { member, key } => {
                (of.member, of.generation, of.step) = (member, key.generation, key.step);
                Task::WipeBefore
            }
            KeyChange::WipeMember { member } => {
                of.member = member;
                Task::WipeMember
            }
        };
        (task, of)
    }
}
