//! All SAS verifications of one call.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::{fmt, time::Duration};

use rand_core::CryptoRng;

use super::{
    Party, Sas, SasError, SasMessage, Stage,
    sas_exchange::{Between, SasExchange},
};
use crate::{Identity, SessionId, Time, randomness, sorted::SortedMap};

/// Time limit of a verification from its first message.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum number of failed verifications with one identity in one call.
const MAX_FAILED: usize = 3;
/// Number of starts noted for each identity, so that a server cannot replay one.
const KNOWN_STARTS: usize = 8;

/// The SAS verifications of one member in one call, at most one at a time with each session.
///
/// One side calls [`start`](Self::start). Each message then goes to the other side's
/// [`receive`](Self::receive), after its signature was verified, and each answer is signed and sent
/// back, until both sides have an SAS to [compare](SasEvent::Compare). Both people decide whether
/// they match: [`confirm`](Self::confirm) or [`cancel`](Self::cancel).
///
/// An attacker in between that substitutes keys has one guess for each verification, with a
/// probability of 2^-42. After three verifications that failed once the other side had answered, no
/// more are allowed with that identity in this call. A repeated message changes nothing, so a
/// message that may be lost can be resent. Any other error ends the verification; the next one has
/// another id.
///
/// Secrets are wiped when a verification ends. About 200 bytes are kept for each identity that took
/// part in one.
///
/// Source: PROTOCOL.md §7.
pub struct SasVerifications {
    group_hash: [u8; 32],
    us: Party,
    open: SortedMap<SessionId, Box<Open>>,
    past: SortedMap<Identity, Past>,
}

struct Open {
    check: SasExchange,
    until: Time,
}

#[derive(Default)]
struct Past {
    failed: usize,
    starts: VecDeque<[u8; 16]>,
}

/// The result of a message or of a person's decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct SasProgress {
    /// A message for the other side.
    pub send: Option<SasMessage>,
    /// An event for the person on this side.
    pub event: Option<SasEvent>,
}

/// A change in a verification that the person should see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new variant must break every match")]
pub enum SasEvent {
    /// The other side started a verification. One that we started, and it had not answered, is
    /// dropped.
    Started,
    /// Compare this SAS. Both sides see the same, unless an attacker is in between.
    Compare(Sas),
    /// Both people confirmed: the other side's identity is verified.
    Verified,
    /// The verification failed.
    Failed(SasError),
}

impl SasVerifications {
    /// The verifications of the member `us` in the call with this `group_hash` (PROTOCOL.md §1).
    #[must_use]
    pub fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { group_hash, us, open: SortedMap::new(), past: SortedMap::new() }
    }

    /// Starts a verification with `them` and returns the message for them. `now` is a time on any
    /// monotonic clock.
    ///
    /// # Errors
    /// [`SasError::AlreadyOpen`], [`SasError::TooMany`] or [`SasError::NoRandomness`]; nothing has
    /// changed.
    pub fn start(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        now: Time,
    ) -> Result<SasMessage, SasError> {
        if self.open.contains_key(&them.session) {
            return Err(SasError::AlreadyOpen);
        }
        if self.is_exhausted(&them) {
            return Err(SasError::TooMany);
        }
        let mut check = [0; 16];
        if !randomness::fill(rng, &mut check) {
            return Err(SasError::NoRandomness);
        }
        let started = SasExchange::start(self.between(check, them), rng);
        let (check, start) = started.ok_or(SasError::NoRandomness)?;
        self.insert_open(check, now);
        Ok(start)
    }

    /// Handles a message from `them`. The caller has verified its signature, and that its target is
    /// us.
    ///
    /// A message that belongs to no open verification is ignored; while one is open, another start
    /// is rejected. If both sides start at once, the verification of the lower session id
    /// continues.
    pub fn receive(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        message: &SasMessage,
        now: Time,
    ) -> SasProgress {
        let open = self.open.remove(&them.session);
        match open {
            Some(open) if open.check.is(message.check, &them) => {
                let Open { check, until } = *open;
                if now < until {
                    return self.advance(check, until, message);
                }
                let send = Some(self.end(check));
                SasProgress { send, event: Some(SasEvent::Failed(SasError::TimedOut)) }
            }
            open if message.stage == Stage::Start => self.on_start(rng, them, message, open, now),
            open => self.restore(them, open, None),
        }
    }

    /// Notes that our person confirmed that the emoji match.
    ///
    /// # Errors
    /// [`SasError::NotOpen`], [`SasError::NothingToCompare`] or, until [`expire`](Self::expire)
    /// ends it, [`SasError::TimedOut`]; nothing has changed.
    pub fn confirm(&mut self, session: SessionId, now: Time) -> Result<SasProgress, SasError> {
        let open = self.open.get_mut(&session).ok_or(SasError::NotOpen)?;
        if now >= open.until {
            return Err(SasError::TimedOut);
        }
        let send = Some(open.check.confirm().ok_or(SasError::NothingToCompare)?);
        let verified = open.check.is_verified();
        if verified {
            self.open.remove(&session);
        }
        Ok(SasProgress { send, event: verified.then_some(SasEvent::Verified) })
    }

    /// Cancels the verification, as the emoji differ or our person gave up. Returns the message for
    /// the other side; `None` if no verification with this member is open.
    pub fn cancel(&mut self, session: SessionId) -> Option<SasMessage> {
        let open = self.open.remove(&session)?;
        Some(self.end(open.check))
    }

    /// Ends verifications that timed out. Returns each session with the message for it.
    pub fn expire(&mut self, now: Time) -> Vec<(SessionId, SasMessage)> {
        let late = self.open.iter().filter(|(_, open)| now >= open.until);
        let late: Vec<SessionId> = late.map(|(&session, _)| session).collect();
        late.into_iter().filter_map(|one| Some((one, self.cancel(one)?))).collect()
    }

    /// When to call [`expire`](Self::expire) next.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Time> {
        self.open.values().map(|open| open.until).min()
    }

    /// The SAS that is being compared with this member.
    #[must_use]
    pub fn sas(&self, session: SessionId) -> Option<Sas> {
        self.open.get(&session)?.check.sas()
    }

    fn between(&self, check: [u8; 16], them: Party) -> Between {
        Between { group_hash: self.group_hash, check, us: self.us, them }
    }

    /// Whether no more verifications are allowed. Open ones count, because they may fail too; an
    /// identity may have several sessions in the call.
    fn is_exhausted(&self, them: &Party) -> bool {
        let failed = self.past.get(&them.identity).map_or(0, |past| past.failed);
        let open = self.open.values().map(|open| open.check.between().them.identity);
        open.filter(|identity| *identity == them.identity).count() + failed >= MAX_FAILED
    }

    fn insert_open(&mut self, check: SasExchange, now: Time) {
        let until = now + TIMEOUT;
        self.open.insert(check.between().them.session, Box::new(Open { check, until }));
    }

    /// Handles a start by the other side, while `open` may be a verification with it.
    fn on_start(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        message: &SasMessage,
        open: Option<Box<Open>>,
        now: Time,
    ) -> SasProgress {
        let starts = &mut self.past.get_or_default(them.identity).starts;
        if starts.contains(&message.check) {
            return self.restore(them, open, None);
        }
        if starts.len() >= KNOWN_STARTS {
            starts.pop_front();
        }
        starts.push_back(message.check);
        let ours = open.as_ref().and_then(|open| open.check.unanswered());
        if self.is_exhausted(&them) || (open.is_some() && ours.is_none()) {
            return self.restore(them, open, Some(SasMessage::cancel(message.check)));
        }
        if ours.is_some() && self.us.session < them.session {
            return self.restore(them, open, ours); // our start may have been lost
        }
        let replied = SasExchange::reply(self.between(message.check, them), message.data, rng);
        let Some((check, reply)) = replied else {
            return self.restore(them, open, Some(SasMessage::cancel(message.check)));
        };
        self.insert_open(check, now);
        SasProgress { send: Some(reply), event: Some(SasEvent::Started) }
    }

    /// Restores the open verification unchanged.
    fn restore(
        &mut self,
        them: Party,
        open: Option<Box<Open>>,
        send: Option<SasMessage>,
    ) -> SasProgress {
        if let Some(open) = open {
            self.open.insert(them.session, open);
        }
        SasProgress { send, event: None }
    }

    fn advance(&mut self, check: SasExchange, until: Time, message: &SasMessage) -> SasProgress {
        let (them, before) = (check.between().them, check.sas());
        let unanswered = check.unanswered().is_some();
        let (check, send) = match check.receive(message) {
            Ok(next) => next,
            Err(error) => {
                let cancelled = error == SasError::Cancelled;
                self.count(&them, unanswered && cancelled);
                let send = (!cancelled).then(|| SasMessage::cancel(message.check));
                return SasProgress { send, event: Some(SasEvent::Failed(error)) };
            }
        };
        let event = match check.sas() {
            Some(_) if check.is_verified() => Some(SasEvent::Verified),
            Some(sas) if before.is_none() => Some(SasEvent::Compare(sas)),
            Some(_) | None => None,
        };
        if event != Some(SasEvent::Verified) {
            self.open.insert(them.session, Box::new(Open { check, until }));
        }
        SasProgress { send, event }
    }

    fn end(&mut self, check: SasExchange) -> SasMessage {
        self.count(&check.between().them, check.unanswered().is_some());
        SasMessage::cancel(check.between().check)
    }

    /// Counts a failed verification, unless the other side had not answered it.
    fn count(&mut self, them: &Party, unanswered: bool) {
        if !unanswered {
            self.past.get_or_default(them.identity).failed += 1;
        }
    }
}

impl fmt::Debug for SasVerifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasVerifications").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
