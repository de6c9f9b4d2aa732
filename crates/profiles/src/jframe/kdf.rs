//! From key material to an AES key, and to the next material.

#[cfg(feature = "livekit")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use hkdf::Hkdf;
use sealframe_crypto::{AeadKey, Backend, Cipher, CipherSuite};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes: wiped when dropped, never printed.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// In a time that depends on the lengths at most.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The keys that follow from key material.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kdf {
    /// `HKDF-SHA256(material, "JFrameEncryptionKey")` and `"JFrameRatchetKey"`.
    #[cfg(feature = "jitsi")]
    Jitsi,
    /// The material is the AES key: 16 or 32 bytes. No ratchet.
    #[cfg(feature = "jitsi")]
    Raw,
    /// `HKDF-SHA256(material, salt, 128 zero bytes)`.
    #[cfg(feature = "livekit")]
    Hkdf { salt: Box<[u8]>, key_len: usize },
    /// `PBKDF2-HMAC-SHA256(material, salt, 100,000)`.
    #[cfg(feature = "livekit")]
    Pbkdf2 { salt: Box<[u8]>, key_len: usize },
}

/// One step of a ratchet.
pub(crate) struct Step {
    pub(crate) aead: AeadKey,
    pub(crate) material: Secret,
    /// `None` where there is no ratchet.
    pub(crate) next: Option<Secret>,
}

impl Kdf {
    /// Whether a step takes milliseconds.
    pub(crate) const fn is_slow(&self) -> bool {
        match self {
            #[cfg(feature = "livekit")]
            Self::Pbkdf2 { .. } => true,
            #[cfg(feature = "livekit")]
            Self::Hkdf { .. } => false,
            #[cfg(feature = "jitsi")]
            Self::Jitsi | Self::Raw => false,
        }
    }

    /// Works out a step. With PBKDF2 that takes milliseconds, else microseconds.
    pub(crate) fn expand(&self, backend: Backend, material: Secret) -> Step {
        match self {
            #[cfg(feature = "jitsi")]
            Self::Jitsi => {
                let mut key = Zeroizing::new([0; 16]);
                let mut next = Zeroizing::new([0; 32]);
                hkdf(b"JFrameEncryptionKey", material.expose(), &[], &mut *key);
                hkdf(b"JFrameRatchetKey", material.expose(), &[], &mut *next);
                Step { aead: aes_gcm(backend, &*key), material, next: Some(Secret::new(&*next)) }
            }
            #[cfg(feature = "jitsi")]
            Self::Raw => Step { aead: aes_gcm(backend, material.expose()), material, next: None },
            // The AES key is the front of the next material: one derivation gives both.
            #[cfg(feature = "livekit")]
            Self::Hkdf { salt, key_len } => {
                let mut next = Zeroizing::new([0; 32]);
                hkdf(salt, material.expose(), &[0; 128], &mut *next);
                let aead = aes_gcm(backend, &next[..*key_len]);
                Step { aead, material, next: Some(Secret::new(&*next)) }
            }
            #[cfg(feature = "livekit")]
            Self::Pbkdf2 { salt, key_len } => {
                let mut next = Zeroizing::new([0; 32]);
                pbkdf2::pbkdf2_hmac::<Sha256>(material.expose(), salt, 100_000, &mut *next);
                let aead = aes_gcm(backend, &next[..*key_len]);
                Step { aead, material, next: Some(Secret::new(&*next)) }
            }
        }
    }

    /// A step whose next material and AES key are known, but not its own material.
    #[cfg(feature = "livekit")]
    fn step_before(&self, backend: Backend, next: Secret) -> Step {
        let key_len = match self {
            Self::Hkdf { key_len, .. } | Self::Pbkdf2 { key_len, .. } => *key_len,
            #[cfg(feature = "jitsi")]
            Self::Jitsi | Self::Raw => 16,
        };
        let aead = aes_gcm(backend, &next.expose()[..key_len]);
        Step { aead, material: Secret::new(next.expose()), next: Some(next) }
    }
}

/// The input of the first step.
pub(crate) enum KeyInput {
    /// Its material.
    Material(Secret),
    /// The material of the step after it, 32 bytes, in LiveKit's format: what frames are encrypted
    /// with is in there too.
    #[cfg(feature = "livekit")]
    Next(Secret),
}

impl KeyInput {
    /// By which it is known when it comes again.
    pub(crate) const fn secret(&self) -> &Secret {
        match self {
            Self::Material(secret) => secret,
            #[cfg(feature = "livekit")]
            Self::Next(secret) => secret,
        }
    }

    pub(crate) fn expand(self, kdf: &Kdf, backend: Backend) -> Step {
        match self {
            Self::Material(material) => kdf.expand(backend, material),
            #[cfg(feature = "livekit")]
            Self::Next(next) => kdf.step_before(backend, next),
        }
    }
}

/// `HKDF-Expand(HKDF-Extract(salt, ikm), info, okm.len())`, of at most a hash.
fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], okm: &mut [u8]) {
    let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    prk.zeroize();
    let done = hkdf.expand(info, okm);
    debug_assert!(done.is_ok(), "one hash at most");
}

/// By its length, 16 or 32 bytes.
#[expect(clippy::expect_used, reason = "lengths fixed by the KDF, never by input")]
fn aes_gcm(backend: Backend, key: &[u8]) -> AeadKey {
    let suite = if key.len() == 16 {
        CipherSuite::Aes128GcmSha256_128
    } else {
        CipherSuite::Aes256GcmSha512_128
    };
    AeadKey::new(Cipher::new(suite, backend), key).expect("16 or 32 bytes")
}
