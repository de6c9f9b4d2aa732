//! AES in counter mode with a truncated HMAC: RFC 9605 §4.5.1.

use alloc::boxed::Box;

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, KeySizeUser, StreamCipher, consts::U16,
};
use ctr::Ctr32BE;
use subtle::ConstantTimeEq;

use super::{
    expanded_key::{ExpandedKey, MAX_PLAINTEXT_LEN},
    hmac::{HmacKey, Sha2},
};
use crate::{FrameTooLong, Unauthentic};

/// The AES round keys and the states of HMAC: nothing is expanded per frame. The hash is known by
/// its state and its block, of `N` bytes.
pub(crate) struct CtrHmacKey<C, S: Sha2<N>, const N: usize> {
    cipher: C,
    hmac: HmacKey<S, N>,
    nt: usize,
}

impl<C, S, const N: usize> CtrHmacKey<C, S, N>
where
    C: KeyInit + KeySizeUser + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    S: Sha2<N>,
{
    /// The first `Nka` bytes of `key` encrypt, the rest authenticates.
    ///
    /// # Panics
    /// If `key` has less than `Nka` bytes; the suite fixes the length.
    #[expect(clippy::expect_used, reason = "lengths fixed by the suite, never by input")]
    pub(crate) fn new(key: &[u8], nt: usize) -> Box<Self> {
        let (enc_key, auth_key) = key.split_at(C::key_size());
        Box::new(Self {
            cipher: C::new_from_slice(enc_key).expect("Nka bytes"),
            hmac: HmacKey::new(auth_key),
            nt,
        })
    }

    /// The initial counter block is the nonce and four zero bytes.
    fn apply_keystream(&self, nonce: [u8; 12], in_out: &mut [u8]) {
        let mut block = [0; 16];
        block[..12].copy_from_slice(&nonce);
        let core = ctr::CtrCore::inner_iv_init(&self.cipher, &block.into());
        Ctr32BE::from_core(core).apply_keystream(in_out);
    }

    /// `HMAC(len(aad) ‖ len(ct) ‖ Nt ‖ nonce ‖ aad ‖ ct)`, the lengths as 8 bytes each.
    #[inline(always)]
    fn authenticate(&self, nonce: [u8; 12], aad: &[u8], ct: &[u8]) -> [u8; N] {
        let mut head = [0; 8 + 8 + 8 + 12];
        head[..8].copy_from_slice(&(aad.len() as u64).to_be_bytes());
        head[8..16].copy_from_slice(&(ct.len() as u64).to_be_bytes());
        head[16..24].copy_from_slice(&(self.nt as u64).to_be_bytes());
        head[24..].copy_from_slice(&nonce);
        self.hmac.tag([&head, aad, ct])
    }
}

impl<C, S, const N: usize> ExpandedKey for CtrHmacKey<C, S, N>
where
    C: KeyInit + KeySizeUser + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    S: Sha2<N>,
{
    const KEEPS_REJECTED: bool = true;

    #[inline(never)]
    fn encrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), FrameTooLong> {
        if in_out.len() as u64 > MAX_PLAINTEXT_LEN {
            return Err(FrameTooLong);
        }
        self.apply_keystream(nonce, in_out);
        let full = self.authenticate(nonce, aad, in_out);
        tag.copy_from_slice(&full[..self.nt]);
        Ok(())
    }

    #[inline(never)]
    fn decrypt(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Unauthentic> {
        if in_out.len() as u64 > MAX_PLAINTEXT_LEN {
            return Err(Unauthentic);
        }
        let full = self.authenticate(nonce, aad, in_out);
        // Slices of different length compare unequal.
        if !bool::from(full[..self.nt].ct_eq(tag)) {
            return Err(Unauthentic);
        }
        self.apply_keystream(nonce, in_out);
        Ok(())
    }
}
