//! Frames whose AEAD runs elsewhere: in a browser large frames are faster through its own AES-GCM, which has the
//! processor's AES, than through WebAssembly, which has not.
//!
//! What stays here is everything that must not go wrong: counters, limits, headers, AAD, nonces, replay windows.
//! The caller encrypts or decrypts exactly what it is told, with the key that [`Sender::expose_key`] or
//! [`Receiver::expose_key`] gives, a tag of `Nt` bytes behind the ciphertext. Sealing spends the CTR at once, so
//! whatever becomes of the work, no nonce comes twice. Opening changes nothing until
//! [`Receiver::opened_elsewhere`], which must follow a tag that was right, and only that.

use sealframe_wire::{Ctr, EncodedHeader, FrameView, Header, Kid};

use crate::{Metadata, OpenError, Receiver, SealError, Sender};

/// What one frame is sealed or opened with.
#[non_exhaustive]
pub struct Elsewhere<'a> {
    /// Which key.
    pub kid: Kid,
    /// Which frame under it.
    pub ctr: Ctr,
    /// The SFrame header: what lies between prefix and ciphertext.
    pub header: EncodedHeader,
    /// `sframe_salt XOR CTR`.
    pub nonce: [u8; 12],
    /// `header ‖ metadata`.
    pub aad: &'a [u8],
}

impl Sender {
    /// Spends the next CTR on a frame that begins with `prefix`, as long as the metadata say, and has a payload of
    /// `payload_len` bytes behind it.
    ///
    /// # Errors
    /// [`SealError::KeyExhausted`], [`SealError::Forked`]; [`SealError::PrefixTooLong`] if `prefix` has another length. Nothing is spent.
    pub fn seal_elsewhere<'m>(
        &mut self,
        prefix: &[u8],
        payload_len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Elsewhere<'_>, SealError> {
        let metadata = metadata.into();
        if prefix.len() != metadata.prefix_len() {
            return Err(SealError::PrefixTooLong);
        }
        let header = self.spend(prefix.len() + payload_len, &metadata)?;
        let (kid, ctr) = (header.header().kid(), header.header().ctr());
        let nonce = self.key().expose_nonce(ctr);
        let aad = self.aad.of_encoded(&header, &metadata, prefix);
        Ok(Elsewhere { kid, ctr, header, nonce, aad })
    }

    /// `sframe_key` of the present KID. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self) -> Option<&[u8]> {
        self.key().expose_key()
    }
}

impl Receiver {
    /// How to open a frame of `len` bytes that begins with `front`: at least its prefix and its header, or all of it.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::UnknownKey`] also if the key would have to be derived first: the first frame after
    /// a ratchet step is opened [here](Self::open_in_place).
    pub fn open_elsewhere<'m>(
        &mut self,
        front: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Elsewhere<'_>, OpenError> {
        self.open_elsewhere_if(front, len, metadata.into(), |_| true)
    }

    /// As [`open_elsewhere`](Self::open_elsewhere), for a frame that a server says is of this sender number, or
    /// under MLS of this leaf index.
    ///
    /// # Errors
    /// As [`open_elsewhere`](Self::open_elsewhere); [`OpenError::OtherSender`] if the KID says otherwise.
    pub fn open_elsewhere_from<'m>(
        &mut self,
        from: u64,
        front: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Elsewhere<'_>, OpenError> {
        self.open_elsewhere_if(front, len, metadata.into(), |number| number == from)
    }

    fn open_elsewhere_if(
        &mut self,
        front: &[u8],
        len: usize,
        metadata: Metadata<'_>,
        accepts: impl FnOnce(u64) -> bool,
    ) -> Result<Elsewhere<'_>, OpenError> {
        let (prefix, sealed) =
            front.split_at_checked(metadata.prefix_len()).ok_or(OpenError::TooShort)?;
        let header = FrameView::parse(sealed)?.header;
        let (kid, ctr) = (header.kid(), header.ctr());
        if !accepts(self.number_of(kid)) {
            return Err(OpenError::OtherSender(kid));
        }
        let before = prefix.len() + header.len() + self.cipher.suite.nt();
        if len < before {
            return Err(OpenError::TooShort);
        }
        let place = self.keys.place_of(kid);
        let held = place.and_then(|place| self.keys.held_at(place, kid));
        let held = held.ok_or(OpenError::UnknownKey(kid))?;
        held.replay.check(ctr)?;
        let nonce = held.key.expose_nonce(ctr);
        let aad = self.aad.of_received(sealed, header.len(), &metadata, prefix);
        Ok(Elsewhere { kid, ctr, header: header.encode(), nonce, aad })
    }

    /// Its tag was right: marks the frame as opened. On an error it must not be used: another one with this CTR has
    /// been opened meanwhile, or the key is gone.
    ///
    /// # Errors
    /// [`OpenError::Replayed`], [`OpenError::TooOld`], [`OpenError::UnknownKey`].
    pub fn opened_elsewhere(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        let place = self.keys.place_of(kid);
        let held = place.and_then(|place| self.keys.held_at_mut(place, kid));
        let held = held.ok_or(OpenError::UnknownKey(kid))?;
        held.replay.check(ctr)?;
        held.replay.mark(ctr);
        Ok(())
    }

    /// `sframe_key` of a KID whose key is held. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        let held = self.keys.held_at(self.keys.place_of(kid)?, kid)?;
        held.key.expose_key()
    }

    /// How often the key of a KID was erased or replaced so far, modulo 2^32. Who keeps copies of
    /// exposed keys drops them all when this number has changed: after 256 ratchet steps a KID has
    /// come round, with another key.
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.keys.erasures()
    }
}

/// The most bytes of a frame's front that [`Receiver::open_elsewhere`] looks at, behind its prefix.
pub const FRONT_LEN: usize = Header::MAX_LEN;
