//! The kernel's calls for each instruction set, and a library to compare with.
#![allow(dead_code, reason = "each test file uses its share")]

use sealframe_kernel::{Frame, Isa, Key, Unauthentic};

pub(crate) const NONCE: [u8; 12] = [0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xf1];

/// The instruction sets of this processor. Fails if there is none, as nothing would be tested.
pub(crate) fn isas() -> Vec<Isa> {
    let isas: Vec<Isa> = Isa::ALL.iter().copied().filter(|isa| isa.is_available()).collect();
    assert!(!isas.is_empty(), "no instruction set for this processor");
    isas
}

/// Bytes that differ from place to place and from seed to seed.
pub(crate) fn bytes(len: usize, seed: usize) -> Vec<u8> {
    let word = |at: usize| {
        let (at, seed) = (at as u64 / 8 + 1, seed as u64);
        at.wrapping_mul(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9)).to_le_bytes()
    };
    (0..len).map(|at| word(at)[at % 8] ^ word(at)[3]).collect()
}

pub(crate) fn keys(isa: Isa) -> [Box<Key>; 2] {
    [16, 32].map(|len| Key::with_isa(isa, &bytes(len, 1)).unwrap())
}

/// Seals `data` in place and returns the tag.
pub(crate) fn seal(key: &Key, aad: &[u8], data: &mut [u8]) -> [u8; 16] {
    Frame::new(key, NONCE, aad, data).seal().unwrap().into()
}

pub(crate) fn open(key: &Key, aad: &[u8], data: &mut [u8], tag: [u8; 16]) -> Result<(), Unauthentic> {
    Frame::new(key, NONCE, aad, data).open(tag.into())
}

pub(crate) fn open_or_restore(
    key: &Key,
    aad: &[u8],
    data: &mut [u8],
    tag: [u8; 16],
) -> Result<(), Unauthentic> {
    Frame::new(key, NONCE, aad, data).open_or_restore(tag.into())
}

/// What another library makes of the same: ring where no C compiler for another processor is
/// needed, else aes-gcm.
pub(crate) struct Reference {
    #[cfg(target_arch = "x86_64")]
    key: ring::aead::LessSafeKey,
    #[cfg(not(target_arch = "x86_64"))]
    key: Vec<u8>,
}

impl Reference {
    /// The keys of [`keys`].
    pub(crate) fn pair() -> [Self; 2] {
        [16, 32].map(|len| Self::new(&bytes(len, 1)))
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn new(key: &[u8]) -> Self {
        use ring::aead::{AES_128_GCM, AES_256_GCM, LessSafeKey, UnboundKey};
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        Self { key: LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap()) }
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn seal(&self, aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        use ring::aead::{Aad, Nonce};
        let nonce = Nonce::assume_unique_for_key(NONCE);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), data).unwrap();
        tag.as_ref().try_into().unwrap()
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { key: key.to_vec() }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn seal(&self, aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};
        let nonce = NONCE.into();
        let tag = match self.key.len() {
            16 => {
                let key = Aes128Gcm::new_from_slice(&self.key).unwrap();
                key.encrypt_inout_detached(&nonce, aad, data.into())
            }
            _ => {
                let key = Aes256Gcm::new_from_slice(&self.key).unwrap();
                key.encrypt_inout_detached(&nonce, aad, data.into())
            }
        };
        tag.unwrap().into()
    }
}
