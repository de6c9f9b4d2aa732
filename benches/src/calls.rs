//! Frames through a whole call, compared with its sender and receiver alone.

use core::{hint::black_box, time::Duration};

use sealframe::{
    Action, Backend, Call, Cipher, MemberId, Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Role, UserId,
        verification::TrustStore,
    },
};
use sealframe_media::{FrameBuf, Receiver, Sender};
use sealframe_testkit::random::Random;
use sealframe_wire::SenderKeyKid;

use crate::{Operation, STREAM, SUITE, Slot, layout};

/// Frames that each member has sealed before, so that every header has a CTR of two bytes.
const BEFORE: usize = 300;

/// `N` members send in turn, and another member of the call receives.
pub struct Members<const N: usize> {
    speakers: Vec<Call>,
    listener: Call,
}

impl<const N: usize> Members<N> {
    fn new() -> Self {
        let mut rng = Random::new(1);
        let rng = &mut rng;
        let mut now = Time::START;
        let mut join = |address: usize| {
            let config = Config {
                group_id: b"call".to_vec(),
                kem: Kem::X25519,
                suite: SUITE,
                address: address.to_be_bytes().to_vec(),
                role: Role::Participant,
                permission: Permission::None,
                credential: b"somebody".to_vec(),
                sends: true,
                started_at: 0,
                policy: Policy::default(),
            };
            let key = IdentityKey::generate(rng).unwrap();
            Call::join(config, Backend::recommended(), key, TrustStore::new(), now, rng).unwrap()
        };
        let mut calls: Vec<Call> = (0..=N).map(&mut join).collect();
        for _ in 0..8 {
            for us in 0..=N {
                loop {
                    match calls[us].poll(now, rng) {
                        Action::Send { message, .. } => {
                            for them in (0..=N).filter(|&them| them != us) {
                                let _ = calls[them].handle_message(&message, now);
                            }
                        }
                        Action::Event(Event::JoinRequested(who)) => {
                            let admission = admission(who.credential);
                            calls[us].members().admit(who.session, admission, now).unwrap();
                        }
                        Action::Event(_) => {}
                        Action::Timeout(_) => break,
                    }
                }
            }
            now += Duration::from_secs(1);
        }
        let listener = calls.pop().unwrap();
        Self { speakers: calls, listener }
    }
}

fn admission(credential: Vec<u8>) -> Admission {
    Admission { user: UserId::new(credential).unwrap(), permission: Permission::None }
}

/// Member ids of two bytes, as those of nearly all sessions.
fn member(number: usize) -> MemberId {
    MemberId::new(0x8000 + u16::try_from(number).unwrap())
}

/// Senders for as many members, and a receiver.
pub struct Alone {
    senders: Vec<Sender>,
    receiver: Receiver,
}

impl Alone {
    fn new(members: usize) -> Self {
        let kid = |number| SenderKeyKid { sender: member(number).into(), ..SenderKeyKid::default() };
        let mut receiver = Receiver::new(Cipher::recommended(SUITE), layout());
        let senders = (0..members).map(|number| {
            receiver.add_sender(kid(number), crate::base_key()).unwrap();
            Sender::new(Cipher::recommended(SUITE), layout(), kid(number), crate::base_key()).unwrap()
        });
        Self { senders: senders.collect(), receiver }
    }
}

/// The sending and receiving side.
pub trait Side: Send {
    fn new() -> Self;
    /// The member id in the KID.
    fn member_of(&self, member: usize) -> MemberId;
    fn seal<'f>(&mut self, number: usize, frame: FrameBuf<'f>) -> &'f mut [u8];
    fn open<'f>(&mut self, from: MemberId, frame: &'f mut [u8]) -> &'f mut [u8];
}

impl<const N: usize> Side for Members<N> {
    fn new() -> Self {
        Self::new()
    }

    fn member_of(&self, member: usize) -> MemberId {
        self.speakers[member].session().member_id()
    }

    #[inline(always)]
    fn seal<'f>(&mut self, number: usize, frame: FrameBuf<'f>) -> &'f mut [u8] {
        self.speakers[number].seal_in_place(frame, STREAM).unwrap()
    }

    #[inline(always)]
    fn open<'f>(&mut self, from: MemberId, frame: &'f mut [u8]) -> &'f mut [u8] {
        self.listener.open_in_place(from, frame, STREAM).unwrap().frame
    }
}

/// Like [`Members`], without a call around them.
pub struct AloneOf<const N: usize>(Alone);

impl<const N: usize> Side for AloneOf<N> {
    fn new() -> Self {
        Self(Alone::new(N))
    }

    fn member_of(&self, number: usize) -> MemberId {
        member(number)
    }

    #[inline(always)]
    fn seal<'f>(&mut self, number: usize, frame: FrameBuf<'f>) -> &'f mut [u8] {
        self.0.senders[number].seal_in_place(frame, STREAM).unwrap()
    }

    #[inline(always)]
    fn open<'f>(&mut self, _: MemberId, frame: &'f mut [u8]) -> &'f mut [u8] {
        self.0.receiver.open_in_place(frame, STREAM).unwrap().frame
    }
}

/// One of `N` members seals.
pub struct Seal<S> {
    side: S,
    len: usize,
}

/// Frames of `N` members, in turn, are opened.
pub struct Open<S, const N: usize> {
    side: S,
    next: usize,
    len: usize,
}

impl<S: Side> Seal<S> {
    pub fn new(len: usize) -> Self {
        let mut side = S::new();
        let mut slot = Slot::new(len);
        for _ in 0..BEFORE {
            side.seal(0, FrameBuf::new(&mut slot.buf, slot.frame.clone()).unwrap());
        }
        Self { side, len }
    }
}

impl<S: Side, const N: usize> Open<S, N> {
    pub fn new(len: usize) -> Self {
        let mut side = S::new();
        let mut slot = Slot::new(len);
        for number in (0..N).cycle().take(BEFORE * N) {
            let frame = FrameBuf::new(&mut slot.buf, slot.frame.clone()).unwrap();
            let from = side.member_of(number);
            let sealed = side.seal(number, frame);
            side.open(from, sealed);
        }
        Self { side, next: 0, len }
    }
}

impl<S: Side> Operation for Seal<S> {
    type Input = Slot;

    fn input(&self) -> Slot {
        Slot::new(self.len)
    }

    fn prepare(&mut self, slot: &mut Slot) {
        slot.refill();
    }

    #[inline(always)]
    fn run(&mut self, Slot { buf, frame, .. }: &mut Slot) {
        let frame = FrameBuf::new(black_box(buf), frame.clone()).unwrap();
        black_box(self.side.seal(0, frame));
    }
}

impl<S: Side, const N: usize> Operation for Open<S, N> {
    type Input = (MemberId, Slot);

    fn input(&self) -> (MemberId, Slot) {
        (MemberId::default(), Slot::new(self.len))
    }

    fn prepare(&mut self, (from, slot): &mut (MemberId, Slot)) {
        let number = self.next;
        *from = self.side.member_of(number);
        self.next = (self.next + 1) % N;
        slot.refill();
        let frame = FrameBuf::new(&mut slot.buf, slot.frame.clone()).unwrap();
        let sealed_len = self.side.seal(number, frame).len();
        let end = slot.frame.end + SUITE.nt();
        slot.sealed = end - sealed_len..end;
    }

    #[inline(always)]
    fn run(&mut self, (from, Slot { buf, sealed, .. }): &mut (MemberId, Slot)) {
        let frame = &mut black_box(buf)[sealed.clone()];
        black_box(self.side.open(black_box(*from), frame));
    }
}
