//! The call codes, and one SAS verification of each call with the messages that end it.

use core::time::Duration;

use sealframe_group::{
    Identity, Time,
    message::{Body, Message},
    verification::{Party, SasEvent, SasMessage, SasVerifications, Stage, call_code},
};
use sealframe_testkit::{
    group::{CallVector, CheckKey, all},
    hex::Hex,
};

use crate::{Given, array, session};

const NOW: Time = Time::at(Duration::from_secs(1));

#[test]
fn all_27_call_codes() {
    let mut ran = 0;
    for vector in &all().roster_hashes {
        let announces: Vec<_> = vector.announce_hashes.iter().map(array).collect();
        let code = call_code(&array(&vector.group_hash), &announces);
        assert_eq!(code.to_string().replace(' ', ""), vector.call_code);
        ran += 1;
    }
    assert_eq!(ran, 27);
}

/// The SAS message inside a signed message.
fn said(message: &Hex) -> SasMessage {
    let Body::Sas { message, .. } = Message::parse(message).unwrap().body else {
        unreachable!("a check")
    };
    message
}

struct Side {
    party: Party,
    checks: SasVerifications,
    rng: Given,
}

impl Side {
    /// `before` is drawn before the key.
    fn new(call: &CallVector, key: &CheckKey, before: &[u8]) -> Self {
        let member = &call.members[key.member];
        let party =
            Party { identity: Identity(array(&member.identity)), session: session(&member.session) };
        let checks = SasVerifications::new(array(&call.group_hash), party);
        Self { party, checks, rng: Given([before, &key.secret].concat()) }
    }
}

/// A and B after the first `count` messages of the script, which they produce themselves; the SAS
/// of A.
fn up_to(call: &CallVector, count: usize) -> (Side, Side, Option<[u8; 7]>) {
    let check = &call.check;
    let (mut a, mut b) = (Side::new(call, &check.a, &check.check), Side::new(call, &check.b, &[]));
    let mut made = a.checks.start(&mut a.rng, b.party, NOW).unwrap();
    let (mut rows, mut verified) = (Vec::new(), 0);
    for at in 0..count {
        let stated = &check.messages[at];
        if at >= 3 {
            // Both people confirm, B first.
            let (one, other) = if at == 3 { (&mut b, a.party) } else { (&mut a, b.party) };
            let progress = one.checks.confirm(other.session, NOW).unwrap();
            verified += usize::from(progress.event == Some(SasEvent::Verified));
            made = progress.send.unwrap();
        }
        assert_eq!(made, said(&stated.signed.message), "message {at}");
        let (from, to) = if stated.signed.from == check.a.member { (&a, &mut b) } else { (&b, &mut a) };
        let progress = to.checks.receive(&mut to.rng, from.party, &made, NOW);
        match progress.event {
            Some(SasEvent::Compare(sas)) => rows.push(sas.emoji().map(|emoji| emoji.index)),
            Some(SasEvent::Verified) => verified += 1,
            Some(SasEvent::Started | SasEvent::Failed(_)) | None => {}
        }
        made = progress.send.unwrap_or(made);
    }
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(verified, if count == 5 { 2 } else { 0 });
    (a, b, rows.first().copied())
}

#[test]
fn all_4_sas_verifications() {
    let mut ran = 0;
    for call in &all().calls {
        let (_, _, row) = up_to(call, 5);
        assert_eq!(row.unwrap().to_vec(), call.check.emoji);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn all_28_rejected_sas_messages_end_the_verification() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.check.refused {
            let message = said(&vector.message);
            // It replaces the message of its stage.
            let count = match message.stage {
                Stage::Reply => 1,
                Stage::Reveal => 2,
                Stage::Confirm => 3,
                other @ (Stage::Start | Stage::Cancel) => unreachable!("{other:?}"),
            };
            let (mut a, mut b, _) = up_to(call, count);
            let is_from_a = Message::parse(&vector.message).unwrap().head.session == a.party.session;
            let (from, to) = if is_from_a { (&a, &mut b) } else { (&b, &mut a) };
            let progress = to.checks.receive(&mut to.rng, from.party, &message, NOW);
            assert!(matches!(progress.event, Some(SasEvent::Failed(_))), "{}", vector.name);
            assert_eq!(progress.send, Some(SasMessage::cancel(message.check)), "{}", vector.name);
            assert!(to.checks.sas(from.party.session).is_none());
            ran += 1;
        }
    }
    assert_eq!(ran, 28);
}
