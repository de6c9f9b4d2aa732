//! A call whose audio thread seals while its network thread opens and a third manages keys.
#![cfg(feature = "group")]
#![expect(clippy::unwrap_used, reason = "a test")]

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{
    sync::{Arc, mpsc},
    thread,
};

use sealframe::{
    Action, Backend, Call, CallControl, CipherSuite, ControlAction, MemberId, Stream, StreamKind, Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, OpenChange, Permission, Policy, Role, SealChange,
        UserId, verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

const SOUND: Stream = Stream::new(StreamKind::Microphone, 0);
const SECOND: Duration = Duration::from_secs(1);

fn join(address: u8, rng: &mut Random) -> Call {
    let config = Config {
        group_id: b"threads".to_vec(),
        kem: Kem::X25519,
        suite: CipherSuite::Aes128GcmSha256_128,
        address: vec![address],
        role: Role::Participant,
        permission: Permission::None,
        credential: vec![address],
        sends: true,
        started_at: 0,
        policy: Policy::default(),
    };
    let key = IdentityKey::generate(rng).unwrap();
    Call::join(config, Backend::recommended(), key, TrustStore::new(), Time::at(SECOND), rng).unwrap()
}

/// The key management of a split call: its messages, and key changes for the two threads.
struct Parts {
    control: CallControl,
    rng: Random,
    seal: mpsc::Sender<SealChange>,
    open: mpsc::Sender<Work>,
    sealed: Arc<AtomicU64>,
}

/// Work for the opening thread.
enum Work {
    Change(OpenChange),
    Frame(MemberId, Vec<u8>),
}

impl Parts {
    fn run(&mut self, now: Time) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        loop {
            let sealed = self.sealed.load(Ordering::SeqCst);
            match self.control.poll(sealed, now, &mut self.rng) {
                ControlAction::Send { message, .. } => sent.push(message),
                ControlAction::Seal(change) => {
                    self.sealed.store(0, Ordering::SeqCst);
                    self.seal.send(change).unwrap();
                }
                ControlAction::Open(change) => self.open.send(Work::Change(change)).unwrap(),
                ControlAction::Event(Event::JoinRequested(request)) => {
                    let user = UserId::new(request.credential).unwrap();
                    let admission = Admission { user, permission: Permission::None };
                    self.control.members().admit(request.session, admission, now).unwrap();
                }
                ControlAction::Event(_) => {}
                ControlAction::Timeout(_) => return sent,
            }
        }
    }
}

fn run(call: &mut Call, rng: &mut Random, now: Time) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        match call.poll(now, rng) {
            Action::Send { message, .. } => sent.push(message),
            Action::Event(Event::JoinRequested(request)) => {
                let user = UserId::new(request.credential).unwrap();
                let admission = Admission { user, permission: Permission::None };
                call.members().admit(request.session, admission, now).unwrap();
            }
            Action::Event(_) => {}
            Action::Timeout(_) => return sent,
        }
    }
}

#[test]
fn one_thread_seals_while_another_opens_and_keys_change() {
    let mut rng = Random::new(1);
    let (control, mut sealer, mut opener) = join(1, &mut rng).split();
    let mut other = join(2, &mut rng);
    let (to_sealer, changes) = mpsc::channel();
    let (to_opener, work) = mpsc::channel();
    let (frames_out, frames) = mpsc::sync_channel::<Vec<u8>>(8);
    let sealed = Arc::new(AtomicU64::new(0));
    let (count, stop) = (Arc::clone(&sealed), Arc::new(AtomicU64::new(0)));
    let stopped = Arc::clone(&stop);
    let sealing = thread::spawn(move || {
        while stopped.load(Ordering::SeqCst) == 0 {
            for change in changes.try_iter() {
                sealer.apply(change).unwrap();
            }
            // A busy network drops frames.
            let _ = frames_out.try_send(sealer.seal_to_vec(b"sound", SOUND).unwrap());
            count.store(sealer.usage().frames, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(200));
        }
    });
    let opening = thread::spawn(move || {
        let mut opened = 0;
        for work in work {
            match work {
                Work::Change(change) => opener.apply(change).unwrap(),
                Work::Frame(from, mut frame) => {
                    let sound = opener.open_in_place(from, &mut frame, SOUND).unwrap();
                    assert_eq!(sound.frame, b"sound of the other");
                    opened += 1;
                }
            }
        }
        opened
    });
    let mut parts = Parts { control, rng: Random::new(2), seal: to_sealer, open: to_opener, sealed };
    let mut opened = 0;
    let mut kids = std::collections::BTreeSet::new();
    for round in 1..200_u32 {
        let now = Time::at(SECOND) + Duration::from_millis(50) * round;
        if round % 40 == 0 {
            parts.control.nears_limit(now);
            other.rekey(now);
        }
        thread::sleep(Duration::from_millis(1));
        for message in parts.run(now) {
            // It rejects messages that are not for it.
            let _ = other.handle_message(&message, now);
        }
        for message in run(&mut other, &mut rng, now) {
            let _ = parts.control.handle_message(&message, now);
        }
        let number = parts.control.group().member_id();
        for mut frame in frames.try_iter() {
            if let Ok(frame) = other.open_in_place(number, &mut frame, SOUND) {
                assert_eq!(frame.frame, b"sound");
                kids.insert(frame.kid);
                opened += 1;
            }
        }
        if round > 20 {
            let frame = other.seal_to_vec(b"sound of the other", SOUND).unwrap();
            parts.open.send(Work::Frame(other.group().member_id(), frame)).unwrap();
        }
    }
    stop.store(1, Ordering::SeqCst);
    sealing.join().unwrap();
    drop(parts);
    let by_thread: u32 = opening.join().unwrap();
    assert!(by_thread > 150, "{by_thread}");
    assert!(opened > 100 && kids.len() > 2, "{opened} of {} keys", kids.len());
}
