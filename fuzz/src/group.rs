//! Targets `group_message`, `group` and `trust`: what a server hands to a member of a call, and what its disk does.

use core::{convert::Infallible, time::Duration};
use std::collections::BTreeMap;

use rand_core::{TryCryptoRng, TryRng};
use sealframe::{
    BaseKey, CipherSuite,
    group::{
        Admission, Config, Event, Group, GroupError, IdentityKey, Kem, Output, Policy, Power,
        Recipient, Role, UserId,
        message::{self, Body, Entry, KeyUpdate, Message},
        verification::TrustStore,
    },
};

use sealframe_testkit::random::Random;

use crate::input::Input;

const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// Bytes are a message exactly if they are what encoding it gives.
pub fn group_message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let mut again = message::encode(&message.head, &message.body);
    assert_eq!(again, message.signed);
    again.extend(message.signature.into_iter().flatten());
    again.extend(message.entries);
    assert_eq!(again, data);
    assert_eq!(message.signature.is_none(), matches!(message.body, Body::Ack(_)));
    // Nobody has signed it: what has, is made by keys that are not in here.
    let _ = message.is_signed_by(&IdentityKey::from_seed(&[1; 32]).expect("no zeros").public());
    if let Body::KeyUpdate(update) = &message.body {
        for nh in [32, 64] {
            let len = Entry::len_of(message.head.kem, nh);
            match Entry::parse_all(message.entries, update, message.head.kem, nh) {
                Ok(entries) => assert_eq!(entries.count() * len, message.entries.len()),
                Err(_) => assert!(
                    !message.entries.len().is_multiple_of(len)
                        || message.entries.len() / len > usize::from(update.count)
                ),
            }
        }
        let cut = KeyUpdate::cut_for(data, message.head.session);
        assert!(cut.is_none_or(|cut| cut.len() <= data.len() && data.starts_with(&cut[..238])));
    }
}

/// A store is read back exactly if its bytes are what it would write.
pub fn trust(data: &[u8]) {
    if let Ok(store) = TrustStore::from_bytes(data) {
        assert_eq!(store.to_bytes(), data);
    }
}

/// Two members, and a server that hands them what they said, changed, out of order, again, or made up. Nobody ever holds
/// a key that is not the other's at that generation and step, and once the server is honest they have each other's keys.
pub fn group(data: &[u8]) {
    let mut input = Input::new(data);
    let mut members = [Member::new(1), Member::new(2)];
    let mut said: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut now = Duration::from_secs(1);
    for _ in 0..24 {
        if input.is_empty() {
            break;
        }
        now += Duration::from_millis(u64::from(input.u8()) * 8);
        for (from, member) in members.iter_mut().enumerate() {
            said.extend(member.turn(now).into_iter().map(|message| (from, message)));
        }
        let what = input.u8();
        match what % 8 {
            0 => members[0].group.rekey(message::Reason::Timer, now),
            1 => {
                let made_up = input.take(300).to_vec();
                members[1].take(&made_up, now);
            }
            _ if said.is_empty() => {}
            change => {
                let (from, mut message) = said[input.below(said.len())].clone();
                if change > 4 {
                    for byte in &mut message {
                        *byte ^= if input.u8().is_multiple_of(16) { input.u8() } else { 0 };
                    }
                }
                members[1 - from].take(&message, now);
            }
        }
        check_keys(&members);
    }
    // The server behaves.
    for _ in 0..60 {
        now += Duration::from_millis(500);
        for from in 0..2 {
            for message in members[from].turn(now) {
                members[1 - from].take(&message, now);
            }
        }
    }
    check_keys(&members);
    for us in 0..2 {
        assert!(members[us].can_open(&members[1 - us]), "the newest key has come");
    }
}

/// What is held is what its maker seals with at that generation and step. A new generation is told up to 2 s before it is
/// used, and another may replace it meanwhile: such a key was drawn by its maker, which has never used its generation.
fn check_keys(members: &[Member; 2]) {
    for us in 0..2 {
        let (ours, theirs) = (&members[us], &members[1 - us]);
        for (&(generation, step), key) in &ours.held {
            match theirs.used.get(&(generation, step)) {
                Some(used) => assert_eq!(key, used, "another key than its maker's"),
                None => {
                    assert_eq!(step, 0, "a step that its maker has not come to");
                    assert!(theirs.rng.drawn.contains(key), "a key that nobody made");
                }
            }
        }
    }
}

struct Member {
    group: Group,
    rng: Recorded,
    number: u16,
    /// Keys that we have sealed with, by generation and step.
    used: Keys,
    /// Keys of the other that we were told, by the same.
    held: Keys,
}

type Keys = BTreeMap<(u64, u64), Vec<u8>>;

impl Member {
    fn new(number: u16) -> Self {
        let mut rng = Recorded { random: Random::new(number.into()), drawn: Vec::new() };
        let config = Config {
            group_id: b"fuzz".to_vec(),
            kem: Kem::X25519,
            suite: SUITE,
            sender: number,
            role: Role::Participant,
            power: Power::None,
            credential: Vec::new(),
            started_at: 0,
            policy: Policy::default(),
        };
        let key = IdentityKey::generate(&mut rng).expect("no zeros");
        let (group, base_key) =
            Group::new(config, key, TrustStore::new(), Duration::from_secs(1), &mut rng)
                .expect("sound");
        let used = Keys::from([((0, 0), base_key.expose_bytes().to_vec())]);
        Self { group, rng, number, used, held: Keys::new() }
    }

    fn take(&mut self, message: &[u8], now: Duration) {
        let before = format!("{:?}", self.group.state(now));
        if self.group.handle_message(message, now) == Err(GroupError::Unauthentic) {
            assert_eq!(before, format!("{:?}", self.group.state(now)));
        }
    }

    /// What it says, to all and to one: there is only one other.
    fn turn(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        loop {
            self.group.set_frames(1);
            match self.group.poll(now, &mut self.rng) {
                Output::Send { to: Recipient::All | Recipient::One(_), message } => said.push(message),
                Output::Ratchet => {
                    let (&(generation, step), key) = self.newest();
                    let next = BaseKey::from_bytes(SUITE, key).expect("drawn").ratchet();
                    self.used.insert((generation, step + 1), next.expose_bytes().to_vec());
                }
                Output::Rekey { generation, base_key } => {
                    assert!(self.newest().0.0 < generation, "a generation comes round again");
                    self.used.insert((generation, 0), base_key.expose_bytes().to_vec());
                }
                Output::Install { kid, base_key } => {
                    assert_eq!(kid.sender, u64::from(3 - self.number), "there is only one other");
                    let key = base_key.expose_bytes().to_vec();
                    let before = self.held.insert((kid.generation, kid.step), key.clone());
                    assert!(before.is_none_or(|before| before == key), "two keys for one KID");
                }
                Output::Event(Event::Applied(applicant)) => {
                    let admission =
                        Admission { user: UserId::new("a user").expect("a name"), power: Power::None };
                    self.group.admit(applicant.session, admission, now).expect("there is room");
                }
                Output::Wait(_) => return said,
                Output::Event(_)
                | Output::ForgetGeneration { .. }
                | Output::ForgetBefore(_)
                | Output::Forget { .. } => {}
            }
        }
    }

    /// What it seals with.
    fn newest(&self) -> (&(u64, u64), &Vec<u8>) {
        self.used.last_key_value().expect("it has begun with one")
    }

    /// Whether the other's newest key is held, or follows from what is held.
    fn can_open(&self, other: &Self) -> bool {
        let (&(generation, newest), key) = other.newest();
        let of_generation = (generation, 0)..=(generation, newest);
        self.held.range(of_generation).next_back().is_some_and(|(&(_, step), held)| {
            let held = BaseKey::from_bytes(SUITE, held).expect("it was held");
            let moved = (step..newest).fold(held, |held, _| held.ratchet());
            moved.expose_bytes() == key
        })
    }
}

/// Randomness that notes what may have become a key.
struct Recorded {
    random: Random,
    /// All that was drawn in as many bytes as a key has.
    drawn: Vec<Vec<u8>>,
}

impl TryRng for Recorded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.random.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.random.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.random.try_fill_bytes(bytes)?;
        if bytes.len() == SUITE.nh() {
            self.drawn.push(bytes.to_vec());
        }
        Ok(())
    }
}

impl TryCryptoRng for Recorded {}
