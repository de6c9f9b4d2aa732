//! The expected outcome of every frame.

use core::{ops::Add, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use sealframe::group::{SessionId, Time};

/// Keys must change within this time after a departure becomes known.
const EXPOSURE: Duration = Duration::from_secs(3);
/// A silent member is dropped within this time at the latest: its last message may be delivered 100
/// s later, and proves its presence for as long.
const LOST: Duration = Duration::from_secs(205);

/// Statistics of all runs.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) runs: u64,
    pub(crate) people: u64,
    pub(crate) joins: u64,
    pub(crate) leaves: u64,
    pub(crate) crashes: u64,
    pub(crate) reloads: u64,
    pub(crate) pauses: u64,
    pub(crate) orders: u64,
    pub(crate) thrown_out: u64,
    pub(crate) sent_messages: u64,
    pub(crate) lost_messages: u64,
    pub(crate) repeated_messages: u64,
    pub(crate) forged_messages: u64,
    pub(crate) withheld_messages: u64,
    pub(crate) sealed: u64,
    pub(crate) opened: u64,
    pub(crate) opened_after_parking: u64,
    /// Frames that did not open because their keys had not arrived.
    pub(crate) excused: u64,
    pub(crate) shut_to_who_left: u64,
    pub(crate) shut_to_who_came_later: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            people: self.people + other.people,
            joins: self.joins + other.joins,
            leaves: self.leaves + other.leaves,
            crashes: self.crashes + other.crashes,
            reloads: self.reloads + other.reloads,
            pauses: self.pauses + other.pauses,
            orders: self.orders + other.orders,
            thrown_out: self.thrown_out + other.thrown_out,
            sent_messages: self.sent_messages + other.sent_messages,
            lost_messages: self.lost_messages + other.lost_messages,
            repeated_messages: self.repeated_messages + other.repeated_messages,
            forged_messages: self.forged_messages + other.forged_messages,
            withheld_messages: self.withheld_messages + other.withheld_messages,
            sealed: self.sealed + other.sealed,
            opened: self.opened + other.opened,
            opened_after_parking: self.opened_after_parking + other.opened_after_parking,
            excused: self.excused + other.excused,
            shut_to_who_left: self.shut_to_who_left + other.shut_to_who_left,
            shut_to_who_came_later: self.shut_to_who_came_later + other.shut_to_who_came_later,
        }
    }
}

/// The interval in which one client had another in its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    session: SessionId,
    joined: Time,
    left: Option<Time>,
}

/// Membership over time, and each client's view of it. Clients are identified by their addresses.
#[derive(Default)]
pub(crate) struct Oracle {
    /// When a client joined.
    pub(crate) came: BTreeMap<u16, Time>,
    /// When a client left, crashed or was removed.
    pub(crate) went: BTreeMap<u16, Time>,
    /// Each client's views of each other one.
    seen: BTreeMap<(u16, u16), Vec<Seen>>,
    /// When a key update of this session and generation was accepted by a client that had its
    /// sender in the call.
    pub(crate) reached: BTreeMap<(SessionId, u16, u64), Time>,
    /// Clients whose machines have slept: their clocks may be behind.
    pub(crate) slept: BTreeSet<u16>,
}

/// The expected outcome of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    MustOpen,
    MayOpen,
    MustNotOpen,
}

/// Sender and time of a sealed frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) from: u16,
    pub(crate) session: SessionId,
    pub(crate) generation: u64,
    pub(crate) at: Time,
}

impl Oracle {
    pub(crate) fn note_joined(&mut self, at: u16, of: u16, session: SessionId, now: Time) {
        let seen = Seen { session, joined: now, left: None };
        self.seen.entry((at, of)).or_default().push(seen);
    }

    pub(crate) fn note_left(&mut self, at: u16, of: u16, session: SessionId, now: Time) {
        let seen = self.seen.entry((at, of)).or_default().iter_mut();
        for seen in seen.filter(|seen| seen.session == session && seen.left.is_none()) {
            seen.left = Some(now);
        }
    }

    /// Since when the first client has this session of the second in its call.
    pub(crate) fn sees_since(&self, at: u16, of: u16, session: SessionId) -> Option<Time> {
        let seen = self.seen.get(&(at, of))?;
        let is_in = |seen: &&Seen| seen.session == session && seen.left.is_none();
        seen.iter().rfind(is_in).map(|seen| seen.joined)
    }

    /// The expected outcome of a frame at `to`.
    pub(crate) fn judge(&self, frame: Sealed, to: u16) -> Verdict {
        let Sealed { from, session, generation, at } = frame;
        let is_told =
            |seen: &Seen| seen.joined <= at && seen.left.is_none_or(|left| at <= left + EXPOSURE);
        if !self.seen.get(&(from, to)).is_some_and(|seen| seen.iter().any(is_told)) {
            return Verdict::MustNotOpen;
        }
        // Even if the sender did not learn of it.
        let went = self.went.get(&to);
        let is_late = went.is_some_and(|went| at > *went + LOST + EXPOSURE);
        if is_late && !self.slept.contains(&from) {
            return Verdict::MustNotOpen;
        }
        // A frame whose key has arrived opens.
        let reached = self.reached.get(&(session, to, generation));
        let since = self.sees_since(to, from, session);
        let is_in = since.is_some_and(|since| reached.is_some_and(|reached| *reached >= since));
        if is_in && went.is_none() && !self.went.contains_key(&from) {
            Verdict::MustOpen
        } else {
            Verdict::MayOpen
        }
    }

    /// Describes what is known of a pair.
    pub(crate) fn tell(&self, frame: Sealed, to: u16) -> String {
        format!(
            "{frame:?} to {to}, seen {:?} and {:?}, reached {:?}, gone {:?}",
            self.seen.get(&(frame.from, to)),
            self.seen.get(&(to, frame.from)),
            self.reached.get(&(frame.session, to, frame.generation)),
            self.went.get(&to),
        )
    }
}
