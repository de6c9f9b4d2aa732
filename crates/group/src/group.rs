//! The state machine of one member.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use core::{fmt, time::Duration};

use rand_core::CryptoRng;
use sealframe_crypto::BaseKey;

use crate::{
    Config, Event, GroupError, Identity, IdentityKey, KemSecret, Output, Recipient, SessionId,
    checks::GroupChecks,
    disputes::{History, Introductions},
    lock::Lock,
    member::{Allowance, Gone, Member},
    message::{self, Announce, Body, Head, Heartbeat},
    nonces::Nonces,
    own_keys::{Maker, OwnKeys},
    verification::{self, CallCode, Party, TrustStore},
};

/// Outputs for which there is room at all times.
const USUAL_OUT: usize = 32;
/// For ever, to who waits: nothing is to be done any more.
const ENDED_WAIT: Duration = Duration::from_secs(3600);

/// One member's side of a call.
///
/// It does no I/O and has no clock: messages come in by [`handle_message`](Self::handle_message), everything that is to
/// be done comes out of [`poll`](Self::poll), times are durations since a moment of the caller's choice and never go
/// back, and randomness is an argument.
pub struct Group {
    pub(crate) head: Head,
    pub(crate) config: Config,
    pub(crate) key: IdentityKey,
    pub(crate) kem_secret: KemSecret,
    pub(crate) announce: Vec<u8>,
    pub(crate) announce_hash: [u8; 32],
    pub(crate) nonces: Nonces,
    pub(crate) own: OwnKeys,
    pub(crate) members: BTreeMap<SessionId, Box<Member>>,
    pub(crate) applicants: BTreeMap<SessionId, (Announce, Vec<u8>)>,
    pub(crate) gone: Gone,
    /// Identities that have been in this call and are out.
    pub(crate) known: BTreeSet<Identity>,
    pub(crate) trust: TrustStore,
    pub(crate) lock: Lock,
    pub(crate) checks: GroupChecks,
    pub(crate) out: VecDeque<Output>,
    pub(crate) roster_hash: [u8; 32],
    pub(crate) view_hash: [u8; 32],
    pub(crate) rosters: History,
    pub(crate) views: History,
    pub(crate) introductions: Introductions,
    /// Sessions that are no members and may be asked who they are.
    pub(crate) strangers: BTreeSet<SessionId>,
    pub(crate) stranger_allowance: Allowance,
    pub(crate) forgeries: Allowance,
    /// Members whose requests are to be answered.
    pub(crate) requests: BTreeSet<SessionId>,
    pub(crate) times: Times,
    pub(crate) has_ended: bool,
}

/// What is due when.
pub(crate) struct Times {
    pub(crate) deliver_at: Option<Duration>,
    pub(crate) delivered_at: Option<Duration>,
    pub(crate) begin_at: Option<(Duration, message::Reason)>,
    pub(crate) begun_at: Option<Duration>,
    /// The first leave that no generation has been begun for, and that the pending one answers.
    pub(crate) leave_at: Option<Duration>,
    pub(crate) answered_leave_at: Option<Duration>,
    pub(crate) timer_at: Duration,
    pub(crate) heartbeat_at: Duration,
    pub(crate) heartbeats: u64,
    pub(crate) joined_at: Duration,
}

impl Group {
    /// Enters a call. The base key is generation 0 of ours, for the media path.
    ///
    /// # Errors
    /// [`GroupError::Policy`], also for a credential of more than 4,096 bytes; [`GroupError::OtherKem`] if this build lacks the KEM.
    pub fn new(
        config: Config,
        key: IdentityKey,
        trust: TrustStore,
        now: Duration,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, BaseKey), GroupError> {
        if !config.policy.is_sound() || config.credential.len() > Announce::MAX_CREDENTIAL_LEN {
            return Err(GroupError::Policy);
        }
        let mut session = SessionId::default();
        rng.fill_bytes(&mut session.0);
        let (kem_secret, kem_key) =
            KemSecret::generate(config.kem, rng).map_err(|_| GroupError::OtherKem)?;
        let nonces = Nonces::new(config.policy.nonce_life, now, rng);
        let head = Head { kem: config.kem, group: message::group_hash(&config.group_id), session };
        let announce = message::sign(
            &head,
            &Body::Announce(Announce {
                media_suite: config.suite.id(),
                sender: config.sender,
                role: config.role,
                identity: key.public(),
                kem_key,
                nonce_number: nonces.newest().number,
                nonce: nonces.newest().bytes,
                credential: config.credential.clone(),
            }),
            &key,
        );
        let announce_hash = Announce::hash(&announce);
        let roster_hash = Heartbeat::roster_hash(&[(session, key.public(), announce_hash)]);
        let maker = Maker { head: &head, key: &key, roster_hash };
        let (own, base_key) = OwnKeys::new(config.suite, &maker, rng);
        let us = Party { identity: key.public(), session };
        let checks = GroupChecks::new(head.group, us);
        let policy = config.policy;
        let mut group = Self {
            head,
            key,
            kem_secret,
            announce,
            announce_hash,
            nonces,
            own,
            members: BTreeMap::new(),
            applicants: BTreeMap::new(),
            gone: Gone::default(),
            known: BTreeSet::new(),
            trust,
            lock: Lock::default(),
            checks,
            out: VecDeque::new(),
            roster_hash,
            view_hash: [0; 32],
            rosters: History::new(),
            views: History::new(),
            introductions: Introductions::new(session),
            strangers: BTreeSet::new(),
            stranger_allowance: Allowance::of_strangers(now),
            forgeries: Allowance::of_forgers(now),
            requests: BTreeSet::new(),
            times: Times {
                deliver_at: None,
                delivered_at: None,
                begin_at: None,
                begun_at: None,
                leave_at: None,
                answered_leave_at: None,
                timer_at: now + jitter(policy.generation_life(1), rng),
                heartbeat_at: now + Duration::from_secs(1),
                heartbeats: 0,
                joined_at: now,
            },
            has_ended: false,
            config,
        };
        group.see_view(now);
        group.send(Recipient::All, group.announce.clone());
        Ok((group, base_key))
    }

    /// Our session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.head.session
    }

    /// What we have announced ourselves with.
    #[must_use]
    pub fn announce(&self) -> &[u8] {
        &self.announce
    }

    /// Our number in KIDs.
    #[must_use]
    pub const fn sender(&self) -> u16 {
        self.config.sender
    }

    /// What everybody in the call can compare: the same for all who see the same identities.
    #[must_use]
    pub fn call_code(&self) -> CallCode {
        let members = self.members.values().map(|member| member.identity());
        let identities: Vec<Identity> = members.chain([self.key.public()]).collect();
        verification::call_code(&self.head.group, &identities)
    }

    /// Our identity.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.key.public()
    }

    /// What is known of people, to be stored.
    #[must_use]
    pub const fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// As [`trust`](Self::trust), to be changed by people's decisions.
    pub const fn trust_mut(&mut self) -> &mut TrustStore {
        &mut self.trust
    }

    /// The member whose number this is.
    #[must_use]
    pub fn session_of(&self, sender: u16) -> Option<SessionId> {
        self.members.iter().find(|(_, member)| member.sender == sender).map(|(&session, _)| session)
    }

    /// The number of a member or of an applicant, as its announce is signed: where a message for its session goes. `None` for who
    /// is neither: such a message goes to all.
    #[must_use]
    pub fn sender_of(&self, session: SessionId) -> Option<u16> {
        let member = self.members.get(&session).map(|member| member.sender);
        member.or_else(|| self.applicants.get(&session).map(|(announce, _)| announce.sender))
    }

    /// Begins a new generation: the present key nears its limit, or something is suspicious.
    pub fn rekey(&mut self, reason: message::Reason, now: Duration) {
        self.want_generation(reason, now);
    }

    /// Says how many frames were sealed with the present key. To be said before each [`poll`](Self::poll): a key that has
    /// sealed nothing need not be moved on for a newcomer.
    pub const fn set_frames(&mut self, frames: u64) {
        self.own.current.frames = frames;
    }

    /// A frame of this sender has opened with a newer key than all before it: what came before is wiped in 10 s.
    pub fn opened(&mut self, sender: u16, generation: u64, step: u32, now: Duration) {
        let member = self.members.values_mut().find(|member| member.sender == sender);
        if let Some(member) = member {
            member.updates.retire_before(generation, step, now + Duration::from_secs(10));
        }
    }

    /// A frame came in a key of this sender's that we do not hold: it is asked for, if it does not come by itself.
    pub fn key_is_missing(&mut self, sender: u16, now: Duration) {
        let member = self.members.values_mut().find(|member| member.sender == sender);
        if let Some(member) = member {
            member.ask_by(now + Duration::from_millis(300));
        }
    }

    /// Leaves. What comes out is for the server; every key is wiped.
    #[must_use]
    pub fn leave(mut self) -> Vec<Output> {
        let words = message::sign(&self.head, &Body::Leave, &self.key);
        self.send(Recipient::All, words);
        self.out.drain(..).filter(|output| matches!(output, Output::Send { .. })).collect()
    }

    /// What is to be done next; to be called until it says [`Output::Wait`].
    pub fn poll(&mut self, now: Duration, rng: &mut impl CryptoRng) -> Output {
        if self.out.is_empty() && !self.has_ended {
            self.work(now, rng);
        }
        self.out.pop_front().unwrap_or_else(|| {
            self.out.shrink_to(USUAL_OUT);
            Output::Wait(if self.has_ended { now + ENDED_WAIT } else { self.next_at(now) })
        })
    }

    pub(crate) fn send(&mut self, to: Recipient, message: Vec<u8>) {
        self.out.push_back(Output::Send { to, message });
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Answers a newcomer soon: at once if none came lately.
    pub(crate) fn want_delivery(&mut self, now: Duration) {
        let earliest = self.times.delivered_at.map_or(now, |at| at + self.config.policy.coalesce_joins);
        self.times.deliver_at.get_or_insert(earliest.max(now));
    }

    /// Begins a generation soon: at once if none was begun lately.
    pub(crate) fn want_generation(&mut self, reason: message::Reason, now: Duration) {
        let earliest = self.times.begun_at.map_or(now, |at| at + self.config.policy.coalesce_leaves);
        self.times.begin_at.get_or_insert((earliest.max(now), reason));
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("session", &self.head.session)
            .field("members", &self.members.keys())
            .finish_non_exhaustive()
    }
}

/// `time`, ±50 %.
pub(crate) fn jitter(time: Duration, rng: &mut impl CryptoRng) -> Duration {
    let mut random = [0; 2];
    rng.fill_bytes(&mut random);
    time / 2 + time * u32::from(u16::from_be_bytes(random)) / u32::from(u16::MAX)
}
