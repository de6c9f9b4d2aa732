//! The trust store.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealframe_group::{
    Identity, UserId,
    verification::{TrustBytesError, TrustError, TrustStore, VerificationState},
};

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

const FIRST: Identity = Identity([1; 32]);
const SECOND: Identity = Identity([2; 32]);

#[test]
fn a_user_is_new_then_known_then_verified() {
    let mut store = TrustStore::new();
    assert_eq!(store.state_of(&alice(), &FIRST), VerificationState::New);
    assert_eq!(store.observe(&alice(), &FIRST, 100), Ok(VerificationState::New));
    assert_eq!(store.observe(&alice(), &FIRST, 200), Ok(VerificationState::Known));
    assert_eq!(store.seen(&alice()), Some((100, 200)));
    assert_eq!(store.mark_verified(&alice(), &FIRST, 300), Ok(()));
    assert_eq!(store.observe(&alice(), &FIRST, 250), Ok(VerificationState::Verified));
    assert_eq!(store.seen(&alice()), Some((100, 300)));
}

#[test]
fn a_changed_identity_stays_changed_until_it_is_accepted() {
    for was_verified in [false, true] {
        let mut store = TrustStore::new();
        store.observe(&alice(), &FIRST, 1).unwrap();
        if was_verified {
            store.mark_verified(&alice(), &FIRST, 2).unwrap();
        }
        let before = store.clone();
        let changed = VerificationState::Changed { was_verified };
        assert_eq!(store.state_of(&alice(), &SECOND), changed);
        for now in 3..6 {
            assert_eq!(store.observe(&alice(), &SECOND, now), Ok(changed));
        }
        assert_eq!(store.mark_verified(&alice(), &SECOND, 6), Err(TrustError::Changed));
        assert_eq!(store, before);

        assert_eq!(store.accept_change(&alice(), &SECOND, 7), Ok(()));
        assert_eq!(
            store.state_of(&alice(), &SECOND),
            VerificationState::Known,
            "accepted is not verified"
        );
        assert_eq!(
            store.state_of(&alice(), &FIRST),
            VerificationState::Changed { was_verified: false }
        );
        assert_eq!(store.mark_verified(&alice(), &SECOND, 8), Ok(()));
        assert_eq!(store.accept_change(&alice(), &SECOND, 9), Ok(()));
        assert_eq!(
            store.state_of(&alice(), &SECOND),
            VerificationState::Verified,
            "no change, nothing lost"
        );
    }
}

#[test]
fn a_forgotten_user_is_new() {
    let mut store = TrustStore::new();
    assert_eq!(store.accept_change(&alice(), &FIRST, 1), Err(TrustError::Unknown));
    store.mark_verified(&alice(), &FIRST, 1).unwrap();
    assert!(store.forget(&alice()));
    assert!(!store.forget(&alice()));
    assert_eq!(store.state_of(&alice(), &SECOND), VerificationState::New);
    assert_eq!(store.seen(&alice()), None);
}

#[test]
fn a_full_store_evicts_the_oldest_unverified_user_only() {
    let user = |number: usize| UserId::new(number.to_be_bytes()).unwrap();
    let mut store = TrustStore::new();
    for number in 0..TrustStore::CAPACITY {
        store.observe(&user(number), &FIRST, 1000 + number as u64).unwrap();
    }
    store.mark_verified(&user(0), &FIRST, 1).unwrap();
    store.observe(&user(1), &FIRST, 1_000_000).unwrap();
    assert_eq!(store.observe(&alice(), &FIRST, 2), Ok(VerificationState::New));
    assert_eq!(store.len(), TrustStore::CAPACITY);
    assert_eq!(store.state_of(&user(0), &FIRST), VerificationState::Verified);
    assert_eq!(store.state_of(&user(1), &FIRST), VerificationState::Known);
    assert_eq!(store.state_of(&user(2), &FIRST), VerificationState::New);
    assert_eq!(store.state_of(&alice(), &FIRST), VerificationState::Known);

    store.observe(&user(2), &FIRST, 3).unwrap();
    for number in 0..TrustStore::CAPACITY {
        store.mark_verified(&user(number), &FIRST, 4).unwrap();
    }
    let before = store.clone();
    assert_eq!(store.observe(&alice(), &FIRST, 5), Err(TrustError::Full));
    assert_eq!(store.mark_verified(&alice(), &FIRST, 5), Err(TrustError::Full));
    assert_eq!(store, before);
    let mut bytes = store.to_bytes();
    assert_eq!(TrustStore::from_bytes(&bytes), Ok(store));

    let mut one_more = TrustStore::new();
    one_more.observe(&UserId::new(vec![0xff; 9]).unwrap(), &FIRST, 1).unwrap();
    bytes.extend(&one_more.to_bytes()[5..]);
    bytes[4] += 1; // of 10,000 = 0x2710
    assert_eq!(TrustStore::from_bytes(&bytes), Err(TrustBytesError::Malformed));
}

#[test]
fn a_user_id_has_at_most_512_bytes() {
    let mut store = TrustStore::new();
    let longest = UserId::new(vec![7; TrustStore::MAX_USER_ID_LEN]).unwrap();
    let longer = UserId::new(vec![7; TrustStore::MAX_USER_ID_LEN + 1]).unwrap();
    assert_eq!(store.observe(&longest, &FIRST, 1), Ok(VerificationState::New));
    assert_eq!(store.observe(&longer, &FIRST, 1), Err(TrustError::UserIdTooLong));
    assert_eq!(store.len(), 1);
    assert_eq!(TrustStore::from_bytes(&store.to_bytes()), Ok(store));
}

/// A store: version, count, then users "a" and "b" with one identity each.
fn two() -> Vec<u8> {
    let mut store = TrustStore::new();
    store.observe(&UserId::new("a").unwrap(), &FIRST, 5).unwrap();
    store.mark_verified(&UserId::new("b").unwrap(), &SECOND, 6).unwrap();
    store.to_bytes()
}

#[test]
fn the_encoding_is_as_documented() {
    let mut bytes = vec![1, 0, 0, 0, 2, 0, 1, b'a'];
    bytes.extend([1; 32]);
    bytes.push(0);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5]);
    bytes.extend([0, 1, b'b']);
    bytes.extend([2; 32]);
    bytes.push(1);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 6]);
    assert_eq!(two(), bytes);
}

#[test]
fn truncated_long_and_impossible_stores_are_rejected() {
    let good = two();
    for len in 0..good.len() {
        assert_eq!(TrustStore::from_bytes(&good[..len]), Err(TrustBytesError::Malformed));
    }
    let long = [&good[..], &[0]].concat();
    assert_eq!(TrustStore::from_bytes(&long), Err(TrustBytesError::Malformed));
    for (at, byte, error) in [
        (0, 0, TrustBytesError::UnknownVersion),
        (0, 2, TrustBytesError::UnknownVersion),
        (1, 0xff, TrustBytesError::Malformed), // more than CAPACITY
        (4, 1, TrustBytesError::Malformed),    // fewer than there are
        (4, 3, TrustBytesError::Malformed),    // more than there are
        (5, 3, TrustBytesError::Malformed),    // a user id of more than 512 bytes
        (7, b'b', TrustBytesError::Malformed), // twice the same
        (7, b'c', TrustBytesError::Malformed), // out of order
        (40, 2, TrustBytesError::Malformed),   // neither verified nor not
        (48, 6, TrustBytesError::Malformed),   // first seen after it was last seen
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(TrustStore::from_bytes(&bad), Err(error), "byte {at} = {byte}");
    }
}

/// An operation on a store and on its model.
#[derive(Clone, Copy, Debug)]
enum Act {
    See,
    MarkVerified,
    AcceptChange,
    Forget,
    StoreAndLoad,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_store_follows_its_model_and_survives_storage(
        acts in prop::collection::vec((0..5u8, 0..4u8, 0..3u8, 0..50u64), 0..60),
    ) {
        let mut store = TrustStore::new();
        let mut model: BTreeMap<u8, (u8, bool)> = BTreeMap::new();
        for (act, user, key, now) in acts {
            let (id, identity) = (UserId::new(vec![user; usize::from(user) + 1]).unwrap(), Identity([key; 32]));
            let known = model.get(&user).copied();
            let verification = match known {
                None => VerificationState::New,
                Some((known, was_verified)) if known != key => VerificationState::Changed { was_verified },
                Some((_, true)) => VerificationState::Verified,
                Some((_, false)) => VerificationState::Known,
            };
            prop_assert_eq!(store.state_of(&id, &identity), verification);
            let changed = verification.is_changed();
            let acts =
                [Act::See, Act::MarkVerified, Act::AcceptChange, Act::Forget, Act::StoreAndLoad];
            match acts[usize::from(act)] {
                Act::See => {
                    prop_assert_eq!(store.observe(&id, &identity, now), Ok(verification));
                    model.entry(user).or_insert((key, false));
                }
                Act::MarkVerified => {
                    prop_assert_eq!(store.mark_verified(&id, &identity, now).is_err(), changed);
                    if !changed {
                        model.insert(user, (key, true));
                    }
                }
                Act::AcceptChange => {
                    let done = store.accept_change(&id, &identity, now);
                    prop_assert_eq!(done.is_err(), known.is_none());
                    if changed {
                        model.insert(user, (key, false));
                    }
                }
                Act::Forget => {
                    prop_assert_eq!(store.forget(&id), model.remove(&user).is_some());
                }
                Act::StoreAndLoad => {
                    let loaded = TrustStore::from_bytes(&store.to_bytes());
                    prop_assert_eq!(loaded.as_ref(), Ok(&store));
                }
            }
            prop_assert_eq!(store.len(), model.len());
        }
    }

    #[test]
    fn any_bytes_are_a_canonical_store_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        patch in prop::collection::vec((0..105usize, any::<u8>()), 0..4),
    ) {
        let mut near = two();
        for (at, byte) in patch {
            near[at] = byte;
        }
        for bytes in [bytes, near] {
            if let Ok(store) = TrustStore::from_bytes(&bytes) {
                prop_assert_eq!(store.to_bytes(), bytes);
            }
        }
    }
}
