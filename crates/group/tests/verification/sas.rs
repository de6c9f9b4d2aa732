//! SAS verifications between honest members.

use core::time::Duration;

use sealframe_group::{
    Identity, SessionId, Time,
    verification::{Party, Sas, SasError, SasEvent, SasMessage, SasProgress, SasVerifications, Stage},
};

use crate::{array, random::Chosen, vectors};

pub(crate) const NOW: Time = Time::at(Duration::from_secs(5));
pub(crate) const LATE: Time = Time::at(Duration::from_secs(605));

/// A member and its verifications.
pub(crate) struct Member {
    pub(crate) party: Party,
    pub(crate) verifications: SasVerifications,
    rng: Chosen,
}

impl Member {
    /// Sessions sort by the members' numbers.
    pub(crate) fn new(number: u8, seed: u64) -> Self {
        let party = Party { identity: Identity([number; 32]), session: SessionId([number; 16]) };
        Self::as_party(party, seed ^ u64::from(number) << 32)
    }

    pub(crate) fn as_party(party: Party, seed: u64) -> Self {
        Self::with([9; 32], party, Chosen::seed(seed))
    }

    fn with(group_hash: [u8; 32], party: Party, rng: Chosen) -> Self {
        Self { party, verifications: SasVerifications::new(group_hash, party), rng }
    }

    pub(crate) fn start(&mut self, them: Party) -> Result<SasMessage, SasError> {
        self.verifications.start(&mut self.rng, them, NOW)
    }

    pub(crate) fn hear(&mut self, them: Party, message: &SasMessage) -> SasProgress {
        self.hear_at(them, message, NOW)
    }

    fn hear_at(&mut self, them: Party, message: &SasMessage, now: Time) -> SasProgress {
        self.verifications.receive(&mut self.rng, them, message, now)
    }

    pub(crate) fn confirm(&mut self, them: Party) -> Result<SasProgress, SasError> {
        self.verifications.confirm(them.session, NOW)
    }
}

pub(crate) fn pair(seed: u64) -> (Member, Member) {
    (Member::new(1, seed), Member::new(2, seed))
}

/// The SAS in an event.
pub(crate) fn row(progress: &SasProgress) -> Sas {
    let Some(SasEvent::Compare(sas)) = progress.event else { unreachable!("{progress:?}") };
    sas
}

/// Both sides up to the comparison, after start, reply and reveal, and the SAS of each.
pub(crate) fn compare(a: &mut Member, b: &mut Member) -> ([SasMessage; 3], [Sas; 2]) {
    let start = a.start(b.party).unwrap();
    let replied = b.hear(a.party, &start);
    assert_eq!(replied.event, Some(SasEvent::Started));
    let reply = replied.send.unwrap();
    let revealed = a.hear(b.party, &reply);
    let reveal = revealed.send.unwrap();
    let shown = b.hear(a.party, &reveal);
    assert_eq!(shown.send, None);
    ([start, reply, reveal], [row(&revealed), row(&shown)])
}

/// Whether there is neither a message nor an event.
pub(crate) fn is_nothing(progress: SasProgress) -> bool {
    progress.send.is_none() && progress.event.is_none()
}

#[test]
fn all_64_sas_verifications() {
    let table = vectors("table");
    let cases = vectors("checks");
    let mut shown = [false; 64];
    for case in &cases {
        let side = |name: &str| {
            let identity = Identity(array(&case[name]["identity"]));
            Party { identity, session: SessionId(array(&case[name]["session"])) }
        };
        let (check, group_hash) = (array(&case["check"]), array(&case["group_hash"]));
        let secret = |name: &str| -> [u8; 32] { array(&case[name]["secret"]) };
        let rng = Chosen::bytes(&[&check, &secret("a")]);
        let mut a = Member::with(group_hash, side("a"), rng);
        let mut b = Member::with(group_hash, side("b"), Chosen::bytes(&[&secret("b")]));
        let (stages, rows) = compare(&mut a, &mut b);
        for (message, name) in stages.iter().zip(["start", "reply", "reveal"]) {
            assert_eq!((message.check, message.data), (check, array(&case[name])), "{name}");
        }
        let a_says = a.confirm(b.party).unwrap().send.unwrap();
        let b_says = b.confirm(a.party).unwrap().send.unwrap();
        assert_eq!(a_says.data, array(&case["confirm_a"]));
        assert_eq!(b_says.data, array(&case["confirm_b"]));
        assert_eq!(a.hear(b.party, &b_says).event, Some(SasEvent::Verified));
        assert_eq!(b.hear(a.party, &a_says).event, Some(SasEvent::Verified));
        for row in rows {
            for (at, emoji) in row.emoji().iter().enumerate() {
                let index = usize::from(emoji.index);
                assert_eq!(case["emoji"][at], index);
                assert_eq!(table[index]["symbol"], emoji.symbol);
                assert_eq!(table[index]["name"], emoji.name);
                shown[index] = true;
            }
            for (at, number) in row.numbers().iter().enumerate() {
                assert_eq!(case["numbers"][at], *number);
            }
        }
    }
    assert_eq!(cases.len(), 64);
    assert_eq!(shown, [true; 64], "the vectors show every emoji of the table");
}

#[test]
fn no_identity_is_verified_before_both_confirmed() {
    let (mut a, mut b) = pair(1);
    let _ = compare(&mut a, &mut b);
    let a_says = a.confirm(b.party).unwrap();
    assert_eq!(a_says.event, None);
    assert!(is_nothing(b.hear(a.party, &a_says.send.unwrap())));
    let b_says = b.confirm(a.party).unwrap();
    assert_eq!(b_says.event, Some(SasEvent::Verified));
    assert_eq!(a.hear(b.party, &b_says.send.unwrap()).event, Some(SasEvent::Verified));
    assert_eq!(a.confirm(b.party), Err(SasError::NotOpen));
}

#[test]
fn nothing_is_confirmed_before_there_is_an_sas() {
    let (mut a, mut b) = pair(1);
    assert_eq!(a.confirm(b.party), Err(SasError::NotOpen));
    let start = a.start(b.party).unwrap();
    assert_eq!(a.confirm(b.party), Err(SasError::NothingToCompare));
    let reply = b.hear(a.party, &start).send.unwrap();
    assert_eq!(b.confirm(a.party), Err(SasError::NothingToCompare));
    assert_eq!(b.verifications.sas(a.party.session), None);
    let sas = row(&a.hear(b.party, &reply));
    assert_eq!(a.verifications.sas(b.party.session), Some(sas));
}

#[test]
fn a_repeated_message_changes_nothing() {
    let (mut a, mut b) = pair(1);
    let start = a.start(b.party).unwrap();
    let reply = b.hear(a.party, &start).send.unwrap();
    assert!(is_nothing(b.hear(a.party, &start)));
    let reveal = a.hear(b.party, &reply).send.unwrap();
    assert!(is_nothing(a.hear(b.party, &reply)));
    row(&b.hear(a.party, &reveal));
    assert!(is_nothing(b.hear(a.party, &reveal)));
    assert!(is_nothing(b.hear(a.party, &start)));
    let a_says = a.confirm(b.party).unwrap().send.unwrap();
    assert_eq!(a.confirm(b.party).unwrap().send, Some(a_says));
    assert!(is_nothing(b.hear(a.party, &a_says)));
    assert!(is_nothing(b.hear(a.party, &a_says)));
    let b_says = b.confirm(a.party).unwrap().send.unwrap();
    assert_eq!(a.hear(b.party, &b_says).event, Some(SasEvent::Verified));
    for message in [start, reveal, a_says] {
        assert!(is_nothing(b.hear(a.party, &message)), "it stays ended");
    }
    for message in [reply, b_says] {
        assert!(is_nothing(a.hear(b.party, &message)), "it stays ended");
    }
}

#[test]
fn a_confirmation_may_arrive_before_the_key() {
    for wrong in [false, true] {
        let (mut a, mut b) = pair(1);
        let start = a.start(b.party).unwrap();
        let reply = b.hear(a.party, &start).send.unwrap();
        let reveal = a.hear(b.party, &reply).send.unwrap();
        let mut a_says = a.confirm(b.party).unwrap().send.unwrap();
        a_says.data[0] ^= u8::from(wrong);
        assert!(is_nothing(b.hear(a.party, &a_says)));
        let shown = b.hear(a.party, &reveal);
        if wrong {
            let failed = Some(SasEvent::Failed(SasError::WrongConfirmation));
            assert_eq!(shown.event, failed);
        } else {
            row(&shown);
            assert_eq!(b.confirm(a.party).unwrap().event, Some(SasEvent::Verified));
        }
    }
}

#[test]
fn of_two_concurrent_starts_the_lower_sessions_continues() {
    for order in 0..2 {
        let (mut low, mut high) = pair(order);
        let low_start = low.start(high.party).unwrap();
        let high_start = high.start(low.party).unwrap();
        let reply = if order == 0 {
            // The higher one's start arrives first, and the lower one's may have been lost.
            let again = low.hear(high.party, &high_start);
            assert_eq!((again.send, again.event), (Some(low_start), None));
            high.hear(low.party, &low_start)
        } else {
            let reply = high.hear(low.party, &low_start);
            let again = low.hear(high.party, &high_start);
            assert!(is_nothing(high.hear(low.party, &again.send.unwrap())));
            reply
        };
        assert_eq!(reply.event, Some(SasEvent::Started));
        let revealed = low.hear(high.party, &reply.send.unwrap());
        assert!(is_nothing(low.hear(high.party, &high_start)), "a late start, after the reply");
        let shown = high.hear(low.party, &revealed.send.unwrap());
        assert_eq!(row(&revealed), row(&shown));
    }
}

#[test]
fn while_one_verification_is_open_another_is_rejected() {
    let (mut a, mut b) = pair(1);
    let ([start, ..], _) = compare(&mut a, &mut b);
    assert_eq!(a.start(b.party), Err(SasError::AlreadyOpen));
    assert_eq!(b.start(a.party), Err(SasError::AlreadyOpen));
    let other = SasMessage { check: [77; 16], ..start };
    let refused = a.hear(b.party, &other);
    assert_eq!((refused.send, refused.event), (Some(SasMessage::cancel([77; 16])), None));
    assert!(a.verifications.sas(b.party.session).is_some(), "the open one continues");
}

#[test]
fn a_cancel_ends_the_verification_on_both_sides_at_every_stage() {
    for stages in 0..4 {
        for by_a in [false, true] {
            let (mut a, mut b) = pair(1);
            let start = a.start(b.party).unwrap();
            let reply = b.hear(a.party, &start).send.unwrap();
            if stages > 0 {
                let reveal = a.hear(b.party, &reply).send.unwrap();
                if stages > 1 {
                    let _ = b.hear(a.party, &reveal);
                }
                if stages > 2 {
                    let _ = b.hear(a.party, &a.confirm(b.party).unwrap().send.unwrap());
                }
            }
            let (one, other) = if by_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
            let cancel = one.verifications.cancel(other.party.session).unwrap();
            assert_eq!(cancel, SasMessage { stage: Stage::Cancel, data: [0; 32], ..start });
            let heard = other.hear(one.party, &cancel);
            assert_eq!(heard.event, Some(SasEvent::Failed(SasError::Cancelled)));
            assert_eq!(heard.send, None);
            assert_eq!(one.verifications.cancel(other.party.session), None);
            assert!(is_nothing(other.hear(one.party, &cancel)));
            assert_eq!(other.confirm(one.party), Err(SasError::NotOpen));
        }
    }
}

#[test]
fn a_verification_times_out_after_ten_minutes() {
    let (mut a, mut b) = pair(1);
    let (_, _) = compare(&mut a, &mut b);
    let (soon, session) = (LATE - Duration::from_nanos(1), b.party.session);
    assert_eq!(a.verifications.next_expiry(), Some(LATE));
    assert_eq!(a.verifications.expire(soon), []);
    let a_says = a.verifications.confirm(session, soon).unwrap().send.unwrap();
    assert_eq!(a.verifications.confirm(session, LATE), Err(SasError::TimedOut));
    let expired = a.verifications.expire(LATE);
    assert_eq!(expired, [(session, SasMessage::cancel(a_says.check))]);
    assert_eq!(a.verifications.next_expiry(), None);
    let heard = b.hear_at(a.party, &a_says, LATE);
    assert_eq!(heard.event, Some(SasEvent::Failed(SasError::TimedOut)));
    assert_eq!(heard.send, Some(SasMessage::cancel(a_says.check)));
    assert_eq!(b.confirm(a.party), Err(SasError::NotOpen));
}
