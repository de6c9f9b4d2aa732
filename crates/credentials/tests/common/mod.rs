//! Helpers for the tests of all judges.
#![expect(clippy::panic, reason = "a test")]
#![allow(dead_code, reason = "each test uses a part")]

use sealframe_credentials::{Judge, Refusal, Verified};
use sealframe_testkit::credentials::Accepted;

/// The name of a refusal in the vectors.
pub(crate) fn name_of(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Checks that a verdict is the one in its vector.
pub(crate) fn check(
    case: &str,
    verdict: Result<Verified, Refusal>,
    accepted: Option<&Accepted>,
    refusal: Option<&str>,
) {
    match (verdict, accepted, refusal) {
        (Ok(Verified { user, expires_at, names_call }), Some(accepted), None) => {
            assert_eq!(user, accepted.user, "{case}");
            assert_eq!(expires_at, accepted.expires_at, "{case}");
            assert_eq!(names_call, accepted.names_call, "{case}");
        }
        (Err(told), None, Some(refusal)) => assert_eq!(name_of(&told), refusal, "{case}"),
        (verdict, accepted, refusal) => panic!("{case}: {verdict:?}, not {accepted:?}{refusal:?}"),
    }
}

/// Checks that every change of a byte, in several ways, and every truncation is refused without a
/// panic. Returns how many were tried.
pub(crate) fn refuses_all_changed(
    judge: &impl Judge,
    identity: &[u8; 32],
    group_id: &[u8],
    credential: &[u8],
    now: u64,
) -> usize {
    let mut tried = 0;
    let mut refused = |changed: &[u8], what: &str| {
        let verdict = judge.judge(identity, group_id, changed, now);
        assert!(verdict.is_err(), "{what}: {verdict:?}");
        tried += 1;
    };
    assert!(judge.judge(identity, group_id, credential, now).is_ok());
    for place in 0..credential.len() {
        let mut changed = credential.to_vec();
        for flip in [0x01, 0x80, 0xff] {
            changed[place] = credential[place] ^ flip;
            refused(&changed, &format!("byte {place} with {flip:02x}"));
        }
        refused(&credential[..place], &format!("cut to {place}"));
    }
    for more in [&b"\0"[..], b" ", b"\n", b".", b"="] {
        refused(&[credential, more].concat(), "longer");
    }
    tried
}
