//! Target `header`: the bytes are the start of a sealed frame.

use sealframe::wire::HeaderPrediction;
use sealframe::{
    Ctr, FrameView, Header, HeaderError, Kid, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout,
};

use crate::{input::Input, reference};

/// Parsing agrees with two loops, including the error; encoding is its inverse.
pub fn header(data: &[u8]) {
    let parsed = Header::parse(data);
    let expected = reference::decode_header(data);
    assert_eq!(parsed.map(|header| (header.kid().get(), header.ctr().get(), header.len())), expected);

    let view = FrameView::parse(data);
    match parsed {
        Err(error) => assert_eq!(view.map(|_| ()), Err(error)),
        Ok(header) => {
            let view = view.expect("parsed before");
            assert_eq!(view.header, header);
            assert_eq!(view.body, &data[header.len()..]);
            round_trip(header, &data[..header.len()]);
            layouts(header.kid());
        }
    }
    predictions(data);

    // The inverse direction: 16 bytes as two numbers.
    let mut input = Input::new(data);
    let (kid, ctr) = (input.u64(), input.u64());
    let header = Header::new(Kid::new(kid), Ctr::new(ctr));
    round_trip(header, &reference::encode_header(kid, ctr));
    layouts(header.kid());
}

/// Checks that `bytes` are the only encoding of `header`.
fn round_trip(header: Header, bytes: &[u8]) {
    let encoded = header.encode();
    assert_eq!(encoded.as_bytes(), bytes);
    assert_eq!(encoded.right_aligned()[encoded.start()..], *bytes);
    assert_eq!(header.len(), bytes.len());
    assert_eq!(Header::parse(bytes), Ok(header));
    for end in 0..bytes.len() {
        let error = if end == 0 { HeaderError::Empty } else { HeaderError::Truncated };
        assert_eq!(Header::parse(&bytes[..end]), Err(error));
    }

    let (kid, mut ctr, mut next) = (header.kid(), header.ctr().get(), encoded);
    for _ in 0..9 {
        next.advance();
        ctr = ctr.saturating_add(1);
        assert_eq!(next.header(), Header::new(kid, Ctr::new(ctr)));
        assert_eq!(next.as_bytes(), reference::encode_header(kid.get(), ctr));
    }
}

/// A header that a prediction recognises parses to the same values, for every earlier CTR of this
/// KID.
fn predictions(data: &[u8]) {
    let Some(kid) = kid_in_any_form(data) else {
        return;
    };
    for ctr in [0, 7, 8, 0xff, 0x100, 0xff_ffff, 1 << 24, 1 << 40, 1 << 48, u64::MAX] {
        let prediction = HeaderPrediction::after(Header::new(kid, Ctr::new(ctr)));
        if let Some(header) = prediction.recognise(data) {
            assert_eq!(Header::parse(data), Ok(header));
            assert_eq!(prediction.len(), header.len());
        }
    }
}

/// The KID at the start of `data`, minimal or not.
fn kid_in_any_form(data: &[u8]) -> Option<Kid> {
    let config = data.first()?;
    let inline = config >> 4 & 7;
    let bytes = if *config < 128 { &[inline] } else { data.get(1..2 + usize::from(inline))? };
    Some(Kid::new(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))))
}

/// A KID splits into its fields as arithmetic does, and joins again.
fn layouts(kid: Kid) {
    for (high, low) in [(0, 0), (0, 4), (16, 8), (6, 4), (63, 0), (0, 63), (1, 62), (31, 32)] {
        let [top, middle, bottom] = fields(kid, high, low);
        let layout = SenderKeyLayout::new(high, low).expect("at most 63 bits");
        let split = layout.split(kid);
        assert_eq!(split, SenderKeyKid { generation: top, sender: middle, step: bottom });
        assert_eq!(layout.join(split), Some(kid));

        let layout = MlsLayout::new(low, high).expect("at most 63 bits");
        let split = layout.split(kid);
        assert_eq!(split, MlsKid { context: top, index: middle, epoch: bottom });
        assert_eq!(layout.join(split), Some(kid));
    }
}

/// The fields above, in and below `middle_bits`, with `low_bits` under them.
fn fields(kid: Kid, middle_bits: u8, low_bits: u8) -> [u64; 3] {
    let kid = u128::from(kid.get());
    let (middle, low) = (2_u128.pow(middle_bits.into()), 2_u128.pow(low_bits.into()));
    [kid / low / middle, kid / low % middle, kid % low].map(|field| field.try_into().expect("64 bits"))
}
