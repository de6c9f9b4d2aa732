//! Target `dave`: a sealed frame from anyone, or a frame of any codec to be sealed and changed.

use core::time::Duration;

use sealframe::{
    CipherSuite,
    crypto::{AeadKey, Backend, Cipher},
};
use sealframe_codec::annex_b::has_start_code;
use sealframe_profiles::{
    Codec, OpenError, SealError,
    dave::{BaseSecret, ClearUnits, Config, HashRatchet, Receiver, Sender},
};

use crate::input::Input;

/// Secrets of two epochs, held since `START` and by now old enough for any generation.
const SECRETS: [[u8; 16]; 2] = [[0x11; 16], [0x22; 16]];
const START: Duration = Duration::from_secs(5);
const NOW: Duration = Duration::from_secs(400 * 24 * 3600);
/// Number of the first of these epochs.
const FIRST_EPOCH: u64 = 40;

/// A frame opens exactly if sealing its plaintext reproduces it, and only once; a rejected frame
/// changes nothing.
pub fn dave(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.u8();
    if choice.is_multiple_of(2) {
        check(input.rest()).ok();
        return;
    }
    let codec = Codec::ALL.get(usize::from(choice / 2) % 7).copied();
    let generation = u64::from(input.u8() % 251);
    let nonce = generation << 24 | u64::from(input.u16());
    let (at, change) = (usize::from(input.u16()), input.u8());
    let frame = input.rest();
    // At the time of a late generation the older epoch is erased.
    let secret = SECRETS[if generation > 1 { 1 } else { usize::from(choice / 16 % 2) }];
    let mut config = Config::new(Backend::recommended());
    if choice >= 128 {
        config = config.with_clear_units(ClearUnits::ParameterSets);
    }
    let mut sender = Sender::new(config, BaseSecret::from_exported(&secret));
    sender.skip_to(nonce).expect("forward");
    let mut sealed = match sender.seal_to_vec(frame, codec) {
        Err(SealError::TooManyRanges) => {
            assert_eq!(sender.nonces(), nonce);
            return;
        }
        sealed => sealed.expect("short"),
    };
    let (media_len, .., ranges) = trailer(&sealed).expect("sealed");
    if matches!(codec, Some(Codec::H264 | Codec::H265)) {
        let edges = ranges.iter().map(|&(offset, len)| offset..offset + len);
        let mut is_clear = vec![false; sealed.len()];
        edges.for_each(|range| is_clear[range].fill(true));
        for at in (0..sealed.len() - 2).filter(|&at| has_start_code(&sealed[at..at + 3])) {
            assert!(is_clear[at..at + 3].iter().all(|&is_clear| is_clear), "a start code at {at}");
        }
    } else {
        assert_eq!(sender.nonces(), nonce + 1);
    }
    if !matches!(codec, Some(Codec::H264 | Codec::H265 | Codec::Av1)) {
        assert_eq!(media_len, frame.len());
    }
    let (opened, ..) = check(&sealed).expect("genuine");
    if !matches!(codec, Some(Codec::H264 | Codec::H265 | Codec::Av1)) {
        assert_eq!(opened, frame);
    }
    let at = at % sealed.len();
    sealed[at] ^= change;
    check(&sealed).ok();
}

/// The receiver's result, which must equal the reference's.
fn check(sealed: &[u8]) -> Result<(Vec<u8>, u64, u64), OpenError> {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    for (number, secret) in (FIRST_EPOCH..).zip(SECRETS) {
        receiver.add_epoch(number, BaseSecret::from_exported(&secret), START);
    }
    // Both epochs are still held at START, when generations beyond 1 are impossible.
    for now in [START, NOW] {
        let mut buf = sealed.to_vec();
        let expected = open(sealed, now);
        match (receiver.open_in_place(&mut buf, now), &expected) {
            (Ok(opened), Ok((frame, epoch, nonce))) => {
                assert_eq!((&*opened.frame, opened.epoch, opened.nonce), (&frame[..], *epoch, *nonce));
                let again = receiver.open_to_vec(sealed, now);
                // The other epoch's key is tried and fails.
                assert!(
                    matches!(again, Err(OpenError::Replayed { .. } | OpenError::Unauthentic)),
                    "{again:?}"
                );
                return expected;
            }
            (Err(error), Err(expected)) => {
                assert_eq!((error, &buf[..]), (*expected, sealed));
            }
            (result, expected) => panic!("{result:?}, not {expected:?}"),
        }
    }
    let genuine =
        Sender::new(Config::new(Backend::recommended()), BaseSecret::from_exported(&SECRETS[1]))
            .seal_to_vec(b"a frame", None);
    assert_eq!(receiver.open_to_vec(&genuine.expect("short"), NOW), Ok(b"a frame".to_vec()));
    open(sealed, NOW)
}

type Trailer = (usize, [u8; 8], u32, Vec<(usize, usize)>);

/// Parses with numbers of 128 bits.
fn trailer(sealed: &[u8]) -> Result<Trailer, OpenError> {
    if sealed.len() < 3 {
        return Err(OpenError::TooShort);
    }
    let (rest, marker) = sealed.split_at(sealed.len() - 2);
    let len = usize::from(rest[rest.len() - 1]);
    if marker != [0xfa, 0xfa] || len < 12 {
        return Err(OpenError::NotThisFormat);
    }
    let media_len = sealed.len().checked_sub(len).ok_or(OpenError::TooShort)?;
    let numbers = &sealed[media_len + 8..sealed.len() - 3];
    let mut read = Vec::new();
    let mut number = Vec::new();
    for &byte in numbers {
        number.push(byte & 127);
        if byte < 128 {
            let is_minimal = byte != 0 || number.len() == 1;
            if !is_minimal || number.len() > 10 {
                return Err(OpenError::NotThisFormat);
            }
            let value = number.iter().rev().fold(0_u128, |value, bits| value << 7 | u128::from(*bits));
            read.push(u64::try_from(value).map_err(|_| OpenError::NotThisFormat)?);
            number.clear();
        }
    }
    let [nonce, ranges @ ..] = &read[..] else { return Err(OpenError::NotThisFormat) };
    if !number.is_empty() || ranges.len() % 2 != 0 {
        return Err(OpenError::NotThisFormat);
    }
    let nonce = u32::try_from(*nonce).map_err(|_| OpenError::NotThisFormat)?;
    let mut checked = Vec::new();
    let mut end = 0;
    for range in ranges.chunks(2) {
        let (offset, len) = (u128::from(range[0]), u128::from(range[1]));
        if offset < end || offset + len > media_len as u128 {
            return Err(OpenError::NotThisFormat);
        }
        end = offset + len;
        checked.push((usize::try_from(offset).expect("inside"), usize::try_from(len).expect("inside")));
    }
    Ok((media_len, sealed[media_len..][..8].try_into().expect("eight"), nonce, checked))
}

/// Opens with the sealing half of another library's AES-GCM: encrypting reveals the keystream, and
/// encrypting again gives the tag.
fn open(sealed: &[u8], now: Duration) -> Result<(Vec<u8>, u64, u64), OpenError> {
    if sealed == [0xf8, 0xff, 0xfe] {
        return Err(OpenError::Injected);
    }
    let (media_len, tag, nonce, ranges) = trailer(sealed)?;
    let generation = nonce >> 24;
    let too_far = OpenError::StepTooFar { generation };
    if generation > if now == START { 1 } else { 250 } {
        return Err(too_far);
    }
    let mut is_clear = vec![false; media_len];
    ranges.iter().for_each(|&(offset, len)| is_clear[offset..offset + len].fill(true));
    let part = |wanted: bool| -> Vec<u8> {
        let bytes = sealed.iter().zip(&is_clear);
        bytes.filter(|(_, is_clear)| **is_clear == wanted).map(|(byte, _)| *byte).collect()
    };
    let (clear, ciphertext) = (part(true), part(false));
    let mut full = [0; 12];
    full[8..].copy_from_slice(&nonce.to_le_bytes());
    // The older epoch is erased by NOW.
    let held = if now == START { 2 } else { 1 };
    let epochs = [(FIRST_EPOCH + 1, SECRETS[1]), (FIRST_EPOCH, SECRETS[0])];
    for (number, secret) in epochs.into_iter().take(held) {
        let mut ratchet = HashRatchet::new(BaseSecret::from_exported(&secret));
        ratchet.advance_to(generation).expect("forward");
        let cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, Backend::Ring);
        let key = AeadKey::new(cipher, &*ratchet.expose_key()).expect("16 bytes");
        let mut payload = ciphertext.clone();
        let mut made = [0; 16];
        key.encrypt(full, &clear, &mut payload, &mut made).expect("short");
        let plaintext = payload.clone();
        key.encrypt(full, &clear, &mut payload, &mut made).expect("short");
        if made[..8] == tag {
            let mut parts = (clear.iter(), plaintext.iter());
            let next = |is_clear: &bool| if *is_clear { parts.0.next() } else { parts.1.next() };
            let frame: Option<Vec<u8>> = is_clear.iter().map(next).map(|byte| byte.copied()).collect();
            return Ok((frame.expect("as many"), number, nonce.into()));
        }
    }
    Err(OpenError::Unauthentic)
}
