//! The IVs of opened frames, where no order in them could reject old ones.

use alloc::vec::Vec;

use super::Iv;
use crate::OpenError;

/// IVs that are remembered: enough for half a minute of a busy data track, or for a minute of
/// sound. An older frame opens again.
const REMEMBERED: usize = 4096;

/// The last IVs that have opened something.
pub(crate) struct SeenIvs {
    /// A ring, once it is full.
    seen: Vec<Iv>,
    next: usize,
}

impl SeenIvs {
    pub(crate) const fn new() -> Self {
        Self { seen: Vec::new(), next: 0 }
    }

    /// Whether data with this IV may be opened. Only reads: none of it is authentic yet.
    #[inline]
    pub(crate) fn check(&self, iv: Iv, count: u32) -> Result<(), OpenError> {
        if self.seen.contains(&iv) {
            return Err(OpenError::Replayed { count: count.into() });
        }
        Ok(())
    }

    /// Marks an IV that has passed [`check`](Self::check) and whose frame has opened. Memory grows
    /// with the remembered IVs, to 64 kB.
    pub(crate) fn mark(&mut self, iv: Iv) {
        if let Some(oldest) = self.seen.get_mut(self.next) {
            *oldest = iv;
        } else {
            self.seen.push(iv);
        }
        self.next = (self.next + 1) % REMEMBERED;
    }
}
