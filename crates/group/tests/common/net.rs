//! A call over a relay that the test controls: delays, loss, partitions, sleeping machines,
//! applications that decide slowly.

use core::{cmp::Reverse, time::Duration};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use sealframe_crypto::{BaseKey, CipherSuite};
use sealframe_group::{
    Admission, Config, Event, Group, GroupError, IdentityKey, Kem, KeyChange, MemberId, Output,
    Permission, Policy, Recipient, Role, SessionId, Time, UserId, message, verification::TrustStore,
};
use sealframe_testkit::random::Random;

pub(crate) const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MILLI: Duration = Duration::from_millis(1);

/// How a person joins a call.
#[derive(Clone)]
pub(crate) struct Join {
    /// The person: the same number is the same identity.
    pub(crate) person: u16,
    pub(crate) permission: Permission,
    pub(crate) kem: Kem,
    pub(crate) policy: Policy,
    pub(crate) sends: bool,
    pub(crate) started_at: u64,
}

impl Join {
    pub(crate) fn of(person: u16) -> Self {
        Self {
            person,
            permission: Permission::None,
            kem: Kem::X25519,
            policy: Policy::default(),
            sends: true,
            started_at: 0,
        }
    }

    pub(crate) fn moderator(person: u16) -> Self {
        Self { permission: Permission::Moderator, ..Self::of(person) }
    }
}

/// A key of a member, as held by a media path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub(crate) step: u32,
    pub(crate) key: Vec<u8>,
}

/// One member and its keys, as bytes in place of a media path.
pub(crate) struct Peer {
    pub(crate) person: u16,
    pub(crate) address: u16,
    pub(crate) group: Group,
    pub(crate) rng: Random,
    /// The sealing key: generation, step, key.
    pub(crate) own: (u64, u32, Vec<u8>),
    /// Number of frames sealed with that key.
    pub(crate) frames: u64,
    pub(crate) speaks: bool,
    /// Keys for opening, by member id and generation.
    pub(crate) held: BTreeMap<(MemberId, u64), Held>,
    pub(crate) events: Vec<(Time, Event)>,
    pub(crate) judges_within: Duration,
    judgements: Vec<(Time, SessionId, Admission)>,
    pub(crate) refuses: BTreeSet<u16>,
    /// The test decides on applicants instead of the application.
    pub(crate) is_undecided: bool,
    pub(crate) asleep_until: Time,
    /// Addresses that the relay reported gone meanwhile.
    gone: Vec<u16>,
    pub(crate) wake_at: Time,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) has_ended: bool,
    /// How far its clock is ahead of the net's.
    pub(crate) clock: Duration,
}

impl Peer {
    pub(crate) fn new(address: u16, join: &Join, now: Time, seed: u64) -> Self {
        let mut rng = Random::new(seed);
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&join.person.to_be_bytes());
        let key = IdentityKey::from_seed(&seed).unwrap();
        let moderator = u8::from(join.permission == Permission::Moderator);
        let mut credential = join.person.to_be_bytes().to_vec();
        credential.push(moderator);
        let config = Config {
            group_id: b"a call".to_vec(),
            kem: join.kem,
            suite: SUITE,
            address: address.to_be_bytes().to_vec(),
            role: Role::Participant,
            permission: join.permission,
            credential,
            sends: join.sends,
            started_at: join.started_at,
            policy: join.policy,
        };
        let (group, base_key) = Group::new(config, key, TrustStore::default(), now, &mut rng).unwrap();
        Self {
            person: join.person,
            address,
            group,
            rng,
            own: (0, 0, base_key.expose_bytes().to_vec()),
            frames: 1,
            speaks: join.sends,
            held: BTreeMap::new(),
            events: Vec::new(),
            judges_within: Duration::ZERO,
            judgements: Vec::new(),
            refuses: BTreeSet::new(),
            is_undecided: false,
            asleep_until: Time::START,
            gone: Vec::new(),
            wake_at: now,
            errors: BTreeMap::new(),
            has_ended: false,
            clock: Duration::ZERO,
        }
    }

    /// The application's decision: the credential names the user and permission.
    fn admission(credential: &[u8]) -> Admission {
        let is_moderator = credential[2] == 1;
        let permission = if is_moderator { Permission::Moderator } else { Permission::None };
        Admission { user: UserId::new(credential[..2].to_vec()).unwrap(), permission }
    }

    /// Performs all outputs of the group; returns its messages.
    pub(crate) fn turn(&mut self, now: Time) -> Vec<(Recipient, Vec<u8>)> {
        let mut sent = Vec::new();
        let mut turns = 0;
        let due: Vec<_> = {
            let (due, rest) = self.judgements.drain(..).partition(|(at, ..)| *at <= now);
            self.judgements = rest;
            due
        };
        let clock = now + self.clock;
        for address in core::mem::take(&mut self.gone) {
            let sessions: Vec<_> = self.group.sessions_at(&address.to_be_bytes()).collect();
            for session in sessions {
                self.group.drop_member(session, clock).unwrap();
            }
        }
        for (_, session, admission) in due {
            let person = u16::from_be_bytes(admission.user.as_bytes().try_into().unwrap());
            if self.refuses.contains(&person) {
                self.group.refuse(session, clock);
            } else if let Err(error) = self.group.admit(session, admission, clock) {
                *self.errors.entry(format!("admit {error:?}")).or_default() += 1;
            }
        }
        loop {
            turns += 1;
            assert!(turns < 20_000, "the group never returns a timeout");
            self.group.set_frames(if self.speaks { self.frames } else { 0 });
            match self.group.poll(clock, &mut self.rng) {
                Output::Send { to, message } => {
                    assert!(message.len() <= message::MAX_LEN, "{}", message.len());
                    sent.push((to, message));
                }
                Output::Keys(change) => self.change_keys(change),
                Output::Event(event) => self.on_event(event, now),
                Output::Timeout(until) => {
                    assert!(until > clock, "{until:?} is not after {clock:?}");
                    let until = now + (until - clock);
                    let judged = self.judgements.iter().map(|(at, ..)| *at).min();
                    self.wake_at = judged.map_or(until, |at| at.min(until));
                    return sent;
                }
            }
        }
    }

    fn on_event(&mut self, event: Event, now: Time) {
        match &event {
            Event::JoinRequested(request) if !self.is_undecided => {
                let admission = Self::admission(&request.credential);
                if self.judges_within == Duration::ZERO && self.refuses.is_empty() {
                    let clock = now + self.clock;
                    if let Err(error) = self.group.admit(request.session, admission, clock) {
                        *self.errors.entry(format!("admit {error:?}")).or_default() += 1;
                    }
                } else {
                    let within = self.judges_within.as_millis() as u64 + 1;
                    let after = Duration::from_millis(self.rng.below(within));
                    self.judgements.push((now + after, request.session, admission));
                }
            }
            Event::Ended(_) => self.has_ended = true,
            _ => {}
        }
        self.events.push((now, event));
    }

    fn change_keys(&mut self, change: KeyChange) {
        match change {
            KeyChange::Ratchet => {
                let key = BaseKey::from_bytes(SUITE, &self.own.2).unwrap().ratchet();
                self.own = (self.own.0, self.own.1 + 1, key.expose_bytes().to_vec());
                self.frames = 1;
            }
            KeyChange::Rekey { generation, base_key } => {
                assert!(generation > self.own.0, "{generation} is not newer");
                self.own = (generation, 0, base_key.expose_bytes().to_vec());
                self.frames = u64::from(self.speaks);
            }
            KeyChange::Restart { member, base_key } => {
                assert_eq!(member, self.group.member_id());
                self.own = (0, 0, base_key.expose_bytes().to_vec());
                self.frames = 1;
            }
            KeyChange::Install { member, key, base_key } => {
                let held = Held { step: key.step, key: base_key.expose_bytes().to_vec() };
                let before = self.held.insert((member, key.generation), held);
                assert!(before.is_none(), "a key was installed twice");
            }
            KeyChange::WipeGeneration { member, generation } => {
                self.held.remove(&(member, generation));
            }
            KeyChange::WipeBefore { member, key } => {
                self.held
                    .retain(|&(held, generation), _| held != member || generation >= key.generation);
            }
            KeyChange::WipeMember { member } => self.held.retain(|&(held, _), _| held != member),
        }
    }

    /// Whether a frame that the other peer seals now opens here.
    pub(crate) fn opens(&self, other: &Self) -> bool {
        let (generation, step, key) = &other.own;
        let Some(held) = self.held.get(&(other.group.member_id(), *generation)) else {
            return false;
        };
        if held.step > *step || self.group.session_of(other.group.member_id()).is_none() {
            return false;
        }
        let mut ours = BaseKey::from_bytes(SUITE, &held.key).unwrap();
        for _ in held.step..*step {
            ours = ours.ratchet();
        }
        ours.expose_bytes() == *key
    }

    pub(crate) fn sees(&self, session: SessionId) -> bool {
        self.group.member_states(Time::START).iter().any(|member| member.session == session)
    }

    pub(crate) fn has_event(&self, is: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(|(_, event)| is(event))
    }

    /// Events that an honest relay never causes.
    pub(crate) fn alarms(&self) -> Vec<&(Time, Event)> {
        let is_alarm = |(_, event): &&(Time, Event)| {
            matches!(
                event,
                Event::RosterMismatch { .. }
                    | Event::ViewMismatch { .. }
                    | Event::OrdersDiffer(_)
                    | Event::Equivocation(_)
                    | Event::IdentityChanged { .. }
            )
        };
        self.events.iter().filter(is_alarm).collect()
    }
}

/// A message in transit.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: Time,
    order: u64,
    from: u16,
    to: u16,
    bytes: Vec<u8>,
}

/// Whether to drop a message: from, to, and the message; each message of a bundle is asked about.
pub(crate) type Drops = dyn FnMut(u16, u16, &[u8]) -> bool;

/// The relay, all peers, and time.
pub(crate) struct Net {
    pub(crate) now: Time,
    pub(crate) rng: Random,
    pub(crate) peers: BTreeMap<u16, Peer>,
    queue: BinaryHeap<Reverse<Packet>>,
    next_order: u64,
    next_address: u16,
    pub(crate) delay: (Duration, Duration),
    /// Whether messages between two addresses keep their order.
    pub(crate) keeps_order: bool,
    last: BTreeMap<(u16, u16), Time>,
    /// Out of 1,000 messages.
    pub(crate) loses: u64,
    pub(crate) repeats: u64,
    /// The side of a partition that each address is on.
    pub(crate) sides: BTreeMap<u16, u8>,
    /// Pairs whose messages from the first to the second are dropped.
    pub(crate) cut: BTreeSet<(u16, u16)>,
    pub(crate) drops: Box<Drops>,
    /// Addresses of the test itself, and the messages received for them.
    pub(crate) inboxes: BTreeMap<u16, Vec<Vec<u8>>>,
    /// Number of sends as counted by the relay; bytes received at each address.
    pub(crate) sends: u64,
    pub(crate) bytes_up: BTreeMap<u16, u64>,
    pub(crate) bytes_down: BTreeMap<u16, u64>,
    /// All messages sent so far, for replays.
    pub(crate) recorded: Vec<(u16, Vec<u8>)>,
    pub(crate) records: bool,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: Time::at(SECOND),
            rng: Random::new(seed),
            peers: BTreeMap::new(),
            queue: BinaryHeap::new(),
            next_order: 0,
            next_address: 1,
            delay: (20 * MILLI, 20 * MILLI),
            keeps_order: true,
            last: BTreeMap::new(),
            loses: 0,
            repeats: 0,
            sides: BTreeMap::new(),
            cut: BTreeSet::new(),
            drops: Box::new(|_, _, _| false),
            inboxes: BTreeMap::new(),
            sends: 0,
            bytes_up: BTreeMap::new(),
            bytes_down: BTreeMap::new(),
            recorded: Vec::new(),
            records: false,
        }
    }

    /// Lets a person join; returns its address.
    pub(crate) fn join(&mut self, join: &Join) -> u16 {
        let address = self.next_address;
        self.next_address += 1;
        let seed = self.rng.below(u64::MAX);
        let peer = Peer::new(address, join, self.now, seed);
        self.peers.insert(address, peer);
        self.turn(address);
        address
    }

    pub(crate) fn peer(&self, address: u16) -> &Peer {
        &self.peers[&address]
    }

    pub(crate) fn session(&self, address: u16) -> SessionId {
        self.peer(address).group.session()
    }

    /// Runs `work` on a peer, and performs the resulting outputs.
    pub(crate) fn with<T>(&mut self, address: u16, work: impl FnOnce(&mut Peer, Time) -> T) -> T {
        let now = self.now;
        let peer = self.peers.get_mut(&address).unwrap();
        let clock = now + peer.clock;
        let result = work(peer, clock);
        self.turn(address);
        result
    }

    fn turn(&mut self, address: u16) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&address) else { return };
        let sent = peer.turn(now);
        let addressed: Vec<(Option<u16>, Vec<u8>)> = sent
            .into_iter()
            .map(|(to, message)| {
                let to = match to {
                    Recipient::All => None,
                    Recipient::One(session) => peer
                        .group
                        .address_of(session)
                        .map(|address| u16::from_be_bytes(address.try_into().unwrap())),
                };
                (to, message)
            })
            .collect();
        let has_ended = peer.has_ended;
        for (to, message) in addressed {
            self.relay(address, to, &message);
        }
        if has_ended {
            self.peers.remove(&address);
        }
    }

    /// Sends a message to one peer or to all others.
    pub(crate) fn relay(&mut self, from: u16, to: Option<u16>, message: &[u8]) {
        self.sends += 1;
        *self.bytes_up.entry(from).or_default() += message.len() as u64;
        if self.records {
            self.recorded.push((from, message.to_vec()));
        }
        let others: Vec<u16> = match to {
            Some(to) => vec![to],
            None => {
                let all = self.peers.keys().chain(self.inboxes.keys());
                all.copied().filter(|&other| other != from).collect()
            }
        };
        for to in others {
            let parts = message::unbundle(message).unwrap();
            let kept = parts.into_iter().filter(|part| !(self.drops)(from, to, part));
            let kept: Vec<_> = kept.map(<[u8]>::to_vec).collect();
            let [message] = &message::bundle(kept)[..] else { continue };
            let copies = 1 + u64::from(self.rng.below(1000) < self.repeats);
            for _ in 0..copies {
                let is_apart = self.sides.get(&from) != self.sides.get(&to);
                if is_apart || self.cut.contains(&(from, to)) || self.rng.below(1000) < self.loses {
                    continue;
                }
                self.post(from, to, message.clone());
            }
        }
    }

    /// Wakes every machine, which at once receives the messages that waited in its socket.
    pub(crate) fn wake_all(&mut self) {
        for peer in self.peers.values_mut() {
            peer.asleep_until = peer.asleep_until.min(self.now);
        }
        let late = self.now + 10 * SECOND;
        let packets = core::mem::take(&mut self.queue).into_iter();
        self.queue = packets
            .map(|Reverse(packet)| {
                let at = if packet.at > late { self.now } else { packet.at };
                Reverse(Packet { at, ..packet })
            })
            .collect();
    }

    /// Puts a message in transit.
    pub(crate) fn post(&mut self, from: u16, to: u16, bytes: Vec<u8>) {
        let (least, most) = self.delay;
        let range = (most - least).as_micros() as u64 + 1;
        let mut at = self.now + least + Duration::from_micros(self.rng.below(range));
        if self.keeps_order {
            let last = self.last.entry((from, to)).or_default();
            at = at.max(*last);
            *last = at;
        }
        self.next_order += 1;
        self.queue.push(Reverse(Packet { at, order: self.next_order, from, to, bytes }));
    }

    /// Lets a peer leave with a leave message.
    pub(crate) fn leave(&mut self, address: u16) {
        let peer = self.peers.remove(&address).unwrap();
        for output in peer.group.leave() {
            if let Output::Send { message, .. } = output {
                self.relay(address, None, &message);
            }
        }
    }

    /// Stops a peer's machine without a message.
    pub(crate) fn crash(&mut self, address: u16) {
        self.peers.remove(&address);
    }

    /// Lets the relay report an address gone.
    pub(crate) fn tell_gone(&mut self, address: u16) {
        let others: Vec<u16> = self.peers.keys().copied().collect();
        for other in others {
            if self.peers[&other].asleep_until > self.now {
                self.peers.get_mut(&other).unwrap().gone.push(address);
                continue;
            }
            self.with(other, |peer, now| {
                let gone: Vec<SessionId> = peer.group.sessions_at(&address.to_be_bytes()).collect();
                for session in gone {
                    peer.group.drop_member(session, now).unwrap();
                }
            });
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until this time.
    pub(crate) fn run_until(&mut self, end: Time) {
        loop {
            let packet = self.queue.peek().map(|Reverse(packet)| packet.at);
            let wake = self
                .peers
                .values()
                .map(|peer| (peer.wake_at.max(peer.asleep_until), peer.address))
                .min();
            let next = [packet, wake.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if packet == Some(next) {
                let Some(Reverse(packet)) = self.queue.pop() else { break };
                self.deliver(packet);
            } else if let Some((_, address)) = wake {
                self.turn(address);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, packet: Packet) {
        let now = self.now;
        if let Some(inbox) = self.inboxes.get_mut(&packet.to) {
            inbox.push(packet.bytes);
            return;
        }
        let Some(peer) = self.peers.get_mut(&packet.to) else { return };
        if peer.asleep_until > now {
            // The message waits in the socket.
            let at = peer.asleep_until;
            self.next_order += 1;
            let order = self.next_order;
            self.queue.push(Reverse(Packet { at, order, ..packet }));
            return;
        }
        *self.bytes_down.entry(packet.to).or_default() += packet.bytes.len() as u64;
        let clock = now + peer.clock;
        if let Err(error) = peer.group.handle_message(&packet.bytes, clock) {
            let name = match error {
                GroupError::UnknownMember(_) => "UnknownMember".to_string(),
                other => format!("{other:?}"),
            };
            *peer.errors.entry(name).or_default() += 1;
        }
        self.turn(packet.to);
    }

    /// Checks that all peers are members at each other, live, open each other's frames, and agree
    /// on roster, lock and code.
    pub(crate) fn is_together(&self) -> Result<(), String> {
        let code = self.peers.values().next().map(|peer| peer.group.call_code());
        for peer in self.peers.values() {
            let state = peer.group.state(self.now + peer.clock);
            for other in self.peers.values().filter(|other| other.address != peer.address) {
                let (a, b) = (peer.address, other.address);
                if !peer.sees(other.group.session()) {
                    return Err(format!("{a} does not see {b}"));
                }
                if other.speaks && !peer.opens(other) {
                    return Err(format!("{a} does not open {b}, which seals with {:?}", other.own.0));
                }
            }
            if Some(peer.group.call_code()) != code {
                let known: Vec<_> = self.peers.values().map(|peer| peer.group.session()).collect();
                let sees = peer.group.member_states(self.now);
                let ghosts: Vec<_> = sees
                    .iter()
                    .filter(|member| !known.contains(&member.session))
                    .map(|member| (&member.address, member.since, member.is_live))
                    .collect();
                return Err(format!("{} has another code; it sees {ghosts:?}", peer.address));
            }
            let first = self.peers.values().next().unwrap();
            if first.group.state(self.now).is_locked != state.is_locked {
                return Err(format!("{} sees another lock", peer.address));
            }
        }
        Ok(())
    }

    /// Runs until `is_together` holds, at most for this long; returns the time it took.
    pub(crate) fn until_together(&mut self, within: Duration) -> Duration {
        let start = self.now;
        loop {
            match self.is_together() {
                Ok(()) => return self.now - start,
                Err(what) if self.now >= start + within => panic!("after {within:?}: {what}"),
                Err(_) => self.run_for(20 * MILLI),
            }
        }
    }
}
