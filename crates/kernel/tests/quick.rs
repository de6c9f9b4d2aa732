#![allow(missing_docs, unused_qualifications, clippy::unwrap_used, clippy::cast_possible_truncation)]
use ring::aead::*;
use sealframe_kernel::*;
#[test]
fn quick() {
    for &form in Form::ALL {
        for kl in [16usize, 32] {
            let kb: Vec<u8> = (0..kl as u8).map(|i| i.wrapping_mul(37) ^ 0x5a).collect();
            let alg = if kl == 16 { &AES_128_GCM } else { &AES_256_GCM };
            let rk = LessSafeKey::new(UnboundKey::new(alg, &kb).unwrap());
            let k = sealframe_kernel::Key::with_form(form, &kb).unwrap();
            for len in (0..1400).chain([4096, 16384, 16385, 65536, 200_000]) {
                for al in [0usize, 1, 5, 12, 15, 16, 17, 31, 32, 33, 64, 65, 1024, 1030, 2100] {
                    if al > 40 && len % 7 != 0 {
                        continue;
                    }
                    let data: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
                    let aad: Vec<u8> = (0..al).map(|i| (i * 3 + 1) as u8).collect();
                    let nonce = [len as u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xff];
                    let mut a = data.clone();
                    let t = rk
                        .seal_in_place_separate_tag(
                            ring::aead::Nonce::assume_unique_for_key(nonce),
                            Aad::from(&aad),
                            &mut a,
                        )
                        .unwrap();
                    let mut b = data.clone();
                    let tag = Frame::new(&k, nonce, &aad, &mut b).seal().unwrap();
                    assert!(a == b, "{form:?} {kl} {len} {al}");
                    assert_eq!(t.as_ref(), <[u8; 16]>::from(tag), "{form:?} {kl} {len} {al}");
                    Frame::new(&k, nonce, &aad, &mut b).open(tag).unwrap();
                    assert!(b == data);
                    let mut bs = [
                        data.clone(),
                        data[..len / 2].to_vec(),
                        data.clone(),
                        data[..len / 3].to_vec(),
                    ];
                    let [b0, b1, b2, b3] = &mut bs;
                    let tags = seal_together([b0, b1, b2, b3].map(|b| Frame::new(&k, nonce, &aad, b)));
                    for (b, t) in bs.iter().zip(tags) {
                        let mut c = data[..b.len()].to_vec();
                        let tag = Frame::new(&k, nonce, &aad, &mut c).seal().unwrap();
                        assert!(c == *b, "{form:?} {kl} {len} {al}");
                        assert_eq!(
                            <[u8; 16]>::from(t.unwrap()),
                            <[u8; 16]>::from(tag),
                            "{form:?} {kl} {len} {al}"
                        );
                    }
                    let [b0, b1, b2, b3] = &mut bs;
                    let r = open_together(
                        [b0, b1, b2, b3].map(|b| Frame::new(&k, nonce, &aad, b)),
                        tags.map(Result::unwrap),
                    );
                    for (b, r) in bs.iter().zip(r) {
                        r.unwrap();
                        assert!(b[..] == data[..b.len()]);
                    }
                }
            }
        }
    }
}
