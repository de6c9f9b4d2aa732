//! How quickly a group acts and how much it keeps.

use core::time::Duration;

/// Times and bounds of a group. The defaults are the protocol's; [`is_sound`](Self::is_sound) says how far they may be moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct Policy {
    /// Joins within this time of the last are answered together. At most 5 s.
    pub coalesce_joins: Duration,
    /// Leaves within this time of the last are answered together. At most 1 s.
    pub coalesce_leaves: Duration,
    /// A new generation is used so long after it was told, though somebody has not acknowledged it. At most 5 s.
    pub apply_after: Duration,
    /// A new generation is used so long after the first leave that it answers, whatever happens. At most 10 s.
    pub longest_exposure: Duration,
    /// A generation is replaced after this time, or longer in large calls. At least 1 min.
    pub timed_rekey: Duration,
    /// With n members a generation lives at least this time n (n-1) / 6000. At least 1 s.
    pub rekey_budget: Duration,
    /// How often a member says that it is there. 1 s to 60 s.
    pub heartbeat: Duration,
    /// Heartbeats that may be missed before a member counts as lost: 3 to 60.
    pub lost_after: u32,
    /// How long a freshness nonce is given out. At least 10 s.
    pub nonce_life: Duration,
    /// How long somebody may see another call than we do before it is reported. 1 s to 60 s.
    pub dispute_after: Duration,
    /// What happens to who goes on seeing another call.
    pub on_dispute: OnDispute,
    /// Most members, ourselves included. At most 1,024.
    pub max_members: usize,
}

/// What happens to a member that goes on seeing another call than we do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnDispute {
    /// It is reported.
    Report,
    /// It is reported, and told no new key until it sees the same call again.
    Withhold,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            coalesce_joins: Duration::from_millis(500),
            coalesce_leaves: Duration::from_millis(300),
            apply_after: Duration::from_secs(2),
            longest_exposure: Duration::from_secs(3),
            timed_rekey: Duration::from_secs(600),
            rekey_budget: Duration::from_secs(60),
            heartbeat: Duration::from_secs(10),
            lost_after: 10,
            nonce_life: Duration::from_secs(180),
            dispute_after: Duration::from_secs(5),
            on_dispute: OnDispute::Report,
            max_members: 128,
        }
    }
}

impl Policy {
    /// Whether every field is within the bounds that its documentation gives.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let seconds = Duration::from_secs;
        self.coalesce_joins <= seconds(5)
            && self.coalesce_leaves <= seconds(1)
            && self.apply_after <= seconds(5)
            && self.longest_exposure <= seconds(10)
            && self.timed_rekey >= seconds(60)
            && self.rekey_budget >= seconds(1)
            && (seconds(1)..=seconds(60)).contains(&self.heartbeat)
            && (3..=60).contains(&self.lost_after)
            && self.nonce_life >= seconds(10)
            && (seconds(1)..=seconds(60)).contains(&self.dispute_after)
            && (1..=1024).contains(&self.max_members)
    }

    /// How long a generation lives among `n` members, before jitter.
    pub(crate) fn generation_life(&self, n: usize) -> Duration {
        let pairs = u32::try_from(n * n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.timed_rekey.max(self.rekey_budget.saturating_mul(pairs) / 6000)
    }
}
