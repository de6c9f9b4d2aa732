//! Opus: the first byte of a packet (RFC 6716, §3.1). Nothing in RTP or in a server needs to read
//! it.

/// The configuration that a packet is coded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Toc {
    /// Mode, bandwidth and frame size: `0..=31` as in the RFC's table 2.
    pub config: u8,
    /// Two channels.
    pub is_stereo: bool,
    /// Frames in the packet, as a code: one, two of equal size, two, or any number.
    pub code: u8,
}

/// A packet that a server may send in place of a muted microphone's: Opus for 20 ms of silence,
/// mono to stereo in CELT mode.
pub const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

impl Toc {
    /// Of a packet; `None` if it is empty.
    #[must_use]
    pub fn from_packet(packet: &[u8]) -> Option<Self> {
        let toc = *packet.first()?;
        Some(Self { config: toc >> 3, is_stereo: toc & 4 != 0, code: toc & 3 })
    }
}
