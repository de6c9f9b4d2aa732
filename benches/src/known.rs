//! What members who are known cost one who knows them: memory, and time for a frame.

use core::time::Duration;

use sealframe::{
    Action, Call, CipherSuite, Stream, StreamKind,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Policy, Power, Recipient, Role, UserId,
        verification::TrustStore,
    },
};
use sealframe_testkit::{alloc, random::Random};

use crate::{markdown, turns::as_f64};

const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);
const LEN: usize = 160;
const NOW: Duration = Duration::from_secs(1);

fn call(number: u16, kem: Kem) -> (Call, Random) {
    let mut rng = Random::new(number.into());
    let config = Config {
        group_id: b"known".to_vec(),
        kem,
        suite: CipherSuite::Aes128GcmSha256_128,
        sender: number,
        role: Role::Participant,
        power: Power::None,
        credential: b"a name of some length".to_vec(),
        started_at: 0,
        policy: Policy { max_members: 1024, ..Policy::default() },
    };
    let key = IdentityKey::generate(&mut rng);
    let call = Call::join(config, key, TrustStore::default(), NOW, &mut rng).unwrap();
    (call, rng)
}

/// Does what is to be done, lets everybody in, and gives what is for all and for one.
fn turn(call: &mut Call, rng: &mut Random, now: Duration) -> Vec<(Recipient, Vec<u8>)> {
    let mut sent = Vec::new();
    loop {
        match call.poll(now, rng) {
            Action::Send { to, message } => sent.push((to, message)),
            Action::Event(Event::Applied(applicant)) => {
                let user = UserId(applicant.session.0.to_vec());
                call.admit(applicant.session, Admission { user, power: Power::None }, now).unwrap();
            }
            Action::Event(_) => {}
            Action::Wait(_) => return sent,
        }
    }
}

/// One who knows `n` others, and has opened a frame of each; bytes that each of them takes; and two who go on sending.
fn knowing(n: u16, kem: Kem) -> (Call, f64, [Call; 2]) {
    let (mut us, mut rng) = call(0, kem);
    let mut kept = Vec::new();
    let mut now = NOW;
    let announce = turn(&mut us, &mut rng, now).remove(0).1;
    // The first grow what all share.
    let mut bytes = 0;
    for number in 1..=n {
        now += Duration::from_millis(60);
        let (mut them, mut their_rng) = call(number, kem);
        let sent = turn(&mut them, &mut their_rng, now);
        them.handle_message(&announce, now).unwrap();
        let told = turn(&mut them, &mut their_rng, now);
        let frame = them.seal_to_vec(&[0; LEN], CAMERA).unwrap();
        let mut ours = Vec::new();
        bytes += alloc::kept(|| {
            us.handle_message(&sent[0].1, now).unwrap();
            ours = turn(&mut us, &mut rng, now);
            for (_, message) in &told {
                let _ = us.handle_message(message, now);
            }
            drop(turn(&mut us, &mut rng, now));
            let mut frame = frame.clone();
            us.open_in_place(number, &mut frame, CAMERA).unwrap();
            drop(turn(&mut us, &mut rng, now));
        });
        // They acknowledge our key.
        for (_, message) in &ours {
            let _ = them.handle_message(message, now);
        }
        let acks = turn(&mut them, &mut their_rng, now);
        bytes += alloc::kept(|| {
            for (_, message) in &acks {
                let _ = us.handle_message(message, now);
            }
            drop(core::mem::take(&mut ours));
        });
        if kept.len() < 2 {
            kept.push(them);
        }
    }
    // What is kept for ten seconds only.
    now += Duration::from_secs(12);
    bytes += alloc::kept(|| drop(turn(&mut us, &mut rng, now)));
    let each = bytes as f64 / f64::from(n);
    (us, each, kept.try_into().unwrap())
}

/// Nanoseconds to open a frame, of two senders by turns.
fn open(us: &mut Call, senders: &mut [Call; 2]) -> f64 {
    const FRAMES: usize = 2000;
    let mut least = f64::INFINITY;
    for _ in 0..20 {
        let mut frames: Vec<(u16, Vec<u8>)> = (0..FRAMES)
            .map(|at| {
                (1 + u16::from(at % 2 == 1), senders[at % 2].seal_to_vec(&[0; LEN], CAMERA).unwrap())
            })
            .collect();
        let start = std::time::Instant::now();
        for (from, frame) in &mut frames {
            us.open_in_place(*from, frame, CAMERA).unwrap();
        }
        least = least.min(start.elapsed().as_secs_f64() * 1e9 / as_f64(FRAMES));
    }
    least
}

pub fn report() {
    println!("# Members who are known\n");
    markdown::head(&["", "with 2", "with 1,000", "ratio"], 1);
    let (mut few, _, mut two) = knowing(2, Kem::X25519);
    let (mut many, each, mut of_many) = knowing(1000, Kem::X25519);
    let (with_few, with_many) = (open(&mut few, &mut two), open(&mut many, &mut of_many));
    markdown::row(&[
        format!("opening a frame of {LEN} bytes"),
        markdown::time(with_few),
        markdown::time(with_many),
        markdown::ratio(with_many, with_few),
    ]);
    println!(
        "\nMemory for each known sender, one key live: {each:.0} bytes with X25519 (at most 2,048 are asked for),"
    );
    let (_, each, _) = knowing(300, Kem::XWing);
    println!("{each:.0} with X-Wing, whose public key alone has 1,216.");
}
