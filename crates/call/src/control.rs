//! A call in three parts, one per thread: one seals, one opens, one manages keys.

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

/// The part of a [`Call`](crate::Call) that manages keys, after a [split](crate::Call::split).
///
/// It has no locks and no channels: the application sends the key changes from
/// [`poll`](Self::poll), in order, to the threads of the [`Sealer`](crate::Sealer) and the
/// [`Opener`](crate::Opener), by any channel.
pub struct CallControl {
    group: Group,
    /// The sealing half of a change that concerns both threads.
    rest: VecDeque<ControlAction>,
}

/// An action requested by [`CallControl::poll`].
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an application must handle every action")]
pub enum ControlAction {
    /// Pass this to the relay.
    Send {
        /// The recipients.
        to: Recipient,
        /// Opaque to the relay.
        message: Vec<u8>,
    },
    /// Send this to the sealing thread: [`Sealer::apply`](crate::Sealer::apply).
    Seal(SealChange),
    /// Send this to the opening thread: [`Opener::apply`](crate::Opener::apply).
    Open(OpenChange),
    /// An event for people or the application.
    Event(Event),
    /// Nothing more before this time, unless a message arrives.
    Timeout(Time),
}

impl CallControl {
    pub(crate) const fn new(group: Group) -> Self {
        Self { group, rest: VecDeque::new() }
    }

    /// Handles a message from the relay.
    ///
    /// # Errors
    /// Those of [`Group::handle_message`].
    pub fn handle_message(&mut self, message: &[u8], now: Time) -> Result<(), GroupError> {
        self.group.handle_message(message, now)
    }

    /// Returns the next action; call it until it returns [`ControlAction::Timeout`]. `sealed` is
    /// the number of frames that the [`Sealer`](crate::Sealer) has sealed with its current key; it
    /// may be slightly out of date.
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
                    // Every change concerns at least one of the two threads.
                    None => ControlAction::Timeout(now),
                }
            }
        }
    }

    /// The [`Opener`](crate::Opener) has opened a frame with a newer key, returned by its
    /// `poll_newer`.
    pub fn opened(&mut self, kid: SenderKeyKid, now: Time) {
        if let (Ok(sender), Ok(step)) = (u16::try_from(kid.sender), u32::try_from(kid.step)) {
            self.group.opened(MemberId::new(sender), kid.generation, step, now);
        }
    }

    /// The [`Opener`](crate::Opener) has a frame of this member whose key is unknown.
    pub fn key_is_missing(&mut self, member: MemberId, now: Time) {
        self.group.key_is_missing(member, now);
    }

    /// The [`Sealer`](crate::Sealer)'s key is near its limit.
    pub fn nears_limit(&mut self, now: Time) {
        self.group.rekey(Reason::Limit, now);
    }

    /// The members of the call.
    pub const fn members(&mut self) -> Members<'_> {
        Members { group: &mut self.group }
    }

    /// The verification of people.
    pub const fn verification(&mut self) -> Verification<'_> {
        Verification { group: &mut self.group }
    }

    /// Read access to the key management.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// Leaves the call. The relay must send the returned messages to all.
    #[must_use]
    pub fn leave(self) -> Vec<Vec<u8>> {
        farewell(self.group)
    }
}

/// The messages of a group that leaves.
pub(crate) fn farewell(group: Group) -> Vec<Vec<u8>> {
    let outputs = group.leave().into_iter();
    outputs
        .filter_map(|output| match output {
            Output::Send { to: Recipient::All, message } => Some(message),
            Output::Send { to: Recipient::One(_), .. }
            | Output::Keys(_)
            | Output::Event(_)
            | Output::Timeout(_) => None,
        })
        .collect()
}

impl fmt::Debug for CallControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallControl").field("group", &self.group).finish_non_exhaustive()
    }
}
