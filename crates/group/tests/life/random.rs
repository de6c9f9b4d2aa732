//! Random calls: random actions of people, machines and networks, then a quiet time after which all
//! invariants must hold.
//!
//! `SEALFRAME_RUNS=20000 cargo test --release -p sealframe-group --test life -- --nocapture
//! random` runs many and prints counts. `SEALFRAME_SEED` repeats one and prints what happened.

use core::{ops::AddAssign, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, thread,
};

use sealframe_group::{Event, Permission, SessionId, Time};
use sealframe_testkit::random::Random;

use crate::net::{Join, MILLI, Net, SECOND};

/// Conditions of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Feature {
    SlowApplications,
    Sleep,
    Partitions,
    Reloads,
    Crashes,
    /// The relay never reports departed addresses.
    Untold,
    /// The relay reports an address gone that is not.
    Mistakes,
    Locks,
    Removals,
    Mutes,
    Rekeys,
    Reorder,
    Repeats,
    Loss,
    Old,
    Clocks,
}

const FEATURES: [Feature; 16] = [
    Feature::SlowApplications,
    Feature::Sleep,
    Feature::Partitions,
    Feature::Reloads,
    Feature::Crashes,
    Feature::Untold,
    Feature::Mistakes,
    Feature::Locks,
    Feature::Removals,
    Feature::Mutes,
    Feature::Rekeys,
    Feature::Reorder,
    Feature::Repeats,
    Feature::Loss,
    Feature::Old,
    Feature::Clocks,
];

/// Counts over all runs.
#[derive(Default, Debug)]
struct Counts {
    runs: u64,
    people: u64,
    sends: u64,
    leaves: u64,
    crashes: u64,
    reloads: u64,
    sleeps: u64,
    partitions: u64,
    orders: u64,
    mistakes: u64,
    mutes: u64,
    honest: u64,
    longest_until_together: Duration,
    ended: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.people += other.people;
        self.sends += other.sends;
        self.leaves += other.leaves;
        self.crashes += other.crashes;
        self.reloads += other.reloads;
        self.sleeps += other.sleeps;
        self.partitions += other.partitions;
        self.orders += other.orders;
        self.mistakes += other.mistakes;
        self.mutes += other.mutes;
        self.honest += other.honest;
        self.longest_until_together = self.longest_until_together.max(other.longest_until_together);
        self.ended += other.ended;
    }
}

#[test]
fn random_calls_end_well() {
    if let Ok(seed) = env::var("SEALFRAME_SEED") {
        println!("{:#?}", run(seed.parse().unwrap(), true));
        return;
    }
    let runs: u64 = env::var("SEALFRAME_RUNS").map_or(300, |runs| runs.parse().unwrap());
    let from: u64 = env::var("SEALFRAME_FROM").map_or(1000, |from| from.parse().unwrap());
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let (counts, failures) = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let seeds = (from..from + runs).filter(move |seed| seed % threads == worker);
                scope.spawn(move || {
                    let mut counts = Counts::default();
                    let mut failures = Vec::new();
                    for seed in seeds {
                        match run(seed, false) {
                            Ok(more) => counts += more,
                            Err(what) => failures.push((seed, what)),
                        }
                    }
                    (counts, failures)
                })
            })
            .collect();
        let mut all = (Counts::default(), Vec::new());
        for worker in workers {
            let (counts, failures) = worker.join().unwrap();
            all.0 += counts;
            all.1.extend(failures);
        }
        all
    });
    println!("{counts:#?}");
    for (seed, what) in failures.iter().take(40) {
        println!("seed {seed}: {what}");
    }
    assert!(failures.is_empty(), "{} of {runs} calls", failures.len());
    assert_eq!(counts.runs, runs);
    // Everything must have happened at least once, or it was not tested.
    let happened = [counts.leaves, counts.crashes, counts.reloads, counts.sleeps];
    let more = [counts.partitions, counts.orders, counts.mistakes, counts.mutes, counts.honest];
    assert!(runs < 100 || happened.into_iter().chain(more).all(|count| count > runs / 20));
}

struct Run {
    net: Net,
    rng: Random,
    features: BTreeSet<u8>,
    /// Current address of each person.
    people: BTreeMap<u16, u16>,
    moderators: BTreeSet<u16>,
    next_person: u16,
    /// Persons that were expelled or may not be admitted.
    out: BTreeSet<u16>,
    told: Vec<(Time, u16)>,
    counts: Counts,
    talks: bool,
    /// When each sender sealed with which key.
    sealed: BTreeMap<SessionId, Vec<(Time, u64, u32)>>,
}

impl Run {
    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&(feature as u8))
    }

    fn say(&self, what: &str) {
        if self.talks {
            println!("{:?} {what}", self.net.now);
        }
    }

    fn any(&mut self) -> Option<u16> {
        let now = self.net.now;
        let all: Vec<u16> = self
            .net
            .peers
            .values()
            .filter(|peer| peer.asleep_until <= now)
            .map(|peer| peer.address)
            .collect();
        (!all.is_empty()).then(|| *self.rng.pick(&all))
    }

    fn join(&mut self, person: u16) {
        let permission =
            if self.moderators.contains(&person) { Permission::Moderator } else { Permission::None };
        let join = Join { permission, ..Join::of(person) };
        let address = self.net.join(&join);
        if self.has(Feature::SlowApplications) {
            self.net.peers.get_mut(&address).unwrap().judges_within = 3 * SECOND;
        }
        if self.has(Feature::Clocks) && self.rng.happens(300) {
            self.net.peers.get_mut(&address).unwrap().clock = self.rng.below(5000) as u32 * SECOND;
        }
        self.people.insert(person, address);
        self.counts.people += 1;
        self.say(&format!("{person} joins as {address} {:?}", self.net.session(address)));
    }

    fn gone(&mut self, address: u16) {
        if !self.has(Feature::Untold) {
            let after = self.rng.below(300) as u32 * MILLI + 200 * MILLI;
            self.told.push((self.net.now + after, address));
        }
    }

    fn step(&mut self) {
        self.people.retain(|_, address| self.net.peers.contains_key(address));
        let now = self.net.now;
        let due: Vec<u16> =
            self.told.iter().filter(|(at, _)| *at <= now).map(|(_, who)| *who).collect();
        self.told.retain(|(at, _)| *at > now);
        for address in due {
            self.say(&format!("the relay reports {address} gone"));
            self.net.tell_gone(address);
        }
        let what = self.rng.below(100);
        match what {
            0..20 if self.net.peers.len() < 9 => {
                let person = self.next_person;
                self.next_person += 1;
                self.join(person);
            }
            20..28 if self.net.peers.len() > 2 => {
                if let Some(address) = self.any() {
                    self.say(&format!("{address} leaves"));
                    self.net.leave(address);
                    self.gone(address);
                    self.counts.leaves += 1;
                }
            }
            28..34 if self.has(Feature::Crashes) && self.net.peers.len() > 2 => {
                if let Some(address) = self.any() {
                    self.say(&format!("{address} crashes"));
                    self.net.crash(address);
                    self.gone(address);
                    self.counts.crashes += 1;
                }
            }
            34..44 if self.has(Feature::Reloads) => {
                let people: Vec<_> = self.people.iter().map(|(a, b)| (*a, *b)).collect();
                if people.is_empty() {
                    return;
                }
                let &(person, address) = self.rng.pick(&people);
                if !self.out.contains(&person) && self.rng.happens(700) {
                    self.say(&format!("{person} loads its page again, was {address}"));
                    self.net.crash(address);
                    self.gone(address);
                } else {
                    self.say(&format!("{person} opens a second window, was {address}"));
                }
                self.join(person);
                self.counts.reloads += 1;
            }
            44..54 if self.has(Feature::Sleep) => {
                if let Some(address) = self.any() {
                    let time = Duration::from_secs(self.rng.below(200));
                    self.say(&format!("{address} sleeps for {time:?}"));
                    let peer = self.net.peers.get_mut(&address).unwrap();
                    peer.asleep_until = now + time;
                    self.counts.sleeps += 1;
                }
            }
            54..60 if self.has(Feature::Partitions) => {
                if self.net.sides.is_empty() {
                    self.say("the network is partitioned");
                    let all: Vec<u16> = self.net.peers.keys().copied().collect();
                    for address in all {
                        let side = self.rng.below(2) as u8;
                        self.net.sides.insert(address, side);
                    }
                    self.counts.partitions += 1;
                } else {
                    self.say("the partition ends");
                    self.net.sides.clear();
                }
            }
            60..68 if self.has(Feature::Locks) || self.has(Feature::Removals) => self.order(),
            68..73 if self.has(Feature::Mistakes) => {
                if let Some(address) = self.any() {
                    self.say(&format!("the relay wrongly reports {address} gone"));
                    self.net.tell_gone(address);
                    self.counts.mistakes += 1;
                }
            }
            73..79 if self.has(Feature::Mutes) => {
                if let Some(address) = self.any() {
                    let speaks = !self.net.peer(address).speaks;
                    self.say(&format!("{address} speaks: {speaks}"));
                    self.net.with(address, |peer, now| {
                        peer.speaks = speaks;
                        peer.group.set_sending(speaks, now);
                        if speaks {
                            peer.frames += 1;
                        }
                    });
                    self.counts.mutes += 1;
                }
            }
            79..83 if self.has(Feature::Rekeys) => {
                if let Some(address) = self.any() {
                    self.net.with(address, |peer, now| {
                        peer.group.rekey(sealframe_group::Reason::Suspicion, now);
                    });
                }
            }
            83..86 if self.has(Feature::Clocks) => {
                if let Some(address) = self.any() {
                    let clock = self.rng.below(7200) as u32 * SECOND;
                    self.say(&format!("the clock of {address} is set to +{clock:?}"));
                    let peer = self.net.peers.get_mut(&address).unwrap();
                    peer.clock = clock;
                    peer.wake_at = now;
                }
            }
            _ => {}
        }
    }

    fn order(&mut self) {
        let moderators: Vec<u16> = self
            .net
            .peers
            .values()
            .filter(|peer| self.moderators.contains(&peer.person))
            .filter(|peer| peer.asleep_until <= self.net.now)
            .map(|peer| peer.address)
            .collect();
        if moderators.is_empty() {
            return;
        }
        let by = *self.rng.pick(&moderators);
        self.counts.orders += 1;
        let (locks, removes) = (self.has(Feature::Locks), self.has(Feature::Removals));
        match self.rng.below(4) {
            0 if locks => {
                self.say(&format!("{by} locks"));
                self.net.with(by, |peer, now| peer.group.lock(now).unwrap());
            }
            1 | 2 if locks => {
                self.say(&format!("{by} unlocks"));
                self.net.with(by, |peer, now| peer.group.unlock(now).unwrap());
            }
            _ if removes => {
                let sees: Vec<_> = self
                    .net
                    .peers
                    .values()
                    .filter(|peer| peer.address != by)
                    .map(|peer| (peer.address, peer.person, peer.group.session()))
                    .collect();
                if sees.is_empty() {
                    return;
                }
                let &(address, person, session) = self.rng.pick(&sees);
                let done =
                    self.net.with(by, |peer, now| peer.group.remove_member(session, now).is_ok());
                if done {
                    self.say(&format!("{by} removes {address}"));
                    self.out.insert(person);
                }
            }
            _ => {}
        }
    }

    /// Checks that no peer holds a key from before its admission, and that no departed peer
    /// receives one.
    fn check_secrecy(&mut self) -> Result<(), String> {
        let now = self.net.now;
        for peer in self.net.peers.values() {
            let of = self.sealed.entry(peer.group.session()).or_default();
            if peer.speaks {
                of.push((now, peer.own.0, peer.own.1));
            }
        }
        for sender in self.net.peers.values() {
            for other in self.net.peers.values() {
                let (number, session) = (sender.group.member_id(), other.group.session());
                // Two sessions may share a member id for a moment, until one of them restarts.
                let holders = self.net.peers.values().filter(|peer| peer.group.member_id() == number);
                if other.address == sender.address || holders.count() > 1 {
                    continue;
                }
                let came = sender.events.iter().rev().find_map(|(at, event)| match event {
                    Event::Joined(who) | Event::Returned(who) if *who == session => Some(*at),
                    _ => None,
                });
                for ((_, generation), held) in other.held.range((number, 0)..=(number, u64::MAX)) {
                    let early = self.sealed[&sender.group.session()].iter().find(|(at, g, step)| {
                        *g == *generation && *step >= held.step && came.is_none_or(|came| *at < came)
                    });
                    // A member that was away and returned may have held the key before.
                    let was_here = sender.events.iter().any(|(_, event)| {
                        matches!(event, Event::Left { session: who, .. } if *who == session)
                    });
                    if let Some(early) = early.filter(|_| !was_here) {
                        return Err(format!(
                            "{} holds {held:?} of {}, sealed {early:?}, let in {came:?}",
                            other.address, sender.address
                        ));
                    }
                }
                let went = sender.events.iter().rev().find_map(|(at, event)| match event {
                    Event::Left { session: who, .. } if *who == session => Some(*at),
                    _ => None,
                });
                let is_out = went.is_some_and(|went| came.is_none_or(|came| went > came));
                let long_ago = went.is_some_and(|went| now > went + 3 * SECOND);
                let is_awake = sender.asleep_until <= now;
                if is_out && long_ago && is_awake && sender.speaks && other.opens(sender) {
                    return Err(format!("{} still opens {}", other.address, sender.address));
                }
            }
        }
        Ok(())
    }
}

/// Runs one call.
fn run(seed: u64, talks: bool) -> Result<Counts, String> {
    let mut rng = Random::new(seed);
    let mut features = BTreeSet::new();
    for feature in FEATURES {
        // Calls differ in how many conditions they have.
        if rng.happens(100 + 500 * (seed % 3) / 2) {
            features.insert(feature as u8);
        }
    }
    let mut net = Net::new(seed);
    let has = |feature: Feature| features.contains(&(feature as u8));
    if has(Feature::Reorder) {
        (net.delay, net.keeps_order) = ((5 * MILLI, 1500 * MILLI), false);
    } else {
        net.delay = (5 * MILLI, Duration::from_millis(20 + rng.below(200)));
    }
    net.loses = if has(Feature::Loss) { 20 + rng.below(200) } else { 0 };
    net.repeats = if has(Feature::Repeats) { 100 } else { 0 };
    let mut run = Run {
        net,
        rng,
        features,
        people: BTreeMap::new(),
        moderators: [1, 2, 4, 7].into(),
        next_person: 1,
        out: BTreeSet::new(),
        told: Vec::new(),
        counts: Counts { runs: 1, ..Counts::default() },
        talks,
        sealed: BTreeMap::new(),
    };
    run.say(&format!("{:?}", FEATURES.iter().filter(|f| run.has(**f)).collect::<Vec<_>>()));
    let first = 2 + run.rng.below(4) as u16;
    for person in 1..=first {
        run.next_person = person + 1;
        run.join(person);
        let pause = run.rng.below(1500) as u32 * MILLI;
        run.net.run_for(pause);
    }
    if run.has(Feature::Old) {
        run.net.run_for(1200 * SECOND);
    }
    let steps = 10 + run.rng.below(50);
    for _ in 0..steps {
        run.step();
        let pause = match run.rng.below(10) {
            0 => 20_000 + run.rng.below(60_000),
            1..4 => run.rng.below(8_000),
            _ => run.rng.below(1_000),
        };
        run.net.run_for(Duration::from_millis(pause));
        run.check_secrecy()?;
    }
    // The quiet time begins.
    run.say("all is quiet");
    run.net.sides.clear();
    (run.net.loses, run.net.repeats) = (0, 0);
    (run.net.delay, run.net.keeps_order) = ((10 * MILLI, 50 * MILLI), true);
    run.net.wake_all();
    for peer in run.net.peers.values_mut() {
        peer.judges_within = Duration::ZERO;
    }
    run.net.run_for(2 * SECOND);
    for (_, address) in core::mem::take(&mut run.told) {
        run.net.tell_gone(address);
    }
    let outcome = quiet(&mut run);
    if talks {
        for peer in run.net.peers.values() {
            println!("{} {:?} errors {:?}", peer.address, peer.group.session(), peer.errors);
            for (at, event) in &peer.events {
                println!("    {at:?} {event:?}");
            }
        }
    }
    outcome?;
    run.counts.sends = run.net.sends;
    Ok(run.counts)
}

/// Checks that after a while all peers are together or know that they are not, and that no alarm
/// was false.
fn quiet(run: &mut Run) -> Result<(), String> {
    let start = run.net.now;
    // A peer that vanished is lost after 100 s, and 40 s later by members that were shown it then.
    let hides = [Feature::Untold, Feature::Partitions, Feature::Loss, Feature::Sleep];
    let hides = hides.into_iter().any(|feature| run.has(feature));
    let within = if hides { 150 * SECOND } else { 60 * SECOND };
    loop {
        // Removed and locked-out persons are told, and stay out.
        let is_late = run.net.now > start + 40 * SECOND;
        let kept_out: Vec<u16> = run
            .net
            .peers
            .values()
            .filter(|peer| {
                // Two halves that were locked apart exclude each other, and notice the other by its
                // announces.
                peer.has_event(|event| match event {
                    Event::NotAdmitted { .. } => true,
                    Event::LockedOut(_) => is_late && run.has(Feature::Partitions),
                    _ => false,
                })
            })
            .map(|peer| peer.address)
            .collect();
        match run.net.is_together() {
            Ok(()) => break,
            Err(_) if !kept_out.is_empty() && run.net.now > start + 12 * SECOND => {
                let &address = run.rng.pick(&kept_out);
                run.say(&format!("{address} goes: it is not admitted"));
                run.net.crash(address);
                run.net.tell_gone(address);
                run.counts.ended += 1;
            }
            Err(what) if run.net.now > start + within => return Err(what),
            Err(_) => run.net.run_for(500 * MILLI),
        }
    }
    run.counts.longest_until_together = run.net.now - start;
    run.net.run_until(start + within + 30 * SECOND);
    run.net.is_together().map_err(|what| format!("no longer together: {what}"))?;
    for peer in run.net.peers.values() {
        for member in peer.group.member_states(run.net.now) {
            if member.roster_differs || member.has_equivocated {
                return Err(format!("{} still reports {:?}", peer.address, member.session));
            }
        }
    }
    // A relay without loss and partitions causes no alarm at all.
    let harms = [Feature::Loss, Feature::Partitions];
    if !harms.into_iter().any(|feature| run.has(feature)) {
        run.counts.honest += 1;
        for peer in run.net.peers.values() {
            let mut alarms = peer.alarms();
            alarms.retain(|(_, event)| !matches!(event, Event::IdentityChanged { .. }));
            if let Some(alarm) = alarms.first() {
                return Err(format!("{}: false alarm {alarm:?}", peer.address));
            }
        }
    }
    for peer in run.net.peers.values() {
        if peer.has_event(|event| matches!(event, Event::Equivocation(_))) {
            return Err(format!("{}: all are honest", peer.address));
        }
    }
    Ok(())
}
