//! HKDF (RFC 5869) with the suite's hash, as RFC 9605 §4.4.2 uses it: the salt is always empty.

use hkdf::Hkdf;
use sha2::{Sha256, Sha512};

use crate::suite::Hash;

/// A pseudorandom key, ready to be expanded. It leaves copies on the stack: to be made and used by
/// [`on_wiped_stack`](crate::wiped_stack::on_wiped_stack) alone.
pub(crate) enum Prk {
    Sha256(Hkdf<Sha256>),
    Sha512(Hkdf<Sha512>),
}

impl Prk {
    /// `HKDF-Extract("", ikm)`
    pub(crate) fn extract(hash: Hash, ikm: &[u8]) -> Self {
        match hash {
            Hash::Sha256 => Self::Sha256(Hkdf::new(None, ikm)),
            Hash::Sha512 => Self::Sha512(Hkdf::new(None, ikm)),
        }
    }

    /// `HKDF-Expand(self, info, okm.len())`, the info given in parts.
    ///
    /// The output is at most 96 bytes in this crate, far below HKDF's bound of 255 hashes.
    pub(crate) fn expand(&self, info: &[&[u8]], okm: &mut [u8]) {
        let done = match self {
            Self::Sha256(hkdf) => hkdf.expand_multi_info(info, okm),
            Self::Sha512(hkdf) => hkdf.expand_multi_info(info, okm),
        };
        debug_assert!(done.is_ok(), "HKDF output within 255 hashes");
    }
}
