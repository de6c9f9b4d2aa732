//! The state machine of one member.

mod agreement;
mod keys;
mod orders;
mod presence;
mod receive;
mod sas;
mod sessions;
pub(crate) mod state;
mod timeouts;
mod timers;
mod verifications;

use alloc::{collections::VecDeque, vec::Vec};
use core::{fmt, time::Duration};

use rand_core::CryptoRng;
use sealframe_crypto::BaseKey;

use crate::{
    Config, GroupError, Identity, IdentityKey, MemberId, Output, Recipient, SessionId, Time,
    agreement::RecentHashes,
    bucket::{Rate, TokenBucket},
    clock::Clock,
    context::{Core, Outbox},
    keys::{
        own::{self, OwnKeys},
        prekeys::Prekeys,
    },
    members::{
        admission::Applicants,
        departed::{AwayMembers, DepartedSessions, Refused, WipedKeys},
        early::Early,
        map::MemberMap,
        orders::Orders,
        presence::OwnHeartbeats,
    },
    message::{self, Ack, Announce, Body, Reason, Witness},
    sorted::SortedMap,
    verification::{self, CallCode, Party, TrustStore},
};

use timers::{Timer, Timers};
use verifications::GroupVerifications;

/// Timeout returned after the group has ended; effectively never.
const ENDED_WAIT: Duration = Duration::from_secs(3600);

/// One member's side of a call.
///
/// It does no I/O and has no clock: [`handle_message`](Self::handle_message) takes messages,
/// [`poll`](Self::poll) returns everything to be done, times are [`Time`]s on the caller's clock,
/// and randomness is an argument. A clock that is set back or jumps does no harm.
pub struct Group {
    core: Core,
    clock: Clock,
    trust: TrustStore,
    members: MemberMap,
    waiting: Applicants,
    away: AwayMembers,
    departed: DepartedSessions,
    refused: Refused,
    wiped: WipedKeys,
    /// Orders and leaves of unknown sessions, and orders of members that are not live yet.
    early: VecDeque<Early>,
    orders: Orders,
    own: OwnKeys,
    prekeys: Prekeys,
    /// Acks that wait for another message to the same member.
    acks: Vec<(SessionId, Ack)>,
    /// When a member's ack last arrived.
    acked_at: Option<Time>,
    heartbeats: OwnHeartbeats,
    /// When the transport last reconnected.
    reconnected_at: Option<Time>,
    /// The heartbeat received last.
    witness: Witness,
    roster: RecentHashes,
    view: RecentHashes,
    /// When the view first and last changed since its hash was computed.
    view_changed: Option<(Time, Time)>,
    orders_hash: RecentHashes,
    verifications: GroupVerifications,
    strangers: TokenBucket,
    forgeries: TokenBucket,
    /// Unknown sessions, and when their announce was requested.
    requested_announces: SortedMap<SessionId, Time>,
    /// Sessions that refused us. They do not see us and need not answer.
    refusers: SortedMap<SessionId, ()>,
    /// When each kind of refusal of us was last reported.
    reported_refusals: SortedMap<u8, Time>,
    timers: Timers,
    /// The reason of the next generation.
    begin_reason: Reason,
    delivered_at: Option<Time>,
    began_at: Option<Time>,
    /// The first leave that no generation answers yet, and the first that the pending one answers.
    left_at: Option<Time>,
    answered_leave_at: Option<Time>,
    joined_at: Time,
    restarted_at: Option<Time>,
    restarts: u32,
    announced_at: Option<Time>,
    /// When we last forwarded to all the orders that void our removal.
    objected_at: Option<Time>,
    /// Time of the last poll. Members that were in the call then were in it when frames were
    /// sealed.
    polled_at: Time,
    sends: bool,
    has_ended: bool,
}

impl Group {
    /// Joins a call. The base key is our generation 0, for the media path; our id in KIDs is
    /// [`member_id`](Self::member_id).
    ///
    /// # Errors
    /// [`GroupError::Policy`], also for a credential of more than 4,096 bytes or an address of more
    /// than 255; [`GroupError::OtherKem`] if this build lacks the KEM;
    /// [`GroupError::NoRandomness`].
    pub fn new(
        config: Config,
        key: IdentityKey,
        trust: TrustStore,
        now: Time,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, BaseKey), GroupError> {
        config.policy.validate()?;
        if config.credential.len() > Announce::MAX_CREDENTIAL_LEN {
            return Err(GroupError::Policy("credential"));
        }
        if config.address.len() > Announce::MAX_ADDRESS_LEN {
            return Err(GroupError::Policy("address"));
        }
        let mut clock = Clock::default();
        let (now, _) = clock.advance(now);
        let (core, prekeys) = enter(config, key, 0, now, rng)?;
        let base_key = own::draw(core.config.suite, rng).ok_or(GroupError::NoRandomness)?;
        let (own, base_key) = OwnKeys::new(&core, base_key);
        let us = Party { identity: core.identity(), session: core.session };
        let policy = core.config.policy;
        let timers = Timers::new(now, jitter(policy.generation_life(1), rng));
        let mut group = Self {
            verifications: GroupVerifications::new(core.group, us),
            sends: core.config.sends,
            core,
            clock,
            trust,
            members: MemberMap::new(),
            waiting: Applicants::default(),
            away: AwayMembers::default(),
            departed: DepartedSessions::default(),
            refused: Refused::default(),
            wiped: WipedKeys::default(),
            early: VecDeque::new(),
            orders: Orders::default(),
            own,
            prekeys,
            acks: Vec::new(),
            acked_at: None,
            heartbeats: OwnHeartbeats::default(),
            reconnected_at: None,
            witness: Witness::default(),
            roster: RecentHashes::new(),
            view: RecentHashes::new(),
            view_changed: None,
            orders_hash: RecentHashes::new(),
            strangers: TokenBucket::new(Rate::Strangers, now),
            forgeries: TokenBucket::new(Rate::Forgeries, now),
            requested_announces: SortedMap::new(),
            refusers: SortedMap::new(),
            reported_refusals: SortedMap::new(),
            timers,
            begin_reason: Reason::Timer,
            delivered_at: None,
            began_at: None,
            left_at: None,
            answered_leave_at: None,
            joined_at: now,
            restarted_at: None,
            restarts: 0,
            announced_at: None,
            objected_at: None,
            polled_at: now,
            has_ended: false,
        };
        group.orders_hash.set(group.orders.hash(), now);
        group.refresh_roster(now);
        group.announce_to_all(now);
        Ok((group, base_key))
    }

    /// Our session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.core.session
    }

    /// Our announce.
    #[must_use]
    pub fn announce(&self) -> &[u8] {
        &self.core.announce
    }

    /// Our id in KIDs. It changes with [`KeyChange::Restart`](crate::KeyChange::Restart).
    #[must_use]
    pub const fn member_id(&self) -> MemberId {
        self.core.member_id()
    }

    /// The code that all members can compare. It is the same for all that see the same sessions.
    #[must_use]
    pub fn call_code(&self) -> CallCode {
        let group = &self.core.group;
        let members = self.members.values().map(|member| member.announce_hash());
        let sessions: Vec<_> = members.chain([self.core.announce_hash]).collect();
        verification::call_code(group, &sessions)
    }

    /// Our identity.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.core.identity()
    }

    /// The trust store, to be kept for the next call.
    #[must_use]
    pub const fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// The member with this id.
    #[must_use]
    pub fn session_of(&self, member: MemberId) -> Option<SessionId> {
        self.members_with_id(member).next()
    }

    /// The members with this id. They are adjacent, as a session id begins with its member id.
    fn members_with_id(&self, member: MemberId) -> impl Iterator<Item = SessionId> {
        let (mut first, mut last) = ([0; 16], [0xff; 16]);
        first[..2].copy_from_slice(&member.get().to_be_bytes());
        last[..2].copy_from_slice(&member.get().to_be_bytes());
        self.members.range(SessionId(first)..=SessionId(last)).map(|(&session, _)| session)
    }

    /// The session's address at the relay, from its signed announce. `None` if the session is not
    /// known; a message for it goes to all.
    #[must_use]
    pub fn address_of(&self, session: SessionId) -> Option<&[u8]> {
        let away = self.away.get(session).map(|away| &away.member);
        if let Some(member) = self.members.get(&session).or(away) {
            return Some(Announce::address_in(&member.announce));
        }
        let waiting = self.waiting.get(session).map(|applicant| &*applicant.announce.address);
        let departed = || self.departed.get(session).map(|departed| &*departed.address);
        waiting.or_else(|| self.refused.address_of(session)).or_else(departed)
    }

    /// The members and applicants with this address at the relay. There is more than one if a
    /// session was just replaced, or if one of them lies.
    pub fn sessions_at<'g>(&'g self, address: &'g [u8]) -> impl Iterator<Item = SessionId> + 'g {
        let members = self.members.values().map(|member| &**member);
        let members = members.filter(move |member| Announce::address_in(&member.announce) == address);
        let waiting =
            self.waiting.iter().filter(move |(_, applicant)| applicant.announce.address == address);
        members.map(|member| member.session).chain(waiting.map(|(&session, _)| session))
    }

    /// Begins a new generation, for example near the key's usage limit or on suspicion of
    /// compromise.
    pub fn rekey(&mut self, reason: Reason, now: Time) {
        let now = self.advance(now);
        self.schedule_generation(reason, now);
    }

    /// Sets whether we send frames. A member that only listens draws new keys without delivering
    /// them. Call this before sending again, so that the first frames open at once. A member that
    /// seals frames without calling this counts as sending.
    pub fn set_sending(&mut self, sends: bool, now: Time) {
        let now = self.advance(now);
        if sends != self.sends {
            self.sends = sends;
            self.timers.set_sooner(Timer::Heartbeat, now);
            if sends {
                self.schedule_delivery(now);
            }
        }
    }

    /// Sets the number of frames sealed with the current key. Call this before each
    /// [`poll`](Self::poll): a key that has sealed no frame need not be ratcheted for a newcomer.
    pub fn set_frames(&mut self, frames: u64) {
        let has_sealed = frames > self.own.current.frames;
        self.own.current.frames = frames;
        if has_sealed && !self.sends {
            self.sends = true;
            self.timers.set_sooner(Timer::Deliver, self.polled_at);
        }
    }

    /// Reports that a frame of this member opened with a newer key than all before. Older keys are
    /// wiped after 10 s.
    pub fn opened(&mut self, member: MemberId, generation: u64, step: u32, now: Time) {
        let now = self.advance(now);
        let (Ok(generation), Ok(step)) = (u32::try_from(generation), u8::try_from(step)) else {
            return;
        };
        let session = self.session_of(member);
        if let Some(member) = session.and_then(|session| self.members.get_mut(&session)) {
            member.received.retire_before(generation, step, now + Duration::from_secs(10));
        }
    }

    /// Reports a frame whose key of this member we do not hold. The key is requested unless it
    /// arrives in time.
    pub fn key_is_missing(&mut self, member: MemberId, now: Time) {
        let now = self.advance(now);
        let session = self.session_of(member);
        if let Some(member) = session.and_then(|session| self.members.get_mut(&session)) {
            member.request_keys_by(now + Duration::from_millis(300));
        }
    }

    /// Reports that the transport is connected again. We announce ourselves to all at once, and
    /// repeat our heartbeat in the next seconds, because a relay may not forward everything yet.
    pub fn reconnected(&mut self, now: Time) {
        let now = self.advance(now);
        if !self.has_ended {
            self.reconnected_at = Some(now);
            self.announce_to_all(now);
            self.set_heartbeat_timer(now);
        }
    }

    /// Leaves the call and wipes every key. Hand the outputs to the relay.
    #[must_use]
    pub fn leave(mut self) -> Vec<Output> {
        self.core.send(Recipient::All, &Body::Leave);
        self.core.out.into_messages()
    }

    /// The next output. Call this until it returns [`Output::Timeout`], after every other call and
    /// when that time is reached.
    pub fn poll(&mut self, now: Time, rng: &mut impl CryptoRng) -> Output {
        let now = self.advance(now);
        if self.core.out.is_empty() && !self.has_ended {
            self.handle_timeouts(now, rng);
        }
        self.polled_at = now;
        if let Some(output) = self.core.out.pop() {
            return output;
        }
        let until = if self.has_ended { now + ENDED_WAIT } else { self.next_timeout(now) };
        Output::Timeout(self.clock.to_caller(until))
    }

    fn advance(&mut self, now: Time) -> Time {
        let (now, slept) = self.clock.advance(now);
        if slept {
            self.excuse_members(now);
        }
        now
    }

    /// Sends our announce and a heartbeat to all.
    fn announce_to_all(&mut self, now: Time) {
        self.core.out.send(Recipient::All, self.core.announce.clone());
        let asks = self.asks_who_is_there(now);
        self.send_heartbeat(Recipient::All, asks, now);
    }

    /// Begins a new session, as our member id belongs to another session.
    fn restart(&mut self, now: Time, rng: &mut impl CryptoRng) -> Result<(), GroupError> {
        let key = IdentityKey::from_seed(self.core.key.expose_seed());
        let key = key.map_err(|_| GroupError::NoRandomness)?;
        let config = self.core.config.clone();
        let (core, prekeys) = enter(config, key, self.core.joined_at + 1, now, rng)?;
        if self.owner_of(core.session).is_some() {
            return Err(GroupError::InUse);
        }
        let base_key = own::draw(core.config.suite, rng).ok_or(GroupError::NoRandomness)?;
        self.core.send(Recipient::All, &Body::Leave);
        let out = core::mem::take(&mut self.core.out);
        let old = core::mem::replace(&mut self.core, Core { out, ..core });
        self.departed.push(own_session(&old, now));
        let (own, base_key) = OwnKeys::new(&self.core, base_key);
        (self.own, self.prekeys) = (own, prekeys);
        self.heartbeats = OwnHeartbeats::default();
        let us = Party { identity: self.core.identity(), session: self.core.session };
        self.verifications = GroupVerifications::new(self.core.group, us);
        for member in self.members.values_mut() {
            member.delivered = crate::members::member::Delivered::default();
            member.retain_unacknowledged(&[]);
        }
        self.refusers.clear();
        self.away.restart();
        (self.joined_at, self.restarted_at) = (now, Some(now));
        self.restarts += 1;
        let member = self.core.member_id();
        self.core.change_keys(crate::KeyChange::Restart { member, base_key });
        self.core.event(crate::Event::SessionChanged(self.core.session));
        self.refresh_roster(now);
        self.announce_to_all(now);
        self.schedule_delivery(now);
        Ok(())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("session", &self.core.session)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Creates a session of ours with its first prekey.
fn enter(
    config: Config,
    key: IdentityKey,
    not_before: u64,
    now: Time,
    rng: &mut impl CryptoRng,
) -> Result<(Core, Prekeys), GroupError> {
    if !config.kem.is_built() {
        return Err(GroupError::OtherKem);
    }
    let prekeys = Prekeys::new(config.kem, config.policy.prekey_life, now, rng);
    let prekeys = prekeys.ok_or(GroupError::NoRandomness)?;
    let group = message::group_hash(&config.group_id);
    let calendar = Duration::from_secs(config.started_at).saturating_add(now.since_start()).as_millis();
    let joined_at = u64::try_from(calendar).unwrap_or(u64::MAX).max(not_before);
    let announce = Announce {
        joined_at,
        media_suite: config.suite.id(),
        kem: config.kem,
        role: config.role,
        identity: key.public(),
        prekey: prekeys.newest().1.to_vec(),
        versions: alloc::vec![message::VERSION],
        address: config.address.clone(),
        credential: config.credential.clone(),
        extensions: Vec::new(),
    };
    let (session, announce) = message::sign_announce(&group, announce, &key);
    let announce_hash = Announce::hash_of(&group, &announce);
    let out = Outbox::default();
    Ok((Core { group, session, key, announce, announce_hash, joined_at, config, out }, prekeys))
}

/// Our previous session, as a departed one.
fn own_session(core: &Core, now: Time) -> crate::members::departed::DepartedSession {
    crate::members::departed::DepartedSession {
        session: core.session,
        status: message::Status::Replaced,
        at: now,
        identity: core.identity(),
        permission: core.config.permission,
        was_live: true,
        address: core.config.address.as_slice().into(),
        announce: Some(core.announce.as_slice().into()),
        proof: None,
        answered_at: None,
        is_hearsay: false,
    }
}

/// `time`, ±50 %.
fn jitter(time: Duration, rng: &mut impl CryptoRng) -> Duration {
    time / 2 + time * u32::from(crate::randomness::public_number(rng)) / u32::from(u16::MAX)
}
