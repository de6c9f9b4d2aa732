//! The layout that Jitsi and LiveKit share, opened by hand with ring.

use ring::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf,
};

/// Why a frame does not open, as far as the oracle can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    TooShort,
    Trailer,
    UnknownKey,
    Unauthentic,
}

/// The AES keys of one index, the current one first.
pub(crate) struct Chain {
    pub(crate) index: u8,
    pub(crate) keys: Vec<Vec<u8>>,
}

/// Opens `frame`, its first `clear` bytes readable, with the first key that fits; returns that
/// key's place in the chain.
pub(crate) fn open(
    chains: &[Chain],
    ring_size: usize,
    frame: &[u8],
    clear: usize,
) -> Result<(usize, Vec<u8>), Refusal> {
    if frame.len() < clear + 30 {
        return Err(Refusal::TooShort);
    }
    let (sealed, trailer) = frame.split_at(frame.len() - 14);
    if trailer[12] != 12 || usize::from(trailer[13]) >= ring_size {
        return Err(Refusal::Trailer);
    }
    let (aad, ciphertext) = sealed.split_at(clear);
    let iv = trailer[..12].try_into().expect("12 bytes");
    let (step, payload) = decrypt(chains, trailer[13], iv, aad, ciphertext)?;
    Ok((step, [aad, &payload].concat()))
}

pub(crate) fn decrypt(
    chains: &[Chain],
    index: u8,
    iv: [u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<(usize, Vec<u8>), Refusal> {
    let chain = chains.iter().find(|chain| chain.index == index).ok_or(Refusal::UnknownKey)?;
    for (step, key) in chain.keys.iter().enumerate() {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).expect("16 or 32 bytes"));
        let nonce = Nonce::assume_unique_for_key(iv);
        let mut buf = ciphertext.to_vec();
        if let Ok(payload) = key.open_in_place(nonce, Aad::from(aad), &mut buf) {
            return Ok((step, payload.to_vec()));
        }
    }
    Err(Refusal::Unauthentic)
}

/// HKDF-SHA256 by ring.
pub(crate) fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = vec![0; len];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(ikm);
    prk.expand(&[info], Len(len)).and_then(|okm| okm.fill(&mut out)).expect("one hash at most");
    out
}

/// Changes a genuine frame, or leaves it unchanged: pairs of an offset from the end and the bits to
/// flip.
pub(crate) fn change(frame: &mut [u8], changes: &[u8]) {
    let len = frame.len();
    for change in changes.chunks_exact(2).take(4) {
        frame[len - 1 - usize::from(change[0]) % len] ^= change[1];
    }
}
