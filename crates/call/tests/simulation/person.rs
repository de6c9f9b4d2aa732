//! One person's client.

use sealframe::{
    Action, Backend, Call, CipherSuite, FrameError, Header, MemberId, OpenError, Stream, StreamKind,
    Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Recipient, Role, SessionId,
        UserId,
        message::{self, Body},
        verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

pub(crate) const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// A person, who may join several times with the same identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Who {
    pub(crate) person: u16,
    pub(crate) moderates: bool,
    pub(crate) sends: bool,
}

pub(crate) struct Person {
    pub(crate) who: Who,
    pub(crate) address: u16,
    pub(crate) call: Call,
    pub(crate) rng: Random,
    pub(crate) wake_at: Time,
    pub(crate) asleep_until: Time,
    pub(crate) is_there: bool,
    sealed: u64,
}

/// The result of a client's turn.
#[derive(Default)]
pub(crate) struct Turn {
    /// Messages with their recipients; `None` means all.
    pub(crate) sent: Vec<(Option<u16>, Vec<u8>)>,
    pub(crate) joined: Vec<SessionId>,
    pub(crate) left: Vec<SessionId>,
    /// Tokens of parked frames that opened.
    pub(crate) unparked: Vec<u64>,
    pub(crate) has_new_session: bool,
    pub(crate) has_ended: bool,
}

/// The outcome of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Opened,
    Parked,
    Shut,
}

pub(crate) fn group() -> [u8; 32] {
    message::group_hash(b"simulation")
}

pub(crate) fn key_of(person: u16) -> IdentityKey {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&person.to_be_bytes());
    IdentityKey::from_seed(&seed).unwrap()
}

impl Person {
    pub(crate) fn new(who: Who, address: u16, kem: Kem, seed: u64, day: u64, now: Time) -> Self {
        let mut rng = Random::new(seed);
        let [high, low] = who.person.to_be_bytes();
        let permission = if who.moderates { Permission::Moderator } else { Permission::None };
        let config = Config {
            group_id: b"simulation".to_vec(),
            kem,
            suite: SUITE,
            address: address.to_be_bytes().to_vec(),
            role: Role::Participant,
            permission,
            credential: vec![high, low, u8::from(who.moderates)],
            sends: who.sends,
            started_at: day * 86_400,
            policy: Policy::default(),
        };
        let trust = TrustStore::default();
        let call = Call::join(config, Backend::recommended(), key_of(who.person), trust, now, &mut rng)
            .unwrap();
        let asleep_until = Time::START;
        Self { who, address, call, rng, wake_at: now, asleep_until, is_there: true, sealed: 0 }
    }

    /// Its leave messages; it continues to listen.
    pub(crate) fn leave(&self) -> Vec<u8> {
        message::sign(&group(), self.call.session(), &Body::Leave, &key_of(self.who.person))
    }

    pub(crate) fn is_awake(&self, now: Time) -> bool {
        self.asleep_until <= now
    }

    fn on_event(&mut self, event: Event, turn: &mut Turn, now: Time) {
        match event {
            Event::JoinRequested(request) => {
                let moderates = request.credential[2] == 1;
                let permission = if moderates { Permission::Moderator } else { Permission::None };
                let user = UserId::new(&request.credential[..2]).unwrap();
                // It may have been kept out in the meantime.
                let admission = Admission { user, permission };
                let _ = self.call.members().admit(request.session, admission, now);
            }
            Event::Joined(session) | Event::Returned(session) => turn.joined.push(session),
            Event::Left { session, .. } => turn.left.push(session),
            Event::Equivocation(session) => panic!("{session:?} is honest"),
            Event::SessionChanged(_) => turn.has_new_session = true,
            Event::Ended(_) => turn.has_ended = true,
            _ => {}
        }
    }

    /// Handles all due actions.
    pub(crate) fn turn(&mut self, now: Time) -> Turn {
        let mut turn = Turn::default();
        loop {
            match self.call.poll(now, &mut self.rng) {
                Action::Send { to: Recipient::All, message } => turn.sent.push((None, message)),
                Action::Send { to: Recipient::One(session), message } => {
                    let address = self.call.group().address_of(session);
                    let to = address.map(|bytes| u16::from_be_bytes(bytes.try_into().unwrap()));
                    turn.sent.push((to, message));
                }
                Action::Event(event) => self.on_event(event, &mut turn, now),
                Action::Timeout(until) => {
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

    /// A sealed frame and its generation.
    pub(crate) fn seal(&mut self) -> (Vec<u8>, u64) {
        self.sealed += 1;
        let frame = self.call.seal_to_vec(&self.sealed.to_be_bytes(), CAMERA).unwrap();
        let kid = Header::parse(&frame).unwrap().kid();
        (frame, kid.get() >> 24)
    }

    pub(crate) fn open(&mut self, from: MemberId, frame: &[u8], token: u64, now: Time) -> Fate {
        let mut copy = frame.to_vec();
        match self.call.open_in_place(from, &mut copy, CAMERA) {
            Ok(_) => Fate::Opened,
            Err(FrameError::Open(OpenError::UnknownKey(_)))
                if self.call.park(from, token, frame, now) =>
            {
                Fate::Parked
            }
            Err(FrameError::OtherMember) => panic!("the frame is attributed to its true member"),
            Err(_) => Fate::Shut,
        }
    }
}
