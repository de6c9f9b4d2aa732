//! What the page and the server say to each other over the WebSocket, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Number of a participant: counted up for the life of the process, never given twice.
///
/// The page uses it as the sender number inside the SFrame KID, and who is in the call takes no number twice.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub(crate) struct MemberId(pub(crate) u32);

/// What a track shows or lets hear, by the names of the browser package.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Track {
    /// What it is.
    pub(crate) kind: StreamKind,
    /// Tells apart tracks of one kind.
    pub(crate) index: u16,
}

/// A track and whose it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct TrackId {
    /// The participant who sends the track.
    pub(crate) from: MemberId,
    /// Which track.
    #[serde(flatten)]
    pub(crate) track: Track,
}

/// A participant as others see it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Introduction {
    /// The participant's number.
    pub(crate) id: MemberId,
    /// The name the participant chose, unchecked.
    pub(crate) name: String,
    /// What the participant sends at present.
    pub(crate) tracks: Vec<Track>,
}

/// A description of a page's connection, and what its m-lines are for. Replaces what an earlier one
/// said.
///
/// What is sent on an m-line without a name is recorded and goes to nobody.
#[derive(Debug, Deserialize)]
pub(crate) struct Offer {
    /// The session description.
    pub(crate) sdp: String,
    /// By mid: what the page sends there.
    #[serde(default)]
    pub(crate) sends: HashMap<String, Track>,
    /// By mid: whose track goes there.
    #[serde(default)]
    pub(crate) slots: HashMap<String, TrackId>,
}

/// Messages from a page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromPage {
    /// A new description of the page's connection. The server answers each one.
    Offer(Box<Offer>),
    /// Key management: bytes that the server does not look into.
    Message {
        /// The one to receive it; `None` for all others in the room.
        #[serde(default)]
        to: Option<MemberId>,
        /// Base64, passed on as it came.
        data: String,
    },
}

/// Messages to a page.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToPage {
    /// First message: the page's own number and who is there already.
    Welcome {
        /// The page's own number.
        id: MemberId,
        /// Everyone else in the room.
        members: Vec<Introduction>,
    },
    /// Somebody came.
    Joined(Introduction),
    /// What somebody sends has changed.
    Tracks {
        /// Who.
        from: MemberId,
        /// All of it.
        tracks: Vec<Track>,
    },
    /// Somebody went.
    Left {
        /// Who.
        id: MemberId,
    },
    /// Key management, from another participant.
    Message {
        /// Who sent it, as the server knows it.
        from: MemberId,
        /// As it was sent.
        data: String,
    },
    /// The answer to the page's last offer.
    Answer {
        /// The session description.
        sdp: String,
    },
}

#[cfg(test)]
mod tests {
    use super::{FromPage, MemberId, Offer, StreamKind, ToPage, Track, TrackId};

    #[test]
    fn tracks_are_written_as_the_page_writes_them() {
        let track = Track { kind: StreamKind::ScreenAudio, index: 2 };
        let told = ToPage::Tracks { from: MemberId(7), tracks: vec![track] };
        let json = r#"{"type":"tracks","from":7,"tracks":[{"kind":"screenAudio","index":2}]}"#;
        assert_eq!(serde_json::to_string(&told).ok().as_deref(), Some(json));

        let offer = r#"{"type":"offer","sdp":"v=0","sends":{"0":{"kind":"screenAudio","index":2}},
                        "slots":{"1":{"from":7,"kind":"screenAudio","index":2}}}"#;
        let Ok(FromPage::Offer(offer)) = serde_json::from_str(offer) else {
            unreachable!("not understood");
        };
        assert_eq!(offer.sends.get("0"), Some(&track));
        assert_eq!(offer.slots.get("1"), Some(&TrackId { from: MemberId(7), track }));
    }

    #[test]
    fn a_page_may_leave_its_tracks_without_names() {
        let offer: Option<FromPage> = serde_json::from_str(r#"{"type":"offer","sdp":""}"#).ok();
        let is_silent = |offer: &Offer| offer.sends.is_empty() && offer.slots.is_empty();
        assert!(matches!(offer, Some(FromPage::Offer(offer)) if is_silent(&offer)));
    }

    #[test]
    fn an_index_has_16_bits() {
        let offer = r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":65536}}}"#;
        assert!(serde_json::from_str::<FromPage>(offer).is_err());
    }
}
