//! Frames that the server makes: silence and blank pictures, when a track is muted or changes its
//! layer. They are plaintext.
//!
//! A [`Receiver`](super::Receiver) rejects them all: native clients, which play them, can be made
//! to play anything by the server. An application that wants the few known to be harmless calls
//! [`recognise`] before it opens a frame, and trusts the server with them.
//!
//! Sources: livekit/livekit, pkg/sfu/downtrack.go; livekit/client-sdk-js,
//! src/e2ee/worker/sifPayload.ts.

use sha2::{Digest, Sha256};

/// A frame whose content follows from its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Harmless {
    /// 80 bytes of Opus.
    OpusSilence,
    /// A key frame of VP8, 8 by 8 pixels.
    Vp8Blank,
    /// A sequence parameter set of H.264, alone.
    H264SequenceParameters,
    /// A picture parameter set of H.264, alone.
    H264PictureParameters,
    /// A key slice of H.264, alone.
    H264BlankSlice,
}

/// SHA-256 of each.
const KNOWN: [(Harmless, &str); 5] = [
    (Harmless::Vp8Blank, "ef0161653d8b2b23aad46624b420af1d03ce48950e9fc85718028f91b50f9219"),
    (
        Harmless::H264SequenceParameters,
        "f0a0e09647d891d6d50aa898bce7108090375d0d55e50a2bb21147afee558e44",
    ),
    (
        Harmless::H264PictureParameters,
        "61d9665eed71b6d424ae9539330a3bdd5cb386d4d781c808219a6e36750493a7",
    ),
    (Harmless::H264BlankSlice, "faffc26b68a2fc09096fa20f3351e706398b6f838a7500c8063472c2e476e90d"),
    (Harmless::OpusSilence, "aad8d31fc56b2802ca500e58c2fb9d0b29ad71bb7cb52cd6530251eade188988"),
];

/// The server's frame without its trailer, if it is one of the five that livekit-client accepts;
/// `None` for all other frames. Every relay can have made it.
#[must_use]
pub fn recognise<'f>(frame: &'f [u8], trailer: &[u8]) -> Option<(Harmless, &'f [u8])> {
    let payload = has_trailer(frame, trailer).then(|| &frame[..frame.len() - trailer.len()])?;
    let digest = Sha256::digest(payload);
    let digit = |half: u8| char::from_digit(half.into(), 16);
    let digits = || digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    let (what, _) = KNOWN.iter().find(|(_, known)| known.chars().map(Some).eq(digits()))?;
    Some((*what, payload))
}

#[inline]
pub(super) fn has_trailer(frame: &[u8], trailer: &[u8]) -> bool {
    !trailer.is_empty() && frame.ends_with(trailer)
}
