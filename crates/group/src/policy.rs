//! Durations and bounds of a group.

use core::{fmt, ops::RangeInclusive, time::Duration};

/// Durations and bounds of a group. The defaults are the protocol's; [`validate`](Self::validate)
/// checks the bounds that each field states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "applications set it field by field")]
pub struct Policy {
    /// Joins within this time after a delivery share the next delivery, or within 20 ms for each
    /// other member if that is shorter. At most 5 s.
    pub coalesce_joins: Duration,
    /// Leaves within this time after a generation began share the next generation. At most 1 s.
    pub coalesce_leaves: Duration,
    /// How long to wait for acknowledgements before switching to a new generation anyway. At most 5
    /// s.
    pub switch_after: Duration,
    /// Longest time from the first leave that a generation answers to the switch to it. At most 10
    /// s.
    pub max_leave_delay: Duration,
    /// Lifetime of a generation, longer in large calls. 1 min to 1 day.
    pub timed_rekey: Duration,
    /// With n members a generation lives at least this duration × n (n-1) / 6000. 1 s to 1 h.
    pub rekey_budget: Duration,
    /// Time between two heartbeats, in calls of up to 200 members. 1 s to 60 s.
    pub heartbeat: Duration,
    /// Heartbeat intervals without proof of life after which a member counts as lost. 3 to 60.
    pub missed_heartbeats_until_lost: u32,
    /// How long a prekey is advertised. It still opens entries while the next one is advertised. 10
    /// s to 1 h.
    pub prekey_life: Duration,
    /// How long the rosters of two members may differ before they compare them. 1 s to 60 s.
    pub mismatch_after: Duration,
    /// Treatment of a member whose roster was reported to differ.
    pub on_mismatch: OnMismatch,
    /// Maximum number of members, including ourselves. 2 to 1,024.
    pub max_members: usize,
}

/// Treatment of a member that sees another roster, after the mismatch was reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnMismatch {
    /// Report the mismatch only.
    Report,
    /// Also deliver no keys to it until its roster agrees.
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

/// The name of a [`Policy`] field that is outside its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a name and nothing else")]
pub struct PolicyError(pub &'static str);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is outside its bounds", self.0)
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// Checks every field against its documented bounds.
    ///
    /// # Errors
    /// [`PolicyError`] names the first field outside its bounds.
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

    /// Lifetime of a generation among `n` members, before jitter.
    pub(crate) fn generation_life(&self, n: usize) -> Duration {
        let pairs = u32::try_from(n * n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.timed_rekey.max(self.rekey_budget.saturating_mul(pairs) / 6000)
    }

    /// Time between two heartbeats among `n` members (T of PROTOCOL.md §5.1).
    pub(crate) fn heartbeat_among(&self, n: usize) -> Duration {
        self.heartbeat * u32::try_from(n.max(200)).unwrap_or(u32::MAX) / 200
    }
}
