//! One sender's keys in one epoch, and the replay window over its frames.

use alloc::vec::Vec;
use core::time::Duration;

use sealframe_crypto::{Backend, ShortTagKey};
use sealframe_wire::Ctr;
use sealframe_wire::ReplayWindow;

use crate::{OpenError, ReceiverStats};

use super::{
    BaseSecret, HashRatchet,
    send_key::{GENERATION_SHIFT, full_nonce},
    trailer::TAG_LEN,
};

/// How long keys are kept after what takes their place.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// Generations that a frame may be ahead of the newest opened one.
const MAX_GAP: u32 = 250;
/// Generations that the 8 bits of a nonce distinguish.
const WRAP: u32 = 256;
/// More than any sender makes: bounds which generation a frame can be of, by the age of the epoch.
/// libdave has 170.
const MAX_FRAMES_PER_SECOND: u128 = 680;

/// One epoch of one sender.
pub(super) struct Epoch {
    /// The application's name for it.
    pub(super) number: u64,
    /// Since when it is held.
    pub(super) since: Duration,
    /// When it is erased, if a newer one has been added.
    pub(super) until: Option<Duration>,
    /// At the oldest generation that is still to be opened.
    ratchet: HashRatchet,
    /// The newest generation that has opened a frame, or 0.
    newest: u32,
    /// Keys that have opened a frame, none older than the ratchet.
    keys: Vec<HeldKey>,
    /// When generations up to the second are erased, in order of both.
    erasures: Vec<(Duration, u32)>,
    replay: ReplayWindow,
    backend: Backend,
}

struct HeldKey {
    generation: u32,
    key: ShortTagKey,
}

/// A frame that is to be tried.
pub(super) struct Trial<'a> {
    /// As sent.
    pub(super) nonce: u32,
    pub(super) clear: &'a [u8],
    pub(super) tag: [u8; TAG_LEN],
    pub(super) now: Duration,
    /// For a backend that opens in two buffers.
    pub(super) scratch: &'a mut Vec<u8>,
}

impl Epoch {
    pub(super) fn new(number: u64, base_secret: BaseSecret, backend: Backend, now: Duration) -> Self {
        Self {
            number,
            since: now,
            until: None,
            ratchet: HashRatchet::new(base_secret),
            newest: 0,
            keys: Vec::new(),
            erasures: Vec::new(),
            replay: ReplayWindow::new(),
            backend,
        }
    }

    /// Whether all of it, or something in it, has outlived its time.
    #[inline]
    pub(super) fn has_old(&self, now: Duration) -> bool {
        let is_due = |at: Duration| at <= now;
        self.until.is_some_and(is_due) || self.erasures.first().is_some_and(|&(at, _)| is_due(at))
    }

    /// Erases expired keys.
    pub(super) fn erase_old(&mut self, now: Duration) {
        let due = self.erasures.iter().take_while(|(at, _)| *at <= now).count();
        if let Some((_, generation)) = self.erasures.drain(..due).next_back()
            && self.ratchet.advance_to(generation).is_some()
        {
            self.keys.retain(|held| held.generation >= generation);
        }
    }

    /// Decrypts the payload and returns the whole nonce. A key that had to be derived is kept only
    /// then.
    ///
    /// # Errors
    /// [`OpenError`]; epoch and payload are unchanged.
    #[inline(always)] // a part of the hot door
    pub(super) fn open(
        &mut self,
        trial: &mut Trial<'_>,
        payload: &mut [u8],
        stats: &mut ReceiverStats,
    ) -> Result<u64, OpenError> {
        let generation = self.widen(trial.nonce, trial.now)?;
        let low = trial.nonce & ((1 << GENERATION_SHIFT) - 1);
        let nonce = u64::from(generation) << GENERATION_SHIFT | u64::from(low);
        self.replay.check(Ctr::new(nonce))?;
        match self.keys.iter().find(|held| held.generation == generation) {
            Some(held) => trial.open(&held.key, payload)?,
            None => self.open_with_new_key(generation, trial, payload, stats)?,
        }
        self.replay.mark(Ctr::new(nonce));
        if generation > self.newest {
            self.newest = generation;
            self.erasures.push((trial.now.saturating_add(GRACE), generation));
        }
        Ok(nonce)
    }

    #[cold]
    fn open_with_new_key(
        &mut self,
        generation: u32,
        trial: &mut Trial<'_>,
        payload: &mut [u8],
        stats: &mut ReceiverStats,
    ) -> Result<(), OpenError> {
        stats.trials += 1;
        stats.derivations += u64::from(generation - self.ratchet.generation());
        let erased = OpenError::StepErased { generation };
        let ratchet = self.ratchet.at(generation).ok_or(erased)?;
        let key = ShortTagKey::new(self.backend, &ratchet.expose_key());
        trial.open(&key, payload)?;
        self.keys.push(HeldKey { generation, key });
        Ok(())
    }

    /// The whole generation of a nonce, of which 8 bits are sent: the first that is not erased.
    #[inline]
    fn widen(&self, nonce: u32, now: Duration) -> Result<u32, OpenError> {
        let sent = nonce >> GENERATION_SHIFT;
        let oldest = self.ratchet.generation();
        let ahead = sent.wrapping_sub(oldest) % WRAP;
        let too_far = OpenError::StepTooFar { generation: oldest.saturating_add(ahead) };
        let generation = oldest.checked_add(ahead).ok_or(too_far)?;
        if generation <= self.newest || self.can_have_come(generation, now) {
            return Ok(generation);
        }
        Err(too_far)
    }

    /// Whether a sender can be at a generation that has opened no frame yet.
    fn can_have_come(&self, generation: u32, now: Duration) -> bool {
        let age = now.saturating_sub(self.since).as_secs();
        let frames = MAX_FRAMES_PER_SECOND * u128::from(age);
        let in_time = (frames >> GENERATION_SHIFT) + 1;
        generation <= self.newest.saturating_add(MAX_GAP) && u128::from(generation) <= in_time
    }
}

impl Trial<'_> {
    /// Leaves a rejected payload unchanged.
    #[inline(always)] // a part of the hot door
    fn open(&mut self, key: &ShortTagKey, payload: &mut [u8]) -> Result<(), OpenError> {
        let nonce = full_nonce(self.nonce);
        let opened = key.decrypt(nonce, self.clear, payload, self.tag, self.scratch);
        opened.map_err(|_| OpenError::Unauthentic)
    }
}
