//! The keys of a LiveKit application.

use core::fmt;

use super::Config;
use crate::jframe::{Kdf, KeyInput, Secret};

/// Key material, and how keys follow from it. Both sides must have the same.
///
/// It cannot be cloned, compared or printed, and is wiped when dropped.
pub struct Key {
    derivation: Derivation,
    input: KeyInput,
}

enum Derivation {
    Pbkdf2,
    Hkdf,
}

impl Key {
    /// A passphrase, by PBKDF2 with 100,000 rounds: livekit-client's reading of a string, and
    /// native clients' default.
    ///
    /// The rounds take 10 to 100 ms, for every key and every ratchet step. They do not make a weak
    /// passphrase strong. `None` for an empty passphrase, which anyone can guess.
    #[must_use]
    pub fn from_passphrase(passphrase: &str) -> Option<Self> {
        Self::pbkdf2(passphrase.as_bytes())
    }

    /// Bytes, by PBKDF2: native clients' default. `None` if there are none.
    #[must_use]
    pub fn pbkdf2(material: &[u8]) -> Option<Self> {
        (!material.is_empty()).then(|| Self {
            derivation: Derivation::Pbkdf2,
            input: KeyInput::Material(Secret::new(material)),
        })
    }

    /// The fewest random bytes that [`hkdf`](Self::hkdf) takes: as many as a key of AES-128 has.
    pub const MIN_HKDF_LEN: usize = 16;

    /// Random bytes, [16](Self::MIN_HKDF_LEN) at least, by HKDF-SHA256: what an `ArrayBuffer` is to
    /// livekit-client, and to Element Call; a key of native clients that chose HKDF. An array that
    /// is shorter does not compile.
    ///
    /// ```compile_fail
    /// use sealframe_profiles::livekit::Key;
    /// let nobody_has_this = Key::hkdf(&[]);
    /// ```
    #[must_use]
    pub fn hkdf<const N: usize>(material: &[u8; N]) -> Self {
        const { assert!(N >= Self::MIN_HKDF_LEN, "16 bytes at least") };
        Self { derivation: Derivation::Hkdf, input: KeyInput::Material(Secret::new(material)) }
    }

    /// Like [`hkdf`](Self::hkdf), for a slice. `None` if it is shorter.
    #[must_use]
    pub fn hkdf_of(material: &[u8]) -> Option<Self> {
        (material.len() >= Self::MIN_HKDF_LEN).then(|| Self {
            derivation: Derivation::Hkdf,
            input: KeyInput::Material(Secret::new(material)),
        })
    }

    /// The 256 bits that HKDF has derived from a key elsewhere, so that the key itself need not be
    /// readable: a browser's `CryptoKey` by `deriveBits`. Such a key seals, opens and ratchets like
    /// any other; its own [material](super::Sender::expose_key) is unknown, only that of its next
    /// steps.
    #[must_use]
    pub fn hkdf_derived(derived: &[u8; 32]) -> Self {
        Self { derivation: Derivation::Hkdf, input: KeyInput::Next(Secret::new(derived)) }
    }

    /// As [`hkdf_derived`](Self::hkdf_derived), by PBKDF2.
    #[must_use]
    pub fn pbkdf2_derived(derived: &[u8; 32]) -> Self {
        Self { derivation: Derivation::Pbkdf2, input: KeyInput::Next(Secret::new(derived)) }
    }

    pub(super) fn into_parts(self, config: &Config) -> (Kdf, KeyInput) {
        let (salt, key_len) = (config.ratchet_salt.as_slice().into(), config.key_size.len());
        let kdf = match self.derivation {
            Derivation::Pbkdf2 => Kdf::Pbkdf2 { salt, key_len },
            Derivation::Hkdf => Kdf::Hkdf { salt, key_len },
        };
        (kdf, self.input)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
