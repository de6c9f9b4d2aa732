//! A frame in a file.

/// An encoded frame and its time.
#[derive(Debug)]
pub(crate) struct Frame {
    /// In ticks of the codec's clock: 90,000 a second for video, 48,000 for Opus.
    pub(crate) at: u64,
    /// The encoder's output.
    pub(crate) bytes: Vec<u8>,
}
