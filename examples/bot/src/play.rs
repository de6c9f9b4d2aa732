//! Plays files into a call.

use std::error::Error;
use std::time::{Duration, Instant};

use str0m::media::{Frequency, MediaTime};

use crate::cipher::Key;
use crate::frame::Frame;
use crate::message::{StreamKind, Track};
use crate::participant::{Happening, Participant};

/// The tracks for video and for sound.
pub(crate) const CAMERA: Track = Track { kind: StreamKind::Camera, index: 0 };
pub(crate) const MICROPHONE: Track = Track { kind: StreamKind::Microphone, index: 0 };

/// A file that plays over and over.
#[derive(Debug)]
pub(crate) struct Tape {
    track: Track,
    clock: Frequency,
    frames: Vec<Frame>,
    next: usize,
    /// Clock ticks at which the first frame was due in this round.
    begun: u64,
}

impl Tape {
    /// A tape of VP8 frames or of Opus packets, depending on `track`; `None` if there are none.
    pub(crate) fn new(track: Track, frames: Vec<Frame>) -> Option<Self> {
        let is_video = track.kind.is_video();
        let clock = if is_video { Frequency::NINETY_KHZ } else { Frequency::FORTY_EIGHT_KHZ };
        (!frames.is_empty()).then_some(Self { track, clock, frames, next: 0, begun: 0 })
    }

    /// When the next frame is due, counted from the start of the call.
    fn due(&self) -> Duration {
        Duration::from(MediaTime::new(self.begun + self.at(self.next), self.clock))
    }

    /// The next frame and its time.
    fn take(&mut self) -> (MediaTime, &[u8]) {
        let now = self.begun + self.at(self.next);
        let played = self.next;
        self.next += 1;
        if self.next == self.frames.len() {
            let gap = if self.frames.len() == 1 { self.clock.get() / 25 } else { 1 };
            self.rewind(now + self.at(1).max(gap.into()));
        }
        (MediaTime::new(now, self.clock), &self.frames[played].bytes)
    }

    /// Starts over at `ticks` of the clock.
    fn rewind(&mut self, ticks: u64) {
        self.next = 0;
        self.begun = ticks;
    }

    /// When a frame is due, counted from the first.
    fn at(&self, number: usize) -> u64 {
        let first = self.frames[0].at;
        self.frames.get(number).map_or(0, |frame| frame.at.saturating_sub(first))
    }
}

/// Plays `tapes` until `end`, sealed.
///
/// # Errors
/// If the call is lost or a frame cannot be sealed.
pub(crate) fn play(
    mut participant: Participant,
    key: &Key,
    mut tapes: Vec<Tape>,
    end: Instant,
) -> Result<(), Box<dyn Error>> {
    let mut sealer = key.sealer()?;
    let mut began = None;
    while Instant::now() < end {
        let due = began.and_then(|began| Some(began + tapes.iter().map(Tape::due).min()?));
        match participant.step(due.unwrap_or(end))? {
            Some(Happening::Connected) => began = Some(Instant::now()),
            // Every file begins with a key frame, and there is no encoder.
            Some(Happening::KeyframeWanted) => {
                for tape in tapes.iter_mut().filter(|tape| tape.track.kind.is_video()) {
                    tape.rewind(tape.begun + tape.at(tape.next));
                }
            }
            Some(Happening::Frame(..) | Happening::Left(_)) | None => {}
        }
        let Some(began) = began else { continue };
        for tape in &mut tapes {
            while began + tape.due() <= Instant::now() {
                let track = tape.track;
                let Some(ssrc) = participant.ssrc(track) else { break };
                let (time, frame) = tape.take();
                let rtp_timestamp = u32::try_from(time.numer() % (1 << 32))?;
                let sealed = sealer.seal(track.kind.is_video(), ssrc, rtp_timestamp, frame)?;
                participant.send(track, time, &sealed)?;
            }
        }
    }
    Ok(())
}
