//! Frames whose AES-GCM the caller runs in another implementation, such as a browser's WebCrypto:
//! it has the processor's AES instructions, which WebAssembly lacks, and is faster for large
//! frames.
//!
//! Counters, limits, headers, AAD, nonces and replay windows stay here. The caller encrypts or
//! decrypts the payload with the nonce and the AAD of an [`ExternalAead`] and the key that
//! [`Sender::expose_key`] or [`Receiver::expose_key`] returns, and appends the tag of `Nt` bytes to
//! the ciphertext. [`Sender::begin_external_seal`] spends the CTR, so no nonce repeats even if the
//! encryption fails. [`Receiver::begin_external_open`] changes nothing; the caller calls
//! [`Receiver::finish_external_open`] after checking the tag, and only if it was right.

use sealframe_wire::{Ctr, EncodedHeader, FrameView, Kid};

use crate::{Metadata, OpenError, Receiver, SealError, Sender};

/// The AEAD's inputs for one frame.
#[non_exhaustive]
pub struct ExternalAead<'a> {
    /// Names the key.
    pub kid: Kid,
    /// Counts the frame under that key.
    pub ctr: Ctr,
    /// The SFrame header, which lies between the prefix and the ciphertext.
    pub header: EncodedHeader,
    /// `sframe_salt XOR CTR`.
    pub nonce: [u8; 12],
    /// `header ‖ metadata`.
    pub aad: &'a [u8],
}

impl Sender {
    /// Spends the next CTR on a frame of `prefix` and a payload of `payload_len` bytes, which the
    /// caller encrypts.
    ///
    /// # Errors
    /// [`SealError::KeyExhausted`], [`SealError::Forked`]; [`SealError::PrefixTooLong`] if the
    /// length of `prefix` differs from the metadata's. The CTR is not spent.
    pub fn begin_external_seal<'m>(
        &mut self,
        prefix: &[u8],
        payload_len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, SealError> {
        let metadata = metadata.into();
        if prefix.len() != metadata.prefix_len() {
            return Err(SealError::PrefixTooLong);
        }
        let header = self.spend(prefix.len() + payload_len, &metadata)?;
        let (kid, ctr) = (header.header().kid(), header.header().ctr());
        let nonce = self.key().expose_nonce(ctr);
        let aad = self.aad.for_sealing(&header, &metadata, prefix);
        Ok(ExternalAead { kid, ctr, header, nonce, aad })
    }

    /// `sframe_key` of the present KID. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self) -> Option<&[u8]> {
        self.key().expose_key()
    }
}

impl Receiver {
    /// The AEAD's inputs to open a frame of `len` bytes. `header_bytes` are the frame's first
    /// bytes: at least its prefix and [`Header::MAX_LEN`](sealframe_wire::Header::MAX_LEN) more, or
    /// the whole frame. Changes nothing.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::UnknownKey`] also if the key is not derived yet: open the first
    /// frame after a ratchet step with [`open_in_place`](Self::open_in_place).
    pub fn begin_external_open<'m>(
        &mut self,
        header_bytes: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, OpenError> {
        self.begin_external_open_if(header_bytes, len, metadata.into(), |_| true)
    }

    /// Like [`begin_external_open`](Self::begin_external_open), for a frame that a server
    /// attributes to this sender number, or under MLS to this leaf index.
    ///
    /// # Errors
    /// As for [`begin_external_open`](Self::begin_external_open); [`OpenError::OtherSender`] if the
    /// KID names another one.
    pub fn begin_external_open_from<'m>(
        &mut self,
        from: u64,
        header_bytes: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, OpenError> {
        self.begin_external_open_if(header_bytes, len, metadata.into(), |number| number == from)
    }

    fn begin_external_open_if(
        &mut self,
        header_bytes: &[u8],
        len: usize,
        metadata: Metadata<'_>,
        accepts: impl FnOnce(u64) -> bool,
    ) -> Result<ExternalAead<'_>, OpenError> {
        let (prefix, sealed) =
            header_bytes.split_at_checked(metadata.prefix_len()).ok_or(OpenError::TooShort)?;
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
        let aad = self.aad.for_opening(sealed, header.len(), &metadata, prefix);
        Ok(ExternalAead { kid, ctr, header: header.encode(), nonce, aad })
    }

    /// Marks a frame as opened after the caller found its tag right. On an error the caller must
    /// discard the plaintext: a frame with this CTR has been opened since, or the key has been
    /// wiped.
    ///
    /// # Errors
    /// [`OpenError::Replayed`], [`OpenError::TooOld`], [`OpenError::UnknownKey`].
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
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

    /// Counts, modulo 2^32, how often the key of any KID was erased or replaced. A caller that
    /// keeps copies of exposed keys drops all of them when this number changes: after 256 ratchet
    /// steps the same KID names another key.
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.keys.erasures()
    }
}
