//! The members of each room, and the tracks that they receive on their m-lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use axum::extract::ws::{CloseCode, Utf8Bytes, close_code};
use str0m::media::Mid;

use crate::limits::{
    Bucket, JOINS, MEMBERS, MEMBERS_PER_ADDRESS, NAME_BYTES, Origin, ROOM_MEMBERS, Timeouts,
};
use crate::message::{Address, Introduction, MemberId, Slot, Stay, ToPage, Track, TrackId};
use crate::outbox::{Ending, Outbox};

/// All members of this server.
#[derive(Debug)]
pub(crate) struct Rooms {
    timeouts: Timeouts,
    /// Rooms opened and members joined so far. 64 bits do not run out.
    opened: u64,
    came: u64,
    /// By name, the rooms with at least one member.
    rooms: HashMap<String, Room>,
    members: BTreeMap<MemberId, Member>,
}

/// A room with at least one member.
#[derive(Debug)]
struct Room {
    stay: Stay,
    joins: Bucket,
}

#[derive(Debug)]
struct Member {
    room: String,
    name: String,
    origin: Option<Origin>,
    outbox: Outbox,
    /// The time of its last message or media.
    active: Instant,
    sends: BTreeMap<Mid, Track>,
    slots: HashMap<Mid, Slot>,
}

/// A participant that wants to join.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The room's name.
    pub(crate) room: String,
    /// The name that the participant chose.
    pub(crate) name: String,
    /// Its address for the others.
    pub(crate) address: Address,
    /// Where the connection comes from.
    pub(crate) origin: Option<Origin>,
}

/// Why a participant may not join.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// The name of the room or of the participant is invalid.
    Name,
    /// Its token is invalid.
    Token,
    /// The room has its maximum of members.
    RoomFull,
    /// The server has its maximum of members.
    ServerFull,
    /// The address, or its network, has its maximum of members.
    AddressFull,
    /// Too many joins of the room recently.
    Haste,
}

impl Refusal {
    /// The WebSocket close code, and words of at most 123 bytes.
    pub(crate) fn reason(self) -> (CloseCode, &'static str) {
        match self {
            Self::Name => (
                close_code::POLICY,
                "A room is named by 1 to 64 letters, digits, _ and -; a person by 1 to 64 visible bytes.",
            ),
            Self::Token => (close_code::POLICY, "A token has 32 hexadecimal digits."),
            Self::RoomFull => (close_code::AGAIN, "The room is full."),
            Self::ServerFull => (close_code::AGAIN, "The server is full."),
            Self::AddressFull => (close_code::AGAIN, "Too many people came from this address."),
            Self::Haste => {
                (close_code::AGAIN, "Too many people joined this room within a minute. Try again soon.")
            }
        }
    }
}

impl Rooms {
    /// Creates a server without members.
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, opened: 0, came: 0, rooms: HashMap::new(), members: BTreeMap::new() }
    }

    /// Whether the visitor may join now.
    ///
    /// # Errors
    /// [`Refusal`], without effect.
    pub(crate) fn may_join(&mut self, visitor: &Visitor, now: Instant) -> Result<(), Refusal> {
        let Visitor { room, name, address: _, origin } = visitor;
        if !is_room_name(room) || !is_name(name) {
            return Err(Refusal::Name);
        }
        if let Some(room) = self.rooms.get_mut(room)
            && room.joins.ready_at(now).is_some()
        {
            return Err(Refusal::Haste);
        }
        let is_neighbour = |member: &Member| origin.is_some() && member.origin == *origin;
        if self.in_room(room).count() >= ROOM_MEMBERS {
            Err(Refusal::RoomFull)
        } else if self.members.len() >= MEMBERS {
            Err(Refusal::ServerFull)
        } else if self.members.values().filter(|member| is_neighbour(member)).count()
            >= MEMBERS_PER_ADDRESS
        {
            Err(Refusal::AddressFull)
        } else {
            Ok(())
        }
    }

    /// The idle member that can give its place to `visitor`, who was rejected for lack of one: the
    /// one that has been silent for longest.
    pub(crate) fn spare(&self, visitor: &Visitor, refusal: Refusal, now: Instant) -> Option<MemberId> {
        let would_help = |member: &Member| match refusal {
            Refusal::RoomFull => member.room == visitor.room,
            Refusal::ServerFull => true,
            Refusal::AddressFull => member.origin == visitor.origin,
            Refusal::Name | Refusal::Token | Refusal::Haste => false,
        };
        let spare = self
            .members
            .iter()
            .filter(|(_, member)| would_help(member) && now >= member.active + self.timeouts.spare);
        spare.min_by_key(|(_, member)| member.active).map(|(id, _)| *id)
    }

    /// Admits a visitor, sends it a welcome and tells the others.
    ///
    /// # Errors
    /// [`Refusal`], without telling the others.
    pub(crate) fn join(
        &mut self,
        visitor: Visitor,
        outbox: Outbox,
        now: Instant,
    ) -> Result<MemberId, Refusal> {
        self.may_join(&visitor, now)?;
        let Visitor { room: name_of_room, name, address, origin } = visitor;
        let room = self.rooms.entry(name_of_room.clone()).or_insert_with(|| {
            self.opened += 1;
            Room { stay: Stay(self.opened), joins: Bucket::full(JOINS, now) }
        });
        room.joins.take(1, now);
        self.came += 1;
        let id = MemberId { stay: room.stay, address, visit: self.came };
        let member = Member {
            room: name_of_room,
            name,
            origin,
            outbox,
            active: now,
            sends: BTreeMap::new(),
            slots: HashMap::new(),
        };
        let there = self.of_stay(id.stay).map(|(id, member)| member.introduction(id)).collect();
        self.tell_others(id, &ToPage::Joined(member.introduction(id)));
        self.members.insert(id, member);
        self.tell(id, &ToPage::Welcome { id, members: there });
        Ok(id)
    }

    /// Removes a member and tells the others. The returned outbox can tell the page why.
    pub(crate) fn leave(&mut self, id: MemberId) -> Option<Outbox> {
        let member = self.members.remove(&id)?;
        self.tell_others(id, &ToPage::Left { id });
        if self.of_stay(id.stay).next().is_none() {
            self.rooms.remove(&member.room);
        }
        Some(member.outbox)
    }

    /// Notes that a member is active.
    pub(crate) fn touch(&mut self, id: MemberId, now: Instant) {
        if let Some(member) = self.members.get_mut(&id) {
            member.active = now;
        }
    }

    /// The member with this address in a room.
    pub(crate) fn at(&self, room: &str, address: Address) -> Option<MemberId> {
        self.at_stay(self.rooms.get(room)?.stay, address)
    }

    fn at_stay(&self, stay: Stay, address: Address) -> Option<MemberId> {
        self.members.range(visits(stay, [address; 2])).next().map(|(id, _)| *id)
    }

    /// Relays a message unread, to one member of the same room or to all others.
    pub(crate) fn relay(&mut self, from: MemberId, to: Option<Address>, data: String) {
        if !self.members.contains_key(&from) {
            return;
        }
        let message = ToPage::Message { from, data };
        match to {
            None => self.tell_others(from, &message),
            Some(address) => {
                if let Some(id) = self.at_stay(from.stay, address) {
                    self.tell(id, &message);
                }
            }
        }
    }

    /// Sets the tracks that `id` sends on its m-lines, and tells the others of a change. If two
    /// m-lines have the same track, the one with the lower mid keeps it.
    pub(crate) fn publish(&mut self, id: MemberId, mut sends: BTreeMap<Mid, Track>) {
        let mut given = BTreeSet::new();
        sends.retain(|_, track| given.insert(*track));
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let before = member.tracks();
        member.sends = sends;
        let tracks = member.tracks();
        if tracks != before {
            self.tell_others(id, &ToPage::Tracks { from: id, tracks });
        }
    }

    /// The track that `id` sends on an m-line; `None` if the page did not name it.
    pub(crate) fn track(&self, id: MemberId, mid: Mid) -> Option<TrackId> {
        let track = *self.members.get(&id)?.sends.get(&mid)?;
        Some(TrackId { from: id, track })
    }

    /// Whether a member has announced a track.
    pub(crate) fn has_track(&self, id: TrackId) -> bool {
        self.mid(id).is_some()
    }

    /// The m-line on which a track is sent.
    pub(crate) fn mid(&self, id: TrackId) -> Option<Mid> {
        let mut sends = self.members.get(&id.from)?.sends.iter();
        sends.find_map(|(mid, track)| (*track == id.track).then_some(*mid))
    }

    /// Sets the tracks of its room that `id` wants on its m-lines.
    pub(crate) fn subscribe(&mut self, id: MemberId, slots: HashMap<Mid, Slot>) {
        if let Some(member) = self.members.get_mut(&id) {
            member.slots = slots;
        }
    }

    /// The subscribers of a track, with their m-lines.
    pub(crate) fn subscribers(&self, wanted: TrackId) -> Vec<(MemberId, Mid)> {
        let slot_wanted = Slot { from: wanted.from.address, track: wanted.track };
        self.of_stay(wanted.from.stay)
            .filter(|(id, _)| *id != wanted.from)
            .flat_map(|(id, member)| member.slots.iter().map(move |(mid, slot)| (id, *mid, *slot)))
            .filter_map(|(id, mid, slot)| (slot == slot_wanted).then_some((id, mid)))
            .collect()
    }

    /// The track that an m-line of `id` carries.
    pub(crate) fn source(&self, id: MemberId, mid: Mid) -> Option<TrackId> {
        let Slot { from, track } = *self.members.get(&id)?.slots.get(&mid)?;
        Some(TrackId { from: self.at_stay(id.stay, from)?, track })
    }

    /// A member's room.
    pub(crate) fn room_of(&self, id: MemberId) -> Option<&str> {
        self.members.get(&id).map(|member| member.room.as_str())
    }

    /// All members of a room.
    pub(crate) fn ids(&self, room: &str) -> Vec<MemberId> {
        self.in_room(room).map(|(id, _)| id).collect()
    }

    /// Sends a message to one page. A page that does not read loses messages, so it costs no
    /// memory; see [`ended`](Self::ended).
    pub(crate) fn tell(&mut self, id: MemberId, message: &ToPage) {
        if let Some(member) = self.members.get_mut(&id)
            && let Some(letter) = letter(message)
        {
            member.outbox.push(letter);
        }
    }

    /// The members that cannot go on, because a message was lost or the page is gone, and the idle
    /// ones.
    pub(crate) fn ended(&self, now: Instant) -> Vec<(MemberId, Ending)> {
        let ending = |member: &Member| {
            let is_idle = now >= member.active + self.timeouts.idle;
            member.outbox.must_end().or(is_idle.then_some(Ending::Idle))
        };
        self.members.iter().filter_map(|(id, member)| Some((*id, ending(member)?))).collect()
    }

    fn in_room(&self, room: &str) -> impl Iterator<Item = (MemberId, &Member)> {
        self.rooms.get(room).into_iter().flat_map(|room| self.of_stay(room.stay))
    }

    fn of_stay(&self, stay: Stay) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.range(visits(stay, Address::ALL)).map(|(id, member)| (*id, member))
    }

    // All others share the same bytes.
    fn tell_others(&mut self, id: MemberId, message: &ToPage) {
        let Some(letter) = letter(message) else { return };
        for (other, member) in self.members.range_mut(visits(id.stay, Address::ALL)) {
            if *other != id {
                member.outbox.push(letter.clone());
            }
        }
    }
}

impl Member {
    fn introduction(&self, id: MemberId) -> Introduction {
        Introduction { id, name: self.name.clone(), tracks: self.tracks() }
    }

    fn tracks(&self) -> Vec<Track> {
        let tracks: BTreeSet<Track> = self.sends.values().copied().collect();
        tracks.into_iter().collect()
    }
}

/// The members of a room from the first address to the last.
fn visits(stay: Stay, [first, last]: [Address; 2]) -> core::ops::RangeInclusive<MemberId> {
    let at = |address, visit| MemberId { stay, address, visit };
    at(first, 0)..=at(last, u64::MAX)
}

fn letter(message: &ToPage) -> Option<Utf8Bytes> {
    // Numbers, texts and lists of them always serialise.
    serde_json::to_string(message).ok().map(Utf8Bytes::from)
}

/// Whether `text` is 1 to 64 of `A-Z a-z 0-9 _ -`: safe as a part of a file name.
fn is_room_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=NAME_BYTES).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Whether `text` is 1 to 64 visible bytes: no control characters, none that reverse the direction
/// of writing or have no width, and no space at the ends.
fn is_name(text: &str) -> bool {
    // Joiners (U+200C, U+200D) occur in Persian names and in emoji.
    let is_unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}')
    };
    (1..=NAME_BYTES).contains(&text.len())
        && text.trim().len() == text.len()
        && text.chars().any(|letter| !matches!(letter, '\u{200c}' | '\u{200d}'))
        && !text.contains(is_unseen)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::time::{Duration, Instant};

    use str0m::media::Mid;

    use super::{
        Address, Ending, Introduction, JOINS, MEMBERS, MEMBERS_PER_ADDRESS, MemberId, Origin,
        ROOM_MEMBERS, Refusal, Rooms, Slot, Stay, Timeouts, ToPage, Track, TrackId, Visitor, letter,
    };
    use crate::limits::OUTBOX_BYTES;
    use crate::message::StreamKind;
    use crate::outbox::{Inbox, outbox};

    const SCREEN: Track = Track { kind: StreamKind::Screen, index: 1 };
    const CAMERA: Track = Track { kind: StreamKind::Camera, index: 0 };

    /// The member that joined as the `visit`th, with the address that [`visitor`] assigns then.
    fn id(stay: u64, visit: u64) -> MemberId {
        MemberId { stay: Stay(stay), address: address(visit), visit }
    }

    /// Addresses ascend in the order of counting.
    fn address(number: u64) -> Address {
        Address(u128::from(number).to_be_bytes())
    }

    fn visitor(room: &str, name: &str) -> Visitor {
        let address = address(u64::MAX);
        Visitor { room: room.to_owned(), name: name.to_owned(), address, origin: None }
    }

    fn join_at(rooms: &mut Rooms, room: &str, now: Instant) -> (Result<MemberId, Refusal>, Inbox) {
        let (outbox, inbox) = outbox();
        let visitor = Visitor { address: address(rooms.came + 1), ..visitor(room, "somebody") };
        (rooms.join(visitor, outbox, now), inbox)
    }

    fn join(rooms: &mut Rooms, room: &str) -> (Result<MemberId, Refusal>, Inbox) {
        join_at(rooms, room, Instant::now())
    }

    fn hears(inbox: &mut Inbox, message: &ToPage) {
        assert_eq!(inbox.letters.try_next(), letter(message));
    }

    fn hears_welcome(inbox: &mut Inbox, id: MemberId, members: Vec<Introduction>) {
        hears(inbox, &ToPage::Welcome { id, members });
    }

    fn somebody(id: MemberId, tracks: &[Track]) -> Introduction {
        Introduction { id, name: "somebody".to_owned(), tracks: tracks.to_vec() }
    }

    #[test]
    fn a_room_that_was_empty_is_a_new_one() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let (_, _inbox) = join(&mut rooms, "a");
        rooms.leave(id(1, 1));
        assert!(rooms.rooms.is_empty());
        let (joined, mut inbox) = join(&mut rooms, "a");
        assert_eq!(joined, Ok(id(2, 2)));
        hears_welcome(&mut inbox, id(2, 2), vec![]);
        // Leftovers of earlier members affect nobody.
        rooms.relay(id(1, 1), None, "x".to_owned());
        rooms.publish(id(1, 1), BTreeMap::from([(Mid::from("0"), SCREEN)]));
        assert!(rooms.leave(id(1, 1)).is_none());
        assert_eq!(inbox.letters.try_next(), None);
        assert_eq!(rooms.ids("a"), [id(2, 2)]);
    }

    #[test]
    fn a_returning_member_keeps_the_address_and_is_a_new_member() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let now = Instant::now();
        let mut join = |room: &str| {
            let visitor = Visitor { address: address(7), ..visitor(room, "somebody") };
            rooms.join(visitor, outbox().0, now)
        };
        let (first, elsewhere) = (join("a"), join("b"));
        assert_eq!(first, Ok(MemberId { stay: Stay(1), address: address(7), visit: 1 }));
        assert_eq!(elsewhere, Ok(MemberId { stay: Stay(2), address: address(7), visit: 2 }));
        let [first, elsewhere] = [first, elsewhere].map(|joined| joined.ok());
        assert_eq!(rooms.at("a", address(7)), first);
        assert_eq!(rooms.at("b", address(7)), elsewhere);
        assert_eq!(rooms.at("a", address(8)), None);
        assert!(first.and_then(|id| rooms.leave(id)).is_some());
        assert_eq!(rooms.at("a", address(7)), None);
        assert_eq!(rooms.at("b", address(7)), elsewhere);
    }

    #[test]
    fn a_room_limits_joins_per_second() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let now = Instant::now();
        let (_, _stays) = join_at(&mut rooms, "a", now);
        let mut let_in = 1;
        while let Ok(id) = join_at(&mut rooms, "a", now).0 {
            rooms.leave(id);
            let_in += 1;
        }
        assert_eq!(join_at(&mut rooms, "a", now).0, Err(Refusal::Haste));
        assert!((JOINS.burst..=JOINS.burst + 1).contains(&let_in), "{let_in}");
        assert!(join_at(&mut rooms, "b", now).0.is_ok());
        assert!(join_at(&mut rooms, "a", now + Duration::from_secs(1)).0.is_ok());
    }

    /// Rooms `r0`, `r1` … with all places taken at `now`.
    fn full(now: Instant) -> (Rooms, Vec<Inbox>) {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let inboxes = (0..MEMBERS).map(|place| {
            let (joined, inbox) = join_at(&mut rooms, &format!("r{}", place / ROOM_MEMBERS), now);
            assert!(joined.is_ok());
            inbox
        });
        let inboxes = inboxes.collect();
        (rooms, inboxes)
    }

    #[test]
    fn an_idle_member_gives_its_place_to_a_newcomer_if_there_is_no_other() {
        let now = Instant::now();
        let (mut rooms, _inboxes) = full(now);
        let other = visitor("other", "somebody");
        assert_eq!(rooms.may_join(&other, now), Err(Refusal::ServerFull));
        assert_eq!(rooms.spare(&other, Refusal::ServerFull, now), None);
        let later = now + Timeouts::USUAL.spare;
        // All but one are active.
        for place in rooms.members.keys().copied().collect::<Vec<_>>() {
            if place != id(3, 37) {
                rooms.touch(place, later);
            }
        }
        assert_eq!(rooms.spare(&other, Refusal::ServerFull, later), Some(id(3, 37)));
        // It does not help visitors of another full room.
        let full_room = visitor("r0", "somebody");
        assert_eq!(rooms.may_join(&full_room, later), Err(Refusal::RoomFull));
        assert_eq!(rooms.spare(&full_room, Refusal::RoomFull, later), None);
        assert_eq!(rooms.spare(&other, Refusal::Haste, later), None);
        rooms.leave(id(3, 37));
        assert_eq!(rooms.may_join(&other, later), Ok(()));
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let now = Instant::now();
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let from = |address: &str, place: usize| Visitor {
            origin: address.parse().ok().and_then(Origin::of),
            ..visitor(&format!("r{}", place / ROOM_MEMBERS), "somebody")
        };
        let mut inboxes = vec![];
        for place in 0..MEMBERS_PER_ADDRESS {
            let (outbox, inbox) = outbox();
            assert!(rooms.join(from("192.0.2.1", place), outbox, now).is_ok());
            inboxes.push(inbox);
        }
        let next = from("192.0.2.1", MEMBERS_PER_ADDRESS);
        assert_eq!(rooms.may_join(&next, now), Err(Refusal::AddressFull));
        let later = now + Timeouts::USUAL.spare;
        assert!(rooms.spare(&next, Refusal::AddressFull, later).is_some());
        for address in ["192.0.2.2", "127.0.0.1"] {
            assert_eq!(rooms.may_join(&from(address, MEMBERS_PER_ADDRESS), now), Ok(()));
        }
    }

    #[test]
    fn a_silent_member_becomes_idle() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let now = Instant::now();
        let (_, _alice) = join_at(&mut rooms, "a", now);
        let (_, _bob) = join_at(&mut rooms, "a", now);
        let later = now + Timeouts::USUAL.idle;
        assert!(rooms.ended(later - Duration::from_secs(1)).is_empty());
        rooms.touch(id(1, 2), later);
        assert_eq!(rooms.ended(later), [(id(1, 1), Ending::Idle)]);
    }

    #[test]
    fn tracks_and_messages_stay_in_their_room() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let (_, _alice) = join(&mut rooms, "a");
        let (_, mut eve) = join(&mut rooms, "b");
        let mid = Mid::from("0");
        rooms.publish(id(1, 1), BTreeMap::from([(mid, SCREEN)]));
        // All names are resolved in her room.
        let mut subscribe = |number| {
            let slot = Slot { from: address(number), track: SCREEN };
            rooms.subscribe(id(2, 2), HashMap::from([(mid, slot)]));
            assert!(rooms.subscribers(TrackId { from: id(1, 1), track: SCREEN }).is_empty());
            rooms.source(id(2, 2), mid)
        };
        assert_eq!(subscribe(1), None);
        assert_eq!(subscribe(2), Some(TrackId { from: id(2, 2), track: SCREEN }));
        rooms.relay(id(1, 1), None, "x".to_owned());
        rooms.relay(id(1, 1), Some(address(1)), "x".to_owned());
        rooms.relay(id(1, 1), Some(address(2)), "x".to_owned());
        rooms.leave(id(1, 1));
        hears_welcome(&mut eve, id(2, 2), vec![]);
        assert_eq!(eve.letters.try_next(), None);
    }

    #[test]
    fn a_slot_finds_its_subscriber_and_its_source() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let (_, _alice) = join(&mut rooms, "a");
        let (_, _bob) = join(&mut rooms, "a");
        let (mid, slot) = (Mid::from("3"), Slot { from: address(1), track: SCREEN });
        let track = TrackId { from: id(1, 1), track: SCREEN };
        rooms.subscribe(id(1, 2), HashMap::from([(mid, slot)]));
        assert_eq!(rooms.subscribers(track), [(id(1, 2), mid)]);
        let other = TrackId { track: Track { index: 0, ..SCREEN }, ..track };
        assert!(rooms.subscribers(other).is_empty());
        assert_eq!(rooms.source(id(1, 2), mid), Some(track));
        rooms.leave(id(1, 1));
        assert_eq!(rooms.source(id(1, 2), mid), None);
    }

    #[test]
    fn others_learn_of_tracks_once_and_newcomers_in_the_welcome() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let [alice, bob, carol] = [1, 2, 3].map(|number| id(1, number));
        let (_, _alice) = join(&mut rooms, "a");
        let (_, mut by_bob) = join(&mut rooms, "a");
        let sends = BTreeMap::from([(Mid::from("0"), SCREEN), (Mid::from("1"), CAMERA)]);
        rooms.publish(alice, sends.clone());
        rooms.publish(alice, sends);
        let (_, mut by_carol) = join(&mut rooms, "a");
        rooms.publish(alice, BTreeMap::new());

        hears_welcome(&mut by_bob, bob, vec![somebody(alice, &[])]);
        let tracks = |tracks: &[Track]| ToPage::Tracks { from: alice, tracks: tracks.to_vec() };
        hears(&mut by_bob, &tracks(&[CAMERA, SCREEN]));
        hears(&mut by_bob, &ToPage::Joined(somebody(carol, &[])));
        hears(&mut by_bob, &tracks(&[]));
        let members = vec![somebody(alice, &[CAMERA, SCREEN]), somebody(bob, &[])];
        hears_welcome(&mut by_carol, carol, members);
    }

    #[test]
    fn a_track_has_one_m_line() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let (_, _alice) = join(&mut rooms, "a");
        let (first, second) = (Mid::from("0"), Mid::from("1"));
        rooms.publish(id(1, 1), BTreeMap::from([(first, SCREEN), (second, SCREEN)]));
        let track = TrackId { from: id(1, 1), track: SCREEN };
        assert_eq!(rooms.track(id(1, 1), first), Some(track));
        assert_eq!(rooms.track(id(1, 1), second), None);
        assert_eq!(rooms.mid(track), Some(first));
        assert!(!rooms.has_track(TrackId { track: CAMERA, ..track }));
    }

    #[test]
    fn names_that_would_be_paths_or_are_invisible_are_rejected() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let now = Instant::now();
        let long = "a".repeat(65);
        for room in ["", "..", "a/b", "a b", "ä", "a\0", &long] {
            let joined = rooms.may_join(&visitor(room, "Ann"), now);
            assert_eq!(joined, Err(Refusal::Name), "{room:?}");
        }
        for name in [
            "",
            " ",
            " Ann",
            "Ann\n",
            "A\nn",
            "\u{1b}[31mAnn",
            "Ann\0",
            "Ann\u{7f}",
            "Ann\u{85}",
            "\u{202e}nnA",
            "A\u{200b}nn",
            "\u{feff}Ann",
            "Ann\u{2028}",
            "\u{2066}Ann",
            "\u{200d}",
            &long,
        ] {
            let joined = rooms.may_join(&visitor("a", name), now);
            assert_eq!(joined, Err(Refusal::Name), "{name:?}");
        }
        for name in ["Ann", "Ann Lee", "Žofie", "李", "نرم\u{200c}افزار", "👩\u{200d}🔬", &long[..64]]
        {
            assert_eq!(rooms.may_join(&visitor("a", name), now), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_page_that_does_not_read_is_detected_and_its_neighbours_go_on() {
        let mut rooms = Rooms::new(Timeouts::USUAL);
        let now = Instant::now();
        let (_, _alice) = join_at(&mut rooms, "a", now);
        let (_, _bob) = join_at(&mut rooms, "a", now);
        let (_, mut carol) = join_at(&mut rooms, "a", now);
        let half = "x".repeat(OUTBOX_BYTES / 2);
        for _ in 0..3 {
            while carol.letters.try_next().is_some() {}
            assert!(rooms.ended(now).is_empty());
            rooms.relay(id(1, 1), Some(address(3)), half.clone());
        }
        while carol.letters.try_next().is_some() {}
        for _ in 0..2 {
            rooms.relay(id(1, 1), None, half.clone());
            while carol.letters.try_next().is_some() {}
        }
        assert_eq!(rooms.ended(now), [(id(1, 2), Ending::SlowReader)]);
    }

    #[test]
    fn every_reason_fits_a_close_frame() {
        for refusal in [
            Refusal::Name,
            Refusal::RoomFull,
            Refusal::ServerFull,
            Refusal::AddressFull,
            Refusal::Haste,
            Refusal::Token,
        ] {
            let (_, words) = refusal.reason();
            assert!((1..=123).contains(&words.len()), "{words}");
        }
    }
}
