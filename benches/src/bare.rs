//! The bare AEADs: key expanded, nonce and AAD ready, tag in the same buffer.

use core::hint::black_box;

use aes::{
    Aes128Enc, Aes256Enc,
    cipher::{
        BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, KeySizeUser, StreamCipher, consts::U16,
    },
};
use aes_gcm::{
    AeadCore, AeadInOut, Aes128Gcm, Aes256Gcm,
    aead::consts::{U12, U16 as TagLen},
};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext, UnboundCipherKey};
use hmac::{EagerHash, Hmac, Mac};
use sealframe_crypto::CipherSuite;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::{AAD, Operation, Slot};

const NONCE: [u8; 12] = [0x24; 12];
/// Long enough for the longest sframe_key.
const KEY: [u8; 96] = [0x42; 96];

/// One library's AEAD. A tag takes the first `Nt` bytes of its room.
pub trait Aead: Send {
    fn new(suite: CipherSuite) -> Self;

    fn seal(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &mut [u8; 16]);

    /// # Panics
    /// If the tag is wrong.
    fn open(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &[u8; 16]);
}

/// Seals a frame and opens it again; returns payload and tag in between.
pub fn sealed<A: Aead>(suite: CipherSuite, len: usize) -> Vec<u8> {
    let mut open = Open::<A>::new(suite, len);
    let mut slot = open.input();
    open.prepare(&mut slot);
    let sealed = slot.buf[slot.frame.start..slot.frame.end + suite.nt()].to_vec();
    open.run(&mut slot);
    assert_eq!(slot.buf[slot.frame.clone()], Slot::new(len).buf[slot.frame]);
    sealed
}

/// Seals with the same nonce each time.
pub struct Seal<A> {
    aead: A,
    nonce: [u8; 12],
    aad: [u8; 12],
    len: usize,
}

impl<A: Aead> Seal<A> {
    pub fn new(suite: CipherSuite, len: usize) -> Self {
        Self { aead: A::new(suite), nonce: NONCE, aad: AAD, len }
    }
}

impl<A: Aead> Operation for Seal<A> {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let (payload, tag) = black_box(slot).payload_and_tag();
        self.aead.seal(self.nonce, &self.aad, payload, tag);
    }
}

/// Opens what [`Seal`] has sealed.
pub struct Open<A>(Seal<A>);

impl<A: Aead> Open<A> {
    pub fn new(suite: CipherSuite, len: usize) -> Self {
        Self(Seal::new(suite, len))
    }
}

impl<A: Aead> Operation for Open<A> {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.0.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.0.prepare(slot);
        self.0.run(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let (payload, tag) = black_box(slot).payload_and_tag();
        self.0.aead.open(self.0.nonce, &self.0.aad, payload, tag);
        black_box(payload);
    }
}

/// Two libraries have a `LessSafeKey`; opening by it differs.
macro_rules! less_safe_key {
    (
        $(#[$doc:meta])*
        $name:ident, $library:ident,
        |$key:ident, $nonce:ident, $aad:ident, $payload:ident, $tag:ident| $open:expr
    ) => {
        $(#[$doc])*
        pub struct $name($library::aead::LessSafeKey);

        impl Aead for $name {
            fn new(suite: CipherSuite) -> Self {
                use $library::aead::{AES_128_GCM, AES_256_GCM, LessSafeKey, UnboundKey};
                let algorithm = if suite.nk() == 16 { &AES_128_GCM } else { &AES_256_GCM };
                Self(LessSafeKey::new(UnboundKey::new(algorithm, &KEY[..suite.nk()]).unwrap()))
            }

            #[inline(always)]
            fn seal(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &mut [u8; 16]) {
                use $library::aead::{Aad, Nonce};
                let nonce = Nonce::assume_unique_for_key(nonce);
                let made = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), payload).unwrap();
                *tag = made.as_ref().try_into().unwrap();
            }

            #[inline(always)]
            fn open(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &[u8; 16]) {
                use $library::aead::{Aad, Nonce};
                let ($nonce, $aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(aad));
                let ($key, $payload, $tag) = (&self.0, payload, tag);
                $open.unwrap();
            }
        }
    };
}

less_safe_key! {
    /// ring's `LessSafeKey`.
    Ring, ring,
    |key, nonce, aad, payload, tag|
    key.open_in_place_separate_tag(nonce, aad, (*tag).into(), payload, 0..)
}

less_safe_key! {
    /// aws-lc-rs' `LessSafeKey`.
    AwsLc, aws_lc_rs,
    |key, nonce, aad, payload, tag| key.open_in_place_separate_tag(nonce, aad, tag, payload)
}

/// RustCrypto's `aes-gcm`.
pub struct AesGcm<K>(K);

pub type AesGcm128 = AesGcm<Aes128Gcm>;
pub type AesGcm256 = AesGcm<Aes256Gcm>;

impl<K> Aead for AesGcm<K>
where
    K: KeyInit + AeadInOut + AeadCore<NonceSize = U12, TagSize = TagLen> + Send,
{
    fn new(suite: CipherSuite) -> Self {
        Self(K::new_from_slice(&KEY[..suite.nk()]).unwrap())
    }

    #[inline(always)]
    fn seal(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &mut [u8; 16]) {
        let made = self.0.encrypt_inout_detached(&nonce.into(), aad, payload.into());
        *tag = made.unwrap().into();
    }

    #[inline(always)]
    fn open(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &[u8; 16]) {
        let tag = (*tag).into();
        self.0.decrypt_inout_detached(&nonce.into(), aad, payload.into(), &tag).unwrap();
    }
}

/// AES in counter mode; the key is expanded.
pub trait Keystream: Send {
    fn new(key: &[u8]) -> Self;

    fn apply(&self, block: [u8; 16], in_out: &mut [u8]);
}

/// HMAC with precomputed key-block states.
pub trait Authenticator: Send {
    fn new(key: &[u8]) -> Self;

    /// The first bytes of the tag.
    fn tag(&self, parts: [&[u8]; 3]) -> [u8; 16];
}

/// AES-CTR with HMAC as in RFC 9605 §4.5.1, from bare primitives.
pub struct CtrHmac<C, M> {
    keystream: C,
    authenticator: M,
    nt: usize,
}

/// The suites' combinations: AES-128 with SHA-256, and AES-256 with SHA-512.
pub type RustCrypto128 = CtrHmac<RustCryptoCtr<Aes128Enc>, RustCryptoHmac<Sha256>>;
pub type RustCrypto256 = CtrHmac<RustCryptoCtr<Aes256Enc>, RustCryptoHmac<Sha512>>;
pub type RingHmac128 = CtrHmac<RustCryptoCtr<Aes128Enc>, RingHmac>;
pub type RingHmac256 = CtrHmac<RustCryptoCtr<Aes256Enc>, RingHmac>;
pub type AwsLcHmac128 = CtrHmac<RustCryptoCtr<Aes128Enc>, AwsLcHmac>;
pub type AwsLcHmac256 = CtrHmac<RustCryptoCtr<Aes256Enc>, AwsLcHmac>;
pub type AwsLcCtrHmac = CtrHmac<AwsLcCtr, AwsLcHmac>;

impl<C: Keystream, M: Authenticator> CtrHmac<C, M> {
    #[inline(always)]
    fn apply(&self, nonce: [u8; 12], in_out: &mut [u8]) {
        let mut block = [0; 16];
        block[..12].copy_from_slice(&nonce);
        self.keystream.apply(block, in_out);
    }

    #[inline(always)]
    fn tag(&self, nonce: [u8; 12], aad: &[u8; 12], ct: &[u8]) -> [u8; 16] {
        let mut head = [0; 36];
        head[..8].copy_from_slice(&(aad.len() as u64).to_be_bytes());
        head[8..16].copy_from_slice(&(ct.len() as u64).to_be_bytes());
        head[16..24].copy_from_slice(&(self.nt as u64).to_be_bytes());
        head[24..].copy_from_slice(&nonce);
        self.authenticator.tag([&head, aad, ct])
    }
}

impl<C: Keystream, M: Authenticator> Aead for CtrHmac<C, M> {
    fn new(suite: CipherSuite) -> Self {
        let (enc_key, auth_key) = KEY[..suite.nk()].split_at(suite.nk() - suite.nh());
        let (keystream, authenticator) = (C::new(enc_key), M::new(auth_key));
        Self { keystream, authenticator, nt: suite.nt() }
    }

    // One copy, as in Sealframe: the compiler inlines less into each of several copies.
    #[inline(never)]
    fn seal(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &mut [u8; 16]) {
        self.apply(nonce, payload);
        let full = self.tag(nonce, aad, payload);
        tag[..self.nt].copy_from_slice(&full[..self.nt]);
    }

    #[inline(never)]
    fn open(&self, nonce: [u8; 12], aad: &[u8; 12], payload: &mut [u8], tag: &[u8; 16]) {
        let full = self.tag(nonce, aad, payload);
        assert!(bool::from(full[..self.nt].ct_eq(&tag[..self.nt])), "a tag of its own");
        self.apply(nonce, payload);
    }
}

/// RustCrypto's `ctr`.
pub struct RustCryptoCtr<C>(C);

impl<C> Keystream for RustCryptoCtr<C>
where
    C: KeyInit + KeySizeUser + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send,
{
    fn new(key: &[u8]) -> Self {
        Self(C::new_from_slice(key).unwrap())
    }

    #[inline(always)]
    fn apply(&self, block: [u8; 16], in_out: &mut [u8]) {
        let core = ctr::CtrCore::inner_iv_init(&self.0, &block.into());
        ctr::Ctr32BE::from_core(core).apply_keystream(in_out);
    }
}

/// RustCrypto's `hmac`.
pub struct RustCryptoHmac<H: EagerHash>(Hmac<H>);

impl<H: EagerHash> Authenticator for RustCryptoHmac<H>
where
    Hmac<H>: Mac + KeyInit + Clone + Send,
{
    fn new(key: &[u8]) -> Self {
        Self(<Hmac<H> as KeyInit>::new_from_slice(key).unwrap())
    }

    #[inline(always)]
    fn tag(&self, parts: [&[u8]; 3]) -> [u8; 16] {
        let mut hmac = self.0.clone();
        for part in parts {
            hmac.update(part);
        }
        *hmac.finalize().into_bytes().first_chunk().unwrap()
    }
}

/// ring's `hmac`.
pub struct RingHmac(ring::hmac::Key);

impl Authenticator for RingHmac {
    fn new(key: &[u8]) -> Self {
        use ring::hmac::{HMAC_SHA256, HMAC_SHA512, Key};
        Self(Key::new(if key.len() == 32 { HMAC_SHA256 } else { HMAC_SHA512 }, key))
    }

    #[inline(always)]
    fn tag(&self, parts: [&[u8]; 3]) -> [u8; 16] {
        let mut hmac = ring::hmac::Context::with_key(&self.0);
        for part in parts {
            hmac.update(part);
        }
        *hmac.sign().as_ref().first_chunk().unwrap()
    }
}

/// aws-lc-rs' `hmac`.
pub struct AwsLcHmac(aws_lc_rs::hmac::Key);

impl Authenticator for AwsLcHmac {
    fn new(key: &[u8]) -> Self {
        use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA512, Key};
        Self(Key::new(if key.len() == 32 { HMAC_SHA256 } else { HMAC_SHA512 }, key))
    }

    #[inline(always)]
    fn tag(&self, parts: [&[u8]; 3]) -> [u8; 16] {
        let mut hmac = aws_lc_rs::hmac::Context::with_key(&self.0);
        for part in parts {
            hmac.update(part);
        }
        *hmac.sign().as_ref().first_chunk().unwrap()
    }
}

/// aws-lc-rs' `EncryptingKey` in counter mode; decrypting is the same.
pub struct AwsLcCtr(EncryptingKey);

impl Keystream for AwsLcCtr {
    fn new(key: &[u8]) -> Self {
        use aws_lc_rs::cipher::{AES_128, AES_256};
        let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
        Self(EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap())
    }

    #[inline(always)]
    fn apply(&self, block: [u8; 16], in_out: &mut [u8]) {
        let context = EncryptionContext::Iv128(block.into());
        black_box(self.0.less_safe_encrypt(in_out, context).unwrap());
    }
}
