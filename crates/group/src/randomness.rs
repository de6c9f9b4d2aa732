//! The only access to the caller's random number generator.

use core::{convert::Infallible, time::Duration};

use rand_core::{CryptoRng, TryCryptoRng, TryRng};

/// Delay before a generator that returned only zeros is tried again.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Only zeros in this many bytes or more mean that the generator is broken.
const MIN_CHECKED: usize = 16;

/// A generator that notes whether it returned only zeros, as a broken one does.
///
/// Every secret of this crate is drawn through it, and none is used unless
/// [`is_valid`](Self::is_valid).
pub(crate) struct Watched<'r, R> {
    rng: &'r mut R,
    is_valid: bool,
}

impl<'r, R: CryptoRng> Watched<'r, R> {
    pub(crate) const fn new(rng: &'r mut R) -> Self {
        Self { rng, is_valid: true }
    }

    /// Whether all output so far may be used.
    pub(crate) const fn is_valid(&self) -> bool {
        self.is_valid
    }
}

/// Fills `bytes`, at least 16; whether the result may be used.
pub(crate) fn fill(rng: &mut impl CryptoRng, bytes: &mut [u8]) -> bool {
    debug_assert!(bytes.len() >= MIN_CHECKED, "fewer may be zeros by accident");
    let mut rng = Watched::new(rng);
    rng.note_fill(bytes);
    rng.is_valid()
}

/// A number that need not be secret.
pub(crate) fn public_number(rng: &mut impl CryptoRng) -> u16 {
    let mut bytes = [0; 2];
    Watched::new(rng).note_fill(&mut bytes);
    u16::from_be_bytes(bytes)
}

impl<R: CryptoRng> Watched<'_, R> {
    #[expect(clippy::disallowed_methods, reason = "the only caller")]
    fn note_fill(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
        let any = bytes.iter().fold(0, |any, byte| any | byte);
        self.is_valid &= any != 0 || bytes.len() < MIN_CHECKED;
    }
}

impl<R: CryptoRng> TryRng for Watched<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.rng.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.rng.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.note_fill(bytes);
        Ok(())
    }
}

impl<R: CryptoRng> TryCryptoRng for Watched<'_, R> {}
