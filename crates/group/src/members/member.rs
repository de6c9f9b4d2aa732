//! The state of another member.

use alloc::{boxed::Box, vec::Vec};
use core::{num::NonZeroU32, time::Duration};

use super::presence::Presence;
use crate::{
    Admission, Identity, MemberId, Permission, Role, SessionId, Time, UserId,
    agreement::Comparison,
    bucket::{Rate, TokenBucket},
    keys::{delivery::Delivery, received::Received},
    message::{Announce, Heartbeat, Wants},
    sparse::SparseVec,
    verification::VerificationState,
};

/// Delay between two requests for keys, doubled each time up to the maximum.
const ASK_AFTER: Duration = Duration::from_secs(5);
const ASK_AT_LEAST: Duration = Duration::from_secs(60);

/// Before a member's first ack, its acks are expected within this time.
const FIRST_ACK_WITHIN: Duration = Duration::from_secs(3);
const ACK_WITHIN: Duration = Duration::from_secs(1);
/// Longest time by which other members' acks defer a resend.
const DEFER_FOR: Duration = Duration::from_secs(3);
/// How many times a key is resent.
const MAX_TRIES: u8 = 4;

pub(crate) struct Member {
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    pub(crate) permission: Permission,
    /// The verification state at admission, or since a person last decided.
    pub(crate) verification: VerificationState,
    pub(crate) user: UserId,
    /// The announce as received, to be forwarded. It holds the identity, first prekey and address.
    pub(crate) announce: Box<[u8]>,
    announce_hash_rest: [u8; 16],
    prekey_number: u16,
    /// The newest prekey; `None` if that is the announce's.
    prekey: Option<Box<[u8]>>,
    pub(crate) since: Time,
    pub(crate) presence: Presence,
    pub(crate) delivered: Delivered,
    unacknowledged: SparseVec<Unacknowledged>,
    /// Smoothed delay of its acks, microseconds.
    ack_delay: Option<NonZeroU32>,
    pub(crate) received: Received,
    pub(crate) roster: Comparison,
    pub(crate) view: Comparison,
    pub(crate) orders: Comparison,
    pub(crate) has_equivocated: bool,
    key_requests: KeyRequests,
    pub(crate) request: Option<Wants>,
    pub(crate) answered_at: Option<Time>,
    /// When we last began a generation at its request.
    pub(crate) renewed_at: Option<Time>,
    /// When we last answered its roster.
    pub(crate) roster_at: Option<Time>,
    pub(crate) heartbeat_sent_at: Option<Time>,
    pub(crate) bucket: TokenBucket,
}

/// Which of our announce, current key and pending key were sent to a member.
#[derive(Clone, Copy, Default)]
pub(crate) struct Delivered {
    pub(crate) announce: bool,
    pub(crate) current: bool,
    pub(crate) pending: bool,
}

/// A key that a member has not acknowledged.
struct Unacknowledged {
    delivery: Delivery,
    sent_at: Time,
    tries: u8,
    /// The key is not resent before this time; see [`Member::defer_resends`].
    not_before: Time,
}

/// The schedule of requests for a member's keys.
#[derive(Default)]
struct KeyRequests {
    at: Option<Time>,
    not_before: Option<Time>,
    times: u8,
    /// The generation that it seals with was wiped here, so only a new one helps.
    anew: bool,
}

impl Member {
    pub(crate) fn new(
        group: &[u8; 32],
        announce: &Announce,
        message: Vec<u8>,
        admission: Admission,
        verification: VerificationState,
        now: Time,
    ) -> Self {
        let (mut session, mut announce_hash_rest) = (SessionId::default(), [0; 16]);
        let hash = Announce::hash_of(group, &message);
        let (start, rest) = hash.split_at(16);
        session.0.copy_from_slice(start);
        announce_hash_rest.copy_from_slice(rest);
        Self {
            session,
            role: announce.role,
            user: admission.user,
            permission: admission.permission,
            verification,
            announce: message.into(),
            announce_hash_rest,
            prekey_number: 0,
            prekey: None,
            since: now,
            presence: Presence::new(),
            delivered: Delivered::default(),
            unacknowledged: SparseVec::default(),
            ack_delay: None,
            received: Received::default(),
            roster: Comparison::default(),
            view: Comparison::default(),
            orders: Comparison::default(),
            has_equivocated: false,
            key_requests: KeyRequests::default(),
            request: None,
            answered_at: None,
            renewed_at: None,
            roster_at: None,
            heartbeat_sent_at: None,
            bucket: TokenBucket::new(Rate::Member, now),
        }
    }

    pub(crate) const fn member_id(&self) -> MemberId {
        self.session.member_id()
    }

    /// Restarts all comparisons after either side was unreachable: messages in transit may explain
    /// every difference.
    pub(crate) fn restart_comparisons(&mut self, now: Time) {
        self.roster.restart(now);
        self.view.restart(now);
        self.orders.restart(now);
    }

    /// The full announce_hash, whose first half is the session.
    pub(crate) fn announce_hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        let (session, rest) = hash.split_at_mut(16);
        session.copy_from_slice(&self.session.0);
        rest.copy_from_slice(&self.announce_hash_rest);
        hash
    }

    pub(crate) fn identity(&self) -> Identity {
        Announce::identity_in(&self.announce)
    }

    /// The order that decides which of two sessions of one identity is newer.
    pub(crate) fn age(&self) -> (u64, SessionId) {
        (Announce::joined_at_in(&self.announce), self.session)
    }

    pub(crate) fn prekey(&self) -> (u16, &[u8]) {
        let key = self.prekey.as_deref();
        (self.prekey_number, key.unwrap_or_else(|| Announce::prekey_in(&self.announce)))
    }

    /// Stores the prekey of a heartbeat if it has a newer one.
    pub(crate) fn note_prekey(&mut self, heartbeat: &Heartbeat, key_len: usize) {
        let is_newer = (1..1 << 15).contains(&heartbeat.prekey_number.wrapping_sub(self.prekey_number));
        if is_newer && heartbeat.prekey.len() == key_len {
            self.prekey_number = heartbeat.prekey_number;
            self.prekey = Some(heartbeat.prekey.as_slice().into());
        }
    }

    /// Schedules a request for its keys, unless they arrive before.
    pub(crate) fn request_keys_by(&mut self, at: Time) {
        let at = self.key_requests.not_before.map_or(at, |earliest| at.max(earliest));
        let before = self.key_requests.at;
        self.key_requests.at = Some(before.map_or(at, |before| before.min(at)));
    }

    /// Like [`request_keys_by`](Self::request_keys_by), but requests a new generation, as the
    /// current one was wiped here.
    pub(crate) fn request_new_keys_by(&mut self, at: Time) {
        self.key_requests.anew = true;
        self.request_keys_by(at);
    }

    /// Cancels requests, as its keys have arrived.
    pub(crate) fn cancel_key_requests(&mut self) {
        self.key_requests =
            KeyRequests { not_before: self.key_requests.not_before, ..KeyRequests::default() };
    }

    /// The request due now, if any. It repeats until the keys arrive.
    pub(crate) fn take_key_request(&mut self, now: Time) -> Option<Wants> {
        let is_due = self.key_requests.at.is_some_and(|at| now >= at);
        if is_due {
            let wait = ASK_AFTER * 2_u32.saturating_pow(self.key_requests.times.into());
            let next = now + wait.min(ASK_AT_LEAST);
            let times = self.key_requests.times.saturating_add(1).min(8);
            let anew = self.key_requests.anew;
            self.key_requests = KeyRequests { at: Some(next), not_before: Some(next), times, anew };
        }
        let wants = if self.key_requests.anew { Wants::NEW_KEYS } else { Wants::KEYS };
        is_due.then_some(wants)
    }

    /// Notes that a key of ours was sent to it.
    pub(crate) fn note_delivery(&mut self, delivery: Delivery, wants_ack: bool, now: Time) {
        let generation = delivery.generation;
        let is_other = |sent: &Unacknowledged| sent.delivery.generation != generation;
        self.unacknowledged.with(|unacknowledged| {
            unacknowledged.retain(is_other);
            if wants_ack {
                let (sent_at, not_before) = (now, now);
                unacknowledged.push(Unacknowledged { delivery, sent_at, tries: 0, not_before });
            }
        });
    }

    /// Handles its ack. Returns whether it acknowledges a key that was sent.
    pub(crate) fn acknowledge(
        &mut self,
        (generation, step): (u32, u8),
        mac: &[u8; 8],
        now: Time,
    ) -> bool {
        let is_right = |sent: &Unacknowledged| {
            let Delivery { generation: g, step: s, mac: expected, .. } = &sent.delivery;
            (*g, *s) == (generation, step)
                && bool::from(subtle::ConstantTimeEq::ct_eq(&expected[..], &mac[..]))
        };
        let Some(place) = self.unacknowledged.iter().position(is_right) else { return false };
        let sent = self.unacknowledged.with(|unacknowledged| unacknowledged.remove(place));
        if sent.tries == 0 {
            let took = now - sent.sent_at;
            let before = self.ack_delay().unwrap_or(took);
            let smoothed = u32::try_from(((before * 7 + took) / 8).as_micros()).unwrap_or(u32::MAX);
            self.ack_delay = Some(NonZeroU32::new(smoothed).unwrap_or(NonZeroU32::MIN));
        }
        true
    }

    fn ack_delay(&self) -> Option<Duration> {
        self.ack_delay.map(|micros| Duration::from_micros(micros.get().into()))
    }

    /// Whether it has ever acknowledged a key of ours.
    pub(crate) const fn has_acknowledged(&self) -> bool {
        self.ack_delay.is_some()
    }

    /// Whether it has not acknowledged this generation.
    pub(crate) fn owes_ack_of(&self, generation: u32) -> bool {
        self.unacknowledged.iter().any(|sent| sent.delivery.generation == generation)
    }

    /// Keeps waiting for acks of these generations only.
    pub(crate) fn retain_unacknowledged(&mut self, generations: &[u32]) {
        let counts = |sent: &Unacknowledged| generations.contains(&sent.delivery.generation);
        self.unacknowledged.with(|unacknowledged| unacknowledged.retain(counts));
    }

    /// When a key is next resent.
    pub(crate) fn next_repeat_at(&self) -> Option<Time> {
        self.unacknowledged.iter().map(|sent| self.repeat_at(sent)).min()
    }

    fn repeat_at(&self, sent: &Unacknowledged) -> Time {
        // The member may have wiped the prekey that the entry was made for.
        if sent.delivery.prekey_number != self.prekey_number && sent.tries < MAX_TRIES {
            return sent.sent_at;
        }
        let first = self.ack_delay().map_or(FIRST_ACK_WITHIN, |delay| ACK_WITHIN.max(delay * 2));
        (sent.sent_at + first * 2_u32.pow(sent.tries.into())).max(sent.not_before)
    }

    /// Defers the first resend of keys that were sent before `acked_at`, when another member's ack
    /// arrived. While acks arrive, this member's ack is probably delayed like theirs, and a resend
    /// would delay all of them further.
    pub(crate) fn defer_resends(&mut self, acked_at: Time) {
        self.unacknowledged.with(|unacknowledged| {
            for sent in unacknowledged {
                if sent.tries == 0 && acked_at > sent.sent_at {
                    sent.not_before = (acked_at + ACK_WITHIN).min(sent.sent_at + DEFER_FOR);
                }
            }
        });
    }

    /// Generations whose key is to be resent now, and the tries so far. After the last try the wait
    /// ends.
    pub(crate) fn repeats(&mut self, now: Time) -> Vec<(u32, u8)> {
        let due: Vec<bool> =
            self.unacknowledged.iter().map(|sent| now >= self.repeat_at(sent)).collect();
        let mut again = Vec::new();
        let mut due = due.into_iter();
        let stays = |sent: &Unacknowledged| {
            let is_due = due.next().unwrap_or_default();
            if is_due && sent.tries < MAX_TRIES {
                again.push((sent.delivery.generation, sent.tries));
            }
            !is_due || sent.tries < MAX_TRIES
        };
        self.unacknowledged.with(|unacknowledged| unacknowledged.retain(stays));
        again
    }

    /// Notes that a key was resent.
    pub(crate) fn note_repeat(&mut self, delivery: Delivery, tries: u8, now: Time) {
        let sent = Unacknowledged { delivery, sent_at: now, tries: tries + 1, not_before: now };
        self.unacknowledged.with(|unacknowledged| unacknowledged.push(sent));
    }

    /// Stops waiting for the ack of a generation.
    pub(crate) fn forget_delivery(&mut self, generation: u32) {
        let is_other = |sent: &Unacknowledged| sent.delivery.generation != generation;
        self.unacknowledged.with(|unacknowledged| unacknowledged.retain(is_other));
    }

    /// Resets the exchange of keys and comparisons, as the member is away.
    pub(crate) fn reset(&mut self) {
        self.delivered = Delivered { announce: true, ..Delivered::default() };
        self.unacknowledged = SparseVec::default();
        self.received.close();
        self.roster = Comparison::default();
        self.view = Comparison::default();
        self.orders = Comparison::default();
        self.key_requests = KeyRequests::default();
        self.request = None;
    }

    pub(crate) fn next_key_request_at(&self) -> Option<Time> {
        self.key_requests.at
    }
}

#[cfg(test)]
mod tests {
    use super::Member;

    /// Including heap data and its media key, a member takes less than 2,048 bytes
    /// (`cargo bench --bench group -- known`).
    #[test]
    fn a_member_takes_no_more_than_424_bytes() {
        assert!(size_of::<Member>() <= 424, "{}", size_of::<Member>());
    }
}
