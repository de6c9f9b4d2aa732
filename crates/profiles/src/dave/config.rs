//! How a member of a Discord call seals and opens.

use sealframe_crypto::Backend;

use super::ClearUnits;

/// The configuration of a [`Sender`](super::Sender) and a [`Receiver`](super::Receiver).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub(super) backend: Backend,
    pub(super) clear_units: ClearUnits,
}

impl Config {
    /// AES-GCM by this library; the same NAL units stay readable as with libdave.
    ///
    /// ring and aws-lc-rs check no tag of 64 bits, so a receiver's frames take two passes of
    /// theirs; the kernel and the portable backend take one.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        Self { backend, clear_units: ClearUnits::default() }
    }

    /// Which NAL units a sender leaves readable. Receivers need not know.
    #[must_use]
    pub const fn with_clear_units(mut self, clear_units: ClearUnits) -> Self {
        self.clear_units = clear_units;
        self
    }
}
