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
pub mod h264;
pub mod h265;
pub mod opus;
pub mod vp8;
pub mod vp9;

use alloc::vec::Vec;
use core::fmt;

/// The codec of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
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

/// Whether a picture can be decoded without others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it can or it cannot")]
pub enum FrameKind {
    /// Decodable without another frame.
    Key,
    /// The frame cannot be decoded alone, or does not show that it can.
    Delta,
}

impl FrameKind {
    /// The kind of a picture whose slices are key slices or not; `None` without slices.
    pub(crate) fn from_slices(slices: impl Iterator<Item = bool>) -> Option<Self> {
        slices.fold(None, |kind, is_key| {
            Some(if is_key || kind == Some(Self::Key) { Self::Key } else { Self::Delta })
        })
    }
}

/// A frame that is malformed for its codec or has no picture, or has more bytes or units before the
/// picture than any encoder makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct UnexpectedFrame;

impl fmt::Display for UnexpectedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is not as its codec makes them")
    }
}

impl core::error::Error for UnexpectedFrame {}

/// A front is at most this many bytes longer than in the frame: one for each unit in it.
pub const FRONT_GROWTH: usize = 32;

/// Bytes of the longest front: it is authenticated, not encrypted, and has to fit the length of a
/// prefix.
pub const MAX_FRONT: usize = 0x4000;

/// One place where memory may grow, which it does for the first frames only.
#[inline(never)]
fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(bytes);
}
