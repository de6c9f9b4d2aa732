//! Snapshots of a call's state as JSON, for programs in other languages: feature `serde`.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use sealframe::{
    Action, Backend, Call, CipherSuite, Failed, Stream, StreamKind, Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Role, UserId,
        verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;
use serde_json::{Value, json};

const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

struct Member {
    call: Call,
    rng: Random,
}

impl Member {
    fn join(number: u16, now: Time) -> Self {
        let mut rng = Random::new(number.into());
        let config = Config {
            group_id: b"a call".to_vec(),
            kem: Kem::X25519,
            suite: CipherSuite::Aes128GcmSha256_128,
            address: number.to_be_bytes().to_vec(),
            role: Role::Participant,
            permission: Permission::None,
            credential: format!("user {number}").into_bytes(),
            sends: true,
            started_at: 0,
            policy: Policy::default(),
        };
        let key = IdentityKey::generate(&mut rng).unwrap();
        let call =
            Call::join(config, Backend::recommended(), key, TrustStore::new(), now, &mut rng).unwrap();
        Self { call, rng }
    }

    fn turn(&mut self, now: Time) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        loop {
            match self.call.poll(now, &mut self.rng) {
                Action::Send { message, .. } => said.push(message),
                Action::Event(Event::JoinRequested(request)) => {
                    let user = UserId::new(request.credential).unwrap();
                    let admission = Admission { user, permission: Permission::None };
                    self.call.members().admit(request.session, admission, now).unwrap();
                }
                Action::Event(_) => {}
                Action::Timeout(_) => return said,
            }
        }
    }
}

#[test]
fn the_state_of_a_call_is_read_back() {
    let mut now = Time::at(Duration::from_secs(1));
    let mut members = [1, 2].map(|number| Member::join(number, now));
    for _ in 0..20 {
        now += Duration::from_millis(100);
        for from in 0..2 {
            for message in members[from].turn(now) {
                // Messages before the sender's announce are rejected.
                let _ = members[1 - from].call.handle_message(&message, now);
            }
        }
    }
    let [alice, bob] = &mut members;
    let from = alice.call.group().member_id();
    let sealed = alice.call.seal_to_vec(b"a frame", CAMERA).unwrap();
    let mut forged = sealed.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(bob.call.open_in_place(from, &mut forged, CAMERA).is_err());
    assert!(bob.call.open_in_place(from, &mut sealed.clone(), CAMERA).is_ok());
    assert!(bob.call.open_in_place(from, &mut sealed.clone(), CAMERA).is_err());

    let state = bob.call.state(now);
    let json: Value = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(names, ["group", "members", "sealed", "suite"]);
    assert_eq!(json["suite"], 4);
    assert_eq!(json["sealed"], 0);
    assert_eq!(json["group"]["call_code"], alice.call.call_code().to_string());
    let members = json["members"].as_array().unwrap();
    assert_eq!(members.len(), 1);
    let names: Vec<&String> = members[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["failed", "member", "newest_key", "opened"]);
    assert_eq!(members[0]["opened"], 1);
    assert_eq!(members[0]["member"]["user"], "user 1");
    let (generation, step) = state.members[0].newest_key.unwrap();
    assert_eq!(members[0]["newest_key"], json!([generation, step]));
    let failed: Failed = serde_json::from_value(members[0]["failed"].clone()).unwrap();
    assert_eq!(failed, state.members[0].failed);
    assert_eq!((failed.unauthentic, failed.replayed), (1, 1));
}
