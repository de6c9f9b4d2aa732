//! One member's frames, whoever manages the keys.

use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashMap;
use sealframe_crypto::{BaseKey, Cipher};
#[cfg(feature = "elsewhere")]
use sealframe_media::Elsewhere;
use sealframe_media::{
    FrameBuf, KeyError, KeyUsage, Metadata, OpenError, Opened, Receiver, SealError, Sender, SenderEvent,
};
#[cfg(feature = "elsewhere")]
use sealframe_wire::Ctr;
use sealframe_wire::{Kid, SenderKeyKid, SenderKeyLayout};

#[cfg(feature = "group")]
use crate::group::{KeyChange, KeyId};

/// The KIDs of a call: 16 bits of member number, 8 bits of ratchet step.
pub(crate) const LAYOUT: SenderKeyLayout = SenderKeyLayout::new(16, 8).unwrap();

/// One member's side of the media: a sender and a receiver, whose keys come from elsewhere, such as a
/// [`Group`](https://docs.rs/sealframe-group).
///
/// Members have numbers of 16 bits; a frame opens only if its KID is that of the member from whom the server says it
/// is, and our own frames never open.
pub struct Frames {
    me: u16,
    cipher: Cipher,
    sender: Sender,
    receiver: Receiver,
    counts: Counts,
    /// Keys that have opened a frame for the first time, and are the newest of their sender.
    newer: Vec<SenderKeyKid>,
    /// Counts, modulo 2^32, how often our own key was replaced.
    replaced: u32,
}

/// What became of a member's frames.
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

/// What is counted of members.
struct Counts {
    of: Vec<Count>,
    /// Where in `of` each member is.
    place: HashMap<u16, usize>,
    /// Places that are tried before the map, by [`slot`].
    recent: [u16; RECENT],
}

/// As [`MemberFrames`], in less room: there is one for each member.
struct Count {
    member: u16,
    opened: u64,
    failed: Failed,
    /// The KID that `newest` is taken from, once a frame has opened.
    newest: Option<Kid>,
}

/// So many members at once are found without the map.
const RECENT: usize = 64;

/// Where in [`Counts::recent`] a member's place may be.
#[inline]
const fn slot(member: u16) -> usize {
    member as usize % RECENT
}

impl Counts {
    fn new() -> Self {
        Self { of: Vec::new(), place: HashMap::new(), recent: [0; RECENT] }
    }

    /// Counts a frame in the newest key of its member, if it is that. Mostly it is, and this is all.
    #[inline]
    fn count(&mut self, from: u16, kid: Kid) -> bool {
        // A KID has the member's number: no other member's newest key has it.
        match self.of.get_mut(usize::from(self.recent[slot(from)])) {
            Some(count) if count.newest == Some(kid) => {
                count.opened += 1;
                true
            }
            _ => false,
        }
    }

    fn get(&self, member: u16) -> Option<&Count> {
        self.place.get(&member).and_then(|&place| self.of.get(place))
    }

    fn get_mut(&mut self, member: u16) -> Option<&mut Count> {
        self.place.get(&member).and_then(|&place| self.of.get_mut(place))
    }

    fn add(&mut self, member: u16) {
        if !self.place.contains_key(&member) {
            self.place.insert(member, self.of.len());
            self.of.push(Count { member, opened: 0, failed: Failed::default(), newest: None });
        }
    }

    fn remove(&mut self, member: u16) {
        if let Some(place) = self.place.remove(&member) {
            self.of.swap_remove(place);
            if let Some(moved) = self.of.get(place) {
                self.place.insert(moved.member, place);
            }
        }
    }

    /// Finds the member without the map from now on, until another takes its slot; a matter of speed alone.
    fn remember(&mut self, member: u16) {
        if let Some(&place) = self.place.get(&member) {
            // With 65,536 members, all that there can be, the last place is 65,535.
            self.recent[slot(member)] = u16::try_from(place).unwrap_or_default();
        }
    }
}

/// Frames that did not open, by reason. Counts end at `u32::MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failed {
    /// Their key was not there, or not yet.
    pub unknown_key: u32,
    /// Changed on the way, or sealed by somebody else.
    pub unauthentic: u32,
    /// Opened before, or too old to tell.
    pub replayed: u32,
    /// Of a key that has been erased, or no frame of a known form.
    pub other: u32,
}

impl Frames {
    /// Frames of member `me`, who seals with `base_key` of generation 0. It must never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`].
    pub fn new(cipher: impl Into<Cipher>, me: u16, base_key: BaseKey) -> Result<Self, KeyError> {
        let cipher = cipher.into();
        let kid = SenderKeyKid { sender: u64::from(me), ..SenderKeyKid::default() };
        Ok(Self {
            me,
            cipher,
            sender: Sender::new(cipher, LAYOUT, kid, base_key)?,
            receiver: Receiver::new(cipher, LAYOUT).without_own(u64::from(me)),
            counts: Counts::new(),
            newer: Vec::new(),
            replaced: 0,
        })
    }

    /// Our number.
    #[must_use]
    pub const fn me(&self) -> u16 {
        self.me
    }

    /// Does what a [`Group`](crate::group::Group) says of keys: the one way, for every driver of a group.
    ///
    /// # Errors
    /// [`KeyError`]. Changes of one group in their order do not fail, but in a forked process.
    #[cfg(feature = "group")]
    pub fn apply(&mut self, change: KeyChange) -> Result<(), KeyError> {
        match change {
            KeyChange::Ratchet => self.ratchet().map(drop),
            KeyChange::Rekey { generation, base_key } => {
                self.rekey_to(generation, base_key).map(drop)
            }
            KeyChange::Restart { number, base_key } => self.restart(number, base_key),
            KeyChange::Install { number, key: KeyId { generation, step }, base_key } => {
                let kid = SenderKeyKid { generation, sender: number.into(), step: step.into() };
                self.install(kid, base_key)
            }
            KeyChange::WipeGeneration { number, generation } => {
                self.forget_generation(number, generation);
                Ok(())
            }
            KeyChange::WipeBefore { number, key: KeyId { generation, step } } => {
                let (sender, step) = (number.into(), step.into());
                self.forget_before(SenderKeyKid { generation, sender, step });
                Ok(())
            }
            KeyChange::WipeMember { number } => {
                self.forget(number);
                Ok(())
            }
        }
    }

    /// Goes on as member `me`, sealing with `base_key` of generation 0, which must never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn restart(&mut self, me: u16, base_key: BaseKey) -> Result<(), KeyError> {
        let kid = SenderKeyKid { sender: u64::from(me), ..SenderKeyKid::default() };
        self.sender = Sender::new(self.cipher, LAYOUT, kid, base_key)?;
        self.receiver.set_own(u64::from(me));
        self.replaced = self.replaced.wrapping_add(1);
        self.me = me;
        Ok(())
    }

    /// As [`Sender::ratchet`].
    ///
    /// # Errors
    /// [`KeyError::Forked`].
    pub fn ratchet(&mut self) -> Result<Kid, KeyError> {
        self.replaced = self.replaced.wrapping_add(1);
        self.sender.ratchet()
    }

    /// As [`Sender::rekey_to`].
    ///
    /// # Errors
    /// [`KeyError::NotNewer`], [`KeyError::KidOutOfRange`], [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn rekey_to(&mut self, generation: u64, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.replaced = self.replaced.wrapping_add(1);
        self.sender.rekey_to(generation, base_key)
    }

    /// As [`Receiver::add_sender`].
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn install(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        self.receiver.add_sender(kid, base_key)?;
        // It fits: the layout has taken it.
        if let Ok(member) = u16::try_from(kid.sender) {
            self.counts.add(member);
        }
        Ok(())
    }

    /// As [`Receiver::remove_sender`]. What was counted of it is forgotten too.
    pub fn forget(&mut self, member: u16) {
        self.receiver.remove_sender(u64::from(member));
        self.counts.remove(member);
        self.newer.retain(|kid| kid.sender != u64::from(member));
    }

    /// As [`Receiver::remove_generation`].
    pub fn forget_generation(&mut self, member: u16, generation: u64) {
        self.receiver.remove_generation(u64::from(member), generation);
    }

    /// As [`Receiver::remove_before`].
    pub fn forget_before(&mut self, kid: SenderKeyKid) {
        self.receiver.remove_before(kid);
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.sender.kid()
    }

    /// As [`Sender::usage`].
    #[must_use]
    pub const fn usage(&self) -> KeyUsage {
        self.sender.usage()
    }

    /// Whether our key nears its limit; said once for each key.
    pub fn is_nearly_exhausted(&mut self) -> bool {
        matches!(self.sender.poll_event(), Some(SenderEvent::KeyNearlyExhausted(_)))
    }

    /// A key that has opened a frame for the first time and is its sender's newest: older ones may go soon.
    pub fn poll_newer(&mut self) -> Option<SenderKeyKid> {
        self.newer.pop()
    }

    /// What became of a member's frames.
    #[must_use]
    pub fn of_member(&self, member: u16) -> MemberFrames {
        let Some(&Count { opened, failed, newest, .. }) = self.counts.get(member) else {
            return MemberFrames::default();
        };
        let newest = newest.map(|newest| LAYOUT.split(newest));
        MemberFrames { opened, failed, newest: newest.map(|newest| (newest.generation, newest.step)) }
    }

    pub(crate) const fn sender(&self) -> &Sender {
        &self.sender
    }

    #[cfg(test)]
    pub(crate) const fn sender_mut(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// As [`Sender::seal_in_place`].
    ///
    /// # Errors
    /// [`SealError`].
    #[inline]
    pub fn seal_in_place<'f, 'm>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<&'f mut [u8], SealError> {
        self.sender.seal_in_place(frame, metadata)
    }

    /// As [`Sender::seal_to_vec`].
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_to_vec<'m>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Vec<u8>, SealError> {
        self.sender.seal_to_vec(frame, metadata)
    }

    /// As [`Sender::seal_elsewhere`].
    ///
    /// # Errors
    /// [`SealError`].
    #[cfg(feature = "elsewhere")]
    pub fn seal_elsewhere<'m>(
        &mut self,
        prefix: &[u8],
        payload_len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Elsewhere<'_>, SealError> {
        self.sender.seal_elsewhere(prefix, payload_len, metadata)
    }

    /// `sframe_key` of our present KID or of one that is held, as [`Sender::expose_key`] and
    /// [`Receiver::expose_key`].
    #[cfg(feature = "elsewhere")]
    #[must_use]
    pub fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        if kid == self.sender.kid() { self.sender.expose_key() } else { self.receiver.expose_key(kid) }
    }

    /// As [`Receiver::erasures`], our own keys included.
    #[cfg(feature = "elsewhere")]
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.receiver.erasures().wrapping_add(self.replaced)
    }

    /// As [`Receiver::open_elsewhere`], for a frame that the server says is from member `from`.
    ///
    /// # Errors
    /// [`FrameError`].
    #[cfg(feature = "elsewhere")]
    pub fn open_elsewhere<'m>(
        &mut self,
        from: u16,
        front: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Elsewhere<'_>, FrameError> {
        Ok(self.receiver.open_elsewhere_from(from.into(), front, len, metadata)?)
    }

    /// As [`Receiver::opened_elsewhere`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "elsewhere")]
    pub fn opened_elsewhere(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        let opened = self.receiver.opened_elsewhere(kid, ctr);
        if opened.is_ok() {
            self.count(kid);
        }
        opened
    }

    /// As [`Receiver::open_in_place`], for a frame that the server says is from member `from`.
    ///
    /// # Errors
    /// [`FrameError`].
    #[inline]
    pub fn open_in_place<'f, 'm>(
        &mut self,
        from: u16,
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
    #[inline]
    fn count(&mut self, kid: Kid) {
        #[expect(clippy::cast_possible_truncation, reason = "sender numbers have 16 bits")]
        let from = LAYOUT.split(kid).sender as u16;
        if !self.counts.count(from, kid) {
            self.count_beside(from, kid);
        }
    }

    /// A frame has opened whose member is not among the recent ones, or whose key is not its newest so far.
    #[cold]
    fn count_beside(&mut self, from: u16, kid: Kid) {
        self.counts.remember(from);
        let Some(count) = self.counts.get_mut(from) else { return };
        count.opened += 1;
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

    /// A frame did not open. Of whom there is no key nothing is counted: it is a server's word.
    #[cold]
    fn count_failure(&mut self, from: u16, error: OpenError) -> FrameError {
        if let Some(Count { failed, .. }) = self.counts.get_mut(from) {
            let counter = match error {
                OpenError::OtherSender(_) => return FrameError::OtherMember,
                OpenError::UnknownKey(_) => &mut failed.unknown_key,
                OpenError::Unauthentic => &mut failed.unauthentic,
                OpenError::Replayed(_) | OpenError::TooOld(_) => &mut failed.replayed,
                OpenError::Header(_)
                | OpenError::TooShort
                | OpenError::StepErased(_)
                | OpenError::StepTooFar(_)
                | OpenError::TooManyKeys
                | OpenError::Trailer
                | OpenError::Injected
                | OpenError::TooManyStreams => &mut failed.other,
            };
            *counter = counter.saturating_add(1);
        }
        error.into()
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("me", &self.me).field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// Why a frame was not opened. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum FrameError {
    /// The frame is from another member than the server says.
    OtherMember,
    /// The frame did not open.
    Open(OpenError),
}

impl FrameError {
    /// As [`OpenError::is_retryable`].
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
            Self::OtherMember => f.write_str("frame is from another member"),
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
