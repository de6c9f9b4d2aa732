//! Targets `group_message`, `group` and `trust`: what a server hands to a member of a call, and what its disk does.

use core::time::Duration;

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
    let _ = message.is_signed_by(&IdentityKey::from_seed(&[1; 32]).public());
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
/// a key that the other did not make, and once the server is honest they have each other's keys.
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
        for us in 0..2 {
            let made = &members[1 - us].made;
            assert!(members[us].held.iter().all(|key| made.contains(key)), "a key that nobody made");
        }
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
    for us in 0..2 {
        let newest = members[1 - us].made.last().expect("it has begun with one");
        assert!(members[us].held.contains(newest), "the newest key has come");
    }
}

struct Member {
    group: Group,
    rng: Random,
    /// Keys that were ours, as bytes.
    made: Vec<Vec<u8>>,
    /// Keys that we were told, moved on as far as they may be.
    held: Vec<Vec<u8>>,
}

impl Member {
    fn new(number: u16) -> Self {
        let mut rng = Random::new(number.into());
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
        let key = IdentityKey::generate(&mut rng);
        let (group, base_key) =
            Group::new(config, key, TrustStore::new(), Duration::from_secs(1), &mut rng)
                .expect("sound");
        Self { group, rng, made: vec![base_key.expose_bytes().to_vec()], held: Vec::new() }
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
                    let key = self.made.last().expect("it has begun with one");
                    let next = BaseKey::from_bytes(key).ratchet(SUITE);
                    self.made.push(next.expose_bytes().to_vec());
                }
                Output::Rekey { base_key, .. } => self.made.push(base_key.expose_bytes().to_vec()),
                Output::Install { base_key, .. } => self.hold(&base_key),
                Output::Event(Event::Applied(applicant)) => {
                    let admission = Admission { user: UserId(Vec::new()), power: Power::None };
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

    fn hold(&mut self, base_key: &BaseKey) {
        self.held.push(base_key.expose_bytes().to_vec());
    }
}
