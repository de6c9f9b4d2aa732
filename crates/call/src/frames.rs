//! One member's frames, whoever manages the keys.

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

/// One member's side of the media: a sender and a receiver, whose keys come from elsewhere, such as a
/// [`Group`](https://docs.rs/sealframe-group).
///
/// Members have ids of 16 bits; a frame opens only if its KID is that of the member from whom the server says it
/// is, and our own frames never open.
pub struct Frames {
    sealer: Sealer,
    opener: Opener,
}

impl Frames {
    /// Frames of member `me`, who seals with `base_key` of generation 0. It must never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`].
    pub fn new(cipher: impl Into<Cipher>, me: MemberId, base_key: BaseKey) -> Result<Self, KeyError> {
        let cipher = cipher.into();
        let sealer = Sealer::new(cipher, me, base_key)?;
        let opener = Opener::new(cipher, me, sealer.kid());
        Ok(Self { sealer, opener })
    }

    /// The part that seals and the part that opens, for a thread each. A group's keys go to both by
    /// [`KeyChange::split`](crate::group::KeyChange::split).
    #[must_use]
    pub fn split(self) -> (Sealer, Opener) {
        (self.sealer, self.opener)
    }

    /// The member that a frame with this KID is from.
    #[must_use]
    pub const fn member_of(kid: Kid) -> MemberId {
        crate::opener::member_of(kid)
    }

    /// Our member id.
    #[must_use]
    pub const fn me(&self) -> MemberId {
        self.opener.me()
    }

    /// Does what a [`Group`](crate::group::Group) says of keys: the one way, for every driver of a group.
    ///
    /// # Errors
    /// [`KeyError`]. Changes of one group in their order do not fail, but in a forked process.
    #[cfg(feature = "group")]
    pub fn apply(&mut self, change: KeyChange) -> Result<(), KeyError> {
        let (seal, open) = change.split();
        if let Some(seal) = seal {
            self.sealer.apply(seal)?;
        }
        open.map_or(Ok(()), |open| self.opener.apply(open))
    }

    /// Goes on as member `me`, sealing with `base_key` of generation 0, which must never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn restart(&mut self, me: MemberId, base_key: BaseKey) -> Result<(), KeyError> {
        self.sealer.restart(me, base_key)?;
        self.opener.set_own(me);
        Ok(())
    }

    /// As [`Sender::ratchet`].
    ///
    /// # Errors
    /// [`KeyError::Forked`].
    pub fn ratchet(&mut self) -> Result<Kid, KeyError> {
        self.sealer.ratchet()
    }

    /// As [`Sender::rekey_to`].
    ///
    /// # Errors
    /// [`KeyError::NotNewer`], [`KeyError::KidOutOfRange`], [`KeyError::OtherSuite`], [`KeyError::Forked`].
    pub fn rekey_to(&mut self, generation: u64, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.sealer.rekey_to(generation, base_key)
    }

    /// As [`Opener::install`].
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn install(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        self.opener.install(kid, base_key)
    }

    /// As [`Opener::forget`].
    pub fn forget(&mut self, member: MemberId) {
        self.opener.forget(member)
    }

    /// As [`Opener::forget_generation`].
    pub fn forget_generation(&mut self, member: MemberId, generation: u64) {
        self.opener.forget_generation(member, generation)
    }

    /// As [`Opener::forget_before`].
    pub fn forget_before(&mut self, kid: SenderKeyKid) {
        self.opener.forget_before(kid)
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.sealer.kid()
    }

    /// As [`Sender::usage`].
    #[must_use]
    pub const fn usage(&self) -> KeyUsage {
        self.sealer.usage()
    }

    /// Whether our key nears its limit; said once for each key.
    pub fn is_nearly_exhausted(&mut self) -> bool {
        self.sealer.is_nearly_exhausted()
    }

    /// A key that has opened a frame for the first time and is its sender's newest: older ones may go soon.
    pub fn poll_newer(&mut self) -> Option<SenderKeyKid> {
        self.opener.poll_newer()
    }

    /// Whether the key of the member's last frame that had none is still to come, as all are of
    /// whom there has been none.
    #[cfg(feature = "group")]
    pub(crate) fn misses_key(&self, member: MemberId) -> bool {
        self.opener.misses_key(member)
    }

    /// What became of a member's frames.
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
        self.sealer.seal_in_place(frame, metadata)
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
        self.sealer.seal_to_vec(frame, metadata)
    }

    /// As [`Sender::begin_external_seal`].
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

    /// `sframe_key` of our present KID or of one that is held, as [`Sender::expose_key`] and
    /// [`Receiver::expose_key`](sealframe_media::Receiver::expose_key).
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        if kid == self.sealer.kid() { self.sealer.expose_key() } else { self.opener.expose_key(kid) }
    }

    /// As [`Receiver::erasures`](sealframe_media::Receiver::erasures), our own keys included.
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.opener.erasures().wrapping_add(self.sealer.replaced())
    }

    /// As [`Opener::begin_external_open`], for a frame that the server says is from member `from`.
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

    /// As [`Opener::finish_external_open`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "external-aead")]
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        self.opener.finish_external_open(kid, ctr)
    }

    /// As [`Opener::open_in_place`], for a frame that the server says is from member `from`.
    ///
    /// # Errors
    /// [`FrameError`].
    #[inline(always)] // as Receiver::open_in_place
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
