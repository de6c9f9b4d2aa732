//! What binds an entry of a key update to its sender, its recipient and its call.

use alloc::vec::Vec;

use sealframe_crypto::CipherSuite;
use sha2::{Digest, Sha256};

use super::Head;
use crate::{Identity, SessionId};

/// For whom an entry is.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what the protocol names")]
pub struct Addressee<'a> {
    /// Who it is.
    pub identity: Identity,
    /// In which session.
    pub session: SessionId,
    /// Its KEM public key.
    pub kem_key: &'a [u8],
    /// The freshness nonce of it that is used.
    pub nonce: &'a [u8; 24],
}

/// HPKE's `info` of an entry (PROTOCOL.md §2.2).
#[must_use]
pub fn entry_info(head: &Head, suite: CipherSuite, sender: &Identity, to: &Addressee<'_>) -> Vec<u8> {
    [
        b"sealframe group 1 key\0",
        &[head.kem.id()][..],
        &suite.id().to_be_bytes(),
        &head.group,
        &sender.0,
        &head.session.0,
        &to.identity.0,
        &to.session.0,
        &Sha256::digest(to.kem_key),
        to.nonce,
    ]
    .concat()
}
