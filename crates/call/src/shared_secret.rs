//! A call whose members share one secret.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::{BaseKey, Cipher, WeakKey};
#[cfg(feature = "external-aead")]
use sealframe_media::ExternalAead;
use sealframe_media::{FrameBuf, KeyError, Metadata, OpenError, Opened, SealError};
#[cfg(feature = "external-aead")]
use sealframe_wire::Ctr;
use sealframe_wire::{Kid, MemberId};

use crate::{
    Frames,
    announcement::{self, AnnouncementError},
    layout::LAYOUT,
    opener::FrameError,
    secret::SharedSecret,
};

/// One member's side of a call whose members share one secret.
///
/// Each member has an id, assigned by the server, and a base key of its own, which it derives from
/// the secret and fresh randomness and sends to the others in announcements that the server relays.
///
/// The server learns nothing. Anyone with the secret can read everything whose announcements they
/// obtain, and can pose as any member: the secret proves membership, not identity. A newcomer
/// receives the current ratchet step only and opens nothing older, unless the server also delivers
/// announcements that were made for others before the newcomer joined.
pub struct SharedSecretCall {
    cipher: Cipher,
    secret: SharedSecret,
    frames: Frames,
    /// Members that have left: if their keys were installed again, their frames could be replayed.
    /// Ascending.
    departed: Vec<MemberId>,
}

impl SharedSecretCall {
    /// Enters a call as member `me`. `entropy` is 32 fresh random bytes: they give a member that
    /// returns with the same id, for example after a reload, another key, so it repeats no nonce.
    ///
    /// # Errors
    /// [`SharedSecretError::Secret`] if the secret is shorter than
    /// [`CipherSuite::min_base_key_len`];
    /// [`SharedSecretError::NoRandomness`] if `entropy` is all zeros.
    pub fn new(
        cipher: Cipher,
        secret: &SharedSecret,
        me: MemberId,
        entropy: [u8; 32],
    ) -> Result<Self, SharedSecretError> {
        let suite = cipher.suite;
        WeakKey::check(suite.min_base_key_len(), secret.expose_bytes())
            .map_err(SharedSecretError::Secret)?;
        WeakKey::check(entropy.len(), &entropy).map_err(|_| SharedSecretError::NoRandomness)?;
        let secret = secret.copy();
        let info: [&[u8]; 3] = [b"sealframe shared secret 1 sender", &me.get().to_be_bytes(), &entropy];
        let base_key =
            BaseKey::derive(suite, secret.expose_bytes(), &info).map_err(SharedSecretError::Secret)?;
        Ok(Self { cipher, secret, frames: Frames::new(cipher, me, base_key)?, departed: Vec::new() })
    }

    /// Our current key, for others to open later frames. `salt` is 32 fresh random bytes, so that
    /// announcements of one key look unrelated.
    #[must_use]
    pub fn announcement(&self, salt: [u8; 32]) -> Vec<u8> {
        let kid = self.frames.kid();
        let base_key = self.frames.sender().export_base_key();
        base_key.map_or_else(Vec::new, |base_key| {
            // This cannot fail; if it did, the result would be empty, which everybody rejects.
            announcement::wrap(self.cipher, &self.secret, kid, &base_key, salt).unwrap_or_default()
        })
    }

    /// Installs the key that member `from` announces.
    ///
    /// # Errors
    /// [`SharedSecretError::Announcement`]; [`SharedSecretError::Key`] if a key of this member is
    /// held already;
    /// [`SharedSecretError::Departed`] after [`remove_member`](Self::remove_member).
    pub fn add_member(&mut self, from: MemberId, announcement: &[u8]) -> Result<(), SharedSecretError> {
        let (kid, base_key) = announcement::unwrap(self.cipher, &self.secret, announcement)?;
        let kid = LAYOUT.split(kid);
        // Our own id is rejected too: a server must not reflect our frames to us.
        if from == self.frames.me() || kid.sender != u64::from(from) {
            return Err(AnnouncementError::WrongSender.into());
        }
        if self.departed.binary_search(&from).is_ok() {
            return Err(SharedSecretError::Departed);
        }
        Ok(self.frames.install(kid, base_key)?)
    }

    /// Wipes the keys of a member that has left, permanently: a returning member needs a new id.
    ///
    /// Otherwise a server could claim that a member left and joined again, and replay its frames.
    pub fn remove_member(&mut self, member: MemberId) {
        if let Err(at) = self.departed.binary_search(&member) {
            self.departed.insert(at, member);
        }
        self.frames.forget(member);
    }

    /// Ratchets our key by one step, before a newcomer receives it. The others follow by the KID.
    ///
    /// A step without sealed frames stays: it hides nothing from a newcomer, and a silent member
    /// would otherwise run ahead of its receivers while many join.
    ///
    /// # Errors
    /// [`SharedSecretError::Key`] with [`KeyError::Forked`].
    pub fn ratchet(&mut self) -> Result<Kid, SharedSecretError> {
        if self.frames.usage().frames == 0 {
            return Ok(self.frames.kid());
        }
        Ok(self.frames.ratchet()?)
    }

    /// Ratchets a key that is near its usage limit, so that a long call never falls silent.
    fn renew(&mut self) {
        if self.frames.is_nearly_exhausted() {
            // This cannot fail with this layout; if it did, the key would still end at its limit.
            let _ = self.frames.ratchet();
        }
    }

    /// The media half, for callers that treat every key source alike. A key that is near its limit
    /// has been renewed. Keys remain under this call's control.
    pub fn frames(&mut self) -> &mut Frames {
        self.renew();
        &mut self.frames
    }

    /// Like [`Frames::seal_in_place`].
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_in_place<'f, 'm>(
        &mut self,
        frame: FrameBuf<'f>,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<&'f mut [u8], SealError> {
        let sealed = self.frames.seal_in_place(frame, metadata);
        self.renew();
        sealed
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
        let sealed = self.frames.seal_to_vec(frame, metadata);
        self.renew();
        sealed
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
        // Before the frame instead of after it: the result borrows the sender.
        self.renew();
        self.frames.begin_external_seal(prefix, payload_len, metadata)
    }

    /// The KID of our next frame.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.frames.kid()
    }

    /// Like [`Frames::expose_key`].
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        self.frames.expose_key(kid)
    }

    /// Like [`Frames::erasures`].
    #[cfg(feature = "external-aead")]
    #[must_use]
    pub const fn erasures(&self) -> u32 {
        self.frames.erasures()
    }

    /// Like [`Frames::begin_external_open`].
    ///
    /// # Errors
    /// [`SharedSecretError::OtherMember`] if the frame is from another member;
    /// [`SharedSecretError::Open`].
    #[cfg(feature = "external-aead")]
    pub fn begin_external_open<'m>(
        &mut self,
        from: MemberId,
        header_bytes: &[u8],
        len: usize,
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<ExternalAead<'_>, SharedSecretError> {
        Ok(self.frames.begin_external_open(from, header_bytes, len, metadata)?)
    }

    /// Like [`Frames::finish_external_open`].
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "external-aead")]
    pub fn finish_external_open(&mut self, kid: Kid, ctr: Ctr) -> Result<(), OpenError> {
        self.frames.finish_external_open(kid, ctr)
    }

    /// Like [`Frames::open_in_place`].
    ///
    /// # Errors
    /// [`SharedSecretError::OtherMember`] if the frame is from another member;
    /// [`SharedSecretError::Open`].
    pub fn open_in_place<'f, 'm>(
        &mut self,
        from: MemberId,
        frame: &'f mut [u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Opened<'f>, SharedSecretError> {
        Ok(self.frames.open_in_place(from, frame, metadata)?)
    }
}

impl fmt::Debug for SharedSecretCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecretCall")
            .field("suite", &self.cipher.suite)
            .field("me", &self.frames.me())
            .finish_non_exhaustive()
    }
}

/// Errors of a call with a shared secret. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every variant")]
pub enum SharedSecretError {
    /// The secret is too short for the suite, or all zeros.
    Secret(WeakKey),
    /// The randomness is all zeros.
    NoRandomness,
    /// An announcement was rejected.
    Announcement(AnnouncementError),
    /// The member has left, and old ids are not reused.
    Departed,
    /// A key was not installed.
    Key(KeyError),
    /// The frame is from another member than the server says.
    OtherMember,
    /// The frame did not open.
    Open(OpenError),
}

impl From<AnnouncementError> for SharedSecretError {
    fn from(error: AnnouncementError) -> Self {
        Self::Announcement(error)
    }
}

impl From<KeyError> for SharedSecretError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<FrameError> for SharedSecretError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::OtherMember => Self::OtherMember,
            FrameError::Open(error) => Self::Open(error),
        }
    }
}

impl fmt::Display for SharedSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(error) => fmt::Display::fmt(error, f),
            Self::NoRandomness => f.write_str("the randomness is all zeros"),
            Self::Announcement(error) => fmt::Display::fmt(error, f),
            Self::Key(error) => fmt::Display::fmt(error, f),
            Self::Departed => f.write_str("the member has left; a returning member needs a new id"),
            Self::OtherMember => f.write_str("the frame is from another member than the server says"),
            Self::Open(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for SharedSecretError {}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use sealframe_crypto::CipherSuite;
    use sealframe_media::{KeyUsage, Sender, Stream, StreamKind};
    use sealframe_wire::SenderKeyKid;

    use super::*;

    #[test]
    fn a_base_key_derives_from_the_secret_the_member_id_and_the_randomness() {
        let suite = CipherSuite::Aes128GcmSha256_128;
        let key = |secret, me: MemberId, entropy| {
            let secret = SharedSecret::from_bytes(&[secret; 16]).unwrap();
            let call =
                SharedSecretCall::new(Cipher::recommended(suite), &secret, me, [entropy; 32]).unwrap();
            call.frames.sender().export_base_key().unwrap().expose_bytes().to_vec()
        };
        let info: [&[u8]; 3] = [b"sealframe shared secret 1 sender", &[1, 2], &[9; 32]];
        let expected = BaseKey::derive(suite, &[7; 16], &info).unwrap();
        assert_eq!(key(7, MemberId::new(0x0102), 9), expected.expose_bytes());
        for other in [
            key(8, MemberId::new(0x0102), 9),
            key(7, MemberId::new(0x0202), 9),
            key(7, MemberId::new(0x0103), 9),
            key(7, MemberId::new(0x0102), 8),
        ] {
            assert_ne!(other, expected.expose_bytes());
        }
    }

    #[test]
    fn a_key_near_its_limit_is_ratcheted_by_itself() {
        let suite = CipherSuite::Aes128GcmSha256_128;
        let camera = Stream::new(StreamKind::Camera, 0);
        let secret = SharedSecret::from_bytes(&[1; 16]).unwrap();
        let mut alice =
            SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(1), [1; 32])
                .unwrap();
        let mut bob =
            SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(2), [2; 32])
                .unwrap();
        bob.add_member(MemberId::new(1), &alice.announcement([3; 32])).unwrap();
        let kid = SenderKeyKid { sender: 1, ..SenderKeyKid::default() };
        let usage = KeyUsage { frames: 3 << 30, ..KeyUsage::default() };
        let base_key = alice.frames.sender().export_base_key().unwrap();
        *alice.frames.sender_mut() =
            Sender::resume(Cipher::recommended(suite), LAYOUT, kid, base_key, usage).unwrap();
        for step in [0, 1, 1] {
            let mut frame = alice.seal_to_vec(b"a frame", camera).unwrap();
            let opened = bob.open_in_place(MemberId::new(1), &mut frame, camera).unwrap();
            assert_eq!((LAYOUT.split(opened.kid).step, &*opened.frame), (step, &b"a frame"[..]));
        }
    }

    #[test]
    fn a_key_near_its_limit_is_ratcheted_by_every_sealing_method() {
        let camera = Stream::new(StreamKind::Camera, 0);
        let near = || {
            let suite = CipherSuite::Aes128GcmSha256_128;
            let secret = SharedSecret::from_bytes(&[1; 16]).unwrap();
            let mut alice =
                SharedSecretCall::new(Cipher::recommended(suite), &secret, MemberId::new(1), [1; 32])
                    .unwrap();
            let kid = SenderKeyKid { sender: 1, ..SenderKeyKid::default() };
            let usage = KeyUsage { frames: 3 << 30, ..KeyUsage::default() };
            let base_key = alice.frames.sender().export_base_key().unwrap();
            *alice.frames.sender_mut() =
                Sender::resume(Cipher::recommended(suite), LAYOUT, kid, base_key, usage).unwrap();
            alice.seal_to_vec(b"a frame that warns", camera).unwrap();
            alice
        };
        let mut alice = near();
        let mut buf = [0; FrameBuf::HEADROOM + 1 + FrameBuf::TAILROOM];
        let payload = FrameBuf::HEADROOM..FrameBuf::HEADROOM + 1;
        alice.seal_in_place(FrameBuf::new(&mut buf, payload).unwrap(), camera).unwrap();
        assert_eq!(LAYOUT.split(alice.kid()).step, 1);
        let mut alice = near();
        alice.frames().seal_to_vec(b"x", camera).unwrap();
        assert_eq!(LAYOUT.split(alice.frames().kid()).step, 1);
    }
}
