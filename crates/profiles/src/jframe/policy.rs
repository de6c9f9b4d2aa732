//! How far a receiver goes.

/// How far a receiver follows a ratchet, and what it refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct ReceiverPolicy {
    /// Ratchet steps that a frame may be ahead; 0 never follows. The formats do not say which step a frame is of, so that it is
    /// found by trying.
    pub ratchet_window: u8,
    /// Ratchet steps that are worked out for one frame, at most. All that have been are kept, so
    /// however many forged frames come, no step is worked out twice. With passphrases (PBKDF2) a
    /// step takes 10 to 100 ms: there it is one for a frame, whatever this says, so a frame waits
    /// no longer than that, and a sender that has ratcheted n steps is found at its nth frame.
    pub max_derivations_per_frame: u8,
    /// Frames in a row that do not open before [`ReceiverEvent::Failing`](crate::ReceiverEvent::Failing).
    pub failure_tolerance: u16,
    /// Whether frames open once.
    pub replay: Replay,
}

/// Whether frames open once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is refused or it is not")]
pub enum Replay {
    /// A frame opens once, if its timestamp and count are not behind the last 128 frames of its
    /// stream. A clock that is set back is followed where counts prove that the frame is new.
    /// A stream whose timestamps have come nearly round (12 hours of video, 23 of sound) cannot
    /// tell its first hour from a leap ahead: set another key before, which old frames do not open
    /// with.
    /// Frames whose IVs show no order, as some clients draw them, and frames of more than 1,024
    /// streams open once while their IV is among the last 4,096 such; so do LiveKit's data, of
    /// packets and of data tracks.
    Refuse,
    /// A frame opens as often as it comes, as with the peers. Needed where timestamp and count stand still, as livekit-client has
    /// it in browsers whose frames have no timestamp. (Such a sender repeats nonces, which gives its key away.)
    Allow,
}

impl Default for ReceiverPolicy {
    /// 8 steps, all for one frame if need be, but one for a frame with passphrases; failing after
    /// 10; replays refused.
    fn default() -> Self {
        Self {
            ratchet_window: 8,
            max_derivations_per_frame: 8,
            failure_tolerance: 10,
            replay: Replay::Refuse,
        }
    }
}

/// How many frames that did not open are tried further.
///
/// An attacker can send frames that do not open, each of which would cost a decryption for each step of the window. Frames that
/// open earn tries, one each; when there are none left, one of 16 that fail is tried still. So in the long run forged frames cost
/// at most `1 + window / 16` decryptions each, and `window` more for each frame that opens, and a sender that has
/// ratcheted is found whatever else comes. Frames of units can be laid out in two or three ways: they cost so much in each.
///
/// To search for a layout costs 255 decryptions, of frames that may be long. It is paid for in bytes: 16 MiB at first, and then what
/// opens, of which 64 MiB are kept at most. So searches decrypt as many bytes as open, and 16 MiB more.
pub(crate) struct TrialBudget {
    credit: u8,
    failed: u8,
    #[cfg(feature = "livekit")]
    bytes: usize,
}

impl TrialBudget {
    const MOST: u8 = 64;
    const EVERY: u8 = 16;
    #[cfg(feature = "livekit")]
    const BYTES: usize = 16 << 20;
    #[cfg(feature = "livekit")]
    const MOST_BYTES: usize = 64 << 20;
    /// For the begin of a decryption, which short frames cost as well.
    #[cfg(feature = "livekit")]
    const BYTES_OF_ANY: usize = 1024;

    pub(crate) const fn new() -> Self {
        Self {
            credit: Self::MOST,
            failed: 0,
            #[cfg(feature = "livekit")]
            bytes: Self::BYTES,
        }
    }

    /// Whether the next frame is tried, should it not open.
    #[inline]
    pub(crate) const fn is_next(&self) -> bool {
        self.credit > 0 || self.failed == Self::EVERY - 1
    }

    /// Whether so many decryptions of a frame of this length can be afforded.
    #[cfg(feature = "livekit")]
    pub(crate) const fn try_spend(&mut self, decryptions: u8, len: usize) -> bool {
        let cost = len.saturating_add(Self::BYTES_OF_ANY).saturating_mul(decryptions as usize);
        match self.bytes.checked_sub(cost) {
            Some(rest) => {
                self.bytes = rest;
                true
            }
            None => false,
        }
    }

    /// A frame has not opened.
    pub(crate) const fn failed(&mut self) {
        match self.credit.checked_sub(1) {
            Some(rest) => self.credit = rest,
            None => self.failed = (self.failed + 1) % Self::EVERY,
        }
    }

    /// A frame of this length has opened.
    #[inline]
    pub(crate) fn opened(&mut self, len: usize) {
        if self.credit < Self::MOST {
            self.credit += 1;
        }
        #[cfg(feature = "livekit")]
        {
            self.bytes = self.bytes.saturating_add(len).min(Self::MOST_BYTES);
        }
        #[cfg(not(feature = "livekit"))]
        let _ = len;
    }
}
