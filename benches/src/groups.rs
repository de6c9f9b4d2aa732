//! Members of a call that exchange keys, in one process, over a relay with a delay of 20 ms that
//! counts bytes as a real one would carry them: each send once up, each delivery down.

use core::{cmp::Reverse, time::Duration};
use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    rc::Rc,
};

use sealframe::{
    CipherSuite, MemberId, Time,
    group::{
        Admission, Config, Event, Group, IdentityKey, Kem, KemSecret, KeyChange, KeyId, Output,
        Permission, Policy, Recipient, Role, SessionId, UserId,
        message::{self, Announce, Body, Heartbeat, Message},
        verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

const GROUP: &[u8] = b"bench";
const CREDENTIAL: &[u8] = b"somebody";
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// From one member through the relay to another.
const DELAY: Duration = Duration::from_millis(20);
/// Interval between steps of the simulation.
const TICK: Duration = Duration::from_millis(10);
/// The bench stops if anything takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call, its relay, and time.
pub struct Call {
    kem: Kem,
    now: Time,
    /// By address; `None` for members that have left.
    peers: Vec<Option<Peer>>,
    stand_ins: Vec<StandIn>,
    queue: BinaryHeap<Reverse<Packet>>,
    next_order: u64,
    sends: Sends,
    alarms: usize,
}

/// Messages sent to the relay.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sends {
    pub to_one: usize,
    pub to_all: usize,
}

impl Sends {
    pub const fn total(self) -> usize {
        self.to_one + self.to_all
    }
}

struct Peer {
    group: Group,
    rng: Random,
    sends: bool,
    /// The key that it seals with.
    own: KeyId,
    frames: u64,
    /// The first steps of the generations that it holds, by member and generation.
    held: HashMap<(MemberId, u64), u32>,
    sees: HashSet<MemberId>,
    wake_at: Time,
    traffic: Traffic,
    processor: Duration,
    /// Time of its last key change.
    rekeyed_at: Time,
}

/// Bytes that one member has sent and received.
#[derive(Clone, Copy, Default, Debug)]
pub struct Traffic {
    pub up: usize,
    pub down: usize,
    /// Part of `down`: heartbeats to all, which are sent in any case.
    pub heartbeats: usize,
}

/// A passive member of a large audience, not fully simulated: it introduces itself to newcomers,
/// and its heartbeats equal those of a simulated listener.
struct StandIn {
    key: IdentityKey,
    session: SessionId,
    announce: Rc<[u8]>,
    prekey: Vec<u8>,
    seq: u32,
    heartbeat_at: Time,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: Time,
    order: u64,
    to: usize,
    what: What,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Whether it is a heartbeat to all.
    Message(Rc<[u8]>, bool),
    /// The first frame with a new key of this member.
    Frame(MemberId, u64, u32),
    /// A timeout.
    Wake,
}

/// The cost of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Time until every member sees, hears and opens every other; for a leave, with newer keys.
    pub until: Duration,
    /// Processor time of all members.
    pub total: Duration,
    pub members: usize,
    pub sends: Sends,
    /// Traffic of the members that were there before and stay: mean and maximum.
    pub mean: Traffic,
    pub most: Traffic,
    pub most_processor: Duration,
    /// Traffic of an earlier member that only listens.
    pub listener: Traffic,
    /// Traffic of the member that joined.
    pub newcomer: Traffic,
    pub newcomer_processor: Duration,
}

impl Cost {
    /// Processor time of each member, in milliseconds.
    pub fn per_member(&self) -> f64 {
        self.total.as_secs_f64() * 1e3 / crate::turns::as_f64(self.members)
    }

    /// Sends for each pair of members.
    pub fn sends_per_pair(&self) -> f64 {
        let pairs = self.members * (self.members - 1) / 2;
        crate::turns::as_f64(self.sends.total()) / crate::turns::as_f64(pairs)
    }
}

impl Call {
    /// An empty call.
    pub fn new(kem: Kem) -> Self {
        Self {
            kem,
            now: Time::at(Duration::from_secs(1)),
            peers: Vec::new(),
            stand_ins: Vec::new(),
            queue: BinaryHeap::new(),
            next_order: 0,
            sends: Sends::default(),
            alarms: 0,
        }
    }

    /// A call of `n` members that all send, some time after the last joined.
    pub fn of(n: usize, kem: Kem) -> Self {
        let mut call = Self::new(kem);
        for _ in 0..n {
            call.enter(true);
            call.run_for(Duration::from_millis(100));
        }
        call.calm_down();
        call
    }

    /// A call of `n` members, of whom `senders` send and almost all others are stand-ins.
    pub fn of_listeners(n: usize, senders: usize, kem: Kem) -> Self {
        const WORKED_OUT: usize = 5;
        let mut call = Self::new(kem);
        for at in 0..senders + WORKED_OUT {
            call.enter(at < senders);
            call.run_for(TICK);
        }
        while call.stand_ins.len() + call.peers.len() < n {
            call.enter_stand_in();
            call.run_for(TICK);
        }
        // Every member has been heard twice.
        call.run_for(2 * call.heartbeat_interval());
        call.calm_down();
        call
    }

    fn heartbeat_interval(&self) -> Duration {
        let n = self.stand_ins.len() + self.present().count();
        Policy::default().heartbeat * u32::try_from(n.max(200)).unwrap() / 200
    }

    fn enter_stand_in(&mut self) {
        let group = message::group_hash(GROUP);
        let mut rng = Random::new(self.stand_ins.len() as u64 + (1 << 32));
        let (key, session, announce, prekey) = loop {
            let key = IdentityKey::generate(&mut rng).unwrap();
            let (_, prekey) = KemSecret::generate(self.kem, &mut rng).unwrap();
            let announce = Announce {
                joined_at: u64::try_from(self.now.since_start().as_millis()).unwrap(),
                media_suite: SUITE.id(),
                kem: self.kem,
                role: Role::Participant,
                identity: key.public(),
                prekey: prekey.clone(),
                versions: vec![1],
                address: u64::MAX.to_be_bytes().to_vec(),
                credential: CREDENTIAL.to_vec(),
                extensions: Vec::new(),
            };
            let (session, announce) = message::sign_announce(&group, announce, &key);
            if !self.has_member(session.member_id()) {
                break (key, session, announce, prekey);
            }
        };
        let announce: Rc<[u8]> = announce.into();
        let heartbeat_at = self.now + Duration::from_secs(3);
        self.stand_ins.push(StandIn {
            key,
            session,
            announce: Rc::clone(&announce),
            prekey,
            seq: 0,
            heartbeat_at,
        });
        self.relay(None, &announce, false);
        self.send_stand_in_heartbeat(self.stand_ins.len() - 1);
        self.stand_ins.last_mut().unwrap().heartbeat_at = heartbeat_at;
    }

    fn has_member(&self, member: MemberId) -> bool {
        self.stand_ins.iter().any(|stand_in| stand_in.session.member_id() == member)
            || self.present().any(|peer| peer.group.member_id() == member)
    }

    fn send_stand_in_heartbeat(&mut self, place: usize) {
        let interval = self.heartbeat_interval();
        let is_listener = |peer: &Option<Peer>| peer.as_ref().is_some_and(|peer| !peer.sends);
        let listener = self.peers.iter().position(is_listener).unwrap();
        self.turn(listener);
        let seen = self.peers[listener].as_mut().unwrap().look(self.now);
        let stand_in = &mut self.stand_ins[place];
        stand_in.seq += 1;
        stand_in.heartbeat_at = self.now + interval;
        let heartbeat = Heartbeat {
            seq: stand_in.seq,
            generation: 0,
            newest: 0,
            update_hash: [7; 32],
            prekey_number: 0,
            prekey: stand_in.prekey.clone(),
            ..seen
        };
        let group = message::group_hash(GROUP);
        let message =
            message::sign(&group, stand_in.session, &Body::Heartbeat(heartbeat), &stand_in.key);
        self.relay(None, &message.into(), true);
    }

    /// Runs until all members are together, and heartbeats after joining and comparisons are over.
    pub fn calm_down(&mut self) {
        self.until_together();
        self.run_for(Duration::from_secs(15));
    }

    /// Alarms of members, which an honest relay should not cause.
    pub const fn alarms(&self) -> usize {
        self.alarms
    }

    fn enter(&mut self, sends: bool) -> usize {
        let address = self.peers.len();
        let mut rng = Random::new(address as u64 + 1);
        let config = Config {
            group_id: GROUP.to_vec(),
            kem: self.kem,
            suite: SUITE,
            address: (address as u64).to_be_bytes().to_vec(),
            role: Role::Participant,
            permission: Permission::None,
            credential: CREDENTIAL.to_vec(),
            sends,
            started_at: 0,
            policy: Policy { max_members: 1024, ..Policy::default() },
        };
        let key = IdentityKey::generate(&mut rng).unwrap();
        let start = processor_time();
        let (group, _) = Group::new(config, key, TrustStore::default(), self.now, &mut rng).unwrap();
        self.peers.push(Some(Peer {
            group,
            rng,
            sends,
            own: KeyId { generation: 0, step: 0 },
            frames: u64::from(sends),
            held: HashMap::new(),
            sees: HashSet::new(),
            wake_at: Time::at(Duration::MAX),
            traffic: Traffic::default(),
            processor: processor_time() - start,
            rekeyed_at: self.now,
        }));
        self.turn(address);
        // The others have its announce, and it has theirs.
        let at = self.now + 2 * DELAY;
        let announces: Vec<_> =
            self.stand_ins.iter().map(|stand_in| Rc::clone(&stand_in.announce)).collect();
        for announce in announces {
            self.sends.to_one += 1;
            self.post(at, address, What::Message(announce, false));
        }
        address
    }

    /// A new member joins; runs until all are together and the aftermath is over.
    pub fn join(&mut self, sends: bool) -> Cost {
        self.run_for(Duration::from_secs(1));
        self.begin();
        let newcomer = self.enter(sends);
        let until = self.until_together();
        self.run_for(Duration::from_secs(1));
        self.cost(until, Some(newcomer))
    }

    /// The newest member leaves; runs until all senders use keys that it does not have, and the
    /// aftermath is over.
    pub fn leave(&mut self) -> Cost {
        self.run_for(Duration::from_secs(4));
        self.begin();
        let place = self.peers.iter().rposition(Option::is_some).unwrap();
        let gone = self.peers[place].take().unwrap();
        for output in gone.group.leave() {
            if let Output::Send { message, .. } = output {
                self.send(place, None, message);
            }
        }
        let since = self.now;
        let until = self.until(|call| {
            let mut senders = call.present().filter(|peer| peer.sends);
            senders.all(|peer| peer.rekeyed_at > since) && call.is_together()
        });
        self.run_for(Duration::from_secs(1));
        self.cost(until, None)
    }

    /// `n` members join within some seconds; runs until they are together and the aftermath is
    /// over.
    pub fn burst(&mut self, n: usize, within: Duration) -> Cost {
        self.begin();
        let each = within / u32::try_from(n).unwrap();
        for at in 0..n {
            self.enter(true);
            if at + 1 < n {
                self.run_for(each);
            }
        }
        let until = self.until_together();
        self.run_for(Duration::from_secs(1));
        self.cost(until, None)
    }

    fn begin(&mut self) {
        for peer in self.peers.iter_mut().flatten() {
            (peer.traffic, peer.processor) = (Traffic::default(), Duration::ZERO);
        }
        self.sends = Sends::default();
    }

    fn cost(&self, until: Duration, newcomer: Option<usize>) -> Cost {
        let others = self.peers.iter().enumerate();
        let others = others.filter(|(address, _)| newcomer != Some(*address));
        let others: Vec<&Peer> = others.filter_map(|(_, peer)| peer.as_ref()).collect();
        let n = others.len();
        let sum = |of: fn(&Peer) -> usize| others.iter().map(|peer| of(peer)).sum::<usize>();
        let most = |of: fn(&Peer) -> usize| others.iter().map(|peer| of(peer)).max().unwrap();
        let (up, down) = (|peer: &Peer| peer.traffic.up, |peer: &Peer| peer.traffic.down);
        let heartbeats = |peer: &Peer| peer.traffic.heartbeats;
        let listener = others.iter().find(|peer| !peer.sends);
        let newcomer = newcomer.and_then(|address| self.peers[address].as_ref());
        Cost {
            until,
            total: self.present().map(|peer| peer.processor).sum(),
            members: self.present().count(),
            sends: self.sends,
            mean: Traffic { up: sum(up) / n, down: sum(down) / n, heartbeats: sum(heartbeats) / n },
            most: Traffic { up: most(up), down: most(down), heartbeats: most(heartbeats) },
            most_processor: others.iter().map(|peer| peer.processor).max().unwrap(),
            listener: listener.map(|peer| peer.traffic).unwrap_or_default(),
            newcomer: newcomer.map(|peer| peer.traffic).unwrap_or_default(),
            newcomer_processor: newcomer.map(|peer| peer.processor).unwrap_or_default(),
        }
    }

    fn present(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().flatten()
    }

    fn is_together(&self) -> bool {
        let stand_ins = self.stand_ins.iter().map(|stand_in| stand_in.session.member_id());
        let members: Vec<MemberId> =
            self.present().map(|peer| peer.group.member_id()).chain(stand_ins).collect();
        let senders: Vec<(MemberId, KeyId)> = self
            .present()
            .filter(|peer| peer.sends)
            .map(|peer| (peer.group.member_id(), peer.own))
            .collect();
        self.present().all(|peer| {
            let me = peer.group.member_id();
            let opens = |&(member, key): &(MemberId, KeyId)| {
                let step = peer.held.get(&(member, key.generation));
                member == me || step.is_some_and(|step| *step <= key.step)
            };
            peer.sees.len() + 1 == members.len()
                && members.iter().all(|member| *member == me || peer.sees.contains(member))
                && senders.iter().all(opens)
        })
    }

    fn until_together(&mut self) -> Duration {
        self.until(Self::is_together)
    }

    fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        while !is_so(self) {
            assert!(self.now < start + PATIENCE, "timed out");
            self.run_for(TICK);
        }
        self.now - start
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        for place in 0..self.stand_ins.len() {
            // Not exact to the tick.
            if self.stand_ins[place].heartbeat_at <= self.now {
                self.send_stand_in_heartbeat(place);
            }
        }
        while self.queue.peek().is_some_and(|Reverse(packet)| packet.at <= end) {
            let Some(Reverse(packet)) = self.queue.pop() else { break };
            self.now = self.now.max(packet.at);
            self.deliver(packet);
        }
        self.now = end;
    }

    fn deliver(&mut self, packet: Packet) {
        let Some(peer) = &mut self.peers[packet.to] else { return };
        let start = processor_time();
        match packet.what {
            What::Wake if peer.wake_at != packet.at => return,
            What::Wake => {}
            What::Message(message, is_heartbeat) => {
                peer.traffic.down += message.len();
                peer.traffic.heartbeats += if is_heartbeat { message.len() } else { 0 };
                // Early and repeated messages are rejected.
                let _ = peer.group.handle_message(&message, self.now);
            }
            What::Frame(member, generation, step) => {
                let held = peer.held.get(&(member, generation));
                if held.is_some_and(|held| *held <= step) {
                    peer.group.opened(member, generation, step, self.now);
                } else {
                    peer.group.key_is_missing(member, self.now);
                }
            }
        }
        peer.processor += processor_time() - start;
        self.turn(packet.to);
    }

    /// Handles all due actions of a member.
    fn turn(&mut self, address: usize) {
        let now = self.now;
        let Some(peer) = &mut self.peers[address] else { return };
        let mut sent = Vec::new();
        let mut has_new_key = false;
        let start = processor_time();
        let until = loop {
            peer.group.set_frames(peer.frames);
            match peer.group.poll(now, &mut peer.rng) {
                Output::Send { to: Recipient::All, message } => sent.push((None, message)),
                Output::Send { to: Recipient::One(session), message } => {
                    let to = peer.group.address_of(session);
                    let to = to.and_then(|to| to.try_into().ok()).map(u64::from_be_bytes);
                    sent.push((to.and_then(|to| usize::try_from(to).ok()), message));
                }
                Output::Keys(change) => has_new_key |= peer.change_keys(change, now),
                Output::Event(Event::JoinRequested(request)) => {
                    let user = UserId::new(request.session.0).unwrap();
                    let admission = Admission { user, permission: Permission::None };
                    peer.group.admit(request.session, admission, now).unwrap();
                }
                Output::Event(Event::Joined(session) | Event::Returned(session)) => {
                    peer.sees.insert(session.member_id());
                }
                Output::Event(Event::Left { session, .. }) => {
                    peer.sees.remove(&session.member_id());
                }
                Output::Event(
                    Event::RosterMismatch { .. }
                    | Event::ViewMismatch { .. }
                    | Event::Equivocation(_)
                    | Event::OrdersDiffer(_),
                ) => self.alarms += 1,
                // A call that ends is not worth measuring.
                Output::Event(Event::Ended(_)) => self.alarms += 1,
                Output::Event(
                    Event::IdentityChanged { .. }
                    | Event::Unresponsive(_)
                    | Event::Responsive(_)
                    | Event::RosterAgrees(_)
                    | Event::Locked { .. }
                    | Event::Unlocked { .. }
                    | Event::LockedOut(_)
                    | Event::NotAdmitted { .. }
                    | Event::SessionChanged(_)
                    | Event::SasStarted(_)
                    | Event::SasReady { .. }
                    | Event::SasVerified(_)
                    | Event::SasFailed { .. },
                ) => {}
                Output::Timeout(until) => break until,
            }
        };
        peer.processor += processor_time() - start;
        let (member, own, sends) = (peer.group.member_id(), peer.own, peer.sends);
        if peer.wake_at != until {
            peer.wake_at = until;
            self.post(until, address, What::Wake);
        }
        for (to, message) in sent {
            self.send(address, to, message);
        }
        if has_new_key && sends {
            for other in 0..self.peers.len() {
                if other != address {
                    self.post(now + DELAY, other, What::Frame(member, own.generation, own.step));
                }
            }
        }
    }

    /// Sends a message to the relay.
    fn send(&mut self, from: usize, to: Option<usize>, message: Vec<u8>) {
        if let Some(peer) = &mut self.peers[from] {
            peer.traffic.up += message.len();
        }
        let at = self.now + DELAY;
        let message: Rc<[u8]> = message.into();
        if let Some(to) = to {
            self.sends.to_one += 1;
            self.post(at, to, What::Message(message, false));
            return;
        }
        let is_heartbeat =
            Message::parse(&message).is_ok_and(|it| matches!(it.body, Body::Heartbeat(_)));
        self.relay(Some(from), &message, is_heartbeat);
    }

    /// Sends to all except the sender.
    fn relay(&mut self, from: Option<usize>, message: &Rc<[u8]>, is_heartbeat: bool) {
        self.sends.to_all += 1;
        for to in (0..self.peers.len()).filter(|to| Some(*to) != from) {
            self.post(self.now + DELAY, to, What::Message(Rc::clone(message), is_heartbeat));
        }
    }

    fn post(&mut self, at: Time, to: usize, what: What) {
        // Stand-ins receive nothing.
        if self.peers.get(to).is_some_and(Option::is_some) {
            self.next_order += 1;
            self.queue.push(Reverse(Packet { at, order: self.next_order, to, what }));
        }
    }
}

impl Peer {
    /// The heartbeat that it would send now.
    fn look(&mut self, now: Time) -> Heartbeat {
        self.group.reconnected(now);
        let mut seen = None;
        loop {
            match self.group.poll(now, &mut self.rng) {
                Output::Send { message, .. } => {
                    for message in message::unbundle(&message).unwrap() {
                        if let Body::Heartbeat(heartbeat) = Message::parse(message).unwrap().body {
                            seen = Some(heartbeat);
                        }
                    }
                }
                Output::Keys(_) | Output::Event(_) => {}
                Output::Timeout(_) => return seen.unwrap(),
            }
        }
    }

    /// Applies a key change; returns whether its frames use a new key from now on.
    fn change_keys(&mut self, change: KeyChange, now: Time) -> bool {
        match change {
            KeyChange::Ratchet => self.own.step += 1,
            KeyChange::Rekey { generation, .. } => {
                self.own = KeyId { generation, step: 0 };
                self.rekeyed_at = now;
            }
            KeyChange::Restart { .. } => self.own = KeyId { generation: 0, step: 0 },
            KeyChange::Install { member, key, .. } => {
                self.held.insert((member, key.generation), key.step);
                return false;
            }
            KeyChange::WipeGeneration { member, generation } => {
                self.held.remove(&(member, generation));
                return false;
            }
            KeyChange::WipeBefore { member, key } => {
                self.held.retain(|&(of, generation), _| of != member || generation >= key.generation);
                return false;
            }
            KeyChange::WipeMember { member } => {
                self.held.retain(|&(of, _), _| of != member);
                return false;
            }
        }
        self.frames = u64::from(self.sends);
        true
    }
}

/// Processor time of this process, whatever other load there is.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the standard library has no such clock")]
    // SAFETY: writes only to `time`.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
