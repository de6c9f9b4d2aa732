//! Sequence numbers of a forwarded track, as one subscriber sees them.

use str0m::rtp::Ssrc;

/// Where a subscriber's first packet is put, leaving room below for packets that come late.
const FIRST: u64 = 1_000;

/// Moves a publisher's sequence numbers to where this subscriber's begin.
///
/// A receiver starts its SRTP rollover counter at zero and cannot know how often the publisher's
/// number wrapped before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    ssrc: Ssrc,
    base: u64,
    highest: u64,
}

impl Sequence {
    /// Goes on from `known`, or begins anew if the track is new or restarted with another SSRC.
    pub(crate) fn follow(known: Option<Self>, ssrc: Ssrc, seq_no: u64) -> Self {
        match known {
            Some(known) if known.ssrc == ssrc => known,
            Some(known) => {
                Self { ssrc, base: seq_no.wrapping_sub(known.highest + 1), highest: known.highest }
            }
            None => Self { ssrc, base: seq_no.wrapping_sub(FIRST), highest: FIRST },
        }
    }

    /// The subscriber's number for a publisher's; `None` before the beginning.
    pub(crate) fn place(self, seq_no: u64) -> Option<u64> {
        let placed = seq_no.wrapping_sub(self.base);
        (placed <= self.highest + u64::from(u16::MAX)).then_some(placed)
    }

    /// Whether the track still has the SSRC it began with.
    pub(crate) fn is_of(self, ssrc: Ssrc) -> bool {
        self.ssrc == ssrc
    }

    /// Notes that `placed` was sent.
    pub(crate) fn after(self, placed: u64) -> Self {
        Self { highest: self.highest.max(placed), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, Sequence};

    #[test]
    fn a_subscriber_starts_low_whatever_the_publisher_counts() {
        let first = 0x0003_ffff;
        let sequence = Sequence::follow(None, 7.into(), first);
        assert_eq!(sequence.place(first), Some(FIRST));
        assert_eq!(sequence.place(first + 5), Some(FIRST + 5));
        assert_eq!(sequence.place(first - 5), Some(FIRST - 5));
        assert_eq!(sequence.place(first - FIRST - 1), None);
    }

    #[test]
    fn a_restarted_track_goes_on_where_the_old_one_stopped() {
        let old = Sequence::follow(None, 7.into(), 40).after(FIRST + 10);
        let new = Sequence::follow(Some(old), 8.into(), 60_000);
        assert_eq!(new.place(60_000), Some(FIRST + 11));
    }
}
