//! The messages between the example server and a participant, as JSON; `examples/call` describes
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;

use serde::{Deserialize, Serialize};

/// The content of a track.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StreamKind {
    /// Audio of a person.
    Microphone,
    /// Video of a person.
    Camera,
    /// Video of a shared screen.
    Screen,
    /// Audio of a shared screen.
    ScreenAudio,
}

impl StreamKind {
    /// Whether such a track is video.
    pub(crate) fn is_video(self) -> bool {
        matches!(self, Self::Camera | Self::Screen)
    }
}

/// One of a participant's tracks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Track {
    /// What it is.
    pub(crate) kind: StreamKind,
    /// Tells apart tracks of one kind.
    pub(crate) index: u16,
}

/// The server's name for a participant: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Address(u128);

impl TryFrom<String> for Address {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A track and its sender.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct TrackId {
    /// The participant who sends it.
    pub(crate) from: Address,
    /// Which track.
    #[serde(flatten)]
    pub(crate) track: Track,
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.track.kind {
            StreamKind::Microphone => "microphone",
            StreamKind::Camera => "camera",
            StreamKind::Screen => "screen",
            StreamKind::ScreenAudio => "screen-audio",
        };
        write!(f, "{}-{kind}-{}", self.from, self.track.index)
    }
}

/// A participant as the server introduces it.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    /// Its address.
    pub(crate) id: Address,
    /// Its tracks.
    pub(crate) tracks: Vec<Track>,
}

/// Messages from the server.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromServer {
    /// The first message: the participants present.
    Welcome {
        /// Everyone else in the room.
        members: Vec<Member>,
    },
    /// A participant joined.
    Joined(Member),
    /// A participant's tracks changed.
    Tracks {
        /// The participant.
        from: Address,
        /// All of its tracks.
        tracks: Vec<Track>,
    },
    /// A participant left.
    Left {
        /// The participant.
        id: Address,
    },
    /// The answer to the last offer.
    Answer {
        /// The session description.
        sdp: String,
    },
    /// A message that the bot does not need.
    #[serde(other)]
    Other,
}

/// A session description, and what its m-lines are for, by mid. A bot sends no other message.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "offer")]
pub(crate) struct Offer {
    /// The session description.
    pub(crate) sdp: String,
    /// The track that the bot sends there.
    pub(crate) sends: BTreeMap<String, Track>,
    /// The track that the bot wants there.
    pub(crate) slots: BTreeMap<String, TrackId>,
}
