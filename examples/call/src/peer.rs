//! One participant's WebRTC connection.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpOffer};
use str0m::format::{Codec, CodecSpec};
use str0m::media::{KeyframeRequestKind, MediaKind, Mid, Pt, Rid};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};

use crate::dependency::{self, DependencyDescriptor};
use crate::keyframes::KeyframeGate;
use crate::layer::Layer;
use crate::limits::{Bucket, DATAGRAMS};
use crate::log::say;
use crate::message::{MemberId, StreamKind};
use crate::sequence::{Place, Sequence};

/// Id of the Dependency Descriptor among the header extensions, until a page gives it another.
const DEPENDENCY: u8 = 12;

/// A participant's connection: str0m's state machine and what it reports about the tracks.
#[derive(Debug)]
pub(crate) struct Peer {
    id: MemberId,
    rtc: Rtc,
    /// By m-line on which the participant sends: the forwarded layer.
    layers: HashMap<Mid, Layer>,
    /// By m-line on which the participant sends video.
    keyframes: BTreeMap<Mid, KeyframeGate>,
    /// Payload types of raw payloads: pieces of frames, without a payload descriptor.
    raw: BTreeSet<Pt>,
    /// By m-line on which the participant receives.
    receives: HashMap<Mid, Sequence>,
    datagrams: Bucket,
    deadline: Instant,
}

/// A packet that a participant sent, and what the connection knows about it.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The m-line it belongs to.
    pub(crate) mid: Option<Mid>,
    /// The simulcast layer.
    pub(crate) rid: Option<Rid>,
    /// The codec its payload type stands for.
    pub(crate) spec: Option<CodecSpec>,
    /// Whether the payload has no payload descriptor.
    pub(crate) is_raw: bool,
    /// Whether it belongs to the forwarded layer.
    pub(crate) is_chosen: bool,
    /// The packet.
    pub(crate) rtp: RtpPacket,
}

impl Arrival {
    /// `opus`, `vp8`, `vp9`, `h264` or `av1`, or empty.
    pub(crate) fn codec_name(&self) -> &'static str {
        match self.spec.map(|spec| spec.codec) {
            Some(Codec::Opus) => "opus",
            Some(Codec::Vp8) => "vp8",
            Some(Codec::Vp9) => "vp9",
            Some(Codec::H264) => "h264",
            Some(Codec::Av1) => "av1",
            _ => "",
        }
    }

    /// The Dependency Descriptor, if the packet has one.
    pub(crate) fn dependency(&self) -> Option<&DependencyDescriptor> {
        self.rtp.header.ext_vals.user_values.get()
    }
}

/// What a connection reports for others to act upon.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A packet that the participant sent.
    Packet(Box<Arrival>),
    /// The participant cannot go on without a key frame on this m-line.
    KeyframeWanted(Mid),
    /// The connection has ended.
    Gone,
}

/// The one socket, and the pending events of the peers.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Shared by all peers.
    pub(crate) socket: UdpSocket,
    /// The address peers send to.
    pub(crate) address: SocketAddr,
    /// Events that have not been handled yet.
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
            .set_extension(DEPENDENCY, dependency::extension())
            .build(now);
        rtc.add_local_candidate(Candidate::host(wire.address, "udp")?);
        Ok(Self {
            id,
            rtc,
            layers: HashMap::new(),
            keyframes: BTreeMap::new(),
            raw: BTreeSet::new(),
            receives: HashMap::new(),
            datagrams: Bucket::full(DATAGRAMS, now),
            deadline: now,
        })
    }

    /// Answers an offer; `None` if it is not a valid session description or does not fit the
    /// connection, in which case the connection is over.
    pub(crate) fn answer(&mut self, wire: &mut Wire, sdp: &str) -> Option<String> {
        // Parsed inside, because a parser may panic too.
        let answer = self.drive(wire, |peer| peer.accept(sdp))?;
        self.raw = raw_payload_types(sdp).collect();
        let rtc = &self.rtc;
        self.receives.retain(|mid, _| rtc.media(*mid).is_some());
        self.layers.retain(|mid, _| rtc.media(*mid).is_some());
        self.keyframes.retain(|mid, _| rtc.media(*mid).is_some());
        Some(answer.to_sdp_string())
    }

    fn accept(&mut self, sdp: &str) -> Result<SdpAnswer, RtcError> {
        let offer = SdpOffer::from_sdp_string(sdp)?;
        self.rtc.sdp_api().accept_offer(offer)
    }

    /// Whether the connection has an m-line `mid`.
    pub(crate) fn has(&self, mid: Mid) -> bool {
        self.rtc.media(mid).is_some()
    }

    /// Whether the participant may send a track of this kind on m-line `mid`.
    pub(crate) fn can_send(&self, mid: Mid, kind: StreamKind) -> bool {
        self.rtc.media(mid).is_some_and(|media| {
            let is_video = media.kind() == MediaKind::Video;
            is_video == kind.is_video() && media.direction().is_receiving() && !media.disabled()
        })
    }

    /// Whether a datagram belongs to this connection.
    pub(crate) fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.accepts(input)
    }

    /// Handles a datagram that [`accepts`](Self::accepts) returned true for, unless there were too
    /// many.
    pub(crate) fn receive(&mut self, wire: &mut Wire, input: Input<'_>, now: Instant) {
        if self.datagrams.try_take(now) {
            self.drive(wire, |peer| peer.rtc.handle_input(input));
        }
    }

    /// When [`tick`](Self::tick) is next due.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let keyframes = self.keyframes.values().filter_map(|gate| gate.due(now));
        keyframes.fold(self.deadline, Instant::min)
    }

    /// Advances the connection to `now`.
    pub(crate) fn tick(&mut self, wire: &mut Wire, now: Instant) {
        let due: Vec<Mid> = self
            .keyframes
            .iter_mut()
            .filter_map(|(mid, gate)| gate.pass(now).then_some(*mid))
            .collect();
        for mid in due {
            let rid = self.layers.get(&mid).and_then(|layer| layer.rid());
            self.drive(wire, |peer| {
                let mut direct = peer.rtc.direct_api();
                if let Some(stream) = direct.stream_rx_by_mid(mid, rid) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
                Ok(())
            });
        }
        self.drive(wire, |peer| peer.rtc.handle_input(Input::Timeout(now)));
    }

    /// Notes that a receiver needs a key frame of the video on m-line `mid`.
    pub(crate) fn want_keyframe(&mut self, mid: Mid) {
        // Only where video is received: otherwise the deadline of an impossible request would never
        // pass.
        if self.can_send(mid, StreamKind::Camera) {
            self.keyframes.entry(mid).or_default().want();
        }
    }

    /// Whether packets can be sent to the participant.
    pub(crate) fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// Forwards a packet of another participant's track on m-line `mid`, with its payload
    /// unchanged.
    ///
    /// True if it is the first of that track.
    pub(crate) fn forward(&mut self, wire: &mut Wire, mid: Mid, arrival: &Arrival) -> bool {
        let Arrival { spec: Some(spec), rtp, .. } = arrival else {
            return false;
        };
        let Some(pt) = self.payload_type(mid, *spec) else {
            return false;
        };
        let ssrc = rtp.header.ssrc;
        let theirs = Place { seq_no: *rtp.seq_no, timestamp: rtp.header.timestamp };
        let clock_rate = spec.clock_rate.get();
        let known = self.receives.get(&mid).copied();
        let sequence = Sequence::follow(known, ssrc, theirs, rtp.timestamp, clock_rate);
        let Some(ours) = sequence.place(theirs) else {
            return false;
        };
        let write =
            RtpWrite::new(pt, ours.seq_no.into(), ours.timestamp, rtp.timestamp, rtp.payload.clone())
                .marker(rtp.header.marker)
                .ext_vals(passed_on(&rtp.header.ext_vals))
                .nackable(spec.codec.is_video());
        let written = self.drive(wire, |peer| {
            let mut direct = peer.rtc.direct_api();
            let stream = direct.stream_tx_by_mid(mid, None);
            Ok(stream.map(|stream| stream.write_rtp(write)).is_some())
        });
        if written != Some(true) {
            return false;
        }
        self.receives.insert(mid, sequence.sent(ours, rtp.timestamp));
        known.is_none_or(|known| !known.is_of(ssrc))
    }

    /// This participant's payload type for a codec with its parameters: browsers number
    /// differently.
    fn payload_type(&self, mid: Mid, spec: CodecSpec) -> Option<Pt> {
        let media = self.rtc.media(mid)?;
        if !media.direction().is_sending() {
            return None;
        }
        let config = self.rtc.codec_config();
        let fits = config.find(|params| {
            // Both are from the server's own list, which is the same for every participant.
            params.spec() == spec && media.remote_pts().contains(&params.pt())
        });
        fits.map(|params| params.pt())
    }

    /// The only way to change the connection: calls `change`, then handles all output until str0m
    /// wants to wait.
    ///
    /// str0m requires that order. A panic inside it must not end everybody's call, so it ends only
    /// this connection. `None` if the connection is over.
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
            Ok(Err(error)) => say(format_args!("participant {}: {error:?}", self.id.address)),
            Err(_) => {
                say(format_args!("participant {}: connection closed after a panic", self.id.address))
            }
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
                // A peer may name an unreachable address; UDP treats that as loss.
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

    #[expect(clippy::wildcard_enum_match_arm, reason = "str0m's, which tells of much more")]
    fn notice(&mut self, event: Event) -> Option<Happening> {
        match event {
            Event::RtpPacket(packet) => Some(Happening::Packet(Box::new(self.arrival(packet)))),
            Event::KeyframeRequest(request) => Some(Happening::KeyframeWanted(request.mid)),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => {
                Some(Happening::Gone)
            }
            _ => None,
        }
    }

    fn arrival(&mut self, rtp: RtpPacket) -> Arrival {
        let header = &rtp.header;
        let pt = header.payload_type;
        let (mid, rid) = match self.rtc.direct_api().stream_rx(&header.ssrc) {
            Some(stream) => (Some(stream.mid()), stream.rid()),
            None => (header.ext_vals.mid, header.ext_vals.rid),
        };
        let config = self.rtc.codec_config();
        let spec = config.find(|params| params.pt() == pt).map(|params| params.spec());
        let now = rtp.timestamp;
        // A packet may name any m-line.
        let is_chosen = mid.filter(|mid| self.has(*mid)).is_some_and(|mid| {
            self.layers.entry(mid).or_insert_with(|| Layer::new(rid, now)).passes(rid, now)
        });
        Arrival { mid, rid, spec, is_raw: self.raw.contains(&pt), is_chosen, rtp }
    }
}

/// The header extensions that have a meaning beyond the connection on which they came.
fn passed_on(came: &ExtensionValues) -> ExtensionValues {
    let mut passed_on = ExtensionValues {
        audio_level: came.audio_level,
        voice_activity: came.voice_activity,
        video_orientation: came.video_orientation,
        ..ExtensionValues::default()
    };
    if let Some(descriptor) = came.user_values.get_arc::<DependencyDescriptor>() {
        passed_on.user_values.set_arc(descriptor);
    }
    passed_on
}

/// The payload types that an offer declares raw: `a=packetization:96 raw`.
fn raw_payload_types(sdp: &str) -> impl Iterator<Item = Pt> {
    sdp.lines().filter_map(|line| {
        let (pt, format) = line.strip_prefix("a=packetization:")?.split_once(' ')?;
        (format.trim() == "raw").then_some(pt.parse::<u8>().ok()?.into())
    })
}

/// Parses a datagram that a peer might accept; `None` if it is not WebRTC.
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

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::Once;
    use std::time::Instant;

    use super::{
        DependencyDescriptor, ExtensionValues, Peer, Wire, passed_on, raw_payload_types, read_datagram,
    };
    use crate::message::{Address, MemberId, Stay};
    use crate::noise::Noise;
    use crate::{av1, h264, vp8, vp9};

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        a=extmap-allow-mixed\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\n\
        a=candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host generation 0\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n\
        a=fingerprint:sha-256 07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:\
        07:07:07:07:07:07:07:07\r\na=setup:actpass\r\na=mid:0\r\n\
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendonly\r\na=rtcp-mux\r\n\
        a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
        a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=ssrc:1 cname:x\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
        a=packetization:96 raw\r\na=ssrc-group:FID 2 3\r\na=ssrc:2 msid:a b\r\na=ssrc:3 msid:a b\r\n\
        a=rid:l send\r\na=rid:h send\r\na=simulcast:send l;h\r\n";

    fn wire() -> Option<Wire> {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        let address = socket.local_addr().ok()?;
        Some(Wire { socket, address, happenings: Default::default() })
    }

    // Not through `answer` and `receive`, which would hide a panic.
    #[test]
    fn no_offer_and_no_datagram_panics() -> Result<(), Box<dyn std::error::Error>> {
        let mut wire = wire().ok_or("no socket")?;
        let id = MemberId { stay: Stay(1), address: Address([1; 16]), visit: 1 };
        let now = Instant::now();
        let mut noise = Noise::new(5);
        let mut answered = 0;
        for time in 0..400 {
            let mut peer = Peer::new(id, &wire, now)?;
            if time % 2 == 0 {
                peer.accept(OFFER)?;
                peer.drain(&mut wire)?;
            }
            let offer = noise.changed(OFFER.as_bytes());
            answered += usize::from(peer.accept(&String::from_utf8_lossy(&offer)).is_ok());
            let _ = peer.drain(&mut wire);
            for first in [0, 1, 20, 22, 23, 63, 128, 144, 191, 200] {
                let mut datagram = noise.bytes(200);
                datagram.insert(0, first);
                let source = ([127, 0, 0, 1], 50_000).into();
                if let Some(input) = read_datagram(&datagram, source, wire.address, now) {
                    let _ = peer.rtc.accepts(&input);
                    let _ = peer.rtc.handle_input(input);
                    let _ = peer.drain(&mut wire);
                }
            }
        }
        assert!((50..400).contains(&answered), "{answered} changed offers answered");
        Ok(())
    }

    #[test]
    fn no_payload_makes_the_frame_finders_panic() {
        let mut noise = Noise::new(9);
        for _ in 0..100_000 {
            let payload = noise.bytes(40);
            for start in [av1::picture_start, h264::picture_start, vp8::frame_start, vp9::frame_start]
                .map(|of| of(&payload))
            {
                // VP9 and VP8 may count bytes after the end.
                assert!(start.is_none_or(|start| start <= payload.len() + 4));
            }
        }
    }

    #[test]
    fn a_descriptor_is_forwarded_and_a_mid_is_not() {
        let mut came = ExtensionValues { mid: Some("3".into()), ..ExtensionValues::default() };
        came.user_values.set(DependencyDescriptor([1, 2, 3].into()));
        let passed_on = passed_on(&came);
        assert_eq!(passed_on.mid, None);
        assert_eq!(passed_on.user_values.get(), Some(&DependencyDescriptor([1, 2, 3].into())));
    }

    #[test]
    fn raw_payload_types_are_found() {
        let sdp = "a=packetization:96 raw\r\na=packetization:97 RAW\r\na=packetization:x raw\r\n\
                   a=packetization:300 raw\r\na=packetization:\r\na=packetization:45 raw";
        let found: Vec<u8> = raw_payload_types(sdp).map(|pt| *pt).collect();
        assert_eq!(found, [96, 45]);
    }
}
