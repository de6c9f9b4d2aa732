//! The recommended API: messages in and out, and frames sealed and opened while keys change
//! underneath.

use alloc::{collections::BTreeSet, vec::Vec};
use core::fmt;

use sealframe_crypto::{Backend, Cipher};
#[cfg(feature = "external-aead")]
use sealframe_media::{ExternalAead, OpenError};
use sealframe_media::{FrameBuf, Metadata, Opened, SealError};
#[cfg(feature = "external-aead")]
use sealframe_wire::Ctr;
use sealframe_wire::{Kid, MemberId};

use crate::{
    CallControl, CallState, Frames, Opener, Sealer,
    control::farewell,
    group::{
        Config, Event, Group, GroupError, Identity, IdentityKey, KeyChange, Output, Reason, Recipient,
        SessionId, Time,
        rand_core::CryptoRng,
        verification::{CallCode, TrustStore},
    },
    handles::{Members, Verification},
    opener::FrameError,
    parking::{Parked, Parking},
};

/// A call whose members exchange keys and verify each other.
///
/// It has no clock, no sockets and no randomness of its own. A relay forwards its messages and can
/// read none of them:
///
/// * pass incoming messages to [`handle_message`](Self::handle_message);
/// * [`poll`](Self::poll) returns outgoing messages, events for people, and the time of the next
///   timeout;
/// * seal and open frames in between. Keys change by themselves as people join and leave.
pub struct Call {
    group: Group,
    frames: Frames,
    parking: Parking,
    /// Members whose parked frames may open now.
    arrived: BTreeSet<MemberId>,
}

/// An action requested by [`Call::poll`].
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an application must handle every action")]
pub enum Action {
    /// Pass this to the relay.
    Send {
        /// The recipients.
        to: Recipient,
        /// Opaque to the relay.
        message: Vec<u8>,
    },
    /// An event for people or the application.
    Event(Event),
    /// Nothing more before this time, unless a message arrives.
    Timeout(Time),
}

impl Call {
    /// Joins a call, with this backend for frames.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn join(
        config: Config,
        backend: Backend,
        key: IdentityKey,
        trust: TrustStore,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, GroupError> {
        let cipher = Cipher::new(config.suite, backend);
        let (group, base_key) = Group::new(config, key, trust, now, rng)?;
        // The layout fits every member id, and the base key is of the config's suite.
        let frames = Frames::new(cipher, group.member_id(), base_key);
        let frames = frames.map_err(|_| GroupError::Policy("suite"))?;
        Ok(Self { group, frames, parking: Parking::default(), arrived: BTreeSet::new() })
    }

    /// Handles a message from the relay.
    ///
    /// # Errors
    /// Those of [`Group::handle_message`].
    pub fn handle_message(&mut self, message: &[u8], now: Time) -> Result<(), GroupError> {
        self.group.handle_message(message, now)
    }

    /// Returns the next action; call it until it returns [`Action::Timeout`].
    ///
    /// A key change cannot fail: member ids fit the layout, no generation is reused, and the group
    /// holds fewer keys than the receiver may. If one did fail, frames would not open, and people
    /// would see it.
    pub fn poll(&mut self, now: Time, rng: &mut impl CryptoRng) -> Action {
        while let Some(kid) = self.frames.poll_newer() {
            if let (Ok(sender), Ok(step)) = (u16::try_from(kid.sender), u32::try_from(kid.step)) {
                self.group.opened(MemberId::new(sender), kid.generation, step, now);
            }
        }
        if self.frames.is_nearly_exhausted() {
            self.group.rekey(Reason::Limit, now);
        }
        loop {
            self.group.set_frames(self.frames.usage().frames);
            match self.group.poll(now, rng) {
                Output::Send { to, message } => return Action::Send { to, message },
                Output::Event(event) => return Action::Event(event),
                Output::Timeout(until) => return Action::Timeout(until),
                Output::Keys(change) => self.change_keys(change),
            }
        }
    }

    fn change_keys(&mut self, change: KeyChange) {
        let (arrived, out) = match &change {
            KeyChange::Install { member, .. } => (Some(*member), None),
            KeyChange::WipeMember { member } => (None, Some(*member)),
            KeyChange::Ratchet
            | KeyChange::Rekey { .. }
            | KeyChange::Restart { .. }
            | KeyChange::WipeGeneration { .. }
            | KeyChange::WipeBefore { .. } => (None, None),
        };
        let is_done = self.frames.apply(change).is_ok();
        self.arrived.extend(arrived.filter(|member| is_done && self.parking.holds(*member)));
        if let Some(member) = out {
            self.parking.forget(member);
            self.arrived.remove(&member);
        }
    }

    /// The members of the call: admit, refuse, remove, lock.
    pub const fn members(&mut self) -> Members<'_> {
        Members { group: &mut self.group }
    }

    /// The verification of people: emoji, codes, and the trust store.
    pub const fn verification(&mut self) -> Verification<'_> {
        Verification { group: &mut self.group }
    }

    /// Starts a new generation of our key, for example on suspicion.
    pub fn rekey(&mut self, now: Time) {
        self.group.rekey(Reason::Suspicion, now);
    }

    /// Like [`Group::set_sending`].
    pub fn set_sending(&mut self, sends: bool, now: Time) {
        self.group.set_sending(sends, now);
    }

    /// Like [`Group::reconnected`].
    pub fn reconnected(&mut self, now: Time) {
        self.group.reconnected(now);
    }

    /// Splits the call into three parts, one per thread: one manages keys, one seals, one opens.
    /// Parked frames are dropped.
    #[must_use]
    pub fn split(self) -> (CallControl, Sealer, Opener) {
        let (sealer, opener) = self.frames.split();
        (CallControl::new(self.group), sealer, opener)
    }

    /// Leaves the call and wipes every key. The relay must send the returned messages to all.
    #[must_use]
    pub fn leave(self) -> Vec<Vec<u8>> {
        farewell(self.group)
    }

    /// Our session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.group.session()
    }

    /// Our identity.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.group.identity()
    }

    /// The code that everybody in the call can compare.
    #[must_use]
    pub fn call_code(&self) -> CallCode {
        self.group.call_code()
    }

    /// The state of the call, as plain data: for a user interface, or to be stored.
    #[must_use]
    pub fn state(&self, now: Time) -> CallState {
        CallState::of(&self.group, &self.frames, now)
    }

    /// Like [`Frames::seal_in_place`].
    ///
    /// # Errors
    /// [`SealError`].
    #[inline]
    pub fn seal_in_place<'f, 'm>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<&'f mut [u8], SealError> {
        self.frames.seal_in_place(frame, metadata)
    }

    /// Like [`Frames::seal_to_vec`].
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_to_vec<'m>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Vec<u8>, SealError> {
        self.frames.seal_to_vec(frame, metadata)
    }

    /// Like [`Frames::open_in_place`], for a frame that the server attributes to member `from`.
    ///
    /// A frame whose key is unknown may be [parked](Self::park).
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
        self.frames.open_in_place(from, frame, metadata)
    }

    /// Like [`Frames::begin_external_seal`].
    ///
    /// # Errors
    /// [`SealError`].
    #[cfg(feature = "external-aead")]
    pub fn begin_external_seal<'m>(
        &mut self,
        prefix: &[u8],
        payload_len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, SealError> {
        self.frames.begin_external_seal(prefix, payload_len, metadata)
    }

    /// Like [`Frames::begin_external_open`].
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
        self.frames.begin_external_open(from, header_bytes, len, metadata)
    }

    /// Like [`Frames::finish_external_open`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "external-aead")]
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        self.frames.finish_external_open(kid, ctr)
    }

    /// Keeps a copy of a frame that did not open because its key is unknown, until the key arrives:
    /// for at most a second, 64 frames per member, and 4 MiB in all. `token` is returned with the
    /// frame. `false` if there is no room, or if `from` is not a member. If the key arrived after
    /// the attempt to open the frame, the next [`poll_parked`](Self::poll_parked) returns it.
    pub fn park(&mut self, from: MemberId, token: u64, frame: &[u8], now: Time) -> bool {
        if self.group.session_of(from).is_none() {
            return false;
        }
        self.group.key_is_missing(from, now);
        if !self.frames.misses_key(from) {
            // The key arrived between the attempt to open the frame and this call. No later key may
            // wake it.
            self.arrived.insert(from);
        }
        self.parking.park(from, token, frame, now)
    }

    /// Returns a parked frame that may open now. Drop it if it still does not open: parked again,
    /// it would return at once.
    pub fn poll_parked(&mut self, now: Time) -> Option<Parked> {
        while let Some(&from) = self.arrived.first() {
            if let Some(parked) = self.parking.take(from, now) {
                return Some(parked);
            }
            self.arrived.remove(&from);
        }
        None
    }

    /// Number of parked frames.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parking.len()
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.frames.kid()
    }

    /// The member whose KID this is.
    #[must_use]
    pub const fn member_of(kid: Kid) -> MemberId {
        Frames::member_of(kid)
    }

    /// The key management, for methods that are not on `Call`. Do not call its
    /// [`poll`](Group::poll): key changes would be lost.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("group", &self.group)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
