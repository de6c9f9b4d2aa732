//! Several judges combined, and cached verdicts.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};
use std::sync::Arc;

use sealframe_credentials::{AnyOf, Cached, Judge, KnownIdentities, Listed, Refusal, Verified};

/// Accepts credentials that begin with its byte, until a time; counts how often it is asked.
struct Counting {
    kind: u8,
    asked: AtomicUsize,
    revision: AtomicU64,
}

impl Counting {
    fn new(kind: u8) -> Arc<Self> {
        Arc::new(Self { kind, asked: AtomicUsize::new(0), revision: AtomicU64::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Judge for Counting {
    fn judge(
        &self,
        identity: &[u8; 32],
        _group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match credential {
            [kind, ..] if *kind != self.kind => Err(Refusal::NotThisKind),
            [_, until, named] if *named == identity[0] => {
                let expires_at = Some(u64::from(*until));
                if now >= u64::from(*until) {
                    return Err(Refusal::Expired);
                }
                Ok(Verified { user: format!("user {named}"), expires_at, names_call: false })
            }
            [_, _, _] => Err(Refusal::WrongIdentity),
            _ => Err(Refusal::Malformed),
        }
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

fn size(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn any_of_several_judges_accepts() {
    let [first, second] = [Counting::new(b'a'), Counting::new(b'b')];
    let mut list = KnownIdentities::new();
    list.add("alice", [1; 32]).unwrap();
    let judges = AnyOf::new().or(Arc::clone(&first)).or(Arc::clone(&second)).or(Listed::new(list));
    let judge = |credential: &[u8]| judges.judge(&[1; 32], b"", credential, 10);
    assert_eq!(judge(&[b'a', 20, 1]).unwrap().user, "user 1");
    assert_eq!((first.asked(), second.asked()), (1, 0));
    assert_eq!(judge(&[b'b', 20, 1]).unwrap().user, "user 1");
    assert_eq!(judge(b"alice").unwrap().user, "alice");
    // Of several refusals, the one of the judge whose kind matches.
    assert_eq!(judge(&[b'b', 20, 2]), Err(Refusal::WrongIdentity));
    assert_eq!(judge(&[b'b', 10, 1]), Err(Refusal::Expired));
    assert_eq!(judge(b"carol"), Err(Refusal::NotListed));
    assert_eq!(judge(b"\xff"), Err(Refusal::NotThisKind));
    assert_eq!(AnyOf::new().judge(&[1; 32], b"", b"alice", 0), Err(Refusal::NotThisKind));
    let before = judges.revision();
    second.revision.fetch_add(1, Ordering::Relaxed);
    assert_ne!(judges.revision(), before);
}

#[test]
fn a_cached_verdict_is_for_the_same_credential_identity_and_call() {
    let inner = Counting::new(b'a');
    let cached = Cached::new(Arc::clone(&inner), size(8));
    let credential = [b'a', 200, 1];
    for _ in 0..5 {
        assert!(cached.judge(&[1; 32], b"call", &credential, 10).is_ok());
    }
    assert_eq!(inner.asked(), 1);
    let mut other = [1; 32];
    other[31] = 2;
    assert!(cached.judge(&other, b"call", &credential, 10).is_ok());
    assert!(cached.judge(&[1; 32], b"another", &credential, 10).is_ok());
    assert_eq!(inner.asked(), 3);
    assert_eq!(cached.judge(&[2; 32], b"call", &credential, 10), Err(Refusal::WrongIdentity));
    assert_eq!(cached.judge(&[1; 32], b"call", &[b'a'; 4097], 10), Err(Refusal::TooLarge));
    assert_eq!(cached.len(), 3);
}

#[test]
fn a_cached_verdict_expires_with_the_credential() {
    let inner = Counting::new(b'a');
    let cached = Cached::new(Arc::clone(&inner), size(8)).with_max_age(1000);
    let judge = |now| cached.judge(&[1; 32], b"", &[b'a', 100, 1], now);
    assert!(judge(10).is_ok());
    assert!(judge(99).is_ok());
    assert_eq!(inner.asked(), 1);
    assert_eq!(judge(100), Err(Refusal::Expired));
    assert!(cached.is_empty());
    // Earlier than the verdict: the credential may not have been valid yet.
    assert!(judge(50).is_ok());
    assert!(judge(49).is_ok());
    assert_eq!(inner.asked(), 4);
}

#[test]
fn a_cached_verdict_ends_after_its_maximum_age_and_when_trust_changes() {
    let inner = Counting::new(b'a');
    let cached = Cached::new(Arc::clone(&inner), size(8)).with_max_age(30);
    let judge = |now| assert!(cached.judge(&[1; 32], b"", &[b'a', 200, 1], now).is_ok());
    judge(10);
    judge(39);
    assert_eq!(inner.asked(), 1);
    judge(40);
    assert_eq!(inner.asked(), 2);
    cached.judge_behind().revision.fetch_add(1, Ordering::Relaxed);
    judge(40);
    assert_eq!(inner.asked(), 3);
}

#[test]
fn the_cache_is_bounded_and_refusals_evict_nobody() {
    let inner = Counting::new(b'a');
    let cached = Cached::new(Arc::clone(&inner), size(3));
    for user in 1..=3 {
        assert!(cached.judge(&[user; 32], b"", &[b'a', 200, user], 10).is_ok());
    }
    for number in 0..10_000_u32 {
        let credential = [b"a".as_slice(), &number.to_be_bytes()].concat();
        assert!(cached.judge(&[9; 32], b"", &credential, 10).is_err());
    }
    let before = inner.asked();
    for user in 1..=3 {
        assert!(cached.judge(&[user; 32], b"", &[b'a', 200, user], 10).is_ok());
    }
    assert_eq!(inner.asked(), before);
    // The least recently used one is evicted.
    assert!(cached.judge(&[4; 32], b"", &[b'a', 200, 4], 10).is_ok());
    assert_eq!(cached.len(), 3);
    assert!(cached.judge(&[2; 32], b"", &[b'a', 200, 2], 10).is_ok());
    assert_eq!(inner.asked(), before + 1);
    assert!(cached.judge(&[1; 32], b"", &[b'a', 200, 1], 10).is_ok());
    assert_eq!(inner.asked(), before + 2);
}
