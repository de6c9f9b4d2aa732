//! Sequence numbers and timestamps of a forwarded track, as one subscriber sees them.

use std::time::Instant;

use str0m::rtp::Ssrc;

/// A subscriber's first sequence number, with room below it for late packets.
const FIRST: u64 = 1_000;

/// A packet's position in its stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Extended sequence number: it does not wrap.
    pub(crate) seq_no: u64,
    /// RTP timestamp, in ticks of the codec's clock.
    pub(crate) timestamp: u32,
}

/// Maps a publisher's numbers to the continuation of this subscriber's.
///
/// A receiver starts its SRTP rollover counter at zero and cannot know how often the publisher's
/// number wrapped before. Also, a receiver has one stream even where the publisher has several in
/// succession: one per simulcast layer, one per SSRC. Each has its own timestamp origin, and RTP
/// timestamps must not go backwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    ssrc: Ssrc,
    base: Place,
    highest: Place,
    sent: Instant,
}

impl Sequence {
    /// Continues from `known`, or starts over if the track is new or restarted with another SSRC,
    /// at `now` and with `clock_rate` ticks per second.
    pub(crate) fn follow(
        known: Option<Self>,
        ssrc: Ssrc,
        place: Place,
        now: Instant,
        clock_rate: u32,
    ) -> Self {
        match known {
            Some(known) if known.ssrc == ssrc => known,
            Some(known) => {
                let next = known.highest.after(known.sent, now, clock_rate);
                Self { ssrc, base: place.minus(next), ..known }
            }
            None => {
                let first = Place { seq_no: FIRST, timestamp: place.timestamp };
                Self { ssrc, base: place.minus(first), highest: first, sent: now }
            }
        }
    }

    /// The subscriber's position for a publisher's; `None` before the start.
    pub(crate) fn place(self, place: Place) -> Option<Place> {
        let placed = place.minus(self.base);
        (placed.seq_no <= self.highest.seq_no + u64::from(u16::MAX)).then_some(placed)
    }

    /// Whether the track still has the SSRC it began with.
    pub(crate) fn is_of(self, ssrc: Ssrc) -> bool {
        self.ssrc == ssrc
    }

    /// Notes that `placed` was sent at `now`.
    pub(crate) fn sent(self, placed: Place, now: Instant) -> Self {
        if placed.seq_no < self.highest.seq_no {
            return self;
        }
        Self { highest: placed, sent: now, ..self }
    }
}

impl Place {
    fn minus(self, base: Self) -> Self {
        Self {
            seq_no: self.seq_no.wrapping_sub(base.seq_no),
            timestamp: self.timestamp.wrapping_sub(base.timestamp),
        }
    }

    /// The next position: the next number, and a timestamp later by the elapsed time.
    fn after(self, sent: Instant, now: Instant, clock_rate: u32) -> Self {
        let ticks = now.duration_since(sent).as_millis() * u128::from(clock_rate) / 1000;
        // After half a day a receiver compares with no earlier timestamp.
        let ticks = u32::try_from(ticks).unwrap_or(1);
        Self { seq_no: self.seq_no + 1, timestamp: self.timestamp.wrapping_add(ticks.max(1)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FIRST, Place, Sequence};

    const VIDEO: u32 = 90_000;

    fn at(seq_no: u64) -> Place {
        Place { seq_no, timestamp: 77 }
    }

    #[test]
    fn a_subscriber_starts_low_whatever_the_publishers_number() {
        let first = 0x0003_ffff;
        let sequence = Sequence::follow(None, 7.into(), at(first), Instant::now(), VIDEO);
        assert_eq!(sequence.place(at(first)), Some(at(FIRST)));
        assert_eq!(sequence.place(at(first + 5)), Some(at(FIRST + 5)));
        assert_eq!(sequence.place(at(first - 5)), Some(at(FIRST - 5)));
        assert_eq!(sequence.place(at(first - FIRST - 1)), None);
    }

    #[test]
    fn a_restarted_track_continues_where_the_old_one_stopped() {
        let start = Instant::now();
        let old = Sequence::follow(None, 7.into(), at(40), start, VIDEO).sent(at(FIRST + 10), start);
        let later = start + Duration::from_millis(100);
        let place = Place { seq_no: 60_000, timestamp: 5 };
        let new = Sequence::follow(Some(old), 8.into(), place, later, VIDEO);
        let placed = Place { seq_no: FIRST + 11, timestamp: 77 + VIDEO / 10 };
        assert_eq!(new.place(place), Some(placed));
    }

    #[test]
    fn timestamps_wrap() {
        let start = Instant::now();
        let high = Place { seq_no: 1, timestamp: u32::MAX };
        let old = Sequence::follow(None, 7.into(), high, start, VIDEO);
        let new = Sequence::follow(Some(old), 8.into(), at(9), start, VIDEO);
        assert_eq!(new.place(at(9)), Some(Place { seq_no: FIRST + 1, timestamp: 0 }));
    }

    #[test]
    fn a_late_packet_moves_nothing_back() {
        let start = Instant::now();
        let sequence = Sequence::follow(None, 7.into(), at(40), start, VIDEO);
        let late = sequence.sent(at(FIRST + 3), start).sent(at(FIRST + 1), start);
        assert_eq!(late.highest, at(FIRST + 3));
    }
}
