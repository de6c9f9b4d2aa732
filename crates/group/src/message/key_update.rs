//! The message that gives a key to some.

use alloc::vec::Vec;

use super::{Message, MessageError, Reader};
use crate::{
    Identity, Kem, SessionId,
    hash::{expand, hash},
};

/// Tells some members a key of the speaker's (PROTOCOL.md §2.2): the header, to which entries belong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct KeyUpdate {
    /// Why.
    pub reason: Reason,
    /// Counts the speaker's updates, from 1.
    pub seq: u64,
    /// Which of its base keys, below 2^40.
    pub generation: u64,
    /// At which ratchet step, below 256.
    pub step: u32,
    /// When it will begin to seal with it, milliseconds from now.
    pub apply_ms: u32,
    /// Who is in the call, as the speaker sees it.
    pub roster_hash: [u8; 32],
    /// The update that began the generation before, or of a delivery this one.
    pub prev_hash: [u8; 32],
    /// What the key in every entry must match.
    pub key_commit: [u8; 32],
    /// How many entries there are, if the server left none out.
    pub count: u16,
}

impl KeyUpdate {
    /// Bytes of a header, `head ‖ body`.
    pub const HEADER_LEN: usize = 174;
    pub(super) const NAME: &str = "key update";

    /// `header_hash = H("header", header)`
    #[must_use]
    pub fn header_hash(header: &[u8]) -> [u8; 32] {
        hash("header", &[header])
    }

    /// `key_commit` of a base key.
    #[must_use]
    pub fn commit(
        base_key: &[u8],
        group: &[u8; 32],
        session: SessionId,
        generation: u64,
        step: u32,
    ) -> [u8; 32] {
        let (generation, step) = (generation.to_be_bytes(), step.to_be_bytes());
        expand(base_key, "commit", &[group, &session.0, &generation, &step])
    }

    /// Whether `header ‖ signature`, of which `evidence` consists, is this identity's; its update if so.
    #[must_use]
    pub fn verify(signed_header: &[u8], identity: &Identity) -> Option<(SessionId, Self)> {
        let message = Message::parse(signed_header).ok()?;
        let is_theirs =
            matches!(message.body, super::Body::KeyUpdate(_)) && message.is_signed_by(identity);
        let super::Body::KeyUpdate(update) = message.body else { return None };
        is_theirs.then_some((message.head.session, update))
    }

    /// What of a whole update one recipient needs: header, signature and its entry. A server that forwards this instead of
    /// the whole saves (n - 2) / (n - 1) of the entries' bytes. `None` if these bytes are no update with entries.
    ///
    /// Reads lengths only: nothing is verified, and no key is needed.
    #[must_use]
    pub fn cut_for(update: &[u8], recipient: SessionId) -> Option<Vec<u8>> {
        let message = Message::parse(update).ok()?;
        let super::Body::KeyUpdate(Self { count, .. }) = message.body else { return None };
        let (count, entries) = (usize::from(count), message.entries);
        // Base keys have 32 bytes or 64. If both are possible, all entries are there.
        let lens = [32, 64].map(|nh| Entry::len_of(message.head.kem, nh));
        let fits = |len: &usize| entries.len().is_multiple_of(*len) && entries.len() / len <= count;
        let is_whole = |len: &usize| entries.len() == len * count;
        let len = lens.into_iter().find(is_whole).or_else(|| lens.into_iter().find(fits))?;
        if entries.is_empty() {
            return None;
        }
        let own = entries.chunks_exact(len).find(|entry| entry.starts_with(&recipient.0));
        let signed = &update[..update.len() - entries.len()];
        Some([signed, own.unwrap_or_default()].concat())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.reason as u8);
        out.extend(self.seq.to_be_bytes());
        out.extend(self.generation.to_be_bytes());
        out.extend(self.step.to_be_bytes());
        out.extend(self.apply_ms.to_be_bytes());
        out.extend(self.roster_hash);
        out.extend(self.prev_hash);
        out.extend(self.key_commit);
        out.extend(self.count.to_be_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let update = Self {
            reason: Reason::from_id(reader.u8()?).ok_or(MessageError::Malformed)?,
            seq: reader.u64()?,
            generation: reader.u64()?,
            step: reader.u32()?,
            apply_ms: reader.u32()?,
            roster_hash: reader.array()?,
            prev_hash: reader.array()?,
            key_commit: reader.array()?,
            count: reader.u16()?,
        };
        let fits = update.seq > 0 && update.generation < 1 << 40 && update.step < 256;
        if fits { Ok(update) } else { Err(MessageError::Malformed) }
    }
}

/// Why a key is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// The speaker's first generation.
    Start = 0,
    /// A generation without somebody who left, was removed or was lost.
    Leave = 1,
    /// A generation because the last one is old.
    Timer = 2,
    /// A generation because the last one has been used as much as it may.
    Limit = 3,
    /// A generation because something is wrong.
    Suspicion = 4,
    /// The present step, for those who joined.
    Join = 5,
    /// The present step once more, for who asked.
    Again = 6,
}

impl Reason {
    const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::Start,
            1 => Self::Leave,
            2 => Self::Timer,
            3 => Self::Limit,
            4 => Self::Suspicion,
            5 => Self::Join,
            6 => Self::Again,
            _ => return None,
        })
    }

    /// Whether a generation begins with it, or one is delivered that has begun.
    #[must_use]
    pub const fn begins_generation(self) -> bool {
        !matches!(self, Self::Join | Self::Again)
    }
}

/// One recipient's part of a key update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "its encoding is fixed")]
pub struct Entry<'a> {
    /// For whom.
    pub recipient: SessionId,
    /// Which of its nonces it was made with.
    pub nonce_number: u8,
    /// HPKE's encapsulated key.
    pub enc: &'a [u8],
    /// HPKE's ciphertext of the base key.
    pub ciphertext: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Bytes of one entry for base keys of `nh` bytes.
    #[must_use]
    pub const fn len_of(kem: Kem, nh: usize) -> usize {
        16 + 1 + kem.enc_len() + nh + 16
    }

    /// Takes the entries of an update apart.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] if they are not whole or more than the header says.
    pub fn parse_all(
        bytes: &'a [u8],
        update: &KeyUpdate,
        kem: Kem,
        nh: usize,
    ) -> Result<impl Iterator<Item = Self> + use<'a>, MessageError> {
        let len = Self::len_of(kem, nh);
        if !bytes.len().is_multiple_of(len) || bytes.len() / len > usize::from(update.count) {
            return Err(MessageError::Malformed);
        }
        Ok(bytes.chunks_exact(len).filter_map(move |entry| {
            let (recipient, rest) = entry.split_first_chunk()?;
            let (&[nonce_number], rest) = rest.split_first_chunk()?;
            let (enc, ciphertext) = rest.split_at(kem.enc_len());
            Some(Self { recipient: SessionId(*recipient), nonce_number, enc, ciphertext })
        }))
    }
}
