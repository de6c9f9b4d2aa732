//! The primitives of the key management, each measured alone.

use core::hint::black_box;

use sealframe::{
    BaseKey,
    group::{
        IdentityKey, Kem, KemSecret, SessionId,
        message::{self, Body, Message},
        wrap,
    },
};
use sealframe_testkit::random::Random;

use crate::{SUITE, groups::processor_time, turns::as_f64};

/// The length of the data that a key's encryption is bound to: the protocol's `entry_info` and an
/// update's header.
const INFO: [u8; 185] = [1; 185];
const HEADER: [u8; 60] = [2; 60];

/// Microseconds of processor time.
#[derive(Clone, Copy, Debug)]
pub struct Primitives {
    /// HPKE: a base key to one holder.
    pub seal: f64,
    pub open: f64,
    /// Ed25519.
    pub sign: f64,
    pub verify: f64,
}

impl Primitives {
    pub fn measure(kem: Kem) -> Self {
        let mut rng = Random::new(1);
        let (secret, public) = KemSecret::generate(kem, &mut rng).unwrap();
        let base_key = BaseKey::from_bytes(SUITE, &[3; 32]).unwrap();
        let mut wrapped = || wrap(kem, &public, &base_key, &INFO, &HEADER, &mut rng).unwrap();
        let (enc, ciphertext) = wrapped();
        let key = IdentityKey::generate(&mut Random::new(2)).unwrap();
        let identity = key.public();
        let (group, session) = ([4; 32], SessionId::default());
        let leave = message::sign(&group, session, &Body::Leave, &key);
        let parsed = Message::parse(&leave).unwrap();
        Self {
            seal: least(|| drop(black_box(wrapped()))),
            open: least(|| {
                drop(black_box(secret.unwrap(SUITE, &enc, &ciphertext, &INFO, &HEADER).unwrap()));
            }),
            sign: least(|| drop(black_box(message::sign(&group, session, &Body::Leave, &key)))),
            verify: least(|| assert!(parsed.is_signed_by(&group, black_box(&identity)))),
        }
    }

    /// Milliseconds of one member when one of `n` leaves: it signs and encrypts one update, and
    /// verifies and opens those of all others.
    pub fn of_a_leave(&self, n: usize) -> f64 {
        let others = as_f64(n.saturating_sub(2));
        (self.sign + others * (self.seal + self.open + self.verify)) / 1000.0
    }
}

/// Microseconds of one: the minimum of several batches, because disturbances only add time.
fn least(mut work: impl FnMut()) -> f64 {
    const BATCHES: usize = 20;
    const TIMES: usize = 50;
    let mut least = f64::INFINITY;
    for _ in 0..BATCHES {
        let start = processor_time();
        for _ in 0..TIMES {
            work();
        }
        let took = processor_time() - start;
        least = least.min(took.as_secs_f64() * 1e6 / as_f64(TIMES));
    }
    least
}
