//! What a LiveKit application hands over.

use core::fmt;

use super::Options;
use crate::jframe::{Schedule, Secret, Start};

/// Key material, and how keys follow from it. Both sides must have the same.
///
/// It cannot be cloned, compared or printed, and is wiped when dropped.
pub struct Key {
    derivation: Derivation,
    start: Start,
}

enum Derivation {
    Pbkdf2,
    Hkdf,
}

impl Key {
    /// A passphrase, by PBKDF2 with 100,000 rounds: what a string is to livekit-client, and a key to native clients by default.
    ///
    /// The rounds take 10 to 100 ms, for every key and every ratchet step. They do not make a weak passphrase strong.
    #[must_use]
    pub fn from_passphrase(passphrase: &str) -> Self {
        Self::pbkdf2(passphrase.as_bytes())
    }

    /// Bytes, by PBKDF2: a key of native clients by default.
    #[must_use]
    pub fn pbkdf2(material: &[u8]) -> Self {
        Self { derivation: Derivation::Pbkdf2, start: Start::Material(Secret::new(material)) }
    }

    /// Random bytes, 16 at least, by HKDF-SHA256: what an `ArrayBuffer` is to livekit-client, and to Element Call; a key of native
    /// clients that chose HKDF.
    #[must_use]
    pub fn hkdf(material: &[u8]) -> Self {
        Self { derivation: Derivation::Hkdf, start: Start::Material(Secret::new(material)) }
    }

    /// What has been derived of a key somewhere else, by HKDF and for 256 bits, so that nobody reads the key itself: a browser's
    /// `CryptoKey` by `deriveBits`. Such a key seals, opens and ratchets as any other; its own
    /// [material](super::Sender::expose_key) is not known, only that of its next steps.
    #[must_use]
    pub fn hkdf_derived(derived: &[u8; 32]) -> Self {
        Self { derivation: Derivation::Hkdf, start: Start::Next(Secret::new(derived)) }
    }

    /// As [`hkdf_derived`](Self::hkdf_derived), by PBKDF2.
    #[must_use]
    pub fn pbkdf2_derived(derived: &[u8; 32]) -> Self {
        Self { derivation: Derivation::Pbkdf2, start: Start::Next(Secret::new(derived)) }
    }

    pub(super) fn schedule(self, options: &Options) -> (Schedule, Start) {
        let (salt, key_len) = (options.ratchet_salt.as_slice().into(), options.key_size.len());
        let schedule = match self.derivation {
            Derivation::Pbkdf2 => Schedule::Pbkdf2 { salt, key_len },
            Derivation::Hkdf => Schedule::Hkdf { salt, key_len },
        };
        (schedule, self.start)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
