//! The key that a key management passes to the media path.

use alloc::{boxed::Box, vec};
use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{CipherSuite, hkdf::Prk, wiped_stack::on_wiped_stack};

/// `base_key`: one secret of one suite, for one sender, for one direction.
///
/// With sender keys, passing it to a sender or a receiver consumes it, so one value cannot serve
/// both; an MLS epoch's base key serves every member. It cannot be cloned, compared or printed, and
/// is wiped when dropped. It is never shorter than its suite requires, and never all zeros.
///
/// Source: RFC 9605 §4.4.1.
pub struct BaseKey {
    suite: CipherSuite,
    bytes: Box<[u8]>,
}

impl BaseKey {
    /// The fewest bytes with any suite.
    pub const MIN_LEN: usize = 16;

    /// Copies `bytes`; the caller wipes its own copy. At least
    /// [`CipherSuite::min_base_key_len`] bytes; a random key is best made `Nh` bytes long.
    ///
    /// # Errors
    /// [`WeakKey`].
    pub fn from_bytes(suite: CipherSuite, bytes: &[u8]) -> Result<Self, WeakKey> {
        Self::of_at_least(suite.min_base_key_len(), suite, bytes)
    }

    /// As [`from_bytes`](Self::from_bytes), with 16 bytes or more in the suites of AES-256 too,
    /// which are then no stronger than those of AES-128.
    ///
    /// For the vectors of RFC 9605 appendix C.3, which have 16 bytes with every suite, and for
    /// peers that do as they do.
    ///
    /// # Errors
    /// [`WeakKey`].
    pub fn from_bytes_allowing_128_bits(suite: CipherSuite, bytes: &[u8]) -> Result<Self, WeakKey> {
        Self::of_at_least(Self::MIN_LEN, suite, bytes)
    }

    fn of_at_least(need: usize, suite: CipherSuite, bytes: &[u8]) -> Result<Self, WeakKey> {
        WeakKey::check(need, bytes)?;
        Ok(Self { suite, bytes: bytes.into() })
    }

    /// A base key of `Nh` bytes from a secret of at least 16 bytes that several parties share:
    /// `HKDF-Expand(HKDF-Extract("", secret), info, Nh)`, the info given in parts.
    ///
    /// No two senders may use the same `secret` and `info`.
    ///
    /// # Errors
    /// [`WeakKey`].
    pub fn derive(suite: CipherSuite, secret: &[u8], info: &[&[u8]]) -> Result<Self, WeakKey> {
        WeakKey::check(Self::MIN_LEN, secret)?;
        Ok(Self::expand(suite, secret, info))
    }

    fn expand(suite: CipherSuite, secret: &[u8], info: &[&[u8]]) -> Self {
        let mut bytes: Box<[u8]> = vec![0; suite.nh()].into();
        on_wiped_stack(|| Prk::extract(suite.hash(), secret).expand(info, &mut bytes));
        Self { suite, bytes }
    }

    /// The next step of the ratchet: `HKDF-Expand(HKDF-Extract("", base_key), "SFrame 1.0 Ratchet",
    /// Nh)`.
    ///
    /// Takes `&self`, so that a receiver can try a step that a forged KID names and drop it again.
    /// The result has `Nh` bytes, not `Nk` as in some implementations.
    ///
    /// Source: RFC 9605 §5.1.
    #[must_use]
    pub fn ratchet(&self) -> Self {
        Self::expand(self.suite, &self.bytes, &[b"SFrame 1.0 Ratchet"])
    }

    /// Another copy, for a sender that also distributes the key. Never make two senders of it.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { suite: self.suite, bytes: self.bytes.clone() }
    }

    /// The suite that it is for, and for no other.
    #[must_use]
    pub const fn suite(&self) -> CipherSuite {
        self.suite
    }

    /// The secret itself, for a key management that has to send it. Wipe every copy.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `sframe_secret = HKDF-Extract("", base_key)`
    pub(crate) fn extract(&self) -> Prk {
        Prk::extract(self.suite.hash(), &self.bytes)
    }
}

impl Drop for BaseKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl ZeroizeOnDrop for BaseKey {}

impl fmt::Debug for BaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseKey(..)")
    }
}

/// Why bytes are taken neither for a key nor for a secret nor for randomness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum WeakKey {
    /// Fewer bytes than the suite's strength.
    TooShort {
        /// The fewest that are taken.
        need: usize,
    },
    /// All zeros: an unfilled buffer, or a random number generator that does not work.
    Zeros,
}

impl WeakKey {
    /// The one check that bytes pass before they become a secret: at least `need` of them, and not
    /// all zeros. The time it takes depends on the length alone.
    ///
    /// # Errors
    /// The reason for which the bytes are rejected.
    pub fn check(need: usize, bytes: &[u8]) -> Result<(), Self> {
        if bytes.len() < need {
            return Err(Self::TooShort { need });
        }
        match bytes.iter().fold(0, |any, byte| any | byte) {
            0 => Err(Self::Zeros),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { need } => write!(f, "a key or secret has at least {need} bytes"),
            Self::Zeros => f.write_str("a key, secret or random number is nothing but zeros"),
        }
    }
}

impl core::error::Error for WeakKey {}
