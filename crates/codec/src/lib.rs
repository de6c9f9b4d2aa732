//! What is to be seen of a frame without decoding it: whether it is a [key frame](FrameKind), the units that it is made of, and
//! how many of its bytes packetizers need. Safe on any bytes; allocates nothing, but for fronts.
//!
//! | | |
//! |---|---|
//! | [`annex_b`] | NAL units of H.264 and H.265 behind start codes, and emulation prevention |
//! | [`h264`], [`h265`] | what a NAL unit is |
//! | [`av1`] | OBUs, and what they are |
//! | [`vp8`], [`vp9`], [`opus`] | the first bytes |
//!
//! # Fronts
//! Frames of codecs whose packetizers parse them, with as little left readable as they need: the *compatible* framing of
//! H.264 and AV1.
//!
//! A browser cuts such a frame into RTP packets at the units that it is made of, and puts it together again by its own rules:
//! start codes get another length, units are dropped, sizes are written anew. So a sealed frame keeps the units before the
//! first coded picture, its own header behind them, and looks like one unit from there:
//!
//! ```text
//! frame       ┌ front, as it is ──────────────────┬ rest ──────────────────────────────────────┐
//! canonical   ┌ front, as every receiver sees it ─┬ rest, untouched ───────────────────────────┐
//!                           │ authenticated                           │ encrypted
//! H.264 wire  ┌ front ────────────────────────────┬ SFrame header ‖ ciphertext ‖ tag, escaped ─┬ 80 ┐
//! AV1 wire    ┌ front ──────────────────┬ obu_size ┬ SFrame header ‖ ciphertext ‖ tag ──────────┐
//! ```
//!
//! | | the front | what of it is written canonically |
//! |---|---|---|
//! | [`h264`] | NAL units before the first slice; the slice's header and two bytes more, in which receivers look for the picture parameter set | start codes have four bytes, no unit ends in zeros |
//! | [`av1`] | OBUs before the first frame; the header of the frame's OBU | there is no temporal delimiter, tile list or padding; sizes are there and minimal |
//!
//! The front is computed by the same function on both sides, from the frame and from what arrived, so that it does not matter
//! what is written anew on the way; it is authenticated as the frame's prefix. What is opened is `front ‖ rest`, which decodes
//! as the frame did.
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

/// What the bytes of a frame are.
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

    /// What kind of picture a frame is, from its own bytes; `None` if they do not say, and for sound.
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
    /// It can.
    Key,
    /// It cannot, or nothing says so.
    Delta,
}

impl FrameKind {
    /// Of a picture whose slices are key slices or not; `None` without slices.
    pub(crate) fn from_slices(slices: impl Iterator<Item = bool>) -> Option<Self> {
        slices.fold(None, |kind, is_key| {
            Some(if is_key || kind == Some(Self::Key) { Self::Key } else { Self::Delta })
        })
    }
}

/// A frame that is not made as its codec's frames are, or has no picture in it; or so many bytes or units before the picture
/// that no encoder makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit by design")]
pub struct UnexpectedFrame;

impl fmt::Display for UnexpectedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("frame is not as its codec makes them")
    }
}

impl core::error::Error for UnexpectedFrame {}

/// A front has at most so many bytes more than what it was in the frame: units in it, each a byte longer.
pub const FRONT_GROWTH: usize = 32;

/// Bytes of the longest front: it is authenticated, not encrypted, and has to fit the length of a prefix.
pub const MAX_FRONT: usize = 0x4000;

/// One place where memory may grow, which it does for the first frames only.
#[inline(never)]
fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(bytes);
}
