//! Who should open what.

use core::{ops::Add, time::Duration};
use std::collections::BTreeMap;

/// A leave must be answered within this time of its being known.
const EXPOSURE: Duration = Duration::from_secs(3);
/// So long after it was begun a key may not have come yet, with one message in ten lost and the server honest.
pub(crate) const GRACE: Duration = Duration::from_secs(15);
/// So long after the last sign of life a member is lost at the latest.
const LOST: Duration = Duration::from_secs(101);

/// What happened, over all runs.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) runs: u64,
    pub(crate) people: u64,
    pub(crate) joins: u64,
    pub(crate) leaves: u64,
    pub(crate) crashes: u64,
    pub(crate) sent_messages: u64,
    pub(crate) lost_messages: u64,
    pub(crate) repeated_messages: u64,
    pub(crate) forged_messages: u64,
    pub(crate) withheld_messages: u64,
    pub(crate) sealed: u64,
    pub(crate) opened: u64,
    pub(crate) opened_after_parking: u64,
    /// Frames that did not open, within the grace.
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

/// What one person, by number, has seen of another.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seen {
    pub(crate) joined: Option<Duration>,
    pub(crate) left: Option<Duration>,
}

/// Who was in the call when, and who knew.
#[derive(Default)]
pub(crate) struct Oracle {
    /// When somebody began.
    pub(crate) came: BTreeMap<u16, Duration>,
    /// When somebody left, crashed or was thrown out.
    pub(crate) went: BTreeMap<u16, Duration>,
    /// Who saw whom.
    pub(crate) seen: BTreeMap<(u16, u16), Seen>,
    /// When a heartbeat of the first, be it late, was last taken by the second.
    pub(crate) heard: BTreeMap<(u16, u16), Duration>,
    /// When the sender began to use a generation.
    pub(crate) begun: BTreeMap<(u16, u64), Duration>,
    /// A key update with an entry of this generation reached the second, who knew the first: by number and generation.
    pub(crate) reached: BTreeMap<(u16, u16, u64), Duration>,
    /// Until when the server treated this pair badly: from, to.
    pub(crate) harmed: BTreeMap<(u16, u16), Duration>,
}

/// What should become of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    MustOpen,
    MayOpen,
    MustNotOpen,
}

impl Oracle {
    /// What should become of a frame that `from` sealed at `sealed` in this generation, when `to` has it at `now`.
    pub(crate) fn judge(
        &self,
        from: u16,
        generation: u64,
        sealed: Duration,
        to: u16,
        now: Duration,
    ) -> Verdict {
        let seen = self.seen.get(&(from, to)).copied().unwrap_or_default();
        let Some(joined) = seen.joined.filter(|joined| *joined <= sealed) else {
            return Verdict::MustNotOpen;
        };
        if seen.left.is_some_and(|left| sealed > left + EXPOSURE) {
            return Verdict::MustNotOpen;
        }
        // Even if nobody told the sender.
        let heard = self.heard.get(&(to, from)).copied().unwrap_or_default().max(joined);
        if self.went.contains_key(&to) && sealed > heard + LOST + EXPOSURE {
            return Verdict::MustNotOpen;
        }
        if self.went.contains_key(&to) || self.went.contains_key(&from) || seen.left.is_some() {
            return Verdict::MayOpen;
        }
        let sees = self.seen.get(&(to, from)).copied().unwrap_or_default();
        if sees.left.is_some() {
            return Verdict::MayOpen;
        }
        // What has reached it opens.
        if sees.joined.is_some() && self.reached.contains_key(&(from, to, generation)) {
            return Verdict::MustOpen;
        }
        let harmed = self.harmed.get(&(from, to)).max(self.harmed.get(&(to, from))).copied();
        let begun = self.begun.get(&(from, generation)).copied().unwrap_or_default();
        let since = [Some(joined), Some(begun), harmed, self.came.get(&to).copied()];
        let since = since.into_iter().flatten().max().unwrap_or_default();
        if now > since + GRACE { Verdict::MustOpen } else { Verdict::MayOpen }
    }

    /// What is known of a pair.
    pub(crate) fn tell(&self, from: u16, generation: u64, to: u16) -> String {
        format!(
            "seen {:?} and {:?}, begun {:?}, reached {:?}, harmed {:?} and {:?}",
            self.seen.get(&(from, to)),
            self.seen.get(&(to, from)),
            self.begun.get(&(from, generation)),
            self.reached.get(&(from, to, generation)),
            self.harmed.get(&(from, to)),
            self.harmed.get(&(to, from)),
        )
    }
}
