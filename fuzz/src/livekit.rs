//! Targets `livekit` and `livekit_data`: set-up, then a sealed frame or a packet from anyone, or
//! one to be sealed and changed.

use sealframe_profiles::{
    Backend, Codec, FrameBuf, FrameInfo, FrameType, OpenError, ReceiverEvent,
    livekit::{Config, Key, Peer, Receiver, Sender, data::DataChannel},
};

use crate::{
    input::Input,
    jframe::{self, Chain, Refusal},
    jitsi::check,
};

const MATERIAL: [u8; 16] = [0x5e; 16];
const TRAILER: &[u8] = b"injected by a server";

/// A frame that opens also opens with ring, with some number of clear bytes, with or without
/// unescaping; a genuine frame opens; a frame opens once, and a rejected frame changes nothing.
pub fn livekit(data: &[u8]) {
    let mut input = Input::new(data);
    let (kind, mode) = (input.u8(), input.u8());
    let info = info(kind);
    let (frame, genuine) = if mode.is_multiple_of(2) {
        (input.rest().to_vec(), None)
    } else {
        let changes = input.take(usize::from(mode >> 4) % 5 * 2);
        let payload = input.rest();
        let peer = if kind & 0x80 == 0 { Peer::JavaScript } else { Peer::Native };
        let mut sender = sender(peer);
        for _ in 0..mode / 2 % 9 {
            sender.ratchet(3).expect("held");
        }
        let Ok(mut frame) = sender.seal_to_vec(payload, &info) else { return };
        let sealed = frame.clone();
        jframe::change(&mut frame, changes);
        let genuine = (frame == sealed).then(|| payload.to_vec());
        (frame, genuine)
    };

    let mut receiver = receiver();
    let before = receiver.expose_key(3).expect("held").to_vec();
    let mut buf = frame.clone();
    let result = receiver.open_in_place(&mut buf, &info).map(|opened| opened.frame.to_vec());
    if let Some(genuine) = genuine.filter(|genuine| is_sure(&info, kind, genuine)) {
        assert_eq!(result.as_ref(), Ok(&genuine));
    }
    let end = frame.len() - metadata_len(&frame);
    match result {
        Ok(opened) => {
            let opens = ways(&frame[..end]).find(|(_, payload)| *payload == opened);
            let (step, _) = opens.expect("ring opens it");
            let steps = u8::try_from(step).expect("at most 8");
            let event = (steps > 0).then_some(ReceiverEvent::Ratcheted { index: 3, steps });
            assert_eq!(receiver.poll_event(), event);
            let again = receiver.open_to_vec(&frame, &info);
            assert!(matches!(again, Err(OpenError::Replayed { .. })), "{again:?}");
        }
        Err(error) => {
            if error != OpenError::Unauthentic {
                assert_eq!(buf, frame);
            }
            assert_eq!(error == OpenError::Injected, frame[..end].ends_with(TRAILER));
            assert_eq!(receiver.expose_key(3), Some(&before[..]));
            let audio = FrameInfo::audio(None, 7, 960);
            let genuine = sender(Peer::Native).seal_to_vec(b"a frame", &audio).expect("long enough");
            assert_eq!(receiver.open_to_vec(&genuine, &audio), Ok(b"a frame".to_vec()));
        }
    }
}

/// Whether the sealed frame shows its layout: some frames of units without a slice do not, to
/// LiveKit's clients neither.
fn is_sure(info: &FrameInfo, kind: u8, frame: &[u8]) -> bool {
    match info.codec {
        Some(Codec::H264 | Codec::H265) | None => {
            frame.len() > 8 && matches!(frame, [0, 0, 0, 1, 0x41 | 0x65, ..])
        }
        Some(Codec::Vp8) => kind & 0x80 == 0 || info.frame_type != FrameType::Empty,
        Some(Codec::Opus | Codec::Vp9 | Codec::Av1) => true,
    }
}

/// Every way in which ring opens a frame: the place in the chain, and the plaintext.
fn ways(frame: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let chains = chains();
    (0..frame.len())
        .flat_map(move |clear| {
            let escaped = [&frame[..clear], &unescaped(&frame[clear..])].concat();
            [frame.to_vec(), escaped].map(|frame| jframe::open(&chains, 16, &frame, clear).ok())
        })
        .flatten()
}

/// Byte by byte.
fn unescaped(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((&byte, rest)) = bytes.split_first() {
        if let [0, 0, 3, rest @ ..] = bytes {
            out.extend([0, 0]);
            bytes = rest;
        } else {
            out.push(byte);
            bytes = rest;
        }
    }
    out
}

/// Length of the metadata after a frame.
fn metadata_len(frame: &[u8]) -> usize {
    let Some(front) = frame.strip_suffix(b"LKTS") else { return 0 };
    let len = front.last().map_or(0, |len| usize::from(len ^ 0xff));
    if (5..=frame.len()).contains(&len) { len } else { 0 }
}

/// A packet opens exactly if a reader of fields finds 12 bytes of IV, and ring opens the value.
pub fn livekit_data(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.u8();
    let packet = if mode.is_multiple_of(2) {
        input.rest().to_vec()
    } else {
        let changes = input.take(usize::from(mode >> 4) % 5 * 2);
        let mut buf = [input.rest(), &[0; 16]].concat();
        let len = buf.len() - 16;
        let mut sender = sender(Peer::JavaScript);
        for _ in 0..mode / 2 % 10 {
            sender.ratchet(3).expect("held");
        }
        sender.begin_data(99);
        let data = FrameBuf::new(&mut buf, 0..len).expect("inside");
        let sealed = sender.seal_data_in_place(data, 1000).expect("room");
        let mut packet = Vec::new();
        sealed
            .write_packet(if mode & 0x80 == 0 { Peer::JavaScript } else { Peer::Native }, &mut packet);
        jframe::change(&mut packet, changes);
        packet
    };

    let expected = fields(&packet).ok_or(Refusal::Trailer).and_then(|(index, iv, value)| {
        if value.len() < 16 {
            return Err(Refusal::TooShort);
        }
        if index >= 16 {
            return Err(Refusal::Trailer);
        }
        jframe::decrypt(&chains(), index, iv, &[], &value)
    });
    let mut receiver = receiver();
    let mut buf = packet.clone();
    let result = receiver.open_packet_in_place(&mut buf).map(|opened| opened.frame.to_vec());
    match (result, expected) {
        (Ok(opened), Ok((_, payload))) => {
            assert_eq!(opened, payload);
            let again = receiver.open_packet_in_place(&mut packet.clone()).map(|_| ());
            assert!(matches!(again, Err(OpenError::Replayed { .. })), "{again:?}");
            // A data track is a different channel.
            let (index, iv, mut value) = fields(&packet).expect("as before");
            let track = receiver.open_data_in_place(DataChannel::Track(1), index, iv, &mut value);
            assert_eq!(track.map(|opened| opened.frame.to_vec()), Ok(payload));
        }
        (Err(error), Err(refusal)) => {
            check(error, refusal);
            if error != OpenError::Unauthentic {
                assert_eq!(buf, packet);
            }
        }
        (result, expected) => panic!("{result:?}, not {expected:?}"),
    }
}

/// Key index, IV and value of a packet, field by field.
fn fields(mut packet: &[u8]) -> Option<(u8, [u8; 12], Vec<u8>)> {
    let varint = |packet: &mut &[u8]| -> Option<u64> {
        let len = packet.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
        let (bytes, rest) = packet.split_at(len);
        *packet = rest;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
    };
    let (mut index, mut iv, mut value) = (0, None, vec![]);
    while !packet.is_empty() {
        let tag = varint(&mut packet)?;
        let len = match tag % 8 {
            0 => {
                let number = varint(&mut packet)?;
                if tag / 8 == 3 {
                    index = u8::try_from(number).ok()?;
                }
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut packet)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (bytes, rest) = packet.split_at_checked(len)?;
        packet = rest;
        match tag {
            0x12 => iv = bytes.try_into().ok(),
            0x22 => value = bytes.to_vec(),
            _ => {}
        }
    }
    Some((index, iv?, value))
}

fn info(kind: u8) -> FrameInfo {
    let frame_type = [FrameType::Key, FrameType::Delta, FrameType::Empty][usize::from(kind / 8 % 3)];
    let codec = match kind % 8 {
        0 => return FrameInfo::audio(Some(Codec::Opus), 7, 960),
        1 => Some(Codec::Vp8),
        2 => Some(Codec::Vp9),
        3 | 4 => Some(Codec::H264),
        5 => Some(Codec::H265),
        6 => Some(Codec::Av1),
        _ => None,
    };
    FrameInfo::video(codec, frame_type, 7, 3000)
}

fn sender(peer: Peer) -> Sender {
    let mut sender = Sender::new(Config::new(Backend::recommended()).with_peer(peer));
    sender.set_key(3, Key::hkdf(&MATERIAL)).expect("the first");
    sender
}

fn receiver() -> Receiver {
    let mut receiver = Receiver::new(Config::new(Backend::recommended()));
    receiver.set_key(3, Key::hkdf(&MATERIAL));
    receiver.set_injection_trailer(TRAILER);
    receiver
}

fn chains() -> [Chain; 1] {
    let mut material = MATERIAL.to_vec();
    let mut keys = Vec::new();
    for _ in 0..9 {
        material = jframe::hkdf(b"LKFrameEncryptionKey", &material, &[0; 128], 32);
        keys.push(material[..16].to_vec());
    }
    [Chain { index: 3, keys }]
}
