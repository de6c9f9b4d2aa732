//! What every library's key does.

use alloc::vec::Vec;

use crate::{FrameTooLong, Unauthentic};

/// AES-GCM's bound, which the CTR suites keep too: with more than 2^36 bytes the 32-bit block
/// counter would wrap.
#[cfg(any(feature = "ctr-hmac", aws_lc))]
pub(super) const MAX_PLAINTEXT_LEN: u64 = (1 << 36) - 32;

/// The operations of a library on a key that it has expanded.
pub(crate) trait ExpandedKey {
    /// Whether a frame that [`decrypt`](Self::decrypt) rejects is unchanged. Otherwise it is
    /// zeroed.
    const KEEPS_REJECTED: bool;

    /// # Panics
    /// If `tag` is not `Nt` bytes long.
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong>;

    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic>;

    /// As [`decrypt`](Self::decrypt), but a rejected frame is unchanged. Copies the ciphertext to
    /// `scratch` where a rejected frame would be zeroed.
    #[inline(always)] // see the crate's front page
    fn decrypt_or_restore(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        if Self::KEEPS_REJECTED {
            return self.decrypt(nonce, aad, in_out, tag);
        }
        scratch.clear();
        scratch.extend_from_slice(in_out);
        let opened = self.decrypt(nonce, aad, in_out, tag);
        if opened.is_err() {
            in_out.copy_from_slice(scratch);
        }
        opened
    }
}
