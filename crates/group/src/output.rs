//! What a group wants done.

use alloc::vec::Vec;
use core::time::Duration;

use sealframe_crypto::BaseKey;
use sealframe_wire::SenderKeyKid;

use crate::{
    Identity, Role, SessionId, UserId,
    verification::{CheckError, Sas, Standing},
};

/// What [`Group::poll`](crate::Group::poll) wants done next, in this order.
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the media path must do all of it")]
pub enum Output {
    /// Hand this to the server.
    Send {
        /// For whom.
        to: Recipient,
        /// Opaque to the server.
        message: Vec<u8>,
    },
    /// Move our sender one ratchet step on.
    Ratchet,
    /// Move our sender to this generation, at step 0.
    Rekey {
        /// Which.
        generation: u64,
        /// Its key.
        base_key: BaseKey,
    },
    /// Open frames with this key from now on.
    Install {
        /// Whose frames, and from which step on.
        kid: SenderKeyKid,
        /// Its key there.
        base_key: BaseKey,
    },
    /// Wipe one generation of a sender.
    ForgetGeneration {
        /// Its number.
        sender: u16,
        /// Which.
        generation: u64,
    },
    /// Wipe a sender's generations and ratchet steps before this one.
    ForgetBefore(SenderKeyKid),
    /// Wipe all keys of a sender: it is no member any more.
    Forget {
        /// Its number.
        sender: u16,
    },
    /// Something that people or the application should know.
    Event(Event),
    /// Nothing more before this time, unless something comes in.
    Wait(Duration),
}

/// For whom a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Recipient {
    /// Everybody else in the call.
    All,
    /// This session alone: the connection of the number that [`Group::sender_of`](crate::Group::sender_of) has for it. Never
    /// where a message was last seen to come from: anybody may play one again.
    One(SessionId),
}

/// Something that people or the application should know.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum Event {
    /// Somebody asks to come in: [`admit`](crate::Group::admit) or [`refuse`](crate::Group::refuse).
    Applied(Applicant),
    /// Somebody has come in.
    Joined(SessionId),
    /// Somebody is out.
    Left {
        /// Who.
        session: SessionId,
        /// Why.
        why: Departure,
    },
    /// This person had another key before, in this call or an earlier one.
    IdentityChanged {
        /// Which session.
        session: SessionId,
        /// What was known of the person.
        standing: Standing,
    },
    /// Three heartbeats of this member have not come.
    Silent(SessionId),
    /// A silent member is heard again.
    Heard(SessionId),
    /// This member sees other people in the call than we do: a server shows different people different calls, or
    /// somebody has just come or gone and its messages do not get through.
    RosterMismatch(SessionId),
    /// It sees the same people again.
    RosterAgrees(SessionId),
    /// An update of this member has not reached us.
    UpdateMissing(SessionId),
    /// This member told different people different things; it has signed both.
    Equivocation(SessionId),
    /// The call was locked.
    Locked {
        /// By whom.
        by: SessionId,
    },
    /// The call was unlocked: say so loudly.
    Unlocked {
        /// By whom.
        by: SessionId,
    },
    /// Somebody new wanted to come into a locked call.
    LockedOut(Identity),
    /// We have been removed; the group has ended.
    Removed {
        /// By whom.
        by: SessionId,
    },
    /// Somebody wants to compare emoji with us.
    CheckBegun(SessionId),
    /// Show these, and ask whether the other sees the same.
    CheckCompare {
        /// With whom.
        session: SessionId,
        /// As emoji or as numbers.
        sas: Sas,
    },
    /// Both said that they see the same: the other is who it says.
    CheckVerified(SessionId),
    /// A check ended without.
    CheckFailed {
        /// With whom.
        session: SessionId,
        /// Why.
        error: CheckError,
    },
}

/// Somebody who asks to come in. All of it is signed by the identity; the user is who the application says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Applicant {
    /// Which session.
    pub session: SessionId,
    /// Its number in KIDs.
    pub sender: u16,
    /// Its key.
    pub identity: Identity,
    /// What it is there for.
    pub role: Role,
    /// What the application judges it by.
    pub credential: Vec<u8>,
}

/// What an application says of somebody whom it lets in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by applications")]
pub struct Admission {
    /// Who it is.
    pub user: UserId,
    /// Whether it may lock, unlock and remove.
    pub power: Power,
}

/// What a member may do to others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Power {
    /// Nothing.
    #[default]
    None,
    /// Lock, unlock and remove.
    Moderator,
}

/// Why somebody is out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Departure {
    /// It said so.
    Left,
    /// A moderator removed it.
    Removed,
    /// The application said so, perhaps because the server did.
    Dropped,
    /// Its heartbeats stopped.
    Lost,
}
