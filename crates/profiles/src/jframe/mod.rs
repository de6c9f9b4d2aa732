//! The layout that Jitsi and LiveKit share, and the machinery on both sides of it.
//!
//! ```text
//! | clear header (H) | AES-GCM ciphertext | tag (16) | IV (12) | 0C | key index |
//! ```
//!
//! The clear bytes are the AAD. The IV is `SSRC ‖ RTP timestamp ‖` a third word, which holds a
//! count of the stream's frames.

mod kdf;
mod key_walk;
#[cfg(feature = "livekit")]
mod layout_search;
mod open;
mod opened;
mod policy;
mod receive_keys;
mod replay;
mod report;
mod seal;
mod seen_ivs;
mod send_keys;
mod stream_nonces;

pub(crate) use kdf::{Kdf, KeyInput, Secret};
#[cfg(feature = "livekit")]
pub(crate) use layout_search::Search;
#[cfg(feature = "livekit")]
pub(crate) use open::Channel;
pub(crate) use open::Opener;
pub use opened::Opened;
pub use policy::{ReceiverPolicy, Replay};
pub(crate) use seal::Sealer;

pub(crate) const TAG_LEN: usize = 16;
pub(crate) const IV_LEN: usize = 12;
/// The IV's length on the wire, the only mark of the format.
pub(crate) const IV_MARK: u8 = 12;
/// IV, its length, key index.
pub(crate) const TRAILER_LEN: usize = IV_LEN + 2;
/// Bytes that a sealed frame has more, escapes aside.
pub(crate) const OVERHEAD: usize = TAG_LEN + TRAILER_LEN;
/// The peers reduce the count by this, so 65,534 is followed by 0.
pub(crate) const COUNTS: u16 = u16::MAX;

/// How a frame is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    /// Bytes at the front that stay readable: H.
    pub(crate) clear: usize,
    /// Whether the bytes after them are escaped like H.264 and H.265 units.
    pub(crate) escaped: bool,
    /// Start codes at the front that get a fourth byte before the frame is sealed. The clear bytes
    /// are counted with them.
    pub(crate) short_codes: usize,
}

impl Layout {
    pub(crate) const fn plain(clear: usize) -> Self {
        Self { clear, escaped: false, short_codes: 0 }
    }

    #[cfg(feature = "livekit")]
    pub(crate) const fn escaped(clear: usize) -> Self {
        Self { clear, escaped: true, short_codes: 0 }
    }

    /// Whether a frame of `len` bytes can be laid out so: it has some, and none of those that stay
    /// readable is missing.
    pub(crate) const fn fits(self, len: usize) -> bool {
        len > 0 && self.clear <= len + self.short_codes
    }

    /// Bytes that are enough after a frame of `len`, including escapes.
    pub(crate) const fn room(self, len: usize) -> usize {
        let tail = (len + self.short_codes).saturating_sub(self.clear) + OVERHEAD;
        self.short_codes + OVERHEAD + if self.escaped { tail / 2 } else { 0 }
    }
}

/// The meaning of an IV's third word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IvRule {
    /// The count.
    #[cfg(feature = "jitsi")]
    Count,
    /// The timestamp less the count.
    #[cfg(feature = "livekit")]
    TimestampLessCount,
}

/// An IV in words of 8 and 4 bytes, big-endian, as AES-GCM reads it: a load across two stores has
/// to wait for both.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Iv {
    front: u64,
    back: u32,
}

impl Iv {
    #[inline(always)] // bytes that are copied on the way are stored and loaded again
    pub(crate) fn from_bytes(iv: &[u8; IV_LEN]) -> Self {
        let &[a, b, c, d, e, f, g, h, ref back @ ..] = iv;
        Self { front: u64::from_be_bytes([a, b, c, d, e, f, g, h]), back: u32::from_be_bytes(*back) }
    }

    #[inline(always)] // as from_bytes
    pub(crate) fn to_bytes(self) -> [u8; IV_LEN] {
        let mut iv = [0; IV_LEN];
        let (front, back) = iv.split_at_mut(size_of::<u64>());
        front.copy_from_slice(&self.front.to_be_bytes());
        back.copy_from_slice(&self.back.to_be_bytes());
        iv
    }
}

/// The three words of an IV, interpreted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IvWords {
    pub(crate) stream: u32,
    pub(crate) timestamp: u32,
    pub(crate) count: u32,
}

impl IvRule {
    #[inline]
    pub(crate) fn join(self, IvWords { stream, timestamp, count }: IvWords) -> Iv {
        let back = match self {
            #[cfg(feature = "jitsi")]
            Self::Count => count,
            #[cfg(feature = "livekit")]
            Self::TimestampLessCount => timestamp.wrapping_sub(count),
        };
        Iv { front: u64::from(stream) << 32 | u64::from(timestamp), back }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    pub(crate) const fn split(self, Iv { front, back }: Iv) -> IvWords {
        let (stream, timestamp) = ((front >> 32) as u32, front as u32);
        let count = match self {
            #[cfg(feature = "jitsi")]
            Self::Count => back,
            #[cfg(feature = "livekit")]
            Self::TimestampLessCount => timestamp.wrapping_sub(back),
        };
        IvWords { stream, timestamp, count }
    }
}
