//! JWS in compact serialization (RFC 7515 §7.1) with JWT claims (RFC 7519).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{key_claims::thumbprint, key_set::KeySet};
use crate::{IDENTITY_LENGTH, Refusal};

/// JavaScript's largest exact integer.
const MAX_SECONDS: u64 = (1 << 53) - 1;

/// A token whose signature has not been verified.
pub(super) struct Token<'a> {
    header: Map<String, Value>,
    pub(super) claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(credential: &'a [u8]) -> Result<Self, Refusal> {
        let text = core::str::from_utf8(credential).map_err(|_| Refusal::NotThisKind)?;
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::NotThisKind);
        };
        let signed = &credential[..header.len() + 1 + claims.len()];
        let header = object(header).ok_or(Refusal::NotThisKind)?;
        let claims = Claims(object(claims).ok_or(Refusal::Malformed)?);
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        Ok(Self { header, claims, signed, signature })
    }

    /// Verifies with the key that the header names, and with that key's algorithm.
    pub(super) fn verify(&self, keys: &KeySet) -> Result<(), Refusal> {
        // No critical extension is supported here (RFC 7515 §4.1.11).
        if self.header.contains_key("crit") {
            return Err(Refusal::Malformed);
        }
        // Access tokens and logout tokens of the same issuer have other types (RFC 9068 §2.1).
        if let Some(kind) = text(&self.header, "typ")? {
            let kind = kind.to_ascii_lowercase();
            if kind.strip_prefix("application/").unwrap_or(&kind) != "jwt" {
                return Err(Refusal::WrongPurpose);
            }
        }
        let algorithm = text(&self.header, "alg")?.ok_or(Refusal::Malformed)?;
        let key = keys.find(text(&self.header, "kid")?).ok_or(Refusal::UnknownKey)?;
        if !key.is_for(algorithm) {
            return Err(Refusal::WrongAlgorithm);
        }
        if key.verifies(self.signed, &self.signature) { Ok(()) } else { Err(Refusal::BadSignature) }
    }
}

/// Parses a part in canonical base64url. Of two members with the same name the last counts, as in
/// JavaScript (RFC 7519 §4 allows it).
fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A member that is text, or absent.
fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    object.get(name).map(|value| value.as_str().ok_or(Refusal::Malformed)).transpose()
}

/// A token's claims.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        text(&self.0, name)
    }

    /// A NumericDate (RFC 7519 §2), cut to whole seconds.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let whole = value.as_u64().or_else(|| {
            let seconds =
                value.as_f64().filter(|seconds| (0.0..=MAX_SECONDS as f64).contains(seconds))?;
            // A decimal fraction, in the range checked above.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            Some(seconds as u64)
        });
        whole.filter(|seconds| *seconds <= MAX_SECONDS).map(Some).ok_or(Refusal::Malformed)
    }

    /// At least one.
    pub(super) fn audiences(&self) -> Result<Vec<&str>, Refusal> {
        let audiences: Option<Vec<&str>> = match self.0.get("aud") {
            Some(Value::String(one)) => Some(vec![one]),
            Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => None,
        };
        audiences.filter(|all| !all.is_empty()).ok_or(Refusal::Malformed)
    }

    /// Some providers write the word.
    pub(super) fn email_is_verified(&self) -> bool {
        match self.0.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(word)) => word == "true",
            Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
        }
    }

    /// Whether `cnf` names this key; `None` if it names none by `jwk` or `jkt`.
    pub(super) fn confirms(&self, identity: &[u8; IDENTITY_LENGTH]) -> Result<Option<bool>, Refusal> {
        let Some(confirmation) = self.0.get("cnf") else { return Ok(None) };
        let confirmation = confirmation.as_object().ok_or(Refusal::Malformed)?;
        let mut matches = None;
        if let Some(key) = confirmation.get("jwk") {
            let key = key.as_object().ok_or(Refusal::Malformed)?;
            // This would be a public secret key.
            if key.contains_key("d") {
                return Err(Refusal::Malformed);
            }
            let is_ed25519 = text(key, "kty")? == Some("OKP") && text(key, "crv")? == Some("Ed25519");
            let is_this = text(key, "x")? == Some(&URL_SAFE_NO_PAD.encode(identity));
            matches = Some(is_ed25519 && is_this);
        }
        if let Some(hash) = text(confirmation, "jkt")? {
            matches = Some(hash == thumbprint(identity) && matches.unwrap_or(true));
        }
        Ok(matches)
    }
}
