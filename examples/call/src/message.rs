//! What the page and the server say to each other over the WebSocket, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Number of a participant: counted up for the life of the process, never given twice.
///
/// The page uses it as the sender number inside the SFrame KID, so a second use would be a second
/// use of a key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub(crate) struct MemberId(pub(crate) u32);

/// Which of a participant's two tracks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// Whose track one m-line of a participant's offer shall carry.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Slot {
    /// The participant who sends the track.
    pub(crate) from: MemberId,
    /// Which track.
    pub(crate) kind: Kind,
}

/// A participant as others see it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Introduction {
    /// The participant's number.
    pub(crate) id: MemberId,
    /// The name the participant chose, unchecked.
    pub(crate) name: String,
}

/// Messages from a page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromPage {
    /// A new description of the page's connection. The server answers each one.
    Offer {
        /// The session description.
        sdp: String,
        /// By mid: whose track goes there. Replaces what an earlier offer said.
        slots: HashMap<String, Slot>,
    },
    /// Bytes the server does not look into, for one participant or for all others.
    Announce {
        /// The one to receive it; `None` for all others in the room.
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
    /// Somebody went.
    Left {
        /// Who.
        id: MemberId,
    },
    /// An announcement from another participant.
    Announce {
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
