//! When to ask a publisher for a key frame.

use std::time::{Duration, Instant};

/// Shortest time between two requests. Receivers that cannot decrypt ask about five times a second;
/// forwarding all of that would make the sender encode mostly key frames.
const INTERVAL: Duration = Duration::from_millis(500);

/// Lets at most one request per interval through and loses none: an early request is made at the
/// end of the interval.
#[derive(Debug, Default)]
pub(crate) struct KeyframeGate {
    asked: Option<Instant>,
    wanted: bool,
}

impl KeyframeGate {
    /// Notes that a receiver needs a key frame.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// When [`pass`](Self::pass) will next return true.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let earliest = self.asked.map_or(now, |asked| asked + INTERVAL);
        self.wanted.then_some(earliest)
    }

    /// Whether to send a request now. Returning true counts as sending it.
    pub(crate) fn pass(&mut self, now: Instant) -> bool {
        let passes = self.due(now).is_some_and(|due| due <= now);
        if passes {
            self.asked = Some(now);
            self.wanted = false;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, INTERVAL, Instant, KeyframeGate};

    #[test]
    fn an_early_request_waits_and_is_not_lost() {
        let start = Instant::now();
        let mut gate = KeyframeGate::default();
        assert!(!gate.pass(start));
        gate.want();
        assert!(gate.pass(start));
        gate.want();
        gate.want();
        assert!(!gate.pass(start + Duration::from_millis(1)));
        assert!(gate.pass(start + INTERVAL));
        assert!(!gate.pass(start + 2 * INTERVAL));
    }
}
