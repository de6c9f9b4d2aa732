//! Our own kernel. A frame that fits into registers is opened there, and stored when the tag is
//! right; a longer one is decrypted while it is hashed, and zeroed when the tag is wrong.

use alloc::vec::Vec;

use sealframe_kernel::{Frame, Key, Tag};

use super::expanded_key::ExpandedKey;
use crate::{Backend, FrameTooLong, Unauthentic};

/// The backend that replaces the kernel on a processor without its instructions.
#[cfg(portable)]
pub(super) const SUBSTITUTE: Backend = Backend::Portable;
/// Never used: a module that is compiled for vectors loads only where the engine has them.
#[cfg(not(portable))]
pub(super) const SUBSTITUTE: Backend = Backend::Kernel;

impl ExpandedKey for Key {
    const KEEPS_REJECTED: bool = false;

    #[inline(always)] // see the crate's front page
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        let made = Frame::new(self, nonce, aad, in_out).seal().map_err(|_| FrameTooLong)?;
        tag.copy_from_slice(&<[u8; 16]>::from(made));
        Ok(())
    }

    #[inline(always)] // see the crate's front page
    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        let tag: [u8; 16] = tag.try_into().map_err(|_| Unauthentic)?;
        Frame::new(self, nonce, aad, in_out).open(Tag::from(tag)).map_err(|_| Unauthentic)
    }

    /// Encrypts a rejected frame again instead of copying it first.
    #[inline(always)] // see the crate's front page
    fn decrypt_or_restore(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
        _scratch: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        let tag: [u8; 16] = tag.try_into().map_err(|_| Unauthentic)?;
        Frame::new(self, nonce, aad, in_out).open_or_restore(Tag::from(tag)).map_err(|_| Unauthentic)
    }
}

/// Like [`ExpandedKey::decrypt_or_restore`], but checks only the first 8 bytes of a tag.
#[cfg(feature = "short-tags")]
#[inline(always)] // see the crate's front page
pub(super) fn decrypt_short(
    key: &Key,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: [u8; 8],
) -> Result<(), Unauthentic> {
    Frame::new(key, nonce, aad, in_out).open_short(tag).map_err(|_| Unauthentic)
}
