//! The paved path: members in, messages out, frames sealed and opened while keys change underneath.

use alloc::{collections::BTreeSet, vec::Vec};
use core::{fmt, time::Duration};

use sealframe_crypto::{Backend, Cipher};
#[cfg(feature = "elsewhere")]
use sealframe_media::{Elsewhere, OpenError};
use sealframe_media::{FrameBuf, Metadata, Opened, SealError};
#[cfg(feature = "elsewhere")]
use sealframe_wire::Ctr;
use sealframe_wire::Kid;

use crate::{
    CallState, Frames,
    frames::{FrameError, LAYOUT},
    group::{
        Admission, Config, Event, Group, GroupError, Identity, IdentityKey, Output, Reason, Recipient,
        SessionId,
        rand_core::CryptoRng,
        verification::{CallCode, TrustStore},
    },
    parking::{Parked, Parking},
};

/// A call whose members give each other their keys, and check who is who.
///
/// It has no clock, no sockets and no randomness of its own. A server hands messages on and reads none of them:
///
/// * what comes in goes to [`handle_message`](Self::handle_message);
/// * [`poll`](Self::poll) says what goes out, what people should know, and until when nothing is to be done;
/// * frames are sealed and opened in between. Keys change by themselves as people come and go.
pub struct Call {
    group: Group,
    frames: Frames,
    parking: Parking,
    /// Members whose parked frames may open now.
    arrived: BTreeSet<u16>,
}

/// What [`Call::poll`] wants done.
#[must_use]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an application must do all of it")]
pub enum Action {
    /// Hand this to the server.
    Send {
        /// For whom.
        to: Recipient,
        /// Opaque to the server.
        message: Vec<u8>,
    },
    /// Something that people or the application should know.
    Event(Event),
    /// Nothing more before this time, unless something comes in.
    Wait(Duration),
}

impl Call {
    /// Enters a call.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn join(
        config: Config,
        key: IdentityKey,
        trust: TrustStore,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, GroupError> {
        let cipher = config.suite.into();
        Self::join_with(config, cipher, key, trust, now, rng)
    }

    /// As [`join`](Self::join), frames by a backend of the caller's choice.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn join_on(
        config: Config,
        backend: Backend,
        key: IdentityKey,
        trust: TrustStore,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, GroupError> {
        let cipher = Cipher::new(config.suite, backend);
        Self::join_with(config, cipher, key, trust, now, rng)
    }

    fn join_with(
        config: Config,
        cipher: Cipher,
        key: IdentityKey,
        trust: TrustStore,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, GroupError> {
        let me = config.sender;
        let (group, base_key) = Group::new(config, key, trust, now, rng)?;
        // The layout takes every number of 16 bits.
        let frames = Frames::new(cipher, me, base_key).map_err(|_| GroupError::Policy)?;
        Ok(Self { group, frames, parking: Parking::default(), arrived: BTreeSet::new() })
    }

    /// Takes a message that the server handed over.
    ///
    /// # Errors
    /// [`GroupError`]; nothing has changed.
    pub fn handle_message(&mut self, message: &[u8], now: Duration) -> Result<(), GroupError> {
        self.group.handle_message(message, now)
    }

    /// As [`handle_message`](Self::handle_message), of a message that came over the connection of number `from`, as the server
    /// says.
    ///
    /// # Errors
    /// As [`Group::handle_message_from`].
    pub fn handle_message_from(
        &mut self,
        message: &[u8],
        from: u16,
        now: Duration,
    ) -> Result<(), GroupError> {
        self.group.handle_message_from(message, from, now)
    }

    /// Where a message for this session goes: see [`Group::sender_of`].
    #[must_use]
    pub fn sender_of(&self, session: SessionId) -> Option<u16> {
        self.group.sender_of(session)
    }

    /// What is to be done next; to be called until it says [`Action::Wait`].
    ///
    /// What the group does to keys on the way cannot fail: numbers fit the layout, no generation
    /// comes twice, and the group holds fewer than the receiver may. If it did fail, frames would
    /// not open, and people would see it.
    pub fn poll(&mut self, now: Duration, rng: &mut impl CryptoRng) -> Action {
        while let Some(kid) = self.frames.poll_newer() {
            if let (Ok(sender), Ok(step)) = (u16::try_from(kid.sender), u32::try_from(kid.step)) {
                self.group.opened(sender, kid.generation, step, now);
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
                Output::Wait(until) => return Action::Wait(until),
                Output::Ratchet => {
                    let _ = self.frames.ratchet();
                }
                Output::Rekey { generation, base_key } => {
                    let _ = self.frames.rekey_to(generation, base_key);
                }
                Output::Install { kid, base_key } => {
                    if self.frames.install(kid, base_key).is_ok()
                        && let Ok(sender) = u16::try_from(kid.sender)
                        && self.parking.holds(sender)
                    {
                        self.arrived.insert(sender);
                    }
                }
                Output::ForgetGeneration { sender, generation } => {
                    self.frames.forget_generation(sender, generation);
                }
                Output::ForgetBefore(kid) => self.frames.forget_before(kid),
                Output::Forget { sender } => {
                    self.frames.forget(sender);
                    self.parking.forget(sender);
                    self.arrived.remove(&sender);
                }
            }
        }
    }

    /// Lets in somebody who [applied](Event::Applied).
    ///
    /// # Errors
    /// As [`Group::admit`].
    pub fn admit(
        &mut self,
        session: SessionId,
        admission: Admission,
        now: Duration,
    ) -> Result<(), GroupError> {
        self.group.admit(session, admission, now)
    }

    /// Turns an applicant away.
    pub fn refuse(&mut self, session: SessionId) {
        self.group.refuse(session);
    }

    /// Drops the member with this number, because the application or the server says that it is gone. It does not come back.
    ///
    /// # Errors
    /// [`GroupError::NotForUs`] if there is none.
    pub fn drop_member(&mut self, sender: u16, now: Duration) -> Result<(), GroupError> {
        let session = self.group.session_of(sender).ok_or(GroupError::NotForUs)?;
        self.group.drop_member(session, now)
    }

    /// As [`Group::remove_member`].
    ///
    /// # Errors
    /// As [`Group::remove_member`].
    pub fn remove_member(&mut self, session: SessionId, now: Duration) -> Result<(), GroupError> {
        self.group.remove_member(session, now)
    }

    /// As [`Group::lock`].
    ///
    /// # Errors
    /// As [`Group::lock`].
    pub fn lock(&mut self) -> Result<(), GroupError> {
        self.group.lock()
    }

    /// As [`Group::unlock`].
    ///
    /// # Errors
    /// As [`Group::unlock`].
    pub fn unlock(&mut self) -> Result<(), GroupError> {
        self.group.unlock()
    }

    /// Begins a new generation of our key, because something is suspicious.
    pub fn rekey(&mut self, now: Duration) {
        self.group.rekey(Reason::Suspicion, now);
    }

    /// Leaves. What comes out is for the server, to be handed to all; every key is wiped.
    #[must_use]
    pub fn leave(self) -> Vec<Vec<u8>> {
        let outputs = self.group.leave().into_iter();
        outputs
            .filter_map(|output| match output {
                Output::Send { to: Recipient::All, message } => Some(message),
                Output::Send { to: Recipient::One(_), .. }
                | Output::Ratchet
                | Output::Rekey { .. }
                | Output::Install { .. }
                | Output::ForgetGeneration { .. }
                | Output::ForgetBefore(_)
                | Output::Forget { .. }
                | Output::Event(_)
                | Output::Wait(_) => None,
            })
            .collect()
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

    /// As [`Group::call_code`].
    #[must_use]
    pub fn call_code(&self) -> CallCode {
        self.group.call_code()
    }

    /// How the call stands, as plain data: for an interface, or to be kept.
    #[must_use]
    pub fn state(&self, now: Duration) -> CallState {
        CallState::of(&self.group, &self.frames, now)
    }

    /// As [`Frames::seal_in_place`].
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

    /// As [`Frames::seal_to_vec`].
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

    /// As [`Frames::open_in_place`], for a frame that the server says is from the member with number `from`.
    ///
    /// A frame whose key is unknown may be [parked](Self::park).
    ///
    /// # Errors
    /// [`FrameError`].
    #[inline(always)] // as Receiver::open_in_place
    pub fn open_in_place<'f, 'm>(
        &mut self,
        from: u16,
        frame: &'f mut [u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Opened<'f>, FrameError> {
        self.frames.open_in_place(from, frame, metadata)
    }

    /// As [`Frames::seal_elsewhere`].
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
        self.frames.seal_elsewhere(prefix, payload_len, metadata)
    }

    /// As [`Frames::open_elsewhere`].
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
        self.frames.open_elsewhere(from, front, len, metadata)
    }

    /// As [`Frames::opened_elsewhere`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "elsewhere")]
    pub fn opened_elsewhere(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        self.frames.opened_elsewhere(kid, ctr)
    }

    /// Keeps a copy of a frame that did not open because its key is unknown, until that comes: at most a second, 64
    /// frames of one member, and 4 MiB in all. `token` comes back with it. `false` if there is no room, or `from` is no
    /// member. If its key came after the attempt to open it, it comes back with the next
    /// [`poll_parked`](Self::poll_parked).
    pub fn park(&mut self, from: u16, token: u64, frame: &[u8], now: Duration) -> bool {
        if self.group.session_of(from).is_none() {
            return false;
        }
        self.group.key_is_missing(from, now);
        if !self.frames.misses_key(from) {
            // It came between the attempt to open the frame and this. None may follow to wake it.
            self.arrived.insert(from);
        }
        self.parking.park(from, token, frame, now)
    }

    /// A frame that was parked and may open now. One that still does not is to be dropped: parked again, it would come back at once.
    pub fn poll_parked(&mut self, now: Duration) -> Option<Parked> {
        while let Some(&from) = self.arrived.first() {
            if let Some(parked) = self.parking.take(from, now) {
                return Some(parked);
            }
            self.arrived.remove(&from);
        }
        None
    }

    /// Frames that are parked.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parking.len()
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.frames.kid()
    }

    /// The number of the member that a frame with this KID is from.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "sender numbers have 16 bits")]
    pub const fn number_of(kid: Kid) -> u16 {
        LAYOUT.split(kid).sender as u16
    }

    /// The key management, for what has no door of its own here. Its [`poll`](Group::poll) must not be called: keys would be lost.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// As [`Group::trust_mut`].
    pub const fn trust_mut(&mut self) -> &mut TrustStore {
        self.group.trust_mut()
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
