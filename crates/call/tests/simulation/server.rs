//! A server that delivers messages late, twice, out of order, or not at all; the seed determines
//! its misbehaviour.

use core::time::Duration;

use sealframe::group::{Time, message};
use sealframe_testkit::random::Random;

/// A server's misbehaviour besides losing one message in ten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mischief {
    /// Nothing.
    None,
    /// It sends no departure notices and drops leaves.
    WithholdsLeaves,
    /// For a while it separates two halves of the call.
    Partitions,
    /// It delivers old messages again.
    Replays,
    /// It flips bits, truncates, and forges messages.
    Forges,
    /// It delivers messages to other recipients.
    Redirects,
    /// For a while it drops one member's messages.
    Silences,
    /// It sends no departure notices, drops leaves, and repeats old messages instead.
    HidesDepartures,
    /// It delivers the previous day's messages of a call with the same name and people.
    Yesterday,
}

impl Mischief {
    /// Whether departures are found out only by silence.
    pub(crate) fn hides_departures(self) -> bool {
        matches!(self, Self::WithholdsLeaves | Self::HidesDepartures)
    }

    pub(crate) const ALL: [Self; 9] = [
        Self::None,
        Self::WithholdsLeaves,
        Self::Partitions,
        Self::Replays,
        Self::Forges,
        Self::Redirects,
        Self::Silences,
        Self::HidesDepartures,
        Self::Yesterday,
    ];
}

pub(crate) struct Server {
    pub(crate) rng: Random,
    pub(crate) mischief: Mischief,
    /// When it separates people.
    pub(crate) bad: (Time, Time),
    pub(crate) victim: u16,
    old: Vec<Vec<u8>>,
    /// Number of these from the previous day.
    yesterday: usize,
    next: usize,
}

/// A copy in flight.
pub(crate) struct Copy {
    pub(crate) to: u16,
    pub(crate) after: Duration,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_genuine: bool,
}

/// The outcome of a message.
#[derive(Default)]
pub(crate) struct Handed {
    pub(crate) copies: Vec<Copy>,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) forged: u64,
    pub(crate) withheld: Vec<u16>,
}

impl Server {
    pub(crate) fn new(rng: Random, mischief: Mischief, bad: (Time, Time), victim: u16) -> Self {
        Self { rng, mischief, bad, victim, old: Vec::new(), yesterday: 0, next: 0 }
    }

    /// The recorded messages.
    pub(crate) fn recorded(self) -> Vec<Vec<u8>> {
        self.old
    }

    /// Adds messages of the previous day.
    pub(crate) fn remember(&mut self, recorded: Vec<Vec<u8>>) {
        self.yesterday = recorded.len();
        self.old = recorded;
    }

    fn delay(&mut self) -> Duration {
        Duration::from_millis(10 + self.rng.below(290))
    }

    pub(crate) fn withholds(&self, from: u16, to: u16, now: Time) -> bool {
        let is_bad = (self.bad.0..self.bad.1).contains(&now);
        match self.mischief {
            Mischief::Partitions => is_bad && from % 2 != to % 2,
            Mischief::Silences => is_bad && from == self.victim,
            Mischief::None
            | Mischief::WithholdsLeaves
            | Mischief::Replays
            | Mischief::Forges
            | Mischief::Redirects
            | Mischief::HidesDepartures
            | Mischief::Yesterday => false,
        }
    }

    /// Delivers a message to `to`, one of all present.
    pub(crate) fn hand(
        &mut self,
        from: u16,
        to: &[u16],
        all: &[u16],
        bytes: &[u8],
        now: Time,
    ) -> Handed {
        let mut handed = Handed::default();
        for &to in to {
            // Messages of type 6 are leaves.
            let parts = message::unbundle(bytes).unwrap();
            let is_leave = parts.iter().any(|part| part[1] == 6);
            if self.withholds(from, to, now) || (is_leave && self.mischief.hides_departures()) {
                handed.withheld.push(to);
                continue;
            }
            if self.rng.happens(100) {
                handed.lost += 1;
                continue;
            }
            let times = if self.rng.happens(50) { 2 } else { 1 };
            handed.repeated += times - 1;
            for _ in 0..times {
                let after = self.delay();
                handed.copies.push(Copy { to, after, bytes: bytes.to_vec(), is_genuine: true });
            }
        }
        if self.old.len() < 500 + self.yesterday {
            self.old.push(bytes.to_vec());
        }
        if self.rng.happens(100) || self.mischief == Mischief::Yesterday && self.rng.happens(300) {
            self.misbehave(from, all, bytes, &mut handed);
        }
        handed
    }

    fn misbehave(&mut self, from: u16, all: &[u16], bytes: &[u8], handed: &mut Handed) {
        let mut bytes = bytes.to_vec();
        match self.mischief {
            Mischief::Replays | Mischief::HidesDepartures => {
                bytes.clone_from(self.rng.clone().pick(&self.old));
            }
            // At first in their original order.
            Mischief::Yesterday if self.yesterday > 0 => {
                self.next = (self.next + 1) % self.yesterday;
                bytes.clone_from(&self.old[self.next]);
            }
            Mischief::Forges => match self.rng.below(3) {
                0 => {
                    let place = self.rng.below(bytes.len() as u64) as usize;
                    bytes[place] ^= 1 << self.rng.below(8);
                }
                1 => bytes.truncate(self.rng.below(bytes.len() as u64) as usize),
                _ => {
                    for byte in bytes.iter_mut().skip(22) {
                        *byte = self.rng.number() as u8;
                    }
                }
            },
            Mischief::Redirects => {}
            Mischief::None
            | Mischief::WithholdsLeaves
            | Mischief::Partitions
            | Mischief::Silences
            | Mischief::Yesterday => return,
        }
        self.rng.number();
        let others: Vec<u16> = all.iter().copied().filter(|&to| to != from).collect();
        if others.is_empty() {
            return;
        }
        let is_for_all = self.mischief == Mischief::Yesterday;
        let to = if is_for_all { others } else { vec![*self.rng.pick(&others)] };
        let after = self.delay();
        for to in to {
            handed.forged += 1;
            let is_genuine = self.mischief == Mischief::Redirects;
            handed.copies.push(Copy { to, after, bytes: bytes.clone(), is_genuine });
        }
    }
}
