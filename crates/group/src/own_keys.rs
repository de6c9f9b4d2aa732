//! Our own keys: the one that we seal with, the one that comes next, and what others have not acknowledged.

use alloc::{boxed::Box, collections::BTreeMap, collections::BTreeSet, vec, vec::Vec};
use core::time::Duration;

use rand_core::CryptoRng;
use sealframe_crypto::{BaseKey, CipherSuite};
use zeroize::Zeroizing;

use crate::{
    IdentityKey, SessionId,
    kem::wrap,
    member::Member,
    message::{self, Ack, Body, Evidence, Head, KeyUpdate, MAX_LEN, Reason},
    randomness,
};

/// Ratchet steps for joins within a generation; then a new one begins, so that nobody falls behind what a receiver follows.
pub(crate) const MAX_STEPS: u32 = 32;

/// When what is not acknowledged goes out again, after it first did.
const AGAIN_AFTER: [Duration; 4] = [
    Duration::from_millis(700),
    Duration::from_millis(1500),
    Duration::from_millis(3000),
    Duration::from_millis(6000),
];

pub(crate) struct OwnKeys {
    suite: CipherSuite,
    seq: u64,
    pub(crate) current: Current,
    pub(crate) pending: Option<Pending>,
    /// The newest update that began a generation.
    pub(crate) begun: Begun,
    unacknowledged: Vec<Unacknowledged>,
}

/// What we seal with.
pub(crate) struct Current {
    pub(crate) generation: u64,
    pub(crate) step: u32,
    base_key: BaseKey,
    /// The header that began the generation.
    begun_hash: [u8; 32],
    /// Frames sealed at this step, as the media path told us.
    pub(crate) frames: u64,
}

/// What we shall seal with.
pub(crate) struct Pending {
    pub(crate) generation: u64,
    base_key: BaseKey,
    begun_hash: [u8; 32],
    pub(crate) apply_at: Duration,
    /// Who has not acknowledged it.
    pub(crate) waiting: BTreeSet<SessionId>,
}

pub(crate) struct Begun {
    pub(crate) generation: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) signed: Box<[u8; Evidence::UPDATE_LEN]>,
}

/// An update that some have not acknowledged.
struct Unacknowledged {
    seq: u64,
    generation: u64,
    /// `header ‖ signature`
    signed: Vec<u8>,
    missing: BTreeMap<SessionId, Missing>,
    sent_at: Duration,
    tries: usize,
}

struct Missing {
    entry: Vec<u8>,
    mac: [u8; 16],
}

/// What every update needs to know of its maker.
pub(crate) struct Maker<'a> {
    pub(crate) head: &'a Head,
    pub(crate) key: &'a IdentityKey,
    pub(crate) roster_hash: [u8; 32],
}

impl OwnKeys {
    /// Generation 0; the second value is for the media path.
    pub(crate) fn new(suite: CipherSuite, maker: &Maker<'_>, base_key: BaseKey) -> (Self, BaseKey) {
        let update = KeyUpdate {
            reason: Reason::Start,
            seq: 1,
            generation: 0,
            step: 0,
            apply_ms: 0,
            roster_hash: maker.roster_hash,
            prev_hash: [0; 32],
            key_commit: commit(&base_key, maker.head, 0, 0),
            count: 0,
        };
        let (signed, hash) = sign(maker, update);
        let for_media = base_key.duplicate();
        let keys = Self {
            suite,
            seq: 1,
            current: Current { generation: 0, step: 0, base_key, begun_hash: hash, frames: 0 },
            pending: None,
            begun: Begun { generation: 0, hash, signed: as_evidence(&signed) },
            unacknowledged: Vec::new(),
        };
        (keys, for_media)
    }

    /// Begins a generation for these members; the messages for all, if there is anybody.
    #[expect(clippy::too_many_arguments, reason = "what an update is made of")]
    pub(crate) fn begin(
        &mut self,
        maker: &Maker<'_>,
        reason: Reason,
        base_key: BaseKey,
        recipients: &BTreeMap<SessionId, &Member>,
        apply_at: Duration,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Vec<Vec<u8>> {
        let generation = self.begun.generation + 1;
        self.seq += 1;
        let update = KeyUpdate {
            reason,
            seq: self.seq,
            generation,
            step: 0,
            apply_ms: u32::try_from(apply_at.saturating_sub(now).as_millis()).unwrap_or(u32::MAX),
            roster_hash: maker.roster_hash,
            prev_hash: self.begun.hash,
            key_commit: commit(&base_key, maker.head, generation, 0),
            count: u16::try_from(recipients.len()).unwrap_or(u16::MAX),
        };
        let (signed, hash) = sign(maker, update);
        // An earlier one that was never used is of no use to anybody.
        let kept = self.current.generation;
        self.unacknowledged.retain(|update| update.generation == kept);
        let (messages, waiting) =
            self.address(maker, &signed, hash, update, &base_key, recipients, now, rng);
        self.begun = Begun { generation, hash, signed: as_evidence(&signed) };
        self.pending = Some(Pending { generation, base_key, begun_hash: hash, apply_at, waiting });
        messages
    }

    /// Delivers what we seal with to these members; the messages for them.
    pub(crate) fn deliver_current(
        &mut self,
        maker: &Maker<'_>,
        reason: Reason,
        recipients: &BTreeMap<SessionId, &Member>,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Vec<Vec<u8>> {
        let Current { generation, step, base_key, begun_hash, .. } = &self.current;
        let (of, base_key) = ((*generation, *step, *begun_hash), base_key.duplicate());
        self.deliver(maker, reason, of, &base_key, recipients, now, rng).0
    }

    /// Delivers what we shall seal with to these members; the messages for them, if there is such a key.
    pub(crate) fn deliver_pending(
        &mut self,
        maker: &Maker<'_>,
        reason: Reason,
        recipients: &BTreeMap<SessionId, &Member>,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Vec<Vec<u8>> {
        let Some(Pending { generation, base_key, begun_hash, .. }) = &self.pending else {
            return Vec::new();
        };
        let (of, base_key) = ((*generation, 0, *begun_hash), base_key.duplicate());
        let (messages, waiting) = self.deliver(maker, reason, of, &base_key, recipients, now, rng);
        if let Some(next) = &mut self.pending {
            next.waiting.extend(waiting);
        }
        messages
    }

    #[expect(clippy::too_many_arguments, reason = "what an update is made of")]
    fn deliver(
        &mut self,
        maker: &Maker<'_>,
        reason: Reason,
        (generation, step, prev_hash): (u64, u32, [u8; 32]),
        base_key: &BaseKey,
        recipients: &BTreeMap<SessionId, &Member>,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> (Vec<Vec<u8>>, BTreeSet<SessionId>) {
        self.seq += 1;
        let update = KeyUpdate {
            reason,
            seq: self.seq,
            generation,
            step,
            apply_ms: 0,
            roster_hash: maker.roster_hash,
            prev_hash,
            key_commit: commit(base_key, maker.head, generation, step),
            count: u16::try_from(recipients.len()).unwrap_or(u16::MAX),
        };
        let (signed, hash) = sign(maker, update);
        self.address(maker, &signed, hash, update, base_key, recipients, now, rng)
    }

    /// Makes an entry for each recipient, in as many messages as have room for them. A KEM key that is none gets no entry: its owner harms itself.
    #[expect(clippy::too_many_arguments, reason = "what an update is made of")]
    fn address(
        &mut self,
        maker: &Maker<'_>,
        signed: &[u8],
        hash: [u8; 32],
        update: KeyUpdate,
        base_key: &BaseKey,
        recipients: &BTreeMap<SessionId, &Member>,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> (Vec<Vec<u8>>, BTreeSet<SessionId>) {
        let header = &signed[..KeyUpdate::HEADER_LEN];
        let mut messages: Vec<Vec<u8>> = Vec::new();
        let mut missing = BTreeMap::new();
        for (&session, member) in recipients {
            let to = message::Addressee {
                identity: member.identity(),
                session,
                kem_key: member.kem_key(),
                nonce: &member.nonce.bytes,
            };
            let info = message::entry_info(maker.head, self.suite, &maker.key.public(), &to);
            let Ok((enc, ciphertext)) =
                wrap(maker.head.kem, member.kem_key(), base_key, &info, header, rng)
            else {
                continue;
            };
            let entry = [&session.0[..], &[member.nonce.number], &enc, &ciphertext].concat();
            match messages.last_mut().filter(|message| message.len() + entry.len() <= MAX_LEN) {
                Some(message) => message.extend_from_slice(&entry),
                None => messages.push([signed, &entry].concat()),
            }
            let mac = Ack::mac(base_key.expose_bytes(), &hash, session);
            missing.insert(session, Missing { entry, mac });
        }
        let waiting: BTreeSet<_> = missing.keys().copied().collect();
        if waiting.is_empty() {
            return (messages, waiting);
        }
        self.unacknowledged.push(Unacknowledged {
            seq: update.seq,
            generation: update.generation,
            signed: signed.to_vec(),
            missing,
            sent_at: now,
            tries: 0,
        });
        (messages, waiting)
    }

    /// Moves the present key one step on, for somebody who joined.
    pub(crate) fn ratchet(&mut self) {
        self.current.base_key = self.current.base_key.ratchet();
        self.current.step += 1;
        self.current.frames = 0;
    }

    /// Whether the key that comes next should be used now.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.pending.as_ref().is_some_and(|next| next.waiting.is_empty() || now >= next.apply_at)
    }

    /// Seals with the key that comes next; its generation and key for the media path.
    pub(crate) fn apply(&mut self) -> Option<(u64, BaseKey)> {
        let Pending { generation, base_key, begun_hash, .. } = self.pending.take()?;
        let for_media = base_key.duplicate();
        self.current = Current { generation, step: 0, base_key, begun_hash, frames: 0 };
        self.unacknowledged.retain(|update| update.generation == generation);
        Some((generation, for_media))
    }

    /// Somebody says that it has opened an update. Whether that is true, and news.
    pub(crate) fn acknowledge(&mut self, session: SessionId, ack: &Ack) -> bool {
        let update = self.unacknowledged.iter_mut().find(|update| update.seq == ack.seq);
        let Some(update) = update else { return false };
        let known = update.missing.get(&session);
        if !known.is_some_and(|missing| {
            bool::from(subtle::ConstantTimeEq::ct_eq(&missing.mac[..], &ack.mac[..]))
        }) {
            return false;
        }
        update.missing.remove(&session);
        let generation = update.generation;
        self.unacknowledged.retain(|update| !update.missing.is_empty());
        if let Some(next) = self.pending.as_mut().filter(|next| next.generation == generation) {
            next.waiting.remove(&session);
        }
        true
    }

    /// Somebody is out: nothing more goes to it, and nobody waits for it.
    pub(crate) fn forget(&mut self, session: SessionId) {
        for update in &mut self.unacknowledged {
            update.missing.remove(&session);
        }
        self.unacknowledged.retain(|update| !update.missing.is_empty());
        if let Some(next) = &mut self.pending {
            next.waiting.remove(&session);
        }
    }

    /// What must go out again now, and to whom.
    pub(crate) fn send_again(&mut self, now: Duration) -> Vec<(SessionId, Vec<u8>)> {
        let mut again = Vec::new();
        for update in &mut self.unacknowledged {
            let is_due =
                AGAIN_AFTER.get(update.tries).is_some_and(|&after| now >= update.sent_at + after);
            if is_due {
                update.tries += 1;
                let of = |(&session, missing): (_, &Missing)| {
                    (session, [&update.signed[..], &missing.entry].concat())
                };
                again.extend(update.missing.iter().map(of));
            }
        }
        self.unacknowledged.retain(|update| update.tries < AGAIN_AFTER.len());
        again
    }

    /// When there is something to do next, if nothing comes in.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        let again = self.unacknowledged.iter();
        let again = again.filter_map(|update| Some(update.sent_at + *AGAIN_AFTER.get(update.tries)?));
        again.chain(self.pending.as_ref().map(|next| next.apply_at)).min()
    }
}

/// A fresh base key; `None` if the generator gives nothing but zeros.
pub(crate) fn draw(suite: CipherSuite, rng: &mut impl CryptoRng) -> Option<BaseKey> {
    let mut bytes = Zeroizing::new(vec![0; suite.nh()]);
    randomness::fill(rng, &mut bytes);
    BaseKey::from_bytes(suite, &bytes).ok()
}

fn commit(base_key: &BaseKey, head: &Head, generation: u64, step: u32) -> [u8; 32] {
    KeyUpdate::commit(base_key.expose_bytes(), &head.group, head.session, generation, step)
}

/// `header ‖ signature` and the header's hash.
fn sign(maker: &Maker<'_>, update: KeyUpdate) -> (Vec<u8>, [u8; 32]) {
    let signed = message::sign(maker.head, &Body::KeyUpdate(update), maker.key);
    let hash = KeyUpdate::header_hash(&signed[..KeyUpdate::HEADER_LEN]);
    (signed, hash)
}

fn as_evidence(signed: &[u8]) -> Box<[u8; Evidence::UPDATE_LEN]> {
    let mut kept = Box::new([0; Evidence::UPDATE_LEN]);
    kept.copy_from_slice(signed);
    kept
}
