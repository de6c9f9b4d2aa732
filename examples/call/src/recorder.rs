//! Writes every RTP payload that arrives to disk: a curious server, for the tests.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::message::{Kind, MemberId};

/// Bytes after which a file no longer grows.
const LIMIT: u64 = 64 * 1024 * 1024;

/// One file per participant and kind, of records `length (u32, big endian) ‖ payload`.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: PathBuf,
    tapes: HashMap<(MemberId, Kind), Tape>,
}

#[derive(Debug)]
struct Tape {
    /// `None` after the limit or an error: recording stops, forwarding goes on.
    file: Option<File>,
    len: u64,
}

impl Recorder {
    /// Records into `directory`, making it if need be.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn create(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory, tapes: HashMap::new() })
    }

    /// Appends one payload. `room` was checked by [`Rooms::join`](crate::room::Rooms::join) to be
    /// safe as part of a file name.
    pub(crate) fn write(&mut self, room: &str, from: MemberId, kind: Kind, payload: &[u8]) {
        let directory = &self.directory;
        let tape = self.tapes.entry((from, kind)).or_insert_with(|| {
            let name = format!("{room}-{}-{}.rtp", from.0, kind.as_str());
            Tape::create(directory.join(name))
        });
        tape.write(payload);
    }

    /// Closes the files of a participant who left.
    pub(crate) fn close(&mut self, from: MemberId) {
        self.tapes.retain(|(id, _), _| *id != from);
    }
}

impl Tape {
    fn create(path: PathBuf) -> Self {
        let file = File::create(&path);
        if let Err(error) = &file {
            eprintln!("cannot record into {}: {error}", path.display());
        }
        Self { file: file.ok(), len: 0 }
    }

    fn write(&mut self, payload: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let Ok(payload_len) = u32::try_from(payload.len()) else {
            return;
        };
        // One write per record, unbuffered, so that a reader meets whole records at any time.
        let record = [&payload_len.to_be_bytes(), payload].concat();
        self.len += record.len() as u64;
        if self.len > LIMIT {
            self.file = None;
        } else if let Err(error) = file.write_all(&record) {
            eprintln!("recording stopped: {error}");
            self.file = None;
        }
    }
}
