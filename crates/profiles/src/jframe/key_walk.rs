//! Tries the keys before and after the present one.

use super::open::{Examined, Opener};

impl Opener {
    /// Tries the step before, if the key has left it only now.
    #[cold]
    pub(super) fn try_before(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        let key = self.keys.at(examined.index);
        let Some(aead) = key.and_then(|key| key.aead_before()) else { return false };
        self.report.stats.trials += 1;
        let iv = examined.iv.to_bytes();
        aead.decrypt_or_restore(iv, clear, payload, tag, &mut self.spare).is_ok()
    }

    /// Tries the keys ahead, one after the other, each a step of the one before. Returns which one
    /// opened the frame.
    #[cold]
    pub(super) fn walk(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> Option<u8> {
        let (backend, iv) = (self.keys.backend, examined.iv.to_bytes());
        let key = self.keys.at_mut(examined.index)?;
        let mut derivations = self.policy.max_derivations_per_frame.min(key.steps_at_once());
        for number in 1..=self.policy.ratchet_window {
            let before = key.worked_out();
            let candidate = key.candidate(backend, number, derivations > 0)?;
            let aead = &candidate.aead;
            let opened = aead.decrypt_or_restore(iv, clear, payload, tag, &mut self.spare);
            let has_derived = key.worked_out() > before;
            derivations -= u8::from(has_derived);
            self.report.stats.derivations += u64::from(has_derived);
            self.report.stats.trials += 1;
            if opened.is_ok() {
                return Some(number);
            }
        }
        None
    }
}
