//! Messages that no honest member sends, and sessions without a running client.

use sealframe_crypto::BaseKey;
use sealframe_group::{
    Event, GroupError, IdentityKey, Kem, KemSecret, LeaveReason, MemberId, Role, SessionId, Time,
    message::{
        self, Addressee, Announce, Body, Heartbeat, KeyUpdate, Message, Reason, UpdateHeader,
        entry_info,
    },
    wrap,
};
use sealframe_testkit::random::Random;

use super::net::{Join, MILLI, Net, Peer, SECOND, SUITE};

pub(crate) const ANNOUNCE: u8 = 1;
pub(crate) const KEY_UPDATE: u8 = 2;
pub(crate) const REQUEST: u8 = 3;
pub(crate) const ACK: u8 = 4;
pub(crate) const HEARTBEAT: u8 = 5;
pub(crate) const LEAVE: u8 = 6;
pub(crate) const ORDER: u8 = 7;
pub(crate) const ROSTER: u8 = 8;
pub(crate) const FORWARD: u8 = 9;

/// A call of these people in which all are members.
pub(crate) fn call(people: &[Join]) -> (Net, Vec<u16>) {
    let mut net = Net::new(1);
    net.records = true;
    let join = |join: &Join| {
        let address = net.join(join);
        net.run_for(500 * MILLI);
        address
    };
    let addresses = people.iter().map(join).collect();
    net.run_for(5 * SECOND);
    net.is_together().unwrap();
    (net, addresses)
}

/// A call of this many people in which all are members; the first is a moderator.
pub(crate) fn call_of(people: u16) -> (Net, Vec<u16>) {
    let others = (2..=people).map(Join::of);
    let people: Vec<Join> = [Join::moderator(1)].into_iter().chain(others).collect();
    call(&people)
}

/// A call of two members, and the first one's member id. The first has begun generation 1, and the
/// second has opened a frame with it.
pub(crate) fn rekeyed_call() -> (Net, [u16; 2], MemberId) {
    let (mut net, ids) = call_of(2);
    let [alice, bob] = ids[..] else { panic!() };
    net.with(alice, |peer, now| peer.group.rekey(Reason::Suspicion, now));
    net.run_for(3 * SECOND);
    let number = net.peer(alice).group.member_id();
    let (generation, step, _) = net.peer(alice).own;
    assert!([0, 1].iter().all(|generation| net.peer(bob).held.contains_key(&(number, *generation))));
    net.with(bob, |peer, now| peer.group.opened(number, generation, step, now));
    (net, [alice, bob], number)
}

/// The call's group_hash.
pub(crate) fn group() -> [u8; 32] {
    message::group_hash(b"a call")
}

/// The identity of a person.
pub(crate) fn key_of(person: u16) -> IdentityKey {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&person.to_be_bytes());
    IdentityKey::from_seed(&seed).unwrap()
}

pub(crate) fn prefix(session: SessionId) -> [u8; 8] {
    session.0[..8].try_into().unwrap()
}

/// A session without a running client: an announce, and the keys to sign more messages.
pub(crate) struct Stranger {
    pub(crate) key: IdentityKey,
    pub(crate) session: SessionId,
    pub(crate) announce: Announce,
    pub(crate) message: Vec<u8>,
    pub(crate) secret: KemSecret,
}

impl Stranger {
    pub(crate) fn of(person: u16) -> Self {
        Self::with(person, |_| {})
    }

    /// A stranger with a modified announce.
    pub(crate) fn with(person: u16, change: impl FnOnce(&mut Announce)) -> Self {
        let key = key_of(person);
        let (secret, prekey) =
            KemSecret::generate(Kem::X25519, &mut Random::new(person.into())).unwrap();
        let [high, low] = person.to_be_bytes();
        let mut announce = Announce {
            joined_at: 1000,
            media_suite: SUITE.id(),
            kem: Kem::X25519,
            role: Role::Participant,
            identity: key.public(),
            prekey,
            versions: vec![1],
            address: vec![0xee, low],
            credential: vec![high, low, 0],
            extensions: Vec::new(),
        };
        change(&mut announce);
        let (session, message) = message::sign_announce(&group(), announce.clone(), &key);
        Self { key, session, announce, message, secret }
    }

    pub(crate) fn sign(&self, body: &Body) -> Vec<u8> {
        message::sign(&group(), self.session, body, &self.key)
    }
}

impl Net {
    /// Hands a message to a member at once.
    pub(crate) fn hand(&mut self, to: u16, message: &[u8]) -> Result<(), GroupError> {
        self.with(to, |peer, now| peer.group.handle_message(message, now))
    }

    /// Signs a message as a member, with its key.
    pub(crate) fn sign(&self, from: u16, body: &Body) -> Vec<u8> {
        let peer = self.peer(from);
        message::sign(&group(), peer.group.session(), body, &key_of(peer.person))
    }

    /// The messages of one type that a session sent, oldest first; the call must be recorded.
    pub(crate) fn said(&self, session: SessionId, kind: u8) -> Vec<Vec<u8>> {
        let parts = self.recorded.iter().flat_map(|(_, bytes)| message::unbundle(bytes).unwrap());
        let said = parts.filter(|part| part[1] == kind && part[6..22] == session.0);
        said.map(<[u8]>::to_vec).collect()
    }

    /// The newest heartbeat of a member.
    pub(crate) fn heartbeat_of(&self, from: u16) -> Heartbeat {
        let newest = self.said(self.session(from), HEARTBEAT).pop().unwrap();
        let Body::Heartbeat(heartbeat) = Message::parse(&newest).unwrap().body else { panic!() };
        heartbeat
    }

    /// Number and public half of the newest prekey of a member.
    pub(crate) fn prekey_of(&self, of: u16) -> (u16, Vec<u8>) {
        let heartbeat = self.heartbeat_of(of);
        (heartbeat.prekey_number, heartbeat.prekey)
    }

    /// The update with which `from` would begin generation 1.
    pub(crate) fn next_update(&self, from: u16) -> KeyUpdate {
        let heartbeat = self.heartbeat_of(from);
        KeyUpdate {
            reason: Reason::Timer,
            wants_ack: true,
            generation: heartbeat.newest + 1,
            step: 0,
            prev_hash: heartbeat.update_hash,
        }
    }

    /// An update signed as a member, for a key of equal bytes.
    pub(crate) fn update(&self, from: u16, to: u16, update: KeyUpdate, byte: u8) -> Vec<u8> {
        let commit = self.header(from, update, byte).key_commit;
        self.update_committed(from, to, update, byte, commit)
    }

    /// The header of that update.
    pub(crate) fn header(&self, from: u16, update: KeyUpdate, byte: u8) -> UpdateHeader {
        let session = self.session(from);
        let (generation, step) = (update.generation, update.step);
        let key_commit = KeyUpdate::commit(&[byte; 32], &group(), session, generation, step);
        UpdateHeader { update, key_commit }
    }

    /// Like `update`, with a commitment of the test's choice.
    pub(crate) fn update_committed(
        &self,
        from: u16,
        to: u16,
        update: KeyUpdate,
        byte: u8,
        key_commit: [u8; 32],
    ) -> Vec<u8> {
        let (sender, recipient) = (self.peer(from), self.peer(to));
        let session = sender.group.session();
        let header = UpdateHeader { update, key_commit };
        let message = message::sign_update(&group(), session, &header, &key_of(sender.person));
        let (number, prekey) = self.prekey_of(to);
        let addressee = Addressee {
            identity: recipient.group.identity(),
            session: recipient.group.session(),
            prekey: &prekey,
        };
        let sender = (&sender.group.identity(), session);
        let info = entry_info(&group(), Kem::X25519, SUITE, sender, &addressee);
        let key = BaseKey::from_bytes(SUITE, &[byte; 32]).unwrap();
        let aad = &message[..KeyUpdate::SIGNED_LEN];
        let (enc, sealed) = wrap(Kem::X25519, &prekey, &key, &info, aad, &mut Random::new(5)).unwrap();
        let recipient = recipient.group.member_id().get().to_be_bytes();
        [&message, &recipient[..], &number.to_be_bytes(), &enc, &sealed].concat()
    }

    /// The members that open what a member seals now.
    pub(crate) fn who_opens(&self, from: u16) -> Vec<u16> {
        let sender = self.peer(from);
        let others = self.peers.values().filter(|peer| peer.address != from);
        others.filter(|peer| peer.opens(sender)).map(|peer| peer.address).collect()
    }

    pub(crate) fn is_locked(&self, at: u16) -> bool {
        self.peer(at).group.state(self.now).is_locked
    }

    /// Drops all messages of these types.
    pub(crate) fn drop_types(&mut self, types: &'static [u8]) {
        self.drops = Box::new(|_, _, bytes| types.contains(&bytes[1]));
    }

    pub(crate) fn drop_nothing(&mut self) {
        self.drops = Box::new(|_, _, _| false);
    }

    /// Asserts that no member reported anything that an honest relay does not cause.
    pub(crate) fn assert_no_alarms(&self) {
        for peer in self.peers.values() {
            assert!(peer.alarms().is_empty(), "{}: {:?}", peer.address, peer.alarms());
        }
    }
}

impl Peer {
    pub(crate) fn has(&self, event: &Event) -> bool {
        self.has_event(|seen| seen == event)
    }

    /// When the peer first received this event.
    pub(crate) fn time_of(&self, event: &Event) -> Option<Time> {
        self.events.iter().find(|(_, seen)| seen == event).map(|(at, _)| *at)
    }

    pub(crate) fn has_joined(&self, session: SessionId) -> bool {
        self.has(&Event::Joined(session))
    }

    pub(crate) fn has_left(&self, session: SessionId, why: LeaveReason) -> bool {
        self.has(&Event::Left { session, why })
    }
}
