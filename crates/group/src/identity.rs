//! Identities: an Ed25519 key, and the user id that the application assigns to it.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use sealframe_crypto::WeakKey;
use zeroize::Zeroize;

use sealframe_wire::MemberId;

use crate::{hash::to_sign, randomness};

/// The secret half of an identity, which signs every message of its member. Wiped when dropped.
///
/// If the application stores it, other members recognise the person in the next call; otherwise
/// draw one for each call.
pub struct IdentityKey(Box<SigningKey>);

impl IdentityKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`WeakKey::Zeros`] if the generator returns only zeros.
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, WeakKey> {
        let mut seed = [0; 32];
        randomness::fill(rng, &mut seed);
        let key = Self::from_seed(&seed);
        seed.zeroize();
        key
    }

    /// The key with this seed (RFC 8032 §5.1.5), as returned by [`expose_seed`](Self::expose_seed).
    /// The caller wipes its copy.
    ///
    /// # Errors
    /// [`WeakKey::Zeros`] for a seed of only zeros, which is public.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, WeakKey> {
        WeakKey::check(seed.len(), seed)?;
        Ok(Self(Box::new(SigningKey::from_bytes(seed))))
    }

    /// The seed. Store it where no one else can read it, and wipe every copy.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Identity {
        Identity(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, name: &str, content: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&to_sign(name, content)).to_bytes()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// The public half of an identity: 32 bytes, an Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub [u8; 32]);

impl Identity {
    /// Whether `signature` is this identity's, verified strictly: no small-order key, one encoding.
    pub(crate) fn verifies(&self, name: &str, content: &[&[u8]], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            let signature = Signature::from_bytes(signature);
            key.verify_strict(&to_sign(name, content), &signature).is_ok()
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(")?;
        for byte in &self.0[..8] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}

/// The application's name for a person, for example an account name or a mail address; any bytes,
/// but at least one. An empty name would merge all users whose name was left out into one person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<[u8]>);

impl UserId {
    /// The user with this name.
    ///
    /// # Errors
    /// [`EmptyUserId`].
    pub fn new(name: impl Into<Vec<u8>>) -> Result<Self, EmptyUserId> {
        let name = name.into();
        if name.is_empty() { Err(EmptyUserId) } else { Ok(Self(name.into())) }
    }

    /// The name; never empty.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A user id was empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct EmptyUserId;

impl fmt::Display for EmptyUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("user id is empty")
    }
}

impl core::error::Error for EmptyUserId {}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(&self.0) {
            Ok(text) => write!(f, "UserId({text:?})"),
            Err(_) => write!(f, "UserId({:02x?})", self.0),
        }
    }
}

/// The id of a session, one stay of one identity in one call: the first 16 bytes of its
/// announce_hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// The member's field in KIDs (PROTOCOL.md §1).
    #[must_use]
    pub const fn member_id(self) -> MemberId {
        MemberId::new(u16::from_be_bytes([self.0[0], self.0[1]]))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(")?;
        for byte in &self.0[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}

/// Serialises identities and sessions as hexadecimal digits, and users as text if they are UTF-8.
#[cfg(feature = "serde")]
pub(crate) mod plain {
    use alloc::{format, string::String};

    use serde::{Serialize, Serializer};

    use super::{Identity, MemberId, SessionId, UserId};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    impl Serialize for Identity {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&hex(&self.0))
        }
    }

    /// A member id as its number.
    pub(crate) fn as_number<S: Serializer>(
        member: &MemberId,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(member.get())
    }

    impl Serialize for SessionId {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&hex(&self.0))
        }
    }

    impl Serialize for UserId {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match core::str::from_utf8(&self.0) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.serialize_str(&hex(&self.0)),
            }
        }
    }
}
