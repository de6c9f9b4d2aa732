//! Opens the frames of others.

use alloc::vec::Vec;
use core::{fmt, mem};

use hashbrown::HashMap;
use sealframe_crypto::{BaseKey, Cipher};
#[cfg(feature = "external-aead")]
use sealframe_media::ExternalAead;
use sealframe_media::{KeyError, Metadata, OpenError, Opened, Receiver};
#[cfg(feature = "external-aead")]
use sealframe_wire::Ctr;
use sealframe_wire::{Kid, MemberId, SenderKeyKid};

#[cfg(feature = "group")]
use crate::group::{KeyId, OpenChange};
use crate::layout::LAYOUT;

/// Opens the frames of all others, alone in a thread or as a part of [`Frames`](crate::Frames).
///
/// A frame opens only if its KID belongs to the member that the server names, and our own frames
/// never open.
pub struct Opener {
    me: MemberId,
    receiver: Receiver,
    counts: Counts,
    /// Keys that have opened their first frame and are the newest of their sender.
    newer: Vec<SenderKeyKid>,
}

/// Counts of a member's frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct MemberFrames {
    /// Frames that opened.
    pub opened: u64,
    /// Frames that did not open, by reason.
    pub failed: Failed,
    /// The newest key that has opened a frame: generation and ratchet step.
    pub newest: Option<(u64, u64)>,
}

/// Counts of all members.
struct Counts {
    of: Vec<Count>,
    /// Index of each member in `of`.
    place: HashMap<MemberId, usize>,
    /// Frames that are not counted in `of` yet, by [`slot`].
    recent: [Run; RECENT],
    /// A KID with which no frame opens.
    never: Kid,
}

/// The number of opened frames with the latest KID of this slot.
#[derive(Clone, Copy)]
struct Run {
    kid: Kid,
    opened: u64,
}

/// Like [`MemberFrames`], but smaller: there is one for each member.
struct Count {
    member: MemberId,
    opened: u64,
    failed: Failed,
    /// The KID from which `newest` is computed, once a frame has opened.
    newest: Option<Kid>,
    /// The generation of the last frame without a key, until its key is installed.
    missing: Option<u64>,
}

/// Number of members that are counted without the map.
const RECENT: usize = 64;

/// A member's index in [`Counts::recent`].
#[inline(always)] // part of the hot path
const fn slot(member: MemberId) -> usize {
    member.get() as usize % RECENT
}

/// The member whose KID this is.
#[inline(always)] // part of the hot path
#[expect(clippy::cast_possible_truncation, reason = "the sender field has 16 bits")]
pub(crate) const fn member_of(kid: Kid) -> MemberId {
    MemberId::new(LAYOUT.split(kid).sender as u16)
}

impl Counts {
    fn new(never: Kid) -> Self {
        let recent = [Run { kid: never, opened: 0 }; RECENT];
        Self { of: Vec::new(), place: HashMap::new(), recent, never }
    }

    /// Counts a frame with the latest KID of its slot, which is the usual case.
    #[inline(always)] // part of the hot path
    fn count(&mut self, kid: Kid) -> bool {
        let run = &mut self.recent[slot(member_of(kid))];
        let goes_on = run.kid == kid;
        if goes_on {
            run.opened += 1;
        }
        goes_on
    }

    /// Counts a frame with another KID than the latest of its slot.
    fn begin_run(&mut self, kid: Kid) {
        self.end_run(slot(member_of(kid)));
        self.recent[slot(member_of(kid))] = Run { kid, opened: 1 };
    }

    fn end_run(&mut self, slot: usize) {
        let over = mem::replace(&mut self.recent[slot], Run { kid: self.never, opened: 0 });
        if let Some(count) = self.get_mut(member_of(over.kid)) {
            count.opened += over.opened;
        }
    }

    /// Our member id has changed: from now on no frame with this KID opens.
    fn set_own(&mut self, never: Kid) {
        for slot in 0..RECENT {
            self.end_run(slot);
        }
        self.never = never;
        self.recent = [Run { kid: never, opened: 0 }; RECENT];
    }

    fn opened(&self, member: MemberId) -> u64 {
        let run = self.recent[slot(member)];
        let of_run = if member_of(run.kid) == member { run.opened } else { 0 };
        self.get(member).map_or(0, |count| count.opened + of_run)
    }

    fn get(&self, member: MemberId) -> Option<&Count> {
        self.place.get(&member).and_then(|&place| self.of.get(place))
    }

    fn get_mut(&mut self, member: MemberId) -> Option<&mut Count> {
        self.place.get(&member).and_then(|&place| self.of.get_mut(place))
    }

    fn add(&mut self, member: MemberId) {
        if !self.place.contains_key(&member) {
            self.place.insert(member, self.of.len());
            self.of.push(Count {
                member,
                opened: 0,
                failed: Failed::default(),
                newest: None,
                missing: None,
            });
        }
    }

    fn remove(&mut self, member: MemberId) {
        self.end_run(slot(member));
        if let Some(place) = self.place.remove(&member) {
            self.of.swap_remove(place);
            if let Some(moved) = self.of.get(place) {
                self.place.insert(moved.member, place);
            }
        }
    }
}

/// Frames that did not open, by reason. Counts saturate at `u32::MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failed {
    /// The key was unknown, or not yet known.
    pub unknown_key: u32,
    /// Changed on the way, or sealed with another key.
    pub unauthentic: u32,
    /// Opened before, or too old to tell.
    pub replayed: u32,
    /// The key was erased, or the bytes are not a valid frame.
    pub other: u32,
}

impl Opener {
    /// Opens the frames of everybody except member `me`, whose current KID is `own`.
    pub(crate) fn new(cipher: Cipher, me: MemberId, own: Kid) -> Self {
        Self {
            me,
            receiver: Receiver::new(cipher, LAYOUT).without_own(u64::from(me)),
            counts: Counts::new(own),
            newer: Vec::new(),
        }
    }

    /// Our member id.
    #[must_use]
    pub const fn me(&self) -> MemberId {
        self.me
    }

    /// Our member id has changed.
    pub(crate) fn set_own(&mut self, me: MemberId) {
        let kid = SenderKeyKid { sender: u64::from(me), ..SenderKeyKid::default() };
        // The layout fits every member id.
        if let Some(own) = LAYOUT.join(kid) {
            self.counts.set_own(own);
        }
        self.receiver.set_own(u64::from(me));
        self.me = me;
    }

    /// Applies a [`Group`](crate::group::Group)'s change of others' keys.
    ///
    /// # Errors
    /// [`KeyError`]. Changes of one group in order do not fail.
    #[cfg(feature = "group")]
    pub fn apply(&mut self, change: OpenChange) -> Result<(), KeyError> {
        match change {
            OpenChange::Own { member } => self.set_own(member),
            OpenChange::Install { member, key: KeyId { generation, step }, base_key } => {
                let kid = SenderKeyKid { generation, sender: member.into(), step: step.into() };
                return self.install(kid, base_key);
            }
            OpenChange::WipeGeneration { member, generation } => {
                self.forget_generation(member, generation);
            }
            OpenChange::WipeBefore { member, key: KeyId { generation, step } } => {
                let (sender, step) = (member.into(), step.into());
                self.forget_before(SenderKeyKid { generation, sender, step });
            }
            OpenChange::WipeMember { member } => self.forget(member),
        }
        Ok(())
    }

    /// Like [`Receiver::add_sender`].
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn install(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        self.receiver.add_sender(kid, base_key)?;
        // It fits: the layout has accepted it.
        if let Ok(member) = u16::try_from(kid.sender).map(MemberId::new) {
            self.counts.add(member);
            if let Some(count) = self.counts.get_mut(member) {
                count.missing = count.missing.filter(|&missing| missing != kid.generation);
            }
        }
        Ok(())
    }

    /// Like [`Receiver::remove_sender`]. The member's counts are removed too.
    pub fn forget(&mut self, member: MemberId) {
        self.receiver.remove_sender(u64::from(member));
        self.counts.remove(member);
        self.newer.retain(|kid| kid.sender != u64::from(member));
    }

    /// Like [`Receiver::remove_generation`].
    pub fn forget_generation(&mut self, member: MemberId, generation: u64) {
        self.receiver.remove_generation(u64::from(member), generation);
    }

    /// Like [`Receiver::remove_before`].
    pub fn forget_before(&mut self, kid: SenderKeyKid) {
        self.receiver.remove_before(kid);
    }

    /// Returns a key that has opened its first frame and is its sender's newest: older ones may be
    /// wiped soon.
    pub fn poll_newer(&mut self) -> Option<SenderKeyKid> {
        self.newer.pop()
    }

    /// Whether the key of the member's last frame that lacked one is still missing; true for a
    /// member without any key.
    #[cfg(feature = "group")]
    pub(crate) fn misses_key(&self, member: MemberId) -> bool {
        self.counts.get(member).is_none_or(|count| count.missing.is_some())
    }

    /// Counts of a member's frames.
    #[must_use]
    pub fn of_member(&self, member: MemberId) -> MemberFrames {
        let Some(&Count { failed, newest, .. }) = self.counts.get(member) else {
            return MemberFrames::default();
        };
        let opened = self.counts.opened(member);
        let newest = newest.map(|newest| LAYOUT.split(newest));
        MemberFrames { opened, failed, newest: newest.map(|newest| (newest.generation, newest.step)) }
    }

    /// Like [`Receiver::begin_external_open`], for a frame that the server attributes to member
    /// `from`.
    ///
    /// # Errors
    /// [`FrameError`].
    #[cfg(feature = "external-aead")]
    pub fn begin_external_open<'m>(
        &mut self,
        from: MemberId,
        header_bytes: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, FrameError> {
        Ok(self.receiver.begin_external_open_from(from.into(), header_bytes, len, metadata)?)
    }

    /// Like [`Receiver::finish_external_open`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "external-aead")]
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        let opened = self.receiver.finish_external_open(kid, ctr);
        if opened.is_ok() {
            self.count(kid);
        }
        opened
    }

    /// Like [`Receiver::open_in_place`], for a frame that the server attributes to member `from`.
    ///
    /// # Errors
    /// [`FrameError`].
    #[inline(always)] // like Receiver::open_in_place
    pub fn open_in_place<'f, 'm>(
        &mut self,
        from: MemberId,
        frame: &'f mut [u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Opened<'f>, FrameError> {
        match self.receiver.open_in_place_from(from.into(), frame, metadata) {
            Ok(opened) => {
                self.count(opened.kid);
                Ok(opened)
            }
            Err(error) => Err(self.count_failure(from, error)),
        }
    }

    /// A frame with this KID has opened.
    #[inline(always)] // like open_in_place
    fn count(&mut self, kid: Kid) {
        if !self.counts.count(kid) {
            self.count_beside(kid);
        }
    }

    /// A frame has opened whose member is not among the recent ones, or whose key is not that of
    /// its last frame.
    #[cold]
    fn count_beside(&mut self, kid: Kid) {
        self.counts.begin_run(kid);
        let Some(count) = self.counts.get_mut(member_of(kid)) else { return };
        let at = LAYOUT.split(kid);
        let is_newer = count.newest.is_none_or(|newest| {
            let newest = LAYOUT.split(newest);
            at.generation > newest.generation
                || at.generation == newest.generation
                    && at.step != newest.step
                    && !LAYOUT.is_behind(newest.step, at.step)
        });
        if is_newer {
            count.newest = Some(kid);
            self.newer.retain(|kid| kid.sender != at.sender);
            self.newer.push(at);
        }
    }

    /// A frame did not open. Without a key of the member nothing is counted: the member is only the
    /// server's claim.
    #[cold]
    fn count_failure(&mut self, from: MemberId, error: OpenError) -> FrameError {
        if let Some(Count { failed, missing, .. }) = self.counts.get_mut(from) {
            let counter = match error {
                OpenError::OtherSender(_) => return FrameError::OtherMember,
                OpenError::UnknownKey(kid) => {
                    *missing = Some(LAYOUT.split(kid).generation);
                    &mut failed.unknown_key
                }
                OpenError::Unauthentic => &mut failed.unauthentic,
                OpenError::Replayed(_) | OpenError::TooOld(_) => &mut failed.replayed,
                OpenError::Header(_)
                | OpenError::TooShort
                | OpenError::StepErased(_)
                | OpenError::StepTooFar(_)
                | OpenError::TooManyKeys => &mut failed.other,
            };
            *counter = counter.saturating_add(1);
        }
        error.into()
    }

    #[cfg(feature = "external-aead")]
    pub(crate) fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        self.receiver.expose_key(kid)
    }

    #[cfg(feature = "external-aead")]
    pub(crate) const fn erasures(&self) -> u32 {
        self.receiver.erasures()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("me", &self.me).finish_non_exhaustive()
    }
}

/// Why a frame was not opened. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every variant")]
pub enum FrameError {
    /// The frame is from another member than the server says.
    OtherMember,
    /// The frame did not open.
    Open(OpenError),
}

impl FrameError {
    /// Like [`OpenError::is_retryable`].
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Open(error) if error.is_retryable())
    }
}

impl From<OpenError> for FrameError {
    fn from(error: OpenError) -> Self {
        if let OpenError::OtherSender(_) = error { Self::OtherMember } else { Self::Open(error) }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMember => f.write_str("the frame is from another member than the server says"),
            Self::Open(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::OtherMember => None,
            Self::Open(error) => Some(error),
        }
    }
}
