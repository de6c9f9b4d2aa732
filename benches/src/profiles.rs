//! The deployed formats, compared with RFC 9605.
//!
//! All encrypt the same number of bytes, and clear bytes come on top, because libraries take up to
//! 50 ns more if the last block is incomplete.

use core::{hint::black_box, ops::Range, time::Duration};

use sealframe_crypto::Backend;
use sealframe_profiles::{Codec, FrameBuf, FrameInfo, FrameType, dave, jitsi, livekit};

use crate::{
    BASE_KEY, Direction, FILL, Operation, SUITE, frames,
    roster::{Contestant, Role},
};

/// Random, like RTP's (RFC 3550 §5.1): counted from zero, every IV of H.264 would need an escape.
const FIRST_TIMESTAMP: u32 = 0x9d4e_62b7;

/// The contestant that the others are compared with.
pub const RFC_9605: &str = "RFC 9605";

/// A format and a kind of frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    Jitsi,
    JitsiExternal,
    LiveKit,
    LiveKitH264,
    Dave,
    DaveVp8,
}

impl Profile {
    pub const ALL: [Self; 6] =
        [Self::Jitsi, Self::JitsiExternal, Self::LiveKit, Self::LiveKitH264, Self::Dave, Self::DaveVp8];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Jitsi => "Jitsi",
            Self::JitsiExternal => "Jitsi, external key",
            Self::LiveKit => "LiveKit",
            Self::LiveKitH264 => "LiveKit, H.264",
            Self::Dave => "DAVE, Opus",
            Self::DaveVp8 => "DAVE, VP8",
        }
    }

    /// Whether every byte of a sealed frame is searched for start codes, which RFC 9605 does not
    /// do.
    pub const fn is_escaped(self) -> bool {
        matches!(self, Self::LiveKitH264)
    }

    /// Clear bytes: a frame is longer by this number than its encrypted part.
    const fn clear_len(self) -> usize {
        match self {
            Self::Jitsi | Self::JitsiExternal | Self::LiveKit | Self::DaveVp8 => 1,
            Self::LiveKitH264 => 6,
            Self::Dave => 0,
        }
    }

    /// The first bytes of a frame from an encoder.
    const fn front(self) -> &'static [u8] {
        match self {
            Self::LiveKitH264 => &[0, 0, 0, 1, 0x41, 0x9a],
            Self::DaveVp8 => &[0x11, 2, 0],
            Self::Jitsi | Self::JitsiExternal | Self::LiveKit | Self::Dave => &[],
        }
    }

    const fn info(self, rtp_timestamp: u32) -> FrameInfo {
        match self {
            Self::LiveKitH264 => {
                FrameInfo::video(Some(Codec::H264), FrameType::Delta, 0x1122_3344, rtp_timestamp)
            }
            Self::Jitsi | Self::JitsiExternal | Self::LiveKit | Self::Dave | Self::DaveVp8 => {
                FrameInfo::audio(Some(Codec::Opus), 0x1122_3344, rtp_timestamp)
            }
        }
    }

    fn sender(self, backend: Backend) -> Sender {
        let options = || livekit::Config::new(backend);
        match self {
            Self::Jitsi | Self::JitsiExternal => {
                let mut sender = jitsi::Sender::resume(jitsi::Config::new(backend), 0);
                sender.set_key(0, self.jitsi_key()).unwrap();
                Sender::Jitsi(sender)
            }
            Self::LiveKit | Self::LiveKitH264 => {
                let mut sender = livekit::Sender::new(options());
                sender.set_key(0, livekit::Key::hkdf(&BASE_KEY)).unwrap();
                Sender::LiveKit(sender)
            }
            Self::Dave | Self::DaveVp8 => {
                Sender::Dave(dave::Sender::new(dave::Config::new(backend), secret()))
            }
        }
    }

    fn receiver(self, backend: Backend) -> Receiver {
        let options = livekit::Config::new(backend);
        match self {
            Self::Jitsi | Self::JitsiExternal => {
                let mut receiver = jitsi::Receiver::new(jitsi::Config::new(backend));
                receiver.set_key(0, self.jitsi_key());
                Receiver::Jitsi(receiver)
            }
            Self::LiveKit | Self::LiveKitH264 => {
                let mut receiver = livekit::Receiver::new(options);
                receiver.set_key(0, livekit::Key::hkdf(&BASE_KEY));
                Receiver::LiveKit(receiver)
            }
            Self::Dave | Self::DaveVp8 => {
                let mut receiver = dave::Receiver::new(dave::Config::new(backend));
                receiver.add_epoch(1, secret(), Duration::ZERO);
                Receiver::Dave(receiver)
            }
        }
    }

    fn jitsi_key(self) -> jitsi::Key {
        match self {
            Self::JitsiExternal => jitsi::Key::external(&BASE_KEY[..16]).unwrap(),
            Self::Jitsi | Self::LiveKit | Self::LiveKitH264 | Self::Dave | Self::DaveVp8 => {
                jitsi::Key::from_material(&BASE_KEY)
            }
        }
    }

    const fn codec(self) -> Codec {
        match self {
            Self::DaveVp8 => Codec::Vp8,
            Self::Jitsi | Self::JitsiExternal | Self::LiveKit | Self::LiveKitH264 | Self::Dave => {
                Codec::Opus
            }
        }
    }
}

fn secret() -> dave::BaseSecret {
    dave::BaseSecret::from_exported(&[0x42; 16])
}

enum Sender {
    Jitsi(jitsi::Sender),
    LiveKit(livekit::Sender),
    Dave(dave::Sender),
}

enum Receiver {
    Jitsi(jitsi::Receiver),
    LiveKit(livekit::Receiver),
    Dave(dave::Receiver),
}

/// A frame with room after it.
pub struct Slot {
    buf: Vec<u8>,
    frame: Range<usize>,
    sealed_len: usize,
}

/// Seals; each frame's timestamp is one unit after the last.
pub struct Seal {
    profile: Profile,
    sender: Sender,
    timestamp: u32,
    len: usize,
}

impl Seal {
    pub fn new(profile: Profile, backend: Backend, len: usize) -> Self {
        let len = profile.clear_len() + len;
        Self { profile, sender: profile.sender(backend), timestamp: FIRST_TIMESTAMP, len }
    }
}

impl Operation for Seal {
    type Input = Slot;

    fn input(&self) -> Slot {
        let room = (self.len + 64) / 2 + dave::Sender::TAILROOM;
        Slot { buf: vec![0; self.len + room], frame: 0..self.len, sealed_len: 0 }
    }

    fn prepare(&mut self, slot: &mut Slot) {
        let frame = &mut slot.buf[slot.frame.clone()];
        frame.fill(FILL);
        let front = self.profile.front();
        frame[..front.len()].copy_from_slice(front);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        self.timestamp += 1;
        let frame = FrameBuf::new(black_box(&mut slot.buf), slot.frame.clone()).unwrap();
        let info = self.profile.info(self.timestamp);
        let sealed = match &mut self.sender {
            Sender::Jitsi(sender) => sender.seal_in_place(frame, &info),
            Sender::LiveKit(sender) => sender.seal_in_place(frame, &info),
            Sender::Dave(sender) => sender.seal_in_place(frame, self.profile.codec()),
        };
        slot.sealed_len = black_box(sealed.unwrap()).len();
    }
}

/// Opens what [`Seal`] has sealed.
pub struct Open {
    seal: Seal,
    receiver: Receiver,
}

impl Open {
    pub fn new(profile: Profile, backend: Backend, len: usize) -> Self {
        Self { seal: Seal::new(profile, backend, len), receiver: profile.receiver(backend) }
    }
}

impl Operation for Open {
    type Input = Slot;

    fn input(&self) -> Slot {
        self.seal.input()
    }

    fn prepare(&mut self, slot: &mut Slot) {
        self.seal.prepare(slot);
        self.seal.run(slot);
    }

    #[inline(always)]
    fn run(&mut self, slot: &mut Slot) {
        let frame = &mut black_box(&mut slot.buf)[..slot.sealed_len];
        let info = self.seal.profile.info(0);
        let opened = match &mut self.receiver {
            Receiver::Jitsi(receiver) => receiver.open_in_place(frame, &info).unwrap().frame,
            Receiver::LiveKit(receiver) => receiver.open_in_place(frame, &info).unwrap().frame,
            Receiver::Dave(receiver) => {
                receiver.open_in_place(frame, Duration::from_secs(1)).unwrap().frame
            }
        };
        black_box(opened);
    }
}

/// RFC 9605 first, then the profiles.
pub fn contestants(direction: Direction, backend: Backend, len: usize) -> Vec<Contestant> {
    let rfc = match direction {
        Direction::Seal => {
            Contestant::new(Role::Ours, RFC_9605, move || frames::Seal::new(SUITE, backend, len))
        }
        Direction::Open => {
            Contestant::new(Role::Ours, RFC_9605, move || frames::Open::new(SUITE, backend, len))
        }
    };
    let profile = |profile: Profile| match direction {
        Direction::Seal => {
            Contestant::new(Role::Ours, profile.name(), move || Seal::new(profile, backend, len))
        }
        Direction::Open => {
            Contestant::new(Role::Ours, profile.name(), move || Open::new(profile, backend, len))
        }
    };
    [rfc].into_iter().chain(Profile::ALL.map(profile)).collect()
}
