//! H.265 in Annex B form (ITU-T H.265, §7.3.1 and table 7-1).

use crate::{
    annex_b::{Unit, units},
    frame_kind::FrameKind,
};

/// Bytes of a unit's header.
pub const HEADER_LEN: usize = 2;
/// `nal_unit_type` of a video parameter set.
pub const VPS: u8 = 32;
/// `nal_unit_type` of a sequence parameter set.
pub const SPS: u8 = 33;
/// `nal_unit_type` of a picture parameter set.
pub const PPS: u8 = 34;
/// The last `nal_unit_type` with a meaning: supplemental enhancement information after a picture.
pub const LAST_SPECIFIED: u8 = 40;

/// `nal_unit_type`, 6 bits; `None` if the unit has no header. Reads its first byte only.
#[must_use]
pub fn kind(unit: &Unit<'_>) -> Option<u8> {
    unit.bytes.first().map(|header| header >> 1 & 0x3f)
}

/// Whether the unit is of the video coding layer, reserved types included.
#[must_use]
pub fn is_slice(unit: &Unit<'_>) -> bool {
    kind(unit).is_some_and(|kind| kind < VPS)
}

/// Key if the frame has a slice of a random access point, delta if it has only others; `None` if it
/// has no slice.
#[must_use]
pub fn frame_kind(frame: &[u8]) -> Option<FrameKind> {
    FrameKind::from_slices(
        units(frame).filter(is_slice).map(|unit| matches!(kind(&unit), Some(16..24))),
    )
}
