//! Whole groups with the script's messages and randomness.

use core::time::Duration;

use sealframe_group::{
    Admission, Config, Event, Group, GroupError, IdentityKey, KeyChange, MessageError, Output,
    Permission, Policy, Reason, Recipient, Role, SessionId, Time, UserId, message::unbundle,
    verification::TrustStore,
};
use sealframe_testkit::group::{CallVector, Refused, UpdateVector, all};

use crate::{Given, array, kem, session, suite};

const SECOND: Duration = Duration::from_secs(1);
/// The start of each group, and one second later.
const FIRST: Time = Time::at(SECOND);
const LATER: Time = Time::at(Duration::from_secs(2));
/// Randomness for the jitter of the next timed generation.
const JITTER: [u8; 2] = [0x80, 0];

/// The outputs of a group, as bytes.
#[derive(Default, Debug)]
struct Done {
    /// Messages sent, without bundles.
    sent: Vec<(Recipient, Vec<u8>)>,
    /// Member id, generation, step and key.
    installed: Vec<(u16, u64, u32, Vec<u8>)>,
    /// Our own generation and key.
    sealed_with: Vec<(u64, Vec<u8>)>,
    events: Vec<Event>,
}

impl Done {
    fn sent_to(&self, to: Recipient) -> Vec<&[u8]> {
        let sent = self.sent.iter().filter(|(other, _)| *other == to);
        sent.map(|(_, message)| &message[..]).collect()
    }
}

struct Peer {
    group: Group,
    rng: Given,
}

fn member(call: &CallVector, at: usize) -> SessionId {
    session(&call.members[at].session)
}

fn to(call: &CallVector, at: usize) -> Recipient {
    Recipient::One(member(call, at))
}

fn config(call: &CallVector, at: usize) -> Config {
    let member = &call.members[at];
    Config {
        group_id: call.group_id.0.clone(),
        kem: kem(call),
        suite: suite(call),
        address: member.address.0.clone(),
        role: Role::from_id(member.role).unwrap(),
        permission: Permission::Moderator,
        credential: member.credential.0.clone(),
        sends: true,
        // The member joins one second later.
        started_at: member.joined_at.0 / 1000 - 1,
        policy: Policy::default(),
    }
}

/// A member that only listens, changes its prekey often and loses others late.
fn listener(call: &CallVector, at: usize) -> Config {
    let policy =
        Policy { prekey_life: 10 * SECOND, missed_heartbeats_until_lost: 60, ..Policy::default() };
    Config { sends: false, policy, ..config(call, at) }
}

impl Peer {
    /// The member at this index. After `more` there is no randomness left.
    fn new(call: &CallVector, at: usize, config: Config, more: &[&[u8]]) -> Self {
        let member = &call.members[at];
        let begun = call.begun.iter().find(|header| header.from == at && header.generation == 0);
        let first = begun.or_else(|| {
            let sent = call.updates.iter().map(|update| &update.header);
            sent.into_iter().find(|header| header.from == at && header.generation == 0)
        });
        let base_key = &first.unwrap().generation_key;
        let before = [&member.prekeys[0].ikm[..], base_key, &JITTER].concat();
        let mut rng = Given([&before, &more.concat()[..]].concat());
        let key = IdentityKey::from_seed(&array(&member.identity_secret)).unwrap();
        let (group, drawn) = Group::new(config, key, TrustStore::default(), FIRST, &mut rng).unwrap();
        assert_eq!(drawn.expose_bytes(), &base_key[..]);
        Self { group, rng }
    }

    /// A member that knows the others, and has sent its first messages.
    fn among(call: &CallVector, at: usize, config: Config, more: &[&[u8]]) -> Self {
        let mut peer = Self::new(call, at, config, more);
        for other in (0..3).filter(|other| *other != at) {
            peer.admit(call, other, FIRST);
        }
        peer.run(FIRST);
        peer
    }

    fn run(&mut self, now: Time) -> Done {
        let mut done = Done::default();
        loop {
            match self.group.poll(now, &mut self.rng) {
                Output::Send { to, message } => {
                    let messages = unbundle(&message).unwrap();
                    done.sent.extend(messages.into_iter().map(|message| (to, message.to_vec())));
                }
                Output::Keys(KeyChange::Install { member, key, base_key }) => {
                    let bytes = base_key.expose_bytes().to_vec();
                    done.installed.push((member.get(), key.generation, key.step, bytes));
                }
                Output::Keys(KeyChange::Rekey { generation, base_key }) => {
                    done.sealed_with.push((generation, base_key.expose_bytes().to_vec()));
                }
                Output::Keys(_) => {}
                Output::Event(event) => done.events.push(event),
                Output::Timeout(_) => return done,
            }
        }
    }

    fn admit(&mut self, call: &CallVector, at: usize, now: Time) {
        self.admit_as(call, at, Permission::Moderator, now);
    }

    fn admit_as(&mut self, call: &CallVector, at: usize, permission: Permission, now: Time) {
        self.group.handle_message(&call.announces[at].signed.message, now).unwrap();
        let user = UserId::new(&*call.members[at].user_id.0).unwrap();
        let admission = Admission { user, permission };
        self.group.admit(member(call, at), admission, now).unwrap();
    }
}

#[test]
fn a_group_sends_the_scripts_messages() {
    let mut ran = 0;
    for call in &all().calls {
        let updates = &call.updates;
        let key = &updates[2].header.generation_key;
        // Entries are encrypted in the order of sessions.
        let mut both = [&updates[2], &updates[3]];
        both.sort_by_key(|update| &call.members[update.to].session.0);
        let [one, other] = both.map(|update| &update.randomness[..]);
        let more = [&updates[0].randomness[..], &updates[1].randomness, key, one, other, &JITTER];
        let mut a = Peer::new(call, 0, config(call, 0), &more);
        let first = a.run(FIRST);
        let announce = &call.announces[0].signed.message;
        let expected = [&announce[..], &call.heartbeats[0].signed.message];
        assert_eq!(first.sent_to(Recipient::All), expected);
        assert_eq!(a.group.announce(), &announce[..]);
        assert_eq!(
            (a.group.session(), a.group.member_id().get()),
            (member(call, 0), call.members[0].number)
        );

        a.admit(call, 1, FIRST);
        let said = a.run(FIRST);
        assert_eq!(said.sent_to(to(call, 1)).last(), Some(&&updates[0].message[..]));
        a.group.handle_message(&call.acks[0].message, FIRST).unwrap();
        a.group.handle_message(&call.heartbeats[1].signed.message, FIRST).unwrap();
        a.run(FIRST);

        a.group.set_frames(1);
        a.admit(call, 2, LATER);
        let said = a.run(LATER);
        assert_eq!(
            said.sent_to(to(call, 2)).last(),
            Some(&&updates[1].message[..]),
            "ratcheted by one step"
        );
        a.group.handle_message(&call.acks[1].message, LATER).unwrap();

        a.group.rekey(Reason::Leave, LATER);
        let said = a.run(LATER);
        assert_eq!(said.sent_to(to(call, 1)), [&updates[2].message[..]]);
        assert_eq!(said.sent_to(to(call, 2)), [&updates[3].message[..]]);
        assert!(said.sealed_with.is_empty());
        a.group.handle_message(&call.acks[3].message, LATER).unwrap();
        a.group.handle_message(&call.acks[2].message, LATER).unwrap();
        assert_eq!(a.run(LATER).sealed_with, [(1, key.0.clone())], "all members have it");

        a.group.lock(LATER).unwrap();
        a.group.remove_member(member(call, 2), LATER).unwrap();
        a.group.unlock(LATER).unwrap();
        let said = a.run(LATER);
        let orders: Vec<_> = call.orders[..3].iter().map(|it| &it.signed.message[..]).collect();
        assert_eq!(said.sent_to(Recipient::All), orders);
        let left = a.group.leave();
        let [Output::Send { to: Recipient::All, message }] = &left[..] else {
            unreachable!("{left:?}")
        };
        assert_eq!(*message, call.leaves[0].signed.message.0);
        assert!(a.rng.0.is_empty(), "all randomness is used");
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn a_group_answers_a_newcomer_as_the_script_does() {
    let mut ran = 0;
    for call in &all().calls {
        let mut b = Peer::new(call, 1, config(call, 1), &[&call.updates[7].randomness]);
        b.run(FIRST);
        b.group.handle_message(&call.announces[0].signed.message, FIRST).unwrap();
        b.group.handle_message(&call.heartbeats[0].signed.message, FIRST).unwrap();
        // A moderator would be asked for proof of life at once.
        b.admit_as(call, 0, Permission::None, FIRST);
        let said = b.run(FIRST);
        let announce = &call.announces[1].signed.message[..];
        let heartbeat = &call.heartbeats[1].signed.message;
        let expected = [announce, heartbeat, &call.updates[7].message];
        assert_eq!(said.sent_to(to(call, 0)), expected);
        b.group.handle_message(&call.acks[5].message, FIRST).unwrap();
        // The newcomer states that it sends, and its key does not arrive.
        let said = b.run(FIRST + 2 * SECOND);
        assert_eq!(said.sent_to(to(call, 0)), [&call.requests[0].signed.message[..]]);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn a_group_refuses_and_requests_as_the_script_does() {
    let mut ran = 0;
    for call in &all().calls {
        let announce = &call.announces[0].signed.message;
        // A refused session may not know the refusing member.
        let refusal = |at: usize| {
            let refusal = &call.refusals[at].signed;
            [&call.announces[refusal.from].signed.message[..], &refusal.message]
        };

        let mut b = Peer::new(call, 1, config(call, 1), &[]);
        // Its first second, in which announces are in transit, is over.
        let later = LATER;
        b.run(later);
        let unknown = b.group.handle_message(&call.heartbeats[0].signed.message, later);
        assert_eq!(unknown, Err(GroupError::UnknownMember(member(call, 0))));
        assert_eq!(b.run(later).sent_to(to(call, 0)), [&call.requests[3].signed.message[..]]);
        b.group.handle_message(announce, FIRST).unwrap();
        b.group.refuse(member(call, 0), FIRST);
        assert_eq!(b.run(FIRST).sent_to(to(call, 0)), refusal(0));

        let mut c = Peer::new(call, 2, config(call, 2), &[]);
        c.group.lock(FIRST).unwrap();
        assert_eq!(c.group.handle_message(announce, FIRST), Err(GroupError::Locked));
        assert_eq!(c.run(FIRST).sent_to(to(call, 0)), refusal(1));

        let policy = Policy { max_members: 2, ..Policy::default() };
        let mut c = Peer::new(call, 2, Config { policy, ..listener(call, 2) }, &[]);
        c.admit(call, 1, FIRST);
        assert_eq!(c.group.handle_message(announce, FIRST), Err(GroupError::Full));
        assert_eq!(c.run(FIRST).sent_to(to(call, 0)), refusal(3));
        ran += 3;
    }
    assert_eq!(ran, 12);
}

/// The key that an update installs.
fn installed(call: &CallVector, update: &UpdateVector) -> (u16, u64, u32, Vec<u8>) {
    let header = &update.header;
    let number = call.members[header.from].number;
    (number, header.generation.into(), header.step.into(), header.base_key.0.clone())
}

/// Every update for one of the first four prekeys, in order.
#[test]
fn a_group_opens_and_acknowledges_the_scripts_updates() {
    let (mut opened, mut acknowledged) = (0, 0);
    for call in &all().calls {
        for (at, updates) in [(0, &[7, 8][..]), (1, &[0, 2, 4, 6]), (2, &[1, 3])] {
            let prekeys = call.members[at].prekeys[1..4].iter().map(|prekey| &prekey.ikm[..]);
            let prekeys: Vec<_> = prekeys.collect();
            let mut peer = Peer::among(call, at, listener(call, at), &prekeys);
            for &place in updates {
                let update = &call.updates[place];
                // The member changes its prekey until it has the one that the entry uses.
                let now = |number: u16| FIRST + SECOND * (1 + 11 * u32::from(number));
                for number in 0..=update.prekey_number {
                    peer.run(now(number));
                }
                let now = now(update.prekey_number);
                peer.group.handle_message(&update.message, now).unwrap();
                let done = peer.run(now + SECOND / 10);
                assert_eq!(done.installed, [installed(call, update)]);
                let acks = call.acks.iter().filter(|ack| ack.update == place);
                let acks: Vec<_> = acks.map(|ack| &ack.message[..]).collect();
                assert_eq!(done.sent_to(to(call, update.header.from)), acks);
                acknowledged += acks.len();
                opened += 1;
                // A repeated update is acknowledged again, but not installed again.
                peer.group.handle_message(&update.message, now + SECOND / 5).unwrap();
                let again = peer.run(now + SECOND / 2);
                assert_eq!(again.sent_to(to(call, update.header.from)), acks);
                assert!(again.installed.is_empty() && again.events.is_empty(), "{again:?}");
            }
        }
    }
    assert_eq!((opened, acknowledged), (32, 28));
}

#[test]
fn an_update_for_an_expired_prekey_is_answered_with_the_new_one() {
    let mut ran = 0;
    for call in &all().calls {
        for update in call.updates.iter().filter(|update| update.prekey_number == 0xffff) {
            let mut peer = Peer::among(call, update.to, listener(call, update.to), &[]);
            let refused = peer.group.handle_message(&update.message, FIRST);
            assert_eq!(refused, Err(GroupError::Stale));
            let done = peer.run(FIRST);
            assert!(done.installed.is_empty());
            let sent = done.sent_to(to(call, update.header.from));
            let prekey = &call.members[update.to].prekeys[0].public;
            assert!(matches!(sent[..], [heartbeat] if heartbeat[1] == 5
                && heartbeat.windows(prekey.len()).any(|window| window == &prekey[..])));
            ran += 1;
        }
    }
    assert_eq!(ran, 12);
}

#[test]
fn two_groups_verify_each_other_as_the_script_does() {
    let mut ran = 0;
    for call in &all().calls {
        let check = &call.check;
        let mut a = Peer::among(call, 0, listener(call, 0), &[&check.check, &check.a.secret]);
        let mut b = Peer::among(call, 1, listener(call, 1), &[&check.b.secret]);
        let messages: Vec<_> = check.messages.iter().map(|it| &it.signed.message[..]).collect();
        a.group.start_sas(member(call, 1), FIRST, &mut a.rng).unwrap();
        assert_eq!(a.run(FIRST).sent_to(to(call, 1)), messages[..1]);
        b.group.handle_message(messages[0], FIRST).unwrap();
        assert_eq!(b.run(FIRST).sent_to(to(call, 0)), messages[1..2]);
        a.group.handle_message(messages[1], FIRST).unwrap();
        let shown = a.run(FIRST);
        assert_eq!(shown.sent_to(to(call, 1)), messages[2..3]);
        b.group.handle_message(messages[2], FIRST).unwrap();
        for (shown, with) in [(shown, 1), (b.run(FIRST), 0)] {
            let [Event::SasReady { session, sas }] = &shown.events[..] else {
                unreachable!("{shown:?}")
            };
            assert_eq!(*session, member(call, with));
            assert_eq!(sas.emoji().map(|emoji| emoji.index).to_vec(), check.emoji);
        }
        b.group.confirm_sas(member(call, 0), FIRST).unwrap();
        assert_eq!(b.run(FIRST).sent_to(to(call, 0)), messages[3..4]);
        a.group.handle_message(messages[3], FIRST).unwrap();
        a.group.confirm_sas(member(call, 1), FIRST).unwrap();
        let done = a.run(FIRST);
        assert_eq!(done.sent_to(to(call, 1)), messages[4..]);
        assert_eq!(done.events, [Event::SasVerified(member(call, 1))]);
        b.group.handle_message(messages[4], FIRST).unwrap();
        assert_eq!(b.run(FIRST).events, [Event::SasVerified(member(call, 0))]);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

/// A member that receives both headers of the second forward reports the sender.
#[test]
fn a_group_reports_a_generation_that_began_twice() {
    let mut ran = 0;
    for call in &all().calls {
        let mut c = Peer::among(call, 2, listener(call, 2), &[]);
        c.group.handle_message(&call.forwards[1].signed.message, FIRST).unwrap();
        assert_eq!(c.run(FIRST).events, [Event::Equivocation(member(call, 0))]);
        ran += 1;
    }
    assert_eq!(ran, 4);
}

fn is_for(kind: Refused, error: GroupError) -> bool {
    use MessageError::{Malformed, TooLong, UnknownKem, UnknownType, UnknownVersion};
    match kind {
        Refused::Malformed => matches!(error, GroupError::Message(Malformed | TooLong | UnknownKem(_))),
        Refused::Head => matches!(
            error,
            GroupError::Message(UnknownVersion | UnknownType(_)) | GroupError::OtherGroup
        ),
        Refused::Session | Refused::Signature => error == GroupError::Unauthentic,
        Refused::Entry => {
            matches!(error, GroupError::WrongKey | GroupError::Stale | GroupError::NotForUs)
        }
        Refused::Suite => matches!(error, GroupError::OtherSuite | GroupError::OtherKem),
        Refused::Mac => error == GroupError::Stale,
    }
}

/// None of them causes a key, a member or a message, and the originals are accepted afterwards.
#[test]
fn a_group_accepts_none_of_the_rejected_messages() {
    let mut ran = 0;
    for call in &all().calls {
        // By receiver: B before it knows A, then B and A when they know each other.
        let later = [&call.members[1].prekeys[1].ikm[..]; 16];
        let mut stranger = Peer::new(call, 1, listener(call, 1), &later);
        let mut a = Peer::among(call, 0, listener(call, 0), &later);
        let mut b = Peer::among(call, 1, listener(call, 1), &later);
        stranger.run(FIRST);
        let mut now = FIRST;
        for vector in &call.refused {
            // Let time pass, so that no message exceeds a rate limit.
            now += Duration::from_millis(10);
            let is_announce = vector.message.get(1) == Some(&1);
            let peer = match vector.to {
                0 => &mut a,
                _ if is_announce => &mut stranger,
                _ => &mut b,
            };
            peer.run(now);
            let taken = peer.group.handle_message(&vector.message, now);
            let Err(error) = taken else { unreachable!("taken: {}, KEM {}", vector.name, call.kem) };
            let is_of_another = vector.name.ends_with("another session, not signed anew");
            let by_other_rule = is_of_another && matches!(error, GroupError::UnknownMember(_))
                // A message that begins with 00 is parsed as a bundle.
                || vector.name.ends_with("version 0") && error == MessageError::Malformed.into()
                // The length of an entry is checked last.
                || vector.name.starts_with("key update: ") && vector.kind == Refused::Malformed
                    && matches!(error, GroupError::NotForUs | GroupError::Stale);
            assert!(by_other_rule || is_for(vector.kind, error), "{}: {error}", vector.name);
            let mut done = peer.run(now);
            assert!(done.installed.is_empty() && done.events.is_empty(), "{}", vector.name);
            // A request for the announce by an unknown session is answered, as always.
            let is_asked_for = vector.name.starts_with("request: ");
            done.sent.retain(|(to, said)| !(is_asked_for && *to == Recipient::All && said[1] == 1));
            // The sender may be asked for its announce, sent our prekey, or refused.
            let says = |kind| matches!(&done.sent[..], [(Recipient::One(_), said)] if said[1] == kind);
            let refuses = matches!(&done.sent[..], [(_, announce), (Recipient::One(_), refusal)]
                if announce[1] == 1 && refusal[1] == 10);
            let is_asked = matches!(error, GroupError::UnknownMember(_)) && says(3);
            let is_told = vector.kind == Refused::Entry && error == GroupError::Stale && says(5);
            let is_refused = vector.kind == Refused::Suite;
            assert_eq!(is_refused, refuses, "{}", vector.name);
            let expected = done.sent.is_empty() || is_asked || is_told || is_refused;
            assert!(expected, "{}: {done:?}", vector.name);
            ran += 1;
        }
        stranger.admit(call, 0, now);
        b.run(now);
        b.group.handle_message(&call.updates[2].message, now).unwrap();
        let done = b.run(now + SECOND / 10);
        assert_eq!(done.installed, [installed(call, &call.updates[2])]);
        assert_eq!(done.sent_to(to(call, 0)), [&call.acks[2].message[..]]);
        a.group.handle_message(&call.requests[3].signed.message, now).unwrap();
        let done = a.run(now);
        assert_eq!(done.sent_to(to(call, 1))[0], &call.announces[0].signed.message[..]);
    }
    assert_eq!(ran, 1060);
}

#[test]
fn a_group_accepts_the_valid_messages_of_every_bundle() {
    let mut ran = 0;
    for call in &all().calls {
        for vector in &call.bundles {
            let base_key = [9; 64];
            let mut b = Peer::among(call, 1, listener(call, 1), &[&base_key]);
            let taken = b.group.handle_message(&vector.message, FIRST);
            let refused = vector.messages.iter().find_map(|message| message.refused);
            assert_eq!(taken.is_err(), refused.is_some(), "{}: {taken:?}", vector.name);
            assert!(refused.is_none_or(|kind| is_for(kind, taken.unwrap_err())), "{}", vector.name);
            let done = b.run(FIRST);
            let good = vector.messages.iter().filter(|message| message.refused.is_none());
            let has = |kind| good.clone().any(|message| message.message[1] == kind);
            let answered = done.sent_to(to(call, 0)).iter().any(|message| message[1] == 5);
            assert_eq!(answered, has(3) && !has(6), "{}: {done:?}", vector.name);
            let left = done.events.iter().any(|event| matches!(event, Event::Left { .. }));
            assert_eq!(left, has(6), "{}: {done:?}", vector.name);
            ran += 1;
        }
        let mut b = Peer::among(call, 1, listener(call, 1), &[]);
        for vector in &call.refused_bundles {
            b.group.handle_message(&vector.message, FIRST).unwrap_err();
            let done = b.run(FIRST);
            assert!(done.sent.is_empty() && done.events.is_empty(), "{}", vector.name);
            ran += 1;
        }
    }
    assert_eq!(ran, 33 + 25);
}
