//! What senders and receivers report about their keys.

#[cfg(any(feature = "dave", feature = "jitsi", feature = "livekit"))]
use crate::OpenError;

/// Something that the application of a sender has to act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum SenderEvent {
    /// The key has reached three quarters of a usage limit: set another one, or ratchet. Reported
    /// once for each key.
    KeyNearlyExhausted {
        /// The key's index on the wire.
        index: u8,
    },
}

/// Something that a person or an application may want to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum ReceiverEvent {
    /// Frames arrived for a key index without a key. Reported once, until a key is set there. Not
    /// authentic.
    UnknownKey {
        /// As on the wire.
        index: u8,
    },
    /// As many frames in a row as the policy tolerates did not open. Reported once, until a frame
    /// opens. The receiver keeps trying, because anyone can send frames that do not open. Not
    /// authentic.
    Failing {
        /// As on the wire.
        index: u8,
    },
    /// The sender has ratcheted, and a frame has proven it.
    Ratcheted {
        /// As on the wire.
        index: u8,
        /// How far.
        steps: u8,
    },
}

/// How many frames ended how, since the receiver was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Opened.
    pub opened: u64,
    /// Rejected, for any reason, including those below. Frames without bytes do not count.
    pub refused: u64,
    /// Rejected without a try, for lack of a key.
    pub unknown_key: u64,
    /// Rejected because no key opened them.
    pub unauthentic: u64,
    /// Rejected because they had been opened before, or were too old to be checked.
    pub replayed: u64,
    /// Tries with another key than the present one, or with a number of clear bytes that was
    /// searched for.
    pub trials: u64,
    /// Ratchet steps worked out.
    pub derivations: u64,
}

#[cfg(any(feature = "dave", feature = "jitsi", feature = "livekit"))]
impl ReceiverStats {
    /// Counts a frame that was rejected.
    #[cold]
    pub(crate) const fn count_rejected(&mut self, error: OpenError) {
        self.refused += 1;
        match error {
            OpenError::UnknownKey { .. } => self.unknown_key += 1,
            OpenError::Unauthentic => self.unauthentic += 1,
            OpenError::Replayed { .. } | OpenError::TooOld { .. } => self.replayed += 1,
            OpenError::TooShort
            | OpenError::StepErased { .. }
            | OpenError::StepTooFar { .. }
            | OpenError::NotThisFormat
            | OpenError::Injected => {}
        }
    }
}
