//! Pseudorandom inputs for tests that look for a panic: the same in every run.

/// Pseudorandom numbers (xorshift64).
#[derive(Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// `seed` must not be 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or(usize::MAX) % end
    }

    /// A byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    /// Up to `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..self.below(len + 1)).map(|_| self.byte()).collect()
    }

    /// `bytes`, changed in up to four places: a byte replaced, a piece cut out, doubled or filled
    /// in.
    pub(crate) fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let from = self.below(bytes.len() + 1);
            let to = (from + self.below(20)).min(bytes.len());
            match self.below(4) {
                0 => bytes.get_mut(from).into_iter().for_each(|byte| *byte = self.byte()),
                1 => drop(bytes.drain(from..to)),
                2 => {
                    let piece = bytes[from..to].to_vec();
                    bytes.splice(to..to, piece.repeat(1 + self.below(3)));
                }
                _ => {
                    let piece = self.bytes(8);
                    bytes.splice(from..to, piece);
                }
            }
        }
        bytes
    }
}
