//! Points in time, and the caller's clock made monotonic.

use core::{
    num::NonZeroU64,
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// A clock that jumps forward by more than this means that the machine slept.
const SLEPT: Duration = Duration::from_secs(30);

/// A point on the caller's monotonic clock, to the nanosecond, up to 584 years after the clock's
/// start.
///
/// The caller chooses the start, for example when the program or the machine started. Sums and
/// differences saturate.
///
/// ```
/// # use core::time::Duration;
/// use sealframe_group::Time;
///
/// let start = std::time::Instant::now();
/// let now = Time::at(start.elapsed());
/// assert_eq!(now + Duration::from_secs(1) - now, Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(NonZeroU64);

impl Time {
    /// The clock's start.
    pub const START: Self = Self(NonZeroU64::MIN);

    /// The point `since_start` after the clock's start.
    #[must_use]
    pub const fn at(since_start: Duration) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanoseconds(since_start)))
    }

    /// Time since the clock's start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::START
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(after)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, after: Duration) {
        *self = *self + after;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, before: Duration) -> Self {
        Self(
            NonZeroU64::new(self.0.get().saturating_sub(nanoseconds(before)))
                .unwrap_or(NonZeroU64::MIN),
        )
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "longer spans saturate")]
const fn nanoseconds(span: Duration) -> u64 {
    let all = span.as_nanos();
    if all > u64::MAX as u128 { u64::MAX } else { all as u64 }
}

/// The caller's clock. After it is set back, protocol time continues from where it was.
#[derive(Default)]
pub(crate) struct Clock {
    given: Time,
    ahead: Duration,
}

impl Clock {
    /// Advances to the caller's time `given`: the protocol's time, and whether the machine slept in
    /// between.
    pub(crate) fn advance(&mut self, given: Time) -> (Time, bool) {
        self.ahead += self.given - given;
        let slept = given > self.given + SLEPT;
        self.given = given;
        (given + self.ahead, slept)
    }

    /// Converts the protocol's time to the caller's.
    pub(crate) fn to_caller(&self, time: Time) -> Time {
        time - self.ahead
    }

    /// Converts the caller's time to the protocol's without advancing the clock.
    pub(crate) fn read(&self, given: Time) -> Time {
        given.max(self.given) + self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::at(Duration::from_secs(seconds))
    }

    #[test]
    fn protocol_time_continues_after_the_clock_is_set_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.advance(at(100)), (at(100), true));
        assert_eq!(clock.advance(at(110)), (at(110), false));
        assert_eq!(clock.advance(at(10)), (at(110), false));
        assert_eq!(clock.advance(at(12)), (at(112), false));
        assert_eq!(clock.to_caller(at(115)), at(15));
        assert_eq!(clock.advance(at(43)), (at(143), true));
    }

    #[test]
    fn sums_and_differences_of_times_saturate() {
        assert_eq!(at(1) - at(2), Duration::ZERO);
        assert_eq!(at(1) - Duration::MAX, Time::START);
        assert_eq!(at(1) + Duration::MAX, Time::at(Duration::MAX));
        assert_eq!(Time::at(Duration::from_nanos(7)).since_start(), Duration::from_nanos(7));
        assert_eq!(size_of::<Option<Time>>(), 8);
    }
}
