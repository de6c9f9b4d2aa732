//! What Jitsi's key exchange hands over.

use core::fmt;

use crate::jframe::{Kdf, KeyInput, Secret};

/// A participant's key, or one that an application manages itself.
///
/// It cannot be cloned, compared or printed, and is wiped when dropped.
pub struct Key {
    pub(super) kdf: Kdf,
    pub(super) input: KeyInput,
}

impl Key {
    /// A participant's media key, of 32 random bytes: AES-128 key and ratchet follow from it by
    /// HKDF-SHA256.
    #[must_use]
    pub fn from_material(material: &[u8; 32]) -> Self {
        Self { kdf: Kdf::Jitsi, input: KeyInput::Material(Secret::new(material)) }
    }

    /// `externallyManagedKey`: the AES key itself, of 16 or 32 bytes; `None` for any other length.
    /// It has no ratchet.
    ///
    /// Everyone seals with the same key, so nonces differ by the SSRC alone: no two participants
    /// may have the same.
    #[must_use]
    pub fn external(key: &[u8]) -> Option<Self> {
        matches!(key.len(), 16 | 32)
            .then(|| Self { kdf: Kdf::Raw, input: KeyInput::Material(Secret::new(key)) })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
