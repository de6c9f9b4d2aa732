//! Opus in Ogg (RFC 7845).

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};

use crate::frame::Frame;

/// Packets in one page: a second of sound, as browsers cut it.
const PAGE: u32 = 50;

/// Samples that decoders discard at the start (RFC 7845 §4.2): none, as a recording begins in the
/// middle.
const PRE_SKIP: u16 = 0;

/// The program that made the file, and no comments (RFC 7845 §5.2).
const TAGS: &[u8] = b"OpusTags\x09\0\0\0sealframe\0\0\0\0";

const SERIAL: u32 = 1;

/// A file of Opus packets. Written packets play even if the file is never finished.
pub(crate) struct OpusWriter {
    file: PacketWriter<'static, BufWriter<File>>,
    /// The latest packet, which is the last if no other follows; its time is its end.
    held: Option<Frame>,
    in_page: u32,
}

impl OpusWriter {
    /// Creates a file of stereo sound.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut file = PacketWriter::new(BufWriter::new(File::create(path)?));
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend(PRE_SKIP.to_le_bytes());
        head.extend(48_000_u32.to_le_bytes());
        head.extend([0; 3]); // gain; channel mapping of mono or stereo
        file.write_packet(head, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        file.write_packet(TAGS, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { file, held: None, in_page: 0 })
    }

    /// Adds a packet that begins at `at` samples of 1/48,000 s.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&mut self, at: u64, packet: &[u8]) -> io::Result<()> {
        let end = at + u64::from(samples(packet));
        if let Some(held) = self.held.replace(Frame { at: end, bytes: packet.to_vec() }) {
            self.in_page = (self.in_page + 1) % PAGE;
            let full = self.in_page == 0;
            let info =
                if full { PacketWriteEndInfo::EndPage } else { PacketWriteEndInfo::NormalPacket };
            self.file.write_packet(held.bytes, SERIAL, info, held.at)?;
            if full {
                self.file.inner_mut().flush()?;
            }
        }
        Ok(())
    }

    /// Marks the last packet as the end.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(last) = self.held.take() {
            self.file.write_packet(last.bytes, SERIAL, PacketWriteEndInfo::EndStream, last.at)?;
        }
        self.file.inner_mut().flush()
    }
}

/// A file's packets.
///
/// # Errors
/// If it is not an Ogg file of Opus.
pub(crate) fn read(path: &Path) -> Result<Vec<Frame>, Box<dyn Error>> {
    let mut file = PacketReader::new(BufReader::new(File::open(path)?));
    let head = file.read_packet()?.ok_or("the file is empty")?;
    if !head.data.starts_with(b"OpusHead") {
        return Err(format!("{} is not an Ogg file of Opus", path.display()).into());
    }
    file.read_packet()?; // tags
    let (mut at, mut packets) = (0, Vec::new());
    while let Some(packet) = file.read_packet()? {
        let len = u64::from(samples(&packet.data));
        packets.push(Frame { at, bytes: packet.data });
        at += len;
    }
    Ok(packets)
}

/// Duration of a packet, in samples of 1/48,000 s, from its first bytes (RFC 6716 §3.1).
fn samples(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else {
        return 0;
    };
    let config = u32::from(toc >> 3);
    let frame = match config {
        0..12 => [480, 960, 1920, 2880][config as usize % 4],
        12..16 => 480 << (config % 2),
        _ => 120 << (config % 4),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u32::from(count & 63)),
    };
    frame * frames
}

#[cfg(test)]
mod tests {
    use super::samples;

    #[test]
    fn packets_tell_their_duration() {
        for (packet, expected) in [
            (&[0x78][..], 960),    // hybrid, 20 ms
            (&[0xfc], 960),        // CELT, 20 ms
            (&[0xe1], 240),        // CELT, two of 2.5 ms
            (&[0x18], 2880),       // SILK, 60 ms
            (&[0xfb, 0x03], 2880), // CELT, three of 20 ms
            (&[], 0),
        ] {
            assert_eq!(samples(packet), expected, "{packet:02x?}");
        }
    }
}
