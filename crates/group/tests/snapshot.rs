//! Snapshots of a group's state as JSON, which a program in another language reads: feature
//! `serde`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test"
)]

use core::time::Duration;

use sealframe_group::{
    Kem, LeaveReason, Permission, Role,
    verification::{CallCode, VerificationState},
};
use serde_json::{Value, json};

mod common;

use common::{SECOND, call_of};

fn written(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn names(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts that a value is the same after serialising and parsing.
fn comes_back<T>(value: T, json: Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug,
{
    assert_eq!(written(&value), json);
    assert_eq!(serde_json::from_value::<T>(json).unwrap(), value);
}

#[test]
fn snapshots_of_a_group_are_read_back() {
    let (mut net, ids) = call_of(3);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    let group = &net.peer(ids[0]).group;
    let state = group.state(net.now);
    let json = written(&state);
    assert_eq!(
        names(&json),
        [
            "away",
            "call_code",
            "has_ended",
            "identity",
            "is_locked",
            "kem",
            "key",
            "member_id",
            "next_key_within",
            "sends",
            "session",
            "waiting",
        ]
    );
    assert_eq!(json["session"], hex(&state.session.0));
    assert_eq!(json["identity"], hex(&state.identity.0));
    assert_eq!(json["member_id"], state.member_id.get());
    assert_eq!(json["sends"], true);
    assert_eq!(json["away"], json!([]));
    assert_eq!(json["is_locked"], true);
    assert_eq!(json["has_ended"], false);
    assert_eq!(json["key"], json!({ "generation": state.key.generation, "step": state.key.step }));
    assert_eq!(json["waiting"], json!([]));
    assert_eq!(serde_json::from_value::<Kem>(json["kem"].clone()).unwrap(), state.kem);
    let code: CallCode = serde_json::from_value(json["call_code"].clone()).unwrap();
    assert_eq!(code, state.call_code);
    assert_eq!(json["call_code"], state.call_code.to_string());

    let members = group.member_states(net.now);
    let json = written(&members);
    assert_eq!(json.as_array().unwrap().len(), 2);
    for (member, json) in members.iter().zip(json.as_array().unwrap()) {
        assert_eq!(
            names(json),
            [
                "address",
                "frames_sealed",
                "has_equivocated",
                "has_our_key",
                "identity",
                "is_live",
                "key",
                "key_since",
                "member_id",
                "permission",
                "role",
                "roster_differs",
                "sends",
                "session",
                "silent_for",
                "since",
                "user",
                "verification",
            ]
        );
        assert_eq!(json["session"], hex(&member.session.0));
        assert_eq!(json["identity"], hex(&member.identity.0));
        assert_eq!(json["member_id"], member.member_id.get());
        assert_eq!(json["address"], json!(member.address));
        assert_eq!(json["has_our_key"], true);
        assert_eq!(json["is_live"], member.is_live);
        assert_eq!(json["frames_sealed"], json!(member.frames_sealed));
        assert_eq!(serde_json::from_value::<Role>(json["role"].clone()).unwrap(), member.role);
        assert_eq!(
            serde_json::from_value::<Permission>(json["permission"].clone()).unwrap(),
            member.permission
        );
        let verification: VerificationState =
            serde_json::from_value(json["verification"].clone()).unwrap();
        assert_eq!(verification, member.verification);
        let since: Duration = serde_json::from_value(json["since"].clone()).unwrap();
        assert_eq!(since, member.since);
    }
}

#[test]
fn serialised_words_are_stable() {
    comes_back(Kem::X25519, json!("X25519"));
    comes_back(Kem::XWing, json!("XWing"));
    comes_back(Role::Participant, json!("Participant"));
    comes_back(Role::Recorder, json!("Recorder"));
    comes_back(Role::Bot, json!("Bot"));
    comes_back(Permission::None, json!("None"));
    comes_back(Permission::Moderator, json!("Moderator"));
    comes_back(LeaveReason::Left, json!("Left"));
    comes_back(LeaveReason::Removed, json!("Removed"));
    comes_back(LeaveReason::LockedOut, json!("LockedOut"));
    comes_back(LeaveReason::Replaced, json!("Replaced"));
    comes_back(LeaveReason::Dropped, json!("Dropped"));
    comes_back(LeaveReason::Lost, json!("Lost"));
    // An invalid code is rejected.
    for none in [json!("1234"), json!(5), json!("a2345 12345 12345 12345 12345 12345")] {
        assert!(serde_json::from_value::<CallCode>(none).is_err());
    }
}
