//! The outputs of a group: messages, key changes and events.

use alloc::vec::Vec;

use sealframe_crypto::BaseKey;

use crate::{
    Identity, MemberId, Role, SessionId, Time, UserId,
    message::RefusalReason,
    verification::{Sas, SasError, VerificationState},
};

/// One thing for the caller of [`Group::poll`](crate::Group::poll) to do, in the order returned.
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum Output {
    /// Hand this message to the relay.
    Send {
        /// The recipients.
        to: Recipient,
        /// Opaque to the relay; at most 14,000 bytes.
        message: Vec<u8>,
    },
    /// Apply this key change to the media path.
    Keys(KeyChange),
    /// Tell the application.
    Event(Event),
    /// Nothing is left to do until this time, unless a message or a call of a function comes first.
    Timeout(Time),
}

/// Identifies a key of a member by its generation and ratchet step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct KeyId {
    /// The member's generation, below 2^32.
    pub generation: u64,
    /// The ratchet step, below 256.
    pub step: u32,
}

/// A change of keys, to be applied to the media path in the order returned.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum KeyChange {
    /// Advance our sender by one ratchet step.
    Ratchet,
    /// Move our sender to this generation, at step 0.
    Rekey {
        /// The generation.
        generation: u64,
        /// The base key.
        base_key: BaseKey,
    },
    /// We have a new session: create a new sender with this id, at generation 0 and step 0.
    Restart {
        /// Our new id.
        member: MemberId,
        /// The base key.
        base_key: BaseKey,
    },
    /// Add this key of a member for opening frames.
    Install {
        /// The member whose frames the key opens.
        member: MemberId,
        /// The generation, and the oldest step that opens; later steps follow by ratcheting.
        key: KeyId,
        /// The base key of `key`.
        base_key: BaseKey,
    },
    /// Wipe one generation of a member.
    WipeGeneration {
        /// The member.
        member: MemberId,
        /// The generation.
        generation: u64,
    },
    /// Wipe a member's keys older than this one.
    WipeBefore {
        /// The member.
        member: MemberId,
        /// The oldest key that stays.
        key: KeyId,
    },
    /// Wipe all keys of a member that is out of the call.
    WipeMember {
        /// The member.
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
        /// The generation.
        generation: u64,
        /// The base key.
        base_key: BaseKey,
    },
    /// As [`KeyChange::Restart`].
    Restart {
        /// Our new id.
        member: MemberId,
        /// The base key.
        base_key: BaseKey,
    },
}

/// A change of the keys that frames are opened with.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must do all of it")]
pub enum OpenChange {
    /// Our id changes to this one: frames with it are our own and must not open.
    Own {
        /// Our new id.
        member: MemberId,
    },
    /// As [`KeyChange::Install`].
    Install {
        /// The member whose frames the key opens.
        member: MemberId,
        /// The generation, and the oldest step that opens; later steps follow by ratcheting.
        key: KeyId,
        /// The base key of `key`.
        base_key: BaseKey,
    },
    /// As [`KeyChange::WipeGeneration`].
    WipeGeneration {
        /// The member.
        member: MemberId,
        /// The generation.
        generation: u64,
    },
    /// As [`KeyChange::WipeBefore`].
    WipeBefore {
        /// The member.
        member: MemberId,
        /// The oldest key that stays.
        key: KeyId,
    },
    /// As [`KeyChange::WipeMember`].
    WipeMember {
        /// The member.
        member: MemberId,
    },
}

impl KeyChange {
    /// The part for the thread that seals, and the part for the thread that opens.
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

/// The recipients of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "no other kind exists")]
pub enum Recipient {
    /// Every other member of the call.
    All,
    /// This session alone, at its [`Group::address_of`](crate::Group::address_of). Never send to
    /// the address that a message came from instead: anyone can replay a message.
    One(SessionId),
}

/// A change that the application should act on or show to people.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum Event {
    /// A session asks for admission: call [`admit`](crate::Group::admit) or
    /// [`refuse`](crate::Group::refuse).
    JoinRequested(JoinRequest),
    /// A session became a member.
    Joined(SessionId),
    /// A member is out of the call.
    Left {
        /// The member's session.
        session: SessionId,
        /// The reason.
        why: LeaveReason,
    },
    /// A member that was lost or dropped has returned.
    Returned(SessionId),
    /// The user had another identity before, in this call or an earlier one.
    IdentityChanged {
        /// The session.
        session: SessionId,
        /// The state of the new identity; it tells whether the previous one was verified.
        verification: VerificationState,
    },
    /// This member has given no proof of life for three heartbeat intervals.
    Unresponsive(SessionId),
    /// An unresponsive member has given proof of life again.
    Responsive(SessionId),
    /// This member sees other members than we do, and exchanging rosters did not resolve it: the
    /// relay shows different members different calls.
    RosterMismatch {
        /// The other member's session.
        with: SessionId,
        /// The sessions that only one side sees, by their first 8 bytes; empty if the member does
        /// not answer.
        sessions: Vec<[u8; 8]>,
    },
    /// The roster of this member agrees with ours again.
    RosterAgrees(SessionId),
    /// This member received other keys of these sessions than we did, and exchanging rosters did
    /// not resolve it.
    ViewMismatch {
        /// The other member's session.
        with: SessionId,
        /// The sessions, by their first 8 bytes.
        sessions: Vec<[u8; 8]>,
    },
    /// This member holds other orders than we do although ours were forwarded to it: it may
    /// disagree about the lock, or about who was removed.
    OrdersDiffer(SessionId),
    /// This member signed two statements that contradict each other.
    Equivocation(SessionId),
    /// The call was locked.
    Locked {
        /// The moderator's session.
        by: SessionId,
    },
    /// The call was unlocked: show it clearly.
    Unlocked {
        /// The moderator's session.
        by: SessionId,
    },
    /// An identity that the lock does not list asked for admission.
    LockedOut(Identity),
    /// A session refused to admit us.
    NotAdmitted {
        /// The session that refused.
        by: SessionId,
        /// The reason.
        reason: RefusalReason,
    },
    /// Our member id was in use. We have a new session and stay in the call.
    SessionChanged(SessionId),
    /// We are out of the call, and the group has ended.
    Ended(EndReason),
    /// A member started an SAS verification with us.
    SasStarted(SessionId),
    /// Show this SAS, and ask whether the other person sees the same.
    SasReady {
        /// The other member's session.
        session: SessionId,
        /// The SAS, as emoji or as numbers.
        sas: Sas,
    },
    /// Both people confirmed: the identity is verified, and stored as this user's.
    SasVerified(SessionId),
    /// An SAS verification ended without verification.
    SasFailed {
        /// The other member's session.
        session: SessionId,
        /// The reason.
        error: SasError,
    },
}

/// A session that asks for admission. The identity signed every field; the application decides
/// which user it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct JoinRequest {
    /// The session.
    pub session: SessionId,
    /// Its id in KIDs.
    pub member_id: MemberId,
    /// Its identity. The credential must name or sign it.
    pub identity: Identity,
    /// Its role.
    pub role: Role,
    /// Its address at the relay.
    pub address: Vec<u8>,
    /// The credential by which the application decides.
    pub credential: Vec<u8>,
    /// The session has left the call. Admitting it counts only for the orders it signed before: see
    /// [`Permission::Moderator`].
    pub has_left: bool,
}

/// The application's decision on a session that it admits.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "applications construct it")]
pub struct Admission {
    /// The user that the session belongs to.
    pub user: UserId,
    /// Whether it may lock, unlock and remove.
    pub permission: Permission,
}

/// A member's permission to moderate the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Permission {
    /// None.
    #[default]
    None,
    /// Lock, unlock and remove.
    Moderator,
}

/// Why a member is out of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LeaveReason {
    /// It sent a leave message.
    Left,
    /// A moderator removed it.
    Removed,
    /// A moderator's lock does not list it.
    LockedOut,
    /// A newer session of the same identity took its place.
    Replaced,
    /// The application reported it gone, for example on the relay's word. It may return.
    Dropped,
    /// It gave no proof of life in time, or it refuses us. It may return.
    Lost,
}

/// Why we are out of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum EndReason {
    /// A moderator removed us.
    Removed {
        /// The moderator's session.
        by: SessionId,
    },
    /// A moderator's lock does not list us.
    LockedOut {
        /// The moderator's session.
        by: SessionId,
    },
    /// A newer session of our identity took our place, for example another window or the reloaded
    /// page.
    Replaced {
        /// The newer session.
        by: SessionId,
    },
}
