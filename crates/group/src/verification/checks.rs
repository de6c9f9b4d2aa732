//! All emoji checks of one call.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::{fmt, time::Duration};

use rand_core::CryptoRng;

use super::{
    CheckError, CheckMessage, Party, Sas, Stage,
    check::{Between, Check},
};
use crate::{Identity, SessionId, Time, randomness};

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
/// [compare](CheckEvent::Compare). Both people say whether the rows are the same:
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
pub struct Checks {
    group_hash: [u8; 32],
    us: Party,
    open: BTreeMap<SessionId, Open>,
    past: BTreeMap<Identity, Past>,
}

struct Open {
    check: Check,
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
pub struct CheckProgress {
    /// For the other side.
    pub send: Option<CheckMessage>,
    /// For the person on this side.
    pub event: Option<CheckEvent>,
}

/// What a person wants to know of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum CheckEvent {
    /// The other side began one. One that we began, and it had not answered, is dropped.
    Begun,
    /// Both see this row, if nobody stands between them.
    Compare(Sas),
    /// Both confirmed: the other side's identity is verified.
    Verified,
    /// It is over.
    Failed(CheckError),
}

impl Checks {
    /// Those of the member `us` in the call with this `group_hash` (PROTOCOL.md §1).
    #[must_use]
    pub fn new(group_hash: [u8; 32], us: Party) -> Self {
        Self { group_hash, us, open: BTreeMap::new(), past: BTreeMap::new() }
    }

    /// Begins a check with `them`; the message is for them. `now` is on any clock that does not go back.
    ///
    /// # Errors
    /// [`CheckError::AlreadyOpen`], [`CheckError::TooMany`] or [`CheckError::NoRandomness`]; nothing has changed.
    pub fn start(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        now: Time,
    ) -> Result<CheckMessage, CheckError> {
        if self.open.contains_key(&them.session) {
            return Err(CheckError::AlreadyOpen);
        }
        if self.is_exhausted(&them) {
            return Err(CheckError::TooMany);
        }
        let mut check = [0; 16];
        if !randomness::fill(rng, &mut check) {
            return Err(CheckError::NoRandomness);
        }
        let started = Check::start(self.between(check, them), rng);
        let (check, start) = started.ok_or(CheckError::NoRandomness)?;
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
        message: &CheckMessage,
        now: Time,
    ) -> CheckProgress {
        let open = self.open.remove(&them.session);
        match open {
            Some(Open { check, until }) if check.is(message.check, &them) => {
                if now < until {
                    return self.go_on(check, until, message);
                }
                let send = Some(self.end(check));
                CheckProgress { send, event: Some(CheckEvent::Failed(CheckError::TimedOut)) }
            }
            open if message.stage == Stage::Start => self.begun(rng, them, message, open, now),
            open => self.go_back(them, open, None),
        }
    }

    /// Our person says that the rows are the same.
    ///
    /// # Errors
    /// [`CheckError::NotOpen`], [`CheckError::NothingToCompare`] or, until [`expire`](Self::expire) ends it,
    /// [`CheckError::TimedOut`]; nothing has changed.
    pub fn confirm(&mut self, session: SessionId, now: Time) -> Result<CheckProgress, CheckError> {
        let open = self.open.get_mut(&session).ok_or(CheckError::NotOpen)?;
        if now >= open.until {
            return Err(CheckError::TimedOut);
        }
        let send = Some(open.check.confirm().ok_or(CheckError::NothingToCompare)?);
        let verified = open.check.is_verified();
        if verified {
            self.open.remove(&session);
        }
        Ok(CheckProgress { send, event: verified.then_some(CheckEvent::Verified) })
    }

    /// Our person says that the rows differ, or gives up. The message is for the other side; `None`: no check
    /// with this member is open.
    pub fn cancel(&mut self, session: SessionId) -> Option<CheckMessage> {
        let open = self.open.remove(&session)?;
        Some(self.end(open.check))
    }

    /// Ends what has taken too long: with whom, and what to tell them.
    pub fn expire(&mut self, now: Time) -> Vec<(SessionId, CheckMessage)> {
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

    fn keep(&mut self, check: Check, now: Time) {
        let until = now + TIMEOUT;
        self.open.insert(check.between().them.session, Open { check, until });
    }

    /// They begin a check, while `open` may be one.
    fn begun(
        &mut self,
        rng: &mut impl CryptoRng,
        them: Party,
        message: &CheckMessage,
        open: Option<Open>,
        now: Time,
    ) -> CheckProgress {
        let starts = &mut self.past.entry(them.identity).or_default().starts;
        if starts.contains(&message.check) {
            return self.go_back(them, open, None);
        }
        if starts.len() >= KNOWN_STARTS {
            starts.pop_front();
        }
        starts.push_back(message.check);
        let ours = open.as_ref().and_then(|open| open.check.unanswered());
        if self.is_exhausted(&them) || (open.is_some() && ours.is_none()) {
            return self.go_back(them, open, Some(CheckMessage::cancel(message.check)));
        }
        if ours.is_some() && self.us.session < them.session {
            return self.go_back(them, open, ours); // they may not have heard of it
        }
        let replied = Check::reply(self.between(message.check, them), message.data, rng);
        let Some((check, reply)) = replied else {
            return self.go_back(them, open, Some(CheckMessage::cancel(message.check)));
        };
        self.keep(check, now);
        CheckProgress { send: Some(reply), event: Some(CheckEvent::Begun) }
    }

    /// What was open stays as it was.
    fn go_back(
        &mut self,
        them: Party,
        open: Option<Open>,
        send: Option<CheckMessage>,
    ) -> CheckProgress {
        self.open.extend(open.map(|open| (them.session, open)));
        CheckProgress { send, event: None }
    }

    fn go_on(&mut self, check: Check, until: Time, message: &CheckMessage) -> CheckProgress {
        let (them, before) = (check.between().them, check.sas());
        let unanswered = check.unanswered().is_some();
        let (check, send) = match check.receive(message) {
            Ok(next) => next,
            Err(error) => {
                let cancelled = error == CheckError::Cancelled;
                self.count(&them, unanswered && cancelled);
                let send = (!cancelled).then(|| CheckMessage::cancel(message.check));
                return CheckProgress { send, event: Some(CheckEvent::Failed(error)) };
            }
        };
        let event = match check.sas() {
            Some(_) if check.is_verified() => Some(CheckEvent::Verified),
            Some(sas) if before.is_none() => Some(CheckEvent::Compare(sas)),
            _ => None,
        };
        if event != Some(CheckEvent::Verified) {
            self.open.insert(them.session, Open { check, until });
        }
        CheckProgress { send, event }
    }

    fn end(&mut self, check: Check) -> CheckMessage {
        self.count(&check.between().them, check.unanswered().is_some());
        CheckMessage::cancel(check.between().check)
    }

    /// A check failed; it counts unless they had not answered it.
    fn count(&mut self, them: &Party, unanswered: bool) {
        if !unanswered {
            self.past.entry(them.identity).or_default().failed += 1;
        }
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
