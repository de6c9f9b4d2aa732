//! A participant of a call on the example server: receives everybody's tracks and sends its own.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use str0m::media::{Direction, MediaData, MediaKind, MediaTime, Mid};
use str0m::{Event, IceConnectionState};

use crate::connection::Connection;
use crate::message::{Address, FromServer, Offer, Track, TrackId};
use crate::server::Server;

/// A bot's place in a call.
#[derive(Debug)]
pub(crate) struct Participant {
    server: Server,
    connection: Connection,
    /// All participants' tracks.
    tracks: BTreeSet<TrackId>,
    /// By m-line on which the bot receives.
    slots: BTreeMap<Mid, TrackId>,
    /// By m-line on which the bot sends.
    sends: BTreeMap<Mid, Track>,
    /// Not offered yet.
    unsent: Vec<Track>,
}

/// An event of a call.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Frames can be sent.
    Connected,
    /// A frame of a participant's track, still sealed.
    Frame(TrackId, Box<MediaData>),
    /// A receiver cannot go on without a key frame of ours.
    KeyframeWanted,
    /// A participant left, with all tracks.
    Left(Address),
}

impl Participant {
    /// Enters `room` of the server at `address`, `host:port`, to send `tracks`.
    ///
    /// # Errors
    /// If the server does not let the bot in.
    pub(crate) fn join(
        address: &str,
        room: &str,
        name: &str,
        tracks: &[Track],
    ) -> Result<Self, Box<dyn Error>> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self {
            server: Server::enter(address, room, name)?,
            connection: Connection::new(loopback)?,
            tracks: BTreeSet::new(),
            slots: BTreeMap::new(),
            sends: BTreeMap::new(),
            unsent: tracks.to_vec(),
        })
    }

    /// Runs the call until an event occurs or a short time has passed, `until` at the latest.
    ///
    /// # Errors
    /// If the call is over.
    pub(crate) fn step(&mut self, until: Instant) -> Result<Option<Happening>, Box<dyn Error>> {
        while let Some(message) = self.server.hear()? {
            if let Some(happening) = self.obey(message)? {
                return Ok(Some(happening));
            }
        }
        self.negotiate()?;
        Ok(match self.connection.step(until)? {
            Some(Event::Connected) => Some(Happening::Connected),
            Some(Event::MediaData(frame)) => {
                let track = self.slots.get(&frame.mid);
                track.map(|&track| Happening::Frame(track, Box::new(frame)))
            }
            Some(Event::KeyframeRequest(_)) => Some(Happening::KeyframeWanted),
            Some(Event::IceConnectionStateChange(IceConnectionState::Disconnected)) => {
                return Err("the media connection is lost".into());
            }
            _ => None,
        })
    }

    /// Sends a frame of the bot.
    ///
    /// # Errors
    /// If the call is over.
    pub(crate) fn send(
        &mut self,
        track: Track,
        time: MediaTime,
        frame: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        match self.mid(track) {
            Some(mid) => self.connection.send(mid, time, frame),
            None => Ok(()),
        }
    }

    /// The SSRC of one of the bot's tracks, once connected.
    pub(crate) fn ssrc(&mut self, track: Track) -> Option<u32> {
        self.mid(track).and_then(|mid| self.connection.ssrc(mid))
    }

    /// Requests a key frame of a participant's track.
    pub(crate) fn want_keyframe(&mut self, track: TrackId) {
        if let Some((mid, _)) = self.slots.iter().find(|(_, slot)| **slot == track) {
            self.connection.want_keyframe(*mid);
        }
    }

    fn mid(&self, track: Track) -> Option<Mid> {
        self.sends.iter().find_map(|(mid, sent)| (*sent == track).then_some(*mid))
    }

    fn obey(&mut self, message: FromServer) -> Result<Option<Happening>, Box<dyn Error>> {
        match message {
            FromServer::Welcome { members } => {
                for member in members {
                    self.know(member.id, &member.tracks);
                }
            }
            FromServer::Joined(member) => self.know(member.id, &member.tracks),
            FromServer::Tracks { from, tracks } => self.know(from, &tracks),
            FromServer::Left { id } => {
                self.know(id, &[]);
                return Ok(Some(Happening::Left(id)));
            }
            FromServer::Answer { sdp } => self.connection.accept(&sdp)?,
            FromServer::Other => {}
        }
        Ok(None)
    }

    fn know(&mut self, from: Address, tracks: &[Track]) {
        self.tracks.retain(|known| known.from != from);
        self.tracks.extend(tracks.iter().map(|&track| TrackId { from, track }));
        self.slots.retain(|_, track| self.tracks.contains(track));
    }

    /// Offers m-lines for tracks that have none.
    fn negotiate(&mut self) -> Result<(), Box<dyn Error>> {
        if self.connection.is_offering() {
            return Ok(());
        }
        let received: BTreeSet<TrackId> = self.slots.values().copied().collect();
        let wanted: Vec<TrackId> = self.tracks.difference(&received).copied().collect();
        let unsent = std::mem::take(&mut self.unsent);
        let line = |track: &Track, direction| {
            let kind = if track.kind.is_video() { MediaKind::Video } else { MediaKind::Audio };
            (kind, direction)
        };
        let lines: Vec<_> = unsent
            .iter()
            .map(|track| line(track, Direction::SendOnly))
            .chain(wanted.iter().map(|slot| line(&slot.track, Direction::RecvOnly)))
            .collect();
        // If nothing is new there is no offer.
        let Some((sdp, mids)) = self.connection.offer(&lines) else {
            return Ok(());
        };
        self.sends.extend(mids.iter().copied().zip(unsent.iter().copied()));
        self.slots.extend(mids.into_iter().skip(unsent.len()).zip(wanted));
        let sends = self.sends.iter().map(|(mid, track)| (mid.to_string(), *track)).collect();
        let slots = self.slots.iter().map(|(mid, slot)| (mid.to_string(), *slot)).collect();
        self.server.offer(&Offer { sdp, sends, slots })
    }
}
