//! The statement of a credential: this identity, in this call.

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use crate::IDENTITY_LENGTH;

/// The prefix of every text that is hashed or signed here: unique to it, and to this version.
pub(crate) const LABEL: &[u8] = b"sealframe credential 1\0";

/// The bytes that a key signs to state that `identity` is its holder's in the call `group_id`; 87
/// bytes:
/// `"sealframe credential 1" ‖ 00 ‖ SHA-256(group id) ‖ identity`.
#[must_use]
pub fn statement(group_id: &[u8], identity: &[u8; IDENTITY_LENGTH]) -> Vec<u8> {
    [LABEL, &sha256(group_id), identity].concat()
}

pub(crate) fn sha256(data: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, data).as_ref());
    hash
}
