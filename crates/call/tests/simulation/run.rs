//! One call, from a seed.

use core::{cmp::Reverse, time::Duration};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use sealframe::group::{
    IdentityKey, Kem, Recipient, SessionId,
    message::{self, Body, Entry, Message},
};
use sealframe_testkit::random::Random;

use crate::{
    oracle::{Counts, Oracle, Verdict},
    person::{Fate, Person, Turn},
    server::{Mischief, Server},
};

const SECOND: Duration = Duration::from_secs(1);

/// How long whoever has gone goes on listening, and where that is found out by its silence only, in small calls.
const LISTENS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(115));
/// Calls that are small enough to go on for that long.
const SMALL: u16 = 12;

struct Run {
    seed: u64,
    kem: Kem,
    now: Duration,
    rng: Random,
    server: Server,
    listens: Duration,
    people: BTreeMap<u16, Person>,
    sessions: BTreeMap<SessionId, u16>,
    next_number: u16,
    /// Messages on their way: when, tie-breaker, to whom.
    under_way: BinaryHeap<Reverse<(Duration, u64, u16)>>,
    bytes: BTreeMap<u64, (Vec<u8>, bool)>,
    /// That somebody has gone, as the server says: when, to whom, who.
    notices: BTreeSet<(Duration, u16, u16)>,
    next_copy: u64,
    /// Frames that were parked and have not come back: from, generation, when sealed, to whom, and what should become of them.
    parked: BTreeMap<u64, (u16, u64, Duration, u16, Verdict)>,
    next_token: u64,
    /// Sealed frames of the past, for those who come later.
    recorded: Vec<(u16, u64, Duration, Vec<u8>)>,
    oracle: Oracle,
    counts: Counts,
}

/// A whole call.
pub(crate) fn run(seed: u64) -> Counts {
    let mut rng = Random::new(seed);
    // Small calls more often than large ones, which take quadratically longer.
    let size = 2 + (rng.below(1000) * rng.below(1000) * 49 / 1_000_000) as u16;
    let mischief = *Random::new(seed * 7).pick(&Mischief::ALL);
    let is_long = mischief.hides_who_has_gone() && size <= SMALL;
    let (listens, more) = if is_long { (LISTENS.1, 110) } else { (LISTENS.0, 0) };
    let length = Duration::from_secs(40 + more + rng.below(30));
    let bad_from = Duration::from_secs(10 + rng.below(10));
    let bad = (bad_from, bad_from + Duration::from_secs(3 + rng.below(10)));
    let victim = 1 + rng.below(u64::from(size)) as u16;
    let kem = if seed % 10 == 9 { Kem::XWing } else { Kem::X25519 };
    let mut run = Run {
        seed,
        kem,
        now: SECOND,
        listens,
        server: Server::new(Random::new(seed ^ 0x5e), mischief, bad, victim),
        rng,
        people: BTreeMap::new(),
        sessions: BTreeMap::new(),
        next_number: 1,
        under_way: BinaryHeap::new(),
        bytes: BTreeMap::new(),
        notices: BTreeSet::new(),
        next_copy: 0,
        parked: BTreeMap::new(),
        next_token: 0,
        recorded: Vec::new(),
        oracle: Oracle::default(),
        counts: Counts { runs: 1, ..Counts::default() },
    };
    for _ in 0..size {
        run.join();
        let pause = Duration::from_millis(run.rng.below(400));
        run.pass(pause);
    }
    let mut next_change = run.now + 5 * SECOND;
    let end = run.now + length;
    while run.now < end {
        run.pass(SECOND);
        run.media();
        if run.now >= next_change {
            run.change(size);
            // In large calls less often: 2,500 entries take their time.
            let pause = 1000 + u64::from(size) * 150;
            next_change = run.now + Duration::from_millis(run.rng.below(2 * pause));
        }
    }
    run.counts.people = u64::from(run.next_number) - 1;
    // Their key did not come in time, or never.
    for (_, _, sealed, to, verdict) in core::mem::take(&mut run.parked).into_values() {
        if verdict == Verdict::MustNotOpen {
            run.count_shut(sealed, to);
        } else {
            run.counts.excused += 1;
        }
    }
    run.counts
}

impl Run {
    fn join(&mut self) {
        let number = self.next_number;
        self.next_number += 1;
        let person = Person::new(number, self.kem, self.seed << 20 | u64::from(number), self.now);
        self.sessions.insert(person.call.session(), number);
        self.people.insert(number, person);
        self.oracle.came.insert(number, self.now);
        self.oracle.begun.insert((number, 0), self.now);
        self.counts.joins += 1;
        // What was recorded before opens to nobody who comes now: it is tried when keys have come.
        self.turn(number);
    }

    /// Somebody comes, leaves, crashes, or is thrown out.
    fn change(&mut self, size: u16) {
        let there: Vec<u16> = self.there();
        if there.len() <= 2 || (there.len() <= size.into() && self.rng.happens(400)) {
            return self.join();
        }
        let number = *self.rng.pick(&there);
        self.oracle.went.insert(number, self.now);
        let person = self.people.get_mut(&number).unwrap();
        person.is_there = false;
        if self.rng.happens(500) {
            self.counts.leaves += 1;
            let head = person.head(self.kem);
            let key = IdentityKey::from_seed(&person.seed).unwrap();
            let words = message::sign(&head, &Body::Leave, &key);
            self.relay(number, Recipient::All, &words);
        } else {
            self.counts.crashes += 1;
        }
        // The server notices, and says so, each time one in ten does not hear it.
        if !self.server.mischief.hides_who_has_gone() {
            for to in self.there() {
                for late in [300, 1300, 4000] {
                    if !self.rng.happens(100) && !self.server.withholds(number, to, self.now) {
                        let at = self.now + Duration::from_millis(late + self.rng.below(300));
                        self.notices.insert((at, to, number));
                    }
                }
            }
        }
    }

    fn there(&self) -> Vec<u16> {
        self.people.values().filter(|person| person.is_there).map(|person| person.number).collect()
    }

    /// Everybody seals a frame, and everybody tries all of them, also those who have gone; some of the past are tried too.
    fn media(&mut self) {
        for from in self.there() {
            let (frame, generation) = self.people.get_mut(&from).unwrap().seal();
            self.counts.sealed += 1;
            let sealed = self.now;
            for to in self.people.keys().copied().filter(|&to| to != from).collect::<Vec<_>>() {
                self.try_open(from, generation, sealed, to, &frame);
            }
            if self.recorded.len() < 2000 {
                self.recorded.push((from, generation, sealed, frame));
            }
        }
        for _ in 0..20 {
            let (from, generation, sealed, frame) = self.rng.pick(&self.recorded).clone();
            let late: Vec<u16> = self.people.keys().copied().filter(|&to| to != from).collect();
            let Some(&to) = late.last() else { continue };
            if self.oracle.came[&to] > sealed {
                self.try_open(from, generation, sealed, to, &frame);
            }
        }
    }

    fn try_open(&mut self, from: u16, generation: u64, sealed: Duration, to: u16, frame: &[u8]) {
        self.next_token += 1;
        let token = self.next_token;
        let verdict = self.oracle.judge(from, generation, sealed, to, self.now);
        let fate = self.people.get_mut(&to).unwrap().open(from, frame, token, self.now);
        let told = || {
            format!(
                "seed {}, {:?}: {from} to {to}, generation {generation}, sealed at {sealed:?}, now {:?}, {fate:?}; {}",
                self.seed,
                self.server.mischief,
                self.now,
                self.oracle.tell(from, generation, to),
            )
        };
        match (verdict, fate) {
            (Verdict::MustOpen | Verdict::MayOpen, Fate::Opened) => self.counts.opened += 1,
            (_, Fate::Parked) => {
                self.parked.insert(token, (from, generation, sealed, to, verdict));
                assert!(verdict != Verdict::MustOpen, "{}", told());
            }
            (Verdict::MayOpen, Fate::Shut) => self.counts.excused += 1,
            (Verdict::MustNotOpen, Fate::Shut) => self.count_shut(sealed, to),
            (Verdict::MustOpen, Fate::Shut) | (Verdict::MustNotOpen, Fate::Opened) => {
                panic!("{verdict:?}: {}", told());
            }
        }
    }

    fn count_shut(&mut self, sealed: Duration, to: u16) {
        if self.oracle.came[&to] > sealed {
            self.counts.shut_to_who_came_later += 1;
        } else {
            self.counts.shut_to_who_left += 1;
        }
    }

    /// Lets time pass, and messages arrive.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let message = self.under_way.peek().map(|Reverse((at, ..))| *at);
            let notice = self.notices.first().map(|(at, ..)| *at);
            let wake = self.people.values().map(|person| person.wake_at).min();
            let Some(at) = [message, notice, wake].into_iter().flatten().min().filter(|at| *at <= end)
            else {
                break;
            };
            self.now = at.max(self.now);
            if message == Some(at) {
                self.arrive();
            } else if notice == Some(at) {
                let (_, to, gone) = self.notices.pop_first().unwrap();
                if let Some(person) = self.people.get_mut(&to).filter(|person| person.is_there) {
                    let _ = person.call.drop_member(gone, self.now);
                    self.turn(to);
                }
            } else {
                let number = self.people.values().find(|person| person.wake_at == at).unwrap().number;
                self.turn(number);
            }
        }
        self.now = end;
        let went = &self.oracle.went;
        self.people.retain(|number, _| went.get(number).is_none_or(|went| *went + self.listens >= end));
    }

    fn arrive(&mut self) {
        let Reverse((_, copy, to)) = self.under_way.pop().unwrap();
        let (bytes, is_genuine) = self.bytes.remove(&copy).unwrap();
        let Some(person) = self.people.get_mut(&to) else { return };
        let session = person.call.session();
        let taken = person.call.handle_message(&bytes, self.now);
        if taken.is_ok() {
            self.note_heard(to, &bytes);
        }
        if is_genuine && taken.is_ok() {
            self.note_reached(to, session, &bytes);
        }
        self.turn(to);
    }

    /// If it was a heartbeat that was taken, its member is there, as far as this person can tell.
    fn note_heard(&mut self, to: u16, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        if let (Body::Heartbeat(_), Some(&from)) =
            (&message.body, self.sessions.get(&message.head.session))
        {
            self.oracle.heard.insert((from, to), self.now);
        }
    }

    /// A key update with an entry for this person has been taken.
    fn note_reached(&mut self, to: u16, session: SessionId, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let Body::KeyUpdate(update) = &message.body else { return };
        let from = self.sessions[&message.head.session];
        let mut entries = Entry::parse_all(message.entries, update, self.kem, 32).unwrap();
        if entries.any(|entry| entry.recipient == session) {
            self.oracle.reached.entry((from, to, update.generation)).or_insert(self.now);
        }
    }

    fn turn(&mut self, number: u16) {
        let Some(person) = self.people.get_mut(&number) else { return };
        let before = person.call.kid();
        let Turn { sent, joined, left, unparked } = person.turn(self.now);
        let (kid, is_there) = (person.call.kid(), person.is_there);
        if kid.get() >> 24 != before.get() >> 24 {
            self.oracle.begun.insert((number, kid.get() >> 24), self.now);
        }
        for session in joined {
            let seen = self.oracle.seen.entry((number, self.sessions[&session])).or_default();
            seen.joined = Some(self.now);
        }
        for session in left {
            let seen = self.oracle.seen.entry((number, self.sessions[&session])).or_default();
            seen.left = Some(self.now);
        }
        for token in unparked {
            let (from, generation, sealed, to, _) = self.parked.remove(&token).unwrap();
            let verdict = self.oracle.judge(from, generation, sealed, to, self.now);
            assert!(verdict != Verdict::MustNotOpen, "seed {}: {from} to {to}, parked", self.seed);
            self.counts.opened += 1;
            self.counts.opened_after_parking += 1;
        }
        if is_there {
            for (to, message) in sent {
                self.relay(number, to, &message);
            }
        }
    }

    /// The server gets a message. Who has gone still listens to everything that is for all.
    fn relay(&mut self, from: u16, to: Recipient, bytes: &[u8]) {
        let all: Vec<u16> = self.people.keys().copied().collect();
        let to: Vec<u16> = match to {
            Recipient::All => all.iter().copied().filter(|&to| to != from).collect(),
            // A forged session is asked who it is; there is nobody to answer.
            Recipient::One(session) => self.sessions.get(&session).copied().into_iter().collect(),
        };
        self.counts.sent_messages += to.len() as u64;
        let handed = self.server.hand(from, &to, &all, bytes, self.now);
        self.counts.lost_messages += handed.lost;
        self.counts.repeated_messages += handed.repeated;
        self.counts.forged_messages += handed.forged;
        self.counts.withheld_messages += handed.withheld.len() as u64;
        for to in handed.withheld {
            self.oracle.harmed.insert((from, to), self.now);
        }
        for copy in handed.copies {
            self.next_copy += 1;
            self.bytes.insert(self.next_copy, (copy.bytes, copy.is_genuine));
            self.under_way.push(Reverse((self.now + copy.after, self.next_copy, copy.to)));
        }
    }
}
