//! HPKE (RFC 9180) in base mode, which encrypts a base key to one recipient.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

#[cfg(feature = "x-wing")]
use hpke::kem::XWing;
use hpke::{
    Deserializable, HpkeError, Kem as HpkeKem, OpModeR, OpModeS, Serializable, aead::AesGcm128,
    kdf::HkdfSha256, kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use rand_core::CryptoRng;
use sealframe_crypto::{BaseKey, CipherSuite};
use zeroize::Zeroizing;

use crate::randomness::{self, Watched};

/// The KEM that base keys are encrypted with. A call uses one; a session with another is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Kem {
    /// DHKEM(X25519, HKDF-SHA256), 0x0020.
    #[default]
    X25519 = 1,
    /// X-Wing, 0x647a: X25519 and ML-KEM-768. Recorded calls stay confidential against a later
    /// quantum computer; signatures remain Ed25519.
    XWing = 2,
}

impl Kem {
    /// The KEM's number on the wire.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The KEM with this number; `None` if the number is unknown or this build lacks the KEM.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::X25519),
            2 if cfg!(feature = "x-wing") => Some(Self::XWing),
            _ => None,
        }
    }

    /// Whether this build includes the KEM.
    pub(crate) const fn is_built(self) -> bool {
        Self::from_id(self.id()).is_some()
    }

    /// Length of a public key, bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1216,
        }
    }

    /// Length of an encapsulated key, bytes.
    #[must_use]
    pub const fn enc_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1120,
        }
    }
}

/// Encryption or decryption of a base key failed: the public key, the encapsulated key or the
/// ciphertext is invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KemError;

impl fmt::Display for KemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("encryption or decryption of the base key failed")
    }
}

impl core::error::Error for KemError {}

impl From<HpkeError> for KemError {
    fn from(_: HpkeError) -> Self {
        Self
    }
}

/// The secret half of a session's KEM key. Wiped when dropped.
pub struct KemSecret(Secret);

enum Secret {
    X25519(Box<<X25519HkdfSha256 as HpkeKem>::PrivateKey>),
    #[cfg(feature = "x-wing")]
    XWing(Box<<XWing as HpkeKem>::PrivateKey>),
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret(..)")
    }
}

impl KemSecret {
    /// Draws a key pair. The public half has [`Kem::key_len`] bytes.
    ///
    /// # Errors
    /// [`KemError`] if this build lacks the KEM, or the generator returned only zeros.
    pub fn generate(kem: Kem, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), KemError> {
        let mut ikm = Zeroizing::new([0; 32]);
        if !randomness::fill(rng, &mut *ikm) {
            return Err(KemError);
        }
        Self::derive(kem, &ikm)
    }

    /// `DeriveKeyPair(ikm)`, RFC 9180 §7.1.3 and draft-ietf-hpke-pq for X-Wing.
    ///
    /// # Errors
    /// [`KemError`] if this build lacks the KEM.
    pub fn derive(kem: Kem, ikm: &[u8; 32]) -> Result<(Self, Vec<u8>), KemError> {
        match kem {
            Kem::X25519 => {
                let (secret, public) = X25519HkdfSha256::derive_keypair(ikm);
                Ok((Self(Secret::X25519(Box::new(secret))), public.to_bytes().to_vec()))
            }
            #[cfg(feature = "x-wing")]
            Kem::XWing => {
                let (secret, public) = XWing::derive_keypair(ikm);
                Ok((Self(Secret::XWing(Box::new(secret))), public.to_bytes().to_vec()))
            }
            #[cfg(not(feature = "x-wing"))]
            Kem::XWing => Err(KemError),
        }
    }

    /// Decrypts a base key for this suite that [`wrap`] encrypted.
    ///
    /// # Errors
    /// [`KemError`], also if the plaintext is not a base key for the suite.
    pub fn unwrap(
        &self,
        suite: CipherSuite,
        enc: &[u8],
        ciphertext: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<BaseKey, KemError> {
        let bytes = match &self.0 {
            Secret::X25519(secret) => open::<X25519HkdfSha256>(secret, enc, ciphertext, info, aad),
            #[cfg(feature = "x-wing")]
            Secret::XWing(secret) => open::<XWing>(secret, enc, ciphertext, info, aad),
        };
        BaseKey::from_bytes(suite, &Zeroizing::new(bytes?)).map_err(|_| KemError)
    }
}

/// Encrypts a base key to the holder of a public key. Returns the encapsulated key and the
/// ciphertext.
///
/// # Errors
/// [`KemError`] if `public` is not a key of this KEM or has a publicly known secret, if this build
/// lacks the KEM, or if the generator returned only zeros.
pub fn wrap(
    kem: Kem,
    public: &[u8],
    base_key: &BaseKey,
    info: &[u8],
    aad: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, Vec<u8>), KemError> {
    match kem {
        Kem::X25519 => seal::<X25519HkdfSha256>(public, base_key, info, aad, rng),
        #[cfg(feature = "x-wing")]
        Kem::XWing => seal::<XWing>(public, base_key, info, aad, rng),
        #[cfg(not(feature = "x-wing"))]
        Kem::XWing => Err(KemError),
    }
}

fn seal<K: HpkeKem>(
    public: &[u8],
    base_key: &BaseKey,
    info: &[u8],
    aad: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, Vec<u8>), KemError> {
    let public = K::PublicKey::from_bytes(public)?;
    let mut rng = Watched::new(rng);
    let (enc, ciphertext) = single_shot_seal_with_rng::<AesGcm128, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        info,
        base_key.expose_bytes(),
        aad,
        &mut rng,
    )?;
    if !rng.is_valid() {
        return Err(KemError);
    }
    Ok((enc.to_bytes().to_vec(), ciphertext))
}

fn open<K: HpkeKem>(
    secret: &K::PrivateKey,
    enc: &[u8],
    ciphertext: &[u8],
    info: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, KemError> {
    let enc = K::EncappedKey::from_bytes(enc)?;
    Ok(single_shot_open::<AesGcm128, HkdfSha256, K>(
        &OpModeR::Base,
        secret,
        &enc,
        info,
        ciphertext,
        aad,
    )?)
}
