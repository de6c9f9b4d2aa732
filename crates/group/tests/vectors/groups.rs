//! Whole groups, fed with the script's messages and randomness.

use core::time::Duration;

use sealframe_group::{
    Admission, Config, Event, Group, GroupError, IdentityKey, MessageError, Output, Policy, Power,
    Reason, Role, UserId, verification::TrustStore,
};
use sealframe_testkit::group::{CallVector, Refusal, all};

use crate::{Given, array, kem, session, suite};

const SECOND: Duration = Duration::from_secs(1);

/// What a group wanted, as bytes.
#[derive(Default)]
struct Done {
    sent: Vec<Vec<u8>>,
    /// Number, generation, step and key.
    installed: Vec<(u64, u64, u64, Vec<u8>)>,
    applied: usize,
}

struct Peer {
    group: Group,
    rng: Given,
}

impl Peer {
    /// The member at this place, and its announce. After `more` there is no randomness.
    fn new(call: &CallVector, at: usize, more: &[&[u8]]) -> (Self, Vec<u8>) {
        let member = &call.members[at];
        let config = Config {
            group_id: call.group_id.0.clone(),
            kem: kem(call),
            suite: suite(call),
            sender: member.sender,
            role: Role::from_id(member.role).unwrap(),
            power: Power::Moderator,
            credential: member.credential.0.clone(),
            started_at: 0,
            policy: Policy::default(),
        };
        let first = call.updates.iter().find(|update| update.signed.from == at);
        let base_key = first.map_or(vec![7; suite(call).nh()], |first| first.generation_key.0.clone());
        let jitter = [0x80, 0];
        let before =
            [&member.session[..], &member.kem_ikm, &member.nonces[0].nonce, &base_key, &jitter]
                .concat();
        let mut rng = Given([&before, &more.concat()[..]].concat());
        let key = IdentityKey::from_seed(&array(&member.identity_secret));
        let (group, drawn) = Group::new(config, key, TrustStore::default(), SECOND, &mut rng).unwrap();
        assert_eq!(drawn.expose_bytes(), base_key);
        let mut peer = Self { group, rng };
        let announce = peer.run(SECOND).sent.remove(0);
        (peer, announce)
    }

    fn run(&mut self, now: Duration) -> Done {
        let mut done = Done::default();
        loop {
            match self.group.poll(now, &mut self.rng) {
                Output::Send { message, .. } => done.sent.push(message),
                Output::Install { kid, base_key } => {
                    let key = base_key.expose_bytes().to_vec();
                    done.installed.push((kid.sender, kid.generation, kid.step, key));
                }
                Output::Event(Event::Applied(_)) => done.applied += 1,
                Output::Wait(_) => return done,
                Output::Event(_)
                | Output::Ratchet
                | Output::Rekey { .. }
                | Output::ForgetGeneration { .. }
                | Output::ForgetBefore(_)
                | Output::Forget { .. } => {}
            }
        }
    }

    fn admit(&mut self, call: &CallVector, at: usize, now: Duration) -> Done {
        self.group.handle_message(&call.announces[at].signed.message, now).unwrap();
        let admission =
            Admission { user: UserId(call.members[at].user_id.0.clone()), power: Power::Moderator };
        self.group.admit(session(&call.members[at].session), admission, now).unwrap();
        self.run(now)
    }
}

/// The randomness of all of an update's entries.
fn of_entries(call: &CallVector, update: usize) -> Vec<u8> {
    call.updates[update].entries.iter().flat_map(|entry| entry.randomness.0.clone()).collect()
}

#[test]
fn a_group_says_what_the_script_says() {
    let mut ran = 0;
    for call in &all().calls {
        let (key, entries) = (&call.updates[3].generation_key, of_entries(call, 3));
        let more = [&of_entries(call, 1)[..], &of_entries(call, 2), key, &entries, &[0x80, 0]];
        let (mut a, announce) = Peer::new(call, 0, &more);
        assert_eq!(announce, call.announces[0].signed.message.0);
        let mut said = a.admit(call, 1, SECOND).sent;
        assert!(said.contains(&call.updates[1].signed.message.0), "to the first who joins");
        a.group.set_frames(1);
        said = a.admit(call, 2, 2 * SECOND).sent;
        assert!(said.contains(&call.updates[2].signed.message.0), "a step on, to the second");
        a.group.rekey(Reason::Leave, 2 * SECOND);
        said = a.run(2 * SECOND).sent;
        assert!(said.contains(&call.updates[3].signed.message.0), "a generation, to both");
        a.group.lock().unwrap();
        a.group.remove_member(session(&call.members[2].session), 2 * SECOND).unwrap();
        said =
            a.group
                .leave()
                .into_iter()
                .filter_map(|output| {
                    if let Output::Send { message, .. } = output { Some(message) } else { None }
                })
                .collect();
        assert!(said.contains(&call.controls[0].signed.message.0), "the lock");
        assert!(said.contains(&call.controls[2].signed.message.0), "the removal");
        assert!(said.contains(&call.leaves[0].signed.message.0));
        let (mut b, announce) = Peer::new(call, 1, &[&of_entries(call, 9)]);
        assert_eq!(announce, call.announces[1].signed.message.0);
        said = b.admit(call, 0, SECOND).sent;
        assert!(said.contains(&call.updates[9].signed.message.0), "the other's key");
        ran += 1;
    }
    assert_eq!(ran, 4);
}

/// Every update with an entry for a member's first nonce, in order.
#[test]
fn a_group_opens_what_the_script_says_and_acknowledges_it() {
    let (mut opened, mut acknowledged) = (0, 0);
    for call in &all().calls {
        for (at, updates) in [(1, &[1, 3, 5, 7][..]), (2, &[2, 3][..])] {
            let (mut peer, _) = Peer::new(call, at, &[&[5; 128]]);
            peer.admit(call, 0, SECOND);
            for &place in updates {
                let update = &call.updates[place];
                let now = SECOND * u32::try_from(place).unwrap();
                peer.run(now);
                peer.group.handle_message(&update.signed.message, now).unwrap();
                let done = peer.run(now);
                let (number, generation) = (call.members[0].sender.into(), update.generation.0);
                let key = (number, generation, update.step.into(), update.base_key.0.clone());
                assert_eq!(done.installed, [key]);
                let ack = call.acks.iter().find(|ack| ack.from == at && ack.update == place);
                assert!(ack.is_none_or(|ack| done.sent == [&ack.message[..]]));
                acknowledged += usize::from(ack.is_some());
                opened += 1;
                // The same once more is acknowledged once more, not installed.
                peer.group.handle_message(&update.signed.message, now).unwrap();
                let again = peer.run(now);
                assert_eq!((again.sent, again.installed.len()), (done.sent, 0));
            }
        }
    }
    assert_eq!((opened, acknowledged), (24, 20));
}

fn is_for(kind: Refusal, error: GroupError) -> bool {
    use MessageError::{Malformed, UnknownKem, UnknownType, UnknownVersion};
    match kind {
        Refusal::Malformed => error == GroupError::Message(Malformed),
        Refusal::Head => matches!(
            error,
            GroupError::Message(UnknownVersion | UnknownType(_) | UnknownKem(_))
                | GroupError::OtherGroup
                | GroupError::OtherKem
        ),
        Refusal::Signature => error == GroupError::Unauthentic,
        Refusal::Suite => error == GroupError::OtherSuite,
        Refusal::Mac => error == GroupError::Stale,
        Refusal::Entry => matches!(error, GroupError::WrongKey | GroupError::Stale),
        Refusal::Commitment => error == GroupError::WrongKey,
    }
}

/// No key, no member, no word comes of any of them, and what they were made from is taken afterwards.
#[test]
fn a_group_takes_none_of_the_refused_messages() {
    let (mut ran, mut without_entry) = (0, 0);
    for call in &all().calls {
        // By who receives it: B before it knows A, B and A when they know each other.
        let (mut stranger, _) = Peer::new(call, 1, &[]);
        let (mut a, _) = Peer::new(call, 0, &[&[5; 128]]);
        let (mut b, _) = Peer::new(call, 1, &[&[5; 128]]);
        a.admit(call, 1, SECOND);
        b.admit(call, 0, SECOND);
        let mut now = SECOND;
        for vector in &call.refused {
            // So that none is refused for coming too soon.
            now += Duration::from_millis(60);
            let is_announce = vector.message.get(1) == Some(&1);
            let peer = match vector.to {
                0 => &mut a,
                _ if is_announce => &mut stranger,
                _ => &mut b,
            };
            peer.run(now);
            // Without an entry for us an update still says that there is one.
            let says_nothing = vector.kind == Refusal::Entry
                && !vector.message[238..]
                    .windows(16)
                    .any(|window| window == &call.members[1].session[..]);
            if says_nothing {
                without_entry += 1;
                continue;
            }
            let error = peer.group.handle_message(&vector.message, now).unwrap_err();
            let is_named = |name| vector.name.starts_with(name);
            let by_other_rule = error == GroupError::Message(MessageError::Malformed)
                // Its key has not the length of that KEM's.
                && is_named("announce: KEM")
                // What follows the header is looked at after the signature.
                || error == GroupError::Unauthentic
                    && vector.kind == Refusal::Malformed
                    && is_named("key update")
                || matches!(error, GroupError::UnknownMember(_))
                    && vector.name.ends_with("another session, not signed anew");
            assert!(by_other_rule || is_for(vector.kind, error), "{}: {error}", vector.name);
            let done = peer.run(now);
            assert!(done.installed.is_empty() && done.applied == 0, "{}", vector.name);
            let asks_who_it_is = matches!(error, GroupError::UnknownMember(_));
            assert!(done.sent.is_empty() || asks_who_it_is, "{}", vector.name);
            ran += 1;
        }
        for peer in [&mut stranger, &mut a, &mut b] {
            peer.run(now);
        }
        stranger.group.handle_message(&call.announces[0].signed.message, now).unwrap();
        assert_eq!(stranger.run(now).applied, 1);
        b.group.handle_message(&call.updates[3].signed.message, now).unwrap();
        let done = b.run(now);
        assert_eq!(done.installed[0].3, call.updates[3].base_key.0);
        assert_eq!(done.sent, [&call.acks[2].message[..]]);
        a.group.handle_message(&call.requests[0].signed.message, now).unwrap();
        assert!(!a.run(now).sent.is_empty(), "an answer");
    }
    assert_eq!((ran, without_entry), (790 - 12, 12));
}

/// An update that a server cut to nothing, or to somebody else's entry.
#[test]
fn an_update_without_an_entry_gives_no_key_and_does_not_stand_in_the_way() {
    let mut ran = 0;
    for call in &all().calls {
        let (mut b, _) = Peer::new(call, 1, &[&[5; 128]]);
        b.admit(call, 0, SECOND);
        let whole = &call.updates[3];
        for copy in &whole.cut {
            b.group.handle_message(copy, SECOND).unwrap();
            ran += b.run(SECOND).installed.len();
        }
        let again = b.group.handle_message(&whole.signed.message, SECOND);
        assert_eq!(again, Ok(()));
    }
    assert_eq!(ran, 4, "one of the copies has it");
}
