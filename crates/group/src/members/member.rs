//! What is known of another member.

use alloc::{boxed::Box, vec::Vec};
use core::{num::NonZeroU32, time::Duration};

use super::presence::Presence;
use crate::{
    Admission, Identity, MemberId, Permission, Role, SessionId, Time, UserId,
    agreement::Comparison,
    bucket::{Rate, TokenBucket},
    keys::{own::Delivery, received::Received},
    message::{Announce, Heartbeat, Wants},
    sparse::SparseVec,
    verification::VerificationState,
};

/// Waits between two requests for keys: doubled each time, within these bounds.
const ASK_AFTER: Duration = Duration::from_secs(5);
const ASK_AT_LEAST: Duration = Duration::from_secs(60);

/// Until the first ack of a member is known, its acks are expected after this time.
const FIRST_ACK_WITHIN: Duration = Duration::from_secs(3);
const ACK_WITHIN: Duration = Duration::from_secs(1);
/// How often a key is sent again.
const MAX_TRIES: u8 = 4;

pub(crate) struct Member {
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    pub(crate) permission: Permission,
    /// What was known of it when it was admitted, unless people have decided since.
    pub(crate) standing: VerificationState,
    pub(crate) user: UserId,
    /// As it was received, to be shown to others. Its identity, first prekey and address are in it.
    pub(crate) announce: Box<[u8]>,
    announce_hash_rest: [u8; 16],
    prekey_number: u16,
    /// The newest prekey, unless it is the announce's.
    prekey: Option<Box<[u8]>>,
    pub(crate) since: Time,
    pub(crate) presence: Presence,
    pub(crate) delivered: Delivered,
    unacknowledged: SparseVec<Unacknowledged>,
    /// How long its acks take, smoothed, in microseconds.
    ack_delay: Option<NonZeroU32>,
    pub(crate) received: Received,
    pub(crate) roster: Comparison,
    pub(crate) view: Comparison,
    pub(crate) orders: Comparison,
    pub(crate) has_equivocated: bool,
    keys_asked: Asked,
    pub(crate) request: Option<Wants>,
    pub(crate) answered_at: Option<Time>,
    /// When a generation was begun because it asked for one.
    pub(crate) renewed_at: Option<Time>,
    /// When its roster was answered.
    pub(crate) roster_at: Option<Time>,
    pub(crate) heartbeat_sent_at: Option<Time>,
    pub(crate) bucket: TokenBucket,
}

/// Whether a member was sent our announce, our present key, and the next one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Delivered {
    pub(crate) announce: bool,
    pub(crate) current: bool,
    pub(crate) pending: bool,
}

/// A key that a member was sent and has not acknowledged.
struct Unacknowledged {
    delivery: Delivery,
    sent_at: Time,
    tries: u8,
}

/// When its keys are requested next.
#[derive(Default)]
struct Asked {
    at: Option<Time>,
    not_before: Option<Time>,
    times: u8,
    /// What it seals with was wiped here: only a new generation helps.
    anew: bool,
}

impl Member {
    pub(crate) fn new(
        group: &[u8; 32],
        announce: &Announce,
        message: Vec<u8>,
        admission: Admission,
        standing: VerificationState,
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
            standing,
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
            keys_asked: Asked::default(),
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

    /// One of us was out of reach: what has not come yet may explain every difference.
    pub(crate) fn compare_anew(&mut self, now: Time) {
        self.roster.begin_anew(now);
        self.view.begin_anew(now);
        self.orders.begin_anew(now);
    }

    /// The session is its first half.
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

    /// What decides which of two sessions of one identity is newer.
    pub(crate) fn age(&self) -> (u64, SessionId) {
        (Announce::joined_at_in(&self.announce), self.session)
    }

    pub(crate) fn prekey(&self) -> (u16, &[u8]) {
        let key = self.prekey.as_deref();
        (self.prekey_number, key.unwrap_or_else(|| Announce::prekey_in(&self.announce)))
    }

    /// Takes the prekey of a heartbeat, if it is newer and there is one.
    pub(crate) fn note_prekey(&mut self, heartbeat: &Heartbeat, key_len: usize) {
        let is_newer = (1..1 << 15).contains(&heartbeat.prekey_number.wrapping_sub(self.prekey_number));
        if is_newer && heartbeat.prekey.len() == key_len {
            self.prekey_number = heartbeat.prekey_number;
            self.prekey = Some(heartbeat.prekey.as_slice().into());
        }
    }

    /// Its keys are to be requested, unless they come before.
    pub(crate) fn ask_by(&mut self, at: Time) {
        let at = self.keys_asked.not_before.map_or(at, |earliest| at.max(earliest));
        let before = self.keys_asked.at;
        self.keys_asked.at = Some(before.map_or(at, |before| before.min(at)));
    }

    /// As [`ask_by`](Self::ask_by), for a new generation: the present one was wiped here.
    pub(crate) fn ask_anew_by(&mut self, at: Time) {
        self.keys_asked.anew = true;
        self.ask_by(at);
    }

    /// Its keys have come.
    pub(crate) fn ask_no_more(&mut self) {
        self.keys_asked = Asked { not_before: self.keys_asked.not_before, ..Asked::default() };
    }

    /// What is requested of it now, and again until it comes.
    pub(crate) fn take_ask(&mut self, now: Time) -> Option<Wants> {
        let is_due = self.keys_asked.at.is_some_and(|at| now >= at);
        if is_due {
            let wait = ASK_AFTER * 2_u32.saturating_pow(self.keys_asked.times.into());
            let next = now + wait.min(ASK_AT_LEAST);
            let times = self.keys_asked.times.saturating_add(1).min(8);
            let anew = self.keys_asked.anew;
            self.keys_asked = Asked { at: Some(next), not_before: Some(next), times, anew };
        }
        let wants = if self.keys_asked.anew { Wants::NEW_KEYS } else { Wants::KEYS };
        is_due.then_some(wants)
    }

    /// A key of ours was sent to it.
    pub(crate) fn note_delivery(&mut self, delivery: Delivery, wants_ack: bool, now: Time) {
        let generation = delivery.generation;
        let is_other = |sent: &Unacknowledged| sent.delivery.generation != generation;
        self.unacknowledged.with(|unacknowledged| {
            unacknowledged.retain(is_other);
            if wants_ack {
                unacknowledged.push(Unacknowledged { delivery, sent_at: now, tries: 0 });
            }
        });
    }

    /// Whether this confirms a key that it was sent.
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

    /// Whether it has opened a key of ours.
    pub(crate) const fn has_acknowledged(&self) -> bool {
        self.ack_delay.is_some()
    }

    /// Whether it has not acknowledged this generation.
    pub(crate) fn owes_ack_of(&self, generation: u32) -> bool {
        self.unacknowledged.iter().any(|sent| sent.delivery.generation == generation)
    }

    /// Only the keys that we hold still count.
    pub(crate) fn keep_unacknowledged(&mut self, generations: &[u32]) {
        let counts = |sent: &Unacknowledged| generations.contains(&sent.delivery.generation);
        self.unacknowledged.with(|unacknowledged| unacknowledged.retain(counts));
    }

    /// When a key is to be sent again.
    pub(crate) fn next_repeat_at(&self) -> Option<Time> {
        self.unacknowledged.iter().map(|sent| self.repeat_at(sent)).min()
    }

    fn repeat_at(&self, sent: &Unacknowledged) -> Time {
        // Made for a prekey that it may have wiped.
        if sent.delivery.prekey_number != self.prekey_number && sent.tries < MAX_TRIES {
            return sent.sent_at;
        }
        let first = self.ack_delay().map_or(FIRST_ACK_WITHIN, |delay| ACK_WITHIN.max(delay * 2));
        sent.sent_at + first * 2_u32.pow(sent.tries.into())
    }

    /// Generations of which the key is to be sent again now. After the last try it is not waited for any longer.
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

    /// A key was sent again.
    pub(crate) fn note_repeat(&mut self, delivery: Delivery, tries: u8, now: Time) {
        let sent = Unacknowledged { delivery, sent_at: now, tries: tries + 1 };
        self.unacknowledged.with(|unacknowledged| unacknowledged.push(sent));
    }

    /// A key that it was sent needs no ack any more.
    pub(crate) fn forget_delivery(&mut self, generation: u32) {
        let is_other = |sent: &Unacknowledged| sent.delivery.generation != generation;
        self.unacknowledged.with(|unacknowledged| unacknowledged.retain(is_other));
    }

    /// It is away: what it was sent and what it sent counts no more.
    pub(crate) fn go_away(&mut self) {
        self.delivered = Delivered { announce: true, ..Delivered::default() };
        self.unacknowledged = SparseVec::default();
        self.received.close();
        self.roster = Comparison::default();
        self.view = Comparison::default();
        self.orders = Comparison::default();
        self.keys_asked = Asked::default();
        self.request = None;
    }

    pub(crate) fn next_ask_at(&self) -> Option<Time> {
        self.keys_asked.at
    }
}

#[cfg(test)]
mod tests {
    use super::Member;

    /// With what it points to and its media key it takes less than 2,048 bytes (`cargo bench --bench group -- known`).
    #[test]
    fn a_member_takes_no_more_than_424_bytes() {
        assert!(size_of::<Member>() <= 424, "{}", size_of::<Member>());
    }
}
