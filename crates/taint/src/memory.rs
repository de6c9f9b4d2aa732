//! Linear memory, and which bits of it are secret.

use std::collections::HashSet;

use crate::{Trap, value::Value};

const PAGE: usize = 65_536;
/// Length of the pieces that are recognised, and least number of different bytes in one: runs of
/// zeros are too common.
const PIECE: usize = 16;
const DIFFERENT: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    bytes: Vec<u8>,
    secret: Vec<u8>,
    most_pages: usize,
}

impl Memory {
    pub(crate) fn new(pages: usize, most_pages: usize) -> Self {
        Self { bytes: vec![0; pages * PAGE], secret: vec![0; pages * PAGE], most_pages }
    }

    pub(crate) const fn pages(&self) -> usize {
        self.bytes.len() / PAGE
    }

    /// The number of pages before, or `None` beyond the maximum.
    pub(crate) fn grow(&mut self, by: usize) -> Option<usize> {
        let before = self.pages();
        let after = before.checked_add(by).filter(|&after| after <= self.most_pages)?;
        self.bytes.resize(after * PAGE, 0);
        self.secret.resize(after * PAGE, 0);
        Some(before)
    }

    pub(crate) fn load(&self, at: usize, len: usize) -> Result<Value, Trap> {
        let range = at..at.checked_add(len).ok_or(Trap::OutOfBounds)?;
        let number =
            |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u128::from(byte));
        let bits = number(self.bytes.get(range.clone()).ok_or(Trap::OutOfBounds)?);
        Ok(Value { bits, secret: number(self.secret.get(range).ok_or(Trap::OutOfBounds)?) })
    }

    pub(crate) fn store(&mut self, at: usize, len: usize, value: Value) -> Result<(), Trap> {
        let range = at..at.checked_add(len).ok_or(Trap::OutOfBounds)?;
        let to = self.bytes.get_mut(range.clone()).ok_or(Trap::OutOfBounds)?;
        to.copy_from_slice(value.bits.to_le_bytes().get(..len).ok_or(Trap::OutOfBounds)?);
        let to = self.secret.get_mut(range).ok_or(Trap::OutOfBounds)?;
        to.copy_from_slice(value.secret.to_le_bytes().get(..len).ok_or(Trap::OutOfBounds)?);
        Ok(())
    }

    pub(crate) fn copy(&mut self, to: usize, from: usize, len: usize) -> Result<(), Trap> {
        let end = |start: usize| {
            start.checked_add(len).filter(|&end| end <= self.bytes.len()).ok_or(Trap::OutOfBounds)
        };
        let (from, _) = (from..end(from)?, end(to)?);
        self.bytes.copy_within(from.clone(), to);
        self.secret.copy_within(from, to);
        Ok(())
    }

    pub(crate) fn fill(&mut self, at: usize, len: usize, byte: Value) -> Result<(), Trap> {
        for place in 0..len {
            self.store(at + place, 1, byte)?;
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8], is_secret: bool) -> Result<(), Trap> {
        for (place, &byte) in bytes.iter().enumerate() {
            let secret = if is_secret { 0xff } else { 0 };
            self.store(at + place, 1, Value { bits: byte.into(), secret })?;
        }
        Ok(())
    }

    /// The bytes, and whether any bit of them is secret.
    pub(crate) fn read(&self, at: usize, len: usize) -> Result<(Vec<u8>, bool), Trap> {
        let range = at..at.checked_add(len).ok_or(Trap::OutOfBounds)?;
        let bytes = self.bytes.get(range.clone()).ok_or(Trap::OutOfBounds)?.to_vec();
        let secret = self.secret.get(range).ok_or(Trap::OutOfBounds)?;
        Ok((bytes, secret.iter().any(|&bits| bits != 0)))
    }

    /// Makes public every 16 bytes in memory that occur in `known`.
    pub(crate) fn publish(&mut self, known: &[u8]) {
        let says_something = |piece: &&[u8]| piece.iter().collect::<HashSet<_>>().len() >= DIFFERENT;
        let pieces: HashSet<&[u8]> = known.windows(PIECE).filter(says_something).collect();
        let mut at = 0;
        while let Some(piece) = self.bytes.get(at..at + PIECE) {
            let of_piece = &self.secret[at..at + PIECE];
            let Some(last) = of_piece.iter().rposition(|&bits| bits != 0) else {
                // The next piece with a secret ends with a secret byte.
                let next = self.secret[at + PIECE..].iter().position(|&bits| bits != 0);
                let Some(next) = next else { return };
                at += next + 1;
                continue;
            };
            if pieces.contains(piece) {
                self.secret[at..=at + last].fill(0);
            }
            at += 1;
        }
    }
}
