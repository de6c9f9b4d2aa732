//! The kind of a picture.

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
