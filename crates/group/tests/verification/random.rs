//! Randomness of the test's choice.

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_core::{TryCryptoRng, TryRng};

/// Returns the given bytes, then those of a seeded generator.
pub(crate) struct Chosen {
    bytes: VecDeque<u8>,
    state: u64,
}

impl Chosen {
    pub(crate) fn seed(seed: u64) -> Self {
        Self { bytes: VecDeque::new(), state: seed }
    }

    pub(crate) fn bytes(parts: &[&[u8]]) -> Self {
        Self { bytes: parts.concat().into(), state: 0 }
    }
}

impl TryRng for Chosen {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out)?;
        Ok(u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out)?;
        Ok(u64::from_le_bytes(out))
    }

    /// SplitMix64, a byte at a time.
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            *byte = self.bytes.pop_front().unwrap_or_else(|| {
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed >> 56).to_le_bytes()[0]
            });
        }
        Ok(())
    }
}

impl TryCryptoRng for Chosen {}
