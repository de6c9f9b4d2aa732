//! Who is in which room, and whose tracks they receive on which m-line.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use str0m::media::Mid;
use tokio::sync::mpsc::Sender;

use crate::message::{Introduction, MemberId, ToPage, Track, TrackId};

/// Members of one room at a time.
const ROOM_LIMIT: usize = 16;

/// Members of all rooms at a time.
const TOTAL_LIMIT: usize = 128;

/// Bytes of a room's or a participant's name.
const NAME_LIMIT: usize = 64;

/// Everybody on this server.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    /// Numbers given so far, over all rooms and the whole life of the process.
    given: u32,
    members: BTreeMap<MemberId, Member>,
}

#[derive(Debug)]
struct Member {
    room: String,
    name: String,
    outbox: Sender<ToPage>,
    sends: BTreeMap<Mid, Track>,
    slots: HashMap<Mid, TrackId>,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// A room is named by 1 to 64 of `A-Z a-z 0-9 _ -`; a participant by 1 to 64 bytes.
    Name,
    /// The room or the server is full.
    Full,
}

impl Rooms {
    /// Lets somebody in, welcomes them and tells the others.
    ///
    /// # Errors
    /// [`Refusal`], and nobody learns of it.
    pub(crate) fn join(
        &mut self,
        room: &str,
        name: &str,
        outbox: Sender<ToPage>,
    ) -> Result<MemberId, Refusal> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let fits = |text: &str| (1..=NAME_LIMIT).contains(&text.len());
        if !fits(room) || !fits(name) || !room.bytes().all(plain) {
            return Err(Refusal::Name);
        }
        let there: Vec<Introduction> =
            self.in_room(room).map(|(id, member)| member.introduction(id)).collect();
        if there.len() >= ROOM_LIMIT || self.members.len() >= TOTAL_LIMIT {
            return Err(Refusal::Full);
        }
        self.given = self.given.checked_add(1).ok_or(Refusal::Full)?;
        let id = MemberId(self.given);
        let member = Member {
            room: room.to_owned(),
            name: name.to_owned(),
            outbox,
            sends: BTreeMap::new(),
            slots: HashMap::new(),
        };
        self.tell_others(id, room, &ToPage::Joined(member.introduction(id)));
        self.members.insert(id, member);
        self.tell(id, ToPage::Welcome { id, members: there });
        Ok(id)
    }

    /// Takes somebody out and tells the others. Closes the outbox, and by that the WebSocket.
    pub(crate) fn leave(&mut self, id: MemberId) {
        if let Some(member) = self.members.remove(&id) {
            self.tell_others(id, &member.room, &ToPage::Left { id });
        }
    }

    /// Passes a message on unread, to one member of the same room or to all others.
    pub(crate) fn relay(&self, from: MemberId, to: Option<MemberId>, data: String) {
        let Some(room) = self.room_of(from) else {
            return;
        };
        let message = ToPage::Message { from, data };
        match to {
            None => self.tell_others(from, room, &message),
            Some(to) if self.room_of(to) == Some(room) => self.tell(to, message),
            Some(_) => {}
        }
    }

    /// Says what `id` sends on which m-line, and tells the others if that is news. Of two m-lines
    /// with the same track, the one with the lower mid keeps it.
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
            let room = member.room.clone();
            self.tell_others(id, &room, &ToPage::Tracks { from: id, tracks });
        }
    }

    /// The track that `id` sends on an m-line; `None` if the page did not say.
    pub(crate) fn track(&self, id: MemberId, mid: Mid) -> Option<TrackId> {
        let track = *self.members.get(&id)?.sends.get(&mid)?;
        Some(TrackId { from: id, track })
    }

    /// The m-line on which a track is sent.
    pub(crate) fn mid(&self, id: TrackId) -> Option<Mid> {
        let mut sends = self.members.get(&id.from)?.sends.iter();
        sends.find_map(|(mid, track)| (*track == id.track).then_some(*mid))
    }

    /// Says which tracks `id` wants on which m-lines.
    pub(crate) fn subscribe(&mut self, id: MemberId, slots: HashMap<Mid, TrackId>) {
        if let Some(member) = self.members.get_mut(&id) {
            member.slots = slots;
        }
    }

    /// Who receives a track, and on which m-line. Never anybody from another room.
    pub(crate) fn subscribers(&self, wanted: TrackId) -> Vec<(MemberId, Mid)> {
        let Some(room) = self.room_of(wanted.from) else {
            return Vec::new();
        };
        self.in_room(room)
            .filter(|(id, _)| *id != wanted.from)
            .flat_map(|(id, member)| member.slots.iter().map(move |(mid, slot)| (id, *mid, *slot)))
            .filter_map(|(id, mid, slot)| (slot == wanted).then_some((id, mid)))
            .collect()
    }

    /// Whose track an m-line of `id` carries. Never anybody's from another room.
    pub(crate) fn source(&self, id: MemberId, mid: Mid) -> Option<TrackId> {
        let slot = *self.members.get(&id)?.slots.get(&mid)?;
        (self.room_of(slot.from)? == self.room_of(id)?).then_some(slot)
    }

    /// The room somebody is in.
    pub(crate) fn room_of(&self, id: MemberId) -> Option<&str> {
        self.members.get(&id).map(|member| member.room.as_str())
    }

    /// Everyone in a room.
    pub(crate) fn ids(&self, room: &str) -> Vec<MemberId> {
        self.in_room(room).map(|(id, _)| id).collect()
    }

    /// Sends a message to one page. A page that does not read loses messages, not our memory; see
    /// [`stalled`](Self::stalled).
    pub(crate) fn tell(&self, id: MemberId, message: ToPage) {
        if let Some(member) = self.members.get(&id) {
            let _ = member.outbox.try_send(message);
        }
    }

    /// Members whose outbox is full or closed: they missed a message and cannot go on.
    pub(crate) fn stalled(&self) -> Vec<MemberId> {
        let cannot = |member: &Member| member.outbox.is_closed() || member.outbox.capacity() == 0;
        self.members.iter().filter_map(|(id, member)| cannot(member).then_some(*id)).collect()
    }

    fn in_room(&self, room: &str) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members
            .iter()
            .filter(move |(_, member)| member.room == room)
            .map(|(id, member)| (*id, member))
    }

    fn tell_others(&self, id: MemberId, room: &str, message: &ToPage) {
        for (other, member) in self.in_room(room) {
            if other != id {
                let _ = member.outbox.try_send(message.clone());
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use str0m::media::Mid;
    use tokio::sync::mpsc::{Receiver, channel};

    use super::{Introduction, MemberId, Refusal, Rooms, ToPage, Track, TrackId};
    use crate::message::StreamKind;

    const SCREEN: Track = Track { kind: StreamKind::Screen, index: 1 };
    const CAMERA: Track = Track { kind: StreamKind::Camera, index: 0 };

    fn join(rooms: &mut Rooms, room: &str) -> (Result<MemberId, Refusal>, Receiver<ToPage>) {
        let (outbox, inbox) = channel(8);
        (rooms.join(room, "somebody", outbox), inbox)
    }

    #[test]
    fn a_number_is_never_given_twice() {
        let mut rooms = Rooms::default();
        for expected in 1..=5 {
            let (id, _inbox) = join(&mut rooms, "a");
            assert_eq!(id, Ok(MemberId(expected)));
            rooms.leave(MemberId(expected));
        }
    }

    #[test]
    fn tracks_and_messages_stay_in_their_room() {
        let mut rooms = Rooms::default();
        let (_, _alice) = join(&mut rooms, "a");
        let (_, mut eve) = join(&mut rooms, "b");
        let (mid, slot) = (Mid::from("0"), TrackId { from: MemberId(1), track: SCREEN });
        rooms.publish(MemberId(1), BTreeMap::from([(mid, SCREEN)]));
        rooms.subscribe(MemberId(2), HashMap::from([(mid, slot)]));
        assert!(rooms.subscribers(slot).is_empty());
        assert_eq!(rooms.source(MemberId(2), mid), None);
        rooms.relay(MemberId(1), None, "x".to_owned());
        rooms.relay(MemberId(1), Some(MemberId(2)), "x".to_owned());
        rooms.leave(MemberId(1));
        assert!(matches!(eve.try_recv(), Ok(ToPage::Welcome { .. })));
        assert!(eve.try_recv().is_err());
    }

    #[test]
    fn a_slot_finds_its_subscriber_and_its_source() {
        let mut rooms = Rooms::default();
        let (_, _alice) = join(&mut rooms, "a");
        let (_, _bob) = join(&mut rooms, "a");
        let (mid, slot) = (Mid::from("3"), TrackId { from: MemberId(1), track: SCREEN });
        rooms.subscribe(MemberId(2), HashMap::from([(mid, slot)]));
        assert_eq!(rooms.subscribers(slot), [(MemberId(2), mid)]);
        let other = TrackId { track: Track { index: 0, ..SCREEN }, ..slot };
        assert!(rooms.subscribers(other).is_empty());
        assert_eq!(rooms.source(MemberId(2), mid), Some(slot));
    }

    #[test]
    fn others_learn_of_tracks_once_and_newcomers_at_the_door() {
        let mut rooms = Rooms::default();
        let (_, _alice) = join(&mut rooms, "a");
        let (_, mut bob) = join(&mut rooms, "a");
        let sends = BTreeMap::from([(Mid::from("0"), SCREEN), (Mid::from("1"), CAMERA)]);
        rooms.publish(MemberId(1), sends.clone());
        rooms.publish(MemberId(1), sends);
        let (_, mut carol) = join(&mut rooms, "a");
        rooms.publish(MemberId(1), BTreeMap::new());

        assert!(matches!(bob.try_recv(), Ok(ToPage::Welcome { .. })));
        let tracks = |tracks: &[Track]| ToPage::Tracks { from: MemberId(1), tracks: tracks.to_vec() };
        assert_eq!(bob.try_recv(), Ok(tracks(&[CAMERA, SCREEN])));
        assert!(matches!(bob.try_recv(), Ok(ToPage::Joined(_))));
        assert_eq!(bob.try_recv(), Ok(tracks(&[])));
        let welcome = carol.try_recv();
        let knows = |members: &[Introduction]| members[0].tracks == [CAMERA, SCREEN];
        assert!(matches!(welcome, Ok(ToPage::Welcome { members, .. }) if knows(&members)));
    }

    #[test]
    fn a_track_has_one_m_line() {
        let mut rooms = Rooms::default();
        let (_, _alice) = join(&mut rooms, "a");
        let (first, second) = (Mid::from("0"), Mid::from("1"));
        rooms.publish(MemberId(1), BTreeMap::from([(first, SCREEN), (second, SCREEN)]));
        let id = TrackId { from: MemberId(1), track: SCREEN };
        assert_eq!(rooms.track(MemberId(1), first), Some(id));
        assert_eq!(rooms.track(MemberId(1), second), None);
        assert_eq!(rooms.mid(id), Some(first));
        assert_eq!(rooms.mid(TrackId { track: CAMERA, ..id }), None);
    }

    #[test]
    fn names_that_would_be_paths_are_refused() {
        let mut rooms = Rooms::default();
        for room in ["", "..", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert_eq!(join(&mut rooms, room).0, Err(Refusal::Name), "{room}");
        }
    }

    #[test]
    fn a_page_that_does_not_read_is_found() {
        let mut rooms = Rooms::default();
        let (_, _alice) = join(&mut rooms, "a");
        let (_, _bob) = join(&mut rooms, "a");
        for _ in 0..8 {
            rooms.relay(MemberId(1), None, "x".to_owned());
        }
        assert_eq!(rooms.stalled(), [MemberId(2)]);
    }
}
