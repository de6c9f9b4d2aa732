//! Times as they are kept of each member.

use core::{num::NonZeroU64, time::Duration};

/// A time, to the nanosecond, up to 584 years. Takes half the room of a [`Duration`], and is optional at no cost: every
/// member has eight of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroU64);

impl Moment {
    /// The time that lies `after` later.
    pub(crate) fn plus(self, after: Duration) -> Duration {
        Duration::from(self) + after
    }
}

impl From<Duration> for Moment {
    fn from(time: Duration) -> Self {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanoseconds))
    }
}

impl From<Moment> for Duration {
    fn from(moment: Moment) -> Self {
        Self::from_nanos(moment.0.get() - 1)
    }
}
