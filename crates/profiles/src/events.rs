//! What senders and receivers report about their keys.

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
#[expect(clippy::exhaustive_enums, reason = "whoever meets a new one must decide")]
pub enum ReceiverEvent {
    /// Frames came for a key index that holds no key. Told once, until a key is set there. Not authentic.
    UnknownKey {
        /// As on the wire.
        index: u8,
    },
    /// As many frames in a row as the policy says did not open. Told once, until one opens. They go on being tried: anybody can
    /// send frames that do not open. Not authentic.
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
    /// Refused, for whatever reason; those below included, frames without bytes not.
    pub refused: u64,
    /// Refused without a try: there was no key.
    pub unknown_key: u64,
    /// Refused because no key opened them.
    pub unauthentic: u64,
    /// Refused because they had been opened before, or were too old to tell.
    pub replayed: u64,
    /// Tries with another key than the present one, or with a number of clear bytes that was
    /// searched for.
    pub trials: u64,
    /// Ratchet steps worked out.
    pub derivations: u64,
}
