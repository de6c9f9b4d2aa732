//! The list of known identities, through the public API.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::sync::LazyLock;

use common::check;
use proptest::prelude::{any, prop, proptest};
use sealframe_credentials::{Judge, KnownIdentities, ListProblem, Listed, Refusal};
use sealframe_testkit::credentials;

#[test]
fn all_13_claims() {
    let list = credentials::all().list;
    let judge = Listed::new(list.text.parse().unwrap());
    for case in &list.cases {
        let identity = case.identity.0.clone().try_into().unwrap();
        // The verdict is the same in every call and at all times.
        for (group_id, now) in [(&b""[..], 0), (b"call", u64::MAX)] {
            let verdict = judge.judge(&identity, group_id, &case.credential, now);
            if let Some(named) = &case.named {
                let changed = Refusal::ChangedIdentity { user: named.clone() };
                assert_eq!(verdict, Err(changed), "{}", case.name);
            }
            check(&case.name, verdict, case.accepted.as_ref(), case.refusal.as_deref());
        }
    }
    assert_eq!(list.cases.len(), 13);
}

#[test]
fn a_name_with_a_strangers_key_is_refused() {
    let list = credentials::all().list;
    let judge = Listed::new(list.text.parse().unwrap());
    for case in list.cases.iter().filter(|case| case.accepted.is_some()) {
        for place in 0..32 {
            let mut another: [u8; 32] = case.identity.0.clone().try_into().unwrap();
            another[place] ^= 0x10;
            let refused = judge.judge(&another, b"call", &case.credential, 0).unwrap_err();
            let user = String::from_utf8(case.credential.0.clone()).unwrap();
            let expected = match user.is_empty() {
                true => Refusal::NotListed,
                false => Refusal::ChangedIdentity { user },
            };
            assert_eq!(refused, expected, "{}", case.name);
        }
    }
}

#[test]
fn an_invalid_list_is_reported_with_its_line() {
    let texts = credentials::all().list.no_lists;
    for text in &texts {
        let error = text.text.parse::<KnownIdentities>().unwrap_err();
        let problem = match error.problem {
            ListProblem::NoIdentity => "NoIdentity",
            ListProblem::NoName => "NoName",
            ListProblem::OfAnother => "OfAnother",
        };
        assert_eq!((error.line, problem), (text.line, &*text.problem), "{}", text.text);
    }
    assert_eq!(texts.len(), 8);
}

#[test]
fn a_list_changes_at_run_time() {
    let mut list = KnownIdentities::new();
    list.add("alice", [1; 32]).unwrap();
    list.add("alice", [1; 32]).unwrap();
    assert_eq!(list.add("bob", [1; 32]), Err(ListProblem::OfAnother));
    assert_eq!(list.add(" bob", [2; 32]), Err(ListProblem::NoName));
    assert_eq!(list.user_of(&[1; 32]), Some("alice"));
    let judge = Listed::new(list.clone());
    assert!(judge.judge(&[1; 32], b"", b"alice", 0).is_ok());
    let changed = Refusal::ChangedIdentity { user: "alice".into() };
    assert_eq!(judge.judge(&[2; 32], b"", b"alice", 0), Err(changed));
    let before = judge.revision();
    list.add("alice", [2; 32]).unwrap();
    judge.replace(list);
    assert_ne!(judge.revision(), before);
    assert!(judge.judge(&[2; 32], b"", b"alice", 0).is_ok());
    judge.replace(KnownIdentities::new());
    assert_eq!(judge.judge(&[1; 32], b"", b"alice", 0), Err(Refusal::NotListed));
}

static LIST: LazyLock<KnownIdentities> =
    LazyLock::new(|| credentials::all().list.text.parse().unwrap());

proptest! {
    #[test]
    fn any_text_is_parsed_without_a_panic(text in "\\PC{0,200}") {
        let _ = text.parse::<KnownIdentities>();
    }

    #[test]
    fn no_bytes_name_a_stranger(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let list = LIST.clone();
        assert!(Listed::new(list).judge(&[7; 32], b"", &bytes, 0).is_err());
    }
}
