//! Our own kernel. What fits its registers is opened there and stored when the tag is right; what does not is
//! decrypted while it is hashed, and zeroed when the tag is wrong.

use sealframe_kernel::{Frame, Key, Tag};

use crate::{FrameTooLong, Unauthentic};

/// # Panics
/// If `tag` is not 16 bytes long.
#[inline(always)] // see the crate's front page
pub(crate) fn encrypt(
    key: &Key,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &mut [u8],
) -> Result<(), FrameTooLong> {
    let made = Frame::new(key, nonce, aad, in_out).seal().map_err(|_| FrameTooLong)?;
    tag.copy_from_slice(&<[u8; 16]>::from(made));
    Ok(())
}

#[inline(always)] // see the crate's front page
pub(crate) fn decrypt(
    key: &Key,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &[u8],
) -> Result<(), Unauthentic> {
    let tag: [u8; 16] = tag.try_into().map_err(|_| Unauthentic)?;
    Frame::new(key, nonce, aad, in_out).open(Tag::from(tag)).map_err(|_| Unauthentic)
}
