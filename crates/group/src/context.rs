//! State shared by all parts of a group: our session and the queue of outputs.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{
    Config, Event, Identity, IdentityKey, KeyChange, MemberId, Output, Recipient, SessionId,
    message::{self, Body},
};

/// Capacity, in outputs, that an empty queue keeps.
const USUAL_OUT: usize = 32;

/// Our session, our configuration, and the queue of outputs.
pub(crate) struct Core {
    pub(crate) group: [u8; 32],
    pub(crate) session: SessionId,
    pub(crate) key: IdentityKey,
    pub(crate) announce: Vec<u8>,
    pub(crate) announce_hash: [u8; 32],
    pub(crate) joined_at: u64,
    pub(crate) config: Config,
    pub(crate) out: Outbox,
}

impl Core {
    pub(crate) const fn member_id(&self) -> MemberId {
        self.session.member_id()
    }

    pub(crate) fn identity(&self) -> Identity {
        self.key.public()
    }

    pub(crate) fn sign(&self, body: &Body) -> Vec<u8> {
        message::sign(&self.group, self.session, body, &self.key)
    }

    pub(crate) fn send(&mut self, to: Recipient, body: &Body) {
        let message = self.sign(body);
        self.out.send(to, message);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }

    pub(crate) fn change_keys(&mut self, change: KeyChange) {
        self.out.push(Output::Keys(change));
    }
}

/// The queue of outputs, in order; messages to one recipient leave together.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn send(&mut self, to: Recipient, message: Vec<u8>) {
        self.queue.push_back(Output::Send { to, message });
    }

    /// Whether a message for this session is queued.
    pub(crate) fn has_message_for(&self, session: SessionId) -> bool {
        let to = Recipient::One(session);
        self.queue.iter().any(|output| matches!(output, Output::Send { to: other, .. } if *other == to))
    }

    /// The next output. All queued messages for the same recipient leave in one bundle.
    pub(crate) fn pop(&mut self) -> Option<Output> {
        let next = self.queue.pop_front();
        let Some(Output::Send { to, message }) = next else {
            if self.queue.is_empty() {
                self.queue.shrink_to(USUAL_OUT);
            }
            return next;
        };
        let is_same =
            |output: &Output| matches!(output, Output::Send { to: other, .. } if *other == to);
        if !self.queue.iter().any(is_same) {
            return Some(Output::Send { to, message });
        }
        let mut messages = alloc::vec![message];
        let mut rest = VecDeque::with_capacity(self.queue.len());
        for output in self.queue.drain(..) {
            match output {
                Output::Send { to: other, message } if other == to => messages.push(message),
                Output::Send { .. } | Output::Keys(_) | Output::Event(_) | Output::Timeout(_) => {
                    rest.push_back(output);
                }
            }
        }
        self.queue = rest;
        let mut bundles = message::bundle(messages).into_iter();
        let first = bundles.next().map(|message| Output::Send { to, message });
        for message in bundles.rev() {
            self.queue.push_front(Output::Send { to, message });
        }
        first
    }

    /// The queued messages, without the other outputs.
    pub(crate) fn into_messages(self) -> Vec<Output> {
        let messages = self.queue.into_iter();
        messages.filter(|output| matches!(output, Output::Send { .. })).collect()
    }
}
