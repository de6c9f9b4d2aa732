//! The result of opening a frame.

use core::fmt;

/// An opened frame, all of it from a holder of the key. The formats do not identify the holder.
#[non_exhaustive]
pub struct Opened<'f> {
    /// The key's index, as on the wire.
    pub index: u8,
    /// The sender's SSRC, before servers rewrote it.
    pub ssrc: u32,
    /// The sender's RTP timestamp.
    pub rtp_timestamp: u32,
    /// The sender's count of frames, modulo 65,535.
    pub count: u32,
    /// The frame as the encoder made it: the front of the buffer that was given.
    pub frame: &'f mut [u8],
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("index", &self.index)
            .field("ssrc", &self.ssrc)
            .field("rtp_timestamp", &self.rtp_timestamp)
            .field("count", &self.count)
            .field("len", &self.frame.len())
            .finish_non_exhaustive()
    }
}
