//! What a LiveKit application hands over.

use core::fmt;

use super::Options;
use crate::jframe::{Schedule, Secret};

/// Key material, and how keys follow from it. Both sides must have the same.
///
/// It cannot be cloned, compared or printed, and is wiped when dropped.
pub struct Key {
    derivation: Derivation,
    material: Secret,
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
        Self { derivation: Derivation::Pbkdf2, material: Secret::new(material) }
    }

    /// Random bytes, 16 at least, by HKDF-SHA256: what an `ArrayBuffer` is to livekit-client, and to Element Call; a key of native
    /// clients that chose HKDF.
    #[must_use]
    pub fn hkdf(material: &[u8]) -> Self {
        Self { derivation: Derivation::Hkdf, material: Secret::new(material) }
    }

    pub(super) fn schedule(self, options: &Options) -> (Schedule, Secret) {
        let (salt, key_len) = (options.ratchet_salt.as_slice().into(), options.key_size.len());
        let schedule = match self.derivation {
            Derivation::Pbkdf2 => Schedule::Pbkdf2 { salt, key_len },
            Derivation::Hkdf => Schedule::Hkdf { salt, key_len },
        };
        (schedule, self.material)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
