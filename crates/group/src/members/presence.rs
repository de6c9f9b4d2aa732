//! Whether a member is present: what proves it, and until when (PROTOCOL.md §5).

use alloc::{boxed::Box, collections::VecDeque};
use core::{mem, time::Duration};

use crate::{Time, message::Heartbeat};

/// Heartbeats of a member that others may name as witness.
const KEPT: usize = 12;

/// Heartbeats that a member may miss that has never proved to be present.
const NEVER_PROVED: u32 = 4;

/// Whether a member is present.
pub(crate) struct Presence {
    /// When it last proved to be.
    proved_at: Option<Time>,
    /// Whether it ever has, so that its session is of this call and no recording of another.
    has_proved: bool,
    /// Of its newest heartbeat; 0 before the first.
    seq: u32,
    /// What it sent last it sent after this heartbeat of ours.
    after: Option<Time>,
    heard: Box<[Heard]>,
    pub(crate) is_unresponsive: bool,
    /// Whether it sends frames, as it says.
    pub(crate) sends: bool,
    frames: u32,
    /// An older session of its identity must be heard until then, or is replaced.
    pub(crate) contest: Option<Time>,
}

/// A heartbeat that came in.
#[derive(Clone, Copy)]
struct Heard {
    seq: u32,
    hash: [u8; 8],
    /// It was sent after a heartbeat that we sent then.
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

    /// Number of its newest heartbeat.
    pub(crate) const fn seq(&self) -> u32 {
        self.seq
    }

    /// Frames that it says it has sealed with its present key, if it has said.
    pub(crate) fn frames(&self) -> Option<u64> {
        (self.seq > 0).then_some(self.frames.into())
    }

    /// Notes a heartbeat that is authentic and newer than any before. `after`: it leads back to a heartbeat that we sent then.
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
        heard.push(Heard { seq: heartbeat.seq, hash, after: self.after });
        self.heard = heard.into();
    }

    /// Number and hash of the heartbeat that came last.
    pub(crate) fn last(&self) -> Option<(u32, [u8; 8])> {
        self.heard.last().map(|heard| (heard.seq, heard.hash))
    }

    /// When the heartbeat of ours was sent that the one with this number and hash leads back to.
    pub(crate) fn heard_after(&self, seq: u32, hash: &[u8; 8]) -> Option<Time> {
        let found = self.heard.iter().find(|heard| heard.seq == seq && heard.hash == *hash)?;
        found.after
    }

    /// It has proved to be present. Whether that is news.
    pub(crate) fn prove(&mut self, now: Time) -> bool {
        self.has_proved = true;
        self.proved_at.replace(now).is_none()
    }

    /// Whether it has proved to be present, not too long ago.
    pub(crate) const fn is_live(&self) -> bool {
        self.proved_at.is_some()
    }

    /// Whether its session is known to be of this call.
    pub(crate) const fn was_live(&self) -> bool {
        self.has_proved
    }

    pub(crate) fn proved_at(&self) -> Option<Time> {
        self.proved_at
    }

    /// From when on its silence counts.
    pub(crate) fn silent_since(&self, since: Time) -> Time {
        self.proved_at.unwrap_or(since)
    }

    /// When it is lost, unless it proves to be present before: of one that never has there is less to wait for.
    pub(crate) fn lost_at(&self, since: Time, interval: Duration, missed: u32) -> Time {
        let missed = if self.is_live() { missed } else { missed.min(NEVER_PROVED) };
        self.silent_since(since) + interval * missed
    }

    /// Our machine slept: it has until then to prove to be present.
    pub(crate) fn excuse(&mut self, since: &mut Time, at_least: Time) {
        let from = self.proved_at.as_mut().unwrap_or(since);
        *from = (*from).max(at_least);
    }

    /// It is away, and has to prove anew that it is present.
    pub(crate) fn go_away(&mut self) {
        self.proved_at = None;
        self.is_unresponsive = false;
        self.contest = None;
        self.after = None;
        self.heard = Box::default();
    }
}

/// Our own heartbeats, which others name to prove that they are present.
#[derive(Default)]
pub(crate) struct OwnHeartbeats {
    seq: u32,
    sent: VecDeque<Sent>,
}

/// A heartbeat of ours.
#[derive(Clone, Copy)]
struct Sent {
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
        self.sent.push_back(Sent { seq: self.seq, hash, at: now });
    }

    /// When the heartbeat with this number and hash was sent.
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
