//! Our freshness nonces: what was encrypted for us long ago does not open.

use core::time::Duration;

use rand_core::CryptoRng;

use crate::randomness::{self, TRY_AGAIN};

/// So many of the newest nonces open entries.
const KEPT: usize = 4;

pub(crate) struct Nonces {
    /// Newest first; those that do not exist yet repeat the first.
    kept: [Nonce; KEPT],
    next_at: Duration,
}

/// A freshness nonce and its number, which says which of several was used.
#[derive(Clone, Copy)]
pub(crate) struct Nonce {
    pub(crate) number: u8,
    pub(crate) bytes: [u8; 24],
}

impl Nonces {
    /// `None` if the generator gives nothing but zeros.
    pub(crate) fn new(life: Duration, now: Duration, rng: &mut impl CryptoRng) -> Option<Self> {
        let first = Nonce { number: 0, bytes: draw(rng)? };
        Some(Self { kept: [first; KEPT], next_at: now + life })
    }

    pub(crate) const fn newest(&self) -> Nonce {
        self.kept[0]
    }

    pub(crate) fn find(&self, number: u8) -> Option<&[u8; 24]> {
        self.kept.iter().find(|nonce| nonce.number == number).map(|nonce| &nonce.bytes)
    }

    pub(crate) const fn next_at(&self) -> Duration {
        self.next_at
    }

    pub(crate) fn renew(&mut self, life: Duration, now: Duration, rng: &mut impl CryptoRng) {
        if now >= self.next_at {
            let Some(bytes) = draw(rng) else {
                self.next_at = now + TRY_AGAIN;
                return;
            };
            self.kept.rotate_right(1);
            self.kept[0] = Nonce { number: self.kept[1].number.wrapping_add(1), bytes };
            self.next_at = now + life;
        }
    }
}

fn draw(rng: &mut impl CryptoRng) -> Option<[u8; 24]> {
    let mut bytes = [0; 24];
    randomness::fill(rng, &mut bytes).then_some(bytes)
}
