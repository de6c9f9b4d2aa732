//! DAVE's published answers, and frames made from its text by a script that shares no code with
//! this.
#![cfg(feature = "dave")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use core::time::Duration;

use sealframe_profiles::{
    Backend, Codec, OpenError,
    dave::{
        BaseSecret, ClearUnits, CodeError, Config, HashRatchet, Receiver, Sender, Trailer,
        displayable_code, epoch_code, exporter_context, key_fingerprint, pairwise_code,
        pairwise_fingerprint,
    },
};
use sealframe_testkit::{dave, hex};

/// A receiver that has held its secret for this long has had time for every generation of the
/// vectors.
const LONG: Duration = Duration::from_secs(400 * 24 * 3600);

fn secret(bytes: &[u8]) -> BaseSecret {
    BaseSecret::from_exported(bytes.try_into().unwrap())
}

fn codec(name: &str) -> Codec {
    match name {
        "Opus" => Codec::Opus,
        "VP8" => Codec::Vp8,
        "VP9" => Codec::Vp9,
        "H264" => Codec::H264,
        "H265" => Codec::H265,
        "AV1" => Codec::Av1,
        other => panic!("{other}"),
    }
}

#[test]
fn the_ranges_of_libdaves_tests_stay_readable() {
    let mut count = 0;
    for vector in dave::published().iter().flat_map(|published| &published.clear_ranges) {
        let mut sender = Sender::new(Config::new(Backend::recommended()), secret(&[7; 16]));
        let sealed = sender.seal_to_vec(&vector.frame, codec(&vector.codec)).unwrap();
        let trailer = Trailer::parse(&sealed).unwrap();
        let ranges: Vec<_> = trailer.ranges().map(|range| (range.offset, range.len)).collect();
        assert_eq!(ranges, vector.unencrypted_ranges, "{}", vector.name);
        assert_eq!(ranges.len(), vector.unencrypted_range_count);
        assert_eq!(trailer.nonce(), 1);
        if let Some(clear) = &vector.expected_clear_bytes {
            assert!(sealed.starts_with(clear), "{}", vector.name);
        }
        count += 1;
    }
    assert_eq!(count, 14);
}

#[test]
fn codes_and_fingerprints_are_libdaves() {
    let published = dave::published();
    let mut counts = [0; 3];
    for vector in published.iter().flat_map(|published| &published.displayable_code) {
        let code = displayable_code(&vector.data, vector.length, vector.group);
        assert_eq!(code.unwrap(), vector.code);
        if vector.length == 30 {
            assert_eq!(epoch_code(&vector.data).unwrap(), vector.code);
        }
        counts[0] += 1;
    }
    for vector in published.iter().flat_map(|published| &published.key_fingerprint) {
        let made = key_fingerprint(vector.version, &vector.key, vector.user).unwrap();
        assert_eq!(made, *vector.fingerprint);
        counts[1] += 1;
    }
    for vector in published.iter().flat_map(|published| &published.pairwise_fingerprint) {
        let (one, other) = ((&vector.key_1[..], vector.user_1), (&vector.key_2[..], vector.user_2));
        let made = pairwise_fingerprint(vector.version, one, other).unwrap();
        assert_eq!(hex::encode(&made), hex::encode(&vector.scrypt_output));
        assert_eq!(pairwise_fingerprint(vector.version, other, one), Ok(made));
        assert_eq!(pairwise_code(&made), displayable_code(&made, 45, 5).unwrap());
        counts[2] += 1;
    }
    assert_eq!(counts, [2, 2, 2]);
}

#[test]
fn codes_that_nobody_could_compare_are_refused() {
    assert_eq!(displayable_code(&[0xaa; 4], 5, 5), Err(CodeError::TooFewBytes));
    assert_eq!(displayable_code(&[0xaa; 4], 4, 3), Err(CodeError::Groups));
    assert_eq!(displayable_code(&[0xaa; 4], 4, 0), Err(CodeError::Groups));
    assert_eq!(displayable_code(&[0xaa; 1024], 1024, 11), Err(CodeError::Groups));
    assert_eq!(displayable_code(&[0xff; 8], 8, 8).unwrap(), "09551615"); // 2^64 - 1
    assert_eq!(epoch_code(&[0; 29]), Err(CodeError::TooFewBytes));
    assert_eq!(key_fingerprint(1, &[0; 33], 1234), Err(CodeError::UnknownVersion));
    assert_eq!(key_fingerprint(0, &[], 1234), Err(CodeError::EmptyKey));
    assert_eq!(pairwise_fingerprint(0, (&[1], 1), (&[], 2)), Err(CodeError::EmptyKey));
    assert_eq!(exporter_context(0x0102_0304_0506_0708), [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn ratchets_have_the_keys_of_rfc_9420() {
    let mut count = 0;
    for vector in dave::made().ratchets {
        let mut ratchet = HashRatchet::new(secret(&vector.base_secret));
        for step in &vector.generations {
            ratchet.advance_to(step.generation).unwrap();
            assert_eq!(ratchet.generation(), step.generation);
            assert_eq!(ratchet.expose_key()[..], *step.key.0);
            assert_eq!(ratchet.expose_nonce()[..], *step.nonce.0);
            count += 1;
        }
        assert_eq!(ratchet.advance_to(0), None);
    }
    assert_eq!(count, 14);
}

#[test]
fn frames_are_sealed_byte_for_byte_and_open() {
    let vectors = dave::made().frames;
    for vector in &vectors {
        let mut config = Config::new(Backend::recommended());
        if vector.clear == "parameter sets" {
            config = config.with_clear_units(ClearUnits::ParameterSets);
        }
        let mut sender = Sender::new(config, secret(&vector.base_secret));
        sender.skip_to(vector.first_nonce - 1).unwrap();
        let sealed = sender.seal_to_vec(&vector.frame, vector.codec.as_deref().map(codec)).unwrap();
        assert_eq!(hex::encode(&sealed), hex::encode(&vector.sealed), "{}", vector.name);
        assert_eq!(sender.nonces(), vector.nonce);
        let ranges = Trailer::parse(&sealed).unwrap().ranges();
        let ranges: Vec<_> = ranges.map(|range| (range.offset, range.len)).collect();
        assert_eq!(ranges, vector.ranges);

        for backend in Backend::available() {
            let mut receiver = Receiver::new(Config::new(backend));
            receiver.add_epoch(3, secret(&vector.base_secret), Duration::ZERO);
            let generation = vector.nonce >> 24;
            let mut sender =
                Sender::new(Config::new(Backend::recommended()), secret(&vector.base_secret));
            if generation > 200 {
                // Further ahead than a receiver follows, and more than 8 bits hold: it has opened
                // another frame before.
                sender.skip_to((generation - 100) << 24).unwrap();
                receiver.open_to_vec(&sender.seal_to_vec(b"earlier", None).unwrap(), LONG).unwrap();
                receiver.erase_old(LONG + Duration::from_secs(10));
            }
            let mut buf = vector.sealed.to_vec();
            let opened = receiver.open_in_place(&mut buf, LONG).unwrap();
            assert_eq!(hex::encode(opened.frame), hex::encode(&vector.opened), "{}", vector.name);
            assert_eq!(
                (opened.epoch, opened.nonce, opened.generation()),
                (3, vector.nonce, generation)
            );
            let again = receiver.open_to_vec(&vector.sealed, LONG).unwrap_err();
            assert!(matches!(again, OpenError::Replayed { count } if count == vector.nonce));
        }
    }
    assert_eq!(vectors.len(), 60);
}
