//! The modules of other systems' formats: that of all formats, and those inside the drop-in workers
//! for Jitsi and LiveKit.
//!
//! Not covered: sealing H.264 and H.265, where these formats search the sealed bytes, which are
//! public, for start codes; keys from passphrases, whose 100,000 rounds are like two.

use std::collections::BTreeSet;

use sealframe_taint::{Kind, Machine, Report};

use crate::{
    frames::{av1, h264},
    modules::{DAVE, JITSI, LIVEKIT, for_each, give, hosts_with, lengths},
};

/// Numbers of codecs.
const OPUS: u64 = 1;
const VP8: u64 = 2;
const VP9: u64 = 3;
const H264: u64 = 4;
const AV1: u64 = 6;
/// Numbers of kinds of frames.
const SOUND: u64 = 0;
const KEY: u64 = 1;
const DELTA: u64 = 2;

/// Places of numbers that the region has in memory, as `Outcome` of the module has them.
const ROOM: u64 = 0;
const LENGTH: u64 = 2;

const NONE: u64 = 0xff_ffff;

/// The resulting frame and whether it is secret, or an error code.
type Made = Result<(Vec<u8>, bool), i32>;

/// A module with room for a frame.
struct Instance<'m> {
    machine: Machine<'m>,
    region: u64,
}

impl<'m> Instance<'m> {
    fn new(module: &'m [u8], seed: u64) -> Self {
        // The only draws are the start values of counters and data, which are public: they are in
        // the nonces.
        let mut machine = Machine::new(module, hosts_with(seed, |_| false)).unwrap();
        machine.call("__wbindgen_start", &[]).unwrap();
        let region = machine.call("region_new", &[]).unwrap()[0];
        Self { machine, region }
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> Vec<u64> {
        self.machine.call(name, arguments).unwrap()
    }

    /// The result of a fallible call, whose error comes last.
    fn get(&mut self, name: &str, arguments: &[u64]) -> u64 {
        let made = self.call(name, arguments);
        assert_eq!(made.last(), Some(&0), "{name}: no error");
        made[0]
    }

    fn secret(&mut self, bytes: &[u8]) -> [u64; 2] {
        give(&mut self.machine, bytes, true)
    }

    /// A number that the region has in memory.
    fn word(&mut self, place: u64) -> u64 {
        let words = self.call("region_outcome", &[self.region])[0];
        let (bytes, _) = self.machine.read(words + 4 * place, 4).unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap()).into()
    }

    /// Runs a function of a cryptor on a frame whose first bytes are public.
    fn work(
        &mut self,
        name: &str,
        frame: &[u8],
        public: usize,
        arguments: impl Fn(u64, u64) -> Vec<u64>,
    ) -> Made {
        let len = frame.len() as u64;
        self.call("region_reserve", &[self.region, len]);
        let at = self.word(ROOM);
        let (front, rest) = frame.split_at(public.min(frame.len()));
        self.machine.door().write(at, front, false).unwrap();
        self.machine.door().write(at + front.len() as u64, rest, true).unwrap();
        let result = u32::try_from(self.call(name, &arguments(self.region, len))[0]).unwrap();
        if result.cast_signed() < 0 {
            return Err(result.cast_signed());
        }
        let len = self.word(LENGTH);
        Ok(self.machine.read(result.into(), len).unwrap())
    }

    fn reports(&mut self) -> Vec<Report> {
        self.machine.take_reports()
    }
}

/// Seals a frame whose first bytes, of this number, are public.
type Seal<'c> = dyn Fn(&mut Instance<'_>, &[u8], usize) -> Made + 'c;
type Open<'c> = dyn Fn(&mut Instance<'_>, &[u8]) -> Made + 'c;

/// How one format seals and opens frames of one codec.
struct Case<'c> {
    frames: Frames,
    seal: &'c Seal<'c>,
    open: &'c Open<'c>,
}

/// The frames of a codec, as far as a format treats them alike.
#[derive(Clone, Copy)]
struct Frames {
    /// Bytes at the start that stay readable.
    clear: usize,
    /// A frame of about this length.
    make: fn(usize) -> Vec<u8>,
    /// Whether sealing reads the whole frame, which then is public.
    is_read: bool,
    /// Whether the sealed bytes, which are public, are searched for start codes; then sealing is
    /// not checked.
    is_searched: bool,
}

impl Frames {
    /// Frames of which nothing but the readable bytes is looked at.
    const fn opaque(clear: usize) -> Self {
        Self { clear, make: frame, is_read: false, is_searched: false }
    }

    /// The frames are parsed, and what becomes of them is searched for start codes.
    const H264: Self = Self { clear: 0, make: h264, is_read: true, is_searched: true };
}

/// Seals frames of every length and opens them, also forged ones. Nothing decides while they are
/// sealed; while they are opened, only the verdict on a tag and its passing on decide, at the same
/// places for every length.
fn check(what: &str, case: &Case<'_>, sealer: &mut Instance<'_>, opener: &mut Instance<'_>) {
    let Frames { clear: front, make, is_read, is_searched } = case.frames;
    let sites = |reports: &[Report]| -> BTreeSet<Report> { reports.iter().copied().collect() };
    // When keys were installed, whether they are all zeros has decided: all of their bytes at once.
    for reports in [sealer.reports(), opener.reports()] {
        assert!(reports.len() <= 2, "{what}: {reports:?}");
        assert!(reports.iter().all(|report| report.kind == Kind::Branch), "{what}: {reports:?}");
    }
    // The first frame of a key is opened where the key is derived.
    let first = make(front + 1);
    let (sealed, _) = (case.seal)(sealer, &first, first.len()).unwrap();
    (case.open)(opener, &sealed).unwrap();
    let reports = opener.reports();
    assert!((1..=2).contains(&reports.len()), "{what}: {reports:?}");
    sealer.reports();
    let mut seen: Option<[BTreeSet<Report>; 2]> = None;
    for len in lengths().filter(|&len| len > front) {
        let frame = make(len);
        let public = if is_read { frame.len() } else { front };
        let (sealed, is_secret) = (case.seal)(sealer, &frame, public).unwrap();
        assert!(is_secret, "{what}: a key's output is followed to the end");
        let reports = sealer.reports();
        assert!(is_searched || reports.is_empty(), "{what}: {len} bytes: {reports:?}");
        let mut forged = sealed.clone();
        forged[front + len / 2] ^= 0x10;
        if !is_read {
            assert!((case.open)(opener, &forged).is_err(), "{what}: {len} bytes");
        }
        let of_forged = opener.reports();
        let (clear, is_secret) = (case.open)(opener, &sealed).unwrap();
        assert!(is_secret, "{what}: {len} bytes");
        // DAVE drops the parts of AV1 that are optional.
        assert!(clear.ends_with(&frame[frame.len() - len..]), "{what}: {len} bytes");
        let reports = opener.reports();
        assert!((1..=2).contains(&reports.len()), "{what}: {reports:?}");
        let places = [sites(&reports), sites(&of_forged)];
        assert!(places[1].iter().all(|site| site.kind == Kind::Branch), "{what}: {places:?}");
        if !is_read {
            // The caller of a rejected frame may try another key: the verdict is passed on once
            // more.
            assert!(places[0].is_subset(&places[1]) && places[1].len() <= 4, "{what}: {places:?}");
        }
        assert_eq!(seen.get_or_insert_with(|| places.clone()), &places, "{what}: {len} bytes");
    }
    println!("{what}: verdicts at {seen:?}");
}

fn frame(len: usize) -> Vec<u8> {
    // A key frame for code that reads VP8's first bit.
    (0..len).map(|at| at.to_le_bytes()[0]).collect()
}

#[test]
fn only_the_verdict_on_a_tag_decides_in_jitsis_format() {
    for_each(&JITSI, |name, module| {
        let (mut alice, mut bob) = (Instance::new(module, 1), Instance::new(module, 2));
        let [sealer, opener] = [&mut alice, &mut bob].map(|of| {
            let cryptor = of.get("jitsicryptor_new", &[NONE]);
            let [key, len] = of.secret(&[7; 32]);
            of.get("jitsicryptor_setKey", &[cryptor, 0, key, len]);
            cryptor
        });
        for (kind, clear) in [(SOUND, 1), (KEY, 10), (DELTA, 3)] {
            let case = Case {
                frames: Frames::opaque(clear),
                seal: &|of, frame, public| {
                    of.work("jitsicryptor_seal", frame, public, |region, len| {
                        vec![sealer, region, len, kind, 7, 9]
                    })
                },
                open: &|of, sealed| {
                    of.work("jitsicryptor_open", sealed, sealed.len(), |region, len| {
                        vec![opener, region, len, kind]
                    })
                },
            };
            check(&format!("{name}, {kind}"), &case, &mut alice, &mut bob);
        }
        alice.call("jitsicryptor_ratchet", &[sealer, 0]);
        let material = alice.call("jitsicryptor_keyOffset", &[sealer, 0])[0];
        assert!(alice.machine.read(material, 32).unwrap().1, "a key is secret");
        for (mut of, cryptor) in [(alice, sealer), (bob, opener)] {
            of.call("__wbg_jitsicryptor_free", &[cryptor, 0]);
            assert_eq!(of.reports(), [], "{name}");
        }
    });
}

#[test]
fn only_the_verdict_on_a_tag_decides_in_livekits_format() {
    for_each(&LIVEKIT, |name, module| {
        let (mut alice, mut bob) = (Instance::new(module, 1), Instance::new(module, 2));
        let [sealer, opener] = [&mut alice, &mut bob].map(|of| {
            let [salt, salt_len] = give(&mut of.machine, b"LKFrameEncryptionKey", false);
            let (bits, ring, window) = (128, 16, 8);
            let cryptor =
                of.get("livekitcryptor_new", &[salt, salt_len, bits, ring, window, NONE, NONE]);
            let [key, len] = of.secret(&[7; 32]);
            let (is_pbkdf2, is_current) = (0, 1);
            of.get("livekitcryptor_setMaterial", &[cryptor, 0, key, len, is_pbkdf2, is_current]);
            cryptor
        });
        let participant = bob.call("livekitcryptor_addParticipant", &[opener])[0];
        for (codec, kind, frames) in [
            (OPUS, SOUND, Frames::opaque(1)),
            (VP8, KEY, Frames::opaque(10)),
            (VP8, DELTA, Frames::opaque(3)),
            (VP9, KEY, Frames::opaque(10)),
            (H264, KEY, Frames::H264),
        ] {
            let case = Case {
                frames,
                seal: &|of, frame, public| {
                    of.work("livekitcryptor_seal", frame, public, |region, len| {
                        vec![sealer, region, len, codec, kind, 7, 9]
                    })
                },
                open: &|of, sealed| {
                    of.work("livekitcryptor_open", sealed, sealed.len(), |region, len| {
                        vec![opener, participant, region, len, codec, kind]
                    })
                },
            };
            check(&format!("{name}, {codec}, {kind}"), &case, &mut alice, &mut bob);
        }
        // Data, whose nonce is passed beside it.
        let iv = core::cell::RefCell::new(Vec::new());
        let data = Case {
            frames: Frames::opaque(0),
            seal: &|of, data, public| {
                let sealed = of.work("livekitcryptor_sealData", data, public, |region, len| {
                    vec![sealer, region, len, 9]
                });
                let at = of.call("livekitcryptor_iv", &[sealer]);
                *iv.borrow_mut() = of.machine.read(at[0], at[1]).unwrap().0;
                sealed
            },
            open: &|of, sealed| {
                let [iv, iv_len] = give(&mut of.machine, &iv.borrow(), false);
                of.work("livekitcryptor_openData", sealed, sealed.len(), |region, len| {
                    vec![opener, participant, region, len, 0, iv, iv_len]
                })
            },
        };
        check(&format!("{name}, data"), &data, &mut alice, &mut bob);
        alice.get("livekitcryptor_ratchet", &[sealer, 0]);
        // Whether a key has sealed before: all of it is compared, and the verdict passed on.
        let reports = alice.reports();
        assert!((1..=4).contains(&reports.len()), "{name}: {reports:?}");
        assert!(reports.iter().all(|report| report.kind == Kind::Branch), "{name}: {reports:?}");
        let next = alice.call("livekitcryptor_nextOffset", &[sealer, 0])[0];
        assert!(alice.machine.read(next, 32).unwrap().1, "a key is secret");
        for (mut of, cryptor) in [(alice, sealer), (bob, opener)] {
            of.call("__wbg_livekitcryptor_free", &[cryptor, 0]);
            assert_eq!(of.reports(), [], "{name}");
        }
    });
}

#[test]
fn only_the_verdict_on_a_tag_decides_in_daves_format() {
    for_each(&DAVE, |name, module| {
        let (mut alice, mut bob) = (Instance::new(module, 1), Instance::new(module, 2));
        let [secret, len] = alice.secret(&[7; 16]);
        let parameter_sets_alone = 0;
        let sealer = alice.get("davesealer_new", &[secret, len, parameter_sets_alone]);
        let opener = bob.call("daveopener_new", &[])[0];
        let [secret, len] = bob.secret(&[7; 16]);
        let (epoch, now) = (1, 0_f64.to_bits());
        bob.get("daveopener_addEpoch", &[opener, epoch, secret, len, now]);
        for (codec, frames) in [
            (OPUS, Frames::opaque(0)),
            (VP8, Frames::opaque(10)),
            (VP9, Frames::opaque(0)),
            (AV1, Frames { make: av1, is_read: true, ..Frames::opaque(0) }),
            (H264, Frames::H264),
        ] {
            let case = Case {
                frames,
                seal: &|of, frame, public| {
                    of.work("davesealer_seal", frame, public, |region, len| {
                        vec![sealer, region, len, codec]
                    })
                },
                open: &|of, sealed| {
                    of.work("daveopener_open", sealed, sealed.len(), |region, len| {
                        vec![opener, region, len, now]
                    })
                },
            };
            check(&format!("{name}, {codec}"), &case, &mut alice, &mut bob);
        }
        // The next generation of sender and receiver.
        alice.get("davesealer_skipTo", &[sealer, (1 << 24) + 5]);
        let (sealed, _) = alice
            .work("davesealer_seal", &frame(99), 0, |region, len| vec![sealer, region, len, OPUS])
            .unwrap();
        bob.work("daveopener_open", &sealed, sealed.len(), |region, len| {
            vec![opener, region, len, now]
        })
        .unwrap();
        bob.reports();
        let [secret, len] = alice.secret(&[7; 16]);
        let generation = alice.get("davegeneration_new", &[secret, len, 3]);
        let key = alice.call("davegeneration_offset", &[generation])[0];
        assert!(alice.machine.read(key, 28).unwrap().1, "a key is secret");
        for (mut of, class, object) in [(alice, "davesealer", sealer), (bob, "daveopener", opener)] {
            of.call(&format!("__wbg_{class}_free"), &[object, 0]);
            assert_eq!(of.reports(), [], "{name}");
        }
    });
}
