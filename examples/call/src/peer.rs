//! One participant's WebRTC connection.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::format::Codec;
use str0m::media::{KeyframeRequestKind, MediaKind, Mid, Pt};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};

use crate::keyframes::KeyframeGate;
use crate::message::{Kind, MemberId};
use crate::sequence::Sequence;

/// A participant's connection: str0m's state machine and what it says about the tracks.
#[derive(Debug)]
pub(crate) struct Peer {
    id: MemberId,
    rtc: Rtc,
    /// The m-line on which the participant sends each kind.
    sends: HashMap<Kind, Mid>,
    /// Sequence numbers of the tracks the participant receives.
    receives: HashMap<Mid, Sequence>,
    keyframes: KeyframeGate,
    deadline: Instant,
}

/// What a connection reports for others to act upon.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A packet of the participant's own track.
    Packet(Kind, Box<RtpPacket>),
    /// The participant cannot go on without a key frame on this m-line.
    KeyframeWanted(Mid),
    /// The connection has ended.
    Gone,
}

/// The one socket, and what happened while peers were driven.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Shared by all peers.
    pub(crate) socket: UdpSocket,
    /// The address peers send to.
    pub(crate) address: SocketAddr,
    /// Not yet acted upon.
    pub(crate) happenings: VecDeque<(MemberId, Happening)>,
}

impl Peer {
    /// A connection that waits for its first offer.
    pub(crate) fn new(id: MemberId, wire: &Wire, now: Instant) -> Result<Self, RtcError> {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(wire.address, "udp")?);
        Ok(Self {
            id,
            rtc,
            sends: HashMap::new(),
            receives: HashMap::new(),
            keyframes: KeyframeGate::default(),
            deadline: now,
        })
    }

    /// Answers an offer; `None` if it is no session description or does not fit the connection, in
    /// which case the connection is over.
    pub(crate) fn answer(&mut self, wire: &mut Wire, sdp: &str) -> Option<String> {
        let answer = self.drive(wire, |peer| {
            // Parsed in here, because a parser may panic too.
            let offer = SdpOffer::from_sdp_string(sdp)?;
            peer.rtc.sdp_api().accept_offer(offer)
        })?;
        Some(answer.to_sdp_string())
    }

    /// Whether a datagram belongs to this connection.
    pub(crate) fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.accepts(input)
    }

    /// Takes in a datagram that [`accepts`](Self::accepts) was asked about.
    pub(crate) fn receive(&mut self, wire: &mut Wire, input: Input<'_>) {
        self.drive(wire, |peer| peer.rtc.handle_input(input));
    }

    /// When [`tick`](Self::tick) is next due.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let keyframe = self.keyframes.due(now);
        keyframe.map_or(self.deadline, |due| due.min(self.deadline))
    }

    /// Tells the connection what time it is.
    pub(crate) fn tick(&mut self, wire: &mut Wire, now: Instant) {
        if self.keyframes.pass(now) {
            self.drive(wire, |peer| {
                let mid = peer.sends.get(&Kind::Video).copied();
                let mut direct = peer.rtc.direct_api();
                if let Some(stream) = mid.and_then(|mid| direct.stream_rx_by_mid(mid, None)) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
                Ok(())
            });
        }
        self.drive(wire, |peer| peer.rtc.handle_input(Input::Timeout(now)));
    }

    /// Notes that somebody needs a key frame from this participant.
    pub(crate) fn want_keyframe(&mut self) {
        self.keyframes.want();
    }

    /// Whether packets can be sent to the participant.
    pub(crate) fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// Passes on a packet of somebody else's track, payload untouched, on m-line `mid`.
    ///
    /// True if it is the first of that track.
    pub(crate) fn forward(
        &mut self,
        wire: &mut Wire,
        mid: Mid,
        kind: Kind,
        packet: &RtpPacket,
    ) -> bool {
        let Some(pt) = self.payload_type(mid, kind) else {
            return false;
        };
        let ssrc = packet.header.ssrc;
        let known = self.receives.get(&mid).copied();
        let sequence = Sequence::follow(known, ssrc, *packet.seq_no);
        let Some(seq_no) = sequence.place(*packet.seq_no) else {
            return false;
        };
        // Only these: the rest of the header extensions mean something on one connection alone.
        let ext_vals = ExtensionValues {
            audio_level: packet.header.ext_vals.audio_level,
            voice_activity: packet.header.ext_vals.voice_activity,
            video_orientation: packet.header.ext_vals.video_orientation,
            ..ExtensionValues::default()
        };
        let write = RtpWrite::new(
            pt,
            seq_no.into(),
            packet.header.timestamp,
            packet.timestamp,
            packet.payload.clone(),
        )
        .marker(packet.header.marker)
        .ext_vals(ext_vals)
        .nackable(kind == Kind::Video);
        let written = self.drive(wire, |peer| {
            let mut direct = peer.rtc.direct_api();
            let stream = direct.stream_tx_by_mid(mid, None);
            Ok(stream.map(|stream| stream.write_rtp(write)).is_some())
        });
        if written != Some(true) {
            return false;
        }
        self.receives.insert(mid, sequence.after(seq_no));
        known.is_none_or(|known| !known.is_of(ssrc))
    }

    /// Forgets the sequence numbers of m-lines that carry something else now.
    pub(crate) fn keep_slots(&mut self, keep: impl Fn(&Mid) -> bool) {
        self.receives.retain(|mid, _| keep(mid));
    }

    /// This participant's number for the codec of `kind`: browsers number differently.
    fn payload_type(&self, mid: Mid, kind: Kind) -> Option<Pt> {
        let media = self.rtc.media(mid)?;
        let config = self.rtc.codec_config();
        let pt = config.find(|params| params.spec().codec == codec(kind))?.pt();
        let fits = media.direction().is_sending() && media.remote_pts().contains(&pt);
        fits.then_some(pt)
    }

    /// The only way to change the connection: `change`, then all output until it wants to wait.
    ///
    /// str0m asks for that order. A panic inside it must not end everybody's call, so it ends this
    /// connection instead. `None` if the connection is over.
    fn drive<T>(
        &mut self,
        wire: &mut Wire,
        change: impl FnOnce(&mut Self) -> Result<T, RtcError>,
    ) -> Option<T> {
        let driven = catch_unwind(AssertUnwindSafe(|| {
            let changed = change(self)?;
            self.drain(wire)?;
            Ok::<T, RtcError>(changed)
        }));
        match driven {
            Ok(Ok(changed)) => return Some(changed),
            Ok(Err(error)) => eprintln!("participant {}: {error:?}", self.id.0),
            Err(_) => eprintln!("participant {}: connection given up", self.id.0),
        }
        wire.happenings.push_back((self.id, Happening::Gone));
        None
    }

    fn drain(&mut self, wire: &mut Wire) -> Result<(), RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
                // A peer may name an address that cannot be reached; to UDP that is loss.
                Output::Transmit(datagram) => {
                    let _ = wire.socket.send_to(&datagram.contents, datagram.destination);
                }
                Output::Event(event) => {
                    if let Some(happening) = self.notice(event) {
                        wire.happenings.push_back((self.id, happening));
                    }
                }
            }
        }
    }

    fn notice(&mut self, event: Event) -> Option<Happening> {
        match event {
            Event::RtpPacket(packet) => self.own_packet(packet),
            Event::KeyframeRequest(request) => Some(Happening::KeyframeWanted(request.mid)),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => {
                Some(Happening::Gone)
            }
            _ => None,
        }
    }

    /// A packet of the participant's one audio or one video track; others are dropped.
    fn own_packet(&mut self, packet: RtpPacket) -> Option<Happening> {
        let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc)?.mid();
        let kind = match self.rtc.media(mid)?.kind() {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
        };
        let config = self.rtc.codec_config();
        config.find(|params| {
            params.pt() == packet.header.payload_type && params.spec().codec == codec(kind)
        })?;
        (*self.sends.entry(kind).or_insert(mid) == mid)
            .then(|| Happening::Packet(kind, Box::new(packet)))
    }
}

fn codec(kind: Kind) -> Codec {
    match kind {
        Kind::Audio => Codec::Opus,
        Kind::Video => Codec::Vp8,
    }
}

/// Reads a datagram as something a peer might accept; `None` if it is nothing of WebRTC.
pub(crate) fn read_datagram<'a>(
    datagram: &'a [u8],
    source: SocketAddr,
    destination: SocketAddr,
    now: Instant,
) -> Option<Input<'a>> {
    let contents = DatagramRecv::try_from(datagram).ok()?;
    let receive = Receive { proto: Protocol::Udp, source, destination, contents };
    Some(Input::Receive(now, receive))
}
