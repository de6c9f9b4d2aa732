//! Records a call: one file for every track.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, mem};

use str0m::media::MediaData;

use crate::cipher::{Key, Opener};
use crate::ivf::IvfWriter;
use crate::message::{Address, TrackId};
use crate::opus::OpusWriter;
use crate::participant::{Happening, Participant};
use crate::vp8;

/// Shortest time between two requests for a key frame of one track.
const DAMPING: Duration = Duration::from_millis(500);

/// Records all participants into `directory` until `end`, or until all that sent something have
/// left.
///
/// # Errors
/// If the call is lost or a file cannot be written. Recordings up to then are kept.
pub(crate) fn record(
    participant: Participant,
    key: &Key,
    directory: &Path,
    end: Instant,
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let mut tracks = BTreeMap::new();
    let listened = listen(participant, key, directory, end, &mut tracks);
    finish(tracks)?;
    listened
}

fn listen(
    mut participant: Participant,
    key: &Key,
    directory: &Path,
    end: Instant,
    tracks: &mut BTreeMap<TrackId, Recording>,
) -> Result<(), Box<dyn Error>> {
    let mut openers: BTreeMap<Address, Opener> = BTreeMap::new();
    while Instant::now() < end {
        match participant.step(end)? {
            Some(Happening::Frame(id, frame)) => {
                // One for each participant: keys, and the record of received frames, belong to the
                // sender.
                let opener = openers.entry(id.from).or_insert_with(|| key.opener());
                let track = tracks.entry(id).or_insert_with(|| Recording::new(directory, id));
                if track.take(opener, &frame)? == Next::Keyframe {
                    participant.want_keyframe(id);
                }
            }
            Some(Happening::Left(from)) => {
                let (left, stay) = mem::take(tracks).into_iter().partition(|(id, _)| id.from == from);
                *tracks = stay;
                finish(left)?;
                if openers.remove(&from).is_some() && openers.is_empty() {
                    break;
                }
            }
            Some(Happening::Connected | Happening::KeyframeWanted) | None => {}
        }
    }
    Ok(())
}

fn finish(tracks: BTreeMap<TrackId, Recording>) -> Result<(), Box<dyn Error>> {
    for track in tracks.into_values() {
        track.finish()?;
    }
    Ok(())
}

/// The frame that a track's recording needs next.
#[derive(Debug, Eq, PartialEq)]
enum Next {
    /// The next frame.
    Frame,
    /// A key frame: no other helps.
    Keyframe,
}

/// One track's file.
struct Recording {
    path: PathBuf,
    is_video: bool,
    file: Option<Container>,
    /// Time of the first written frame, in ticks of the codec's clock.
    start: u64,
    /// Whether pictures lack one that they depend on.
    is_broken: bool,
    asked: Option<Instant>,
    written: u64,
    rejected: u64,
}

enum Container {
    Ivf(IvfWriter),
    Opus(OpusWriter),
}

impl Recording {
    fn new(directory: &Path, id: TrackId) -> Self {
        let is_video = id.track.kind.is_video();
        let ending = if is_video { "ivf" } else { "opus" };
        Self {
            path: directory.join(format!("{id}.{ending}")),
            is_video,
            file: None,
            start: 0,
            is_broken: is_video,
            asked: None,
            written: 0,
            rejected: 0,
        }
    }

    /// Takes a sealed frame. A frame that does not open is not written, nor are frames that depend
    /// on it.
    fn take(&mut self, opener: &mut Opener, sealed: &MediaData) -> Result<Next, io::Error> {
        self.is_broken |= self.is_video && !sealed.contiguous;
        match opener.open(self.is_video, &sealed.data) {
            Ok(frame) => {
                // Only key frames have a size.
                self.is_broken &= vp8::size(&frame).is_none();
                if !self.is_broken {
                    self.write(sealed.time.numer(), &frame)?;
                }
            }
            Err(_) => {
                self.rejected += 1;
                self.is_broken = self.is_video;
            }
        }
        if !self.is_broken || self.asked.is_some_and(|asked| asked.elapsed() < DAMPING) {
            return Ok(Next::Frame);
        }
        self.asked = Some(Instant::now());
        Ok(Next::Keyframe)
    }

    fn write(&mut self, time: u64, frame: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.create(frame)?);
            self.start = time;
        }
        let at = time.saturating_sub(self.start);
        match &mut self.file {
            Some(Container::Ivf(file)) => file.write(at, frame)?,
            Some(Container::Opus(file)) => file.write(at, frame)?,
            None => {}
        }
        self.written += 1;
        Ok(())
    }

    fn create(&self, first: &[u8]) -> io::Result<Container> {
        if !self.is_video {
            return OpusWriter::create(&self.path).map(Container::Opus);
        }
        let (width, height) = vp8::size(first).ok_or(io::ErrorKind::InvalidData)?;
        IvfWriter::create(&self.path, width, height).map(Container::Ivf)
    }

    fn finish(self) -> io::Result<()> {
        match self.file {
            Some(Container::Ivf(file)) => file.finish()?,
            Some(Container::Opus(file)) => file.finish()?,
            None => {}
        }
        println!(
            "{}: {} frames written, {} rejected",
            self.path.display(),
            self.written,
            self.rejected
        );
        Ok(())
    }
}
