//! Inspects encoded frames without decoding them: whether a frame is a [key frame](FrameKind),
//! which units it consists of, and how many of its bytes packetizers need. Safe on any bytes;
//! allocates only for fronts.
//!
//! | | |
//! |---|---|
//! | [`annex_b`] | NAL units of H.264 and H.265 after start codes; emulation prevention |
//! | [`h264`], [`h265`] | the types of NAL units |
//! | [`av1`] | OBUs and their types |
//! | [`vp8`], [`vp9`], [`opus`] | the first bytes |
//!
//! # Fronts
//! Frames of codecs whose packetizers parse them, with as few readable bytes as they need: the
//! *compatible* framing of H.264 and AV1.
//!
//! A browser cuts such a frame into RTP packets at its units and reassembles it by its own rules:
//! start codes change their length, units are dropped, sizes are rewritten. So a sealed frame keeps
//! the units before the first coded picture, then its own header, and looks like one unit from
//! there:
//!
//! ```text
//! frame      ┌ front, unchanged ─────────────────┬ rest ──────────────────────────────────────┐
//! canonical  ┌ front, as every receiver sees it ─┬ rest, untouched ───────────────────────────┐
//!                          │ authenticated                           │ encrypted
//! H.264 wire ┌ front ────────────────────────────┬ SFrame header ‖ ciphertext ‖ tag, escaped ─┬ 80
//! AV1 wire   ┌ front ──────────────────┬ obu_size ┬ SFrame header ‖ ciphertext ‖ tag ──────────┐
//! ```
//!
//! | | the front | its canonical form |
//! |---|---|---|
//! | [`h264`] | units before the first slice, its header, 2 bytes (1) | long start codes, no end zeros |
//! | [`av1`] | OBUs before the first frame, the header of its OBU | needed OBUs, minimal sizes |
//!
//! (1) Receivers read the picture parameter set there.
//!
//! Both sides compute the front with the same function, one from the frame and the other from the
//! received bytes, so rewriting on the way does not matter; it is authenticated as the frame's
//! prefix. Opening yields `front ‖ rest`, which decodes like the frame.
//!
//! ```
//! use sealframe_codec::h264;
//!
//! # fn main() -> Result<(), sealframe_codec::UnexpectedFrame> {
//! let frame = [0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 0x88, 0x84, 0xaa, 0xbb];
//! let mut front = Vec::new();
//! let rest = h264::front(&frame, &mut front)?;
//! assert_eq!(front, [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x65, 0x88, 0x84]);
//! assert_eq!(frame[rest..], [0xaa, 0xbb]); // to be encrypted
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;

pub mod annex_b;
pub mod av1;
mod frame_kind;
mod front;
pub mod h264;
pub mod h265;
pub mod opus;
pub mod vp8;
pub mod vp9;

pub use frame_kind::FrameKind;
pub use front::{FRONT_GROWTH, MAX_FRONT, UnexpectedFrame};

/// The codec of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum Codec {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// VP9 Bitstream & Decoding Process Specification.
    Vp9,
    /// ITU-T H.264, in Annex B form.
    H264,
    /// ITU-T H.265, in Annex B form.
    H265,
    /// AV1 Bitstream & Decoding Process Specification, in low-overhead form.
    Av1,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] = [Self::Opus, Self::Vp8, Self::Vp9, Self::H264, Self::H265, Self::Av1];

    /// The kind of picture in a frame, from its own bytes; `None` if they do not show it, and for
    /// sound.
    #[must_use]
    pub fn frame_kind(self, frame: &[u8]) -> Option<FrameKind> {
        match self {
            Self::Opus => None,
            Self::Vp8 => vp8::frame_kind(frame),
            Self::Vp9 => vp9::frame_kind(frame),
            Self::H264 => h264::frame_kind(frame),
            Self::H265 => h265::frame_kind(frame),
            Self::Av1 => av1::frame_kind(frame),
        }
    }
}
