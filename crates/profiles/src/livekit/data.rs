//! Data: packets of chat and the like, and frames of data tracks.
//!
//! A packet's sender, destination and topic are readable, and not bound to the ciphertext.
//!
//! Clocks and counts restart when a peer reloads, with the same key, and a third of an IV may be
//! random. So data have no order by which old ones could be rejected: a receiver remembers IVs, and
//! data further back than 4,096 open again.
//!
//! Sources: livekit/protocol, protobufs/livekit_models.proto; livekit/client-sdk-js,
//! src/e2ee/worker/DataCryptor.ts.

use alloc::vec::Vec;
use core::{fmt, ops::Range};

use super::Peer;
use crate::jframe::Channel;

/// Encrypted data, and the values that are sent beside them.
#[non_exhaustive]
pub struct SealedData<'f> {
    /// As on the wire.
    pub key_index: u8,
    /// 12 bytes.
    pub iv: [u8; 12],
    /// Ciphertext and tag.
    pub value: &'f mut [u8],
}

impl SealedData<'_> {
    /// Appends `EncryptedPacket{encryption_type, iv, key_index, encrypted_value}`. livekit-client
    /// leaves the type at 0; native clients write 1, AES-GCM.
    pub fn write_packet(&self, peer: Peer, out: &mut Vec<u8>) {
        if peer == Peer::Native {
            out.extend([ENCRYPTION_TYPE << 3, 1]);
        }
        write_bytes(IV, &self.iv, out);
        if self.key_index != 0 {
            out.push(KEY_INDEX << 3);
            write_varint(self.key_index.into(), out);
        }
        write_bytes(VALUE, self.value, out);
    }

    /// The extension of a data track's packets: tag 1, 13 bytes, key index and IV.
    #[must_use]
    pub fn track_extension(&self) -> [u8; 15] {
        let mut extension = [0; 15];
        extension[..3].copy_from_slice(&[1, 13, self.key_index]);
        extension[3..].copy_from_slice(&self.iv);
        extension
    }
}

impl fmt::Debug for SealedData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedData")
            .field("key_index", &self.key_index)
            .field("len", &self.value.len())
            .finish_non_exhaustive()
    }
}

/// Key index and IV of a data track's extension, if `extension` is one.
#[must_use]
pub fn parse_track_extension(extension: &[u8]) -> Option<(u8, [u8; 12])> {
    match extension {
        [1, 13, key_index, iv @ ..] => Some((*key_index, iv.try_into().ok()?)),
        _ => None,
    }
}

/// The origin of data. Opened data do not open again under the same origin while their IV is among
/// its last 4,096: those of packets, or those of all data tracks together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the format has these two")]
pub enum DataChannel {
    /// Data packets.
    Packets,
    /// A data track, by its handle.
    Track(u16),
}

impl DataChannel {
    pub(super) const fn channel(self) -> Channel {
        match self {
            Self::Packets => Channel::Packets,
            Self::Track(_) => Channel::Tracks,
        }
    }
}

const ENCRYPTION_TYPE: u8 = 1;
const IV: u8 = 2;
const KEY_INDEX: u8 = 3;
const VALUE: u8 = 4;

/// An `EncryptedPacket`. Nothing of it is authentic.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Packet {
    /// As on the wire.
    pub key_index: u8,
    /// 12 bytes.
    pub iv: [u8; 12],
    /// Where ciphertext and tag lie in the message.
    pub value: Range<usize>,
}

impl Packet {
    /// Takes a message apart; `None` if it is none, or if its IV has another length than 12 bytes.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut reader = Reader { message, at: 0 };
        let (mut key_index, mut iv, mut value) = (0, None, 0..0);
        while reader.at < message.len() {
            let tag = reader.varint()?;
            match (tag >> 3, tag & 7) {
                (field, 0) => {
                    let number = reader.varint()?;
                    if field == KEY_INDEX.into() {
                        key_index = u8::try_from(number).ok()?;
                    }
                }
                (field, 2) => {
                    let len = usize::try_from(reader.varint()?).ok()?;
                    let range = reader.skip(len)?;
                    if field == IV.into() {
                        iv = message.get(range)?.try_into().ok();
                    } else if field == VALUE.into() {
                        value = range;
                    }
                }
                (_, 1) => _ = reader.skip(8)?,
                (_, 5) => _ = reader.skip(4)?,
                _ => return None,
            }
        }
        Some(Self { key_index, iv: iv?, value })
    }
}

/// Reads protobuf's encoding.
struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

impl Reader<'_> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for place in 0..10 {
            let byte = *self.message.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 127) << (7 * place);
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, len: usize) -> Option<Range<usize>> {
        let end = self.at.checked_add(len)?;
        let range = self.at..end;
        self.message.get(range.clone())?;
        self.at = end;
        Some(range)
    }
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 128 {
        out.push(value.to_le_bytes()[0] | 128);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn write_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
