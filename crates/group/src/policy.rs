//! How quickly a group acts and how much it keeps.

use core::{fmt, ops::RangeInclusive, time::Duration};

/// Times and bounds of a group. The defaults are the protocol's; [`validate`](Self::validate) tells the bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct Policy {
    /// Joins within this time of the last delivery are answered together. At most 5 s.
    pub coalesce_joins: Duration,
    /// Leaves within this time of the last generation are answered together. At most 1 s.
    pub coalesce_leaves: Duration,
    /// How long to wait for acks before a new generation is used anyway. At most 5 s.
    pub switch_after: Duration,
    /// A new generation is used at most this long after the first leave that it answers. At most 10 s.
    pub max_leave_delay: Duration,
    /// A generation is replaced after this time, or later in large calls. 1 min to 1 day.
    pub timed_rekey: Duration,
    /// With n members a generation lives at least this time n (n-1) / 6000. 1 s to 1 h.
    pub rekey_budget: Duration,
    /// Between two heartbeats, in calls of up to 200. 1 s to 60 s.
    pub heartbeat: Duration,
    /// Heartbeats without proof of life until a member counts as lost. 3 to 60.
    pub missed_heartbeats_until_lost: u32,
    /// How long a prekey is given out; one before it opens too. 10 s to 1 h.
    pub prekey_life: Duration,
    /// How long two members may see different rosters before they compare them. 1 s to 60 s.
    pub mismatch_after: Duration,
    /// What happens to a member whose roster was reported to differ.
    pub on_mismatch: OnMismatch,
    /// Most members, ourselves included. 2 to 1,024.
    pub max_members: usize,
}

/// What happens to a member that sees another roster, once that is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnMismatch {
    /// Nothing else.
    Report,
    /// It is given no key until it sees the same roster.
    Withhold,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            coalesce_joins: Duration::from_millis(500),
            coalesce_leaves: Duration::from_millis(300),
            switch_after: Duration::from_secs(2),
            max_leave_delay: Duration::from_secs(3),
            timed_rekey: Duration::from_secs(600),
            rekey_budget: Duration::from_secs(60),
            heartbeat: Duration::from_secs(10),
            missed_heartbeats_until_lost: 10,
            prekey_life: Duration::from_secs(60),
            mismatch_after: Duration::from_secs(5),
            on_mismatch: OnMismatch::Report,
            max_members: 256,
        }
    }
}

/// The field of a [`Policy`] that is out of its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a name and nothing else")]
pub struct PolicyError(pub &'static str);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is out of its bounds", self.0)
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// Checks every field against the bounds that its documentation gives.
    ///
    /// # Errors
    /// [`PolicyError`] names the first field that is out of them.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        let times: [(&str, Duration, RangeInclusive<Duration>); 9] = [
            ("coalesce_joins", self.coalesce_joins, seconds(0, 5)),
            ("coalesce_leaves", self.coalesce_leaves, seconds(0, 1)),
            ("switch_after", self.switch_after, seconds(0, 5)),
            ("max_leave_delay", self.max_leave_delay, seconds(0, 10)),
            ("timed_rekey", self.timed_rekey, seconds(60, 86_400)),
            ("rekey_budget", self.rekey_budget, seconds(1, 3600)),
            ("heartbeat", self.heartbeat, seconds(1, 60)),
            ("prekey_life", self.prekey_life, seconds(10, 3600)),
            ("mismatch_after", self.mismatch_after, seconds(1, 60)),
        ];
        for (name, time, bounds) in times {
            if !bounds.contains(&time) {
                return Err(PolicyError(name));
            }
        }
        if !(3..=60).contains(&self.missed_heartbeats_until_lost) {
            return Err(PolicyError("missed_heartbeats_until_lost"));
        }
        if !(2..=1024).contains(&self.max_members) {
            return Err(PolicyError("max_members"));
        }
        Ok(())
    }

    /// How long a generation lives among `n` members, before jitter.
    pub(crate) fn generation_life(&self, n: usize) -> Duration {
        let pairs = u32::try_from(n * n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.timed_rekey.max(self.rekey_budget.saturating_mul(pairs) / 6000)
    }

    /// Between two heartbeats among `n` members (PROTOCOL.md §5.1: T).
    pub(crate) fn heartbeat_among(&self, n: usize) -> Duration {
        self.heartbeat * u32::try_from(n.max(200)).unwrap_or(u32::MAX) / 200
    }
}
