//! A call in three parts, for a thread each: one seals, one opens, one manages keys.

use alloc::{collections::VecDeque, vec::Vec};
use core::fmt;

use sealframe_wire::{MemberId, SenderKeyKid};

use crate::{
    group::{
        Event, Group, GroupError, OpenChange, Output, Reason, Recipient, SealChange, Time,
        rand_core::CryptoRng,
    },
    handles::{Members, Verification},
};

/// The part of a [`Call`](crate::Call) that manages keys, when [split](crate::Call::split).
///
/// It has no locks and no channels: what [`poll`](Self::poll) wants done to keys is sent to the threads of the
/// [`Sealer`](crate::Sealer) and the [`Opener`](crate::Opener) by whatever the application has, in its order.
pub struct CallControl {
    group: Group,
    /// What the sealing thread still has to be told of a change that concerns both.
    rest: VecDeque<ControlAction>,
}

/// What [`CallControl::poll`] wants done.
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an application must do all of it")]
pub enum ControlAction {
    /// Hand this to the relay.
    Send {
        /// For whom.
        to: Recipient,
        /// Opaque to the relay.
        message: Vec<u8>,
    },
    /// Hand this to the thread that seals: [`Sealer::apply`](crate::Sealer::apply).
    Seal(SealChange),
    /// Hand this to the thread that opens: [`Opener::apply`](crate::Opener::apply).
    Open(OpenChange),
    /// Something that people or the application should know.
    Event(Event),
    /// Nothing more before this time, unless something comes in.
    Timeout(Time),
}

impl CallControl {
    pub(crate) const fn new(group: Group) -> Self {
        Self { group, rest: VecDeque::new() }
    }

    /// Takes a message that the relay handed over.
    ///
    /// # Errors
    /// As [`Group::handle_message`].
    pub fn handle_message(&mut self, message: &[u8], now: Time) -> Result<(), GroupError> {
        self.group.handle_message(message, now)
    }

    /// What is to be done next; to be called until it says [`ControlAction::Timeout`]. `sealed` is how many frames the
    /// [`Sealer`](crate::Sealer) has sealed with its present key, as far as is known here: it may be too few by those of a moment.
    pub fn poll(&mut self, sealed: u64, now: Time, rng: &mut impl CryptoRng) -> ControlAction {
        if let Some(action) = self.rest.pop_front() {
            return action;
        }
        self.group.set_frames(sealed);
        match self.group.poll(now, rng) {
            Output::Send { to, message } => ControlAction::Send { to, message },
            Output::Event(event) => ControlAction::Event(event),
            Output::Timeout(until) => ControlAction::Timeout(until),
            Output::Keys(change) => {
                let (seal, open) = change.split();
                self.rest.extend(seal.map(ControlAction::Seal));
                self.rest.extend(open.map(ControlAction::Open));
                match self.rest.pop_front() {
                    Some(action) => action,
                    // Every change is for one of both.
                    None => ControlAction::Timeout(now),
                }
            }
        }
    }

    /// The [`Opener`](crate::Opener) has opened a frame with a newer key: what its `poll_newer` gave.
    pub fn opened(&mut self, kid: SenderKeyKid, now: Time) {
        if let (Ok(sender), Ok(step)) = (u16::try_from(kid.sender), u32::try_from(kid.step)) {
            self.group.opened(MemberId::new(sender), kid.generation, step, now);
        }
    }

    /// The [`Opener`](crate::Opener) has a frame of this member whose key is unknown.
    pub fn key_is_missing(&mut self, member: MemberId, now: Time) {
        self.group.key_is_missing(member, now);
    }

    /// The [`Sealer`](crate::Sealer)'s key nears its limit.
    pub fn nears_limit(&mut self, now: Time) {
        self.group.rekey(Reason::Limit, now);
    }

    /// Who may be in the call.
    pub const fn members(&mut self) -> Members<'_> {
        Members { group: &mut self.group }
    }

    /// Whether people are who they say.
    pub const fn verification(&mut self) -> Verification<'_> {
        Verification { group: &mut self.group }
    }

    /// The key management, to be looked at.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// Leaves. What comes out is for the relay, to be handed to all.
    #[must_use]
    pub fn leave(self) -> Vec<Vec<u8>> {
        crate::call::farewell(self.group)
    }
}

impl fmt::Debug for CallControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallControl").field("group", &self.group).finish_non_exhaustive()
    }
}
