//! The modules of our own frames: without SIMD, with SIMD and with relaxed SIMD.
//!
//! Not covered: sealing H.264 in compatible framing, which searches the sealed bytes, which are
//! public, for start codes.

use std::collections::BTreeSet;

use sealframe_taint::{Kind, Machine, Report};

use crate::modules::{FRAMES, for_each, hosts, lengths};

/// A stream's kind and index, framing and codec, as the numbers of `FrameCore::seal`.
type Label = [u64; 4];
const FULL_VP9: Label = [2, 0, 0, 3];
const COMPATIBLE_VP8: Label = [2, 0, 1, 2];
const COMPATIBLE_H264: Label = [2, 0, 1, 4];
const COMPATIBLE_AV1: Label = [2, 0, 1, 6];
const OPUS: Label = [1, 0, 1, 1];

/// Places of numbers that a call leaves in memory, as `Outcome` of the module has them.
const ROOM: u64 = 0;
const LENGTH: u64 = 2;
const KID: u64 = 4;

/// A member of a call, in an instance of its own. Its keys and the random bytes that it draws are
/// secret.
struct Member<'m> {
    machine: Machine<'m>,
    call: u64,
    number: u64,
}

impl<'m> Member<'m> {
    fn enter(module: &'m [u8], number: u64) -> Self {
        let mut machine = Machine::new(module, hosts(number)).unwrap();
        machine.call("__wbindgen_start", &[]).unwrap();
        let secret = machine.call("__wbindgen_malloc", &[32, 1]).unwrap()[0];
        machine.door().write(secret, &[7; 32], true).unwrap();
        let made = machine.call("framecore_new", &[secret, 32, number]).unwrap();
        assert_eq!(made[2], 0, "no error");
        Self { machine, call: made[0], number }
    }

    fn do_with(&mut self, name: &str, arguments: &[u64]) -> Vec<u64> {
        self.machine.call(name, &[&[self.call], arguments].concat()).unwrap()
    }

    fn announcement(&mut self) -> Vec<u8> {
        let made = self.do_with("framecore_announcement", &[]);
        assert_eq!(made[3], 0, "no error");
        self.machine.read(made[0], made[1]).unwrap().0
    }

    fn add(&mut self, other: &mut Member<'_>) {
        let announcement = other.announcement();
        let len = announcement.len() as u64;
        let at = self.machine.call("__wbindgen_malloc", &[len, 1]).unwrap()[0];
        self.machine.door().write(at, &announcement, false).unwrap();
        let made = self.do_with("framecore_addMember", &[other.number, at, len]);
        assert_eq!(made[1], 0, "no error");
    }

    /// Copies a frame into memory.
    fn hand_over(&mut self, frame: &[u8], is_secret: bool) {
        self.do_with("framecore_reserve", &[frame.len() as u64]);
        let at = self.word(ROOM);
        self.machine.door().write(at, frame, is_secret).unwrap();
    }

    /// A number that a call has left in memory.
    fn word(&mut self, place: u64) -> u64 {
        let words = self.do_with("framecore_outcome", &[])[0];
        let (bytes, _) = self.machine.read(words + 4 * place, 4).unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap()).into()
    }

    /// The resulting frame and whether it is secret, or an error code.
    fn result(&mut self, result: &[u64]) -> Result<(Vec<u8>, bool), i32> {
        let result = u32::try_from(result[0]).unwrap();
        if result.cast_signed() < 0 {
            return Err(result.cast_signed());
        }
        let len = self.word(LENGTH);
        Ok(self.machine.read(result.into(), len).unwrap())
    }

    fn seal(&mut self, frame: &[u8], is_secret: bool, label: Label) -> Vec<u8> {
        self.hand_over(frame, is_secret);
        let result = self.do_with("framecore_seal", &[&[frame.len() as u64], &label[..]].concat());
        let (sealed, is_secret) = self.result(&result).unwrap();
        assert!(is_secret, "a key's output is followed to the end");
        sealed
    }

    fn open(&mut self, from: u64, sealed: &[u8], label: Label) -> Result<(Vec<u8>, bool), i32> {
        self.hand_over(sealed, false);
        let result =
            self.do_with("framecore_open", &[&[from, sealed.len() as u64], &label[..]].concat());
        self.result(&result)
    }

    /// The reports since the last call.
    fn reports(&mut self) -> Vec<Report> {
        self.machine.take_reports()
    }
}

fn frame(len: usize) -> Vec<u8> {
    (0..len).map(|at| at.to_le_bytes()[0]).collect()
}

/// As encoders produce them: parameter sets, or a temporal delimiter and a sequence header, before
/// the picture.
pub(crate) fn h264(len: usize) -> Vec<u8> {
    let sets = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];
    [&sets, &[0, 0, 1, 0x65, 0x88, 0x84][..], &frame(len)].concat()
}

pub(crate) fn av1(len: usize) -> Vec<u8> {
    let before = [0x12, 0, 0x0a, 3, 1, 2, 3];
    let mut size = vec![0x32];
    let mut left = len;
    while left > 0x7f {
        size.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    size.push(left.to_le_bytes()[0]);
    [&before, &size[..], &frame(len)].concat()
}

#[test]
fn no_secret_decides_anything_while_frames_are_sealed() {
    for_each(&FRAMES, |name, module| {
        let mut alice = Member::enter(module, 1);
        let mut sealed = 0;
        // All-zero secrets are rejected: one verdict on all of their bytes, when they are installed
        // or drawn.
        let mut zeros = alice.reports();
        for _ in 0..2 {
            alice.announcement();
            zeros.extend(alice.reports());
            for label in [FULL_VP9, COMPATIBLE_VP8, OPUS] {
                for len in lengths() {
                    alice.seal(&frame(len), true, label);
                    sealed += 1;
                }
            }
            // A part of these stays readable, by which the rest is located.
            for len in lengths() {
                alice.seal(&av1(len), false, COMPATIBLE_AV1);
                sealed += 1;
            }
            alice.hand_over(&frame(16), true);
            let told =
                alice.do_with("framecore_beginExternalSeal", &[&[200_000], &FULL_VP9[..]].concat());
            assert!(alice.result(&told).unwrap().1, "a nonce is made with a salt");
            let kid = alice.word(KID) | alice.word(KID + 1) << 32;
            let at = alice.do_with("framecore_keyOffset", &[kid])[0];
            let len = alice.do_with("framecore_keyLength", &[kid])[0];
            assert!(alice.machine.read(at, len).unwrap().1, "a key is secret");
            assert_eq!(alice.reports(), [], "{name}");
            alice.do_with("framecore_ratchet", &[]);
            zeros.extend(alice.reports());
        }
        alice.machine.call("__wbg_framecore_free", &[alice.call, 0]).unwrap();
        assert_eq!(alice.reports(), [], "{name}");
        assert!(zeros.iter().all(|report| report.kind == Kind::Branch), "{name}: {zeros:?}");
        assert!(zeros.len() <= 16, "{name}: {zeros:?}");
        println!("{name}: {sealed} frames, {} instructions, no report", alice.machine.executed());
    });
}

#[test]
fn only_the_verdict_on_a_tag_decides_while_frames_are_opened() {
    for_each(&FRAMES, |name, module| {
        let (mut alice, mut bob) = (Member::enter(module, 1), Member::enter(module, 2));
        // Whether secrets are all zeros, as in the sealing test.
        bob.reports();
        bob.add(&mut alice);
        // An announcement has a tag too, and a key that must not be all zeros.
        let verdict = bob.reports();
        let sites = |reports: &[Report]| -> BTreeSet<Report> { reports.iter().copied().collect() };
        assert!((1..=4).contains(&verdict.len()), "{name}: {verdict:?}");
        let mut places = BTreeSet::new();
        let mut opened = 0;
        for (label, make) in [
            (FULL_VP9, frame as fn(usize) -> Vec<u8>),
            (COMPATIBLE_VP8, frame),
            (OPUS, frame),
            (COMPATIBLE_AV1, av1),
            (COMPATIBLE_H264, h264),
        ] {
            let mut seen: Option<Vec<Report>> = None;
            for len in lengths() {
                let frame = make(len);
                let sealed = alice.seal(&frame, false, label);
                let mut forged = sealed.clone();
                // In the payload, after the clear bytes of any framing, or in the tag. H.264 ends
                // with a stop bit.
                let at = forged.len() - 2;
                forged[at] ^= 0x10;
                assert!(bob.open(1, &forged, label).is_err(), "{name}: {label:?}, {len} bytes");
                let of_forged = bob.reports();
                let (clear, is_secret) = bob.open(1, &sealed, label).unwrap();
                assert!(is_secret, "{name}: {label:?}, {len} bytes");
                assert!(clear.ends_with(&frame[frame.len() - len..]), "{name}: {label:?}");
                let reports = bob.reports();
                // The comparison, and code that passes on its result.
                assert!((1..=2).contains(&reports.len()), "{name}: {reports:?}");
                assert!(
                    reports.iter().all(|report| report.kind == Kind::Branch),
                    "{name}: {reports:?}"
                );
                assert_eq!(sites(&of_forged), sites(&reports), "{name}: {label:?}, {len} bytes");
                // At the same places for every frame of this framing and codec.
                assert_eq!(seen.get_or_insert_with(|| reports.clone()), &reports, "{name}: {label:?}");
                opened += 1;
            }
            places.extend(seen.into_iter().flatten());
        }
        println!("{name}: {opened} frames, verdicts at {places:?}");
        bob.hand_over(&frame(16), false);
        bob.do_with("framecore_removeMember", &[1]);
        bob.machine.call("__wbg_framecore_free", &[bob.call, 0]).unwrap();
        assert_eq!(bob.reports(), [], "{name}");
    });
}
