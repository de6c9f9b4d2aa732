//! Our own kernel. A frame that fits into registers is opened there, and stored when the tag is
//! right; a longer one is decrypted while it is hashed, and zeroed when the tag is wrong.

use alloc::vec::Vec;

use sealframe_kernel::{Frame, Key, Tag, open_interleaved, seal_interleaved};

use super::{Backend, ExpandedKey};
use crate::{Decrypt, Encrypt, FrameTooLong, INTERLEAVE, Unauthentic};

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

/// # Panics
/// If a tag is not 16 bytes long.
#[inline(always)] // see the crate's front page
pub(super) fn encrypt_interleaved(
    [a, b, c, d]: [&Key; INTERLEAVE],
    [of_a, of_b, of_c, of_d]: [Encrypt<'_>; INTERLEAVE],
) -> [Result<(), FrameTooLong>; INTERLEAVE] {
    // Written out: a loop would move the frames, which costs as much as sealing a small one.
    let made = seal_interleaved([
        Frame::new(a, of_a.key.nonce(of_a.ctr), of_a.aad, of_a.in_out),
        Frame::new(b, of_b.key.nonce(of_b.ctr), of_b.aad, of_b.in_out),
        Frame::new(c, of_c.key.nonce(of_c.ctr), of_c.aad, of_c.in_out),
        Frame::new(d, of_d.key.nonce(of_d.ctr), of_d.aad, of_d.in_out),
    ]);
    let tags = [of_a.tag, of_b.tag, of_c.tag, of_d.tag];
    let mut sealed = [Ok(()); INTERLEAVE];
    for ((sealed, made), tag) in sealed.iter_mut().zip(made).zip(tags) {
        match made {
            Ok(made) => tag.copy_from_slice(&<[u8; 16]>::from(made)),
            Err(_) => *sealed = Err(FrameTooLong),
        }
    }
    sealed
}

/// A tag that is not 16 bytes long is wrong.
#[inline(always)] // see the crate's front page
pub(super) fn decrypt_interleaved(
    [a, b, c, d]: [&Key; INTERLEAVE],
    frames: [Decrypt<'_>; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    let tags = frames.each_ref().map(|frame| <[u8; 16]>::try_from(frame.tag));
    let [Ok(tag_a), Ok(tag_b), Ok(tag_c), Ok(tag_d)] = tags else {
        return frames.map(|Decrypt { key, ctr, aad, in_out, tag }| key.decrypt(ctr, aad, in_out, tag));
    };
    let [of_a, of_b, of_c, of_d] = frames;
    let opened = open_interleaved(
        [
            Frame::new(a, of_a.key.nonce(of_a.ctr), of_a.aad, of_a.in_out),
            Frame::new(b, of_b.key.nonce(of_b.ctr), of_b.aad, of_b.in_out),
            Frame::new(c, of_c.key.nonce(of_c.ctr), of_c.aad, of_c.in_out),
            Frame::new(d, of_d.key.nonce(of_d.ctr), of_d.aad, of_d.in_out),
        ],
        [tag_a.into(), tag_b.into(), tag_c.into(), tag_d.into()],
    );
    opened.map(|opened| opened.map_err(|_| Unauthentic))
}
