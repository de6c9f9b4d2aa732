//! The kind of a frame.

/// What kind of media a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
#[repr(u8)]
pub enum StreamKind {
    /// Sound of a person.
    Microphone = 1,
    /// Picture of a person.
    Camera = 2,
    /// Picture of a shared screen or window.
    Screen = 3,
    /// Sound of a shared screen or window.
    ScreenAudio = 4,
    /// Anything that is no media frame.
    Data = 5,
}

impl StreamKind {
    /// The kind with this number; `None` for any other.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            1 => Self::Microphone,
            2 => Self::Camera,
            3 => Self::Screen,
            4 => Self::ScreenAudio,
            5 => Self::Data,
            _ => return None,
        })
    }
}

/// One stream of a sender: its kind, and a number among the sender's streams of that kind.
///
/// Sender and receiver must name the same stream or the frame does not open. Take `index` from
/// signalling that both sides share (first camera 0, second camera 1, …); simulcast and spatial
/// layers of one camera are one stream. Do not use an SSRC: servers rewrite it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Stream {
    /// The payload's kind.
    pub kind: StreamKind,
    /// Which of the sender's streams of this kind, from 0.
    pub index: u16,
}

impl Stream {
    /// The stream `index` of this kind.
    #[must_use]
    pub const fn new(kind: StreamKind, index: u16) -> Self {
        Self { kind, index }
    }
}
