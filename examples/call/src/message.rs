//! What the page and the server say to each other over the WebSocket, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::limits::{RELAYED_BYTES, SDP_BYTES, SDP_LINES, SDP_MEDIA};

/// Number of a participant in its room: counted up from 1 while the room has members, never given twice
/// before it is empty.
///
/// The page uses it as the sender number inside the SFrame KID, which has 16 bits, and who is in a call
/// takes no number twice. A call ends when nobody is left in it, so an empty room begins anew.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub(crate) struct Number(pub(crate) u16);

/// A room from the first who enters it to the last who leaves: no two in the life of the process are
/// the same, whatever their names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stay(pub(crate) u64);

/// A participant: no two in the life of the process are the same. Pages know the number only, and
/// whatever they name is of their own room.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "Number")]
pub(crate) struct MemberId {
    /// The room it is in.
    pub(crate) stay: Stay,
    /// The number it has there.
    pub(crate) number: Number,
}

impl From<MemberId> for Number {
    fn from(id: MemberId) -> Self {
        id.number
    }
}

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

/// A track of somebody in the same room, as a page names it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Slot {
    /// The participant who sends the track.
    pub(crate) from: Number,
    /// Which track.
    #[serde(flatten)]
    pub(crate) track: Track,
}

/// A track and whose it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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
    pub(crate) slots: HashMap<String, Slot>,
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
        to: Option<Number>,
        /// Base64, passed on as it came.
        data: String,
    },
}

impl FromPage {
    /// Reads a message; `None` if it is none, or exceeds a bound. Panics on no text, whatever it is.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let message: Self = serde_json::from_str(text).ok()?;
        let is_bounded = match &message {
            Self::Offer(offer) => offer.is_bounded(),
            Self::Message { to: _, data } => data.len() <= RELAYED_BYTES,
        };
        is_bounded.then_some(message)
    }
}

impl Offer {
    fn is_bounded(&self) -> bool {
        let media = || self.sdp.lines().filter(|line| line.trim_start().starts_with("m="));
        self.sdp.len() <= SDP_BYTES
            && self.sdp.lines().take(SDP_LINES + 1).count() <= SDP_LINES
            && media().take(SDP_MEDIA + 1).count() <= SDP_MEDIA
            && self.sends.len() <= SDP_MEDIA
            && self.slots.len() <= SDP_MEDIA
    }
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
    use super::{
        FromPage, MemberId, Number, Offer, RELAYED_BYTES, SDP_BYTES, SDP_LINES, SDP_MEDIA, Slot, Stay,
        StreamKind, ToPage, Track,
    };
    use crate::noise::Noise;

    const OFFER: &str = r#"{"type":"offer","sdp":"v=0","sends":{"0":{"kind":"screenAudio","index":2}},
                            "slots":{"1":{"from":7,"kind":"screenAudio","index":2}}}"#;
    const TRACK: Track = Track { kind: StreamKind::ScreenAudio, index: 2 };

    #[test]
    fn tracks_are_written_as_the_page_writes_them() {
        let from = MemberId { stay: Stay(1 << 40), number: Number(7) };
        let told = ToPage::Tracks { from, tracks: vec![TRACK] };
        let json = r#"{"type":"tracks","from":7,"tracks":[{"kind":"screenAudio","index":2}]}"#;
        assert_eq!(serde_json::to_string(&told).ok().as_deref(), Some(json));

        let Some(FromPage::Offer(offer)) = FromPage::read(OFFER) else {
            unreachable!("not understood");
        };
        assert_eq!(offer.sends.get("0"), Some(&TRACK));
        assert_eq!(offer.slots.get("1"), Some(&Slot { from: Number(7), track: TRACK }));
    }

    #[test]
    fn a_page_may_leave_its_tracks_without_names() {
        let offer = FromPage::read(r#"{"type":"offer","sdp":""}"#);
        let is_silent = |offer: &Offer| offer.sends.is_empty() && offer.slots.is_empty();
        assert!(matches!(offer, Some(FromPage::Offer(offer)) if is_silent(&offer)));
    }

    #[test]
    fn numbers_and_indices_have_16_bits() {
        for (message, is_one) in [
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":65535}}}"#, true),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":65536}}}"#, false),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":-1}}}"#, false),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":1.5}}}"#, false),
            (r#"{"type":"message","to":65535,"data":""}"#, true),
            (r#"{"type":"message","to":65536,"data":""}"#, false),
            (r#"{"type":"message","to":"7","data":""}"#, false),
            (r#"{"type":"message","to":null,"data":""}"#, true),
        ] {
            assert_eq!(FromPage::read(message).is_some(), is_one, "{message}");
        }
    }

    #[test]
    fn every_part_of_a_message_is_bounded() {
        let offer = |sdp: &str, names: usize, what: &str| {
            let names: Vec<String> = (0..names)
                .map(|mid| format!(r#""{mid}":{{"from":1,"kind":"camera","index":0}}"#))
                .collect();
            let names = names.join(",");
            let sdp = serde_json::Value::from(sdp);
            FromPage::read(&format!(r#"{{"type":"offer","sdp":{sdp},"{what}":{{{names}}}}}"#)).is_some()
        };
        let message = |len: usize| {
            let data = "A".repeat(len);
            FromPage::read(&format!(r#"{{"type":"message","data":"{data}"}}"#)).is_some()
        };
        for (fits, beyond) in [
            (message(RELAYED_BYTES), message(RELAYED_BYTES + 1)),
            (offer(&"x".repeat(SDP_BYTES), 0, "sends"), offer(&"x".repeat(SDP_BYTES + 1), 0, "sends")),
            (
                offer(&"m=\r\n".repeat(SDP_MEDIA), 0, "sends"),
                offer(&"m=\n".repeat(SDP_MEDIA + 1), 0, "sends"),
            ),
            (
                offer(&"a\r\n".repeat(SDP_LINES), 0, "sends"),
                offer(&"a\n".repeat(SDP_LINES + 1), 0, "sends"),
            ),
            (offer("", SDP_MEDIA, "sends"), offer("", SDP_MEDIA + 1, "sends")),
            (offer("", SDP_MEDIA, "slots"), offer("", SDP_MEDIA + 1, "slots")),
        ] {
            assert!(fits);
            assert!(!beyond);
        }
    }

    #[test]
    fn no_text_breaks_the_reader() {
        let mut noise = Noise::new(1);
        for _ in 0..50_000 {
            let text = noise.changed(OFFER.as_bytes());
            // Whatever it says, it says it without a panic.
            let _ = FromPage::read(&String::from_utf8_lossy(&text));
        }
        for deep in [100, 10_000, 190_000] {
            assert!(FromPage::read(&"[".repeat(deep)).is_none());
            assert!(FromPage::read(&r#"{"type":"#.repeat(deep / 8)).is_none());
        }
    }
}
