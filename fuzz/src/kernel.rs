//! Target `kernel`: for each of four frames the instruction set, key, nonce, lengths and forged
//! bit; then data.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sealframe_kernel::{
    Frame, INTERLEAVE, Isa, Key, Tag, Unauthentic, open_interleaved, seal_interleaved,
};

use crate::{input::Input, keys::pattern};

/// Alone or four together, under any keys, the kernel gives ring's bytes; a forged frame does not
/// open, releases no plaintext, and does not affect the other three.
pub fn kernel(data: &[u8]) {
    let isas: Vec<Isa> = Isa::ALL.iter().copied().filter(|isa| isa.is_available()).collect();
    if isas.is_empty() {
        return;
    }
    let mut input = Input::new(data);
    let cases: [Case; INTERLEAVE] = core::array::from_fn(|_| Case::choose(&mut input, &isas));
    for case in &cases {
        case.check_alone();
    }

    let mut bufs = cases.each_ref().map(|case| case.plain.clone());
    let tags = seal_interleaved(frames(&cases, &mut bufs));
    for ((case, buf), tag) in cases.iter().zip(&bufs).zip(tags) {
        assert_eq!((buf, <[u8; 16]>::from(tag.expect("short enough"))), (&case.sealed, case.tag));
    }
    let mut tags = cases.each_ref().map(|case| case.tag);
    for (case, (buf, tag)) in cases.iter().zip(bufs.iter_mut().zip(&mut tags)) {
        case.forge(buf, tag);
    }
    let forged = bufs.clone();
    let opened = open_interleaved(frames(&cases, &mut bufs), tags.map(Tag::from));
    for (at, case) in cases.iter().enumerate() {
        case.check_opened(opened[at], &forged[at], &bufs[at]);
    }
}

fn frames<'a>(
    cases: &'a [Case; INTERLEAVE],
    bufs: &'a mut [Vec<u8>; INTERLEAVE],
) -> [Frame<'a>; INTERLEAVE] {
    let [a, b, c, d] = bufs;
    let [of_a, of_b, of_c, of_d] = cases;
    [of_a.frame(a), of_b.frame(b), of_c.frame(c), of_d.frame(d)]
}

struct Case {
    key: Box<Key>,
    nonce: [u8; 12],
    aad: Vec<u8>,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; 16],
    /// The flipped bit of ciphertext and tag, if any.
    forged: Option<usize>,
}

impl Case {
    fn choose(input: &mut Input<'_>, isas: &[Isa]) -> Self {
        let isa = isas[usize::from(input.u8()) % isas.len()];
        let choice = input.u8();
        let key = pattern(if choice & 1 == 0 { 16 } else { 32 }, choice / 4);
        let algorithm = if choice & 1 == 0 { &AES_128_GCM } else { &AES_256_GCM };
        let reference = LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("16 or 32 bytes"));
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&input.u64().to_be_bytes());
        let aad_len = usize::from(input.u8());
        let aad = pattern(if aad_len < 250 { aad_len % 70 } else { aad_len * 11 }, 3);
        let len = input.below(2200);
        let forged = (choice & 2 != 0).then(|| usize::from(input.u16()));
        let mut plain = input.take(len).to_vec();
        plain.resize(len, 0x5a);
        let mut sealed = plain.clone();
        let nonce_of_ring = Nonce::assume_unique_for_key(nonce);
        let tag = reference.seal_in_place_separate_tag(nonce_of_ring, Aad::from(&aad), &mut sealed);
        let tag = tag.expect("short enough").as_ref().try_into().expect("16 bytes");
        let key =
            Key::with_isa(isa, &key).expect("16 or 32 bytes, and the instruction set is available");
        Self { key, nonce, aad, plain, sealed, tag, forged }
    }

    fn frame<'a>(&'a self, buf: &'a mut [u8]) -> Frame<'a> {
        Frame::new(&self.key, self.nonce, &self.aad, buf)
    }

    fn check_alone(&self) {
        let mut buf = self.plain.clone();
        let tag = self.frame(&mut buf).seal().expect("short enough");
        assert_eq!((&buf, <[u8; 16]>::from(tag)), (&self.sealed, self.tag));
        let mut tag = self.tag;
        self.forge(&mut buf, &mut tag);
        let forged = buf.clone();
        let opened = self.frame(&mut buf).open(Tag::from(tag));
        self.check_opened(opened, &forged, &buf);
    }

    fn forge(&self, sealed: &mut [u8], tag: &mut [u8; 16]) {
        if let Some(bit) = self.forged {
            let byte = bit / 8 % (sealed.len() + tag.len());
            let place = sealed.iter_mut().chain(tag).nth(byte).expect("inside");
            *place ^= 1 << (bit % 8);
        }
    }

    fn check_opened(&self, opened: Result<(), Unauthentic>, before: &[u8], after: &[u8]) {
        if self.forged.is_none() {
            assert_eq!((opened, after), (Ok(()), &self.plain[..]));
        } else {
            assert_eq!(opened, Err(Unauthentic));
            assert!(
                after == before || after.iter().all(|&byte| byte == 0),
                "a rejected frame released plaintext"
            );
        }
    }
}
