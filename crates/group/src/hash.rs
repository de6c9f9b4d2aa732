//! The protocol's hash and key derivation, each use under its own name (PROTOCOL.md §1).

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

const DOMAIN: &[u8] = b"sealframe group 1 ";

/// `H(name, data)`, with `data` in parts.
pub(crate) fn hash(name: &str, data: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(name);
    hash.update([0]);
    for part in data {
        hash.update(part);
    }
    hash.finalize().into()
}

/// `Expand(key, name, data, N)`, with `data` in parts.
pub(crate) fn expand<const N: usize>(key: &[u8], name: &str, data: &[&[u8]]) -> [u8; N] {
    let (mut prk, hkdf) = Hkdf::<Sha256>::extract(None, key);
    prk.zeroize();
    let mut info = [&[][..]; 16];
    info[..3].copy_from_slice(&[DOMAIN, name.as_bytes(), &[0]]);
    info[3..3 + data.len()].copy_from_slice(data);
    let mut out = [0; N];
    let done = hkdf.expand_multi_info(&info[..3 + data.len()], &mut out);
    debug_assert!(done.is_ok(), "at most 255 hashes");
    out
}

/// The bytes to sign: `"sealframe group 1 " ‖ name ‖ 00 ‖ content`.
pub(crate) fn to_sign(name: &str, content: &[&[u8]]) -> alloc::vec::Vec<u8> {
    [DOMAIN, name.as_bytes(), &[0], &content.concat()].concat()
}
