//! Targets `group_message`, `group` and `trust`: input from a relay to the members of a call, and
//! from a disk.

use core::{convert::Infallible, time::Duration};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::{TryCryptoRng, TryRng};
use sealframe::{
    BaseKey, CipherSuite, MemberId, Time,
    group::{
        Admission, Config, Event, Group, GroupError, IdentityKey, Kem, KeyChange, Output, Permission,
        Policy, Reason, Recipient, Role, SessionId, UserId,
        message::{self, Body, Entry, KeyUpdate, Message},
        verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

use crate::input::Input;

const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Most members in a call.
const MOST: usize = 5;
/// Most steps per input.
const STEPS: usize = 24;
/// All members have converged after this time with a well-behaved relay.
const TOGETHER_WITHIN: Duration = Duration::from_secs(180);

/// Bytes are a message exactly if encoding the parsed message reproduces them.
pub fn group_message(data: &[u8]) {
    if let Ok(messages) = message::unbundle(data)
        && data.first() == Some(&0)
    {
        let again = message::bundle(messages.iter().map(|message| message.to_vec()).collect());
        match &messages[..] {
            [] => assert_eq!(data, [0]),
            [one] => assert_eq!(again, [one.to_vec()]),
            _ => assert_eq!(again, [data.to_vec()]),
        }
    }
    let Ok(message) = Message::parse(data) else { return };
    let mut again = message::encode(&message.head, &message.body);
    assert_eq!(again, message.signed);
    again.extend(message.signature.into_iter().flatten());
    again.extend(message.entry);
    assert_eq!(again, data);
    assert_eq!(message.signature.is_none(), matches!(message.body, Body::Ack(_)));
    // No input is signed by this identity: its signing key is used nowhere else.
    let identity = IdentityKey::from_seed(&[1; 32]).expect("no zeros").public();
    let _ = message.is_signed_by(&[4; 32], &identity);
    if matches!(message.body, Body::KeyUpdate(_)) {
        assert!(!message.is_update_of(&[4; 32], &identity, &[5; 32]));
        let entry = Entry::parse(message.entry).expect("it was parsed");
        for (kem, enc_len) in [(Kem::X25519, 32), (Kem::XWing, 1120)] {
            for nh in [32, 64] {
                let fits = message.entry.len() == 4 + enc_len + nh + 16;
                assert_eq!(entry.parts(kem, nh).is_ok(), fits);
            }
        }
    }
    if let Body::UpdateHeader(header) = &message.body {
        // It is the hash of the update that follows the header.
        let update = message::encode(&message.head, &Body::KeyUpdate(header.update));
        assert_eq!(
            message.header_hash(&[4; 32], &header.key_commit),
            KeyUpdate::header_hash(&[4; 32], &update, &header.key_commit)
        );
    }
}

/// A store is accepted exactly if writing it again reproduces its bytes.
pub fn trust(data: &[u8]) {
    if let Ok(store) = TrustStore::from_bytes(data) {
        assert_eq!(store.to_bytes(), data);
    }
}

/// A call with a relay that treats its messages as the input says: late, out of order, repeated;
/// depending on the first byte it also drops, changes and forges them. Members join, leave, sleep,
/// lock, are dropped and removed.
///
/// A member never installs a key that its maker did not make, that was made after the member was
/// out at its maker, or that sealed frames before the member was in. With an honest relay that
/// loses nothing there is no alarm, and with a lossy one
/// no member is reported for equivocation or for another view. Once
/// the relay behaves, all members converge.
pub fn group(data: &[u8]) {
    let mut input = Input::new(data);
    let relay = match input.u8() % 3 {
        0 => Relay::Honest,
        1 => Relay::Lossy,
        _ => Relay::Lying,
    };
    let mut call = Call::new(relay);
    call.join();
    call.join();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        call.act(&mut input);
    }
    call.settle();
}

/// What the relay may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relay {
    Honest,
    Lossy,
    Lying,
}

/// Times at which a session joined and left.
type Stays = Vec<(u64, Option<u64>)>;

struct Call {
    relay: Relay,
    now: Time,
    peers: Vec<Peer>,
    /// Recipient and message.
    queue: VecDeque<(usize, Vec<u8>)>,
    /// All messages ever sent.
    sent: Vec<Vec<u8>>,
    /// Counts events, to order them.
    order: u64,
    /// The peer of each member id, including ended sessions.
    members: BTreeMap<MemberId, usize>,
    /// Intervals in which the session was a member at the peer.
    stays: BTreeMap<(usize, SessionId), Stays>,
    /// Keys by their bytes: their maker, when they were made, and since when they seal frames.
    made: BTreeMap<Vec<u8>, Made>,
    /// The peer whose messages are all dropped.
    cut: Option<usize>,
    has_orders: bool,
}

struct Made {
    by: usize,
    at: u64,
    sealed_at: Option<u64>,
}

struct Peer {
    group: Group,
    rng: Recorded,
    /// The key that it seals with: member, generation, step, key.
    own: (MemberId, u64, u32, Vec<u8>),
    /// All keys that it has sealed with, in the same form.
    used: BTreeMap<(MemberId, u64, u32), Vec<u8>>,
    /// First step and key of each generation that opens, by member and generation.
    held: BTreeMap<(MemberId, u64), (u32, Vec<u8>)>,
    members: BTreeSet<SessionId>,
    sends: bool,
    is_out: bool,
    asleep_until: Time,
    wake_at: Time,
    /// The offset of its clock from ours.
    clock: Duration,
}

impl Call {
    const fn new(relay: Relay) -> Self {
        Self {
            relay,
            now: Time::at(SECOND),
            peers: Vec::new(),
            queue: VecDeque::new(),
            sent: Vec::new(),
            order: 0,
            members: BTreeMap::new(),
            stays: BTreeMap::new(),
            made: BTreeMap::new(),
            cut: None,
            has_orders: false,
        }
    }

    fn join(&mut self) {
        let place = self.peers.len();
        if place == MOST {
            return;
        }
        self.order += 1;
        let mut rng = Recorded { random: Random::new(place as u64), drawn: Vec::new() };
        // The first member is the moderator.
        let permission = if place == 0 { Permission::Moderator } else { Permission::None };
        let config = Config {
            group_id: b"fuzz".to_vec(),
            kem: Kem::X25519,
            suite: SUITE,
            address: vec![place.to_be_bytes()[7]],
            role: Role::Participant,
            permission,
            credential: vec![place.to_be_bytes()[7]],
            sends: true,
            started_at: 0,
            policy: Policy::default(),
        };
        let key = IdentityKey::generate(&mut rng).expect("no zeros");
        let (group, base_key) =
            Group::new(config, key, TrustStore::new(), self.now, &mut rng).expect("sound");
        let own = (group.member_id(), 0, 0, base_key.expose_bytes().to_vec());
        self.members.insert(group.member_id(), place);
        self.peers.push(Peer {
            group,
            rng,
            own,
            used: BTreeMap::new(),
            held: BTreeMap::new(),
            members: BTreeSet::new(),
            sends: true,
            is_out: false,
            asleep_until: Time::START,
            wake_at: self.now,
            clock: Duration::ZERO,
        });
        self.note_made(place);
        self.seal(place);
        self.turn(place);
    }

    fn act(&mut self, input: &mut Input<'_>) {
        let (what, how) = (input.u8() % 20, input.u8());
        let who = usize::from(how) % self.peers.len();
        match what {
            0..=3 => self.run_for(u32::from(how) * 8 * MILLI),
            4 => self.run_for(u32::from(how) / 2 * SECOND),
            5 | 6 if !self.queue.is_empty() => {
                let place = usize::from(how) % self.queue.len();
                if let Some((to, message)) = self.queue.remove(place) {
                    self.deliver(to, &message);
                }
            }
            7 if self.relay != Relay::Honest && !self.queue.is_empty() => {
                let place = usize::from(how) % self.queue.len();
                self.queue.remove(place);
            }
            8 if !self.sent.is_empty() => {
                let message = self.sent[input.below(self.sent.len())].clone();
                self.deliver(who, &message);
            }
            9 => self.join(),
            10 if who > 0 && !self.peers[who].is_out => self.leave(who),
            11 => {
                let address = [(usize::from(how / 8) % self.peers.len()).to_be_bytes()[7]];
                self.with(who, |peer, now| {
                    let sessions: Vec<SessionId> = peer.group.sessions_at(&address).collect();
                    for session in sessions {
                        peer.group.drop_member(session, now).expect("it is there");
                    }
                });
            }
            12 => {
                let sends = how & 0x80 != 0;
                self.with(who, |peer, now| {
                    peer.sends = sends;
                    peer.group.set_sending(sends, now);
                });
                self.seal(who);
            }
            13 => self.with(who, |peer, now| peer.group.rekey(Reason::Suspicion, now)),
            14 if self.relay != Relay::Honest => {
                self.cut = if self.cut.is_none() { Some(who) } else { None }
            }
            15 => {
                let until = self.now + u32::from(input.u8()) * SECOND;
                self.peers[who].asleep_until = until;
            }
            16 => {
                let jump = u32::from(input.u8()) * SECOND;
                self.with(who, |peer, _| peer.clock += jump);
            }
            17 => self.give_order(how),
            18 if self.relay == Relay::Lying && !self.sent.is_empty() => {
                let mut message = self.sent[input.below(self.sent.len())].clone();
                for byte in &mut message {
                    *byte ^= if input.u8().is_multiple_of(16) { input.u8() } else { 0 };
                }
                self.deliver(who, &message);
            }
            19 if self.relay == Relay::Lying => {
                let made_up = input.take(300).to_vec();
                self.deliver(who, &made_up);
            }
            _ => self.with(who, |peer, now| peer.group.reconnected(now)),
        }
    }

    /// A moderator's order.
    fn give_order(&mut self, how: u8) {
        self.has_orders = true;
        let whom = self.peers[usize::from(how / 4) % self.peers.len()].group.session();
        self.with(0, |peer, now| {
            let given = match how % 4 {
                0 | 1 => peer.group.lock(now),
                2 => peer.group.unlock(now),
                _ => peer.group.remove_member(whom, now),
            };
            // Fails if the target is not a member, or is the moderator.
            let _ = given;
        });
    }

    fn leave(&mut self, who: usize) {
        let rng = Recorded { random: Random::new(99), drawn: Vec::new() };
        let key = IdentityKey::from_seed(&[9; 32]).expect("no zeros");
        let peer = &mut self.peers[who];
        let config = Config {
            group_id: b"nobody".to_vec(),
            kem: Kem::X25519,
            suite: SUITE,
            address: Vec::new(),
            role: Role::Participant,
            permission: Permission::None,
            credential: Vec::new(),
            sends: false,
            started_at: 0,
            policy: Policy::default(),
        };
        peer.is_out = true;
        let mut rng_of_nobody = rng;
        let (nobody, _) =
            Group::new(config, key, TrustStore::new(), Time::at(SECOND), &mut rng_of_nobody)
                .expect("sound");
        let group = core::mem::replace(&mut peer.group, nobody);
        for output in group.leave() {
            if let Output::Send { message, .. } = output {
                self.post(who, None, message);
            }
        }
    }

    fn with(&mut self, who: usize, work: impl FnOnce(&mut Peer, Time)) {
        let now = self.now;
        let peer = &mut self.peers[who];
        if peer.is_out || peer.asleep_until > now {
            return;
        }
        self.order += 1;
        work(peer, now + peer.clock);
        self.note_made(who);
        self.note_members(who);
        self.turn(who);
    }

    fn deliver(&mut self, to: usize, message: &[u8]) {
        if self.peers[to].is_out {
            return;
        }
        if self.peers[to].asleep_until > self.now {
            self.queue.push_back((to, message.to_vec()));
            return;
        }
        self.with(to, |peer, now| {
            let is_one = message::unbundle(message).is_ok_and(|messages| messages.len() == 1);
            let before = is_one.then(|| peer.group.call_code());
            if peer.group.handle_message(message, now) == Err(GroupError::Unauthentic) && is_one {
                assert_eq!(before, Some(peer.group.call_code()), "a forged message changes nothing");
            }
        });
    }

    fn post(&mut self, from: usize, to: Option<usize>, message: Vec<u8>) {
        assert!(message.len() <= message::MAX_LEN, "longer than a relay carries");
        for other in (0..self.peers.len()).filter(|&other| other != from) {
            let is_cut = self.cut.is_some_and(|cut| cut == from || cut == other);
            if to.is_none_or(|to| to == other) && !is_cut && !self.peers[other].is_out {
                self.queue.push_back((other, message.clone()));
            }
        }
        if self.sent.len() < 4096 {
            self.sent.push(message);
        }
    }

    /// Runs a member until it only waits.
    fn turn(&mut self, who: usize) {
        let now = self.now;
        for turns in 0.. {
            assert!(turns < 5000, "it never waits");
            self.order += 1;
            let peer = &mut self.peers[who];
            if peer.is_out {
                return;
            }
            let clock = now + peer.clock;
            peer.group.set_frames(u64::from(peer.sends));
            let output = peer.group.poll(clock, &mut peer.rng);
            self.note_made(who);
            self.note_members(who);
            let peer = &mut self.peers[who];
            match output {
                Output::Send { to, message } => {
                    let to = match to {
                        Recipient::All => None,
                        Recipient::One(session) => {
                            let address = peer.group.address_of(session).map(<[u8]>::to_vec);
                            address.and_then(|address| address.first().copied()).map(usize::from)
                        }
                    };
                    self.post(who, to, message);
                }
                Output::Keys(change) => self.change_keys(who, change),
                Output::Event(event) => self.on_event(who, &event, clock),
                Output::Timeout(until) => {
                    assert!(until > clock, "the timeout is not in the future");
                    peer.wake_at = now + (until - clock);
                    return;
                }
            }
        }
    }

    fn on_event(&mut self, who: usize, event: &Event, clock: Time) {
        match event {
            Event::JoinRequested(request) => {
                let is_moderator = request.credential.first() == Some(&0);
                let admission = Admission {
                    user: UserId::new(format!("{:?}", request.identity)).expect("a name"),
                    permission: if is_moderator { Permission::Moderator } else { Permission::None },
                };
                self.order += 1;
                // The requester may be locked out or removed in the meantime.
                let _ = self.peers[who].group.admit(request.session, admission, clock);
                self.note_members(who);
            }
            Event::Ended(_) => {
                self.peers[who].is_out = true;
                assert!(self.has_orders, "it left without an order");
            }
            Event::RosterMismatch { .. } | Event::ViewMismatch { .. } | Event::OrdersDiffer(_) => {
                let sessions: Vec<_> = self.peers.iter().map(|peer| peer.group.session()).collect();
                // What is lost explains that one side knows less, but not that it knows other keys.
                let may_be = match self.relay {
                    Relay::Honest => false,
                    Relay::Lossy => !matches!(event, Event::ViewMismatch { .. }),
                    Relay::Lying => true,
                };
                assert!(
                    may_be,
                    "{event:?} at {who} after {:?}; the sessions are {sessions:?}",
                    self.now
                );
            }
            Event::Equivocation(_) | Event::IdentityChanged { .. } => {
                panic!("{event:?} at {who}: nobody has equivocated");
            }
            Event::Joined(_)
            | Event::Left { .. }
            | Event::Returned(_)
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
            | Event::SasFailed { .. } => {}
        }
    }

    fn change_keys(&mut self, who: usize, change: KeyChange) {
        let peer = &mut self.peers[who];
        match change {
            KeyChange::Ratchet => {
                let (member, generation, step, key) = &peer.own;
                let key = BaseKey::from_bytes(SUITE, key).expect("drawn").ratchet();
                let key = key.expose_bytes().to_vec();
                peer.own = (*member, *generation, step + 1, key.clone());
                self.made.insert(key, Made { by: who, at: self.order, sealed_at: None });
                self.seal(who);
            }
            KeyChange::Rekey { generation, base_key } => {
                assert!(generation > peer.own.1, "a generation is reused");
                peer.own = (peer.own.0, generation, 0, base_key.expose_bytes().to_vec());
                self.seal(who);
            }
            KeyChange::Restart { member, base_key } => {
                assert_eq!(member, peer.group.member_id());
                peer.own = (member, 0, 0, base_key.expose_bytes().to_vec());
                self.members.insert(member, who);
                self.seal(who);
            }
            KeyChange::Install { member, key, base_key } => {
                let bytes = base_key.expose_bytes().to_vec();
                self.check_install(who, member, (key.generation, key.step), &bytes);
                let before = self.peers[who].held.insert((member, key.generation), (key.step, bytes));
                assert!(before.is_none(), "installed twice");
            }
            KeyChange::WipeGeneration { member, generation } => {
                peer.held.remove(&(member, generation));
            }
            KeyChange::WipeBefore { member, key } => {
                peer.held.retain(|&(of, generation), _| of != member || generation >= key.generation);
            }
            KeyChange::WipeMember { member } => peer.held.retain(|&(of, _), _| of != member),
        }
    }

    /// Checks that this peer may hold the key.
    fn check_install(&self, who: usize, member: MemberId, (generation, step): (u64, u32), key: &[u8]) {
        let maker = *self.members.get(&member).expect("no member has this id");
        assert_ne!(maker, who, "it installed its own key");
        let made = self.made.get(key).expect("nobody made this key");
        assert_eq!(made.by, maker, "another's key");
        let theirs = &self.peers[maker];
        match theirs.used.get(&(member, generation, step)) {
            Some(used) => assert_eq!(used, key, "another key than its maker's"),
            // Not received yet, or replaced before it was used.
            None => assert_eq!(step, 0, "its maker has not reached this step"),
        }
        let stays = self.stays.get(&(maker, self.peers[who].group.session()));
        let mut stays = stays.into_iter().flatten();
        let may_have = stays.any(|&(from, to)| {
            let was_there = to.is_none_or(|to| made.at < to);
            was_there && made.sealed_at.is_none_or(|sealed| sealed >= from)
        });
        assert!(may_have, "it must not open the frames of this key");
    }

    /// Notes that frames are sealed with the peer's key from now on.
    fn seal(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        let (member, generation, step, key) = peer.own.clone();
        peer.used.insert((member, generation, step), key.clone());
        if peer.sends
            && let Some(made) = self.made.get_mut(&key)
        {
            made.sealed_at.get_or_insert(self.order);
        }
    }

    /// Notes the drawn bytes, which may have become a key.
    fn note_made(&mut self, who: usize) {
        let at = self.order;
        for key in self.peers[who].rng.drawn.drain(..) {
            self.made.insert(key, Made { by: who, at, sealed_at: None });
        }
    }

    /// Notes the present members at a peer.
    fn note_members(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        let members: BTreeSet<SessionId> = if peer.is_out {
            BTreeSet::new()
        } else {
            let states = peer.group.member_states(Time::START);
            states.into_iter().map(|member| member.session).collect()
        };
        for &session in members.difference(&peer.members) {
            self.stays.entry((who, session)).or_default().push((self.order, None));
        }
        for &session in peer.members.difference(&members) {
            let stays = self.stays.entry((who, session)).or_default();
            if let Some((_, to)) = stays.last_mut() {
                *to = Some(self.order);
            }
        }
        peer.members = members;
    }

    /// Delivers all sent messages; then time passes, and timeouts are handled.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            // Messages for sleepers are queued again, but not for this round.
            for _ in 0..self.queue.len() {
                if let Some((to, message)) = self.queue.pop_front() {
                    self.deliver(to, &message);
                }
            }
            let awake = |to: usize| self.peers[to].asleep_until <= self.now;
            if self.queue.iter().any(|(to, _)| awake(*to)) {
                continue;
            }
            let wake = |peer: &Peer| peer.wake_at.max(peer.asleep_until).max(self.now);
            let peers = self.peers.iter().enumerate().filter(|(_, peer)| !peer.is_out);
            let next = peers.map(|(who, peer)| (wake(peer), who)).min();
            let Some((at, who)) = next.filter(|(at, _)| *at <= end) else { break };
            self.now = at;
            self.turn(who);
        }
        self.now = end;
    }

    /// The relay behaves, and nobody sleeps.
    fn settle(&mut self) {
        self.cut = None;
        for peer in &mut self.peers {
            peer.asleep_until = Time::START;
        }
        let end = self.now + TOGETHER_WITHIN;
        while self.now < end {
            self.run_for(5 * SECOND);
            if self.is_together().is_ok() {
                break;
            }
        }
        // A lock or a removal leaves its targets out.
        if !self.has_orders {
            self.is_together().expect("all converge");
        }
    }

    fn is_together(&self) -> Result<(), String> {
        let peers = || self.peers.iter().enumerate().filter(|(_, peer)| !peer.is_out);
        for (us, ours) in peers() {
            for (them, theirs) in peers().filter(|(them, _)| *them != us) {
                if !ours.members.contains(&theirs.group.session()) {
                    return Err(format!("{us} does not see {them}"));
                }
                if theirs.sends && !ours.opens(theirs) {
                    return Err(format!("{us} does not open {them}"));
                }
            }
            if ours.members.len() + 1 != peers().count() {
                return Err(format!("{us} sees members that have left"));
            }
        }
        Ok(())
    }
}

impl Peer {
    /// Whether the other's key is held, or derives from a held key.
    fn opens(&self, other: &Self) -> bool {
        let (member, generation, step, key) = &other.own;
        self.held.get(&(*member, *generation)).is_some_and(|(first, held)| {
            let held = BaseKey::from_bytes(SUITE, held).expect("it was held");
            let moved = (*first..*step).fold(held, |held, _| held.ratchet());
            moved.expose_bytes() == key
        })
    }
}

/// A random generator that records possible keys.
struct Recorded {
    random: Random,
    /// All draws of a key's length.
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
