//! The WebRTC connection: str0m's state machine and its UDP socket.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// Longest wait for a datagram: the WebSocket is read in between.
const PATIENCE: Duration = Duration::from_millis(10);

/// A connection that always offers, in frame mode: str0m takes and returns whole frames.
#[derive(Debug)]
pub(crate) struct Connection {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    offered: Option<SdpPendingOffer>,
}

impl Connection {
    /// A connection over the interface with this address, for Opus and VP8.
    ///
    /// # Errors
    /// If no socket can be bound there.
    pub(crate) fn new(local: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind(local)?;
        let address = socket.local_addr()?;
        let now = Instant::now();
        let mut rtc =
            Rtc::builder().clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp")?);
        Ok(Self { rtc, socket, address, offered: None })
    }

    /// Whether an offer waits for its answer; another one must wait too.
    pub(crate) fn is_offering(&self) -> bool {
        self.offered.is_some()
    }

    /// An offer that adds these m-lines, and their mids.
    pub(crate) fn offer(&mut self, added: &[(MediaKind, Direction)]) -> Option<(String, Vec<Mid>)> {
        let mut changes = self.rtc.sdp_api();
        let add = |&(kind, direction)| changes.add_media(kind, direction, None, None, None);
        let mids = added.iter().map(add).collect();
        let (offer, pending) = changes.apply()?;
        self.offered = Some(pending);
        Some((offer.to_sdp_string(), mids))
    }

    /// Accepts the answer to the last offer.
    ///
    /// # Errors
    /// If there was no offer, or the answer does not fit it.
    pub(crate) fn accept(&mut self, answer: &str) -> Result<(), Box<dyn Error>> {
        let offered = self.offered.take().ok_or("the server answered without an offer")?;
        Ok(self.rtc.sdp_api().accept_answer(offered, SdpAnswer::from_sdp_string(answer)?)?)
    }

    /// Sends a frame on m-line `mid`, if the other side accepts its codec.
    ///
    /// # Errors
    /// If the connection is over.
    pub(crate) fn send(
        &mut self,
        mid: Mid,
        time: MediaTime,
        frame: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        let Some(writer) = self.rtc.writer(mid) else {
            return Ok(());
        };
        let pt = writer.payload_params().next().map(|params| params.pt());
        if let Some(pt) = pt {
            writer.write(pt, Instant::now(), time, frame)?;
        }
        Ok(())
    }

    /// The SSRC of the stream sent on m-line `mid`.
    pub(crate) fn ssrc(&mut self, mid: Mid) -> Option<u32> {
        self.rtc.direct_api().stream_tx_by_mid(mid, None).map(|stream| *stream.ssrc())
    }

    /// Requests a key frame of the stream received on m-line `mid`.
    pub(crate) fn want_keyframe(&mut self, mid: Mid) {
        if let Some(mut writer) = self.rtc.writer(mid) {
            // Without a stream there is no sender to ask, and the first frame will be a key frame.
            let _ = writer.request_keyframe(None, KeyframeRequestKind::Pli);
        }
    }

    /// Sends waiting datagrams, or else waits for one, for 10 ms at most and no longer than
    /// `until`. Returns an event, if there is one.
    ///
    /// # Errors
    /// If the connection is over.
    pub(crate) fn step(&mut self, until: Instant) -> Result<Option<Event>, Box<dyn Error>> {
        loop {
            match self.rtc.poll_output()? {
                // UDP treats an unreachable address as loss.
                Output::Transmit(datagram) => {
                    let _ = self.socket.send_to(&datagram.contents, datagram.destination);
                }
                Output::Event(event) => return Ok(Some(event)),
                Output::Timeout(deadline) => {
                    self.wait(until.min(deadline))?;
                    return Ok(None);
                }
            }
        }
    }

    fn wait(&mut self, until: Instant) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        let until = until.min(now + PATIENCE);
        // Zero would mean forever.
        let timeout = until.saturating_duration_since(now).max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(timeout))?;
        let mut buffer = [0; 2048];
        match self.socket.recv_from(&mut buffer) {
            Ok((len, source)) => self.receive(&buffer[..len], source),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Ok(self.rtc.handle_input(Input::Timeout(Instant::now()))?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn receive(&mut self, datagram: &[u8], source: SocketAddr) -> Result<(), Box<dyn Error>> {
        // Ignores datagrams that are not WebRTC.
        if let Ok(contents) = datagram.try_into() {
            let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
            self.rtc.handle_input(Input::Receive(Instant::now(), receive))?;
        }
        Ok(())
    }
}
