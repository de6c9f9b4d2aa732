//! Presence of members: proof of life and its expiry (PROTOCOL.md §5).

use alloc::{boxed::Box, collections::VecDeque};
use core::{mem, time::Duration};

use crate::{Time, message::Heartbeat};

/// Number of a member's heartbeats kept as possible witnesses.
const KEPT: usize = 12;

/// Heartbeat intervals after which a member that never gave proof of life is lost.
const NEVER_PROVED: u32 = 4;

/// The presence of one member.
pub(crate) struct Presence {
    /// When it last gave proof of life.
    proved_at: Option<Time>,
    /// Whether it ever gave proof of life, which shows that its session belongs to this call.
    has_proved: bool,
    /// Sequence number of its newest heartbeat; 0 before the first.
    seq: u32,
    /// When we sent the heartbeat that its newest one leads back to.
    after: Option<Time>,
    heard: Box<[ReceivedHeartbeat]>,
    pub(crate) is_unresponsive: bool,
    /// Whether it says that it sends frames.
    pub(crate) sends: bool,
    frames: u32,
    /// Deadline by which an older session of its identity must be heard, or is replaced.
    pub(crate) contest: Option<Time>,
}

/// A heartbeat received from the member.
#[derive(Clone, Copy)]
struct ReceivedHeartbeat {
    seq: u32,
    hash: [u8; 8],
    /// When we sent the heartbeat that it leads back to.
    after: Option<Time>,
}

impl Presence {
    pub(crate) fn new() -> Self {
        Self {
            proved_at: None,
            has_proved: false,
            seq: 0,
            after: None,
            heard: Box::default(),
            is_unresponsive: false,
            sends: false,
            frames: 0,
            contest: None,
        }
    }

    /// Sequence number of its newest heartbeat.
    pub(crate) const fn seq(&self) -> u32 {
        self.seq
    }

    /// The number of frames that it says it has sealed with its current key, if known.
    pub(crate) fn frames(&self) -> Option<u64> {
        (self.seq > 0).then_some(self.frames.into())
    }

    /// Notes a heartbeat that is authentic and newer than any before. `after` is when we sent the
    /// heartbeat that it leads back to, if it does.
    pub(crate) fn note(&mut self, heartbeat: &Heartbeat, hash: [u8; 8], after: Option<Time>) {
        self.seq = heartbeat.seq;
        self.after = self.after.max(after);
        self.sends = heartbeat.sends;
        self.frames = heartbeat.frames;
        let mut heard = mem::take(&mut self.heard).into_vec();
        if heard.len() == KEPT {
            heard.remove(0);
        }
        heard.reserve_exact(1);
        heard.push(ReceivedHeartbeat { seq: heartbeat.seq, hash, after: self.after });
        self.heard = heard.into();
    }

    /// Sequence number and hash of its newest heartbeat.
    pub(crate) fn last(&self) -> Option<(u32, [u8; 8])> {
        self.heard.last().map(|heard| (heard.seq, heard.hash))
    }

    /// When we sent the heartbeat that its heartbeat with this number and hash leads back to.
    pub(crate) fn heard_after(&self, seq: u32, hash: &[u8; 8]) -> Option<Time> {
        let found = self.heard.iter().find(|heard| heard.seq == seq && heard.hash == *hash)?;
        found.after
    }

    /// Notes proof of life. Returns whether the member was not live before.
    pub(crate) fn prove(&mut self, now: Time) -> bool {
        self.has_proved = true;
        self.proved_at.replace(now).is_none()
    }

    /// Whether its proof of life is still valid.
    pub(crate) const fn is_live(&self) -> bool {
        self.proved_at.is_some()
    }

    /// Whether it ever gave proof of life, so that its session belongs to this call.
    pub(crate) const fn was_live(&self) -> bool {
        self.has_proved
    }

    pub(crate) fn proved_at(&self) -> Option<Time> {
        self.proved_at
    }

    /// Start of its silence: the last proof of life, or else `since`, when it became a member.
    pub(crate) fn silent_since(&self, since: Time) -> Time {
        self.proved_at.unwrap_or(since)
    }

    /// When it is lost unless it gives proof of life. A member that never did has less time.
    pub(crate) fn lost_at(&self, since: Time, interval: Duration, missed: u32) -> Time {
        let missed = if self.is_live() { missed } else { missed.min(NEVER_PROVED) };
        self.silent_since(since) + interval * missed
    }

    /// Extends its silence to start no earlier than `at_least`, after our machine slept.
    pub(crate) fn excuse(&mut self, since: &mut Time, at_least: Time) {
        let from = self.proved_at.as_mut().unwrap_or(since);
        *from = (*from).max(at_least);
    }

    /// Resets its proof of life, as the member is away.
    pub(crate) fn reset(&mut self) {
        self.proved_at = None;
        self.is_unresponsive = false;
        self.contest = None;
        self.after = None;
        self.heard = Box::default();
    }
}

/// Our own heartbeats, which other members name to prove that they are present.
#[derive(Default)]
pub(crate) struct OwnHeartbeats {
    seq: u32,
    sent: VecDeque<SentHeartbeat>,
}

/// A heartbeat of ours.
#[derive(Clone, Copy)]
struct SentHeartbeat {
    seq: u32,
    hash: [u8; 8],
    at: Time,
}

impl OwnHeartbeats {
    const KEPT: usize = 512;

    pub(crate) const fn seq(&self) -> u32 {
        self.seq
    }

    pub(crate) fn next_seq(&mut self) -> u32 {
        self.seq += 1;
        self.seq
    }

    pub(crate) fn note(&mut self, hash: [u8; 8], now: Time) {
        if self.sent.len() == Self::KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back(SentHeartbeat { seq: self.seq, hash, at: now });
    }

    /// When we sent the heartbeat with this number and hash.
    pub(crate) fn sent_at(&self, seq: u32, hash: &[u8; 8]) -> Option<Time> {
        let found = self.sent.iter().rev().find(|sent| sent.seq == seq && sent.hash == *hash)?;
        Some(found.at)
    }

    pub(crate) fn forget_before(&mut self, time: Time) {
        while self.sent.front().is_some_and(|sent| sent.at < time) {
            self.sent.pop_front();
        }
    }
}
