//! How far a receiver goes.

/// How far a receiver follows a ratchet, and what it rejects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct ReceiverPolicy {
    /// Ratchet steps that a frame may be ahead; 0 never follows. The formats do not name a frame's
    /// step, so the receiver finds it by trying.
    pub ratchet_window: u8,
    /// Ratchet steps that are derived for one frame, at most. All derived steps are kept, so forged
    /// frames never make the receiver derive a step twice. With passphrases (PBKDF2) a step takes
    /// 10 to 100 ms: there it is always one for a frame, so a frame waits no longer than that, and
    /// a sender that has ratcheted n steps is found at its nth frame.
    pub max_derivations_per_frame: u8,
    /// Frames in a row that do not open before
    /// [`ReceiverEvent::Failing`](crate::ReceiverEvent::Failing).
    pub failure_tolerance: u16,
    /// Whether frames open once.
    pub replay: Replay,
}

/// Whether frames open once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is refused or it is not")]
pub enum Replay {
    /// A frame opens once, if its timestamp and count are not behind the last 128 frames of its
    /// stream. A clock that is set back is followed where counts prove that the frame is new. A
    /// stream whose timestamps have almost wrapped (12 hours of video, 23 of sound) cannot
    /// distinguish its first hour from a leap ahead: set another key before that, which old frames
    /// do not open with. Frames whose IVs show no order, because some clients draw them at random,
    /// and frames of more than 1,024 streams open once while their IV is among the last 4,096 such;
    /// so do LiveKit's data, of packets and of data tracks.
    Refuse,
    /// A frame opens as often as it arrives, as with the peers. Needed where timestamp and count
    /// stand still, as with livekit-client in browsers whose frames have no timestamp. (Such a
    /// sender repeats nonces, which gives its key away.)
    Allow,
}

impl Default for ReceiverPolicy {
    /// 8 steps, all for one frame if need be, or one for a frame with passphrases; failing after
    /// 10; replays rejected.
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
/// An attacker can send frames that do not open, each of which would cost a decryption for each
/// step of the window. Each frame that opens earns one try; when no tries are left, one of 16
/// failing frames is still tried. So in the long run forged frames cost at most `1 + window / 16`
/// decryptions each, and `window` more for each frame that opens, and a sender that has ratcheted
/// is found despite them. Frames of units can be laid out in two or three ways, each at that cost.
///
/// A search for a layout costs 255 decryptions, of frames that may be long. Its budget is counted
/// in bytes: 16 MiB at first, and then the bytes that open, up to 64 MiB. So searches decrypt as
/// many bytes as open, and 16 MiB more.
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

    /// Whether the budget covers this many decryptions of a frame of this length. Spends it.
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
