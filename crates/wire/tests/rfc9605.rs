//! Headers against RFC 9605's vectors, and against every short input.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sealframe_testkit::{hex, rfc9605};
use sealframe_wire::{Ctr, Header, HeaderError, HeaderPrediction, Kid};

#[test]
fn all_289_header_vectors_both_ways() {
    let vectors = rfc9605::headers();
    for vector in &vectors {
        let header = Header::new(Kid::new(vector.kid), Ctr::new(vector.ctr));
        assert_eq!(hex::encode(header.encode().as_bytes()), hex::encode(&vector.encoded));
        assert_eq!(header.len(), vector.encoded.len());
        assert_eq!(Header::parse(&vector.encoded), Ok(header));
        // Bytes after a header do not matter, wherever the frame ends.
        for more in 1..20 {
            let frame = [&*vector.encoded, &vec![0xff; more]].concat();
            assert_eq!(Header::parse(&frame), Ok(header));
        }
        for cut in 0..vector.encoded.len() {
            let expected = if cut == 0 { HeaderError::Empty } else { HeaderError::Truncated };
            assert_eq!(Header::parse(&vector.encoded[..cut]), Err(expected));
        }
    }
    assert_eq!(vectors.len(), 289);
    println!("ran {} header vectors", vectors.len());
}

/// The RFC's text as a program, one byte at a time: the oracle for [`Header::parse`].
fn decode_slowly(frame: &[u8]) -> Result<(u64, u64, usize), HeaderError> {
    let (&config, mut rest) = frame.split_first().ok_or(HeaderError::Empty)?;
    let mut len = 1;
    let mut fields = [0; 2];
    let mut minimal = [true; 2];
    for (place, nibble) in [config >> 4, config & 15].into_iter().enumerate() {
        if nibble < 8 {
            fields[place] = u64::from(nibble);
            continue;
        }
        let bytes = usize::from(nibble - 8 + 1);
        let field = rest.get(..bytes).ok_or(HeaderError::Truncated)?;
        rest = &rest[bytes..];
        len += bytes;
        fields[place] = field.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        minimal[place] = if bytes == 1 { field[0] >= 8 } else { field[0] != 0 };
    }
    match minimal {
        [true, true] => Ok((fields[0], fields[1], len)),
        [false, _] => Err(HeaderError::KidNotMinimal),
        [true, false] => Err(HeaderError::CtrNotMinimal),
    }
}

fn agrees(frame: &[u8]) {
    let parsed = Header::parse(frame).map(|header| {
        let encoded = header.encode();
        assert_eq!(encoded.as_bytes(), &frame[..header.len()], "parse and encode are inverse");
        (header.kid().get(), header.ctr().get(), header.len())
    });
    assert_eq!(parsed, decode_slowly(frame), "{}", hex::encode(frame));
}

#[test]
fn every_input_of_three_bytes_agrees_with_the_text() {
    agrees(&[]);
    for a in 0..=255 {
        agrees(&[a]);
        for b in 0..=255 {
            agrees(&[a, b]);
            for c in 0..=255 {
                agrees(&[a, b, c]);
            }
        }
    }
}

#[test]
fn every_config_byte_with_fields_at_their_edges_agrees_with_the_text() {
    for config in 0..=255 {
        for fill in [0x00, 0x01, 0x07, 0x08, 0x80, 0xff] {
            for first in [0x00, 0x01, 0x07, 0x08, 0xff] {
                for len in 0..20 {
                    let mut frame = vec![fill; len];
                    frame.iter_mut().skip(1).step_by(4).for_each(|byte| *byte = first);
                    if let Some(byte) = frame.first_mut() {
                        *byte = config;
                    }
                    agrees(&frame);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_agree_with_the_text(frame in proptest::collection::vec(any::<u8>(), 0..40)) {
        agrees(&frame);
    }

    #[test]
    fn any_values_come_back(
        kid in any::<u64>(), ctr in any::<u64>(), kid_shift in 0..64, ctr_shift in 0..64,
    ) {
        let header = Header::new(Kid::new(kid >> kid_shift), Ctr::new(ctr >> ctr_shift));
        prop_assert_eq!(Header::parse(header.encode().as_bytes()), Ok(header));
        prop_assert_eq!(header.encode().as_bytes().len(), header.len());
    }
}

proptest! {
    /// Recognising a header gives what parsing gives, and the next header of a stream is
    /// recognised.
    #[test]
    fn a_prediction_is_only_a_short_cut(
        kid in any::<u64>(), ctr in any::<u64>(), kid_shift in 0..64, ctr_shift in 0..64,
        next in any::<u64>(), next_shift in 0..64, mutation in proptest::option::of((0_usize..20, any::<u8>())),
    ) {
        let (kid, ctr) = (Kid::new(kid >> kid_shift), ctr >> ctr_shift);
        let last = Header::new(kid, Ctr::new(ctr));
        let prediction = HeaderPrediction::after(last);
        let predicts = ctr >= 8 && last.len() <= 8;
        for next in [ctr, ctr.saturating_add(1), next >> next_shift] {
            let next = Header::new(kid, Ctr::new(next));
            let mut frame = [next.encode().as_bytes(), &[0x5a; 20]].concat();
            let recognised = prediction.recognise(&frame);
            let alike = next.len() == last.len() && next.ctr().get() >= 8;
            prop_assert_eq!(recognised.is_some(), predicts && alike);
            prop_assert!(recognised.is_none_or(|header| header == next));
            if let Some((place, byte)) = mutation {
                frame[place] = byte;
            }
            if let Some(header) = prediction.recognise(&frame) {
                prop_assert_eq!(Header::parse(&frame), Ok(header));
                prop_assert_eq!(header.len(), prediction.len());
            }
        }
    }

    #[test]
    fn counting_up_is_encoding_anew(kid in any::<u64>(), ctr in any::<u64>(), shift in 0..64, near in 0_u64..300) {
        for start in [near, (ctr >> shift) & !0xff_u64, ctr >> shift, u64::MAX - near] {
            let mut counted = Header::new(Kid::new(kid), Ctr::new(start)).encode();
            for more in 1..=300 {
                counted.advance();
                let anew = Header::new(Kid::new(kid), Ctr::new(start.saturating_add(more)));
                prop_assert!(counted.as_bytes() == anew.encode().as_bytes());
                prop_assert_eq!(counted.header(), anew);
            }
        }
    }
}

/// Every first byte and every short CTR field, against every prediction of a short header.
#[test]
fn a_prediction_recognises_no_other_header() {
    for kid in [0, 7, 8, 255, 256, 0x1_0000] {
        for ctr in [8, 255, 256, 0xffff, 0x1_0000] {
            let last = Header::new(Kid::new(kid), Ctr::new(ctr));
            let prediction = HeaderPrediction::after(last);
            let mut frame = [last.encode().as_bytes(), &[0xaa; 10]].concat();
            for place in 0..last.len() {
                let kept = frame[place];
                for byte in 0..=255 {
                    frame[place] = byte;
                    if let Some(header) = prediction.recognise(&frame) {
                        assert_eq!(Header::parse(&frame), Ok(header));
                    }
                }
                frame[place] = kept;
            }
        }
    }
}

#[test]
fn a_view_ends_where_the_header_does() {
    let view = sealframe_wire::FrameView::parse(&[0x18, 0x09, 0xaa, 0xbb]).unwrap();
    assert_eq!((view.header.kid().get(), view.header.ctr().get()), (1, 9));
    assert_eq!(view.body, [0xaa, 0xbb]);
}
