//! One member's frames, with keys from any source.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::{BaseKey, Cipher};
#[cfg(feature = "external-aead")]
use sealframe_media::ExternalAead;
#[cfg(feature = "external-aead")]
use sealframe_media::OpenError;
use sealframe_media::{FrameBuf, KeyError, KeyUsage, Metadata, Opened, SealError, Sender};
#[cfg(feature = "external-aead")]
use sealframe_wire::Ctr;
use sealframe_wire::{Kid, MemberId, SenderKeyKid};

#[cfg(feature = "group")]
use crate::group::KeyChange;
use crate::{
    opener::{FrameError, MemberFrames, Opener},
    sealer::Sealer,
};

/// One member's side of the media: a sender and a receiver, whose keys come from outside, for
/// example from a [`Group`](https://docs.rs/sealframe-group).
///
/// Member ids have 16 bits. A frame opens only if its KID belongs to the member that the server
/// names, and our own frames never open.
pub struct Frames {
    sealer: Sealer,
    opener: Opener,
}

impl Frames {
    /// Creates the frames of member `me`, which seals with `base_key` as generation 0. The key must
    /// never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`].
    pub fn new(cipher: Cipher, me: MemberId, base_key: BaseKey) -> Result<Self, KeyError> {
        let sealer = Sealer::new(cipher, me, base_key)?;
        let opener = Opener::new(cipher, me, sealer.kid());
        Ok(Self { sealer, opener })
    }

    /// Splits it into a sealing and an opening part, one per thread.
    #[cfg_attr(
        feature = "group",
        doc = "[`KeyChange::split`](crate::group::KeyChange::split) splits a group's key changes for \
               them."
    )]
    #[must_use]
    pub fn split(self) -> (Sealer, Opener) {
        (self.sealer, self.opener)
    }

    /// The member whose KID this is.
    #[must_use]
    pub const fn member_of(kid: Kid) -> MemberId {
        crate::opener::member_of(kid)
    }

    /// Our member id.
    #[must_use]
    pub const fn me(&self) -> MemberId {
        self.opener.me()
    }

    /// Applies a key change of a [`Group`](crate::group::Group): the only way, for every driver of
    /// a group.
    ///
    /// # Errors
    /// [`KeyError`]. Changes of one group in order do not fail, except in a forked process.
    #[cfg(feature = "group")]
    pub fn apply(&mut self, change: KeyChange) -> Result<(), KeyError> {
        let (seal, open) = change.split();
        if let Some(seal) = seal {
            self.sealer.apply(seal)?;
        }
        open.map_or(Ok(()), |open| self.opener.apply(open))
    }

    /// Continues as member `me`, sealing with `base_key` as generation 0, which must never have
    /// been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn restart(&mut self, me: MemberId, base_key: BaseKey) -> Result<(), KeyError> {
        self.sealer.restart(me, base_key)?;
        self.opener.set_own(me);
        Ok(())
    }

    /// Like [`Sender::ratchet`].
    ///
    /// # Errors
    /// [`KeyError::Forked`].
    pub fn ratchet(&mut self) -> Result<Kid, KeyError> {
        self.sealer.ratchet()
    }

    /// Like [`Sender::rekey_to`].
    ///
    /// # Errors
    /// [`KeyError::NotNewer`], [`KeyError::KidOutOfRange`], [`KeyError::OtherSuite`],
    /// [`KeyError::Forked`].
    pub fn rekey_to(&mut self, generation: u64, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.sealer.rekey_to(generation, base_key)
    }

    /// Like [`Opener::install`].
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn install(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        self.opener.install(kid, base_key)
    }

    /// Like [`Opener::forget`].
    pub fn forget(&mut self, member: MemberId) {
        self.opener.forget(member)
    }

    /// Like [`Opener::forget_generation`].
    pub fn forget_generation(&mut self, member: MemberId, generation: u64) {
        self.opener.forget_generation(member, generation)
    }

    /// Like [`Opener::forget_before`].
    pub fn forget_before(&mut self, kid: SenderKeyKid) {
        self.opener.forget_before(kid)
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.sealer.kid()
    }

    /// Like [`Sender::usage`].
    #[must_use]
    pub const fn usage(&self) -> KeyUsage {
        self.sealer.usage()
    }

    /// Whether our key is near its limit; true once for each key.
    pub fn is_nearly_exhausted(&mut self) -> bool {
        self.sealer.is_nearly_exhausted()
    }

    /// Returns a key that has opened its first frame and is its sender's newest: older ones may be
    /// wiped soon.
    pub fn poll_newer(&mut self) -> Option<SenderKeyKid> {
        self.opener.poll_newer()
    }

    /// Whether the key of the member's last frame that lacked one is still missing; true for a
    /// member without any frame.
    #[cfg(feature = "group")]
    pub(crate) fn misses_key(&self, member: MemberId) -> bool {
        self.opener.misses_key(member)
    }

    /// Counts of a member's frames.
    #[must_use]
    pub fn of_member(&self, member: MemberId) -> MemberFrames {
        self.opener.of_member(member)
    }

    pub(crate) const fn sender(&self) -> &Sender {
        self.sealer.sender()
    }

    #[cfg(test)]
    pub(crate) const fn sender_mut(&mut self) -> &mut Sender {
        self.sealer.sender_mut()
    }

    /// Like [`Sender::seal_in_place`].
    ///
    /// # Errors
    /// [`SealError`].
    #[inline]
    pub fn seal_in_place<'f, 'm>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<&'f mut [u8], SealError> {
        self.sealer.seal_in_place(frame, metadata)
    }

    /// Like [`Sender::seal_to_vec`].
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_to_vec<'m>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Vec<u8>, SealError> {
        self.sealer.seal_to_vec(frame, metadata)
    }

    /// Like [`Sender::begin_external_seal`].
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
        self.sealer.begin_external_seal(prefix, payload_len, metadata)
    }

    /// The `sframe_key` of our current KID or of a held one, like [`Sender::expose_key`] and
    /// [`Receiver::expose_key`](sealframe_media::Receiver::expose_key).
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        if kid == self.sealer.kid() { self.sealer.expose_key() } else { self.opener.expose_key(kid) }
    }

    /// Like [`Receiver::erasures`](sealframe_media::Receiver::erasures), including our own keys.
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.opener.erasures().wrapping_add(self.sealer.replaced())
    }

    /// Like [`Opener::begin_external_open`], for a frame that the server attributes to member
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
        self.opener.begin_external_open(from, header_bytes, len, metadata)
    }

    /// Like [`Opener::finish_external_open`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "external-aead")]
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        self.opener.finish_external_open(kid, ctr)
    }

    /// Like [`Opener::open_in_place`], for a frame that the server attributes to member `from`.
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
        self.opener.open_in_place(from, frame, metadata)
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("me", &self.me())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
