//! SAS verifications with an attacker in between, or with a dishonest member.

use std::collections::HashSet;

use sealframe_group::{
    Identity, SessionId,
    verification::{Party, SasError, SasEvent, SasMessage, SasProgress, SasVerifications, Stage},
};
use sealframe_testkit::hex;

use crate::sas::{Member, compare, is_nothing, pair, row};

fn failed(progress: &SasProgress, error: SasError) -> bool {
    progress.event == Some(SasEvent::Failed(error))
}

fn flipped(message: &SasMessage, bit: usize) -> SasMessage {
    let mut data = message.data;
    data[bit / 8] ^= 1 << (bit % 8);
    SasMessage { data, ..*message }
}

/// Each bit of each message is flipped in turn; the exchange is honest otherwise.
#[test]
fn every_flipped_bit_is_rejected_or_changes_the_sas() {
    for bit in 0..256 {
        let (mut a, mut b) = pair(bit as u64);
        let start = a.start(b.party).unwrap();
        let reply = b.hear(a.party, &flipped(&start, bit)).send.unwrap();
        let reveal = a.hear(b.party, &reply).send.unwrap();
        let shown = b.hear(a.party, &reveal);
        assert!(failed(&shown, SasError::WrongCommitment), "start, bit {bit}: {shown:?}");
        assert_eq!(shown.send, Some(SasMessage::cancel(start.check)));

        let (mut a, mut b) = pair(bit as u64);
        let start = a.start(b.party).unwrap();
        let reply = b.hear(a.party, &start).send.unwrap();
        let revealed = a.hear(b.party, &flipped(&reply, bit));
        let shown = b.hear(a.party, &revealed.send.unwrap());
        assert_ne!(row(&revealed), row(&shown), "reply, bit {bit}");

        let (mut a, mut b) = pair(bit as u64);
        let start = a.start(b.party).unwrap();
        let reply = b.hear(a.party, &start).send.unwrap();
        let reveal = a.hear(b.party, &reply).send.unwrap();
        let shown = b.hear(a.party, &flipped(&reveal, bit));
        assert!(failed(&shown, SasError::WrongCommitment), "reveal, bit {bit}: {shown:?}");

        let (mut a, mut b) = pair(bit as u64);
        let _ = compare(&mut a, &mut b);
        let _ = b.confirm(a.party).unwrap();
        let a_says = a.confirm(b.party).unwrap().send.unwrap();
        let heard = b.hear(a.party, &flipped(&a_says, bit));
        assert!(failed(&heard, SasError::WrongConfirmation), "confirm, bit {bit}: {heard:?}");
        assert!(is_nothing(b.hear(a.party, &a_says)), "it stays ended");
    }
}

/// An attacker shows each side its own identity in place of the other's, or, if it can also sign as
/// them, only its own keys, and relays without delay.
#[test]
fn an_attacker_in_between_makes_the_sas_differ() {
    let mut rows = HashSet::new();
    for seed in 0..500 {
        let (mut alice, mut bob) = pair(seed);
        let as_other = |honest: Party| {
            let identity = if seed % 2 == 0 { Identity([3; 32]) } else { honest.identity };
            Member::as_party(Party { identity, ..honest }, !seed)
        };
        let (mut to_alice, mut to_bob) = (as_other(bob.party), as_other(alice.party));
        let (_, [alice_sees, between_sees]) = compare(&mut alice, &mut to_alice);
        let (_, [_, bob_sees]) = compare(&mut to_bob, &mut bob);
        assert_eq!(alice_sees, between_sees);
        assert_ne!(alice_sees, bob_sees, "seed {seed}");
        assert_ne!(alice_sees.numbers(), bob_sees.numbers(), "seed {seed}");
        rows.extend([alice_sees.numbers(), bob_sees.numbers()]);

        // The confirmation of each side is rejected by the other.
        let alice_says = alice.confirm(to_alice.party).unwrap().send.unwrap();
        let id = bob.confirm(to_bob.party).unwrap().send.unwrap().check;
        let heard = bob.hear(to_bob.party, &SasMessage { check: id, ..alice_says });
        assert!(failed(&heard, SasError::WrongConfirmation));
    }
    assert_eq!(rows.len(), 1000, "all of a thousand strings differ");
}

#[test]
fn both_sides_must_be_in_one_call_and_see_the_same_sessions() {
    let (mut a, _) = pair(1);
    let mut elsewhere = Member::new(2, 1);
    elsewhere.verifications = SasVerifications::new([8; 32], elsewhere.party);
    let (_, [a_sees, b_sees]) = compare(&mut a, &mut elsewhere);
    assert_ne!(a_sees, b_sees);

    let (mut a, mut b) = pair(1);
    let start = a.start(b.party).unwrap();
    let other = Party { session: SessionId([5; 16]), ..a.party };
    let reply = b.hear(other, &start).send.unwrap();
    let reveal = a.hear(b.party, &reply).send.unwrap();
    assert!(failed(&b.hear(other, &reveal), SasError::WrongCommitment));
}

#[test]
fn a_key_of_small_order_is_rejected() {
    // RFC 7748 §6.1: the all-zero secret. Points of the orders 1, 2, 4 and 8, some in their other
    // encodings.
    let order_8 = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ]
    .map(|digits| hex::decode(digits).unwrap().try_into().unwrap());
    let p = |low: u8| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (low, 0x7f);
        key
    };
    let mut one = [0; 32];
    one[0] = 1;
    for weak in [[0; 32], one, p(0xec), p(0xed), p(0xee), order_8[0], order_8[1]] {
        let (mut a, b) = pair(1);
        let start = a.start(b.party).unwrap();
        let reply = SasMessage { stage: Stage::Reply, data: weak, ..start };
        let heard = a.hear(b.party, &reply);
        assert!(failed(&heard, SasError::WeakKey), "{weak:02x?}: {heard:?}");
        assert!(is_nothing(a.hear(b.party, &reply)), "it stays ended");
    }
}

#[test]
fn a_stage_out_of_order_ends_the_verification() {
    let stages = [Stage::Start, Stage::Reply, Stage::Reveal, Stage::Confirm];
    for stage in stages {
        let (mut a, b) = pair(1);
        let start = a.start(b.party).unwrap();
        let heard = a.hear(b.party, &SasMessage { stage, ..start });
        assert_eq!(failed(&heard, SasError::WrongStage), stage != Stage::Reply, "A: {stage:?}");

        let (mut a, mut b) = pair(1);
        let start = a.start(b.party).unwrap();
        let reply = b.hear(a.party, &start).send.unwrap();
        let heard = b.hear(a.party, &SasMessage { stage, ..reply });
        let error = match stage {
            Stage::Start => Some(SasError::Changed),
            Stage::Reply => Some(SasError::WrongStage),
            Stage::Reveal => Some(SasError::WrongCommitment),
            Stage::Confirm | Stage::Cancel => None,
        };
        assert_eq!(heard.event, error.map(SasEvent::Failed), "B: {stage:?}");

        let (mut a, mut b) = pair(1);
        let (_, _) = compare(&mut a, &mut b);
        let heard = a.hear(b.party, &SasMessage { stage, ..start });
        let error = match stage {
            Stage::Start | Stage::Reveal => SasError::WrongStage,
            Stage::Reply => SasError::Changed,
            Stage::Confirm | Stage::Cancel => SasError::WrongConfirmation,
        };
        assert!(failed(&heard, error), "A, comparing: {stage:?}: {heard:?}");
        let heard = b.hear(a.party, &SasMessage { stage, data: [1; 32], ..start });
        let error = match stage {
            Stage::Start | Stage::Reveal => SasError::Changed,
            Stage::Reply => SasError::WrongStage,
            Stage::Confirm | Stage::Cancel => SasError::WrongConfirmation,
        };
        assert!(failed(&heard, error), "B, comparing: {stage:?}: {heard:?}");
    }
}

/// Otherwise an attacker in between could retry until the SAS matches by chance.
#[test]
fn no_verification_starts_after_three_failed_ones() {
    let (mut a, mut b) = pair(1);
    for _ in 0..3 {
        let _ = compare(&mut a, &mut b);
        let cancel = a.verifications.cancel(b.party.session).unwrap();
        assert!(failed(&b.hear(a.party, &cancel), SasError::Cancelled));
    }
    assert_eq!(a.start(b.party), Err(SasError::TooMany));
    assert_eq!(b.start(a.party), Err(SasError::TooMany));
    let start = SasMessage { check: [5; 16], stage: Stage::Start, data: [6; 32] };
    let refused = a.hear(b.party, &start);
    assert_eq!((refused.send, refused.event), (Some(SasMessage::cancel([5; 16])), None));

    // Another session of that identity does not evade the limit; another identity is another
    // person.
    let again = Party { session: SessionId([7; 16]), ..b.party };
    assert_eq!(a.start(again), Err(SasError::TooMany));
    assert!(a.start(Member::new(3, 1).party).is_ok());
}

#[test]
fn verifications_with_all_sessions_of_one_identity_count_together() {
    let mut a = Member::new(1, 1);
    let session = |number| Party { identity: Identity([2; 32]), session: SessionId([number; 16]) };
    for number in 2..5 {
        a.start(session(number)).unwrap();
    }
    assert_eq!(a.start(session(5)), Err(SasError::TooMany));
}

#[test]
fn unanswered_verifications_do_not_count() {
    let (mut a, mut b) = pair(1);
    for _ in 0..10 {
        let start = a.start(b.party).unwrap();
        let _ = a.verifications.cancel(b.party.session).unwrap();
        let start_of_b = b.start(a.party).unwrap();
        let cancel = SasMessage::cancel(start_of_b.check);
        assert!(failed(&b.hear(a.party, &cancel), SasError::Cancelled));
        assert_ne!(start.check, start_of_b.check);
    }
    let (_, [a_sees, b_sees]) = compare(&mut a, &mut b);
    assert_eq!(a_sees, b_sees);
}

#[test]
fn a_replayed_start_opens_nothing() {
    let (mut a, mut b) = pair(1);
    let ([start, reply, reveal], _) = compare(&mut a, &mut b);
    let cancel = a.verifications.cancel(b.party.session).unwrap();
    let _ = b.hear(a.party, &cancel);
    for message in [start, reply, reveal, cancel, start] {
        assert!(is_nothing(b.hear(a.party, &message)));
    }
    assert_eq!(b.verifications.next_expiry(), None);
}

#[test]
fn messages_of_others_do_not_affect_a_verification() {
    let (mut a, mut b) = pair(1);
    let ([start, reply, reveal], _) = compare(&mut a, &mut b);
    let other = Member::new(3, 1).party;
    let disguised = Party { identity: other.identity, ..b.party };
    for message in [reply, reveal, SasMessage::cancel(start.check)] {
        assert!(is_nothing(a.hear(other, &message)));
        assert!(is_nothing(a.hear(disguised, &message)));
    }
    assert!(a.verifications.sas(b.party.session).is_some());
}
