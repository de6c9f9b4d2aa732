//! Seals our own frames.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::{BaseKey, Cipher};
#[cfg(feature = "external-aead")]
use sealframe_media::ExternalAead;
use sealframe_media::{FrameBuf, KeyError, KeyUsage, Metadata, SealError, Sender, SenderEvent};
use sealframe_wire::{Kid, MemberId, SenderKeyKid};

#[cfg(feature = "group")]
use crate::group::SealChange;
use crate::layout::LAYOUT;

/// Seals our frames, alone in a thread or as a part of [`Frames`](crate::Frames).
pub struct Sealer {
    cipher: Cipher,
    sender: Sender,
    /// Number of times our key was replaced, modulo 2^32.
    replaced: u32,
}

impl Sealer {
    /// Seals as member `me`, with `base_key` as generation 0. The key must never have been used.
    ///
    /// # Errors
    /// [`KeyError::OtherSuite`].
    pub(crate) fn new(cipher: Cipher, me: MemberId, base_key: BaseKey) -> Result<Self, KeyError> {
        let kid = SenderKeyKid { sender: u64::from(me), ..SenderKeyKid::default() };
        Ok(Self { cipher, sender: Sender::new(cipher, LAYOUT, kid, base_key)?, replaced: 0 })
    }

    /// Applies a [`Group`](crate::group::Group)'s change of our keys.
    ///
    /// # Errors
    /// [`KeyError`]. Changes of one group in order do not fail, except in a forked process.
    #[cfg(feature = "group")]
    pub fn apply(&mut self, change: SealChange) -> Result<(), KeyError> {
        match change {
            SealChange::Ratchet => self.ratchet().map(drop),
            SealChange::Rekey { generation, base_key } => self.rekey_to(generation, base_key).map(drop),
            SealChange::Restart { member, base_key } => self.restart(member, base_key),
        }
    }

    /// Continues as member `me`, sealing with `base_key` as generation 0, which must never have
    /// been used.
    pub(crate) fn restart(&mut self, me: MemberId, base_key: BaseKey) -> Result<(), KeyError> {
        let replaced = self.replaced.wrapping_add(1);
        *self = Self { replaced, ..Self::new(self.cipher, me, base_key)? };
        Ok(())
    }

    /// Like [`Sender::ratchet`].
    ///
    /// # Errors
    /// [`KeyError::Forked`].
    pub fn ratchet(&mut self) -> Result<Kid, KeyError> {
        self.replaced = self.replaced.wrapping_add(1);
        self.sender.ratchet()
    }

    /// Like [`Sender::rekey_to`].
    ///
    /// # Errors
    /// [`KeyError::NotNewer`], [`KeyError::KidOutOfRange`], [`KeyError::OtherSuite`],
    /// [`KeyError::Forked`].
    pub fn rekey_to(&mut self, generation: u64, base_key: BaseKey) -> Result<Kid, KeyError> {
        self.replaced = self.replaced.wrapping_add(1);
        self.sender.rekey_to(generation, base_key)
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.sender.kid()
    }

    /// Like [`Sender::usage`].
    #[must_use]
    pub const fn usage(&self) -> KeyUsage {
        self.sender.usage()
    }

    /// Whether our key is near its limit; true once for each key.
    pub fn is_nearly_exhausted(&mut self) -> bool {
        matches!(self.sender.poll_event(), Some(SenderEvent::KeyNearlyExhausted(_)))
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
        self.sender.seal_in_place(frame, metadata)
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
        self.sender.seal_to_vec(frame, metadata)
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
        self.sender.begin_external_seal(prefix, payload_len, metadata)
    }

    pub(crate) const fn sender(&self) -> &Sender {
        &self.sender
    }

    #[cfg(test)]
    pub(crate) const fn sender_mut(&mut self) -> &mut Sender {
        &mut self.sender
    }

    #[cfg(feature = "external-aead")]
    pub(crate) fn expose_key(&self) -> Option<&[u8]> {
        self.sender.expose_key()
    }

    #[cfg(feature = "external-aead")]
    pub(crate) const fn replaced(&self) -> u32 {
        self.replaced
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("kid", &self.kid()).finish_non_exhaustive()
    }
}
