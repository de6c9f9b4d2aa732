//! RustCrypto's `aes-gcm`. It checks the tag before it decrypts, and wipes its keys on drop.

use alloc::boxed::Box;

use aes_gcm::{
    AeadCore, AeadInOut, KeyInit,
    aead::consts::{U12, U16},
};

use crate::{FrameTooLong, Unauthentic};

/// # Panics
/// If `key` has another length than the cipher's; the suite fixes both.
#[expect(clippy::expect_used, reason = "lengths fixed by the suite, never by input")]
pub(crate) fn new<K: KeyInit>(key: &[u8]) -> Box<K> {
    Box::new(K::new_from_slice(key).expect("Nk bytes"))
}

/// # Panics
/// If `tag` is not 16 bytes long.
#[inline]
pub(crate) fn encrypt<K: AeadInOut + AeadCore<NonceSize = U12, TagSize = U16>>(
    key: &K,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &mut [u8],
) -> Result<(), FrameTooLong> {
    let made = key.encrypt_inout_detached(&nonce.into(), aad, in_out.into());
    tag.copy_from_slice(&made.map_err(|_| FrameTooLong)?);
    Ok(())
}

#[inline]
pub(crate) fn decrypt<K: AeadInOut + AeadCore<NonceSize = U12, TagSize = U16>>(
    key: &K,
    nonce: [u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &[u8],
) -> Result<(), Unauthentic> {
    let tag: &[u8; 16] = tag.try_into().map_err(|_| Unauthentic)?;
    let opened = key.decrypt_inout_detached(&nonce.into(), aad, in_out.into(), tag.into());
    opened.map_err(|_| Unauthentic)
}
