//! Headers and frames of RFC 9605, assembled by hand.

use sealframe::crypto::FrameKey;
use sealframe::{Backend, BaseKey, Cipher, CipherSuite, Ctr, Header, HeaderError, Kid, OpenError};

use crate::label::Label;

/// KID, CTR and length of the header at the start of `frame`, byte by byte.
pub(crate) fn decode_header(frame: &[u8]) -> Result<(u64, u64, usize), HeaderError> {
    let mut bytes = frame.iter();
    let config = bytes.next().ok_or(HeaderError::Empty)?;
    let mut read = |inline: u8, extended: bool| {
        let mut value = Vec::new();
        if extended {
            for _ in 0..=inline {
                value.push(*bytes.next().ok_or(HeaderError::Truncated)?);
            }
        }
        Ok((inline, value))
    };
    let kid = read(config >> 4 & 7, config & 0x80 != 0)?;
    let ctr = read(config & 7, config & 8 != 0)?;
    let len = 1 + kid.1.len() + ctr.1.len();
    let kid = value_of(kid).ok_or(HeaderError::KidNotMinimal)?;
    let ctr = value_of(ctr).ok_or(HeaderError::CtrNotMinimal)?;
    Ok((kid, ctr, len))
}

/// `None` if there is a shorter encoding.
fn value_of((inline, bytes): (u8, Vec<u8>)) -> Option<u64> {
    let minimal = match bytes[..] {
        [] => return Some(u64::from(inline)),
        [byte] => byte >= 8,
        [first, ..] => first != 0,
    };
    let value = bytes.iter().fold(0, |value, byte| value * 256 + u64::from(*byte));
    minimal.then_some(value)
}

/// The header, by division.
pub(crate) fn encode_header(kid: u64, ctr: u64) -> Vec<u8> {
    let (kid_nibble, kid) = field(kid);
    let (ctr_nibble, ctr) = field(ctr);
    [vec![kid_nibble * 16 + ctr_nibble], kid, ctr].concat()
}

fn field(value: u64) -> (u8, Vec<u8>) {
    if value < 8 {
        return (low_byte(value), Vec::new());
    }
    let mut bytes = Vec::new();
    let mut left = value;
    while left > 0 {
        bytes.insert(0, low_byte(left % 256));
        left /= 256;
    }
    (8 + low_byte(bytes.len() as u64 - 1), bytes)
}

fn low_byte(value: u64) -> u8 {
    value.to_be_bytes()[7]
}

/// The same suite with the other AES-GCM library.
pub(crate) fn other_backend(cipher: Cipher) -> Cipher {
    let is_portable = cipher.backend == Backend::Portable;
    let backend = if is_portable { Backend::Ring } else { Backend::Portable };
    Cipher::new(cipher.suite, backend)
}

/// `prefix ‖ header ‖ ciphertext ‖ tag`. Accepts any CTR: it does not enforce a sender's limits.
pub(crate) fn seal(
    cipher: Cipher,
    base_key: &BaseKey,
    kid: Kid,
    ctr: Ctr,
    label: &Label,
    frame: &[u8],
) -> Vec<u8> {
    let key = FrameKey::derive(other_backend(cipher).backend, kid, base_key);
    seal_with(&key, cipher.suite, Header::new(kid, ctr), label, frame)
}

fn seal_with(
    key: &FrameKey,
    suite: CipherSuite,
    header: Header,
    label: &Label,
    frame: &[u8],
) -> Vec<u8> {
    let (prefix, payload) = frame.split_at(usize::from(label.prefix_len));
    let ctr = header.ctr();
    let header = encode_header(header.kid().get(), ctr.get());
    let aad = [&header[..], &label.bytes(prefix)].concat();
    let mut body = payload.to_vec();
    let mut tag = vec![0; nt(suite)];
    key.encrypt(ctr, &aad, &mut body, &mut tag).expect("short");
    [prefix, &header, &body, &tag].concat()
}

/// The result of a receiver without state; `base_key` looks the key up.
///
/// It never decrypts. Every suite encrypts by XOR with a keystream, which sealing zeros reveals;
/// then the frame is authentic exactly if sealing its plaintext reproduces it.
pub(crate) fn open(
    cipher: Cipher,
    label: &Label,
    sealed: &[u8],
    base_key: impl Fn(Kid) -> Result<BaseKey, OpenError>,
) -> Result<(Kid, Ctr, Vec<u8>), OpenError> {
    let prefix_len = usize::from(label.prefix_len);
    if sealed.len() < prefix_len {
        return Err(OpenError::TooShort);
    }
    let (prefix, rest) = sealed.split_at(prefix_len);
    let (kid, ctr, header_len) = decode_header(rest).map_err(OpenError::Header)?;
    let body = &rest[header_len..];
    let Some(payload_len) = body.len().checked_sub(nt(cipher.suite)) else {
        return Err(OpenError::TooShort);
    };
    let (kid, ctr) = (Kid::new(kid), Ctr::new(ctr));
    let base_key = base_key(kid)?;

    let key = FrameKey::derive(other_backend(cipher).backend, kid, &base_key);
    let seal = |frame: &[u8]| seal_with(&key, cipher.suite, Header::new(kid, ctr), label, frame);
    let keystream = seal(&[prefix, &vec![0; payload_len]].concat());
    let keystream = &keystream[prefix_len + header_len..][..payload_len];
    let payload: Vec<u8> = keystream.iter().zip(body).map(|(a, b)| a ^ b).collect();
    let frame = [prefix, &payload].concat();
    if seal(&frame) != sealed {
        return Err(OpenError::Unauthentic);
    }
    Ok((kid, ctr, frame))
}

/// Tag lengths from the RFC's table.
pub(crate) fn nt(suite: CipherSuite) -> usize {
    [10, 8, 4, 16, 16, 10, 8, 4][usize::from(suite.id()) - 1]
}

/// Checks the buffer after a frame failed to open with `error`; `before` starts with the prefix. It
/// is unchanged, except that after `Unauthentic` the payload may be zeros.
pub(crate) fn check_untouched(
    suite: CipherSuite,
    label: &Label,
    before: &[u8],
    after: &[u8],
    error: OpenError,
) {
    if after == before {
        return;
    }
    assert_eq!(error, OpenError::Unauthentic, "the frame has changed");
    let start = usize::from(label.prefix_len);
    let (_, _, header_len) = decode_header(&before[start..]).expect("checked before");
    let payload = start + header_len..before.len() - nt(suite);
    assert!(after[payload.clone()].iter().all(|byte| *byte == 0), "neither unchanged nor zeros");
    assert_eq!(after[..payload.start], before[..payload.start]);
    assert_eq!(after[payload.end..], before[payload.end..]);
}
