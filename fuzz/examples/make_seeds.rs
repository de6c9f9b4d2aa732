//! Writes `seeds/`: small inputs that reach deep code, from the RFC's vectors, from `keys.json` and
//! by hand.
//!
//! `cargo run -p sealframe-fuzz --example make_seeds`; with a path, into that folder. Inputs that
//! once failed are kept beside them, under names that begin with `found-`, and are not changed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use sealframe::{
    Cipher, CipherSuite, MemberId, SharedSecret, SharedSecretCall, Stream, StreamKind,
    group::{Identity, UserId, message, verification::TrustStore},
};
use sealframe_profiles::dave as dave_format;
use sealframe_testkit::{dave, hex, jframe, rfc9605};
use serde_json::Value;

type Result<T> = core::result::Result<T, Box<dyn core::error::Error>>;

fn main() -> Result<()> {
    headers()?;
    opens()?;
    seal_opens()?;
    replay_orders()?;
    announcements()?;
    groups()?;
    kernels()?;
    codecs_and_dave()?;
    jitsi_and_livekit()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let folder = env::args_os().nth(1).map_or_else(own, PathBuf::from).join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

/// Every eighth header of the RFC's vectors, and invalid headers.
fn headers() -> Result<()> {
    for vector in rfc9605::headers().iter().step_by(8) {
        let name = format!("rfc-{:x}-{:x}", vector.kid, vector.ctr);
        write("header", &name, &vector.encoded)?;
    }
    let refused: [(&str, &[u8]); 6] = [
        ("ctr-of-5-extended", &[0x98, 1, 0x23, 5, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("kid-of-7-extended", &[0x80, 7]),
        ("ctr-of-255-in-two", &[0x09, 0, 255]),
        ("kid-of-0-in-eight", &[0xf0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("both-longest-but-one-byte", &[0xff; 16]),
        ("kid-truncated", &[0x90, 1]),
    ];
    for (name, bytes) in refused {
        write("header", name, bytes)?;
    }
    Ok(())
}

/// The receiver's set of keys, by the second byte of target `open`.
const RFC_KEYS: u8 = 0;
const REFUSED_KEYS: u8 = 1;
const RATCHET_KEYS: u8 = 2;
const MLS_KEYS: u8 = 3;

/// Added to the keys: the receiver has opened two frames with a CTR of two bytes.
const PRIMED: u8 = 8;

/// Suite, keys, label without prefix, frame.
fn open_input(suite: u64, keys: u8, metadata: &str, frame: &[u8]) -> Vec<u8> {
    let label = match metadata.len() / 2 {
        0 => 0,
        14 => 1,
        _ => 2,
    };
    [&[low_byte(suite - 1), keys, label, 0], frame].concat()
}

fn opens() -> Result<()> {
    for vector in rfc9605::frames() {
        let suite = u64::from(vector.cipher_suite);
        let keys = RFC_KEYS + PRIMED * low_byte(suite % 2);
        let input = open_input(suite, keys, &hex::encode(&vector.metadata), &vector.ct);
        write("open", &format!("rfc-suite{suite}"), &input)?;
    }
    let keys: Value =
        serde_json::from_str(include_str!("../../crates/testkit/vectors/keys/keys.json"))?;
    let frame_input = |suite: &Value, keys: u8, case: &Value| {
        let metadata = case["metadata"].as_str().unwrap_or_default();
        let frame = hex::decode(case["ct"].as_str().unwrap_or_default()).unwrap_or_default();
        open_input(suite.as_u64().unwrap_or(1), keys, metadata, &frame)
    };
    for lane in list(&keys["ratchet"]).iter().filter(|lane| lane["step_bits"] == 4) {
        for (step, case) in list(&lane["steps"]).iter().enumerate().skip(4).step_by(5) {
            let name = format!("ratchet-suite{}-step{step}", lane["cipher_suite"]);
            let input = frame_input(&lane["cipher_suite"], RATCHET_KEYS, case);
            if lane["cipher_suite"].as_u64().is_some_and(|id| id > 3 && id < 7) {
                write("open", &name, &input)?;
            }
        }
    }
    for epoch in list(&keys["mls_frames"]).iter().filter(|epoch| epoch["epoch"] == "0xe") {
        let name = format!("mls-suite{}", epoch["cipher_suite"]);
        let input = frame_input(&epoch["cipher_suite"], MLS_KEYS, &epoch["frames"][2]);
        write("open", &name, &input)?;
    }
    for group in list(&keys["refused"]) {
        if group["kid"] != "0x123" {
            continue;
        }
        let suite = &group["cipher_suite"];
        write("open", &format!("genuine-suite{suite}"), &frame_input(suite, REFUSED_KEYS, group))?;
        // A different mutation for each suite.
        let cases = list(&group["cases"]);
        let place = 7 * suite.as_u64().unwrap_or(1);
        if let Some(case) = usize::try_from(place).ok().and_then(|place| cases.get(place)) {
            let input = frame_input(suite, REFUSED_KEYS + PRIMED, case);
            write("open", &format!("refused-suite{suite}"), &input)?;
        }
    }
    Ok(())
}

/// Layout and KID, usage, label, room, mutation, frame.
fn seal_opens() -> Result<()> {
    for suite in 0..8_u8 {
        for mutation in 0..4_u8 {
            // Cipher (every other one with the other backend), layout, its bits.
            let mut input = vec![suite + 8 * (mutation % 2), mutation / 3, 16, 8];
            // Generation 0, sender 7, step 2 of a layout with 16 and 8 bits; with MLS, index and
            // epoch.
            for field in [0_u64, 7, 2] {
                input.extend(field.to_be_bytes());
            }
            if mutation < 3 {
                // Frames and blocks, each with its interpretation: the start, the last frame, three
                // quarters.
                let usage = [
                    (0_u64, 0_u64, 0, 0),
                    (2, u64::from(suite), 2, 2 - suite % 2 * 2),
                    ((3 << 30) - 1, 3 << 32, 1, suite % 2),
                ];
                let (frames, blocks, read_frames, read_blocks) = usage[usize::from(mutation)];
                input.extend(frames.to_be_bytes());
                input.push(read_frames);
                input.extend(blocks.to_be_bytes());
                input.push(read_blocks);
            }
            // Label and prefix, headroom, tailroom.
            input.extend([mutation * 2 + suite % 2, mutation % 3, 17, 16]);
            // Mutation and its offset, then the frame.
            input.extend([mutation * 2 + suite % 2, 0, suite * 3]);
            input.extend(b"a frame of some bytes".iter().take(3 + 6 * usize::from(mutation)));
            write("seal_open", &format!("suite{}-{mutation}", suite + 1), &input)?;
        }
    }
    Ok(())
}

/// Set-up, then operations by number.
fn replay_orders() -> Result<()> {
    const SEAL: u8 = 0;
    const SKIP: u8 = 2;
    const RATCHET: u8 = 3;
    const REKEY: u8 = 4;
    const INSTALL: u8 = 5;
    const LATEST: u8 = 6;
    const AT: u8 = 7;
    const TWICE: u8 = 8;
    const CORRUPT: u8 = 9;
    const REMOVE: u8 = 11;
    let scripts: [(&str, &[u8]); 12] = [
        ("in-order", &[SEAL, 9, LATEST, 0, 0, SEAL, 0, LATEST, 0, 0, TWICE, 0, 1]),
        ("reversed", &[SEAL, 1, SEAL, 2, SEAL, 3, AT, 0, 2, AT, 0, 1, AT, 0, 0, AT, 0, 2]),
        (
            "window",
            &[
                SEAL, 1, SKIP, 7, 254, SEAL, 2, AT, 0, 1, AT, 0, 0, SKIP, 0, 1, SEAL, 3, AT, 0, 2, AT,
                0, 0,
            ],
        ),
        ("ratchet", &[SEAL, 1, RATCHET, 0, SEAL, 2, RATCHET, 2, SEAL, 3, AT, 0, 2, AT, 0, 1, AT, 0, 0]),
        (
            "around-the-circle",
            &[SEAL, 1, RATCHET, 15, SEAL, 2, RATCHET, 15, SEAL, 3, AT, 0, 1, AT, 0, 2, AT, 0, 0],
        ),
        (
            "rekey",
            &[
                SEAL, 1, REKEY, SEAL, 2, LATEST, 0, 0, INSTALL, LATEST, 0, 0, AT, 0, 0, REMOVE, 1, AT,
                0, 0,
            ],
        ),
        (
            "corrupt",
            &[SEAL, 8, CORRUPT, 0, 0, 0, 0, CORRUPT, 0, 0, 0, 60, CORRUPT, 0, 0, 0, 200, AT, 0, 0],
        ),
        (
            "in-a-row",
            &[
                SKIP, 0, 250, SEAL, 1, SEAL, 2, SEAL, 3, SEAL, 4, SEAL, 5, SEAL, 6, SEAL, 7, AT, 0, 0,
                AT, 0, 1, CORRUPT, 0, 2, 0, 9, AT, 0, 2, TWICE, 0, 3, AT, 0, 6, AT, 0, 5, AT, 0, 4,
            ],
        ),
        ("forge-near", &forge(5, 0)),
        ("forge-far", &forge(21, 0)),
        ("forge-half-way", &forge(128, 0)),
        ("forge-behind", &forge(254, 3)),
    ];
    for (place, (name, script)) in scripts.iter().enumerate() {
        for (layout, setup) in
            [("r4", vec![3, 2, 3, 0]), ("r8-policy", vec![1, 4 + 8 + 3, 20, 3, 0, 2])]
        {
            let mut input = setup;
            input[0] += low_byte(place as u64 % 2);
            input.extend(*script);
            write("replay_order", &format!("{name}-{layout}"), &input)?;
        }
    }
    Ok(())
}

/// A body under the header of that step of generation 0 and of the next, then a genuine frame.
fn forge(step: u8, ctr: u8) -> Vec<u8> {
    const FORGE: u8 = 10;
    let forged = |generation| {
        let header = [FORGE, generation, step, 0, 0, 0, 0, 0, 0, 0, ctr, 0];
        [&header[..], &[0x5a; 32]].concat()
    };
    [forged(0), forged(1), vec![0, 4, 6, 0, 0]].concat()
}

/// Suite, the server's member id, kind of input, announcement or changes to one.
fn announcements() -> Result<()> {
    let secret = SharedSecret::from_bytes(&[0x5e; 32])?;
    for suite in CipherSuite::ALL {
        let id = low_byte(u64::from(suite.id()) - 1);
        for (number, name) in [(4_u16, "genuine"), (2, "held-already")] {
            let mut member = SharedSecretCall::new(
                Cipher::recommended(suite),
                &secret,
                MemberId::new(number),
                [9; 32],
            )?;
            // Leaves a step unused.
            member.seal_to_vec(b"a frame", Stream::new(StreamKind::Camera, 0))?;
            member.ratchet()?;
            let from = number.to_be_bytes()[1];
            let input = [&[id, from, 0][..], &member.announcement([7; 32])].concat();
            write("announcement", &format!("{name}-suite{}", suite.id()), &input)?;
        }
        let change = [&[id, 4, 1][..], &vec![0; 10 * usize::from(id)], &[1]].concat();
        write("announcement", &format!("changed-suite{}", suite.id()), &change)?;
    }
    write("announcement", "other-number", &[3, 3, 1])?;
    let me = SharedSecretCall::new(
        Cipher::recommended(CipherSuite::ALL[3]),
        &secret,
        MemberId::new(1),
        [9; 32],
    )?;
    write("announcement", "own", &[&[3, 1, 0][..], &me.announcement([7; 32])].concat())?;
    Ok(())
}

/// Four times: instruction set, key and forgery, nonce, length of AAD, length of data, bit to flip;
/// then the data.
fn kernels() -> Result<()> {
    let lens = [0_u16, 1, 40, 48, 49, 112, 113, 160, 497, 1200];
    for (place, &len) in lens.iter().enumerate() {
        for forged in [0, 2] {
            let frame = |at: u8| {
                let choice = forged * u8::from(at == low_byte(place as u64) % 4) + at % 2 + 4 * at;
                let len = if at == 3 { len / 2 } else { len };
                let mut frame = vec![at, choice, 1, 2, 3, 4, 5, 6, 7, at, 12 + 11 * at];
                frame.extend(len.to_be_bytes());
                if choice & 2 != 0 {
                    frame.extend([at, 77]);
                }
                frame.extend(vec![at; usize::from(len)]);
                frame
            };
            let input: Vec<u8> = (0..4).flat_map(frame).collect();
            write(
                "kernel",
                &format!("{len}-bytes-{}", ["genuine", "", "forged"][usize::from(forged)]),
                &input,
            )?;
        }
    }
    Ok(())
}

/// The frames of DAVE's vectors: every codec; then sealed with the target's secret, and to be
/// sealed and changed there.
fn codecs_and_dave() -> Result<()> {
    const SHORT: usize = 400;
    let names = ["Opus", "VP8", "VP9", "H264", "H265", "AV1"];
    let made = dave::made().frames;
    let frames = made.iter().filter(|vector| vector.frame.len() < SHORT);
    for (place, vector) in frames.enumerate() {
        let name: String =
            vector.name.chars().filter(|it| it.is_ascii_alphanumeric() || *it == ' ').collect();
        let name = format!("{place:02}-{}", name.replace(' ', "-"));
        write("codec", &name, &vector.frame)?;
        let codec =
            vector.codec.as_deref().and_then(|codec| names.iter().position(|name| *name == codec));
        let codec = low_byte(codec.unwrap_or(names.len()) as u64);
        // Codec, with or without unencrypted ranges, generation, nonce, the byte to change and the
        // change.
        let choice = codec * 2 + 1 + 128 * low_byte(place as u64 % 2);
        let head = [
            choice,
            low_byte(vector.nonce >> 24),
            0,
            low_byte(vector.nonce),
            0,
            low_byte(place as u64 * 7),
            4,
        ];
        write("dave", &format!("seal-{name}"), &[&head[..], &vector.frame].concat())?;
        let secret = dave_format::BaseSecret::from_exported(&[0x22; 16]);
        let config = dave_format::Config::new(sealframe_profiles::Backend::recommended());
        let mut sender = dave_format::Sender::new(config, secret);
        let codec = sealframe_codec::Codec::ALL.get(usize::from(codec)).copied();
        let sealed = sender.seal_to_vec(&vector.frame, codec)?;
        write("dave", &format!("open-{name}"), &[&[0][..], &sealed].concat())?;
    }
    write("dave", "open-silence", &[0, 0xf8, 0xff, 0xfe])?;
    let ranges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 3, 4, 16, 0xfa, 0xfa];
    write("dave", "open-ranges", &[&[0][..], &ranges].concat())
}

/// Kind of frame, mode, changes; then a frame to be sealed, or a sealed one.
fn jitsi_and_livekit() -> Result<()> {
    for vector in jframe::jitsi().frames {
        let kind = match vector.frame_type.as_deref() {
            None => 0,
            Some("key") => 1,
            _ => 2,
        };
        write("jitsi", &format!("open-{}", vector.name), &[&[kind, 0], &*vector.encrypted].concat())?;
        // As many ratchet steps as the vector has; unchanged, and with a bit of the tag flipped.
        let mode = 1 + 2 * vector.ratchet_steps;
        write(
            "jitsi",
            &format!("seal-{}", vector.name),
            &[&[kind, mode], &*vector.plaintext].concat(),
        )?;
    }
    write("jitsi", "flipped-tag", &[1, 1 | 1 << 4, 20, 4, 1, 2, 3])?;
    write("jitsi", "external", &[0x80, 1, 1, 2, 3])?;

    let native = jframe::livekit_native().frames.into_iter().map(|vector| (vector, 0x80));
    for (vector, peer) in jframe::livekit().frames.into_iter().map(|vector| (vector, 0)).chain(native) {
        let is_key = vector.key_frame.unwrap_or(vector.frame_type.as_deref() == Some("key"));
        let codec = match vector.codec.as_str() {
            "vp8" => 1,
            "vp9" => 2,
            "h264" => 3,
            "h265" => 5,
            "av1" => 6,
            _ => 0,
        };
        let kind = peer | codec | if is_key { 0 } else { 8 };
        let name = format!("{}-{}", vector.name.replace([' ', '(', ')'], ""), peer >> 7);
        let plain = &vector.plaintext[..vector.plaintext.len().min(400)];
        let mode = 1 + 2 * vector.ratchet_steps;
        write("livekit", &format!("seal-{name}"), &[&[kind, mode], plain].concat())?;
        let sealed = &vector.encrypted[..vector.encrypted.len().min(500)];
        write("livekit", &format!("open-{name}"), &[&[kind, 0], sealed].concat())?;
    }
    write("livekit", "injected", &[&[0, 0][..], b"silenceinjected by a server"].concat())?;
    write("livekit", "metadata", &[&[0, 0][..], &[7; 40], &[0xfa], b"LKTS"].concat())?;
    let slice = [&[0x83, 1, 0, 0, 0, 1, 0x65][..], &[0; 60]].concat();
    write("livekit", "zeros", &slice)?;
    for ratchet in 0..10_u8 {
        let mode = 1 + 2 * ratchet + 0x80 * (ratchet % 2);
        write("livekit_data", &format!("ratchet{ratchet}"), &[&[mode][..], b"data"].concat())?;
    }
    write("livekit_data", "flipped", &[1 | 1 << 4, 3, 1, 4, 5])?;
    write("livekit_data", "unknown-field", &[0, 0x28, 5, 0x12, 1, 9, 0x22, 2, 7, 7])?;
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn low_byte(value: u64) -> u8 {
    value.to_be_bytes()[7]
}

/// Messages of the vectors, some of each type; actions of relays and people; trust stores.
fn groups() -> Result<()> {
    let vectors = include_str!("../../crates/testkit/vectors/group/group.json");
    let vectors: Value = serde_json::from_str(vectors)?;
    let mut of_type = [0_usize; 256];
    messages(&vectors, &mut |message| {
        let kind = message.get(1).copied().unwrap_or_default();
        let count = &mut of_type[usize::from(kind)];
        *count += 1;
        // X-Wing messages are long and numerous: some are enough.
        if message.len() < 1000 && *count % 12 == 1 || message.len() < 4000 && *count % 60 == 1 {
            write("group_message", &format!("type-{kind}-{count}"), message)?;
        }
        Ok(())
    })?;
    let messages: Vec<Vec<u8>> = vec![vec![1; 3], Vec::new(), vec![2; 300]];
    let bundle = message::bundle(messages);
    write("group_message", "bundle", bundle.first().ok_or("no bundle")?)?;
    write("group_message", "bundle-of-none", &[0])?;

    for relay in 0..16_u8 {
        // Honest, lossy and lying relays in turn; all actions, each time in another order.
        let actions = (0..80).map(|at: u8| at.wrapping_mul(relay * 2 + 3).wrapping_add(relay));
        let input: Vec<u8> = [relay].into_iter().chain(actions).collect();
        write("group", &format!("relay-{relay}"), &input)?;
    }
    // A third member joins and leaves; one is cut off for two minutes, sleeps as long, jumps, is
    // dropped, stops sending and starts again; the moderator locks, unlocks and removes.
    let scenes: [(&str, &[u8]); 9] = [
        ("leave", &[0, 200, 9, 0, 1, 200, 10, 2, 2, 200]),
        ("partition", &[0, 200, 14, 1, 4, 240, 14, 1, 4, 40]),
        ("sleep", &[0, 200, 15, 1, 120, 4, 255, 4, 20]),
        ("jump", &[0, 200, 16, 1, 200, 4, 20]),
        ("dropped", &[0, 200, 11, 8, 0, 200, 4, 20]),
        ("listens", &[9, 0, 0, 200, 12, 0, 9, 0, 10, 2, 0, 200, 12, 0x80, 0, 200]),
        ("locked", &[0, 200, 17, 0, 9, 0, 0, 200, 17, 2, 0, 200]),
        ("removed", &[9, 0, 0, 200, 17, 7, 0, 200, 4, 20]),
        ("clash", &[9, 0, 9, 0, 9, 0, 5, 3, 5, 9, 5, 1, 7, 2, 7, 3, 8, 0, 0, 4, 8, 1, 0, 9]),
    ];
    for (name, actions) in scenes {
        for relay in [0, 1, 2] {
            write("group", &format!("{name}-{relay}"), &[&[relay][..], actions].concat())?;
        }
    }
    let mut store = TrustStore::new();
    for users in 0..5_u8 {
        write("trust", &format!("users-{users}"), &store.to_bytes())?;
        let (user, identity) =
            (UserId::new(vec![users; 1 + usize::from(users)])?, Identity([users; 32]));
        store.observe(&user, &identity, 1_000_000 + u64::from(users))?;
        if users % 2 == 0 {
            store.mark_verified(&user, &identity, 2_000_000)?;
        }
    }
    Ok(())
}

/// Every member "message" in a JSON value, at any depth.
#[expect(clippy::wildcard_enum_match_arm, reason = "serde_json's: numbers and such hold no message")]
fn messages(value: &Value, found: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| messages(value, found)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| match value.as_str() {
            Some(text) if name == "message" => found(&hex::decode(text).unwrap_or_default()),
            _ => messages(value, found),
        }),
        _ => Ok(()),
    }
}
