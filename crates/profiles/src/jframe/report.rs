//! The statistics and events of a receiver.

use alloc::collections::VecDeque;

use super::receive_keys::ReceiveKeys;
use crate::{OpenError, ReceiverEvent, ReceiverStats};

/// Events that wait to be polled.
const MAX_EVENTS: usize = 16;

/// Counts frames, and keeps events until they are polled.
pub(crate) struct Report {
    pub(crate) stats: ReceiverStats,
    events: VecDeque<ReceiverEvent>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { stats: ReceiverStats::default(), events: VecDeque::with_capacity(MAX_EVENTS) }
    }

    pub(crate) fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.events.pop_front()
    }

    /// Counts a frame that was rejected. `index` is the key's, if the frame was tried with one.
    #[cold]
    pub(super) fn rejected(
        &mut self,
        keys: &mut ReceiveKeys,
        failure_tolerance: u16,
        error: OpenError,
        index: Option<u8>,
    ) {
        self.stats.count_rejected(error);
        if let OpenError::UnknownKey { index } = error
            && keys.reports_unknown(index)
        {
            self.push(ReceiverEvent::UnknownKey { index });
        }
        if error == OpenError::Unauthentic
            && let Some(index) = index
            && let Some(key) = keys.at_mut(index)
        {
            key.failures = key.failures.saturating_add(1);
            if key.failures >= failure_tolerance && !key.is_reported {
                key.is_reported = true;
                self.push(ReceiverEvent::Failing { index });
            }
        }
    }

    /// Counts a frame that was rejected before any key was tried.
    #[cfg(feature = "livekit")]
    pub(crate) const fn count_rejected(&mut self) {
        self.stats.refused += 1;
    }

    /// Keeps an event, unless too many wait.
    #[cold]
    pub(super) fn push(&mut self, event: ReceiverEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }
}
