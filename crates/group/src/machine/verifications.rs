//! The SAS verifications of a group, with messages that wait for randomness or may be lost.

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use crate::{
    SessionId, Time,
    verification::{Party, SasMessage, SasVerifications},
};

/// Delays after which the newest message of a verification is resent, as no message acknowledges
/// it.
pub(super) const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The SAS verifications of a group.
pub(super) struct GroupVerifications {
    pub(super) sas: SasVerifications,
    pub(super) received: VecDeque<(SessionId, SasMessage)>,
    pub(super) sent: Vec<SentMessage>,
}

/// The newest message of a verification.
pub(super) struct SentMessage {
    pub(super) to: SessionId,
    pub(super) message: Vec<u8>,
    pub(super) at: Time,
    pub(super) tries: usize,
}

impl GroupVerifications {
    pub(super) fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { sas: SasVerifications::new(group_hash, us), received: VecDeque::new(), sent: Vec::new() }
    }

    pub(super) fn next_at(&self) -> Option<Time> {
        let again = self.sent.iter().map(|sent| sent.at + AGAIN_AFTER[sent.tries]);
        let received = (!self.received.is_empty()).then_some(Time::START);
        again.chain(received).chain(self.sas.next_expiry()).min()
    }
}
