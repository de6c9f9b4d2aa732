//! What a group wants done, one thing at a time, in pieces that JavaScript asks for.

use sealframe_crypto::BaseKey;
use sealframe_group::{Output, Recipient, SessionId};
use wasm_bindgen::prelude::*;

use crate::event;

/// What is to be done.
#[wasm_bindgen]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Task {
    /// Nothing before [`until`](crate::Group::until), unless something comes in.
    Wait = 0,
    /// Hand [`bytes`](crate::Group::bytes) to the server, for [`to`](crate::Group::to).
    Send = 1,
    /// Move our sender one ratchet step on.
    Ratchet = 2,
    /// Move our sender to [`generation`](crate::Group::generation) with the key.
    Rekey = 3,
    /// Open frames of [`sender`](crate::Group::sender) with the key, from generation and step on.
    Install = 4,
    /// Wipe what `sender` had before generation and step.
    ForgetBefore = 5,
    /// Wipe all keys of `sender`.
    Forget = 6,
    /// Tell the page [`event`](crate::Group::event).
    Event = 7,
    /// Wipe [`generation`](crate::Group::generation) of `sender`.
    ForgetGeneration = 8,
}

/// The pieces of the last task.
#[derive(Default)]
pub(crate) struct Pieces {
    pub(crate) sender: u16,
    pub(crate) generation: u64,
    pub(crate) step: u32,
    pub(crate) key: Option<BaseKey>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) to: Option<SessionId>,
    pub(crate) event: String,
    pub(crate) until: f64,
}

#[expect(clippy::cast_possible_truncation, reason = "sender numbers have 16 bits, steps 8")]
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
            Output::Ratchet => Task::Ratchet,
            Output::Rekey { generation, base_key } => {
                (of.generation, of.key) = (generation, Some(base_key));
                Task::Rekey
            }
            Output::Install { kid, base_key } => {
                (of.sender, of.generation, of.step) =
                    (kid.sender as u16, kid.generation, kid.step as u32);
                of.key = Some(base_key);
                Task::Install
            }
            Output::ForgetGeneration { sender, generation } => {
                (of.sender, of.generation) = (sender, generation);
                Task::ForgetGeneration
            }
            Output::ForgetBefore(kid) => {
                (of.sender, of.generation, of.step) =
                    (kid.sender as u16, kid.generation, kid.step as u32);
                Task::ForgetBefore
            }
            Output::Forget { sender } => {
                of.sender = sender;
                Task::Forget
            }
            Output::Event(event) => {
                of.event = event::json(&event);
                Task::Event
            }
            Output::Wait(until) => {
                of.until = until.as_secs_f64() * 1000.0;
                Task::Wait
            }
        };
        (task, of)
    }
}
