//! Writes every RTP packet that arrives to disk: a curious server, for the tests.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::limits::{RECORDING_BYTES, RECORDINGS_BYTES};
use crate::log::say;
use crate::message::MemberId;
use crate::peer::Arrival;

/// One file `ROOM-NUMBER.rtp` per participant, of records whose numbers are big-endian. After the
/// room was empty its numbers restart, and then the files are appended to.
///
/// ```text
/// record     = len (u32: bytes that follow) ‖ mid ‖ rid ‖ payload type (u8) ‖ codec ‖ marker (u8)
///            ‖ sequence (u64) ‖ timestamp (u32) ‖ SSRC (u32) ‖ descriptor ‖ payload
/// mid, rid   = len (u8) ‖ text; empty if there is none
/// codec      = len (u8) ‖ opus, vp8, vp9, h264 or av1; empty if the payload type is not known
/// descriptor = len (u8) ‖ Dependency Descriptor; empty if there is none
/// ```
///
/// The sequence number is extended: it does not wrap. A retransmission counts as the packet that it
/// repeats, and is recorded only if that one was lost.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: PathBuf,
    tapes: HashMap<MemberId, Tape>,
    /// Bytes that all files together may still take.
    left: u64,
}

#[derive(Debug)]
struct Tape {
    /// `None` after the limit or an error: recording stops, forwarding goes on.
    file: Option<File>,
    len: u64,
}

impl Recorder {
    /// Records into `directory`, creating it if necessary.
    ///
    /// # Errors
    /// If the directory cannot be created.
    pub(crate) fn create(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory, tapes: HashMap::new(), left: RECORDINGS_BYTES })
    }

    /// Appends one packet. [`Rooms::join`](crate::room::Rooms::join) has checked that `room` is
    /// safe as a part of a file name.
    pub(crate) fn write(&mut self, room: &str, from: MemberId, arrival: &Arrival) {
        let directory = &self.directory;
        let tape = self
            .tapes
            .entry(from)
            .or_insert_with(|| Tape::open(directory.join(format!("{room}-{}.rtp", from.address))));
        let record = record(arrival);
        if record.len() as u64 <= self.left && tape.write(&record) {
            self.left -= record.len() as u64;
        }
    }

    /// Closes the file of a participant who left.
    pub(crate) fn close(&mut self, from: MemberId) {
        self.tapes.remove(&from);
    }
}

impl Tape {
    fn open(path: PathBuf) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        if let Err(error) = &file {
            say(format_args!("cannot record into {}: {error}", path.display()));
        }
        Self { file: file.ok(), len: 0 }
    }

    /// One write per record, unbuffered, so that a reader always sees whole records. Returns
    /// whether it was written.
    fn write(&mut self, record: &[u8]) -> bool {
        let Some(file) = &mut self.file else { return false };
        self.len += record.len() as u64;
        if self.len > RECORDING_BYTES {
            say(format_args!("recording stopped after {RECORDING_BYTES} bytes"));
            self.file = None;
        } else if let Err(error) = file.write_all(record) {
            say(format_args!("recording stopped: {error}"));
            self.file = None;
        }
        self.file.is_some()
    }
}

fn record(arrival: &Arrival) -> Vec<u8> {
    let Arrival { mid, rid, rtp, .. } = arrival;
    let header = &rtp.header;
    let mut record = vec![0; 4];
    push(&mut record, mid.as_deref().unwrap_or_default().as_bytes());
    push(&mut record, rid.as_deref().unwrap_or_default().as_bytes());
    record.push(*header.payload_type);
    push(&mut record, arrival.codec_name().as_bytes());
    record.push(u8::from(header.marker));
    record.extend_from_slice(&rtp.seq_no.to_be_bytes());
    record.extend_from_slice(&header.timestamp.to_be_bytes());
    record.extend_from_slice(&header.ssrc.to_be_bytes());
    push(&mut record, arrival.dependency().map_or(&[], |descriptor| &descriptor.0));
    record.extend_from_slice(&rtp.payload);
    // A datagram holds the whole record.
    let len = u32::try_from(record.len() - 4).unwrap_or(u32::MAX);
    record[..4].copy_from_slice(&len.to_be_bytes());
    record
}

/// Appends `bytes` after their length. All inputs are shorter than 256 bytes: header extensions,
/// and names from them.
fn push(record: &mut Vec<u8>, bytes: &[u8]) {
    let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    record.push(len);
    record.extend_from_slice(&bytes[..usize::from(len)]);
}
