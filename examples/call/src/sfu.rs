//! The media loop: one thread, one UDP socket, all rooms. No lock, no await, no key.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use str0m::media::Mid;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::oneshot;

use crate::limits::{COMMANDS, DATAGRAMS_PER_TURN, Timeouts};
use crate::log::say;
use crate::message::{FromPage, MemberId, Offer, ToPage, TrackId};
use crate::outbox::{Ending, Outbox};
use crate::peer::{Arrival, Happening, Peer, Wire, read_datagram};
use crate::recorder::Recorder;
use crate::room::{Refusal, Rooms, Visitor};
use crate::tap::{StreamReport, Tap};

/// Longest sleep of the loop: commands are handled only between two datagrams.
const PATIENCE: Duration = Duration::from_millis(10);

/// The commands of the HTTP side.
#[derive(Debug)]
pub(crate) enum Command {
    /// A page wants to join; messages for it go to `outbox`.
    Join { visitor: Visitor, outbox: Outbox, reply: oneshot::Sender<Result<MemberId, Refusal>> },
    /// A message of a page. The page may send no other until `done` is dropped, so nobody waits for
    /// more than one message of each other page.
    Hear { id: MemberId, message: FromPage, done: oneshot::Sender<()> },
    /// A page's WebSocket is closed.
    Leave(MemberId),
    /// A viewer wants to see the server's view of a room.
    Report { room: String, reply: oneshot::Sender<Vec<StreamReport>> },
}

/// All state of the server.
#[derive(Debug)]
pub(crate) struct Sfu {
    commands: Receiver<Command>,
    /// Unanswered offers: at most one of each member, whose further messages wait until then.
    offers: VecDeque<(MemberId, Offer, oneshot::Sender<()>)>,
    wire: Wire,
    rooms: Rooms,
    peers: BTreeMap<MemberId, Peer>,
    tap: Tap,
    recorder: Option<Recorder>,
}

impl Sfu {
    /// An SFU on `socket`, which must be bound to the address that peers send to.
    ///
    /// # Errors
    /// If the socket has no address.
    pub(crate) fn new(
        socket: UdpSocket,
        commands: Receiver<Command>,
        recorder: Option<Recorder>,
        timeouts: Timeouts,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let wire = Wire { socket, address, happenings: Default::default() };
        Ok(Self {
            commands,
            offers: VecDeque::new(),
            wire,
            rooms: Rooms::new(timeouts),
            peers: BTreeMap::new(),
            tap: Tap::default(),
            recorder,
        })
    }

    /// Runs until the HTTP side is gone. Alternates between all waiting commands, one offer, which
    /// takes far longer, and some datagrams, so that none delays the others.
    pub(crate) fn run(mut self) {
        let mut buffer = vec![0; 2048];
        loop {
            let mut is_busy = false;
            for _ in 0..COMMANDS {
                match self.commands.try_recv() {
                    Ok(command) => self.obey(command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
                is_busy = true;
            }
            if let Some((id, offer, done)) = self.offers.pop_front() {
                self.offer(id, offer);
                let _ = done.send(());
                is_busy = true;
            }
            if is_busy {
                self.catch_up(&mut buffer);
            } else {
                self.wait(&mut buffer);
            }
            self.tick();
            self.act_on_happenings();
            for (id, ending) in self.rooms.ended(Instant::now()) {
                self.end(id, ending);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Join { visitor, outbox, reply } => {
                let joined = self.join(visitor, outbox, now);
                // A page that left in the meantime must not stay in the room.
                if let (Err(_), Ok(id)) = (reply.send(joined), joined) {
                    self.rooms.leave(id);
                }
            }
            Command::Hear { id, message, done } => {
                self.rooms.touch(id, now);
                match message {
                    FromPage::Message { to, data } => {
                        self.rooms.relay(id, to, data);
                        let _ = done.send(());
                    }
                    FromPage::Offer(offer) => self.offers.push_back((id, *offer, done)),
                }
            }
            Command::Leave(id) => drop(self.remove(id)),
            Command::Report { room, reply } => {
                let _ = reply.send(self.tap.report(&self.rooms.ids(&room)));
            }
        }
    }

    /// Admits a visitor, if necessary in place of an idle member. A present member with the same
    /// address is the same participant, with a broken connection that was not detected yet, or in
    /// another tab.
    fn join(&mut self, visitor: Visitor, outbox: Outbox, now: Instant) -> Result<MemberId, Refusal> {
        if let Some(earlier) = self.rooms.at(&visitor.room, visitor.address) {
            self.end(earlier, Ending::Elsewhere);
        }
        if let Err(refusal) = self.rooms.may_join(&visitor, now)
            && let Some(idle) = self.rooms.spare(&visitor, refusal, now)
        {
            self.end(idle, Ending::Replaced);
        }
        self.rooms.join(visitor, outbox, now)
    }

    fn offer(&mut self, id: MemberId, offer: Offer) {
        if self.rooms.room_of(id).is_none() {
            return;
        }
        if !self.peers.contains_key(&id) {
            match Peer::new(id, &self.wire, Instant::now()) {
                Ok(peer) => drop(self.peers.insert(id, peer)),
                Err(error) => {
                    say(format_args!("participant {}: {error}", id.address));
                    return self.end(id, Ending::NoOffer);
                }
            }
        }
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(sdp) = peer.answer(&mut self.wire, &offer.sdp) else {
            return self.end(id, Ending::NoOffer);
        };
        let sends = by_mid(offer.sends).filter(|(mid, track)| peer.can_send(*mid, track.kind));
        let slots = by_mid(offer.slots).filter(|(mid, _)| peer.has(*mid));
        self.rooms.publish(id, sends.collect());
        self.rooms.subscribe(id, slots.collect());
        self.rooms.tell(id, &ToPage::Answer { sdp });
        self.tap.forget(id, |track| self.rooms.has_track(track));
    }

    /// Handles waiting datagrams, but only up to a bound, so that commands do not wait.
    fn catch_up(&mut self, buffer: &mut [u8]) {
        if self.wire.socket.set_nonblocking(true).is_err() {
            return;
        }
        for _ in 0..DATAGRAMS_PER_TURN {
            let Ok((len, source)) = self.wire.socket.recv_from(buffer) else { break };
            self.receive(&buffer[..len], source);
        }
        // If this failed, `wait` would not wait: more work, and no other harm.
        let _ = self.wire.socket.set_nonblocking(false);
    }

    /// Waits for a datagram until the next deadline at most, and hands it to its peer.
    fn wait(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        let deadlines = self.peers.values().map(|peer| peer.deadline(now));
        let until = deadlines.fold(now + PATIENCE, Instant::min);
        // Zero would mean forever.
        let timeout = until.duration_since(now).max(Duration::from_millis(1));
        let received = self
            .wire
            .socket
            .set_read_timeout(Some(timeout))
            .and_then(|()| self.wire.socket.recv_from(buffer));
        match received {
            Ok((len, source)) => self.receive(&buffer[..len], source),
            Err(error) if is_timeout(&error) => {}
            // Some systems report here that an earlier datagram did not arrive.
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }

    fn receive(&mut self, datagram: &[u8], source: SocketAddr) {
        let (wire, peers, rooms) = (&mut self.wire, &mut self.peers, &mut self.rooms);
        // The datagram's owner is known only after parsing, so a panic here cannot be assigned to a
        // connection; the datagram is dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let now = Instant::now();
            let input = read_datagram(datagram, source, wire.address, now)?;
            let (id, peer) = peers.iter_mut().find(|(_, peer)| peer.accepts(&input))?;
            rooms.touch(*id, now);
            peer.receive(wire, input, now);
            Some(())
        }));
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for peer in self.peers.values_mut() {
            if peer.deadline(now) <= now {
                peer.tick(&mut self.wire, now);
            }
        }
    }

    fn act_on_happenings(&mut self) {
        while let Some((id, happening)) = self.wire.happenings.pop_front() {
            self.act(id, happening);
        }
    }

    fn act(&mut self, id: MemberId, happening: Happening) {
        match happening {
            Happening::Packet(arrival) => self.take(id, &arrival),
            Happening::KeyframeWanted(mid) => {
                if let Some(track) = self.rooms.source(id, mid) {
                    self.want_keyframe(track);
                }
            }
            Happening::Gone => self.end(id, Ending::MediaLost),
        }
    }

    fn take(&mut self, from: MemberId, arrival: &Arrival) {
        let Some(room) = self.rooms.room_of(from) else {
            return;
        };
        // Before any decision: the tests search here for media that should not have been sent.
        if let Some(recorder) = &mut self.recorder {
            recorder.write(room, from, arrival);
        }
        if let Some(track) = arrival.mid.and_then(|mid| self.rooms.track(from, mid)) {
            self.tap.see(track, arrival);
            if arrival.is_chosen {
                self.forward(track, arrival);
            }
        }
    }

    fn forward(&mut self, track: TrackId, arrival: &Arrival) {
        let mut started = false;
        for (subscriber, mid) in self.rooms.subscribers(track) {
            if let Some(peer) = self.peers.get_mut(&subscriber)
                && peer.is_connected()
            {
                started |= peer.forward(&mut self.wire, mid, arrival);
            }
        }
        if started {
            self.want_keyframe(track);
        }
    }

    fn want_keyframe(&mut self, track: TrackId) {
        if let Some(peer) = self.peers.get_mut(&track.from)
            && let Some(mid) = self.rooms.mid(track)
        {
            peer.want_keyframe(mid);
        }
    }

    /// Disconnects a page with a reason.
    fn end(&mut self, id: MemberId, ending: Ending) {
        if let Some(outbox) = self.remove(id) {
            outbox.end(ending);
        }
    }

    fn remove(&mut self, id: MemberId) -> Option<Outbox> {
        self.peers.remove(&id);
        self.tap.forget(id, |_| false);
        if let Some(recorder) = &mut self.recorder {
            recorder.close(id);
        }
        self.rooms.leave(id)
    }
}

fn by_mid<T>(named: HashMap<String, T>) -> impl Iterator<Item = (Mid, T)> {
    named.into_iter().map(|(mid, value)| (Mid::from(mid.as_str()), value))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
