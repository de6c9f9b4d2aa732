//! The configuration that the members of a LiveKit room agree on.

use alloc::vec::Vec;

use sealframe_crypto::Backend;

use crate::ReceiverPolicy;

/// The agreed configuration of a room, `KeyProviderOptions`, and that of a
/// [`Sender`](super::Sender) and a [`Receiver`](super::Receiver).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub(super) backend: Backend,
    pub(super) policy: ReceiverPolicy,
    pub(super) ring_size: u16,
    pub(super) key_size: KeySize,
    pub(super) ratchet_salt: Vec<u8>,
    pub(super) peer: Peer,
}

/// Bits of the AES key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "AES-GCM of the format has these")]
pub enum KeySize {
    /// As by default; all that native clients have.
    #[default]
    Aes128,
    /// livekit-client with `keySize: 256`.
    Aes256,
}

impl KeySize {
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }
}

/// The implementation whose frames a sender makes, where the two differ. A receiver opens both.
///
/// | | [`JavaScript`](Self::JavaScript) | [`Native`](Self::Native) |
/// |---|---|---|
/// | AV1 | no rule | nothing readable |
/// | H.264, H.265, first slice after byte 253 | readable up to it | readable: that modulo 256 (1) |
/// | H.264, H.265 without a slice | 10 or 3 bytes, not escaped | none, escaped |
/// | H.264 declared as H.265, or the reverse | by its bytes | as declared |
/// | codec unknown | by its bytes, else 10 or 3 bytes | nothing readable |
///
/// (1) No native client opens such a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "two implementations are deployed")]
pub enum Peer {
    /// livekit-client's worker, 2.23.
    #[default]
    JavaScript,
    /// libwebrtc's `FrameCryptorTransformer`, in LiveKit's native clients, since m137. (Before, it
    /// had no rule for H.265: nothing stayed readable, nothing was escaped. A receiver opens that
    /// too.)
    Native,
}

impl Config {
    /// AES-GCM by this library; the peers' defaults: 16 keys, AES-128, the salt
    /// `LKFrameEncryptionKey`, frames as livekit-client makes them; the default [`ReceiverPolicy`].
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            policy: ReceiverPolicy::default(),
            ring_size: 16,
            key_size: KeySize::default(),
            ratchet_salt: b"LKFrameEncryptionKey".to_vec(),
            peer: Peer::default(),
        }
    }

    /// How far a receiver follows a ratchet, and what it rejects.
    #[must_use]
    pub const fn with_policy(mut self, policy: ReceiverPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Keys that are held at once: `keyringSize`. `None` unless it is in `1..=256`.
    #[must_use]
    pub fn with_ring_size(mut self, ring_size: u16) -> Option<Self> {
        self.ring_size = ring_size;
        (1..=256).contains(&ring_size).then_some(self)
    }

    /// Bits of the AES key: `keySize`.
    #[must_use]
    pub const fn with_key_size(mut self, key_size: KeySize) -> Self {
        self.key_size = key_size;
        self
    }

    /// `ratchetSalt`.
    #[must_use]
    pub fn with_ratchet_salt(mut self, salt: &[u8]) -> Self {
        self.ratchet_salt = salt.to_vec();
        self
    }

    /// The implementation whose frames a sender makes.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = peer;
        self
    }
}
