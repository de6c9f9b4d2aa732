//! How a participant of a Jitsi call seals and opens.

use sealframe_crypto::Backend;

use super::MAX_RATCHET_WINDOW;
use crate::ReceiverPolicy;

/// The configuration of a [`Sender`](super::Sender) and a [`Receiver`](super::Receiver).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub(super) backend: Backend,
    pub(super) policy: ReceiverPolicy,
}

impl Config {
    /// AES-GCM by this library; the default [`ReceiverPolicy`].
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self { backend, policy: ReceiverPolicy::default() }
    }

    /// How far a receiver follows a ratchet, and what it rejects. More than [`MAX_RATCHET_WINDOW`]
    /// steps ahead are not followed, whatever the policy says.
    #[must_use]
    pub fn with_policy(mut self, policy: ReceiverPolicy) -> Self {
        self.policy = policy;
        self.policy.ratchet_window = policy.ratchet_window.min(MAX_RATCHET_WINDOW);
        self
    }
}
