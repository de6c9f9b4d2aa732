//! What a key management hands to the media path.

use alloc::{boxed::Box, vec};
use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{CipherSuite, hkdf::Prk};

/// `base_key`: one secret, for one sender, for one direction.
///
/// With sender keys, giving it to a sender or a receiver consumes it, so the same value cannot serve both; an MLS
/// epoch's serves every member. It cannot be cloned, compared or printed, and is wiped when dropped.
///
/// Source: RFC 9605 §4.4.1.
pub struct BaseKey(Box<[u8]>);

impl BaseKey {
    /// Copies `bytes`; the caller wipes its own copy. Any length, but less than 16 bytes is less
    /// secret than any suite; a random key is best made `Nh` bytes long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// A base key of `Nh` bytes from a secret that several parties share:
    /// `HKDF-Expand(HKDF-Extract("", secret), info, Nh)`, the info given in parts.
    ///
    /// No two senders may use the same `secret` and `info`.
    #[must_use]
    pub fn derive(suite: CipherSuite, secret: &[u8], info: &[&[u8]]) -> Self {
        let mut key = Self(vec![0; suite.nh()].into());
        Prk::extract(suite.hash(), secret).expand(info, &mut key.0);
        key
    }

    /// The next step of the ratchet: `HKDF-Expand(HKDF-Extract("", base_key), "SFrame 1.0 Ratchet", Nh)`.
    ///
    /// Takes `&self`, so that a receiver can try a step that a forged KID names and forget it again.
    /// `Nh` bytes, not `Nk` as some implementations have it.
    ///
    /// Source: RFC 9605 §5.1.
    #[must_use]
    pub fn ratchet(&self, suite: CipherSuite) -> Self {
        Self::derive(suite, &self.0, &[b"SFrame 1.0 Ratchet"])
    }

    /// The secret itself, for a key management that must send it to somebody. Wipe every copy.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `sframe_secret = HKDF-Extract("", base_key)`
    pub(crate) fn extract(&self, suite: CipherSuite) -> Prk {
        Prk::extract(suite.hash(), &self.0)
    }
}

impl Drop for BaseKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for BaseKey {}

impl fmt::Debug for BaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseKey(..)")
    }
}
