//! One emoji check, seen from one side (PROTOCOL.md §7).

use alloc::boxed::Box;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Sas, SasError, SasMessage, Stage};
use crate::{
    Identity, SessionId,
    hash::{expand, hash},
    randomness::Watched,
};

/// One of the two sides of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct Party {
    /// Who it is.
    pub identity: Identity,
    /// Its session in this call.
    pub session: SessionId,
}

/// Which check this is, and between whom.
#[derive(Clone, Copy)]
pub(super) struct Between {
    pub(super) group_hash: [u8; 32],
    pub(super) check: [u8; 16],
    pub(super) us: Party,
    pub(super) them: Party,
}

/// A check that is neither verified nor over. What ends it consumes it, and its secret with it.
pub(super) struct SasExchange {
    between: Between,
    state: State,
}

enum State {
    /// A, until B's key comes.
    Started(Key),
    /// B, until A's key comes. A confirmation that overtakes it waits.
    Replied { key: Key, commitment: [u8; 32], early: Option<[u8; 32]> },
    /// Both keys are known, and what each side will say.
    Comparing(Comparing),
}

struct Comparing {
    /// The message that brought their key, to know it again.
    brought: SasMessage,
    /// The start that we answered, if they started.
    start: Option<[u8; 32]>,
    sas: Sas,
    our_confirmation: [u8; 32],
    their_confirmation: [u8; 32],
    we_confirmed: bool,
    they_confirmed: bool,
}

impl SasExchange {
    /// A commits to a fresh key; `None` if there is no randomness.
    pub(super) fn start(between: Between, rng: &mut impl CryptoRng) -> Option<(Self, SasMessage)> {
        let key = Key::generate(rng)?;
        let start = between.start(&key);
        Some((Self { between, state: State::Started(key) }, start))
    }

    /// B answers a commitment with a fresh key; `None` if there is no randomness.
    pub(super) fn reply(
        between: Between,
        commitment: [u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Option<(Self, SasMessage)> {
        let key = Key::generate(rng)?;
        let reply = between.message(Stage::Reply, key.public);
        Some((Self { between, state: State::Replied { key, commitment, early: None } }, reply))
    }

    /// Our start, as long as they have not answered it: until then nobody had a guess.
    pub(super) fn unanswered(&self) -> Option<SasMessage> {
        match &self.state {
            State::Started(key) => Some(self.between.start(key)),
            State::Replied { .. } | State::Comparing(_) => None,
        }
    }

    /// Takes a message of this check; what comes twice changes nothing.
    pub(super) fn receive(self, message: &SasMessage) -> Result<(Self, Option<SasMessage>), SasError> {
        let Self { between, state } = self;
        let (state, answer) = match (state, message.stage) {
            (_, Stage::Cancel) => return Err(SasError::Cancelled),
            (State::Started(key), Stage::Reply) => {
                let reveal = between.message(Stage::Reveal, key.public);
                (State::Comparing(Comparing::as_starter(&between, &key, message)?), Some(reveal))
            }
            (State::Replied { key, commitment: start, early }, Stage::Reveal) => {
                let (a, b) = (between.them.session, between.us.session);
                if between.commitment(a, b, &message.data) != start {
                    return Err(SasError::WrongCommitment);
                }
                let mut comparing = Comparing::as_answerer(&between, &key, start, message)?;
                if let Some(early) = early {
                    comparing.hear(&early)?;
                }
                (State::Comparing(comparing), None)
            }
            (State::Replied { key, commitment, early }, Stage::Start) => {
                same(commitment, message.data)?;
                (State::Replied { key, commitment, early }, None)
            }
            (State::Replied { key, commitment, early }, Stage::Confirm) => {
                same(early.unwrap_or(message.data), message.data)?;
                (State::Replied { key, commitment, early: Some(message.data) }, None)
            }
            (State::Comparing(mut comparing), Stage::Confirm) => {
                comparing.hear(&message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Comparing(comparing), Stage::Start) => {
                same(comparing.start.ok_or(SasError::WrongStage)?, message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Comparing(comparing), stage) if stage == comparing.brought.stage => {
                same(comparing.brought.data, message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Started(_) | State::Replied { .. } | State::Comparing(_), _) => {
                return Err(SasError::WrongStage);
            }
        };
        Ok((Self { between, state }, answer))
    }

    /// Our person says that the rows are the same. `None`: there is no row yet.
    pub(super) fn confirm(&mut self) -> Option<SasMessage> {
        let State::Comparing(comparing) = &mut self.state else { return None };
        comparing.we_confirmed = true;
        Some(self.between.message(Stage::Confirm, comparing.our_confirmation))
    }

    /// Whether this is the check of that number with `them`.
    pub(super) fn is(&self, check: [u8; 16], them: &Party) -> bool {
        self.between.check == check && self.between.them == *them
    }

    pub(super) fn between(&self) -> &Between {
        &self.between
    }

    pub(super) fn sas(&self) -> Option<Sas> {
        match &self.state {
            State::Comparing(comparing) => Some(comparing.sas),
            State::Started(_) | State::Replied { .. } => None,
        }
    }

    /// Whether both have said that the rows are the same.
    pub(super) fn is_verified(&self) -> bool {
        matches!(
            self.state,
            State::Comparing(Comparing { we_confirmed: true, they_confirmed: true, .. })
        )
    }
}

impl Between {
    fn start(&self, key: &Key) -> SasMessage {
        let commitment = self.commitment(self.us.session, self.them.session, &key.public);
        self.message(Stage::Start, commitment)
    }

    /// A's, to its key.
    fn commitment(&self, a: SessionId, b: SessionId, key_a: &[u8; 32]) -> [u8; 32] {
        hash("sas commit", &[&self.check, &a.0, &b.0, key_a])
    }

    fn message(&self, stage: Stage, data: [u8; 32]) -> SasMessage {
        SasMessage { check: self.check, stage, data }
    }
}

impl Comparing {
    fn as_starter(between: &Between, key: &Key, reply: &SasMessage) -> Result<Self, SasError> {
        let sides = [(&between.us, &key.public), (&between.them, &reply.data)];
        Self::new(between, key, reply, sides)
    }

    fn as_answerer(
        between: &Between,
        key: &Key,
        start: [u8; 32],
        reveal: &SasMessage,
    ) -> Result<Self, SasError> {
        let sides = [(&between.them, &reveal.data), (&between.us, &key.public)];
        Ok(Self { start: Some(start), ..Self::new(between, key, reveal, sides)? })
    }

    /// `sides` are A, B.
    fn new(
        between: &Between,
        key: &Key,
        brought: &SasMessage,
        [(a, key_a), (b, key_b)]: [(&Party, &[u8; 32]); 2],
    ) -> Result<Self, SasError> {
        let secret = key.secret.diffie_hellman(&PublicKey::from(brought.data));
        if !secret.was_contributory() {
            return Err(SasError::WeakKey);
        }
        let Between { group_hash, check, us, them } = between;
        let sides: [&[u8]; 6] =
            [&a.identity.0, &a.session.0, key_a, &b.identity.0, &b.session.0, key_b];
        let [a1, a2, a3, b1, b2, b3] = sides;
        let info = [group_hash, &check[..], a1, a2, a3, b1, b2, b3];
        let confirmation = |from: &Party, to: &Party| {
            let parts: [&[u8]; 4] = [check, &from.session.0, &to.session.0, secret.as_bytes()];
            hash("sas confirm", &parts)
        };
        Ok(Self {
            brought: *brought,
            start: None,
            sas: Sas::from_bytes(expand(secret.as_bytes(), "sas", &info)),
            our_confirmation: confirmation(us, them),
            their_confirmation: confirmation(them, us),
            we_confirmed: false,
            they_confirmed: false,
        })
    }

    fn hear(&mut self, confirmation: &[u8; 32]) -> Result<(), SasError> {
        if !bool::from(self.their_confirmation.ct_eq(confirmation)) {
            return Err(SasError::WrongConfirmation);
        }
        self.they_confirmed = true;
        Ok(())
    }
}

/// A key for one check. The secret is wiped when dropped.
struct Key {
    secret: Box<StaticSecret>,
    public: [u8; 32],
}

impl Key {
    fn generate(rng: &mut impl CryptoRng) -> Option<Self> {
        let mut rng = Watched::new(rng);
        let secret = Box::new(StaticSecret::random_from_rng(&mut rng));
        let public = PublicKey::from(&*secret).to_bytes();
        rng.is_sound().then_some(Self { secret, public })
    }
}

fn same(known: [u8; 32], came: [u8; 32]) -> Result<(), SasError> {
    if known == came { Ok(()) } else { Err(SasError::Changed) }
}
