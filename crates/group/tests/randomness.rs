//! Only zeros are rejected as randomness and as keys, and empty user ids as names.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use core::{convert::Infallible, time::Duration};

use sealframe_crypto::{BaseKey, CipherSuite};
use sealframe_group::{
    Config, EmptyUserId, Group, GroupError, IdentityKey, Kem, KemError, KemSecret, KeyChange, Output,
    Permission, Policy, Reason, Role, SessionId, Time, UserId, WeakKey, rand_core,
    verification::{Party, SasError, SasVerifications, TrustBytesError, TrustStore},
    wrap,
};
use sealframe_testkit::random::Random;

const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// A generator that works for this many bytes, then returns zeros.
struct Failing {
    works: Random,
    bytes: usize,
}

impl Failing {
    const fn after(bytes: usize) -> Self {
        Self { works: Random::new(7), bytes }
    }
}

impl rand_core::TryRng for Failing {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        if self.bytes > 0 {
            self.bytes = self.bytes.saturating_sub(bytes.len());
            self.works.try_fill_bytes(bytes)?;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Failing {}

fn enter(rng: &mut Failing) -> Result<(Group, BaseKey), GroupError> {
    let config = Config {
        group_id: b"call".to_vec(),
        kem: Kem::X25519,
        suite: SUITE,
        address: b"1".to_vec(),
        role: Role::Participant,
        permission: Permission::None,
        credential: b"alice".to_vec(),
        sends: true,
        started_at: 0,
        policy: Policy::default(),
    };
    let key = IdentityKey::from_seed(&[1; 32]).unwrap();
    Group::new(config, key, TrustStore::new(), Time::START, rng)
}

#[test]
fn an_identity_key_of_zeros_is_rejected() {
    let zeros = Some(WeakKey::Zeros);
    assert_eq!(IdentityKey::generate(&mut Failing::after(0)).err(), zeros);
    assert_eq!(IdentityKey::from_seed(&[0; 32]).err(), zeros);
    let mut seed = [0; 32];
    seed[31] = 1;
    assert_eq!(IdentityKey::from_seed(&seed).unwrap().expose_seed(), &seed);
    assert!(IdentityKey::generate(&mut Failing::after(1)).is_ok());
}

#[test]
fn no_call_is_joined_without_randomness() {
    // Prekey and base key are drawn; the generator fails in either.
    let mut refused = 0;
    for bytes in 0..300 {
        match enter(&mut Failing::after(bytes)) {
            Ok(_) => break,
            Err(error) => {
                assert!(matches!(error, GroupError::NoRandomness), "{bytes}: {error:?}");
                refused += 1;
            }
        }
    }
    assert!((33..=64).contains(&refused), "{refused}");
}

#[test]
fn keys_are_not_encrypted_without_randomness() {
    for kem in [Kem::X25519, Kem::XWing] {
        assert_eq!(KemSecret::generate(kem, &mut Failing::after(0)).err(), Some(KemError));
        let (_, public) = KemSecret::generate(kem, &mut Failing::after(32)).unwrap();
        let key = BaseKey::from_bytes(SUITE, &[5; 32]).unwrap();
        let wrapped = |bytes| wrap(kem, &public, &key, b"info", b"aad", &mut Failing::after(bytes));
        assert_eq!(wrapped(0).err(), Some(KemError), "{kem:?}");
        assert!(wrapped(1000).is_ok(), "{kem:?}");
    }
}

#[test]
fn a_generation_waits_for_randomness() {
    let (mut group, _) = enter(&mut Failing::after(1000)).unwrap();
    let mut now = Time::at(Duration::from_secs(1));
    group.rekey(Reason::Suspicion, now);
    let mut rekeyed = |bytes: usize, now: Time| {
        let rng = &mut Failing::after(bytes);
        for _ in 0..100 {
            match group.poll(now, rng) {
                Output::Keys(KeyChange::Rekey { base_key, .. }) => {
                    assert!(base_key.expose_bytes().iter().any(|&byte| byte != 0));
                    return true;
                }
                Output::Timeout(until) => {
                    assert!(until > now, "the timeout is in the future");
                    return false;
                }
                Output::Send { .. } | Output::Keys(_) | Output::Event(_) => {}
            }
        }
        panic!("no end");
    };
    for _ in 0..3 {
        assert!(!rekeyed(0, now));
        now += Duration::from_secs(1);
    }
    assert!(rekeyed(1000, now), "as soon as there is randomness");
}

#[test]
fn no_verification_starts_without_randomness() {
    let party = |number| Party {
        identity: IdentityKey::from_seed(&[number; 32]).unwrap().public(),
        session: SessionId([number; 16]),
    };
    for bytes in [0, 16] {
        let mut checks = SasVerifications::new([9; 32], party(1));
        let started = checks.start(&mut Failing::after(bytes), party(2), Time::START);
        assert_eq!(started, Err(SasError::NoRandomness), "{bytes}");
        // No verification is open, so another may start.
        checks.start(&mut Failing::after(1000), party(2), Time::START).unwrap();
    }
    // The side that should answer and has no randomness cancels.
    let mut ours = SasVerifications::new([9; 32], party(1));
    let start = ours.start(&mut Failing::after(1000), party(2), Time::START).unwrap();
    let mut theirs = SasVerifications::new([9; 32], party(2));
    let answer = theirs.receive(&mut Failing::after(0), party(1), &start, Time::START);
    assert!(answer.event.is_none());
    let cancelled = ours.receive(&mut Failing::after(0), party(2), &answer.send.unwrap(), Time::START);
    assert!(cancelled.event.is_some());
}

#[test]
fn an_empty_user_id_is_rejected() {
    assert_eq!(UserId::new(""), Err(EmptyUserId));
    assert_eq!(UserId::new(Vec::new()), Err(EmptyUserId));
    assert_eq!(UserId::new("a").unwrap().as_bytes(), b"a");
    assert_eq!(UserId::new([0]).unwrap().as_bytes(), [0]);
    // An empty user id is not decoded from storage either.
    let mut store = TrustStore::new();
    let identity = IdentityKey::from_seed(&[1; 32]).unwrap().public();
    store.observe(&UserId::new("a").unwrap(), &identity, 5).unwrap();
    let mut bytes = store.to_bytes();
    assert_eq!(&bytes[5..8], [0, 1, b'a']);
    bytes[6] = 0;
    bytes.remove(7);
    assert_eq!(TrustStore::from_bytes(&bytes).err(), Some(TrustBytesError::Malformed));
}
