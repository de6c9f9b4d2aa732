//! Randomness from outside: the one door to it.

use core::{convert::Infallible, time::Duration};

use rand_core::{CryptoRng, TryCryptoRng, TryRng};

/// When a generator that gave nothing but zeros is asked again.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(1);

/// From so many bytes on, nothing but zeros is no accident.
const TELLING: usize = 16;

/// A generator that notes whether it has given nothing but zeros, as one does that does not work.
///
/// Every secret of this crate is drawn through it, and none is used unless [`is_sound`](Self::is_sound).
pub(crate) struct Watched<'r, R> {
    rng: &'r mut R,
    is_sound: bool,
}

impl<'r, R: CryptoRng> Watched<'r, R> {
    pub(crate) const fn new(rng: &'r mut R) -> Self {
        Self { rng, is_sound: true }
    }

    /// Whether all that was drawn may be used.
    pub(crate) const fn is_sound(&self) -> bool {
        self.is_sound
    }
}

/// Fills `bytes`, at least 16; whether they may be used.
pub(crate) fn fill(rng: &mut impl CryptoRng, bytes: &mut [u8]) -> bool {
    debug_assert!(bytes.len() >= TELLING, "fewer may be zeros by accident");
    let mut rng = Watched::new(rng);
    rng.note_fill(bytes);
    rng.is_sound()
}

/// A number that is no secret.
pub(crate) fn public_number(rng: &mut impl CryptoRng) -> u16 {
    let mut bytes = [0; 2];
    Watched::new(rng).note_fill(&mut bytes);
    u16::from_be_bytes(bytes)
}

impl<R: CryptoRng> Watched<'_, R> {
    #[expect(clippy::disallowed_methods, reason = "the one door")]
    fn note_fill(&mut self, bytes: &mut [u8]) {
        self.rng.fill_bytes(bytes);
        let any = bytes.iter().fold(0, |any, byte| any | byte);
        self.is_sound &= any != 0 || bytes.len() < TELLING;
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
