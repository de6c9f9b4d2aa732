//! A cipher suite on a backend.

use crate::{Backend, CipherSuite, Interleaving, suite::Aead};

/// A suite and the library that runs it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Cipher {
    /// The suite, which both ends must agree on.
    pub suite: CipherSuite,
    /// The library; both ends need not use the same.
    pub backend: Backend,
    interleaving: Interleaving,
}

impl Cipher {
    /// This suite on this backend.
    #[must_use]
    pub const fn new(suite: CipherSuite, backend: Backend) -> Self {
        Self { suite, backend, interleaving: Interleaving::ByProcessor }
    }

    /// This suite on the backend that this build recommends: [`Backend::recommended`].
    #[must_use]
    pub const fn recommended(suite: CipherSuite) -> Self {
        Self::new(suite, Backend::recommended())
    }

    /// Decides when batches interleave short frames. Their bytes are the same either way.
    #[must_use]
    pub const fn with_interleaving(mut self, interleaving: Interleaving) -> Self {
        self.interleaving = interleaving;
        self
    }

    /// Bytes of the longest frame that batches interleave with others by
    /// [`encrypt_interleaved`](crate::encrypt_interleaved) and
    /// [`decrypt_interleaved`](crate::decrypt_interleaved). `None` if they interleave none, in this
    /// suite, on this backend, on this processor.
    #[must_use]
    pub fn longest_interleaved(self) -> Option<usize> {
        match self.suite.aead() {
            Aead::Aes128Gcm | Aead::Aes256Gcm => self.backend.longest_interleaved(self.interleaving),
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes128CtrHmacSha256 | Aead::Aes256CtrHmacSha512 => None,
        }
    }
}
