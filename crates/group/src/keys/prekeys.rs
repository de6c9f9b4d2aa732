//! Our prekeys. An entry for a prekey older than the last two no longer opens, even for an attacker
//! that seizes the device.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use super::kem::{Kem, KemSecret};
use crate::{Time, randomness::TRY_AGAIN};

/// One of our KEM key pairs.
struct Prekey {
    number: u16,
    secret: KemSecret,
    public: Vec<u8>,
}

pub(crate) struct Prekeys {
    kem: Kem,
    newest: Prekey,
    before: Option<Prekey>,
    next_at: Time,
}

impl Prekeys {
    /// The first prekey, number 0. `None` if there is no randomness or this build lacks the KEM.
    pub(crate) fn new(kem: Kem, life: Duration, now: Time, rng: &mut impl CryptoRng) -> Option<Self> {
        let (secret, public) = KemSecret::generate(kem, rng).ok()?;
        let newest = Prekey { number: 0, secret, public };
        Some(Self { kem, newest, before: None, next_at: now + life })
    }

    /// Number and public key of the newest prekey.
    pub(crate) fn newest(&self) -> (u16, &[u8]) {
        (self.newest.number, &self.newest.public)
    }

    /// Secret and public key of the prekey with this number, if it is still held.
    pub(crate) fn find(&self, number: u16) -> Option<(&KemSecret, &[u8])> {
        let held = [Some(&self.newest), self.before.as_ref()];
        let found = held.into_iter().flatten().find(|prekey| prekey.number == number)?;
        Some((&found.secret, &found.public))
    }

    pub(crate) const fn next_at(&self) -> Time {
        self.next_at
    }

    /// Draws a new prekey if one is due, and wipes the oldest.
    pub(crate) fn renew(&mut self, life: Duration, now: Time, rng: &mut impl CryptoRng) {
        if now < self.next_at {
            return;
        }
        let Ok((secret, public)) = KemSecret::generate(self.kem, rng) else {
            self.next_at = now + TRY_AGAIN;
            return;
        };
        let number = self.newest.number.wrapping_add(1);
        let before = core::mem::replace(&mut self.newest, Prekey { number, secret, public });
        // After a long sleep the previous prekey has expired too.
        self.before = (now < self.next_at + life).then_some(before);
        self.next_at = now + life;
    }
}
