//! Times: the caller's clock, made to go forward, and times as they are kept of each member.

use core::{num::NonZeroU64, time::Duration};

/// A jump of the clock that is longer than this means that the machine slept.
const SLEPT: Duration = Duration::from_secs(30);

/// The caller's clock. One that is set back goes on from where it was.
#[derive(Default)]
pub(crate) struct Clock {
    given: Duration,
    ahead: Duration,
}

impl Clock {
    /// The time that the protocol runs by, and whether the machine slept before it.
    pub(crate) fn advance(&mut self, given: Duration) -> (Duration, bool) {
        if given < self.given {
            self.ahead += self.given - given;
        }
        let slept = given > self.given.saturating_add(SLEPT);
        self.given = given;
        (given.saturating_add(self.ahead), slept)
    }

    /// The protocol's time as the caller's.
    pub(crate) const fn to_given(&self, time: Duration) -> Duration {
        time.saturating_sub(self.ahead)
    }

    /// The caller's time as the protocol's, for what only looks.
    pub(crate) fn read(&self, given: Duration) -> Duration {
        given.max(self.given).saturating_add(self.ahead)
    }
}

/// A time, to the nanosecond, up to 584 years. Takes half the room of a [`Duration`], and is optional at no cost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroU64);

impl Moment {
    /// The time that is `after` later.
    pub(crate) fn plus(self, after: Duration) -> Duration {
        Duration::from(self).saturating_add(after)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let second = Duration::from_secs(1);
        let mut clock = Clock::default();
        assert_eq!(clock.advance(100 * second), (100 * second, true));
        assert_eq!(clock.advance(110 * second), (110 * second, false));
        assert_eq!(clock.advance(10 * second), (110 * second, false));
        assert_eq!(clock.advance(12 * second), (112 * second, false));
        assert_eq!(clock.to_given(115 * second), 15 * second);
        assert_eq!(clock.advance(43 * second), (143 * second, true));
    }
}
