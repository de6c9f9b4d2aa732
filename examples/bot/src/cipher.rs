//! The frame encryption of a call: keys, openers and sealers.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use sealframe_profiles::{Backend, Codec, FrameInfo, FrameType, OpenError, SealError, jitsi, livekit};
use zeroize::Zeroizing;

use crate::vp8;

/// The format of the frames.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    /// LiveKit's, with a passphrase.
    LiveKit,
    /// LiveKit's, with key bytes.
    LiveKitHkdf,
    /// Jitsi's.
    Jitsi,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "livekit" => Ok(Self::LiveKit),
            "livekit-hkdf" => Ok(Self::LiveKitHkdf),
            "jitsi" => Ok(Self::Jitsi),
            _ => Err(format!("unknown format {name}")),
        }
    }
}

/// The key shared by all participants.
pub(crate) struct Key {
    format: Format,
    index: u32,
    secret: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// Reads a key as a person types it: a passphrase, or bytes in hexadecimal, as the format
    /// requires.
    ///
    /// # Errors
    /// If the number of bytes is wrong: LiveKit needs at least 16, Jitsi exactly 32.
    pub(crate) fn read(format: Format, index: u8, text: &str) -> Result<Self, Box<dyn Error>> {
        let secret = Zeroizing::new(match format {
            Format::LiveKit => text.as_bytes().to_vec(),
            Format::LiveKitHkdf | Format::Jitsi => from_hex(text).ok_or("a key is hexadecimal")?,
        });
        match (format, secret.len()) {
            (Format::LiveKit, 1..) | (Format::LiveKitHkdf, 16..) | (Format::Jitsi, 32) => {
                Ok(Self { format, index: index.into(), secret })
            }
            _ => Err("a LiveKit key has at least 16 bytes, a Jitsi key exactly 32".into()),
        }
    }

    /// An opener for the frames of one participant.
    pub(crate) fn opener(&self) -> Opener {
        if let Some(key) = self.jitsi() {
            let mut receiver = jitsi::Receiver::new(jitsi::Config::new(Backend::recommended()));
            receiver.set_key(self.index, key);
            return Opener::Jitsi(receiver);
        }
        let mut receiver = livekit::Receiver::new(livekit::Config::new(Backend::recommended()));
        if let Some(key) = self.livekit() {
            receiver.set_key(self.index, key);
        }
        Opener::LiveKit(receiver)
    }

    /// A sealer for the bot's own frames.
    ///
    /// # Errors
    /// If the key cannot be used.
    pub(crate) fn sealer(&self) -> Result<Sealer, Box<dyn Error>> {
        if let Some(key) = self.jitsi() {
            let mut sender = jitsi::Sender::new(jitsi::Config::new(Backend::recommended()));
            sender.set_key(self.index, key)?;
            return Ok(Sealer::Jitsi(sender));
        }
        let mut sender = livekit::Sender::new(livekit::Config::new(Backend::recommended()));
        sender.set_key(self.index, self.livekit().ok_or("a LiveKit key has at least 16 bytes")?)?;
        Ok(Sealer::LiveKit(sender))
    }

    fn jitsi(&self) -> Option<jitsi::Key> {
        let material = self.secret.as_slice().try_into().ok()?;
        matches!(self.format, Format::Jitsi).then(|| jitsi::Key::from_material(material))
    }

    /// `None` for Jitsi.
    fn livekit(&self) -> Option<livekit::Key> {
        match self.format {
            Format::LiveKitHkdf => livekit::Key::hkdf_of(&self.secret),
            Format::LiveKit => livekit::Key::pbkdf2(&self.secret),
            Format::Jitsi => None,
        }
    }
}

/// Opens the frames of one participant.
pub(crate) enum Opener {
    /// From LiveKit's clients.
    LiveKit(livekit::Receiver),
    /// From Jitsi's.
    Jitsi(jitsi::Receiver),
}

impl Opener {
    /// Opens a frame of VP8 or of Opus.
    ///
    /// # Errors
    /// If it is not authentic, was repeated, or its key is missing.
    pub(crate) fn open(&mut self, is_video: bool, frame: &[u8]) -> Result<Vec<u8>, OpenError> {
        // The stream and its time are inside the frame: servers rewrite both.
        let info = info(is_video, frame, 0, 0);
        match self {
            Self::LiveKit(receiver) => receiver.open_to_vec(frame, &info),
            Self::Jitsi(receiver) => receiver.open_to_vec(frame, &info),
        }
    }
}

/// Seals the bot's frames.
pub(crate) enum Sealer {
    /// For LiveKit's clients.
    LiveKit(livekit::Sender),
    /// For Jitsi's.
    Jitsi(jitsi::Sender),
}

impl Sealer {
    /// Seals a frame of VP8 or of Opus of this stream and time.
    ///
    /// # Errors
    /// If a nonce would be used twice.
    pub(crate) fn seal(
        &mut self,
        is_video: bool,
        ssrc: u32,
        rtp_timestamp: u32,
        frame: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let info = info(is_video, frame, ssrc, rtp_timestamp);
        match self {
            Self::LiveKit(sender) => sender.seal_to_vec(frame, &info),
            Self::Jitsi(sender) => sender.seal_to_vec(frame, &info),
        }
    }
}

fn info(is_video: bool, frame: &[u8], ssrc: u32, rtp_timestamp: u32) -> FrameInfo {
    if !is_video {
        return FrameInfo::audio(Some(Codec::Opus), ssrc, rtp_timestamp);
    }
    let frame_type = if vp8::is_key(frame) { FrameType::Key } else { FrameType::Delta };
    FrameInfo::video(Some(Codec::Vp8), frame_type, ssrc, rtp_timestamp)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |&letter: &u8| char::from(letter).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(16 * digit(high)? + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::{Format, Key};

    const BYTES: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn keys_of_a_wrong_length_are_rejected() {
        for (format, text, fits) in [
            (Format::LiveKit, "secret", true),
            (Format::LiveKit, "", false),
            (Format::LiveKitHkdf, &BYTES[..32], true),
            (Format::LiveKitHkdf, &BYTES[..30], false),
            (Format::LiveKitHkdf, &BYTES[..33], false),
            (Format::LiveKitHkdf, "secret", false),
            (Format::Jitsi, BYTES, true),
            (Format::Jitsi, &BYTES[..32], false),
        ] {
            assert_eq!(Key::read(format, 0, text).is_ok(), fits, "{format:?} {text}");
        }
    }

    #[test]
    fn a_sealed_frame_opens_with_the_same_key_and_once() {
        let frame = [0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xf0, 0x00, 9, 9, 9];
        for (format, text) in
            [(Format::LiveKit, "secret"), (Format::LiveKitHkdf, BYTES), (Format::Jitsi, BYTES)]
        {
            for (is_video, at) in [(true, 1), (false, 2)] {
                let key = |index| Key::read(format, index, text).ok();
                let Some((key, other)) = key(3).zip(key(4)) else { unreachable!() };
                let Ok(mut sealer) = key.sealer() else { unreachable!() };
                let sealed = sealer.seal(is_video, 7, at, &frame).unwrap_or_default();
                assert_ne!(sealed, frame);
                let mut opener = key.opener();
                assert_eq!(opener.open(is_video, &sealed).ok().as_deref(), Some(&frame[..]));
                assert!(opener.open(is_video, &sealed).is_err(), "a second time");
                assert!(opener.open(is_video, &frame).is_err(), "never sealed");
                assert!(other.opener().open(is_video, &sealed).is_err(), "no key at its index");
            }
        }
    }
}
