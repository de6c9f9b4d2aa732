//! Writes every RTP packet that arrives to disk: a curious server, for the tests.
//!
//! One file per participant, of records (big-endian)
//!
//! ```text
//! rest_len u32 ‖ kind u8 (0 audio, 1 video) ‖ codec_len u8 ‖ codec ‖ mid_len u8 ‖ mid
//!   ‖ marker u8 ‖ ssrc u32 ‖ sequence u64 ‖ timestamp u32 ‖ payload
//! ```
//!
//! `codec` is its name, empty if the payload type was not negotiated.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use str0m::rtp::RtpPacket;

use crate::message::{Kind, MemberId};
use crate::peer::Origin;

/// Bytes after which a file no longer grows.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Files of everybody who has sent something.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: PathBuf,
    tapes: HashMap<MemberId, Tape>,
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

    /// Appends one packet. `room` was checked by [`Rooms::join`](crate::room::Rooms::join) to be
    /// safe as part of a file name.
    pub(crate) fn write(&mut self, room: &str, from: MemberId, origin: Origin, packet: &RtpPacket) {
        let directory = &self.directory;
        let tape = self
            .tapes
            .entry(from)
            .or_insert_with(|| Tape::create(directory.join(format!("{room}-{}.rtp", from.0))));
        tape.write(&record(origin, packet));
    }

    /// Closes the file of a participant who left.
    pub(crate) fn close(&mut self, from: MemberId) {
        self.tapes.remove(&from);
    }
}

/// What stands in the file, without the length in front of it.
fn record(origin: Origin, packet: &RtpPacket) -> Vec<u8> {
    let codec = origin.spec.map(|spec| spec.codec.to_string()).unwrap_or_default();
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap_or(0)], text.as_bytes()].concat();
    let header = &packet.header;
    [
        &[u8::from(origin.kind == Kind::Video)][..],
        &text(&codec),
        &text(&origin.mid),
        &[u8::from(header.marker)],
        &header.ssrc.to_be_bytes(),
        &packet.seq_no.to_be_bytes(),
        &header.timestamp.to_be_bytes(),
        &packet.payload,
    ]
    .concat()
}

impl Tape {
    fn create(path: PathBuf) -> Self {
        let file = File::create(&path);
        if let Err(error) = &file {
            eprintln!("cannot record into {}: {error}", path.display());
        }
        Self { file: file.ok(), len: 0 }
    }

    fn write(&mut self, record: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let Ok(len) = u32::try_from(record.len()) else {
            return;
        };
        // One write per record, unbuffered, so that a reader meets whole records at any time.
        let record = [&len.to_be_bytes(), record].concat();
        self.len += record.len() as u64;
        if self.len > LIMIT {
            self.file = None;
        } else if let Err(error) = file.write_all(&record) {
            eprintln!("recording stopped: {error}");
            self.file = None;
        }
    }
}
