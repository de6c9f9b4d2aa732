//! Handling of timeouts that are due.

use core::time::Duration;

use rand_core::CryptoRng;

use super::{Group, jitter, timers::Timer};
use crate::{Time, message::Reason};

/// Maximum number of rounds in one call, as a timeout may cause another one at once.
const MAX_ROUNDS: usize = 4;
/// Minimum delay until the next timeout, so that a caller does not spin.
const SOONEST: Duration = Duration::from_millis(1);

impl Group {
    /// Handles all timeouts that are due, including those that become due meanwhile.
    pub(super) fn handle_timeouts(&mut self, now: Time, rng: &mut impl CryptoRng) {
        for _ in 0..MAX_ROUNDS {
            self.handle_timeouts_once(now, rng);
            if self.next_due(now).is_none_or(|at| at > now) {
                break;
            }
        }
    }

    fn handle_timeouts_once(&mut self, now: Time, rng: &mut impl CryptoRng) {
        if self.timers.take_due(Timer::Restart, now) && self.restart(now, rng).is_err() {
            self.timers.set(Timer::Restart, now + crate::randomness::TRY_AGAIN);
        }
        if self.are_members_due(now) {
            self.expire_members(now);
        }
        self.waiting.expire(self.lost_after(), now);
        self.away.expire(&mut self.wiped, now);
        if self.timers.take_due(Timer::Relock, now) {
            self.relock(now);
        }
        self.prekeys.renew(self.core.config.policy.prekey_life, now, rng);
        if self.timers.take_due(Timer::Rekey, now) {
            self.schedule_generation(Reason::Timer, now);
            self.set_rekey_timer(now, rng);
        }
        self.begin_if_due(now, rng);
        self.deliver_if_due(now, rng);
        let are_members_due = self.are_members_due(now);
        if are_members_due {
            self.repeat_deliveries(now, rng);
        }
        self.switch_if_acknowledged(now);
        // After the steps that may schedule the switch, so that it happens in this round.
        self.switch_if_due(now, rng);
        if are_members_due {
            self.answer_requests(now, rng);
        }
        self.deliver_if_due(now, rng);
        if are_members_due {
            self.send_requests(now);
            self.wipe_retired(now);
            self.compare_if_due(now);
        }
        self.advance_verifications(now, rng);
        if self.timers.take_due(Timer::Heartbeat, now) {
            self.send_heartbeat_to_all(now);
        }
        self.send_acks(now);
    }

    pub(super) fn set_rekey_timer(&mut self, now: Time, rng: &mut impl CryptoRng) {
        let life = self.core.config.policy.generation_life(self.members.len() + 1);
        self.timers.set(Timer::Rekey, now + jitter(life, rng));
    }

    fn are_members_due(&mut self, now: Time) -> bool {
        self.members_due_at(now).is_some_and(|at| at <= now)
    }

    /// The next timeout, always later than now.
    pub(super) fn next_timeout(&mut self, now: Time) -> Time {
        self.next_due(now).unwrap_or(now).max(now + SOONEST)
    }

    fn next_due(&mut self, now: Time) -> Option<Time> {
        let own = [
            self.timers.next(),
            Some(self.prekeys.next_at()),
            self.waiting.next_at(self.lost_after()),
            self.away.next_at(),
            self.verifications.next_at(),
        ];
        let of_members = self.members_due_at(now);
        own.into_iter().chain([of_members]).flatten().min()
    }
}
