//! The messages by which members of a [`SharedSecretCall`](crate::SharedSecretCall) announce their
//! base keys.
//!
//! ```text
//! version u8 = 1 ‖ suite u16 ‖ kid u64 ‖ salt[32] ‖ base_key[Nh] encrypted ‖ tag[16]  (big-endian)
//! ```
//!
//! The base key is encrypted with AES-256-GCM under a one-time key, derived from the call's secret
//! and the salt; all fields before it are authenticated. The salt is derived from all inputs and
//! fresh randomness, so no nonce repeats even if the randomness does.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::{Backend, BaseKey, Cipher, CipherSuite, FrameKey};
use sealframe_wire::{Ctr, Kid};
use zeroize::Zeroizing;

use crate::secret::SharedSecret;

const VERSION: u8 = 1;
const SALT_LEN: usize = 32;
const HEAD_LEN: usize = 1 + 2 + 8 + SALT_LEN;
/// The suite that wraps the base key, whatever suite the media use.
const WRAP: CipherSuite = CipherSuite::Aes256GcmSha512_128;
const TAG_LEN: usize = WRAP.nt();

/// Encrypts `base_key` to all that have the secret. `random` must be fresh.
pub(crate) fn wrap(
    Cipher { suite, backend, .. }: Cipher,
    secret: &SharedSecret,
    kid: Kid,
    base_key: &BaseKey,
    random: [u8; SALT_LEN],
) -> Result<Vec<u8>, AnnouncementError> {
    let salt = salt(suite, secret, kid, base_key, &random)?;
    let mut message = Vec::with_capacity(HEAD_LEN + base_key.expose_bytes().len() + TAG_LEN);
    message.push(VERSION);
    message.extend(suite.id().to_be_bytes());
    message.extend(kid.get().to_be_bytes());
    message.extend(salt);
    message.extend(base_key.expose_bytes());
    message.extend([0; TAG_LEN]);
    let (head, rest) = message.split_at_mut(HEAD_LEN);
    let (key, tag) = rest.split_at_mut(rest.len() - TAG_LEN);
    let sealed = wrapping_key(backend, secret, &salt)?.encrypt(Ctr::new(0), head, key, tag);
    sealed.map_err(|_| AnnouncementError::Malformed)?;
    Ok(message)
}

/// A different base key gives a different salt.
fn salt(
    suite: CipherSuite,
    secret: &SharedSecret,
    kid: Kid,
    base_key: &BaseKey,
    random: &[u8],
) -> Result<[u8; SALT_LEN], AnnouncementError> {
    let (suite, kid) = (suite.id().to_be_bytes(), kid.get().to_be_bytes());
    let info: [&[u8]; 5] =
        [b"sealframe shared secret 1 salt", &suite, &kid, random, base_key.expose_bytes()];
    let derived = derive(secret, &info)?;
    let mut salt = [0; SALT_LEN];
    salt.copy_from_slice(&derived.expose_bytes()[..SALT_LEN]);
    Ok(salt)
}

/// Returns the KID and base key of an announcement.
pub(crate) fn unwrap(
    Cipher { suite, backend, .. }: Cipher,
    secret: &SharedSecret,
    message: &[u8],
) -> Result<(Kid, BaseKey), AnnouncementError> {
    let (&[version], rest) = message.split_first_chunk().ok_or(AnnouncementError::Malformed)?;
    if version != VERSION {
        return Err(AnnouncementError::UnknownVersion);
    }
    let (&id, rest) = rest.split_first_chunk().ok_or(AnnouncementError::Malformed)?;
    let (&kid, rest) = rest.split_first_chunk().ok_or(AnnouncementError::Malformed)?;
    let (salt, rest) = rest.split_first_chunk().ok_or(AnnouncementError::Malformed)?;
    let (key, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(AnnouncementError::Malformed)?;
    if u16::from_be_bytes(id) != suite.id() {
        return Err(AnnouncementError::OtherSuite);
    }
    if key.len() != suite.nh() {
        return Err(AnnouncementError::Malformed);
    }
    let mut key = Zeroizing::new(key.to_vec());
    wrapping_key(backend, secret, salt)?
        .decrypt(Ctr::new(0), &message[..HEAD_LEN], &mut key, tag)
        .map_err(|_| AnnouncementError::WrongSecret)?;
    let base_key = BaseKey::from_bytes(suite, &key).map_err(|_| AnnouncementError::WeakKey)?;
    Ok((Kid::new(u64::from_be_bytes(kid)), base_key))
}

fn wrapping_key(
    backend: Backend,
    secret: &SharedSecret,
    salt: &[u8; SALT_LEN],
) -> Result<FrameKey, AnnouncementError> {
    let info: [&[u8]; 2] = [b"sealframe shared secret 1 announcement", salt];
    Ok(FrameKey::derive(backend, Kid::new(0), &derive(secret, &info)?))
}

/// A `SharedSecret` is long enough by its type.
fn derive(secret: &SharedSecret, info: &[&[u8]]) -> Result<BaseKey, AnnouncementError> {
    BaseKey::derive(WRAP, secret.expose_bytes(), info).map_err(|_| AnnouncementError::WeakKey)
}

/// Why an announcement was rejected. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every variant")]
pub enum AnnouncementError {
    /// Too short or too long.
    Malformed,
    /// Made by a later version of this library.
    UnknownVersion,
    /// Its sender uses another cipher suite.
    OtherSuite,
    /// Made with another secret, or changed on the way.
    WrongSecret,
    /// From another member than the server says, or our own.
    WrongSender,
    /// Its key is all zeros.
    WeakKey,
}

impl fmt::Display for AnnouncementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the announcement has the wrong length",
            Self::UnknownVersion => "the announcement has an unknown version",
            Self::OtherSuite => "the announcement is for another cipher suite",
            Self::WrongSecret => "the announcement was made with another secret",
            Self::WrongSender => "the announcement is from another member",
            Self::WeakKey => "the announced key is all zeros",
        })
    }
}

impl core::error::Error for AnnouncementError {}
