//! The keys that a receiver holds, each with the steps ahead that have been worked out.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use sealframe_crypto::{AeadKey, Backend};

use super::{
    kdf::{Kdf, KeyInput, Secret, Step},
    send_keys::reduced,
};
use crate::KeyError;

/// Frames that a step opens before the one before it is wiped: a second or more, longer than frames
/// overtake each other.
const KEPT_FOR: u16 = 256;

pub(crate) struct ReceiveKey {
    pub(crate) step: Step,
    /// The step before, for frames that those of this one have overtaken; and how many this one may
    /// open until it is wiped.
    before: Option<(Step, u16)>,
    kdf: Kdf,
    /// Keys are numbered as they come, from 1. A ratchet changes nothing, and the same key at two
    /// indexes has one number.
    number: u64,
    /// Candidates: the steps after the present one, in order. They depend on the key alone, not on
    /// received frames.
    ahead: VecDeque<Step>,
    /// Frames in a row that did not open.
    pub(crate) failures: u16,
    pub(crate) is_reported: bool,
}

impl ReceiveKey {
    pub(crate) fn can_ratchet(&self) -> bool {
        self.step.next.is_some()
    }

    /// Derives the candidate `number` steps ahead (from 1) unless it is held, if `may_derive`.
    /// `number - 1` are held.
    pub(crate) fn candidate(
        &mut self,
        backend: Backend,
        number: u8,
        may_derive: bool,
    ) -> Option<&Step> {
        if self.ahead.len() < usize::from(number) {
            if !may_derive {
                return None;
            }
            let last = self.ahead.back().unwrap_or(&self.step);
            let next = Secret::new(last.next.as_ref()?.expose());
            self.ahead.push_back(self.kdf.expand(backend, next));
        }
        self.ahead.get(usize::from(number) - 1)
    }

    /// The number of candidates.
    pub(crate) fn worked_out(&self) -> usize {
        self.ahead.len()
    }

    /// Steps that may be worked out for one frame: one if that takes milliseconds.
    pub(crate) const fn steps_at_once(&self) -> u8 {
        if self.kdf.is_slow() { 1 } else { u8::MAX }
    }

    /// The candidate `number` steps ahead has opened a frame: it is the key now. Those before it
    /// are wiped, the last of them in a moment.
    pub(crate) fn advance(&mut self, number: u8) {
        for _ in 0..number {
            if let Some(step) = self.ahead.pop_front() {
                self.replace(step);
            }
        }
    }

    /// Moves on to a step.
    fn replace(&mut self, step: Step) {
        let before = core::mem::replace(&mut self.step, step);
        self.before = Some((before, KEPT_FOR));
    }

    /// Whether it has moved on a moment ago.
    #[inline]
    pub(crate) const fn has_ratcheted(&self) -> bool {
        self.before.is_some()
    }

    /// Of the step before, if it has moved on a moment ago.
    pub(crate) fn aead_before(&self) -> Option<&AeadKey> {
        self.before.as_ref().map(|(step, _)| &step.aead)
    }

    /// The present step has opened one more frame.
    #[cold]
    pub(crate) fn opened_with_present(&mut self) {
        if let Some((_, left)) = &mut self.before {
            *left -= 1;
            if *left == 0 {
                self.before = None;
            }
        }
    }
}

/// Keys by their index.
pub(crate) struct ReceiveKeys {
    pub(crate) backend: Backend,
    ring: Vec<Option<Box<ReceiveKey>>>,
    /// Indexes whose missing key has been reported.
    told: [u64; 4],
    /// The number of the last key that came.
    newest: u64,
    /// The least number of a key that is held.
    oldest: u64,
}

impl ReceiveKeys {
    pub(crate) fn new(backend: Backend, ring_size: u16) -> Self {
        let ring = (0..ring_size).map(|_| None).collect();
        Self { backend, ring, told: [0; 4], newest: 0, oldest: u64::MAX }
    }

    pub(crate) fn index(&self, index: u32) -> u8 {
        reduced(index, self.ring.len())
    }

    /// Whether the ring has such an index.
    pub(crate) fn has_place(&self, index: u8) -> bool {
        usize::from(index) < self.ring.len()
    }

    #[inline]
    pub(crate) fn at(&self, index: u8) -> Option<&ReceiveKey> {
        self.ring.get(usize::from(index))?.as_deref()
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, index: u8) -> Option<&mut ReceiveKey> {
        self.ring.get_mut(usize::from(index))?.as_deref_mut()
    }

    /// The number of the last key that came, 0 before the first.
    #[inline]
    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    /// The lowest number of a held key; the maximum if there is none.
    #[inline]
    pub(crate) const fn oldest(&self) -> u64 {
        self.oldest
    }

    fn find_oldest(&mut self) {
        let numbers = self.ring.iter().flatten().map(|key| key.number);
        self.oldest = numbers.min().unwrap_or(u64::MAX);
    }

    /// The number of this key if it is held already, or the next one.
    fn number_of(&mut self, is_same: impl Fn(&ReceiveKey) -> bool) -> u64 {
        if let Some(held) = self.ring.iter().flatten().find(|key| is_same(key)) {
            return held.number;
        }
        self.newest += 1;
        self.newest
    }

    /// Sets a key in place of the one at this index. The same key again changes nothing.
    pub(crate) fn set(&mut self, index: u32, kdf: Kdf, input: KeyInput) -> u8 {
        let index = self.index(index);
        let is_same = |held: &ReceiveKey| held.kdf == kdf && held.step.material.is(input.secret());
        if !self.at(index).is_some_and(is_same) {
            let number = self.number_of(is_same);
            let step = input.expand(&kdf, self.backend);
            self.ring[usize::from(index)] = Some(Box::new(ReceiveKey {
                step,
                before: None,
                kdf,
                number,
                ahead: VecDeque::new(),
                failures: 0,
                is_reported: false,
            }));
            self.find_oldest();
        }
        self.told[usize::from(index) / 64] &= !(1 << (index % 64));
        index
    }

    /// Moves a key one step on, as its sender has signalled.
    pub(crate) fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        let index = self.index(index);
        let backend = self.backend;
        let held = self.at_mut(index).ok_or(KeyError::NoKey)?;
        held.candidate(backend, 1, true).ok_or(KeyError::NoRatchet)?;
        held.advance(1);
        Ok(index)
    }

    /// Moves a key on to one that its sender derived of it somewhere else. Without one at this
    /// index, it is set there.
    #[cfg(feature = "livekit")]
    pub(crate) fn move_on(&mut self, index: u32, kdf: Kdf, input: KeyInput) -> u8 {
        let backend = self.backend;
        match self.at_mut(self.index(index)) {
            Some(held) if held.kdf == kdf => {
                held.ahead.clear();
                held.replace(input.expand(&kdf, backend));
                (held.failures, held.is_reported) = (0, false);
                self.index(index)
            }
            _ => self.set(index, kdf, input),
        }
    }

    pub(crate) fn remove(&mut self, index: u32) -> bool {
        let index = self.index(index);
        let removed = self.ring[usize::from(index)].take();
        self.find_oldest();
        removed.is_some()
    }

    /// The material of a key's next step.
    #[cfg(feature = "livekit")]
    pub(crate) fn next_material(&self, index: u32) -> Option<&[u8]> {
        Some(self.at(self.index(index))?.step.next.as_ref()?.expose())
    }

    pub(crate) fn material(&self, index: u32) -> Option<&[u8]> {
        Some(self.at(self.index(index))?.step.material.expose())
    }

    /// Whether the missing key at this index has not been reported yet.
    pub(crate) fn reports_unknown(&mut self, index: u8) -> bool {
        let (word, bit) = (usize::from(index) / 64, 1 << (index % 64));
        let is_new = self.told[word] & bit == 0;
        self.told[word] |= bit;
        is_new
    }
}
