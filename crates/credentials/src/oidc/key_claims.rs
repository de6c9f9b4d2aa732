//! The claims by which an ID token names an identity key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    IDENTITY_LENGTH,
    binding::{LABEL, sha256, statement},
};

/// The `nonce` of an ID token for an identity, in any call: 43 characters,
/// `base64url(SHA-256("sealframe credential 1" ‖ 00 ‖ identity))`.
#[must_use]
pub fn nonce(identity: &[u8; IDENTITY_LENGTH]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&[LABEL, identity].concat()))
}

/// The `nonce` of an ID token for an identity in one call only: 43 characters,
/// `base64url(SHA-256(statement))` ([`statement`]).
#[must_use]
pub fn nonce_of_call(group_id: &[u8], identity: &[u8; IDENTITY_LENGTH]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&statement(group_id, identity)))
}

/// The thumbprint of an identity (RFC 7638, RFC 8037 appendix A.3), as in `cnf.jkt` (RFC 9449
/// §6.1): 43 characters.
#[must_use]
pub fn thumbprint(identity: &[u8; IDENTITY_LENGTH]) -> String {
    let x = URL_SAFE_NO_PAD.encode(identity);
    URL_SAFE_NO_PAD.encode(sha256(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()))
}
