//! Members whose messages a test carries.
#![allow(dead_code, reason = "each test uses some of it")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]

use core::time::Duration;
use std::collections::BTreeMap;

use sealframe_crypto::{BaseKey, CipherSuite};
use sealframe_group::{
    Admission, Config, Event, Group, GroupError, Head, Identity, IdentityKey, Kem, KemSecret, Output,
    Policy, Power, Reason, Recipient, Role, SessionId, UserId,
    message::{self, Addressee, Announce, Body, KeyUpdate, Message},
    verification::TrustStore,
    wrap,
};
use sealframe_testkit::random::Random;

pub(crate) const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

fn config(number: u16, kem: Kem, power: Power, policy: Policy, credential: Vec<u8>) -> Config {
    Config {
        group_id: b"a call".to_vec(),
        kem,
        suite: SUITE,
        sender: number,
        role: Role::Participant,
        power,
        credential,
        started_at: 0,
        policy,
    }
}

/// One member and what it knows: base keys as bytes, in place of a media path.
pub(crate) struct Peer {
    pub(crate) group: Group,
    pub(crate) rng: Random,
    /// Ours: generation, step, key.
    pub(crate) own: (u64, u32, Vec<u8>),
    /// Others': by number and generation, the step from which on and the key there.
    pub(crate) held: BTreeMap<(u64, u64), (u64, Vec<u8>)>,
    pub(crate) events: Vec<Event>,
    pub(crate) sent: Vec<(Recipient, Vec<u8>)>,
    /// Admit all who apply, as users named after their number.
    pub(crate) admits: bool,
}

impl Peer {
    pub(crate) fn new(number: u16, now: Duration) -> Self {
        Self::with(number, Kem::X25519, Power::None, Policy::default(), now)
    }

    pub(crate) fn with(number: u16, kem: Kem, power: Power, policy: Policy, now: Duration) -> Self {
        let mut rng = Random::new(u64::from(number) << 32 | now.as_millis() as u64);
        let key = IdentityKey::generate(&mut rng);
        Self::known_as(key, number, kem, power, policy, now, rng)
    }

    /// With this identity.
    pub(crate) fn known_as(
        key: IdentityKey,
        number: u16,
        kem: Kem,
        power: Power,
        policy: Policy,
        now: Duration,
        rng: Random,
    ) -> Self {
        let credential = number.to_be_bytes().to_vec();
        Self::of(config(number, kem, power, policy, credential), key, now, rng)
    }

    fn of(config: Config, key: IdentityKey, now: Duration, mut rng: Random) -> Self {
        let (group, base_key) = Group::new(config, key, TrustStore::default(), now, &mut rng).unwrap();
        let own = (0, 0, base_key.expose_bytes().to_vec());
        Self {
            group,
            rng,
            own,
            held: BTreeMap::new(),
            events: Vec::new(),
            sent: Vec::new(),
            admits: true,
        }
    }

    /// Its announce, as it sends it.
    pub(crate) fn sent_announce(mut self, now: Duration) -> Vec<u8> {
        self.run(now);
        self.sent.remove(0).1
    }

    /// Who a member is, by the application's word.
    pub(crate) fn user_of(&self, session: SessionId) -> UserId {
        let states = self.group.member_states(Duration::ZERO);
        states.into_iter().find(|member| member.session == session).unwrap().user
    }

    /// Somebody new who says that it is this user.
    pub(crate) fn claiming(user: &UserId, number: u16, now: Duration) -> Self {
        let mut rng = Random::new(u64::from(number) << 40);
        let key = IdentityKey::generate(&mut rng);
        let config = config(number, Kem::X25519, Power::None, Policy::default(), user.0.clone());
        Self::of(config, key, now, rng)
    }

    /// Does what the group wants; the time until which nothing is to be done.
    pub(crate) fn run(&mut self, now: Duration) -> Duration {
        self.group.set_frames(1);
        loop {
            match self.group.poll(now, &mut self.rng) {
                Output::Send { to, message } => self.sent.push((to, message)),
                Output::Ratchet => {
                    let key = BaseKey::from_bytes(&self.own.2).ratchet(SUITE);
                    self.own = (self.own.0, self.own.1 + 1, key.expose_bytes().to_vec());
                    self.group.set_frames(1);
                }
                Output::Rekey { generation, base_key } => {
                    self.own = (generation, 0, base_key.expose_bytes().to_vec());
                    self.group.set_frames(1);
                }
                Output::Install { kid, base_key } => {
                    let key = (kid.step, base_key.expose_bytes().to_vec());
                    assert!(
                        self.held.insert((kid.sender, kid.generation), key).is_none(),
                        "installed twice"
                    );
                }
                Output::Forget { sender } => {
                    self.held.retain(|&(held, _), _| held != u64::from(sender))
                }
                Output::ForgetGeneration { sender, generation } => {
                    self.held.remove(&(sender.into(), generation));
                }
                Output::ForgetBefore(kid) => self.held.retain(|&(sender, generation), _| {
                    sender != kid.sender || generation >= kid.generation
                }),
                Output::Event(Event::Applied(applicant)) if self.admits => {
                    let user = UserId(applicant.credential.clone());
                    let may = matches!(applicant.sender, 1 | 11);
                    let power = if may { Power::Moderator } else { Power::None };
                    self.events.push(Event::Applied(applicant.clone()));
                    self.group.admit(applicant.session, Admission { user, power }, now).unwrap();
                }
                Output::Event(event) => self.events.push(event),
                Output::Wait(until) => {
                    assert!(until > now, "{until:?} is not after {now:?}");
                    return until;
                }
            }
        }
    }

    /// Whether a frame that `sender` seals now would open here.
    pub(crate) fn opens(&self, sender: u16, own: &(u64, u32, Vec<u8>)) -> bool {
        let Some((from, key)) = self.held.get(&(sender.into(), own.0)) else { return false };
        let Some(steps) = u64::from(own.1).checked_sub(*from) else { return false };
        let mut key = BaseKey::from_bytes(key);
        for _ in 0..steps {
            key = key.ratchet(SUITE);
        }
        key.expose_bytes() == own.2
    }
}

/// Whether a message does not get through: from, to, bytes.
pub(crate) type Drops = dyn FnMut(SessionId, SessionId, &[u8]) -> bool;

/// A server that hands everything on, at once.
pub(crate) struct Net {
    pub(crate) peers: BTreeMap<SessionId, Peer>,
    pub(crate) now: Duration,
    pub(crate) errors: Vec<GroupError>,
    /// Messages that do not get through: from, to, bytes.
    pub(crate) drops: Box<Drops>,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self {
            peers: BTreeMap::new(),
            now: Duration::from_secs(1),
            errors: Vec::new(),
            drops: Box::new(|_, _, _| false),
        }
    }

    pub(crate) fn join(&mut self, number: u16) -> SessionId {
        self.add(Peer::new(number, self.now))
    }

    pub(crate) fn add(&mut self, peer: Peer) -> SessionId {
        let session = peer.group.session();
        self.peers.insert(session, peer);
        session
    }

    pub(crate) fn get(&mut self, session: SessionId) -> &mut Peer {
        self.peers.get_mut(&session).unwrap()
    }

    /// Carries everything that there is to carry at this time.
    pub(crate) fn settle(&mut self) -> Duration {
        loop {
            let mut next = Duration::MAX;
            let mut sent = Vec::new();
            for (&from, peer) in &mut self.peers {
                next = next.min(peer.run(self.now));
                sent.extend(peer.sent.drain(..).map(|(to, message)| (from, to, message)));
            }
            if sent.is_empty() {
                return next;
            }
            for (from, to, message) in sent {
                self.carry(from, to, &message);
            }
        }
    }

    pub(crate) fn carry(&mut self, from: SessionId, to: Recipient, message: &[u8]) {
        let now = self.now;
        let number = self.peers.get(&from).map(|peer| peer.group.sender());
        for (&session, peer) in &mut self.peers {
            let is_for = match to {
                Recipient::All => session != from,
                Recipient::One(one) => one == session,
            };
            if !is_for || (self.drops)(from, session, message) {
                continue;
            }
            let heard = match number {
                Some(number) => peer.group.handle_message_from(message, number, now),
                None => peer.group.handle_message(message, now),
            };
            if let Err(error) = heard {
                self.errors.push(error);
            }
        }
    }

    /// An entry for this member, of a key of 32 zeros, under a header that somebody else signed.
    pub(crate) fn entry_for(
        &mut self,
        to: SessionId,
        sender: &Identity,
        from: SessionId,
        header: &[u8],
    ) -> Vec<u8> {
        let announce = self.get(to).group.announce().to_vec();
        let Body::Announce(announce) = Message::parse(&announce).unwrap().body else { panic!() };
        let head = Head { kem: Kem::X25519, group: message::group_hash(b"a call"), session: from };
        let addressee = Addressee {
            identity: announce.identity,
            session: to,
            kem_key: &announce.kem_key,
            nonce: &announce.nonce,
        };
        let info = message::entry_info(&head, SUITE, sender, &addressee);
        let base_key = BaseKey::from_bytes(&[0; 32]);
        let mut rng = Random::new(5);
        let (enc, ciphertext) =
            wrap(Kem::X25519, &announce.kem_key, &base_key, &info, header, &mut rng).unwrap();
        [&to.0[..], &[announce.nonce_number], &enc, &ciphertext].concat()
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next = self.settle();
            if next > end {
                self.now = end;
                self.settle();
                return;
            }
            self.now = next;
        }
    }

    /// Who opens what this member seals now, by session.
    pub(crate) fn who_opens(&self, from: SessionId, number: u16) -> Vec<SessionId> {
        let own = &self.peers[&from].own;
        let peers = self.peers.iter().filter(|(session, _)| **session != from);
        peers.filter(|(_, peer)| peer.opens(number, own)).map(|(&session, _)| session).collect()
    }

    pub(crate) fn all_open_all(&self) -> bool {
        let numbers: Vec<(SessionId, u16)> =
            self.peers.iter().map(|(&session, peer)| (session, peer.group.sender())).collect();
        numbers
            .iter()
            .all(|&(session, number)| self.who_opens(session, number).len() == self.peers.len() - 1)
    }
}

/// Members 1 to n, who open each other's frames. Numbers 1 and 11 may moderate.
pub(crate) fn call(n: u16) -> (Net, Vec<SessionId>) {
    let mut net = Net::new();
    let sessions = (1..=n)
        .map(|number| {
            let power = if matches!(number, 1 | 11) { Power::Moderator } else { Power::None };
            let peer = Peer::with(number, Kem::X25519, power, Policy::default(), net.now);
            let session = net.add(peer);
            net.pass(Duration::from_secs(1));
            session
        })
        .collect();
    net.pass(3 * Duration::from_secs(1));
    assert!(net.all_open_all());
    (net, sessions)
}

pub(crate) fn head(session: SessionId) -> Head {
    Head { kem: Kem::X25519, group: message::group_hash(b"a call"), session }
}

/// An identity of the test's, that everybody lets in, and its announce.
pub(crate) fn stranger(number: u16) -> (IdentityKey, SessionId, Vec<u8>) {
    let mut rng = Random::new(number.into());
    let key = IdentityKey::generate(&mut rng);
    let (_, kem_key) = KemSecret::generate(Kem::X25519, &mut rng).unwrap();
    let session = SessionId([0x77; 16]);
    let announce = Announce {
        media_suite: SUITE.id(),
        sender: number,
        role: Role::Participant,
        identity: key.public(),
        kem_key,
        nonce_number: 0,
        nonce: [1; 24],
        credential: b"stranger".to_vec(),
    };
    let words = message::sign(&head(session), &Body::Announce(announce), &key);
    (key, session, words)
}

/// A member whose identity the test has, known to all of a call of two.
pub(crate) fn insider() -> (Net, Vec<SessionId>, IdentityKey, SessionId) {
    let (mut net, all) = call(2);
    let (key, session, words) = stranger(9);
    net.carry(session, Recipient::All, &words);
    net.pass(Duration::from_secs(1));
    (net, all, key, session)
}

pub(crate) fn update(seq: u64, generation: u64, key_commit: [u8; 32]) -> KeyUpdate {
    KeyUpdate {
        reason: Reason::Timer,
        seq,
        generation,
        step: 0,
        apply_ms: 0,
        roster_hash: [0; 32],
        prev_hash: [0; 32],
        key_commit,
        count: 1,
    }
}
