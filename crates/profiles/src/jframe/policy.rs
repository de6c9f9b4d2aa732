//! How far a receiver goes.

/// How far a receiver follows a ratchet, and what it refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct ReceiverPolicy {
    /// Ratchet steps that a frame may be ahead; 0 never follows. The formats do not say which step a frame is of, so that it is
    /// found by trying.
    pub ratchet_window: u8,
    /// Ratchet steps that are worked out for one frame, at most. All that have been are kept, so however many forged
    /// frames come, no step is worked out twice. With passphrases (PBKDF2) a step takes 10 to 100 ms: with 1, a frame waits no
    /// longer than that, and a sender that has ratcheted n steps is found at its nth frame.
    pub steps_for_a_frame: u8,
    /// Frames in a row that do not open before [`ReceiverEvent::Failing`](crate::ReceiverEvent::Failing).
    pub failing_after: u16,
    /// Whether frames open once.
    pub replay: Replay,
}

/// Whether frames open once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is refused or it is not")]
pub enum Replay {
    /// A frame opens once, if its timestamp and count are not behind the last 128 frames of its stream. LiveKit's data open once while
    /// their IV is among the last 4,096 of packets, or of data tracks.
    Refuse,
    /// A frame opens as often as it comes, as with the peers. Needed where timestamp and count stand still, as livekit-client has
    /// it in browsers whose frames have no timestamp. (Such a sender repeats nonces, which gives its key away.)
    Allow,
}

impl Default for ReceiverPolicy {
    /// 8 steps, all for one frame if need be; failing after 10; replays refused.
    fn default() -> Self {
        Self { ratchet_window: 8, steps_for_a_frame: 8, failing_after: 10, replay: Replay::Refuse }
    }
}

/// How many frames that did not open are tried with further keys.
///
/// An attacker can send frames that do not open, each of which would cost a decryption for each step of the window. Frames that
/// open earn tries; when there are none left, one of 16 that fail is tried still. So forged frames cost at most `1 + window / 16`
/// decryptions each in the long run, and a sender that has ratcheted is found whatever else comes.
pub(crate) struct Trials {
    credit: u8,
    failed: u8,
}

impl Trials {
    const MOST: u8 = 64;
    const EVERY: u8 = 16;

    pub(crate) const fn new() -> Self {
        Self { credit: Self::MOST, failed: 0 }
    }

    /// Whether the next frame is tried, should it not open.
    #[inline]
    pub(crate) const fn is_next(&self) -> bool {
        self.credit > 0 || self.failed == Self::EVERY - 1
    }

    /// Whether many tries at once can be afforded.
    pub(crate) const fn spend(&mut self, tries: u8) -> bool {
        match self.credit.checked_sub(tries) {
            Some(rest) => {
                self.credit = rest;
                true
            }
            None => false,
        }
    }

    /// A frame has not opened.
    pub(crate) const fn failed(&mut self) {
        if !self.spend(1) {
            self.failed = (self.failed + 1) % Self::EVERY;
        }
    }

    /// A frame has opened.
    #[inline]
    pub(crate) const fn opened(&mut self) {
        if self.credit < Self::MOST {
            self.credit += 1;
        }
    }
}
