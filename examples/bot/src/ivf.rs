//! IVF, the simplest container for VP8: 32 bytes, and 12 before every frame. All numbers are
//! little-endian.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::frame::Frame;

/// Ticks per second: RTP's clock for video.
const CLOCK_RATE: u32 = 90_000;

/// A file of VP8 frames. Written frames play even if the file is never finished.
#[derive(Debug)]
pub(crate) struct IvfWriter {
    file: BufWriter<File>,
    frames: u32,
}

impl IvfWriter {
    /// Creates a file for pictures of this size.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub(crate) fn create(path: &Path, width: u16, height: u16) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(b"DKIF\0\0\x20\0VP80")?;
        file.write_all(&width.to_le_bytes())?;
        file.write_all(&height.to_le_bytes())?;
        file.write_all(&CLOCK_RATE.to_le_bytes())?;
        file.write_all(&1_u32.to_le_bytes())?;
        file.write_all(&[0; 8])?; // number of frames, written at the end; unused
        Ok(Self { file, frames: 0 })
    }

    /// Adds a frame at `at` ticks of 1/90,000 s.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&mut self, at: u64, frame: &[u8]) -> io::Result<()> {
        let len = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.file.write_all(&len.to_le_bytes())?;
        self.file.write_all(&at.to_le_bytes())?;
        self.file.write_all(frame)?;
        self.frames += 1;
        self.file.flush()
    }

    /// Writes the number of frames into the header.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(24))?;
        self.file.write_all(&self.frames.to_le_bytes())?;
        self.file.flush()
    }
}

/// A file's frames.
///
/// # Errors
/// If it is not an IVF file of VP8.
pub(crate) fn read(path: &Path) -> Result<Vec<Frame>, Box<dyn Error>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut header = [0; 32];
    file.read_exact(&mut header)?;
    if !header.starts_with(b"DKIF\0\0\x20\0VP80") {
        return Err(format!("{} is not an IVF file of VP8", path.display()).into());
    }
    let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
    let (rate, scale) = (u64::from(number(16).max(1)), u64::from(number(20)));
    let mut frames = Vec::new();
    let (mut len, mut time) = ([0; 4], [0; 8]);
    while file.read_exact(&mut len).is_ok() {
        file.read_exact(&mut time)?;
        let mut bytes = Vec::new();
        let len = u64::from(u32::from_le_bytes(len));
        (&mut file).take(len).read_to_end(&mut bytes)?;
        let at = u64::from_le_bytes(time).saturating_mul(scale * u64::from(CLOCK_RATE)) / rate;
        frames.push(Frame { at, bytes });
    }
    Ok(frames)
}
