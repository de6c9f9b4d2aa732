//! From what MLS exports to a key for each generation (RFC 9420 §8.5 and §9.1).

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a `sender_base_secret`.
pub const BASE_SECRET_LEN: usize = 16;
/// The label that a `sender_base_secret` is exported with.
pub const EXPORTER_LABEL: &str = "Discord Secure Frames v0";

/// Bytes of the hash: of every secret but the first.
const NH: usize = 32;
const LABEL_PREFIX: &[u8] = b"MLS 1.0 ";

/// The context that a sender's secret is exported with: its user id, little-endian.
#[must_use]
pub const fn exporter_context(user_id: u64) -> [u8; 8] {
    user_id.to_le_bytes()
}

/// `sender_base_secret = MLS-Exporter("Discord Secure Frames v0", user id, 16)`: one sender's, for
/// one epoch.
///
/// The MLS group is the application's. A secret is consumed by the sender or receiver that it is
/// for, cannot be cloned or printed, and is wiped when dropped.
///
/// Source: discord/dave-protocol, `protocol.md`, "Sender Key Derivation".
pub struct BaseSecret(Zeroizing<[u8; BASE_SECRET_LEN]>);

impl BaseSecret {
    /// Copies what MLS exported; the caller wipes its own copy.
    #[must_use]
    pub fn from_exported(bytes: &[u8; BASE_SECRET_LEN]) -> Self {
        Self(Zeroizing::new(*bytes))
    }
}

impl fmt::Debug for BaseSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseSecret(..)")
    }
}

/// The hash ratchet of one sender in one epoch, at one generation. It moves forward only; earlier
/// secrets are wiped.
///
/// ```text
/// secret[0] = sender_base_secret
/// key[g]        = ExpandWithLabel(secret[g], "key",    g, 16)
/// secret[g + 1] = ExpandWithLabel(secret[g], "secret", g, 32)
/// ```
///
/// Source: RFC 9420 §9.1 with `DeriveTreeSecret`; the first secret has 16 bytes, where MLS has 32.
pub struct HashRatchet {
    secret: Zeroizing<[u8; NH]>,
    len: usize,
    generation: u32,
}

impl HashRatchet {
    /// At generation 0.
    #[must_use]
    pub fn new(base_secret: BaseSecret) -> Self {
        let mut secret = Zeroizing::new([0; NH]);
        secret[..BASE_SECRET_LEN].copy_from_slice(&*base_secret.0);
        Self { secret, len: BASE_SECRET_LEN, generation: 0 }
    }

    /// Where it is.
    #[must_use]
    #[inline]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The key of this generation, for AES-128-GCM. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self) -> Zeroizing<[u8; 16]> {
        self.expand(b"key")
    }

    /// What MLS derives beside the key; DAVE's frames make no use of it.
    #[must_use]
    pub fn expose_nonce(&self) -> Zeroizing<[u8; 12]> {
        self.expand(b"nonce")
    }

    /// Moves to a generation; `None`, with the ratchet unchanged, if that lies behind. Costs one
    /// HMAC a step.
    #[must_use]
    pub fn advance_to(&mut self, generation: u32) -> Option<()> {
        if generation < self.generation {
            return None;
        }
        while self.generation < generation {
            self.secret = self.expand(b"secret");
            self.len = NH;
            self.generation += 1;
        }
        Some(())
    }

    /// A ratchet at a later generation, while this one stays; `None` if that lies behind.
    pub(crate) fn at(&self, generation: u32) -> Option<Self> {
        let mut ahead =
            Self { secret: self.secret.clone(), len: self.len, generation: self.generation };
        ahead.advance_to(generation)?;
        Some(ahead)
    }

    /// `ExpandWithLabel(secret, label, generation, N)` of RFC 9420 §8: one block of HKDF-Expand, as
    /// `N` is at most 32. Uses HMAC directly, because the HKDF crate rejects a secret of 16 bytes.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn expand<const N: usize>(&self, label: &[u8]) -> Zeroizing<[u8; N]> {
        const { assert!(N <= NH) };
        let secret = &self.secret[..self.len];
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
        // KDFLabel: length, label, context; then HKDF's number of the block.
        mac.update(&[0, byte(N), byte(LABEL_PREFIX.len() + label.len())]);
        mac.update(LABEL_PREFIX);
        mac.update(label);
        mac.update(&[byte(size_of::<u32>())]);
        mac.update(&self.generation.to_be_bytes());
        mac.update(&[1]);
        let made: Zeroizing<[u8; NH]> = Zeroizing::new(mac.finalize().into_bytes().into());
        let mut okm = Zeroizing::new([0; N]);
        okm.copy_from_slice(&made[..N]);
        okm
    }
}

/// A length below 256.
const fn byte(len: usize) -> u8 {
    len.to_le_bytes()[0]
}

impl fmt::Debug for HashRatchet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashRatchet").field("generation", &self.generation).finish_non_exhaustive()
    }
}
