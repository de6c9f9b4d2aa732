//! The cost of known members to one member: memory, and time for a frame.

use core::time::Duration;
use std::collections::BTreeSet;

use sealframe::{
    Action, Backend, Call, CipherSuite, MemberId, Stream, StreamKind, Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Role, SessionId, UserId,
        message::{self, Body, Message},
        verification::TrustStore,
    },
};
use sealframe_testkit::{alloc, random::Random};

use crate::{markdown, turns::as_f64};

const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);
const LEN: usize = 160;
const NOW: Time = Time::at(Duration::from_secs(1));

fn call(number: u16, seed: u64, kem: Kem) -> (Call, Random) {
    let mut rng = Random::new(seed);
    let config = Config {
        group_id: b"known".to_vec(),
        kem,
        suite: CipherSuite::Aes128GcmSha256_128,
        address: u64::from(number).to_be_bytes().to_vec(),
        role: Role::Participant,
        permission: Permission::None,
        credential: b"a name of some length".to_vec(),
        sends: true,
        started_at: 0,
        // No member expires while others join.
        policy: Policy {
            max_members: 1024,
            heartbeat: Duration::from_secs(60),
            missed_heartbeats_until_lost: 60,
            ..Policy::default()
        },
    };
    let key = IdentityKey::generate(&mut rng).unwrap();
    let call =
        Call::join(config, Backend::recommended(), key, TrustStore::default(), NOW, &mut rng).unwrap();
    (call, rng)
}

/// Handles all due actions, admits one session or all, and returns the messages to send.
fn turn(call: &mut Call, rng: &mut Random, now: Time, whom: Option<SessionId>) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        match call.poll(now, rng) {
            Action::Send { message, .. } => sent.push(message),
            Action::Event(Event::JoinRequested(applicant))
                if whom.is_none_or(|whom| whom == applicant.session) =>
            {
                let user = UserId::new(applicant.session.0).unwrap();
                let admission = Admission { user, permission: Permission::None };
                call.members().admit(applicant.session, admission, now).unwrap();
            }
            Action::Event(_) => {}
            Action::Timeout(_) => return sent,
        }
    }
}

/// A member and the others that it knows.
struct Known {
    us: Call,
    rng: Random,
    /// Each with its own clock, so that we do not expire there while others join.
    others: Vec<(Call, Random, Time)>,
    now: Time,
    /// Bytes that we have retained for them.
    bytes: i64,
}

impl Known {
    /// `n` others join, and we receive the messages of each.
    fn new(n: u16, kem: Kem) -> Self {
        let (mut us, mut rng) = call(0, 0, kem);
        let announce = turn(&mut us, &mut rng, NOW, None).remove(0);
        let whom = Some(us.session());
        let mut numbers = BTreeSet::from([us.session().member_id()]);
        let mut known = Self { us, rng, others: Vec::new(), now: NOW, bytes: 0 };
        for number in 1..=n {
            known.now += Duration::from_millis(60);
            // In a large call some would get a taken member id and start over.
            let mut seeds = (0..).map(|more| u64::from(number) + (more << 16));
            let (mut them, mut their_rng) = loop {
                let (them, their_rng) = call(number, seeds.next().unwrap(), kem);
                if numbers.insert(them.session().member_id()) {
                    break (them, their_rng);
                }
            };
            let mut told = turn(&mut them, &mut their_rng, NOW, whom);
            them.handle_message(&announce, NOW).unwrap();
            told.extend(turn(&mut them, &mut their_rng, NOW, whom));
            known.others.push((them, their_rng, NOW));
            known.hear(usize::from(number) - 1, told);
        }
        known.forget();
        known
    }

    /// All others draw a new key, and we receive it.
    fn rekey(&mut self) {
        for at in 0..self.others.len() {
            let (them, rng, now) = &mut self.others[at];
            *now += Duration::from_secs(12);
            them.rekey(*now);
            let told = turn(them, rng, *now, Some(self.us.session()));
            self.hear(at, told);
        }
        self.forget();
    }

    /// The parts of a message or bundle that matter here. Each of them knows only us: its later
    /// statements about the call would differ from our view, and differences take memory too.
    fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let parts = message::unbundle(bytes).unwrap().into_iter();
        parts.filter(|part| {
            let body = Message::parse(part).unwrap().body;
            matches!(body, Body::Announce(_) | Body::KeyUpdate(_) | Body::Ack(_))
                || matches!(body, Body::Heartbeat(heartbeat) if heartbeat.seq == 1)
        })
    }

    /// We handle one member's messages and answer them; both acknowledge each other's keys, and we
    /// open a frame of it.
    fn hear(&mut self, at: usize, told: Vec<Vec<u8>>) {
        let mut told = told;
        // If our prekey has changed in the meantime, their key is sent again.
        for _ in 0..5 {
            let answers = self.take(&told);
            if answers.is_empty() && told.is_empty() {
                break;
            }
            let (them, their_rng, their_now) = &mut self.others[at];
            for message in &answers {
                let _ = them.handle_message(message, *their_now);
            }
            self.bytes += alloc::kept(|| drop(answers));
            // Acks are delayed, to be bundled.
            self.now += Duration::from_millis(60);
            *their_now += Duration::from_millis(60);
            told = turn(them, their_rng, *their_now, Some(self.us.session()));
        }
        let them = &mut self.others[at].0;
        let from = them.session().member_id();
        let mut frame = them.seal_to_vec(&[0; LEN], CAMERA).unwrap();
        let Self { us, rng, now, bytes, .. } = self;
        *bytes += alloc::kept(|| {
            us.open_in_place(from, &mut frame, CAMERA).unwrap();
            drop(turn(us, rng, *now, None));
        });
    }

    fn take(&mut self, told: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let Self { us, rng, now, bytes, .. } = self;
        let mut answers = Vec::new();
        *bytes += alloc::kept(|| {
            for message in told.iter().flat_map(|message| Self::parts(message)) {
                let _ = us.handle_message(message, *now);
            }
            answers = turn(us, rng, *now, None);
        });
        answers
    }

    /// Ten seconds pass, after which a replaced key is wiped.
    fn forget(&mut self) {
        self.now += Duration::from_secs(12);
        self.bytes += alloc::kept(|| drop(turn(&mut self.us, &mut self.rng, self.now, None)));
    }

    fn bytes_each(&self) -> f64 {
        self.bytes as f64 / as_f64(self.others.len())
    }
}

/// Nanoseconds to open a frame, alternating between two senders.
fn open(known: &mut Known) -> f64 {
    const FRAMES: usize = 2000;
    let Known { us, others, .. } = known;
    let mut frames: Vec<(MemberId, Vec<u8>)> = (0..FRAMES)
        .map(|at| {
            let them = &mut others[at % 2].0;
            (them.session().member_id(), them.seal_to_vec(&[0; LEN], CAMERA).unwrap())
        })
        .collect();
    let start = std::time::Instant::now();
    for (from, frame) in &mut frames {
        us.open_in_place(*from, frame, CAMERA).unwrap();
    }
    start.elapsed().as_secs_f64() * 1e9 / as_f64(FRAMES)
}

/// The minimum of each, measured in turns, because the clock varies.
fn open_both(few: &mut Known, many: &mut Known) -> (f64, f64) {
    let mut least = (f64::INFINITY, f64::INFINITY);
    for _ in 0..100 {
        least = (least.0.min(open(few)), least.1.min(open(many)));
    }
    least
}

pub fn report() {
    println!("# Members who are known\n");
    markdown::head(&["", "with 2", "with 1,000", "ratio"], 1);
    let (mut few, mut many) = (Known::new(2, Kem::X25519), Known::new(1000, Kem::X25519));
    let (with_few, with_many) = open_both(&mut few, &mut many);
    markdown::row(&[
        format!("opening a frame of {LEN} bytes"),
        markdown::time(with_few),
        markdown::time(with_many),
        markdown::ratio(with_many, with_few),
    ]);
    println!();
    markdown::head(&["memory for each known sender, one key live", "X25519", "X-Wing"], 1);
    let mut hybrid = Known::new(300, Kem::XWing);
    let row = |when: &str, x25519: &Known, hybrid: &Known| {
        let each = [x25519.bytes_each(), hybrid.bytes_each()].map(|each| format!("{each:.0}"));
        markdown::row(&[when.to_owned(), each[0].clone(), each[1].clone()]);
    };
    row("after it came in", &many, &hybrid);
    many.rekey();
    hybrid.rekey();
    row("for three minutes after its next key", &many, &hybrid);
}
