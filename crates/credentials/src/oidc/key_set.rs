//! A provider's JSON Web Key Set (RFC 7517 §5).

use core::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};

/// Bytes of an RSA modulus: 2048 to 8192 bits.
const MODULUS: core::ops::RangeInclusive<usize> = 256..=1024;

/// A provider's signing keys, from the document at its `jwks_uri`.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// An unusable key set. Keep the previous one, and tell the provider's administrator.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum KeySetError {
    /// Not a JSON object with a list `keys`.
    NotAKeySet,
    /// It has no key for RS256, ES256 or EdDSA.
    NoUsableKey,
    /// Two of its usable keys have the same `kid`.
    TwoOfOneName {
        /// That `kid`.
        kid: String,
    },
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKeySet => f.write_str("not a JSON Web Key Set"),
            Self::NoUsableKey => f.write_str("no key for RS256, ES256 or EdDSA"),
            Self::TwoOfOneName { kid } => write!(f, "two keys named {kid}"),
        }
    }
}

impl core::error::Error for KeySetError {}

impl KeySet {
    /// Parses a key set in JSON. It ignores everything except signing keys for RS256 (RSA of 2048
    /// to 8192 bits), ES256 (P-256) and EdDSA (Ed25519): other algorithms, encryption keys, shared
    /// secrets.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let set: Map<String, Value> =
            serde_json::from_slice(json).map_err(|_| KeySetError::NotAKeySet)?;
        let all = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotAKeySet)?;
        let mut keys: Vec<Key> = Vec::new();
        for key in all.iter().filter_map(Value::as_object).filter_map(Key::parse) {
            if let Some(kid) = &key.kid
                && keys.iter().any(|other| other.kid.as_ref() == Some(kid))
            {
                return Err(KeySetError::TwoOfOneName { kid: kid.clone() });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(Self { keys }) }
    }

    /// Number of usable keys.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key with this `kid`; without a `kid` the only key, if there is just one (OpenID Connect
    /// Core 1.0 §10.1).
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, &*self.keys) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// A public key and the one algorithm that it is for, which follows from its kind.
#[derive(Clone, Debug)]
pub(super) struct Key {
    kid: Option<String>,
    public: Public,
}

#[derive(Clone, Debug)]
enum Public {
    /// RS256: RSASSA-PKCS1-v1_5 with SHA-256. Big-endian, without leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// ES256: ECDSA on P-256 with SHA-256. `04 ‖ x ‖ y`.
    P256([u8; 65]),
    /// EdDSA, in RFC 9864 Ed25519.
    Ed25519([u8; 32]),
}

impl Key {
    /// `None` for keys that are not usable here.
    fn parse(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).map(Value::as_str);
        // If one of these members is present, it must be text.
        let kid = match text("kid") {
            Some(kid) => Some(kid?.to_owned()),
            None => None,
        };
        if text("use").is_some_and(|of| of != Some("sig")) {
            return None;
        }
        if let Some(operations) = key.get("key_ops") {
            let operations = operations.as_array()?;
            if !operations.iter().any(|operation| operation == "verify") {
                return None;
            }
        }
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)??).ok();
        let public = match (text("kty")??, text("crv").flatten()) {
            ("RSA", _) => {
                let [modulus, exponent] = [bytes("n")?, bytes("e")?];
                let leads = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
                if !leads(&modulus) || !leads(&exponent) || !MODULUS.contains(&modulus.len()) {
                    return None;
                }
                Public::Rsa { modulus, exponent }
            }
            ("EC", Some("P-256")) => {
                let [x, y]: [[u8; 32]; 2] =
                    [bytes("x")?.try_into().ok()?, bytes("y")?.try_into().ok()?];
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&x);
                point[33..].copy_from_slice(&y);
                Public::P256(point)
            }
            ("OKP", Some("Ed25519")) => Public::Ed25519(bytes("x")?.try_into().ok()?),
            _ => return None,
        };
        let key = Self { kid, public };
        match text("alg") {
            Some(algorithm) if !key.is_for(algorithm?) => None,
            Some(_) | None => Some(key),
        }
    }

    pub(super) fn is_for(&self, algorithm: &str) -> bool {
        match self.public {
            Public::Rsa { .. } => algorithm == "RS256",
            Public::P256(_) => algorithm == "ES256",
            Public::Ed25519(_) => matches!(algorithm, "EdDSA" | "Ed25519"),
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            Public::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Public::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Public::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        }
        .is_ok()
    }
}
