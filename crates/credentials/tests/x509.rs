//! Chains made by another library, and by ours, through the public API.
#![cfg(feature = "x509")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use std::sync::LazyLock;

use common::{check, refuses_all_changed};
use proptest::prelude::{any, prop, prop_assert, proptest};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use sealframe_credentials::{
    Judge, MAX_CREDENTIAL_LENGTH, Refusal,
    x509::{CredentialError, NameKind, Reach, Scheme, Trust, TrustError, X509, credential},
};
use sealframe_testkit::credentials::{self, Chain, Credentials, Leaf};

const NOW: u64 = 1_795_000_000;

static ALL: LazyLock<Credentials> = LazyLock::new(credentials::all);

fn judge_of(case: &Chain) -> X509 {
    let reach = match &*case.reach {
        "leaf" => Reach::Leaf,
        "chain" => Reach::Chain,
        other => panic!("{other}"),
    };
    let kind = match &*case.kind {
        "email" => NameKind::Email,
        "uri" => NameKind::Uri,
        "dns" => NameKind::Dns,
        other => panic!("{other}"),
    };
    let trust = Trust::new(case.anchors.iter().map(|anchor| &**anchor)).unwrap();
    let lists = case.revocations.iter().map(|list| &**list);
    X509::new(trust.with_revocation(lists, reach).unwrap(), kind)
}

fn identity_of(case: &Chain) -> [u8; 32] {
    case.identity.0.clone().try_into().unwrap()
}

fn case<'a>(all: &'a Credentials, name: &str) -> &'a Chain {
    all.x509.iter().find(|case| case.name == name).unwrap()
}

#[test]
fn all_64_chains() {
    let all = &*ALL;
    for case in &ALL.x509 {
        let verdict =
            judge_of(case).judge(&identity_of(case), &case.group_id, &case.credential, case.now);
        check(&case.name, verdict, case.accepted.as_ref(), case.refusal.as_deref());
    }
    assert_eq!(all.x509.len(), 64);
    assert_eq!(all.x509.iter().filter(|case| case.accepted.is_some()).count(), 13);
}

#[test]
fn a_copied_chain_is_refused() {
    let all = &*ALL;
    let mut tried = 0;
    for case in all.x509.iter().filter(|case| case.accepted.is_some()) {
        let judge = judge_of(case);
        for place in 0..32 {
            let mut another = identity_of(case);
            another[place] ^= 0x10;
            let copied = judge.judge(&another, &case.group_id, &case.credential, case.now);
            assert_eq!(copied, Err(Refusal::BadSignature), "{}", case.name);
            tried += 1;
        }
        let elsewhere = judge.judge(&identity_of(case), b"another", &case.credential, case.now);
        assert_eq!(elsewhere, Err(Refusal::BadSignature), "{}", case.name);
    }
    assert_eq!(tried, 13 * 32);
}

#[test]
fn every_changed_byte_of_a_chain_is_refused() {
    let all = &*ALL;
    let mut tried = 0;
    for name in ["P-256 leaf, P-384 root", "Ed25519 leaf", "RSA leaf, RSA root"] {
        let case = case(all, name);
        let judge = judge_of(case);
        tried +=
            refuses_all_changed(&judge, &identity_of(case), &case.group_id, &case.credential, case.now);
    }
    println!("{tried} changed chains are refused");
    assert!(tried > 10_000);
}

type Sign = Box<dyn FnOnce(&[u8]) -> Result<Vec<u8>, ring::error::Unspecified>>;

fn ecdsa(leaf: &Leaf, by: &'static ring::signature::EcdsaSigningAlgorithm) -> Sign {
    let key = EcdsaKeyPair::from_pkcs8(by, &leaf.key, &SystemRandom::new()).unwrap();
    Box::new(move |message| Ok(key.sign(&SystemRandom::new(), message)?.as_ref().to_vec()))
}

fn rsa(leaf: &Leaf, by: &'static dyn RsaEncoding) -> Sign {
    let key = RsaKeyPair::from_pkcs8(&leaf.key).unwrap();
    Box::new(move |message| {
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(by, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    })
}

fn signing(leaf: &Leaf) -> Vec<(Scheme, Sign)> {
    match &*leaf.kind {
        "ed25519" => {
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&leaf.key).unwrap();
            vec![(Scheme::Ed25519, Box::new(move |message| Ok(key.sign(message).as_ref().to_vec())))]
        }
        "p256" => vec![(Scheme::EcdsaP256Sha256, ecdsa(leaf, &ECDSA_P256_SHA256_ASN1_SIGNING))],
        "p384" => vec![(Scheme::EcdsaP384Sha384, ecdsa(leaf, &ECDSA_P384_SHA384_ASN1_SIGNING))],
        "rsa" => vec![
            (Scheme::RsaPkcs1Sha256, rsa(leaf, &RSA_PKCS1_SHA256)),
            (Scheme::RsaPssSha256, rsa(leaf, &RSA_PSS_SHA256)),
        ],
        other => panic!("{other}"),
    }
}

#[test]
fn a_credential_is_accepted_for_its_identity_and_call_only() {
    let mut made = 0;
    for leaf in &ALL.leaves {
        for (scheme, sign) in signing(leaf) {
            let chain: Vec<&[u8]> = leaf.chain.iter().map(|part| &**part).collect();
            let ours = credential(&chain, scheme, b"call", &[7; 32], sign).unwrap();
            assert!(ours.len() <= MAX_CREDENTIAL_LENGTH);
            let judge = X509::new(Trust::new([&*leaf.anchor]).unwrap(), NameKind::Email);
            let verified = judge.judge(&[7; 32], b"call", &ours, NOW).unwrap();
            assert_eq!(verified.user, "alice@example.org");
            assert!(verified.names_call);
            let refused = Err(Refusal::BadSignature);
            assert_eq!(judge.judge(&[8; 32], b"call", &ours, NOW), refused);
            assert_eq!(judge.judge(&[7; 32], b"another", &ours, NOW), refused);
            made += 1;
        }
    }
    assert_eq!(made, 5);
}

#[test]
fn an_invalid_credential_is_not_made() {
    let leaves = &ALL.leaves;
    let [ed, p256] = [&leaves[0], &leaves[1]];
    let of = |chain: &[&[u8]], scheme, sign: Sign| {
        credential(chain, scheme, b"call", &[7; 32], sign).unwrap_err()
    };
    let sign = || signing(ed).remove(0).1;
    let chain: Vec<&[u8]> = ed.chain.iter().map(|part| &**part).collect();
    assert_eq!(of(&[], Scheme::Ed25519, sign()), CredentialError::NoLeaf);
    assert_eq!(of(&[b"\x30\x00"], Scheme::Ed25519, sign()), CredentialError::Malformed);
    let long: Vec<&[u8]> = chain.iter().copied().cycle().take(40).collect();
    assert_eq!(of(&long, Scheme::Ed25519, sign()), CredentialError::TooLarge);
    let longer: Vec<&[u8]> = chain.iter().copied().cycle().take(256).collect();
    assert_eq!(of(&longer, Scheme::Ed25519, sign()), CredentialError::TooLarge);
    let huge = vec![0; 70_000];
    assert_eq!(of(&[chain[0], &huge], Scheme::Ed25519, sign()), CredentialError::TooLarge);
    assert_eq!(of(&chain, Scheme::EcdsaP256Sha256, sign()), CredentialError::WrongKey);
    assert_eq!(of(&chain, Scheme::Ed25519, signing(p256).remove(0).1), CredentialError::WrongKey);
    let failing: Sign = Box::new(|_| Err(ring::error::Unspecified));
    let failed = CredentialError::Signing(ring::error::Unspecified);
    assert_eq!(of(&chain, Scheme::Ed25519, failing), failed);
}

#[test]
fn trust_changes_at_run_time() {
    let all = &*ALL;
    let [good, revoked] = ["P-256 leaf, P-384 root", "revoked"].map(|name| case(all, name));
    let judge = judge_of(good);
    let verdict = || judge.judge(&identity_of(good), &good.group_id, &good.credential, good.now);
    assert!(verdict().is_ok());
    let anchors = || Trust::new(good.anchors.iter().map(|anchor| &**anchor)).unwrap();
    let lists = revoked.revocations.iter().map(|list| &**list);
    let before = judge.revision();
    judge.replace_trust(anchors().with_revocation(lists, Reach::Chain).unwrap());
    assert_eq!(verdict(), Err(Refusal::Revoked));
    assert_ne!(judge.revision(), before);
    judge.replace_trust(anchors());
    assert!(verdict().is_ok());
}

#[test]
fn an_invalid_trust_input_is_reported_with_its_index() {
    let all = &*ALL;
    let anchor = &*all.x509[0].anchors[0];
    let none: [&[u8]; 0] = [];
    assert_eq!(Trust::new(none).unwrap_err(), TrustError::NoAnchor);
    assert_eq!(Trust::new([anchor, b"\x30\x00"]).unwrap_err(), TrustError::Anchor(1));
    let list = Trust::new([anchor]).unwrap().with_revocation([b"\x30\x00"], Reach::Leaf);
    assert_eq!(list.unwrap_err(), TrustError::RevocationList(0));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_not_a_chain(rest in prop::collection::vec(any::<u8>(), 0..=MAX_CREDENTIAL_LENGTH)) {
        let judge = judge_of(&ALL.x509[0]);
        prop_assert!(judge.judge(&[7; 32], b"", &rest, NOW).is_err());
        let begun = [b"\x01\x08\x07\x01".as_slice(), &rest].concat();
        prop_assert!(judge.judge(&[7; 32], b"", &begun, NOW).is_err());
    }
}
