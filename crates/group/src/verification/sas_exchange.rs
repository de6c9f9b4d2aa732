//! One side of an SAS exchange (PROTOCOL.md §7).

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

/// One side of an SAS verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct Party {
    /// Its identity.
    pub identity: Identity,
    /// Its session in this call.
    pub session: SessionId,
}

/// The context of an exchange: call, id and both sides.
#[derive(Clone, Copy)]
pub(super) struct Between {
    pub(super) group_hash: [u8; 32],
    pub(super) check: [u8; 16],
    pub(super) us: Party,
    pub(super) them: Party,
}

/// An open exchange. Ending it consumes it together with its secret.
pub(super) struct SasExchange {
    between: Between,
    state: State,
}

enum State {
    /// Side A, waiting for B's key.
    Started(Key),
    /// Side B, waiting for A's key. A confirmation that arrives before it is stored.
    Replied { key: Key, commitment: [u8; 32], early: Option<[u8; 32]> },
    /// Either side, once both keys and so both confirmations are known.
    Comparing(Comparing),
}

struct Comparing {
    /// The message that delivered the other side's key, to recognise a repetition.
    key_message: SasMessage,
    /// The commitment of the start that we answered, if the other side started.
    start: Option<[u8; 32]>,
    sas: Sas,
    our_confirmation: [u8; 32],
    their_confirmation: [u8; 32],
    we_confirmed: bool,
    they_confirmed: bool,
}

impl SasExchange {
    /// Side A: commits to a fresh key. `None` if there is no randomness.
    pub(super) fn start(between: Between, rng: &mut impl CryptoRng) -> Option<(Self, SasMessage)> {
        let key = Key::generate(rng)?;
        let start = between.start(&key);
        Some((Self { between, state: State::Started(key) }, start))
    }

    /// Side B: answers a commitment with a fresh key. `None` if there is no randomness.
    pub(super) fn reply(
        between: Between,
        commitment: [u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Option<(Self, SasMessage)> {
        let key = Key::generate(rng)?;
        let reply = between.message(Stage::Reply, key.public);
        Some((Self { between, state: State::Replied { key, commitment, early: None } }, reply))
    }

    /// Our start while the other side has not answered it; until then no attacker had a guess.
    pub(super) fn unanswered(&self) -> Option<SasMessage> {
        match &self.state {
            State::Started(key) => Some(self.between.start(key)),
            State::Replied { .. } | State::Comparing(_) => None,
        }
    }

    /// Handles a message of this exchange. A repeated message changes nothing.
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
                    comparing.on_confirmation(&early)?;
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
                comparing.on_confirmation(&message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Comparing(comparing), Stage::Start) => {
                same(comparing.start.ok_or(SasError::WrongStage)?, message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Comparing(comparing), stage) if stage == comparing.key_message.stage => {
                same(comparing.key_message.data, message.data)?;
                (State::Comparing(comparing), None)
            }
            (State::Started(_) | State::Replied { .. } | State::Comparing(_), _) => {
                return Err(SasError::WrongStage);
            }
        };
        Ok((Self { between, state }, answer))
    }

    /// Notes that our person confirmed. `None` if there is no SAS yet.
    pub(super) fn confirm(&mut self) -> Option<SasMessage> {
        let State::Comparing(comparing) = &mut self.state else { return None };
        comparing.we_confirmed = true;
        Some(self.between.message(Stage::Confirm, comparing.our_confirmation))
    }

    /// Whether this is the exchange with that id and side.
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

    /// Whether both people have confirmed.
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

    /// Side A's commitment to its key.
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

    /// `sides` are A and B, in that order.
    fn new(
        between: &Between,
        key: &Key,
        key_message: &SasMessage,
        [(a, key_a), (b, key_b)]: [(&Party, &[u8; 32]); 2],
    ) -> Result<Self, SasError> {
        let secret = key.secret.diffie_hellman(&PublicKey::from(key_message.data));
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
            key_message: *key_message,
            start: None,
            sas: Sas::from_bytes(expand(secret.as_bytes(), "sas", &info)),
            our_confirmation: confirmation(us, them),
            their_confirmation: confirmation(them, us),
            we_confirmed: false,
            they_confirmed: false,
        })
    }

    fn on_confirmation(&mut self, confirmation: &[u8; 32]) -> Result<(), SasError> {
        if !bool::from(self.their_confirmation.ct_eq(confirmation)) {
            return Err(SasError::WrongConfirmation);
        }
        self.they_confirmed = true;
        Ok(())
    }
}

/// A key pair for one exchange. The secret is wiped when dropped.
struct Key {
    secret: Box<StaticSecret>,
    public: [u8; 32],
}

impl Key {
    fn generate(rng: &mut impl CryptoRng) -> Option<Self> {
        let mut rng = Watched::new(rng);
        let secret = Box::new(StaticSecret::random_from_rng(&mut rng));
        let public = PublicKey::from(&*secret).to_bytes();
        rng.is_valid().then_some(Self { secret, public })
    }
}

fn same(known: [u8; 32], came: [u8; 32]) -> Result<(), SasError> {
    if known == came { Ok(()) } else { Err(SasError::Changed) }
}
