//! ID tokens made by another library, through the public API.
#![cfg(feature = "oidc")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use std::sync::LazyLock;

use common::{check, refuses_all_changed};
use proptest::prelude::{any, prop, prop_assert, proptest};
use sealframe_credentials::{
    Judge, MAX_CREDENTIAL_LENGTH, Refusal,
    oidc::{
        Binding, CallForm, KeySet, KeySetError, Lifetime, Oidc, SetupError, UserClaim, nonce,
        nonce_of_call, thumbprint,
    },
    statement,
};
use sealframe_testkit::credentials::{self, Credentials, Token};

static ALL: LazyLock<Credentials> = LazyLock::new(credentials::all);

fn key_set(all: &Credentials, name: &str) -> KeySet {
    KeySet::parse(all.key_sets[name].json.as_bytes()).unwrap()
}

fn judge_of(all: &Credentials, case: &Token) -> Oidc {
    let setup = &case.setup;
    let issuer = setup.issuer.as_ref().unwrap_or(&ALL.issuer);
    let audiences = setup.audiences.as_ref().unwrap_or(&ALL.audiences);
    let mut judge = Oidc::new(issuer, audiences.clone(), key_set(all, &case.keys)).unwrap();
    if let Some(claim) = &setup.user_claim {
        let claim = match &**claim {
            "email" => UserClaim::Email,
            other => UserClaim::Other(other.to_owned()),
        };
        judge = judge.with_user(claim).unwrap();
    }
    if let Some(bindings) = &setup.bindings {
        let bindings: Vec<Binding> = bindings
            .iter()
            .map(|name| match &**name {
                "cnf" => Binding::Confirmation,
                "nonce" => Binding::Nonce,
                other => panic!("{other}"),
            })
            .collect();
        judge = judge.with_bindings(&bindings).unwrap();
    }
    if let Some(leeway) = setup.leeway {
        judge = judge.with_leeway(leeway);
    }
    if let Some(seconds) = setup.since_issued {
        judge = judge.with_lifetime(Lifetime::SinceIssued(seconds));
    }
    if setup.any_age {
        judge = judge.with_lifetime(Lifetime::Token { max_age: None });
    }
    if let Some(claim) = &setup.call_claim {
        let form = match setup.call_form.as_deref() {
            None => CallForm::Text,
            Some("base64url") => CallForm::Base64Url,
            Some(other) => panic!("{other}"),
        };
        judge = judge.with_call_claim(claim, form).unwrap();
    }
    if setup.call_required { judge.with_call_required() } else { judge }
}

fn identity_of(case: &Token) -> [u8; 32] {
    case.identity.0.clone().try_into().unwrap()
}

fn case<'a>(all: &'a Credentials, name: &str) -> &'a Token {
    all.oidc.iter().find(|case| case.name == name).unwrap()
}

#[test]
fn all_133_tokens() {
    let all = &*ALL;
    for case in &ALL.oidc {
        let verdict = judge_of(all, case).judge(
            &identity_of(case),
            &case.group_id,
            case.credential.as_bytes(),
            case.now,
        );
        check(&case.name, verdict, case.accepted.as_ref(), case.refusal.as_deref());
    }
    assert_eq!(all.oidc.len(), 133);
    assert_eq!(all.oidc.iter().filter(|case| case.accepted.is_some()).count(), 26);
}

#[test]
fn values_derived_from_an_identity() {
    let all = &*ALL;
    for case in &ALL.derived {
        let identity = case.identity.0.clone().try_into().unwrap();
        assert_eq!(statement(&case.group_id, &identity), case.statement.0);
        assert_eq!(nonce(&identity), case.nonce);
        assert_eq!(nonce_of_call(&case.group_id, &identity), case.nonce_of_call);
        assert_eq!(thumbprint(&identity), case.thumbprint);
    }
    assert_eq!(all.derived.len(), 12);
    // RFC 8037, appendix A.3.
    assert_eq!(all.derived[9].thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn valid_and_invalid_key_sets() {
    let all = &*ALL;
    for (name, set) in &ALL.key_sets {
        assert_eq!(key_set(all, name).len(), set.usable, "{name}");
    }
    for text in &ALL.no_key_sets {
        let problem = match KeySet::parse(text.json.as_bytes()).unwrap_err() {
            KeySetError::NotAKeySet => "NotAKeySet",
            KeySetError::NoUsableKey => "NoUsableKey",
            KeySetError::TwoOfOneName { kid } => {
                assert_eq!(kid, "a");
                "TwoOfOneName"
            }
        };
        assert_eq!(problem, text.problem, "{}", text.json);
    }
    assert_eq!((all.key_sets.len(), all.no_key_sets.len()), (4, 13));
}

#[test]
fn a_copied_token_is_refused() {
    let all = &*ALL;
    let mut tried = 0;
    for case in all.oidc.iter().filter(|case| case.accepted.is_some()) {
        let judge = judge_of(all, case);
        for place in 0..32 {
            let mut another = identity_of(case);
            another[place] ^= 0x10;
            let copied = judge.judge(&another, &case.group_id, case.credential.as_bytes(), case.now);
            assert_eq!(copied, Err(Refusal::WrongIdentity), "{}", case.name);
            tried += 1;
        }
    }
    assert_eq!(tried, 26 * 32);
}

#[test]
fn a_token_for_one_call_is_refused_in_another() {
    let all = &*ALL;
    let case = case(all, "ES256, as Keycloak, for this call");
    let judge = judge_of(all, case);
    let elsewhere = judge.judge(&identity_of(case), b"another", case.credential.as_bytes(), case.now);
    assert_eq!(elsewhere, Err(Refusal::WrongIdentity));
}

#[test]
fn every_changed_byte_of_a_token_is_refused() {
    let all = &*ALL;
    let mut tried = 0;
    for name in [
        "RS256, as Google",
        "ES256, as Keycloak, for this call",
        "EdDSA with cnf.jwk",
        "no kid, one key",
    ] {
        let case = case(all, name);
        let judge = judge_of(all, case);
        let token = case.credential.as_bytes();
        tried += refuses_all_changed(&judge, &identity_of(case), &case.group_id, token, case.now);
    }
    println!("{tried} changed tokens are refused");
    assert!(tried > 10_000);
}

#[test]
fn keys_change_at_run_time() {
    let all = &*ALL;
    let case = case(all, "RS256, as Google");
    let judge = judge_of(all, case);
    let verdict =
        || judge.judge(&identity_of(case), &case.group_id, case.credential.as_bytes(), case.now);
    assert!(verdict().is_ok());
    let before = judge.revision();
    judge.replace_keys(key_set(all, "one_key"));
    assert_eq!(verdict(), Err(Refusal::UnknownKey));
    assert_ne!(judge.revision(), before);
    judge.replace_keys(key_set(all, "rotated"));
    assert_eq!(verdict(), Err(Refusal::WrongAlgorithm));
    judge.replace_keys(key_set(all, "key_set"));
    assert!(verdict().is_ok());
}

#[test]
fn an_invalid_configuration_is_rejected() {
    let all = &*ALL;
    let of = |issuer: &str, audiences: &[&str]| {
        Oidc::new(issuer, audiences.iter().copied(), key_set(all, "key_set"))
    };
    assert_eq!(of("", &["us"]).unwrap_err(), SetupError::Issuer);
    assert_eq!(of("https://a|b", &["us"]).unwrap_err(), SetupError::Issuer);
    assert_eq!(of("https://a", &[]).unwrap_err(), SetupError::Audience);
    assert_eq!(of("https://a", &["us", ""]).unwrap_err(), SetupError::Audience);
    let good = || of("https://a", &["us"]).unwrap();
    let unnamed = UserClaim::Other(String::new());
    assert_eq!(good().with_user(unnamed).unwrap_err(), SetupError::Claim);
    assert_eq!(good().with_call_claim("", CallForm::Text).unwrap_err(), SetupError::Claim);
    assert_eq!(good().with_bindings(&[]).unwrap_err(), SetupError::Binding);
}

#[test]
fn extreme_times_are_refused_without_overflow() {
    let all = &*ALL;
    let case = case(all, "EdDSA with cnf.jkt");
    for judge in [
        judge_of(all, case),
        judge_of(all, case).with_leeway(0),
        judge_of(all, case).with_lifetime(Lifetime::SinceIssued(0)),
    ] {
        for (now, refusal) in [(0, Refusal::NotYetValid), (u64::MAX, Refusal::Expired)] {
            let token = case.credential.as_bytes();
            let verdict = judge.judge(&identity_of(case), &case.group_id, token, now);
            assert_eq!(verdict, Err(refusal));
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_not_a_token(bytes in prop::collection::vec(any::<u8>(), 0..=MAX_CREDENTIAL_LENGTH + 9)) {
        let all = &*ALL;
        let judge = judge_of(all, &ALL.oidc[0]);
        prop_assert!(judge.judge(&[7; 32], b"", &bytes, all.oidc[0].now).is_err());
    }

    #[test]
    fn any_three_parts_are_not_a_token(text in "[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{0,90}") {
        let all = &*ALL;
        let judge = judge_of(all, &ALL.oidc[0]);
        prop_assert!(judge.judge(&[7; 32], b"", text.as_bytes(), all.oidc[0].now).is_err());
    }
}
