//! The application's knowledge of a frame.

use sealframe_codec::Codec;

/// The kind of a frame for its decoder.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FrameType {
    /// Sound.
    Audio,
    /// A picture that needs no other.
    Key,
    /// A picture that needs others.
    Delta,
    /// A browser's third type of video frame, which has no picture in it.
    Empty,
}

/// One encoded frame, as the application that hands it over knows it.
///
/// A receiver uses codec and type alone: SSRC and timestamp come with the sealed frame, because
/// servers rewrite them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FrameInfo {
    /// Sound, or what kind of picture.
    pub frame_type: FrameType,
    /// Its codec; `None` if the codec is unknown, or not listed.
    pub codec: Option<Codec>,
    /// The RTP stream; a browser's `synchronizationSource`.
    pub ssrc: u32,
    /// In units of the codec's clock. It must be the frame's own, or nonces soon run out. It may
    /// step back, leap and rest.
    pub rtp_timestamp: u32,
}

impl FrameInfo {
    /// A frame of sound.
    #[must_use]
    pub const fn audio(codec: Option<Codec>, ssrc: u32, rtp_timestamp: u32) -> Self {
        Self { frame_type: FrameType::Audio, codec, ssrc, rtp_timestamp }
    }

    /// A frame of video of this type.
    #[must_use]
    pub const fn video(
        codec: Option<Codec>,
        frame_type: FrameType,
        ssrc: u32,
        rtp_timestamp: u32,
    ) -> Self {
        Self { frame_type, codec, ssrc, rtp_timestamp }
    }
}
