//! All emoji checks of one call.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::{fmt, time::Duration};

use rand_core::CryptoRng;

use super::{
    Party, Sas, SasError, SasMessage, Stage,
    sas_exchange::{Between, SasExchange},
};
use crate::{Identity, SessionId, Time, randomness, sorted::SortedMap};

/// From the first message on.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Failed checks with one identity in one call.
const MAX_FAILED: usize = 3;
/// Their newest starts, so that a server can't play one again.
const KNOWN_STARTS: usize = 8;

/// The emoji checks of one member of one call, at most one at a time with each session.
///
/// One side calls [`start`](Self::start). From then on each message goes to [`receive`](Self::receive) of the
/// other side, after its signature was verified, and what comes back goes out, signed, until both have a row to
/// [compare](SasEvent::Compare). Both people say whether the rows are the same:
/// [`confirm`](Self::confirm) or [`cancel`](Self::cancel).
///
/// Somebody in between who substitutes keys has one guess for each check, right once in 2^42. After three
/// checks that failed after the other side had sent something, there are no more with that identity in this
/// call. A message that comes twice changes nothing, so one that may be lost can be sent again; a check that
/// went wrong in any other way is over, and the next has another number.
///
/// Secrets are wiped when a check ends. Of the past it keeps some 200 bytes for each identity that checks were
/// made with.
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

/// What came of a message or of a person's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct SasProgress {
    /// For the other side.
    pub send: Option<SasMessage>,
    /// For the person on this side.
    pub event: Option<SasEvent>,
}

/// What a person wants to know of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum SasEvent {
    /// The other side began one. One that we began, and it had not answered, is dropped.
    Begun,
    /// Both see this row, if nobody stands between them.
    Compare(Sas),
    /// Both confirmed: the other side's identity is verified.
    Verified,
    /// It is over.
    Failed(SasError),
}

impl SasVerifications {
    /// Those of the member `us` in the call with this `group_hash` (PROTOCOL.md §1).
    #[must_use]
    pub fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { group_hash, us, open: SortedMap::new(), past: SortedMap::new() }
    }

    /// Begins a check with `them`; the message is for them. `now` is on any clock that does not go back.
    ///
    /// # Errors
    /// [`SasError::AlreadyOpen`], [`SasError::TooMany`] or [`SasError::NoRandomness`]; nothing has changed.
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
        self.keep(check, now);
        Ok(start)
    }

    /// Takes a message from `them`, whose signature and whose target, us, the caller has verified.
    ///
    /// What belongs to no open check is ignored; while one is open, another start is refused. If both begin at
    /// once, the check of the lower session id goes on.
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
                    return self.go_on(check, until, message);
                }
                let send = Some(self.end(check));
                SasProgress { send, event: Some(SasEvent::Failed(SasError::TimedOut)) }
            }
            open if message.stage == Stage::Start => self.begun(rng, them, message, open, now),
            open => self.go_back(them, open, None),
        }
    }

    /// Our person says that the rows are the same.
    ///
    /// # Errors
    /// [`SasError::NotOpen`], [`SasError::NothingToCompare`] or, until [`expire`](Self::expire) ends it,
    /// [`SasError::TimedOut`]; nothing has changed.
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

    /// Our person says that the rows differ, or gives up. The message is for the other side; `None`: no check
    /// with this member is open.
    pub fn cancel(&mut self, session: SessionId) -> Option<SasMessage> {
        let open = self.open.remove(&session)?;
        Some(self.end(open.check))
    }

    /// Ends what has taken too long: with whom, and what to tell them.
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

    /// The row that is being compared with this member.
    #[must_use]
    pub fn sas(&self, session: SessionId) -> Option<Sas> {
        self.open.get(&session)?.check.sas()
    }

    fn between(&self, check: [u8; 16], them: Party) -> Between {
        Between { group_hash: self.group_hash, check, us: self.us, them }
    }

    /// Each open check may fail too; an identity may be in the call with several sessions.
    fn is_exhausted(&self, them: &Party) -> bool {
        let failed = self.past.get(&them.identity).map_or(0, |past| past.failed);
        let open = self.open.values().map(|open| open.check.between().them.identity);
        open.filter(|identity| *identity == them.identity).count() + failed >= MAX_FAILED
    }

    fn keep(&mut self, check: SasExchange, now: Time) {
        let until = now + TIMEOUT;
        self.open.insert(check.between().them.session, Box::new(Open { check, until }));
    }

    /// They begin a check, while `open` may be one.
    fn begun(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        message: &SasMessage,
        open: Option<Box<Open>>,
        now: Time,
    ) -> SasProgress {
        let starts = &mut self.past.get_or_default(them.identity).starts;
        if starts.contains(&message.check) {
            return self.go_back(them, open, None);
        }
        if starts.len() >= KNOWN_STARTS {
            starts.pop_front();
        }
        starts.push_back(message.check);
        let ours = open.as_ref().and_then(|open| open.check.unanswered());
        if self.is_exhausted(&them) || (open.is_some() && ours.is_none()) {
            return self.go_back(them, open, Some(SasMessage::cancel(message.check)));
        }
        if ours.is_some() && self.us.session < them.session {
            return self.go_back(them, open, ours); // they may not have heard of it
        }
        let replied = SasExchange::reply(self.between(message.check, them), message.data, rng);
        let Some((check, reply)) = replied else {
            return self.go_back(them, open, Some(SasMessage::cancel(message.check)));
        };
        self.keep(check, now);
        SasProgress { send: Some(reply), event: Some(SasEvent::Begun) }
    }

    /// What was open stays as it was.
    fn go_back(
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

    fn go_on(&mut self, check: SasExchange, until: Time, message: &SasMessage) -> SasProgress {
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
            _ => None,
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

    /// A check failed; it counts unless they had not answered it.
    fn count(&mut self, them: &Party, unanswered: bool) {
        if !unanswered {
            self.past.get_or_default(them.identity).failed += 1;
        }
    }
}

impl fmt::Debug for SasVerifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
