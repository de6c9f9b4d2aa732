//! The messages between page and server over the WebSocket, as JSON.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits::{RELAYED_BYTES, SDP_BYTES, SDP_LINES, SDP_MEDIA};

/// Proof that a page had an address before: 128 random bits that the page draws for itself.
#[derive(Clone, Copy)]
pub(crate) struct Token([u8; 16]);

impl Token {
    /// Reads 32 hexadecimal digits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut token = [0; 16];
        if digits.len() != 2 * token.len() {
            return None;
        }
        for (byte, pair) in token.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| {
                let is_digit = matches!(digit, b'0'..=b'9' | b'a'..=b'f');
                char::from(digit).to_digit(16).filter(|_| is_digit)
            };
            *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok()?;
        }
        Some(Self(token))
    }
}

/// A secret, so its digits are never printed.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(_)")
    }
}

/// The address of a participant in its room: a hash of its token. So the server needs no memory to
/// give the same token the same address, and nobody can take an address by seeing it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Address(pub(crate) [u8; 16]);

impl Address {
    /// The lowest and the highest.
    pub(crate) const ALL: [Self; 2] = [Self([0; 16]), Self([0xff; 16])];

    /// The address of the participant with this token.
    pub(crate) fn of(token: Token) -> Self {
        Self::hash("token", &token.0)
    }

    /// The address of a participant without a token: `visit` counts them, and `process` is random.
    pub(crate) fn of_visit(process: u64, visit: u64) -> Self {
        Self::hash("visit", &[process.to_be_bytes(), visit.to_be_bytes()].concat())
    }

    fn hash(of: &str, bytes: &[u8]) -> Self {
        let hash = Sha256::new().chain_update("sealframe example call ").chain_update(of);
        let hash = hash.chain_update([0]).chain_update(bytes).finalize();
        Self(std::array::from_fn(|place| hash[place]))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Token::read(&text).map(|Token(bytes)| Self(bytes)).ok_or("an address has 32 hexadecimal digits")
    }
}

/// A room from the first join to the last leave: unique in the life of the process, even if the
/// name is reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stay(pub(crate) u64);

/// A participant from joining to leaving: unique in the life of the process. Pages know only the
/// address, which a returning participant keeps, and which always means one in their own room.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "Address")]
pub(crate) struct MemberId {
    /// The room it is in.
    pub(crate) stay: Stay,
    /// The others' name for it: unique among the present members of the room.
    pub(crate) address: Address,
    /// Counts all joins of the server.
    pub(crate) visit: u64,
}

impl From<MemberId> for Address {
    fn from(id: MemberId) -> Self {
        id.address
    }
}

/// The content of a track, with the names of the browser package.
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

/// A track in the same room, as a page names it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Slot {
    /// The participant who sends the track.
    pub(crate) from: Address,
    /// Which track.
    #[serde(flatten)]
    pub(crate) track: Track,
}

/// A track and its sender.
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
    /// The participant's address.
    pub(crate) id: MemberId,
    /// The name the participant chose, unchecked.
    pub(crate) name: String,
    /// What the participant sends at present.
    pub(crate) tracks: Vec<Track>,
}

/// A description of a page's connection, and what its m-lines are for. Replaces an earlier one.
///
/// Media on an m-line without a name is recorded and sent to nobody.
#[derive(Debug, Deserialize)]
pub(crate) struct Offer {
    /// The session description.
    pub(crate) sdp: String,
    /// By mid: the track that the page sends there.
    #[serde(default)]
    pub(crate) sends: HashMap<String, Track>,
    /// By mid: the track that the page wants there.
    #[serde(default)]
    pub(crate) slots: HashMap<String, Slot>,
}

/// Messages from a page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromPage {
    /// A new description of the page's connection. The server answers each one.
    Offer(Box<Offer>),
    /// Key management: bytes that the server does not inspect.
    Message {
        /// The recipient; `None` for all others in the room.
        #[serde(default)]
        to: Option<Address>,
        /// Base64, forwarded unchanged.
        data: String,
    },
}

impl FromPage {
    /// Reads a message; `None` if it is invalid or exceeds a bound. Panics on no text.
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
    /// First message: the page's own address and the members present.
    Welcome {
        /// The page's own address.
        id: MemberId,
        /// Everyone else in the room.
        members: Vec<Introduction>,
    },
    /// A participant joined.
    Joined(Introduction),
    /// A participant's tracks changed.
    Tracks {
        /// The participant.
        from: MemberId,
        /// All of its tracks.
        tracks: Vec<Track>,
    },
    /// A participant left.
    Left {
        /// The participant.
        id: MemberId,
    },
    /// Key management, from another participant.
    Message {
        /// The sender, as the server knows it.
        from: MemberId,
        /// Forwarded unchanged.
        data: String,
    },
    /// The answer to the page's last offer.
    Answer {
        /// The session description.
        sdp: String,
    },
    /// A sign that the connection is alive.
    Pulse,
}

#[cfg(test)]
mod tests {
    use super::{
        Address, FromPage, MemberId, Offer, RELAYED_BYTES, SDP_BYTES, SDP_LINES, SDP_MEDIA, Slot, Stay,
        StreamKind, ToPage, Token, Track,
    };
    use crate::noise::Noise;

    const OFFER: &str = r#"{"type":"offer","sdp":"v=0","sends":{"0":{"kind":"screenAudio","index":2}},
                            "slots":{"1":{"from":"07070707070707070707070707070707","kind":"screenAudio","index":2}}}"#;
    const SEVEN: Address = Address([7; 16]);
    const TRACK: Track = Track { kind: StreamKind::ScreenAudio, index: 2 };

    #[test]
    fn tracks_are_written_as_the_page_writes_them() {
        let from = MemberId { stay: Stay(1 << 40), address: SEVEN, visit: 1 };
        let told = ToPage::Tracks { from, tracks: vec![TRACK] };
        let json = r#"{"type":"tracks","from":"07070707070707070707070707070707","tracks":[{"kind":"screenAudio","index":2}]}"#;
        assert_eq!(serde_json::to_string(&told).ok().as_deref(), Some(json));

        let Some(FromPage::Offer(offer)) = FromPage::read(OFFER) else {
            unreachable!("not understood");
        };
        assert_eq!(offer.sends.get("0"), Some(&TRACK));
        assert_eq!(offer.slots.get("1"), Some(&Slot { from: SEVEN, track: TRACK }));
    }

    #[test]
    fn a_page_may_leave_its_tracks_without_names() {
        let offer = FromPage::read(r#"{"type":"offer","sdp":""}"#);
        let is_silent = |offer: &Offer| offer.sends.is_empty() && offer.slots.is_empty();
        assert!(matches!(offer, Some(FromPage::Offer(offer)) if is_silent(&offer)));
    }

    #[test]
    fn a_token_has_one_form_and_one_address() {
        let address = |text: &str| Token::read(text).map(Address::of);
        let (one, other) = ("00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeef0");
        assert_eq!(address(one), address(one));
        assert_ne!(address(one), address(other));
        // The same on every server.
        let expected = "a4a9b689fc56c5f9c45f13b7c4e69203";
        assert!(address(one).is_some_and(|address| address.to_string() == expected));
        for wrong in
            ["", "00", &one[1..], &one.to_uppercase(), &one.replace('0', "g"), &one.replace('0', "é")]
        {
            assert!(Token::read(wrong).is_none(), "{wrong}");
        }
        assert!(!format!("{:?}", Token::read(one)).contains("11"));
    }

    #[test]
    fn indices_have_16_bits_and_addresses_have_one_form() {
        for (message, is_one) in [
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":65535}}}"#, true),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":65536}}}"#, false),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":-1}}}"#, false),
            (r#"{"type":"offer","sdp":"","sends":{"0":{"kind":"screen","index":1.5}}}"#, false),
            (r#"{"type":"message","to":"07070707070707070707070707070707","data":""}"#, true),
            (r#"{"type":"message","to":"0707070707070707070707070707070","data":""}"#, false),
            (r#"{"type":"message","to":"0707070707070707070707070707070A","data":""}"#, false),
            (r#"{"type":"message","to":7,"data":""}"#, false),
            (r#"{"type":"message","to":null,"data":""}"#, true),
        ] {
            assert_eq!(FromPage::read(message).is_some(), is_one, "{message}");
        }
    }

    #[test]
    fn every_part_of_a_message_is_bounded() {
        let offer = |sdp: &str, names: usize, what: &str| {
            let names: Vec<String> = (0..names)
                .map(|mid| format!(r#""{mid}":{{"from":"{SEVEN}","kind":"camera","index":0}}"#))
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
    fn no_text_makes_the_reader_panic() {
        let mut noise = Noise::new(1);
        for _ in 0..50_000 {
            let text = noise.changed(OFFER.as_bytes());
            // Any result is fine, but no panic.
            let _ = FromPage::read(&String::from_utf8_lossy(&text));
        }
        for deep in [100, 10_000, 190_000] {
            assert!(FromPage::read(&"[".repeat(deep)).is_none());
            assert!(FromPage::read(&r#"{"type":"#.repeat(deep / 8)).is_none());
        }
    }
}
