//! The secret of a call whose members share one.

use alloc::boxed::Box;
use core::fmt;

use sealframe_crypto::{BaseKey, WeakKey};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secret that the members of a call share, for example through a link. At least 16 random
/// bytes; 32 in the suites of AES-256.
pub struct SharedSecret(Box<[u8]>);

impl SharedSecret {
    /// Copies `bytes`; the caller wipes its own copy. Not for passwords: nothing here slows down
    /// guessing.
    ///
    /// # Errors
    /// [`WeakKey`] below 16 bytes, or if all bytes are zero.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeakKey> {
        WeakKey::check(BaseKey::MIN_LEN, bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Another copy, for a call that outlives this one.
    pub(crate) fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SharedSecret {}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}
