//! A small call in which an adversary delivers, holds, drops, repeats or reorders every message.

use core::{
    hash::{Hash, Hasher},
    time::Duration,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::DefaultHasher,
};

use sealframe_group::{Event, Permission, Recipient, Time, message};

use crate::{
    ghost::Ghost,
    net::{Join, Peer, SECOND},
};

/// Transit time of a message while the network is fair.
const DELAY: Duration = Duration::from_millis(20);
/// Time within which a fair network comes to rest, including acks and resent deliveries.
const REST: Duration = Duration::from_millis(400);

/// The actions. Addresses count in the order of joining, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// The oldest message from the first to the second is delivered.
    Deliver(u16, u16),
    /// The newest message is delivered before all others.
    Overtake(u16, u16),
    /// The oldest message is lost.
    Drop(u16, u16),
    /// The message delivered last is delivered again.
    Repeat(u16, u16),
    /// All messages are delivered, and those that result.
    Settle,
    /// This many seconds pass without deliveries.
    Hold(u8),
    /// This many seconds pass while the network is fair.
    Pass(u8),
    /// This many seconds pass while this machine sleeps.
    Sleep(u16, u8),
    /// This many seconds pass while all messages from and to this machine are lost.
    Apart(u16, u8),
    Lock(u16),
    Unlock(u16),
    /// The first removes the second.
    Remove(u16, u16),
    Leave(u16),
    /// The machine stops without a message.
    Crash(u16),
    /// The first's application is wrongly told that the second is gone.
    Mistake(u16, u16),
    /// This person joins, again or for the first time.
    Join(u16),
}

impl Action {
    /// Whether the scenario gives the action as a command, which happens once.
    pub(crate) const fn is_command(self) -> bool {
        match self {
            Self::Deliver(..)
            | Self::Overtake(..)
            | Self::Drop(..)
            | Self::Repeat(..)
            | Self::Settle
            | Self::Hold(_) => false,
            Self::Pass(_)
            | Self::Sleep(..)
            | Self::Apart(..)
            | Self::Lock(_)
            | Self::Unlock(_)
            | Self::Remove(..)
            | Self::Leave(_)
            | Self::Crash(_)
            | Self::Mistake(..)
            | Self::Join(_) => true,
        }
    }

    /// The only machine that the action changes, apart from messages that it sends.
    const fn actor(self) -> Option<u16> {
        match self {
            Self::Deliver(_, to) | Self::Drop(_, to) => Some(to),
            Self::Lock(by) | Self::Unlock(by) | Self::Remove(by, _) | Self::Mistake(by, _) => Some(by),
            Self::Overtake(..)
            | Self::Repeat(..)
            | Self::Settle
            | Self::Hold(_)
            | Self::Pass(_)
            | Self::Sleep(..)
            | Self::Apart(..)
            | Self::Leave(_)
            | Self::Crash(_)
            | Self::Join(_) => None,
        }
    }
}

/// How often the network may do each kind of harm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Harm {
    pub(crate) drops: u8,
    pub(crate) overtakes: u8,
    pub(crate) repeats: u8,
    pub(crate) holds: u8,
}

/// Planted faults, each of which a check must find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// A departed session is given the current key.
    DeliversToDeparted,
    /// A newcomer is given the key from before it joined.
    DeliversOldKey,
    /// The second member ignores orders.
    IgnoresOrders,
    /// The second member ignores orders and claims to hold them.
    ClaimsOrders,
    /// A repeated message causes a panic.
    Panics,
    /// Messages from the first to the fourth are always lost.
    LosesAlways,
    /// The second reports the first.
    Reports,
}

/// The initial state of a model, and its actions.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Number of members at the start; members 1 and 2 are moderators.
    pub(crate) people: u16,
    pub(crate) commands: Vec<Action>,
    pub(crate) harm: Harm,
    pub(crate) fault: Option<Fault>,
}

struct Packet {
    bytes: Vec<u8>,
    hash: u64,
    at: Time,
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) peers: BTreeMap<u16, Peer>,
    links: BTreeMap<(u16, u16), VecDeque<Packet>>,
    /// The message delivered last on each link.
    last: BTreeMap<(u16, u16), Vec<u8>>,
    /// Fingerprint of all messages delivered to each address, regardless of order.
    heard: BTreeMap<u16, u64>,
    pub(crate) ghost: Ghost,
    /// Commands that have not happened yet.
    commands: Vec<Action>,
    harm: Harm,
    next_address: u16,
    asleep: Option<u16>,
    apart: Option<u16>,
    /// The last action if it changed one machine only, and the links that were not empty before it.
    before: Option<(u16, BTreeSet<(u16, u16)>)>,
    /// Fingerprints of all states since the last action began.
    pub(crate) passed: Vec<u64>,
    pub(crate) records: bool,
    fault: Option<Fault>,
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl World {
    /// A call in which all initial members know each other.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut world = Self {
            now: Time::at(SECOND),
            peers: BTreeMap::new(),
            links: BTreeMap::new(),
            last: BTreeMap::new(),
            heard: BTreeMap::new(),
            ghost: Ghost::default(),
            commands: scenario.commands.clone(),
            harm: scenario.harm,
            next_address: 1,
            asleep: None,
            apart: None,
            before: None,
            passed: Vec::new(),
            records: false,
            fault: None,
        };
        for person in 1..=scenario.people {
            world.join(person);
        }
        world.fair(SECOND, &mut |_| Ok(())).unwrap();
        world.is_together().unwrap();
        world.fault = scenario.fault;
        world
    }

    fn join(&mut self, person: u16) {
        let address = self.next_address;
        self.next_address += 1;
        let permission = if person < 3 { Permission::Moderator } else { Permission::None };
        let join = Join { permission, started_at: address.into(), ..Join::of(person) };
        let peer = Peer::new(address, &join, self.now, address.into());
        self.peers.insert(address, peer);
        self.turn(address);
    }

    /// Lets a machine handle its timeouts, and puts its messages in transit.
    fn turn(&mut self, address: u16) {
        let Some(peer) = self.peers.get_mut(&address) else { return };
        self.ghost.before_turn(peer);
        let seen = peer.events.len();
        let before = peer.own.clone();
        let sent = peer.turn(self.now);
        self.ghost.after_turn(peer, seen, &sent);
        let news: Vec<Event> = peer.events[seen..].iter().map(|(_, event)| event.clone()).collect();
        let addressed: Vec<_> = sent
            .into_iter()
            .map(|(to, bytes)| match to {
                Recipient::All => (None, bytes),
                Recipient::One(session) => {
                    let to = peer.group.address_of(session);
                    (to.map(|to| u16::from_be_bytes(to.try_into().unwrap())), bytes)
                }
            })
            .collect();
        let has_ended = peer.has_ended;
        self.do_wrong(address, &before, &news);
        for (to, bytes) in addressed {
            self.post(address, to, &bytes);
        }
        if has_ended {
            self.forget(address);
        }
    }

    /// Applies the planted fault after a turn of a machine.
    fn do_wrong(&mut self, address: u16, before: &(u64, u32, Vec<u8>), news: &[Event]) {
        let Some(sender) = self.peers.get(&address) else { return };
        let number = sender.group.member_id();
        let (tells, (generation, step, key)) = match self.fault {
            Some(Fault::DeliversToDeparted) => {
                (self.ghost.gone_at(sender.group.session()), sender.own.clone())
            }
            Some(Fault::DeliversOldKey) => {
                let joined = news.iter().filter_map(|event| {
                    if let Event::Joined(session) = event { Some(*session) } else { None }
                });
                (joined.collect(), before.clone())
            }
            Some(
                Fault::IgnoresOrders
                | Fault::ClaimsOrders
                | Fault::Panics
                | Fault::LosesAlways
                | Fault::Reports,
            )
            | None => return,
        };
        for other in self.peers.values_mut().filter(|other| tells.contains(&other.group.session())) {
            other.held.insert((number, generation), crate::net::Held { step, key: key.clone() });
        }
    }

    fn post(&mut self, from: u16, to: Option<u16>, bytes: &[u8]) {
        let others: Vec<u16> = self.peers.keys().copied().filter(|&other| other != from).collect();
        for other in others.into_iter().filter(|other| to.is_none_or(|to| to == *other)) {
            if self.fault == Some(Fault::LosesAlways) && (from, other) == (1, 4) {
                continue;
            }
            if self.apart.is_some_and(|apart| apart == from || apart == other) {
                continue;
            }
            let packet = Packet { bytes: bytes.to_vec(), hash: hash_of(&bytes), at: self.now };
            self.links.entry((from, other)).or_default().push_back(packet);
        }
    }

    fn forget(&mut self, address: u16) {
        self.peers.remove(&address);
        self.links.retain(|(_, to), _| *to != address);
    }

    fn arrive(&mut self, from: u16, to: u16, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let heard = self.heard.entry(to).or_default();
        *heard = heard.wrapping_add(hash_of(&bytes));
        let is_deaf = matches!(self.fault, Some(Fault::IgnoresOrders | Fault::ClaimsOrders)) && to == 2;
        let is_repeated = self.last.get(&(from, to)).is_some_and(|last| *last == bytes);
        assert!(!(is_repeated && self.fault == Some(Fault::Panics)), "planted");
        if self.fault == Some(Fault::Reports) && to == 2 {
            self.ghost.accuse(2);
        }
        if is_deaf {
            self.ghost.hear_removals(peer.group.session(), bytes);
        }
        let parts = message::unbundle(bytes).unwrap();
        let parts = parts.into_iter().filter(|part| !(is_deaf && [7, 9].contains(&part[1])));
        for part in parts {
            let _ = peer.group.handle_message(part, self.now);
        }
        self.last.insert((from, to), bytes.to_vec());
        self.turn(to);
    }

    /// Runs a fair network for this long: messages are delivered in order after the transit time,
    /// and timers fire.
    pub(crate) fn fair(
        &mut self,
        time: Duration,
        each: &mut impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let end = self.now + time;
        loop {
            let links = self.links.iter().filter(|((_, to), _)| self.asleep != Some(*to));
            let fronts = links.filter_map(|(&link, queue)| Some((queue.front()?.at + DELAY, link)));
            let packet = fronts.min();
            let awake = self.peers.values().filter(|peer| self.asleep != Some(peer.address));
            let wake = awake.map(|peer| (peer.wake_at, peer.address)).min();
            let next = [packet.map(|(at, _)| at), wake.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if let Some((_, (from, to))) = packet.filter(|(at, _)| *at == next) {
                let packet = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front);
                if let Some(packet) = packet {
                    self.arrive(from, to, &packet.bytes);
                }
            } else if let Some((_, address)) = wake {
                self.turn(address);
            }
            each(self)?;
        }
        self.now = end;
        Ok(())
    }

    /// Lets time pass for all machines without deliveries.
    fn hold(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        loop {
            let wake = self.peers.values().map(|peer| (peer.wake_at, peer.address)).min();
            let Some((at, address)) = wake.filter(|(at, _)| *at <= end) else { break };
            self.now = self.now.max(at);
            self.turn(address);
            self.check()?;
        }
        self.now = end;
        Ok(())
    }

    /// The actions possible next.
    pub(crate) fn enabled(&self) -> Vec<Action> {
        let mut all = Vec::new();
        for (&(from, to), queue) in self.links.iter().filter(|(_, queue)| !queue.is_empty()) {
            all.push(Action::Deliver(from, to));
            if self.harm.drops > 0 {
                all.push(Action::Drop(from, to));
            }
            if self.harm.overtakes > 0 && queue.len() > 1 {
                all.push(Action::Overtake(from, to));
            }
        }
        if self.links.values().any(|queue| !queue.is_empty()) {
            all.push(Action::Settle);
        }
        if self.harm.repeats > 0 {
            let to = |(_, to): &&(u16, u16)| self.peers.contains_key(to);
            all.extend(self.last.keys().filter(to).map(|&(from, to)| Action::Repeat(from, to)));
        }
        if self.harm.holds > 0 {
            all.extend([Action::Hold(1), Action::Hold(35)]);
        }
        all.extend(self.commands.iter().copied().filter(|command| self.is_possible(*command)));
        if let Some((actor, links)) = &self.before {
            // Of two independent steps of two machines only one order is explored.
            all.retain(|action| {
                let is_earlier = action.actor().is_some_and(|other| other < *actor);
                let link = match *action {
                    Action::Deliver(from, to) | Action::Drop(from, to) => Some((from, to)),
                    Action::Overtake(..)
                    | Action::Repeat(..)
                    | Action::Settle
                    | Action::Hold(_)
                    | Action::Pass(_)
                    | Action::Sleep(..)
                    | Action::Apart(..)
                    | Action::Lock(_)
                    | Action::Unlock(_)
                    | Action::Remove(..)
                    | Action::Leave(_)
                    | Action::Crash(_)
                    | Action::Mistake(..)
                    | Action::Join(_) => None,
                };
                let was_possible = link.is_none_or(|link| links.contains(&link));
                !(is_earlier && was_possible)
            });
        }
        all
    }

    fn is_possible(&self, command: Action) -> bool {
        let here = |address: u16| self.peers.contains_key(&address);
        match command {
            Action::Remove(by, target) | Action::Mistake(by, target) => {
                let Some(by) = self.peers.get(&by) else { return false };
                self.ghost.session_at(target).is_some_and(|session| by.sees(session))
            }
            Action::Lock(who)
            | Action::Unlock(who)
            | Action::Leave(who)
            | Action::Crash(who)
            | Action::Sleep(who, _)
            | Action::Apart(who, _) => here(who),
            Action::Pass(_) | Action::Join(_) => true,
            Action::Deliver(..)
            | Action::Overtake(..)
            | Action::Drop(..)
            | Action::Repeat(..)
            | Action::Settle
            | Action::Hold(_) => false,
        }
    }

    fn with(&mut self, address: u16, work: impl FnOnce(&mut Peer, Time)) {
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&address) {
            work(peer, now);
        }
        self.turn(address);
    }

    /// Performs an action.
    pub(crate) fn apply(&mut self, action: Action) -> Result<(), String> {
        let links = self.links.iter().filter(|(_, queue)| !queue.is_empty()).map(|(&link, _)| link);
        self.before = action.actor().map(|actor| (actor, links.collect()));
        if action.is_command() {
            self.commands.retain(|command| *command != action);
        }
        self.passed.clear();
        match action {
            Action::Deliver(from, to) => {
                let packet = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front).unwrap();
                self.arrive(from, to, &packet.bytes);
            }
            Action::Overtake(from, to) => {
                self.harm.overtakes -= 1;
                let packet = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_back).unwrap();
                self.arrive(from, to, &packet.bytes);
            }
            Action::Drop(from, to) => {
                self.harm.drops -= 1;
                self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front).unwrap();
            }
            Action::Repeat(from, to) => {
                self.harm.repeats -= 1;
                let bytes = self.last[&(from, to)].clone();
                self.arrive(from, to, &bytes);
            }
            Action::Settle => self.fair(REST, &mut Self::check)?,
            Action::Hold(seconds) => {
                self.harm.holds -= 1;
                self.hold(u32::from(seconds) * SECOND)?;
            }
            Action::Pass(seconds) => self.fair(u32::from(seconds) * SECOND, &mut Self::check)?,
            Action::Sleep(who, seconds) => {
                self.asleep = Some(who);
                self.fair(u32::from(seconds) * SECOND, &mut Self::check)?;
                self.asleep = None;
            }
            Action::Apart(who, seconds) => {
                self.links.retain(|(from, to), _| *from != who && *to != who);
                self.apart = Some(who);
                self.fair(u32::from(seconds) * SECOND, &mut Self::check)?;
                self.apart = None;
            }
            Action::Lock(by) => self.with(by, |peer, now| peer.group.lock(now).unwrap()),
            Action::Unlock(by) => self.with(by, |peer, now| peer.group.unlock(now).unwrap()),
            Action::Remove(by, target) => {
                let target = self.ghost.session_at(target).unwrap();
                self.with(by, |peer, now| peer.group.remove_member(target, now).unwrap());
            }
            Action::Mistake(by, target) => {
                let target = self.ghost.session_at(target).unwrap();
                self.with(by, |peer, now| peer.group.drop_member(target, now).unwrap());
            }
            Action::Leave(who) => {
                let peer = self.peers.remove(&who).unwrap();
                self.links.retain(|(_, to), _| *to != who);
                for output in peer.group.leave() {
                    if let sealframe_group::Output::Send { message, .. } = output {
                        self.post(who, None, &message);
                    }
                }
            }
            Action::Crash(who) => self.forget(who),
            Action::Join(person) => self.join(person),
        }
        self.check()
    }

    /// Checks the invariants of every state.
    fn check(&mut self) -> Result<(), String> {
        if self.records {
            let fingerprint = self.fingerprint();
            self.passed.push(fingerprint);
            self.ghost.check(&self.peers)?;
        }
        Ok(())
    }

    /// The fingerprint that tells states apart: the visible state of each machine, and the messages
    /// in transit.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.now, self.harm, &self.commands, self.next_address).hash(&mut hasher);
        for peer in self.peers.values() {
            let state = peer.group.state(self.now);
            (peer.address, state.session, state.is_locked, state.has_ended).hash(&mut hasher);
            (state.waiting, state.away, state.next_key_within, peer.wake_at).hash(&mut hasher);
            (&peer.own, peer.events.len(), self.heard.get(&peer.address)).hash(&mut hasher);
            for (key, held) in &peer.held {
                (key, held.step).hash(&mut hasher);
            }
            for member in peer.group.member_states(self.now) {
                (member.session, member.since, member.silent_for, member.key_since).hash(&mut hasher);
                (member.is_live, member.has_our_key, member.sends).hash(&mut hasher);
                (member.roster_differs, member.has_equivocated).hash(&mut hasher);
            }
        }
        for (link, queue) in self.links.iter().filter(|(_, queue)| !queue.is_empty()) {
            link.hash(&mut hasher);
            for packet in queue {
                packet.hash.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// What each member states in a heartbeat now. The state cannot be used afterwards.
    pub(crate) fn tell(&mut self) -> BTreeMap<u16, message::Heartbeat> {
        let now = self.now;
        let mut told = BTreeMap::new();
        for peer in self.peers.values_mut() {
            peer.group.reconnected(now);
            let sent = peer.turn(now);
            let own = peer.group.session();
            for (_, bytes) in &sent {
                for part in message::unbundle(bytes).unwrap() {
                    if let message::Body::Heartbeat(heartbeat) =
                        message::Message::parse(part).unwrap().body
                    {
                        told.insert(peer.address, heartbeat);
                    }
                }
            }
            assert_eq!(own, peer.group.session());
        }
        if let (Some(Fault::ClaimsOrders), Some(hash)) =
            (self.fault, told.get(&1).map(|first| first.orders_hash))
            && let Some(second) = told.get_mut(&2)
        {
            second.orders_hash = hash;
        }
        told
    }

    /// Checks that all members are together once the network has been fair for a while.
    pub(crate) fn quiet(&mut self) -> Result<Duration, String> {
        let start = self.now;
        let mut none = |_: &mut Self| Ok(());
        loop {
            // Excluded clients are told, and leave.
            let is_kept_out = |peer: &&Peer| peer.has_event(|e| matches!(e, Event::NotAdmitted { .. }));
            let kept_out: Vec<_> =
                self.peers.values().filter(is_kept_out).map(|peer| peer.address).collect();
            match self.is_together() {
                Ok(()) => {
                    // A member that crashed is lost at slightly different times by different
                    // members.
                    self.fair(21 * SECOND, &mut none)?;
                    let stays = self.is_together();
                    if stays.is_ok() || self.now >= start + 150 * SECOND {
                        stays.map_err(|what| format!("no longer together: {what}"))?;
                        break;
                    }
                }
                Err(_) if !kept_out.is_empty() && self.now >= start + 12 * SECOND => {
                    self.forget(kept_out[0]);
                }
                Err(what) if self.now >= start + 150 * SECOND => return Err(what),
                Err(_) => self.fair(4 * SECOND, &mut none)?,
            }
        }
        let took = self.now - start - 21 * SECOND;
        for peer in self.peers.values() {
            if peer.group.member_states(self.now).iter().any(|member| member.roster_differs) {
                return Err(format!("{} still reports a roster", peer.address));
            }
        }
        let told = self.tell();
        let hashes = told.values().map(|heartbeat| (heartbeat.orders_hash, heartbeat.roster_hash));
        if hashes.collect::<BTreeSet<_>>().len() > 1 {
            return Err("orders or rosters differ".to_string());
        }
        Ok(took)
    }

    fn is_together(&mut self) -> Result<(), String> {
        let Some(first) = self.peers.values().next() else { return Ok(()) };
        let (code, is_locked) = (first.group.call_code(), first.group.state(self.now).is_locked);
        for peer in self.peers.values() {
            for other in self.peers.values().filter(|other| other.address != peer.address) {
                let (a, b) = (peer.address, other.address);
                if !peer.sees(other.group.session()) {
                    return Err(format!("{a} does not see {b}"));
                }
                if !peer.opens(other) {
                    return Err(format!("{a} does not open {b}"));
                }
            }
            if peer.group.call_code() != code {
                return Err(format!("{} has another code", peer.address));
            }
            if peer.group.state(self.now).is_locked != is_locked {
                return Err(format!("{} sees another lock", peer.address));
            }
        }
        Ok(())
    }

    /// The events of all members, for a report.
    pub(crate) fn describe(&self) -> String {
        let mut lines = String::new();
        for peer in self.peers.values() {
            let session = peer.group.session();
            lines += &format!("  {} is {session:?}\n", peer.address);
            for (at, event) in &peer.events {
                let is_talk = matches!(event, Event::JoinRequested(_));
                if !is_talk {
                    lines += &format!("    {at:?} {event:?}\n");
                }
            }
            lines += &format!("    errors {:?}\n", peer.errors);
        }
        lines
    }
}
