//! One person's client.

use core::time::Duration;

use sealframe::{
    Action, Call, CipherSuite, FrameError, Header, OpenError, Stream, StreamKind,
    group::{
        Admission, Config, Event, Head, IdentityKey, Kem, Policy, Power, Recipient, Role, SessionId,
        UserId, verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

pub(crate) const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

pub(crate) struct Person {
    pub(crate) number: u16,
    pub(crate) call: Call,
    pub(crate) rng: Random,
    /// Signs for it after it has gone.
    pub(crate) seed: [u8; 32],
    pub(crate) wake_at: Duration,
    pub(crate) is_there: bool,
    sealed: u64,
}

/// What came of a client's turn.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) sent: Vec<(Recipient, Vec<u8>)>,
    pub(crate) joined: Vec<SessionId>,
    pub(crate) left: Vec<SessionId>,
    /// Frames that opened after they were parked: their tokens.
    pub(crate) unparked: Vec<u64>,
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Opened,
    Parked,
    Shut,
}

impl Person {
    pub(crate) fn new(number: u16, kem: Kem, seed: u64, now: Duration) -> Self {
        let mut rng = Random::new(seed);
        let key = IdentityKey::generate(&mut rng).unwrap();
        let seed = *key.expose_seed();
        let config = Config {
            group_id: b"simulation".to_vec(),
            kem,
            suite: SUITE,
            sender: number,
            role: Role::Participant,
            power: Power::None,
            credential: number.to_be_bytes().to_vec(),
            started_at: 0,
            policy: Policy::default(),
        };
        let call = Call::join(config, key, TrustStore::default(), now, &mut rng).unwrap();
        Self { number, call, rng, seed, wake_at: now, is_there: true, sealed: 0 }
    }

    pub(crate) fn head(&self, kem: Kem) -> Head {
        Head {
            kem,
            group: sealframe::group::message::group_hash(b"simulation"),
            session: self.call.session(),
        }
    }

    /// Does all that is to be done.
    pub(crate) fn turn(&mut self, now: Duration) -> Turn {
        let mut turn = Turn::default();
        loop {
            match self.call.poll(now, &mut self.rng) {
                Action::Send { to, message } => turn.sent.push((to, message)),
                Action::Event(Event::Applied(applicant)) => {
                    let user = UserId::new(applicant.credential).unwrap();
                    let admission = Admission { user, power: Power::None };
                    self.call.admit(applicant.session, admission, now).unwrap();
                }
                Action::Event(Event::Joined(session)) => turn.joined.push(session),
                Action::Event(Event::Left { session, .. }) => turn.left.push(session),
                Action::Event(Event::Equivocation(session)) => panic!("{session:?} is honest"),
                Action::Event(_) => {}
                Action::Wait(until) => {
                    assert!(until > now, "{until:?} is not after {now:?}");
                    self.wake_at = until;
                    break;
                }
            }
        }
        while let Some(mut parked) = self.call.poll_parked(now) {
            if self.call.open_in_place(parked.from, &mut parked.frame, CAMERA).is_ok() {
                turn.unparked.push(parked.token);
            }
        }
        turn
    }

    /// A frame, sealed; its generation.
    pub(crate) fn seal(&mut self) -> (Vec<u8>, u64) {
        self.sealed += 1;
        let frame = self.call.seal_to_vec(&self.sealed.to_be_bytes(), CAMERA).unwrap();
        let kid = Header::parse(&frame).unwrap().kid();
        (frame, kid.get() >> 24)
    }

    pub(crate) fn open(&mut self, from: u16, frame: &[u8], token: u64, now: Duration) -> Fate {
        let mut copy = frame.to_vec();
        match self.call.open_in_place(from, &mut copy, CAMERA) {
            Ok(_) => Fate::Opened,
            Err(FrameError::Open(OpenError::UnknownKey(_)))
                if self.call.park(from, token, frame, now) =>
            {
                Fate::Parked
            }
            Err(FrameError::OtherMember) => panic!("the header says so"),
            Err(_) => Fate::Shut,
        }
    }
}
