//! Rate limits: token buckets.

use core::time::Duration;

use crate::Time;

/// A token bucket: a burst of messages, then a sustained rate.
pub(crate) struct TokenBucket {
    tokens: u16,
    at: Time,
    rate: Rate,
}

/// The senders whose messages one bucket counts.
#[derive(Clone, Copy)]
pub(crate) enum Rate {
    /// One member.
    Member,
    /// All sessions that are not members, together. A newcomer to a large call receives many
    /// messages at once.
    Strangers,
    /// All messages that are not signed by the session they name.
    Forgeries,
}

impl Rate {
    const fn burst(self) -> u16 {
        match self {
            Self::Member => 100,
            Self::Strangers => 2048,
            Self::Forgeries => 512,
        }
    }

    const fn per_second(self) -> u32 {
        match self {
            Self::Member => 20,
            Self::Strangers => 64,
            Self::Forgeries => 200,
        }
    }
}

impl TokenBucket {
    pub(crate) fn new(rate: Rate, now: Time) -> Self {
        Self { tokens: rate.burst(), at: now, rate }
    }

    /// Whether one message may pass. Time worth less than a token is carried over, so uneven
    /// arrival loses none of the rate.
    pub(crate) fn has_tokens(&mut self, now: Time) -> bool {
        let each = Duration::from_secs(1) / self.rate.per_second();
        let passed = now - self.at;
        let more = u16::try_from(passed.as_nanos() / each.as_nanos()).unwrap_or(u16::MAX);
        let missing = self.rate.burst() - self.tokens;
        if more >= missing {
            self.tokens = self.rate.burst();
            self.at = now;
        } else {
            self.tokens += more;
            self.at += each * u32::from(more);
        }
        self.tokens > 0
    }

    /// Takes one token if there is one; whether there was.
    pub(crate) fn try_take(&mut self, now: Time) -> bool {
        let may = self.has_tokens(now);
        self.tokens -= u16::from(may);
        may
    }
}
