//! The timers of a group.

use core::time::Duration;

use crate::Time;

/// Delay of the first heartbeat after joining.
const FIRST_HEARTBEAT: Duration = Duration::from_secs(3);

/// The timers of the group itself. Those of a member are kept with the member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Timer {
    /// Begin a new session.
    Restart,
    /// Replace the current generation at the end of its lifetime.
    Rekey,
    /// Begin a generation.
    Begin,
    /// Deliver the current key to members that lack it.
    Deliver,
    /// Switch to the pending generation.
    Switch,
    /// Send a heartbeat to all.
    Heartbeat,
    /// Send acks that did not leave with another message.
    Acks,
    /// Lock again, as the moderator whose lock is in force has departed.
    Relock,
}

impl Timer {
    const COUNT: usize = 8;
}

/// The time of each [`Timer`].
pub(super) struct Timers {
    at: [Option<Time>; Timer::COUNT],
}

impl Timers {
    pub(super) fn new(now: Time, rekey_after: Duration) -> Self {
        let mut timers = Self { at: [None; Timer::COUNT] };
        timers.set(Timer::Rekey, now + rekey_after);
        timers.set(Timer::Heartbeat, now + FIRST_HEARTBEAT);
        timers
    }

    pub(super) const fn set(&mut self, timer: Timer, at: Time) {
        self.at[timer as usize] = Some(at);
    }

    /// Sets the timer, unless it is set to an earlier time.
    pub(super) fn set_sooner(&mut self, timer: Timer, at: Time) {
        let at = self.get(timer).map_or(at, |before| before.min(at));
        self.set(timer, at);
    }

    pub(super) const fn get(&self, timer: Timer) -> Option<Time> {
        self.at[timer as usize]
    }

    pub(super) const fn stop(&mut self, timer: Timer) {
        self.at[timer as usize] = None;
    }

    /// Whether the timer is due. If so, stops it.
    pub(super) fn take_due(&mut self, timer: Timer, now: Time) -> bool {
        let is_due = self.get(timer).is_some_and(|at| now >= at);
        if is_due {
            self.stop(timer);
        }
        is_due
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.at.iter().flatten().min().copied()
    }
}
