//! Any frame of any codec passes packetizers unchanged, opens, and shows no more than it must.
#![cfg(feature = "dave")]
#![expect(clippy::unwrap_used, reason = "a test")]

mod dave_common;

use dave_common::{NOW, frames, payload, receiver, receivers, secret, sender};
use proptest::{collection::vec, prelude::*};
use sealframe_profiles::{
    Backend, Codec, FrameBuf, SealError,
    dave::{ClearUnits, Config, Sender, Trailer},
};
use sealframe_testkit::alloc::{CountingAllocator, count};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Units by a comparison at every place: WebRTC's way, in which one zero before a start code is
/// part of it.
fn units(frame: &[u8]) -> Vec<&[u8]> {
    let codes: Vec<usize> =
        (0..frame.len().saturating_sub(2)).filter(|&at| frame[at..at + 3] == [0, 0, 1]).collect();
    let end = |place: usize| match codes.get(place + 1) {
        Some(&next) if next > codes[place] + 3 && frame[next - 1] == 0 => next - 1,
        Some(&next) => next,
        None => frame.len(),
    };
    codes.iter().enumerate().map(|(place, &code)| &frame[code + 3..end(place)]).collect()
}

/// The frame that a depacketizer returns: each unit after a start code of four bytes.
fn through_h26x(frame: &[u8]) -> Vec<u8> {
    let units = units(frame).into_iter().filter(|unit| !unit.is_empty());
    units.flat_map(|unit| [&[0, 0, 0, 1], unit].concat()).collect()
}

/// The same of H.264 or H.265 that no packetizer would take, or would take otherwise: `None`.
fn well_made_units(frame: &[u8]) -> Option<Vec<u8>> {
    let arrived = through_h26x(frame);
    let first = (0..frame.len().saturating_sub(2)).find(|&at| frame[at..at + 3] == [0, 0, 1])?;
    (frame[..first].iter().all(|&byte| byte == 0) && !arrived.is_empty()).then_some(arrived)
}

/// Header and payload of each OBU, or `None`.
fn obus(frame: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let (mut obus, mut at) = (Vec::new(), 0);
    while at < frame.len() {
        let header_len = if frame[at] & 4 == 0 { 1 } else { 2 };
        let header = frame.get(at..at + header_len)?.to_vec();
        if header[0] & 0x81 != 0 {
            return None;
        }
        at += header_len;
        let mut size = frame.len() - at;
        if header[0] & 2 != 0 {
            size = 0;
            for place in 0.. {
                let byte = u64::from(*frame.get(at)?);
                at += 1;
                size += usize::try_from((byte & 127) << (7 * place)).unwrap();
                if byte < 128 {
                    break;
                } else if place == 7 {
                    return None;
                }
            }
        }
        if u32::try_from(size).is_err() {
            return None;
        }
        obus.push((header, frame.get(at..at.checked_add(size)?)?.to_vec()));
        at += size;
    }
    Some(obus)
}

/// In LEB128.
fn size(mut left: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while left > 127 {
        out.push(u8::try_from(left % 128).unwrap() | 128);
        left /= 128;
    }
    out.push(u8::try_from(left).unwrap());
    out
}

/// What Discord's depacketizer hands over: minimal sizes, and none in the last OBU.
fn through_av1(frame: &[u8]) -> Option<Vec<u8>> {
    let mut obus = obus(frame)?;
    obus.retain(|(header, _)| ![2, 8, 15].contains(&(header[0] >> 3 & 15)));
    let last = obus.len().checked_sub(1);
    let mut out = Vec::new();
    for (place, (mut header, payload)) in obus.into_iter().enumerate() {
        let is_last = Some(place) == last;
        header[0] = header[0] & !2 | if is_last { 0 } else { 2 };
        out.extend(header);
        if !is_last {
            out.extend(size(payload.len()));
        }
        out.extend(payload);
    }
    Some(out)
}

/// The frame at the other end.
fn expected(codec: Codec, frame: &[u8]) -> Vec<u8> {
    let rewritten = match codec {
        Codec::H264 | Codec::H265 => well_made_units(frame),
        Codec::Av1 => through_av1(frame),
        Codec::Opus | Codec::Vp8 | Codec::Vp9 => None,
    };
    rewritten.unwrap_or_else(|| frame.to_vec())
}

/// Seals, lets a packetizer and a depacketizer at it, opens.
fn goes_through(sender: &mut Sender, codec: Codec, frame: &[u8]) {
    let sealed = match sender.seal_to_vec(frame, codec) {
        Err(SealError::TooManyRanges) => return,
        sealed => sealed.unwrap(),
    };
    let is_rewritten = match codec {
        Codec::H264 | Codec::H265 => well_made_units(frame).is_some(),
        Codec::Av1 => through_av1(frame).is_some_and(|media| !media.is_empty()),
        Codec::Opus | Codec::Vp8 | Codec::Vp9 => false,
    };
    if is_rewritten {
        let arrived =
            if codec == Codec::Av1 { through_av1(&sealed).unwrap() } else { through_h26x(&sealed) };
        assert_eq!(arrived, sealed, "{codec:?} {frame:02x?}");
    }
    let media_len = Trailer::parse(&sealed).unwrap().media_len();
    assert_eq!(media_len, expected(codec, frame).len());
    assert_eq!(receiver().open_to_vec(&sealed, NOW).unwrap(), expected(codec, frame), "{codec:?}");
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![2 => Just(0_u8), 1 => Just(1), 1 => 0..5_u8, 3 => any::<u8>()], 0..most)
}

/// Units with start codes of either length, and at times zeros before them.
fn unit_frames() -> impl Strategy<Value = Vec<u8>> {
    let zeros = prop_oneof![8 => 0..2_usize, 1 => 2..5_usize];
    vec((zeros, bytes(30)), 1..6).prop_map(|units| {
        units
            .into_iter()
            .flat_map(|(zeros, unit)| [&vec![0; zeros][..], &[0, 0, 1], &unit].concat())
            .collect()
    })
}

fn obu_frames() -> impl Strategy<Value = Vec<u8>> {
    let obu = (0..16_u8, any::<bool>(), bytes(30), 1..3_usize).prop_map(
        |(kind, has_extension, payload, size_len)| {
            let mut obu = vec![kind << 3 | u8::from(has_extension) << 2 | 2];
            obu.extend(has_extension.then_some(0x48));
            let len = u8::try_from(payload.len()).unwrap();
            obu.extend(if size_len == 1 { vec![len] } else { vec![len | 128, 0] });
            [obu, payload].concat()
        },
    );
    (vec(obu, 0..6), any::<bool>()).prop_map(|(mut obus, ends_without_size)| {
        if ends_without_size {
            obus.push(vec![0x30, 7, 7]);
        }
        obus.concat()
    })
}

proptest! {
    #[test]
    fn any_bytes_of_any_codec_go_through(frame in bytes(120), place in 0..6_usize) {
        goes_through(&mut sender(), Codec::ALL[place], &frame);
    }

    #[test]
    fn any_units_go_through(frame in unit_frames(), is_h264: bool, are_few_clear: bool) {
        let mut config = Config::new(Backend::recommended());
        if are_few_clear {
            config = config.with_clear_units(ClearUnits::ParameterSets);
        }
        let mut sender = Sender::new(config, secret(1));
        goes_through(&mut sender, if is_h264 { Codec::H264 } else { Codec::H265 }, &frame);
    }

    #[test]
    fn any_obus_go_through(frame in obu_frames()) {
        goes_through(&mut sender(), Codec::Av1, &frame);
    }

    /// Any two frames that differ only in encrypted bytes look the same where they are readable.
    #[test]
    fn no_unit_with_a_picture_is_readable_behind_its_front(kind in 0..64_u8, body in vec(1..=255_u8, 20..40)) {
        let of_h264 = [&[0, 0, 0, 1, kind & 31][..], &body].concat();
        let of_h265 = [&[0, 0, 0, 1, kind << 1, 1][..], &body].concat();
        for (codec, frame, is_readable) in [
            (Codec::H264, of_h264, (6..=16).contains(&(kind & 31))),
            (Codec::H265, of_h265, (32..=40).contains(&kind)),
        ] {
            let sealed = sender().seal_to_vec(&frame, codec).unwrap();
            let trailer = Trailer::parse(&sealed).unwrap();
            let clear: usize = trailer.ranges().map(|range| range.len).sum();
            if is_readable {
                prop_assert_eq!(clear, frame.len());
            } else {
                // Start code, header, and at most five bytes for three codes of what begins with a
                // one below 256.
                prop_assert!(clear <= 4 + 2 + 5, "{} of {:?} {}", clear, codec, kind);
            }
        }
    }
}

#[test]
fn a_nonce_with_a_start_code_is_skipped() {
    let frame = [&[0, 0, 0, 1, 0x65, 0xb8][..], &payload(1 << 20)].concat();
    let (mut sender, mut receiver) = (sender(), receiver());
    let mut skipped = 0;
    for _ in 0..40 {
        let before = sender.nonces();
        let sealed = sender.seal_to_vec(&frame, Codec::H264).unwrap();
        assert_eq!(units(&sealed).len(), 1);
        skipped += sender.nonces() - before - 1;
        assert_eq!(receiver.open_to_vec(&sealed, NOW).unwrap(), frame);
    }
    // One in 16 holds a start code.
    assert!((1..10).contains(&skipped), "{skipped}");
}

#[test]
fn readable_bytes_behind_what_is_encrypted_do_not_move_it() {
    // The longer start code makes up for the unit: the run keeps its place, and yet does not follow
    // all readable bytes.
    let frame = [0, 0, 0, 1, 0, 1, 0, 0, 1, 0];
    goes_through(&mut sender(), Codec::H264, &frame);
}

#[test]
fn a_frame_with_no_nonce_for_it_is_given_up_and_zeroed() {
    const LEN: usize = 16 << 20;
    // Most nonces give such a frame a start code; the ten after this one all do.
    let first = 139;
    let mut sender = sender();
    sender.skip_to(first).unwrap();
    let mut buf = vec![0xaa; LEN + Sender::TAILROOM];
    buf[..6].copy_from_slice(&[0, 0, 0, 1, 0x65, 0xb8]);
    let frame = FrameBuf::new(&mut buf, 0..LEN).unwrap();
    assert_eq!(sender.seal_in_place(frame, Codec::H264), Err(SealError::StartCode));
    assert_eq!(sender.nonces(), first + 10);
    assert!(buf[..LEN].iter().all(|&byte| byte == 0));
    assert_eq!(sender.seal_to_vec(b"a frame", None).unwrap().len(), 7 + 13);
}

#[test]
fn sealing_needs_the_room_that_it_says() {
    for (codec, frame) in frames() {
        let (mut sender, mut exact) = (sender(), sender());
        let len = exact.seal_to_vec(&frame, codec).unwrap().len();
        for room in 0..40 {
            let mut buf = [&[9; 5][..], &frame, &vec![9; room]].concat();
            let before = buf.clone();
            let in_buf = FrameBuf::new(&mut buf, 5..5 + frame.len()).unwrap();
            match sender.seal_in_place(in_buf, codec) {
                Ok(sealed) => {
                    assert_eq!(sealed.len(), len);
                    assert!(frame.len() + room >= len);
                    assert_eq!(buf[..5], [9; 5]);
                    break;
                }
                Err(error) => {
                    assert_eq!(error, SealError::NoTailroom { need: len - frame.len() });
                    assert!(frame.len() + room < len);
                    assert_eq!((buf, sender.nonces()), (before, 0));
                }
            }
        }
        assert_eq!(sender.nonces(), 1);
    }
    // More units than the usual room is for.
    let many = [&[0, 0, 1, 6, 5].repeat(400)[..], &[0, 0, 1, 0x65, 0xb8, 1]].concat();
    let sealed = sender().seal_to_vec(&many, Codec::H264).unwrap();
    assert_eq!(receiver().open_to_vec(&sealed, NOW).unwrap(), through_h26x(&many));
}

#[test]
fn frames_after_the_first_allocate_nothing() {
    for mut receiver in receivers() {
        let mut sender = sender();
        let mut buf = vec![0; 2000 + Sender::TAILROOM];
        let mut all = || {
            for (codec, frame) in frames() {
                buf[..frame.len()].copy_from_slice(&frame);
                let in_buf = FrameBuf::new(&mut buf, 0..frame.len()).unwrap();
                let sealed = sender.seal_in_place(in_buf, codec).unwrap();
                assert_eq!(receiver.open_in_place(sealed, NOW).unwrap().frame, frame);
                sealed[0] ^= 1;
                assert!(receiver.open_in_place(sealed, NOW).is_err());
            }
        };
        all();
        assert_eq!(count(all), frames_allocate());
    }
}

/// What making the frames takes.
fn frames_allocate() -> u64 {
    count(|| drop(frames()))
}
