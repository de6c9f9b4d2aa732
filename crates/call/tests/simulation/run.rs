//! One call, from a seed.

use core::{cmp::Reverse, time::Duration};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use sealframe::group::{
    Kem, MemberId, SessionId, Time,
    message::{self, Body, Entry, Message},
};
use sealframe_testkit::random::Random;

use crate::{
    oracle::{Counts, Oracle, Sealed, Verdict},
    person::{Fate, Person, Turn, Who},
    server::{Mischief, Server},
};

const SECOND: Duration = Duration::from_secs(1);

/// How long a departed client listens, in general, and in small calls where its departure is found
/// out only by its silence.
const LISTENS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(230));
/// Largest call in which departed clients listen for the longer time.
const SMALL: u16 = 6;

struct Run {
    seed: u64,
    kem: Kem,
    day: u64,
    now: Time,
    rng: Random,
    server: Server,
    listens: Duration,
    people: BTreeMap<u16, Person>,
    sessions: BTreeMap<SessionId, u16>,
    next_address: u16,
    next_person: u16,
    /// Messages in flight: time, tie-breaker, recipient.
    under_way: BinaryHeap<Reverse<(Time, u64, u16)>>,
    bytes: BTreeMap<u64, (Vec<u8>, bool)>,
    /// Departure notices of the server: time, recipient, departed client.
    notices: BTreeSet<(Time, u16, u16)>,
    next_copy: u64,
    /// Frames that were parked and have not returned.
    parked: BTreeMap<u64, (Sealed, u16, Verdict)>,
    next_token: u64,
    /// Earlier sealed frames, for later members.
    recorded: Vec<(Sealed, MemberId, Vec<u8>)>,
    oracle: Oracle,
    counts: Counts,
}

/// Runs one call.
pub(crate) fn run(seed: u64) -> Counts {
    let mut rng = Random::new(seed);
    // Small calls more often than large ones, which take quadratically longer.
    let size = 2 + (rng.below(1000) * rng.below(1000) * 39 / 1_000_000) as u16;
    let mischief = Mischief::ALL[seed as usize % Mischief::ALL.len()];
    let is_long = mischief.hides_departures();
    let size = if is_long { size.min(SMALL) } else { size };
    let (listens, more) = if is_long { (LISTENS.1, 240) } else { (LISTENS.0, 0) };
    let length = Duration::from_secs(40 + more + rng.below(60));
    let mut run = Run::new(seed, 1, mischief, size, listens, rng);
    if mischief == Mischief::Yesterday {
        run.server.remember(yesterday(seed, size));
    }
    run.go_on(size, length);
    run.counts
}

/// The messages of the previous day's call of the same people.
fn yesterday(seed: u64, size: u16) -> Vec<Vec<u8>> {
    let rng = Random::new(!seed);
    let mut run = Run::new(!seed, 0, Mischief::None, size.min(6), LISTENS.0, rng);
    run.go_on(size.min(6), 40 * SECOND);
    run.server.recorded()
}

impl Run {
    fn new(
        seed: u64,
        day: u64,
        mischief: Mischief,
        size: u16,
        listens: Duration,
        mut rng: Random,
    ) -> Self {
        let bad_from = Time::at(Duration::from_secs(10 + rng.below(10)));
        let bad = (bad_from, bad_from + Duration::from_secs(3 + rng.below(30)));
        let victim = 1 + rng.below(u64::from(size)) as u16;
        let kem = if seed % 10 == 9 { Kem::XWing } else { Kem::X25519 };
        Self {
            seed,
            kem,
            day,
            now: Time::at(SECOND),
            listens,
            server: Server::new(Random::new(seed ^ 0x5e), mischief, bad, victim),
            rng,
            people: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next_address: 1,
            next_person: 1,
            under_way: BinaryHeap::new(),
            bytes: BTreeMap::new(),
            notices: BTreeSet::new(),
            next_copy: 0,
            parked: BTreeMap::new(),
            next_token: 0,
            recorded: Vec::new(),
            oracle: Oracle::default(),
            counts: Counts { runs: 1, ..Counts::default() },
        }
    }

    fn go_on(&mut self, size: u16, length: Duration) {
        for _ in 0..size {
            self.join();
            let pause = Duration::from_millis(self.rng.below(400));
            self.pass(pause);
        }
        let mut next_change = self.now + 5 * SECOND;
        let end = self.now + length;
        while self.now < end {
            self.pass(SECOND);
            self.media();
            if self.now >= next_change {
                self.change(size);
                // Less often in large calls: delivering many keys takes time.
                let pause = 1000 + u64::from(size) * 150;
                next_change = self.now + Duration::from_millis(self.rng.below(2 * pause));
            }
        }
        self.counts.people = u64::from(self.next_address) - 1;
        // Their keys did not arrive in time, or never.
        for (sealed, to, verdict) in core::mem::take(&mut self.parked).into_values() {
            if verdict == Verdict::MustNotOpen {
                self.count_shut(sealed, to);
            } else {
                self.counts.excused += 1;
            }
        }
    }

    /// A new client joins; the first two may moderate, and every fifth only listens at first.
    fn join(&mut self) {
        let person = self.next_person;
        self.next_person += 1;
        self.enter(Who { person, moderates: person <= 2, sends: !person.is_multiple_of(5) });
    }

    fn enter(&mut self, who: Who) {
        let address = self.next_address;
        self.next_address += 1;
        let seed = self.seed << 20 | u64::from(address) | self.day << 60;
        let person = Person::new(who, address, self.kem, seed, self.day, self.now);
        self.sessions.insert(person.call.session(), address);
        self.people.insert(address, person);
        self.oracle.came.insert(address, self.now);
        self.counts.joins += 1;
        self.turn(address);
    }

    /// A client joins, leaves, crashes, reloads, sleeps, or moderates.
    fn change(&mut self, size: u16) {
        let there = self.there();
        if there.len() <= 2 || there.len() <= size.into() && self.rng.happens(300) {
            return self.join();
        }
        let address = *self.rng.pick(&there);
        match self.rng.below(10) {
            0 | 1 if !self.server.mischief.hides_departures() => self.sleep(address),
            2..=4 => self.moderate(&there),
            5 => {
                self.counts.reloads += 1;
                let who = self.people[&address].who;
                self.go(address);
                self.enter(who);
            }
            6 | 7 => {
                self.counts.leaves += 1;
                let words = self.people[&address].leave();
                self.go(address);
                self.relay(address, None, &words);
            }
            _ => {
                self.counts.crashes += 1;
                self.go(address);
            }
        }
    }

    fn sleep(&mut self, address: u16) {
        self.counts.pauses += 1;
        self.oracle.slept.insert(address);
        let pause = Duration::from_secs(1 + self.rng.below(45));
        self.people.get_mut(&address).unwrap().asleep_until = self.now + pause;
    }

    fn moderate(&mut self, there: &[u16]) {
        let may = |address: &&u16| {
            let person = &self.people[*address];
            person.who.moderates && person.is_awake(self.now)
        };
        let Some(&moderator) = there.iter().find(may) else { return };
        let target = *self.rng.pick(there);
        let session = self.people[&target].call.session();
        let now = self.now;
        let what = self.rng.below(5);
        let call = &mut self.people.get_mut(&moderator).unwrap().call;
        let done = match what {
            0 => call.members().lock(now),
            1 | 2 => call.members().unlock(now),
            3 => call.members().remove(session, now),
            _ => {
                call.rekey(now);
                call.set_sending(true, now);
                Ok(())
            }
        };
        self.counts.orders += u64::from(done.is_ok());
        self.turn(moderator);
    }

    /// A client departs and continues to listen. The server tells the others, but each of them
    /// misses it one time in ten.
    fn go(&mut self, address: u16) {
        self.oracle.went.insert(address, self.now);
        self.people.get_mut(&address).unwrap().is_there = false;
        if self.server.mischief.hides_departures() {
            return;
        }
        for to in self.there() {
            for late in [300, 1300, 4000] {
                if !self.rng.happens(100) && !self.server.withholds(address, to, self.now) {
                    let at = self.now + Duration::from_millis(late + self.rng.below(300));
                    self.notices.insert((at, to, address));
                }
            }
        }
    }

    fn there(&self) -> Vec<u16> {
        self.people.values().filter(|person| person.is_there).map(|person| person.address).collect()
    }

    /// All seal a frame, and all try every frame, including departed clients; some earlier frames
    /// are tried too.
    fn media(&mut self) {
        for from in self.there() {
            let person = self.people.get_mut(&from).unwrap();
            if !person.is_awake(self.now) {
                continue;
            }
            let session = person.call.session();
            let (frame, generation) = person.seal();
            self.counts.sealed += 1;
            let sealed = Sealed { from, session, generation, at: self.now };
            let member = session.member_id();
            for to in self.people.keys().copied().filter(|&to| to != from).collect::<Vec<_>>() {
                self.try_open(sealed, member, to, &frame);
            }
            if self.recorded.len() < 2000 {
                self.recorded.push((sealed, member, frame));
            }
            // A member that only listened before may have sealed its first frame.
            self.turn(from);
        }
        for _ in 0..20 {
            let (sealed, member, frame) = self.rng.pick(&self.recorded).clone();
            let late = self.people.keys().copied().rfind(|&to| to != sealed.from);
            let Some(to) = late else { continue };
            if self.oracle.came[&to] > sealed.at {
                self.try_open(sealed, member, to, &frame);
            }
        }
    }

    fn try_open(&mut self, sealed: Sealed, member: MemberId, to: u16, frame: &[u8]) {
        let now = self.now;
        if !self.people[&to].is_awake(now) {
            return;
        }
        self.next_token += 1;
        let token = self.next_token;
        let verdict = self.oracle.judge(sealed, to);
        let fate = self.people.get_mut(&to).unwrap().open(member, frame, token, now);
        match (verdict, fate) {
            (Verdict::MustOpen | Verdict::MayOpen, Fate::Opened) => self.counts.opened += 1,
            (Verdict::MayOpen | Verdict::MustNotOpen, Fate::Parked) => {
                self.parked.insert(token, (sealed, to, verdict));
            }
            (Verdict::MayOpen, Fate::Shut) => self.counts.excused += 1,
            (Verdict::MustNotOpen, Fate::Shut) => self.count_shut(sealed, to),
            (Verdict::MustOpen, Fate::Shut | Fate::Parked) | (Verdict::MustNotOpen, Fate::Opened) => {
                self.fail(verdict, fate, sealed, to)
            }
        }
    }

    fn fail(&self, verdict: Verdict, fate: Fate, sealed: Sealed, to: u16) -> ! {
        panic!(
            "seed {}, {:?}, now {:?}: {verdict:?}, {fate:?}: {}",
            self.seed,
            self.server.mischief,
            self.now,
            self.oracle.tell(sealed, to),
        )
    }

    fn count_shut(&mut self, sealed: Sealed, to: u16) {
        if self.oracle.came[&to] > sealed.at {
            self.counts.shut_to_who_came_later += 1;
        } else {
            self.counts.shut_to_who_left += 1;
        }
    }

    /// Time passes, and messages are delivered.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let message = self.under_way.peek().map(|Reverse((at, ..))| *at);
            let notice = self.notices.first().map(|(at, ..)| *at);
            let wakes = |person: &Person| (person.wake_at.max(person.asleep_until), person.address);
            let wake = self.people.values().map(wakes).min();
            let times = [message, notice, wake.map(|(at, _)| at)];
            let Some(at) = times.into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            if message == Some(at) {
                self.arrive();
            } else if notice == Some(at) {
                let (_, to, gone) = self.notices.pop_first().unwrap();
                let now = self.now;
                if let Some(person) = self.people.get_mut(&to).filter(|person| person.is_there) {
                    if person.is_awake(now) {
                        person.call.members().drop_address(&gone.to_be_bytes(), now);
                        self.turn(to);
                    } else {
                        self.notices.insert((person.asleep_until, to, gone));
                    }
                }
            } else if let Some((_, address)) = wake {
                self.turn(address);
            }
        }
        self.now = end;
        let went = &self.oracle.went;
        self.people.retain(|address, _| went.get(address).is_none_or(|at| *at + self.listens >= end));
    }

    fn arrive(&mut self) {
        let Reverse((_, copy, to)) = self.under_way.pop().unwrap();
        let now = self.now;
        let Some(person) = self.people.get_mut(&to) else {
            self.bytes.remove(&copy);
            return;
        };
        if !person.is_awake(now) {
            // It waits in the socket.
            self.under_way.push(Reverse((person.asleep_until, copy, to)));
            return;
        }
        let (bytes, is_genuine) = self.bytes.remove(&copy).unwrap();
        let member = person.call.group().member_id();
        let taken = person.call.handle_message(&bytes, now);
        if is_genuine && taken.is_ok() {
            self.note_reached(to, member, &bytes);
        }
        self.turn(to);
    }

    /// Notes key updates that this client has accepted. Those of sessions that it is still judging
    /// wait.
    fn note_reached(&mut self, to: u16, member: MemberId, bytes: &[u8]) {
        for part in message::unbundle(bytes).unwrap() {
            let message = Message::parse(part).unwrap();
            let Body::KeyUpdate(update) = &message.body else { continue };
            let session = message.head.session;
            let Some(&from) = self.sessions.get(&session) else { continue };
            let is_for_us = Entry::parse(message.entry).unwrap().recipient == member;
            if is_for_us && self.oracle.sees_since(to, from, session).is_some() {
                let reached = (session, to, update.generation.into());
                self.oracle.reached.insert(reached, self.now);
            }
        }
    }

    fn turn(&mut self, address: u16) {
        let now = self.now;
        let Some(person) = self.people.get_mut(&address) else { return };
        let Turn { sent, joined, left, unparked, has_new_session, has_ended } = person.turn(now);
        let is_there = person.is_there;
        if has_new_session {
            self.sessions.insert(person.call.session(), address);
        }
        // Nobody has sessions of the previous day.
        for session in joined {
            if let Some(&of) = self.sessions.get(&session) {
                self.oracle.note_joined(address, of, session, now);
            }
        }
        for session in left {
            if let Some(&of) = self.sessions.get(&session) {
                self.oracle.note_left(address, of, session, now);
            }
        }
        for token in unparked {
            let (sealed, to, _) = self.parked.remove(&token).unwrap();
            let verdict = self.oracle.judge(sealed, to);
            if verdict == Verdict::MustNotOpen {
                self.fail(verdict, Fate::Opened, sealed, to);
            }
            self.counts.opened += 1;
            self.counts.opened_after_parking += 1;
        }
        if is_there {
            for (to, message) in sent {
                self.relay(address, to, &message);
            }
        }
        if has_ended && is_there {
            self.counts.thrown_out += 1;
            self.go(address);
        }
    }

    /// The server receives a message. Departed clients still listen to all broadcasts.
    fn relay(&mut self, from: u16, to: Option<u16>, bytes: &[u8]) {
        let all: Vec<u16> = self.people.keys().copied().collect();
        let to: Vec<u16> =
            to.map_or_else(|| all.iter().copied().filter(|&to| to != from).collect(), |to| vec![to]);
        self.counts.sent_messages += to.len() as u64;
        let handed = self.server.hand(from, &to, &all, bytes, self.now);
        self.counts.lost_messages += handed.lost;
        self.counts.repeated_messages += handed.repeated;
        self.counts.forged_messages += handed.forged;
        self.counts.withheld_messages += handed.withheld.len() as u64;
        for copy in handed.copies {
            self.next_copy += 1;
            self.bytes.insert(self.next_copy, (copy.bytes, copy.is_genuine));
            self.under_way.push(Reverse((self.now + copy.after, self.next_copy, copy.to)));
        }
    }
}
