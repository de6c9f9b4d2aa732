//! What a group wants done.

use alloc::vec::Vec;

use sealframe_crypto::BaseKey;

use crate::{
    Identity, MemberId, Role, SessionId, Time, UserId,
    message::RefusalReason,
    verification::{Sas, SasError, VerificationState},
};

/// What [`Group::poll`](crate::Group::poll) wants done next, in this order.
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum Output {
    /// Hand this to the relay.
    Send {
        /// For whom.
        to: Recipient,
        /// Opaque to the relay; at most 14,000 bytes.
        message: Vec<u8>,
    },
    /// Change the keys that frames are sealed or opened with.
    Keys(KeyChange),
    /// Something that people or the application should know.
    Event(Event),
    /// Nothing more before this time, unless something comes in.
    Timeout(Time),
}

/// A key of a member: its generation and ratchet step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct KeyId {
    /// Which of the member's base keys, below 2^32.
    pub generation: u64,
    /// At which ratchet step, below 256.
    pub step: u32,
}

/// A change of keys, to be applied to the media path in the order given.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum KeyChange {
    /// Move our sender one ratchet step on.
    Ratchet,
    /// Move our sender to this generation, at step 0.
    Rekey {
        /// Which.
        generation: u64,
        /// Its key.
        base_key: BaseKey,
    },
    /// We have a new session: begin a new sender with this id, at generation 0 and step 0.
    Restart {
        /// Our new id.
        member: MemberId,
        /// Its key.
        base_key: BaseKey,
    },
    /// Open frames with this key from now on.
    Install {
        /// Whose frames.
        member: MemberId,
        /// From which key on.
        key: KeyId,
        /// That key.
        base_key: BaseKey,
    },
    /// Wipe one generation of a member.
    WipeGeneration {
        /// Which member.
        member: MemberId,
        /// Which.
        generation: u64,
    },
    /// Wipe a member's keys before this one.
    WipeBefore {
        /// Which member.
        member: MemberId,
        /// The oldest that stays.
        key: KeyId,
    },
    /// Wipe all keys of a member: it is out.
    WipeMember {
        /// Which member.
        member: MemberId,
    },
}

/// A change of the key that frames are sealed with.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum SealChange {
    /// As [`KeyChange::Ratchet`].
    Ratchet,
    /// As [`KeyChange::Rekey`].
    Rekey {
        /// Which.
        generation: u64,
        /// Its key.
        base_key: BaseKey,
    },
    /// As [`KeyChange::Restart`].
    Restart {
        /// Our new id.
        member: MemberId,
        /// Its key.
        base_key: BaseKey,
    },
}

/// A change of the keys that frames are opened with.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum OpenChange {
    /// This is our id now: frames with it are our own, and do not open.
    Own {
        /// Our new id.
        member: MemberId,
    },
    /// As [`KeyChange::Install`].
    Install {
        /// Whose frames.
        member: MemberId,
        /// From which key on.
        key: KeyId,
        /// That key.
        base_key: BaseKey,
    },
    /// As [`KeyChange::WipeGeneration`].
    WipeGeneration {
        /// Which member.
        member: MemberId,
        /// Which.
        generation: u64,
    },
    /// As [`KeyChange::WipeBefore`].
    WipeBefore {
        /// Which member.
        member: MemberId,
        /// The oldest that stays.
        key: KeyId,
    },
    /// As [`KeyChange::WipeMember`].
    WipeMember {
        /// Which member.
        member: MemberId,
    },
}

impl KeyChange {
    /// What of it is for the thread that seals, and what for the thread that opens.
    #[must_use]
    pub fn split(self) -> (Option<SealChange>, Option<OpenChange>) {
        match self {
            Self::Ratchet => (Some(SealChange::Ratchet), None),
            Self::Rekey { generation, base_key } => {
                (Some(SealChange::Rekey { generation, base_key }), None)
            }
            Self::Restart { member, base_key } => {
                (Some(SealChange::Restart { member, base_key }), Some(OpenChange::Own { member }))
            }
            Self::Install { member, key, base_key } => {
                (None, Some(OpenChange::Install { member, key, base_key }))
            }
            Self::WipeGeneration { member, generation } => {
                (None, Some(OpenChange::WipeGeneration { member, generation }))
            }
            Self::WipeBefore { member, key } => (None, Some(OpenChange::WipeBefore { member, key })),
            Self::WipeMember { member } => (None, Some(OpenChange::WipeMember { member })),
        }
    }
}

/// For whom a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Recipient {
    /// Everybody else in the call.
    All,
    /// This session alone: [`Group::address_of`](crate::Group::address_of) it. Never where a message was last seen to come
    /// from: anybody may play one again.
    One(SessionId),
}

/// Something that people or the application should know.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum Event {
    /// A session asks to be admitted: [`admit`](crate::Group::admit) or [`refuse`](crate::Group::refuse).
    JoinRequested(JoinRequest),
    /// A session is a member now.
    Joined(SessionId),
    /// A member is out.
    Left {
        /// Who.
        session: SessionId,
        /// Why.
        why: LeaveReason,
    },
    /// A member that was lost or dropped is in again.
    Returned(SessionId),
    /// This person had another key before, in this call or an earlier one.
    IdentityChanged {
        /// Which session.
        session: SessionId,
        /// What was known of the person.
        standing: VerificationState,
    },
    /// Nothing that proves this member to be present has come for three heartbeats.
    Unresponsive(SessionId),
    /// It has proved to be present again.
    Responsive(SessionId),
    /// This member sees other people in the call than we do, and comparing did not help: the relay shows different people
    /// different calls.
    RosterMismatch {
        /// With whom we differ.
        with: SessionId,
        /// The sessions that only one of both sees, by their first 8 bytes; none if the member does not answer.
        sessions: Vec<[u8; 8]>,
    },
    /// It sees the same people again.
    RosterAgrees(SessionId),
    /// This member was told other keys of these sessions than we were, and comparing did not help.
    ViewMismatch {
        /// With whom we differ.
        with: SessionId,
        /// The sessions, by their first 8 bytes.
        sessions: Vec<[u8; 8]>,
    },
    /// This member goes by other orders than we do, though it was shown ours: for it the call may be locked or open, or somebody
    /// removed, who is not so for us.
    OrdersDiffer(SessionId),
    /// This member told different people different things; it signed both.
    Equivocation(SessionId),
    /// The call was locked.
    Locked {
        /// By whom.
        by: SessionId,
    },
    /// The call was unlocked: show it clearly.
    Unlocked {
        /// By whom.
        by: SessionId,
    },
    /// An identity that the lock does not allow wanted to come in.
    LockedOut(Identity),
    /// A member tells us that we are not a member for it.
    NotAdmitted {
        /// Who.
        by: SessionId,
        /// Why.
        reason: RefusalReason,
    },
    /// Our member id was in use: we have a new session, and everything goes on.
    SessionChanged(SessionId),
    /// We are out; the group has ended.
    Ended(EndReason),
    /// A member wants to compare emoji with us.
    SasStarted(SessionId),
    /// Show these, and ask whether the other sees the same.
    SasReady {
        /// With whom.
        session: SessionId,
        /// As emoji or as numbers.
        sas: Sas,
    },
    /// Both said that they see the same: the identity is verified, and remembered as this user's.
    SasVerified(SessionId),
    /// A check ended without.
    SasFailed {
        /// With whom.
        session: SessionId,
        /// Why.
        error: SasError,
    },
}

/// A session that asks to be admitted. All of it is signed by the identity; the user is who the application says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct JoinRequest {
    /// Which session.
    pub session: SessionId,
    /// Its id in KIDs.
    pub member_id: MemberId,
    /// Its key. The credential must name or sign it.
    pub identity: Identity,
    /// What it takes part as.
    pub role: Role,
    /// What the relay calls it.
    pub address: Vec<u8>,
    /// What the application judges it by.
    pub credential: Vec<u8>,
    /// It has left the call, and is judged only for the orders that it gave before: see [`Permission::Moderator`].
    pub has_left: bool,
}

/// What an application says of a session that it admits.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by applications")]
pub struct Admission {
    /// Who it is.
    pub user: UserId,
    /// Whether it may lock, unlock and remove.
    pub permission: Permission,
}

/// What a member may do to others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Permission {
    /// Nothing.
    #[default]
    None,
    /// Lock, unlock and remove.
    Moderator,
}

/// Why a member is out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LeaveReason {
    /// It said so.
    Left,
    /// A moderator removed it.
    Removed,
    /// A moderator locked the call without it.
    LockedOut,
    /// A newer session of the same identity took its place.
    Replaced,
    /// The application said that it is gone, perhaps because the relay did. It may come back.
    Dropped,
    /// It has not proved to be present, or it does not admit us. It may come back.
    Lost,
}

/// Why we are out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum EndReason {
    /// A moderator removed us.
    Removed {
        /// Who.
        by: SessionId,
    },
    /// A moderator locked the call without us.
    LockedOut {
        /// Who.
        by: SessionId,
    },
    /// A newer session of our identity took our place: another window, or the page loaded again.
    Replaced {
        /// Which.
        by: SessionId,
    },
}
