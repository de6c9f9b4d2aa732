//! One participant's WebRTC connection.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::format::{CodecSpec, PayloadParams};
use str0m::media::{KeyframeRequestKind, MediaKind, Mid, Pt, Rid};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};

use crate::descriptor::{self, Descriptor};
use crate::keyframes::KeyframeGate;
use crate::message::{Kind, MemberId};
use crate::sequence::Sequence;

/// A participant's connection: str0m's state machine and what it says about the tracks.
#[derive(Debug)]
pub(crate) struct Peer {
    id: MemberId,
    rtc: Rtc,
    /// The m-line, and the layer of it, that is passed on for each kind: the first one seen.
    sends: HashMap<Kind, (Mid, Option<Rid>)>,
    /// Sequence numbers of the tracks the participant receives.
    receives: HashMap<Mid, Sequence>,
    keyframes: KeyframeGate,
    deadline: Instant,
}

/// What a connection reports for others to act upon.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A packet of the participant's own.
    Packet(Origin, Box<RtpPacket>),
    /// The participant cannot go on without a key frame on this m-line.
    KeyframeWanted(Mid),
    /// The connection has ended.
    Gone,
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// Of its m-line.
    pub(crate) kind: Kind,
    /// Its m-line.
    pub(crate) mid: Mid,
    /// What its payload type stands for; `None` if it was not negotiated.
    pub(crate) spec: Option<CodecSpec>,
    /// Whether it is of the one track and layer of its kind that others receive.
    pub(crate) is_shared: bool,
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
            .enable_vp9(true)
            .enable_h264(true)
            .enable_av1(true)
            .set_extension(DESCRIPTOR_ID, descriptor::extension())
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
                let shared = peer.sends.get(&Kind::Video).copied();
                let mut direct = peer.rtc.direct_api();
                let stream = shared.and_then(|(mid, rid)| direct.stream_rx_by_mid(mid, rid));
                if let Some(stream) = stream {
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
        spec: CodecSpec,
        packet: &RtpPacket,
    ) -> bool {
        let Some(pt) = self.payload_type(mid, spec) else {
            return false;
        };
        let ssrc = packet.header.ssrc;
        let known = self.receives.get(&mid).copied();
        let sequence = Sequence::follow(known, ssrc, *packet.seq_no);
        let Some(seq_no) = sequence.place(*packet.seq_no) else {
            return false;
        };
        // Only these: the rest of the header extensions mean something on one connection alone.
        let mut ext_vals = ExtensionValues {
            audio_level: packet.header.ext_vals.audio_level,
            voice_activity: packet.header.ext_vals.voice_activity,
            video_orientation: packet.header.ext_vals.video_orientation,
            ..ExtensionValues::default()
        };
        if let Some(descriptor) = packet.header.ext_vals.user_values.get::<Descriptor>() {
            ext_vals.user_values.set(descriptor.clone());
        }
        let write = RtpWrite::new(
            pt,
            seq_no.into(),
            packet.header.timestamp,
            packet.timestamp,
            packet.payload.clone(),
        )
        .marker(packet.header.marker)
        .ext_vals(ext_vals)
        .nackable(spec.codec.is_video());
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

    /// This participant's number for a codec: browsers number differently.
    fn payload_type(&self, mid: Mid, spec: CodecSpec) -> Option<Pt> {
        let media = self.rtc.media(mid)?;
        let takes = media.remote_pts();
        let config = self.rtc.codec_config();
        // H.264 has several, told apart by profile and packetization mode.
        let same = config.find(|params| params.spec() == spec && takes.contains(&params.pt()));
        let pt = same.or_else(|| {
            config.find(|params| params.spec().codec == spec.codec && takes.contains(&params.pt()))
        });
        media.direction().is_sending().then_some(pt?.pt())
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

    /// A packet of the participant's. Of its tracks and layers one audio and one video are passed on.
    fn own_packet(&mut self, packet: RtpPacket) -> Option<Happening> {
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_rx(&packet.header.ssrc)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let kind = match self.rtc.media(mid)?.kind() {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
        };
        let config = self.rtc.codec_config();
        let spec = config.find(|params| params.pt() == packet.header.payload_type);
        let spec = spec.map(PayloadParams::spec);
        let is_shared = spec.is_some() && *self.sends.entry(kind).or_insert((mid, rid)) == (mid, rid);
        let origin = Origin { kind, mid, spec, is_shared };
        Some(Happening::Packet(origin, Box::new(packet)))
    }
}

/// A number for the Dependency Descriptor that str0m's own extensions leave free.
const DESCRIPTOR_ID: u8 = 8;

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
